// Wires the parts: the live feed fills the store, the store tells the views.

import { startBots } from "./bots.js";
import { drawChat, drawTyping, drawWelcome, startChat } from "./chat.js";
import { drawCogs } from "./cogs.js";
import { drawRecording, startConversation } from "./conversation.js";
import { drawComposer, leaveCommandOf, startComposer } from "./composer.js";
import { byId } from "./dom.js";
import { drawSoon } from "./drawing.js";
import { drawBanner, drawFeed } from "./feed.js";
import { connect } from "./live.js";
import { keepTimesFresh } from "./markdown-view.js";
import { drawMembers } from "./members.js";
import { askForChannel, startPages } from "./message-pages.js";
import { startPins } from "./pins.js";
import { drawRefusals } from "./refusals.js";
import { replayAfterReload } from "./replay.js";
import { drawServers } from "./servers.js";
import { drawSidebar, startSidebar } from "./sidebar.js";
import { drawStandIn } from "./stand-in.js";
import { apply, changed, placeName, sees, store, watch } from "./store.js";
import { showTab, startTabs } from "./tabs.js";
import { drawVoice } from "./voice.js";

/** Who is where, and what they show. */
const PEOPLE = [drawServers, drawSidebar, drawMembers, drawVoice];

const VIEWS = {
    all: [drawFrame, ...PEOPLE, drawStandIn, drawWelcome, drawComposer, drawChat, drawTyping, drawFeed, drawBanner, drawRefusals, drawCogs,
        drawRecording, replayAfterReload],
    world: [drawFrame, ...PEOPLE, drawStandIn, drawWelcome, drawComposer, drawChat],
    channel: [drawFrame, ...PEOPLE, drawStandIn, drawWelcome, drawComposer, drawChat, drawTyping],
    speaker: [drawFrame, ...PEOPLE, drawStandIn, drawComposer, drawChat],
    messages: [drawChat, drawTyping],
    unread: [drawServers, drawSidebar, drawStandIn],
    presence: PEOPLE,
    voice: PEOPLE,
    refusals: [drawRefusals],
    typing: [drawTyping],
    reports: [drawFeed, drawBanner, drawChat, replayAfterReload],
    recording: [drawRecording],
    types: [drawFeed],
    cogs: [drawCogs],
    commands: [drawChat],
    reply: [drawComposer],
    connection: [drawFrame, drawSidebar],
};

function drawFrame() {
    const channel = store.channels.get(store.channel);
    const isShut = store.guild !== null && !channel;
    byId("channel-name").textContent = isShut ? "" : placeName().replace(/^./, "$& ");
    const blind = channel && !sees(store.botUser, channel.id);
    byId("channel-topic").textContent = blind
        ? `${store.bot.name} cannot see this channel, and does not answer here.`
        : channel?.topic ?? (channel || isShut ? "" : "Direct messages");
    byId("open-pins").hidden = !store.channel;
    const known = store.connection === "open" || store.world !== null;
    document.body.classList.toggle("no-chat", known && store.world === null);
    document.body.classList.toggle("chat-only", store.bot.prefix === null);
    document.body.classList.toggle("lost", store.connection === "lost");
    byId("lost").hidden = store.connection !== "lost";
    byId("no-chat").hidden = !known || store.world !== null;
}

function setConnection(connection) {
    if (store.connection !== connection) {
        store.connection = connection;
        changed("connection");
    }
}

function afterHello() {
    setConnection("open");
    if (!store.world) {
        showTab("reloads");
        return;
    }
    askForChannel();
}

watch((what, isFrame) => (isFrame ? drawSoon(VIEWS[what]) : VIEWS[what].forEach((draw) => draw())));
watch((what) => what === "channel" && showTab("chat"));
watch((what) => ["channel", "speaker"].includes(what) && leaveCommandOf());
startTabs();
startBots();
startPins();
startSidebar();
startChat();
startComposer();
startConversation();
keepTimesFresh();

const live = connect({
    open() {},
    lost: () => setConnection("lost"),
    frame(frame) {
        if (apply(frame) === "all") {
            afterHello();
        }
    },
});
startPages(live.ask);
watch((what) => ["channel", "world"].includes(what) && askForChannel());
byId("input").focus();
