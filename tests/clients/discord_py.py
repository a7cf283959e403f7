"""The suite of discord.py: each feature as its users use it."""

import asyncio
import datetime
import io
import json
import os
import sys
import traceback

import aiohttp
import discord
import yarl
from discord import app_commands

URL = os.environ["COGSMITH_SIM"]
discord.http.Route.BASE = f"{URL}/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(URL.replace("http", "ws"))

client = discord.Client(intents=discord.Intents.all())
tree = app_commands.CommandTree(client)
control = None
TESTS = {}


def feature(test):
    TESTS[test.__name__] = test
    return test


async def ask(path, body=None):
    """Has a person do something, through the simulator's control interface."""
    method = "GET" if body is None else "POST"
    async with control.request(method, f"{URL}/control/{path}", json=body) as response:
        answer = await response.json()
        if response.status != 200:
            raise RuntimeError(f"{path}: {answer['error']}")
        return answer


def say(user, channel, content):
    return ask("say", {"user": user, "channel": channel, "content": content})


def interact(user, request, channel="general"):
    return ask("interact", {"user": user, "channel": channel, "request": request})


def fault(text):
    return ask("fault", {"fault": text})


class Next:
    """The next event of a name for which `fits` holds; made before what causes it."""

    def __init__(self, name, fits=lambda *_: True):
        self.future = asyncio.ensure_future(client.wait_for(name, check=fits, timeout=10))

    def __await__(self):
        return self.future.__await__()


async def nothing():
    """Lets what was made begin to wait."""
    await asyncio.sleep(0)


async def coming(name, fits=lambda *_: True):
    found = Next(name, fits)
    await nothing()
    return found


async def refused(code, awaitable):
    try:
        await awaitable
    except discord.HTTPException as error:
        assert error.code == code, f"refused with {error.code}, not {code}"
        return
    raise AssertionError(f"not refused with {code}")


def guild():
    return discord.utils.get(client.guilds, name="Clients")


def channel(name):
    return discord.utils.get(guild().channels, name=name)


def member(name):
    return discord.utils.get(guild().members, name=name)


async def used(request, answer, user="anna", channel="general"):
    """What a person gets for an interaction that `answer` answers."""
    told = await coming("interaction")
    using = asyncio.ensure_future(interact(user, request, channel))
    await answer(await told)
    seen = await using
    assert seen["answered"] is True
    return seen


@feature
async def login():
    ready = await coming("ready")
    client.loop.create_task(client.start(os.environ["DISCORD_TOKEN"]))
    await ready
    assert client.user.name == "tester"
    assert client.application_id == client.user.id
    assert channel("general").topic == "Everything"
    assert channel("general").category.name == "Text"
    assert discord.utils.get(guild().roles, name="guests").color.value == 255
    assert len(guild().members) == 5
    assert member("anna").display_name == "Annie"
    assert guild().owner.name == "owner"
    assert (await client.application_info()).owner.name == "owner"
    assert guild().me.guild_permissions.ban_members
    assert len(await guild().query_members("ann")) == 1
    assert (await guild().fetch_member(member("ben").id)).name == "ben"


@feature
async def messages():
    told = await coming("message", lambda one: one.author.name == "anna")
    await say("anna", "general", "hello there")
    message = await told
    assert message.content == "hello there"
    assert message.author.nick == "Annie"
    reply = await message.reply("hello")
    assert reply.reference.message_id == message.id
    edited = await coming("message_edit")
    await reply.edit(content="hello again")
    _, now = await edited
    assert now.content == "hello again" and now.edited_at
    mention = await channel("general").send(f"<@{member('ben').id}>")
    assert member("ben") in mention.mentions
    deleted = await coming("message_delete")
    await reply.delete()
    assert (await deleted).id == reply.id


@feature
async def embeds():
    embed = discord.Embed(title="Title", description="Text", color=0x00FF00)
    embed.add_field(name="a", value="b").set_footer(text="foot")
    sent = await channel("general").send(embed=embed)
    shown = (await channel("general").fetch_message(sent.id)).embeds[0]
    assert (shown.title, shown.color.value, shown.fields[0].value, shown.footer.text) == ("Title", 0x00FF00, "b", "foot")


@feature
async def files():
    file = discord.File(io.BytesIO(b"some text"), "note.txt", description="A note")
    sent = await channel("general").send(file=file)
    shown = (await channel("general").fetch_message(sent.id)).attachments[0]
    assert (shown.filename, shown.size, shown.description) == ("note.txt", 9, "A note")
    assert await shown.read() == b"some text"


@feature
async def reactions():
    sent = await channel("general").send("react")
    await sent.add_reaction("👍")
    added = await coming("reaction_add", lambda _, user: user.name == "ben")
    body = {"user": "ben", "channel": "general", "message": str(sent.id), "emoji": "👍"}
    await ask("react", {**body, "on": True})
    reaction, _ = await added
    assert (str(reaction.emoji), reaction.count, reaction.me) == ("👍", 2, True)
    assert len([user async for user in reaction.users()]) == 2
    removed = await coming("reaction_remove", lambda _, user: user.name == "ben")
    await ask("react", {**body, "on": False})
    await removed
    cleared = await coming("reaction_clear")
    await sent.clear_reactions()
    await cleared


@feature
async def history():
    archive = channel("archive")
    before = [message async for message in archive.history(limit=10)]
    assert before[-1].content == "from before"
    pinned = await coming("guild_channel_pins_update")
    await before[-1].pin()
    await pinned
    pins = [message async for message in archive.pins()]
    assert pins[0].content == "from before"
    await before[-1].unpin()
    sent = [await archive.send(text) for text in "abc"]
    after = [message.content async for message in archive.history(after=sent[0])]
    assert sorted(after) == ["b", "c"]
    deleted = await coming("bulk_message_delete")
    await archive.delete_messages(sent)
    assert len(await deleted) == 3


@feature
async def threads():
    general = channel("general")
    sent = await general.send("a topic")
    created = await coming("thread_create")
    thread = await sent.create_thread(name="talk", auto_archive_duration=60)
    assert (await created).id == sent.id == thread.id
    joined = await coming("thread_member_join")
    await thread.add_user(member("ben"))
    assert (await joined).id == member("ben").id
    assert member("ben").id in [one.id for one in await thread.fetch_members()]
    await thread.send("inside")
    updated = await coming("thread_update")
    await thread.edit(archived=True)
    assert (await updated)[1].archived
    assert thread.id in [one.id async for one in general.archived_threads()]
    closed = await general.create_thread(name="closed", type=discord.ChannelType.private_thread)
    assert closed.is_private()
    deleted = await coming("thread_delete")
    await closed.delete()
    await deleted


@feature
async def forum():
    questions = channel("questions")
    tag = discord.utils.get(questions.available_tags, name="open")
    post, message = await questions.create_thread(name="How?", content="Like this?", applied_tags=[tag])
    assert post.applied_tags == [tag]
    assert message.content == "Like this?"
    assert post.id in [one.id for one in await guild().active_threads()]


@feature
async def channels():
    created = await coming("guild_channel_create")
    made = await guild().create_text_channel("made", topic="new", category=channel("Text"))
    assert (await created).id == made.id
    updated = await coming("guild_channel_update", lambda _, one: one.topic == "newer")
    await made.edit(topic="newer")
    await updated
    overwritten = await coming("guild_channel_update")
    await made.set_permissions(guild().default_role, send_messages=False)
    await overwritten
    assert not client.get_channel(made.id).permissions_for(member("ben")).send_messages
    await made.edit(slowmode_delay=5)
    assert (await client.fetch_channel(made.id)).slowmode_delay == 5
    deleted = await coming("guild_channel_delete")
    await made.delete()
    await deleted


@feature
async def roles():
    created = await coming("guild_role_create")
    role = await guild().create_role(name="made", color=0xFF0000, mentionable=True)
    await created
    given = await coming("member_update", lambda _, one: role in one.roles)
    await member("ben").add_roles(role, reason="because")
    await given
    taken = await coming("member_update", lambda _, one: role not in one.roles)
    await member("ben").remove_roles(role)
    await taken
    updated = await coming("guild_role_update")
    await role.edit(name="renamed")
    assert (await updated)[1].name == "renamed"
    renamed = await coming("member_update", lambda _, one: one.nick == "Benny")
    await member("ben").edit(nick="Benny")
    await renamed
    deleted = await coming("guild_role_delete")
    await role.delete()
    await deleted


@feature
async def moderation():
    carl = member("carl")
    timed_out = await coming("member_update", lambda _, one: one.is_timed_out())
    await carl.timeout(datetime.timedelta(minutes=1), reason="loud")
    await timed_out
    try:
        await say("carl", "general", "x")
        raise AssertionError("somebody who is timed out spoke")
    except RuntimeError:
        pass
    await carl.timeout(None)
    banned = await coming("member_ban")
    left = await coming("member_remove")
    await carl.ban(reason="rude", delete_message_seconds=60)
    await banned
    await left
    assert (await guild().fetch_ban(carl)).reason == "rude"
    assert len([ban async for ban in guild().bans()]) == 1
    unbanned = await coming("member_unban")
    await guild().unban(carl)
    await unbanned


@feature
async def audit_log():
    told = await coming("audit_log_entry_create", lambda one: one.action == discord.AuditLogAction.member_update)
    await member("ben").edit(nick="B", reason="shorter")
    entry = await told
    assert (entry.reason, entry.user.id, entry.target.id) == ("shorter", client.user.id, member("ben").id)
    log = [one async for one in guild().audit_logs(action=discord.AuditLogAction.ban, limit=5)]
    assert log[0].reason == "rude"


@feature
async def invites():
    created = await coming("invite_create")
    invite = await channel("general").create_invite(max_age=3600, max_uses=2)
    assert (await created).code == invite.code
    assert (await client.fetch_invite(invite.code)).guild.id == guild().id
    assert invite.code in [one.code for one in await guild().invites()]
    deleted = await coming("invite_delete")
    await invite.delete()
    await deleted


@feature
async def webhooks():
    updated = await coming("webhooks_update")
    hook = await channel("general").create_webhook(name="news")
    await updated
    seen = await coming("message", lambda one: one.webhook_id == hook.id)
    sent = await hook.send("by hook", username="Reporter", wait=True)
    assert (await seen).author.name == "Reporter"
    assert (await hook.edit_message(sent.id, content="edited")).content == "edited"
    assert (await hook.fetch_message(sent.id)).content == "edited"
    await hook.delete_message(sent.id)
    assert len(await channel("general").webhooks()) == 1
    await hook.delete()
    assert await guild().webhooks() == []


@feature
async def polls():
    poll = discord.Poll(question="Tea?", duration=datetime.timedelta(hours=1))
    poll.add_answer(text="Yes").add_answer(text="No")
    sent = await channel("general").send(poll=poll)
    voted = await coming("poll_vote_add")
    await ask("vote", {"user": "anna", "channel": "general", "message": str(sent.id), "answers": [1]})
    voter, answer = await voted
    assert (voter.name, answer.id) == ("anna", 1)
    assert len([one async for one in sent.poll.get_answer(1).voters()]) == 1
    await sent.poll.end()
    ended = await channel("general").fetch_message(sent.id)
    assert ended.poll.is_finalised()


@feature
async def direct():
    place = (await ask("direct", {"user": "anna"}))["channel"]
    told = await coming("message", lambda one: one.guild is None)
    await say("anna", place, "psst")
    message = await told
    assert message.content == "psst"
    await message.channel.send("yes?")
    await member("ben").send("hi")
    other = (await ask("direct", {"user": "ben"}))["channel"]
    assert (await ask(f"messages/{other}"))[-1]["content"] == "hi"


@tree.command(description="Says it")
async def echo(interaction: discord.Interaction, text: str, who: discord.Member = None, times: app_commands.Range[int, 1, 5] = 1):
    if text == "form":
        await interaction.response.send_modal(Form())
        return
    if text == "hidden":
        await interaction.response.send_message("only you", ephemeral=True)
        return
    await interaction.response.defer()
    await interaction.edit_original_response(content=f"{text}, {who} {times}")
    more = await interaction.followup.send("more", wait=True)
    await more.edit(content="even more")
    await more.delete()


tag = app_commands.Group(name="tag", description="Tags")
tree.add_command(tag)


@tag.command(description="Shows")
async def show(interaction: discord.Interaction, name: str):
    await interaction.response.send_message(name)


@show.autocomplete("name")
async def complete(interaction: discord.Interaction, current: str):
    return [app_commands.Choice(name=f"{current}pple", value="apple")]


class Form(discord.ui.Modal, title="Form"):
    name = discord.ui.TextInput(label="Name", custom_id="name")

    async def on_submit(self, interaction):
        await interaction.response.send_message(f"thanks, {self.name.value}")


@tree.context_menu(name="Look")
async def look(interaction: discord.Interaction, target: discord.Member):
    await interaction.response.send_message(f"seen {target.name}")


@tree.context_menu(name="Quote")
async def quote(interaction: discord.Interaction, message: discord.Message):
    await interaction.response.send_message(f"quoted {message.content}")


@feature
async def slash():
    assert len(await tree.sync()) == 4
    assert len(await tree.fetch_commands()) == 4
    options = {"text": "hi", "who": str(member("ben").id), "times": 2}
    completed = await coming("app_command_completion")
    seen = await interact("anna", {"kind": "command", "path": ["echo"], "options": options})
    interaction, _ = await completed
    assert interaction.locale == discord.Locale.indonesian
    assert interaction.permissions.send_messages
    answer = await interaction.original_response()
    assert answer.content == "hi, ben 2", answer.content
    assert answer.interaction_metadata.user.name == "anna"
    assert seen["answered"]
    tree.copy_global_to(guild=guild())
    assert len(await tree.sync(guild=guild())) == 4
    tree.clear_commands(guild=guild())
    assert await tree.sync(guild=guild()) == []


@feature
async def autocomplete():
    request = {"kind": "autocomplete", "path": ["tag", "show"], "options": {"name": "a"}, "focused": "name"}
    seen = await interact("anna", request)
    assert seen["choices"] == [{"name": "apple", "value": "apple"}], seen


class Buttons(discord.ui.View):
    @discord.ui.button(label="Go", custom_id="go")
    async def go(self, interaction, _):
        await interaction.response.edit_message(content="pressed", view=None)


@feature
async def buttons():
    sent = await channel("general").send("press", view=Buttons())
    edited = await coming("message_edit", lambda _, one: one.id == sent.id)
    click = {"kind": "component", "message": str(sent.id), "custom_id": "go", "values": []}
    assert (await interact("anna", click))["answered"]
    assert (await edited)[1].content == "pressed"
    again = await channel("general").send("wait", view=Buttons())

    async def later(interaction):
        assert interaction.message.id == again.id

    await used({**click, "message": str(again.id)}, later, user="ben")


class Menus(discord.ui.View):
    chosen = []

    @discord.ui.select(custom_id="s", max_values=2, options=[discord.SelectOption(label="One", value="1"), discord.SelectOption(label="Two", value="2")])
    async def texts(self, interaction, menu):
        await self.note(interaction, menu)

    @discord.ui.select(cls=discord.ui.UserSelect, custom_id="u")
    async def users(self, interaction, menu):
        await self.note(interaction, menu)

    @discord.ui.select(cls=discord.ui.RoleSelect, custom_id="r")
    async def roles(self, interaction, menu):
        await self.note(interaction, menu)

    @discord.ui.select(cls=discord.ui.ChannelSelect, custom_id="c")
    async def channels(self, interaction, menu):
        await self.note(interaction, menu)

    async def note(self, interaction, menu):
        Menus.chosen.append([getattr(value, "name", value) for value in menu.values])
        await interaction.response.send_message("chosen", ephemeral=True)


@feature
async def selects():
    sent = await channel("general").send("choose", view=Menus())
    guests = discord.utils.get(guild().roles, name="guests")
    for custom_id, values in [("s", ["1", "2"]), ("u", [member("ben").id]), ("r", [guests.id]), ("c", [channel("general").id])]:
        request = {"kind": "component", "message": str(sent.id), "custom_id": custom_id, "values": [str(value) for value in values]}
        assert (await interact("anna", request))["answered"]
    assert Menus.chosen == [["1", "2"], ["ben"], ["guests"], ["general"]], Menus.chosen


@feature
async def modals():
    seen = await interact("anna", {"kind": "command", "path": ["echo"], "options": {"text": "form"}})
    assert seen["modal"]["title"] == "Form"
    thanks = await coming("message", lambda one: one.content == "thanks, Rin")
    submit = {"kind": "modal", "custom_id": seen["modal"]["custom_id"], "fields": [["name", "Rin"]]}
    assert (await interact("anna", submit))["answered"]
    await thanks


@feature
async def context_menus():
    seen = await coming("message", lambda one: one.content == "seen ben")
    await interact("anna", {"kind": "user", "name": "Look", "target": str(member("ben").id)})
    await seen
    words = await say("ben", "general", "words")
    quoted = await coming("message", lambda one: one.content == "quoted words")
    await interact("anna", {"kind": "message", "name": "Quote", "target": words["id"]})
    await quoted


@feature
async def ephemeral():
    completed = await coming("app_command_completion")
    await interact("anna", {"kind": "command", "path": ["echo"], "options": {"text": "hidden"}})
    interaction, _ = await completed
    answer = await interaction.original_response()
    assert answer.flags.ephemeral
    await refused(10008, channel("general").fetch_message(answer.id))


@feature
async def permissions():
    await refused(50013, channel("read-only").send("x"))
    await refused(50001, channel("secret").send("x"))
    await refused(50013, guild().owner.ban())
    await refused(50035, channel("general").send("x" * 2_001))
    await refused(10013, client.fetch_user(1))


@feature
async def rate_limits():
    began = client.loop.time()
    await asyncio.gather(*(channel("general").send(f"many {index}") for index in range(8)))
    took = client.loop.time() - began
    assert took > 3, f"8 messages took {took} s, and 5 in 5 seconds are allowed"
    refusals = [one for one in await ask("requests") if one["status"] == 429]
    assert len(refusals) <= 2, f"{len(refusals)} requests were refused"


@feature
async def faults():
    await fault("POST /channels/{channel_id}/messages 502")
    assert (await channel("general").send("after all")).content == "after all"


@feature
async def resume():
    resumed = await coming("resumed")
    await fault("gateway drop")
    await say("anna", "general", "missed?")
    await resumed
    again = await coming("resumed")
    seen = await coming("message", lambda one: one.content == "meanwhile")
    await fault("gateway reconnect")
    await say("anna", "general", "meanwhile")
    await seen
    await again


@feature
async def new_session():
    ready = await coming("ready")
    await fault("gateway invalid-session")
    await ready
    seen = await coming("message", lambda one: one.content == "still here?")
    await say("anna", "general", "still here?")
    await seen


async def main():
    global control
    discord.utils.setup_logging(level=30)
    async with aiohttp.ClientSession() as control, client:
        for name, test in TESTS.items():
            error = None
            try:
                await asyncio.wait_for(test(), 30)
            except Exception:
                error = traceback.format_exc()
            print(json.dumps({"feature": name, "error": error}), flush=True)
        print(json.dumps({"client": "discord.py", "version": discord.__version__}), flush=True)


asyncio.run(main())
sys.exit(0)
