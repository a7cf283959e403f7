// The suite of discord.js: each feature as its users use it.

import assert from "node:assert/strict";
import {
    ActionRowBuilder, ApplicationCommandType, AttachmentBuilder, AuditLogEvent, ButtonBuilder, ButtonStyle,
    ChannelSelectMenuBuilder, ChannelType, Client, ContextMenuCommandBuilder, EmbedBuilder, Events, GatewayIntentBits,
    MessageFlags, ModalBuilder, Partials, PermissionFlagsBits, RESTJSONErrorCodes, RoleSelectMenuBuilder,
    SlashCommandBuilder, StringSelectMenuBuilder, TextInputBuilder, TextInputStyle, UserSelectMenuBuilder, version,
} from "discord.js";
import { call, direct, fault, interact, messages, react, requests, runAll, say, soon, url, vote } from "./control.mjs";

const client = new Client({
    intents: Object.values(GatewayIntentBits).filter((bit) => typeof bit === "number"),
    partials: [Partials.Channel, Partials.Message, Partials.Reaction],
    rest: { api: `${url}/api` },
});
client.on(Events.Error, (error) => console.error(error));

let guild;
let general;
const channel = (name) => guild.channels.cache.find((one) => one.name === name);
const user = (name) => client.users.cache.find((one) => one.username === name);

/** The next event of this name for which `fits` holds; to be called before what causes it. */
function next(name, fits = () => true) {
    let listener;
    const found = new Promise((resolve) => {
        listener = (...things) => fits(...things) && resolve(things.length > 1 ? things : things[0]);
        client.on(name, listener);
    });
    const coming = soon(found, name).finally(() => client.off(name, listener));
    // A test that fails before it waits for this has failed once.
    coming.catch(() => {});
    return coming;
}

const command = (kind) => next(Events.InteractionCreate, (one) => one[kind]?.());

/** What a person gets for an interaction that `answer` answers. */
async function used(person, place, request, kind, answer) {
    const coming = command(kind);
    const using = interact(person, place, request);
    const interaction = await coming;
    await answer(interaction);
    const seen = await using;
    assert.equal(seen.answered, true);
    return seen;
}

const row = (...components) => new ActionRowBuilder().addComponents(...components);

await runAll({
    async login() {
        const ready = next(Events.ClientReady);
        await client.login(process.env.DISCORD_TOKEN);
        await ready;
        guild = client.guilds.cache.find((one) => one.name === "Clients");
        general = channel("general");
        assert.equal(client.user.username, "tester");
        assert.equal(client.application.id, client.user.id);
        assert.equal(general.topic, "Everything");
        assert.equal(general.parent.name, "Text");
        assert.equal(guild.roles.cache.find((role) => role.name === "guests").color, 255);
        const members = await guild.members.fetch();
        assert.equal(members.size, 5);
        assert.equal(members.find((one) => one.user.username === "anna").displayName, "Annie");
        assert.equal((await guild.fetchOwner()).user.username, "owner");
        assert.equal((await client.application.fetch()).owner.username, "owner");
        assert.ok(guild.members.me.permissions.has(PermissionFlagsBits.BanMembers));
        assert.equal((await guild.members.fetch({ query: "ann", limit: 1 })).size, 1);
    },
    async messages() {
        const coming = next(Events.MessageCreate, (one) => one.author.username === "anna");
        await say("anna", "general", "hello there");
        const message = await coming;
        assert.equal(message.content, "hello there");
        assert.equal(message.member.nickname, "Annie");
        const reply = await message.reply("hello");
        assert.equal((await reply.fetchReference()).id, message.id);
        const updated = next(Events.MessageUpdate);
        await reply.edit("hello again");
        const [, now] = await updated;
        assert.equal(now.content, "hello again");
        assert.ok(now.editedTimestamp);
        const mention = await general.send(`<@${user("ben").id}>`);
        assert.ok(mention.mentions.users.has(user("ben").id));
        const deleted = next(Events.MessageDelete);
        await reply.delete();
        assert.equal((await deleted).id, reply.id);
    },
    async embeds() {
        const embed = new EmbedBuilder().setTitle("Title").setDescription("Text").setColor(0x00ff00)
            .addFields({ name: "a", value: "b", inline: true }).setFooter({ text: "foot" }).setTimestamp();
        const sent = await general.send({ embeds: [embed] });
        const [shown] = (await general.messages.fetch(sent.id)).embeds;
        assert.deepEqual([shown.title, shown.color, shown.fields[0].value, shown.footer.text], ["Title", 0x00ff00, "b", "foot"]);
    },
    async files() {
        const file = new AttachmentBuilder(Buffer.from("some text"), { name: "note.txt", description: "A note" });
        const sent = await general.send({ files: [file], embeds: [new EmbedBuilder().setImage("attachment://note.txt")] });
        const shown = await general.messages.fetch({ message: sent.id, force: true });
        const attachment = shown.attachments.first();
        assert.deepEqual([attachment?.name, attachment?.size, attachment?.description], ["note.txt", 9, "A note"]);
        assert.equal(await (await fetch(attachment.url)).text(), "some text");
    },
    async reactions() {
        const sent = await general.send("react");
        await sent.react("👍");
        const added = next(Events.MessageReactionAdd, (_, one) => one.username === "ben");
        await react("ben", "general", sent.id, "👍");
        const [reaction] = await added;
        assert.deepEqual([reaction.emoji.name, reaction.count, reaction.me], ["👍", 2, true]);
        assert.equal((await reaction.users.fetch()).size, 2);
        const removed = next(Events.MessageReactionRemove, (_, one) => one.username === "ben");
        await react("ben", "general", sent.id, "👍", false);
        await removed;
        const cleared = next(Events.MessageReactionRemoveAll);
        await sent.reactions.removeAll();
        await cleared;
    },
    async history() {
        const archive = channel("archive");
        const before = await archive.messages.fetch({ limit: 10 });
        assert.equal(before.last().content, "from before");
        const pinned = next(Events.ChannelPinsUpdate);
        await before.last().pin();
        await pinned;
        const pins = await archive.messages.fetchPins();
        assert.equal(pins.items[0].message.content, "from before");
        await before.last().unpin();
        const sent = [];
        for (const text of ["a", "b", "c"]) {
            sent.push(await archive.send(text));
        }
        const after = await archive.messages.fetch({ after: sent[0].id });
        assert.deepEqual([...after.values()].map((one) => one.content).sort(), ["b", "c"]);
        const deleted = next(Events.MessageBulkDelete);
        await archive.bulkDelete(sent);
        assert.equal((await deleted)[0].size, 3);
    },
    async threads() {
        const sent = await general.send("a topic");
        const created = next(Events.ThreadCreate);
        const thread = await sent.startThread({ name: "talk", autoArchiveDuration: 60 });
        const [seen] = await created;
        assert.deepEqual([seen.id, thread.parentId], [sent.id, general.id]);
        const changed = next(Events.ThreadMembersUpdate);
        await thread.members.add(user("ben").id);
        assert.ok((await changed)[0].has(user("ben").id));
        assert.ok((await thread.members.fetch()).has(user("ben").id));
        await thread.send("inside");
        const updated = next(Events.ThreadUpdate);
        await thread.setArchived(true);
        assert.equal((await updated)[1].archived, true);
        assert.ok((await general.threads.fetchArchived()).threads.has(thread.id));
        const closed = await general.threads.create({ name: "closed", type: ChannelType.PrivateThread });
        assert.equal(closed.type, ChannelType.PrivateThread);
        // By somebody else: of its own request the client forgets the thread at the answer, and tells nobody.
        const deleted = next(Events.ThreadDelete);
        await call("owner", "DELETE", `/channels/${closed.id}`);
        await deleted;
    },
    async forum() {
        const forum = channel("questions");
        const open = forum.availableTags.find((tag) => tag.name === "open");
        const post = await forum.threads.create({ name: "How?", message: { content: "Like this?" }, appliedTags: [open.id] });
        assert.deepEqual(post.appliedTags, [open.id]);
        assert.equal((await post.fetchStarterMessage()).content, "Like this?");
        const active = await forum.threads.fetchActive();
        assert.ok(active.threads.has(post.id));
    },
    async channels() {
        const created = next(Events.ChannelCreate);
        const made = await guild.channels.create({ name: "made", topic: "new", parent: channel("Text").id });
        assert.equal((await created).id, made.id);
        const updated = next(Events.ChannelUpdate, (_, one) => one.topic === "newer");
        await made.setTopic("newer");
        await updated;
        const overwritten = next(Events.ChannelUpdate);
        await made.permissionOverwrites.edit(guild.roles.everyone, { SendMessages: false });
        await overwritten;
        assert.ok(!made.permissionsFor(guild.members.cache.get(user("ben").id)).has(PermissionFlagsBits.SendMessages));
        await made.setRateLimitPerUser(5);
        assert.equal((await made.fetch(true)).rateLimitPerUser, 5);
        const deleted = next(Events.ChannelDelete);
        await made.delete();
        await deleted;
    },
    async roles() {
        const created = next(Events.GuildRoleCreate);
        const role = await guild.roles.create({ name: "made", colors: { primaryColor: 0xff0000 }, mentionable: true });
        await created;
        assert.equal(role.name, "made");
        const ben = await guild.members.fetch(user("ben").id);
        const given = next(Events.GuildMemberUpdate, (_, one) => one.roles.cache.has(role.id));
        await ben.roles.add(role, "because");
        await given;
        const taken = next(Events.GuildMemberUpdate, (_, one) => !one.roles.cache.has(role.id));
        await ben.roles.remove(role);
        await taken;
        const updated = next(Events.GuildRoleUpdate);
        await role.setName("renamed");
        assert.equal((await updated)[1].name, "renamed");
        const renamed = next(Events.GuildMemberUpdate, (_, one) => one.nickname === "Benny");
        await ben.setNickname("Benny");
        await renamed;
        const deleted = next(Events.GuildRoleDelete);
        await role.delete();
        await deleted;
    },
    async moderation() {
        const carl = await guild.members.fetch(user("carl").id);
        const timedOut = next(Events.GuildMemberUpdate, (_, one) => one.isCommunicationDisabled());
        await carl.timeout(60_000, "loud");
        await timedOut;
        await assert.rejects(say("carl", "general", "x"));
        await carl.timeout(null);
        const banned = next(Events.GuildBanAdd);
        const left = next(Events.GuildMemberRemove);
        await guild.members.ban(carl, { reason: "rude", deleteMessageSeconds: 60 });
        await banned;
        await left;
        assert.equal((await guild.bans.fetch(carl.id)).reason, "rude");
        assert.equal((await guild.bans.fetch()).size, 1);
        const unbanned = next(Events.GuildBanRemove);
        await guild.bans.remove(carl.id);
        await unbanned;
        const ben = await guild.members.fetch(user("ben").id);
        assert.ok(ben.kickable);
    },
    async audit_log() {
        const told = next(Events.GuildAuditLogEntryCreate, (one) => one.action === AuditLogEvent.MemberUpdate);
        const ben = await guild.members.fetch(user("ben").id);
        await ben.setNickname("B", "shorter");
        const [entry] = await told;
        assert.deepEqual([entry.reason, entry.executorId, entry.targetId], ["shorter", client.user.id, ben.id]);
        const log = await guild.fetchAuditLogs({ type: AuditLogEvent.MemberBanAdd, limit: 5 });
        assert.equal(log.entries.first().reason, "rude");
    },
    async invites() {
        const created = next(Events.InviteCreate);
        const invite = await general.createInvite({ maxAge: 3600, maxUses: 2 });
        assert.equal((await created).code, invite.code);
        assert.equal((await client.fetchInvite(invite.code)).guild.id, guild.id);
        assert.ok((await guild.invites.fetch()).has(invite.code));
        const deleted = next(Events.InviteDelete);
        await invite.delete();
        await deleted;
    },
    async webhooks() {
        const updated = next(Events.WebhooksUpdate);
        const hook = await general.createWebhook({ name: "news" });
        await updated;
        const seen = next(Events.MessageCreate, (one) => one.webhookId === hook.id);
        const sent = await hook.send({ content: "by hook", username: "Reporter" });
        assert.equal((await seen).author.username, "Reporter");
        assert.equal((await hook.editMessage(sent.id, "edited")).content, "edited");
        assert.equal((await hook.fetchMessage(sent.id)).content, "edited");
        await hook.deleteMessage(sent.id);
        assert.equal((await general.fetchWebhooks()).size, 1);
        await hook.delete();
        assert.equal((await guild.fetchWebhooks()).size, 0);
    },
    async polls() {
        const poll = { question: { text: "Tea?" }, answers: [{ text: "Yes" }, { text: "No" }], duration: 1, allowMultiselect: false };
        const sent = await general.send({ poll });
        const voted = next(Events.MessagePollVoteAdd);
        await vote("anna", "general", sent.id, [1]);
        const [answer, voter] = await voted;
        assert.deepEqual([answer.id, voter], [1, user("anna").id]);
        const voters = await sent.poll.answers.get(1).voters.fetch();
        assert.equal(voters.size, 1);
        await sent.poll.end();
        const ended = await general.messages.fetch({ message: sent.id, force: true });
        assert.equal(ended.poll.resultsFinalized, true);
    },
    async direct() {
        const place = await direct("anna");
        const coming = next(Events.MessageCreate, (one) => !one.inGuild());
        await say("anna", place, "psst");
        const message = await coming;
        assert.equal(message.content, "psst");
        await message.channel.send("yes?");
        await user("ben").send("hi");
        assert.equal((await messages(await direct("ben"))).at(-1).content, "hi");
    },
    async slash() {
        const built = new SlashCommandBuilder().setName("echo").setDescription("Says it").addStringOption((one) =>
            one.setName("text").setDescription("What").setRequired(true)).addUserOption((one) =>
            one.setName("who").setDescription("To whom")).addIntegerOption((one) =>
            one.setName("times").setDescription("How often").setMinValue(1).setMaxValue(5));
        const group = new SlashCommandBuilder().setName("tag").setDescription("Tags").addSubcommand((one) =>
            one.setName("show").setDescription("Shows").addStringOption((option) =>
                option.setName("name").setDescription("Which").setRequired(true).setAutocomplete(true)));
        await client.application.commands.set([built, group]);
        assert.equal((await client.application.commands.fetch()).size, 2);
        const options = { text: "hi", who: user("ben").id, times: 2 };
        await used("anna", "general", { kind: "command", path: ["echo"], options }, "isChatInputCommand", async (one) => {
            assert.deepEqual([one.options.getString("text"), one.options.getInteger("times")], ["hi", 2]);
            assert.equal(one.options.getUser("who").username, "ben");
            assert.equal(one.options.getMember("who").id, user("ben").id);
            assert.deepEqual([one.locale, one.guildLocale], ["id", "en-US"]);
            assert.ok(one.memberPermissions.has(PermissionFlagsBits.SendMessages));
            await one.deferReply();
            await one.editReply("hi, ben");
            const reply = await one.fetchReply();
            assert.equal(reply.content, "hi, ben");
            assert.equal(reply.interactionMetadata.user.username, "anna");
            const more = await one.followUp("more");
            await one.webhook.editMessage(more, "even more");
            await one.deleteReply(more);
        });
        await assert.rejects(interact("anna", "general", { kind: "command", path: ["echo"], options: {} }));
        await guild.commands.create(new SlashCommandBuilder().setName("here").setDescription("Only here"));
        assert.equal((await guild.commands.fetch()).size, 1);
        await guild.commands.set([]);
    },
    async autocomplete() {
        const request = { kind: "autocomplete", path: ["tag", "show"], options: { name: "a" }, focused: "name" };
        const seen = await used("anna", "general", request, "isAutocomplete", async (one) => {
            assert.equal(one.options.getFocused(), "a");
            assert.equal(one.options.getSubcommand(), "show");
            await one.respond([{ name: "apple", value: "apple" }]);
        });
        assert.equal(seen.choices[0].name, "apple");
    },
    async buttons() {
        const button = new ButtonBuilder().setCustomId("go").setLabel("Go").setStyle(ButtonStyle.Primary);
        const sent = await general.send({ content: "press", components: [row(button)] });
        const request = { kind: "component", message: sent.id, custom_id: "go", values: [] };
        await used("anna", "general", request, "isButton", async (one) => {
            assert.equal(one.message.id, sent.id);
            const answer = await one.update({ content: "pressed", components: [], withResponse: true });
            assert.equal(answer.resource.message.content, "pressed");
        });
        assert.equal((await general.messages.fetch({ message: sent.id, force: true })).content, "pressed");
        const again = await general.send({ content: "wait", components: [row(button)] });
        const collected = again.awaitMessageComponent({ time: 5_000 });
        const using = interact("ben", "general", { kind: "component", message: again.id, custom_id: "go", values: [] });
        await (await collected).deferUpdate();
        assert.equal((await using).answered, true);
    },
    async selects() {
        const menus = [
            [new StringSelectMenuBuilder().setCustomId("s").addOptions({ label: "One", value: "1" }, { label: "Two", value: "2" }).setMaxValues(2), ["1", "2"], "isStringSelectMenu"],
            [new UserSelectMenuBuilder().setCustomId("u"), [user("ben").id], "isUserSelectMenu"],
            [new RoleSelectMenuBuilder().setCustomId("r"), [guild.roles.cache.find((one) => one.name === "guests").id], "isRoleSelectMenu"],
            [new ChannelSelectMenuBuilder().setCustomId("c"), [general.id], "isChannelSelectMenu"],
        ];
        const sent = await general.send({ content: "choose", components: menus.map(([menu]) => row(menu)) });
        for (const [menu, values, kind] of menus) {
            const request = { kind: "component", message: sent.id, custom_id: menu.data.custom_id, values };
            await used("anna", "general", request, kind, async (one) => {
                assert.deepEqual(one.values, values);
                const named = { isUserSelectMenu: one.users, isRoleSelectMenu: one.roles, isChannelSelectMenu: one.channels }[kind];
                assert.ok(!named || named.has(values[0]));
                await one.reply({ content: "chosen", flags: MessageFlags.Ephemeral });
            });
        }
    },
    async modals() {
        const modal = new ModalBuilder().setCustomId("form").setTitle("Form").addComponents(
            row(new TextInputBuilder().setCustomId("name").setLabel("Name").setStyle(TextInputStyle.Short)));
        const request = { kind: "command", path: ["echo"], options: { text: "x" } };
        const seen = await used("anna", "general", request, "isChatInputCommand", (one) => one.showModal(modal));
        assert.equal(seen.modal.title, "Form");
        const submit = { kind: "modal", custom_id: "form", fields: [["name", "Rin"]] };
        await used("anna", "general", submit, "isModalSubmit", async (one) => {
            assert.equal(one.fields.getTextInputValue("name"), "Rin");
            await one.reply("thanks");
        });
    },
    async context_menus() {
        await guild.commands.set([
            new ContextMenuCommandBuilder().setName("Look").setType(ApplicationCommandType.User),
            new ContextMenuCommandBuilder().setName("Quote").setType(ApplicationCommandType.Message),
        ]);
        const look = { kind: "user", name: "Look", target: user("ben").id };
        await used("anna", "general", look, "isUserContextMenuCommand", async (one) => {
            assert.equal(one.targetUser.username, "ben");
            await one.reply("seen");
        });
        const { id } = await say("ben", "general", "words");
        const quote = { kind: "message", name: "Quote", target: id };
        await used("anna", "general", quote, "isMessageContextMenuCommand", async (one) => {
            assert.equal(one.targetMessage.content, "words");
            await one.reply("quoted");
        });
    },
    async ephemeral() {
        const request = { kind: "command", path: ["echo"], options: { text: "x" } };
        let hidden;
        await used("anna", "general", request, "isChatInputCommand", async (one) => {
            await one.reply({ content: "only you", flags: MessageFlags.Ephemeral });
            hidden = await one.fetchReply();
            assert.ok(hidden.flags.has(MessageFlags.Ephemeral));
        });
        await assert.rejects(general.messages.fetch({ message: hidden.id, force: true }), { code: RESTJSONErrorCodes.UnknownMessage });
    },
    async permissions() {
        await assert.rejects(channel("read-only").send("x"), { code: RESTJSONErrorCodes.MissingPermissions });
        await assert.rejects(channel("secret").send("x"), { code: RESTJSONErrorCodes.MissingAccess });
        await assert.rejects(guild.members.ban(guild.ownerId), { code: RESTJSONErrorCodes.MissingPermissions });
        await assert.rejects(general.send("x".repeat(2_001)), { code: RESTJSONErrorCodes.InvalidFormBodyOrContentType });
        await assert.rejects(client.users.fetch("1"), { code: RESTJSONErrorCodes.UnknownUser });
    },
    async rate_limits() {
        const began = Date.now();
        await Promise.all(Array.from({ length: 8 }, (_, index) => general.send(`many ${index}`)));
        const took = Date.now() - began;
        assert.ok(took > 3_000, `8 messages took ${took} ms, and 5 in 5 seconds are allowed`);
        const refused = (await requests()).filter((one) => one.status === 429);
        assert.ok(refused.length <= 2, `${refused.length} requests were refused`);
    },
    async faults() {
        await fault("POST /channels/{channel_id}/messages 502");
        assert.equal((await general.send("after all")).content, "after all");
    },
    async resume() {
        const resumed = next(Events.ShardResume);
        await fault("gateway drop");
        await say("anna", "general", "missed?");
        await resumed;
        const again = next(Events.ShardResume);
        const seen = next(Events.MessageCreate, (one) => one.content === "meanwhile");
        await fault("gateway reconnect");
        await say("anna", "general", "meanwhile");
        await seen;
        await again;
    },
    async new_session() {
        const ready = next(Events.ShardReady);
        await fault("gateway invalid-session");
        await ready;
        const seen = next(Events.MessageCreate, (one) => one.content === "still here?");
        await say("anna", "general", "still here?");
        await seen;
    },
});
console.log(JSON.stringify({ client: "discord.js", version }));
await client.destroy();
