// Voice: who is where, and what the speaker switches on and off. There is no sound, only what Discord tells of it.

import { setVoice } from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { explain } from "./notice.js";
import { nameOf, store, voiceOf } from "./store.js";

const MARKS = [
    ["deaf", "deaf", "deafened"], ["self_deaf", "deaf", "deafened"], ["mute", "micOff", "muted by the server"],
    ["self_mute", "micOff", "muted"], ["self_video", "camera", "camera on"], ["self_stream", "screen", "shows a screen"],
    ["suppress", "voiceOff", "listens only"],
];

/** The marks behind a name: muted, deafened, camera, screen. */
export function voiceMarks(state) {
    const shown = MARKS.filter(([field]) => state[field]);
    const symbols = [...new Map(shown.map(([, symbol, words]) => [symbol, words]))];
    return el("span", { class: "voice-marks" }, symbols.map(([symbol, words]) =>
        el("span", { title: words }, icon(symbol), el("span", { class: "visually-hidden" }, `, ${words}`))));
}

async function tell(state) {
    try {
        await setVoice(store.speaker, state);
    } catch (error) {
        explain(error.message);
    }
}

/** Has the speaker join a voice channel, or change over to it. */
export function joinVoice(channel) {
    const { self_mute, self_deaf } = voiceOf(store.speaker) ?? {};
    tell({ channel, self_mute: Boolean(self_mute), self_deaf: Boolean(self_deaf) });
}

const SWITCHES = [
    ["self_mute", "Mute", "micOff", "mic"], ["self_deaf", "Deafen", "deaf", "headphones"],
    ["self_video", "Camera", "camera", "camera"], ["self_stream", "Share the screen", "screen", "screen"],
];

/** The panel of the speaker who is in a voice channel. */
export function drawVoice() {
    const state = voiceOf(store.speaker);
    const panel = byId("voice-panel");
    panel.hidden = !state;
    if (!state) {
        fill(panel);
        return;
    }
    const focus = panel.contains(document.activeElement) && document.activeElement.dataset.focus;
    const guild = store.world.guilds.find((one) => one.id === state.guild);
    const channel = guild?.channels.find((one) => one.id === state.channel_id);
    const switches = Object.fromEntries(SWITCHES.map(([field]) => [field, Boolean(state[field])]));
    const toggle = (field) => tell({ channel: state.channel_id, ...switches, [field]: !switches[field] });
    fill(panel,
        el("div", { class: "voice-where" }, el("strong", {}, "Voice connected"),
            el("span", { class: "muted" }, `${nameOf(store.speaker)} · ${channel?.name ?? "a channel"} / ${guild?.name ?? "a server"}`)),
        el("div", { class: "voice-switches" },
            SWITCHES.map(([field, name, on, off]) => el("button", {
                type: "button", title: name, "aria-label": name, "aria-pressed": switches[field], "data-focus": `switch-${field}`,
                on: { click: () => toggle(field) },
            }, icon(switches[field] ? on : off))),
            el("button", {
                type: "button", class: "voice-leave", title: "Disconnect", "aria-label": "Disconnect from voice",
                on: { click: () => tell({ channel: null, guild: state.guild }) },
            }, icon("leave"))));
    if (focus) {
        panel.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
    }
}
