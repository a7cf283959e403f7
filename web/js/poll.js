// Polls: votes while they are open, and what came of them.

import { vote } from "./api.js";
import { el, icon } from "./dom.js";
import { emojiText } from "./menus.js";
import { explain } from "./notice.js";
import { nameOf, store } from "./store.js";

/** The poll of a message: its answers to choose from, or its results once the speaker has voted or it is over. */
export function poll(message) {
    const data = message.poll;
    const isOver = data.results?.is_finalized || new Date(data.expiry) < new Date();
    const voted = data.answers.some((answer) => votersOf(answer).includes(store.speaker));
    const total = data.answers.reduce((sum, answer) => sum + votersOf(answer).length, 0);
    const count = `${total} ${total === 1 ? "vote" : "votes"}`;
    const left = isOver ? "over" : `${timeLeft((new Date(data.expiry) - Date.now()) / 1000)} left`;
    return el("section", { class: "poll", "aria-label": `Poll: ${data.question.text}` },
        el("div", { class: "poll-question" }, data.question.text),
        voted || isOver ? results(data, total) : choices(message, data),
        el("div", { class: "poll-foot muted" }, `${count} · ${left}`,
            voted && !isOver && el("button", { type: "button", class: "link", "data-focus": `${message.id}:unvote`, on: { click: () => cast(message, []) } }, "Remove vote")));
}

// The hours are rounded, so that a poll that was just made for a day has one.
function timeLeft(seconds) {
    const [size, unit] = seconds > 172_800 ? [86_400, "days"] : seconds > 5400 ? [3600, "hours"] : [60, "minutes"];
    return `${Math.max(Math.round(seconds / size), 1)} ${unit}`;
}

// `voters` is added by the bot's page server: Discord tells only how many there are.
const votersOf = (answer) => answer.voters ?? [];

const textOf = ({ poll_media: media }) => [media.emoji && el("span", {}, emojiText(media.emoji)), el("span", {}, media.text)];

function choices(message, data) {
    const boxes = data.answers.map((answer) => el("input", {
        type: data.allow_multiselect ? "checkbox" : "radio", name: `poll-${message.id}`, value: answer.answer_id,
        "data-focus": `${message.id}:answer-${answer.answer_id}`,
    }));
    const send = el("button", { type: "submit", class: "component button-primary", disabled: true }, "Vote");
    const chosen = () => boxes.filter((box) => box.checked).map((box) => Number(box.value));
    const form = el("form", {},
        el("fieldset", { class: "choices" },
            el("legend", { class: "muted" }, data.allow_multiselect ? "Select one or more answers" : "Select one answer"),
            data.answers.map((answer, index) => el("label", { class: "choice poll-answer" }, boxes[index], textOf(answer)))), send);
    form.addEventListener("change", () => { send.disabled = chosen().length === 0; });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        cast(message, chosen());
    });
    return form;
}

function results(data, total) {
    return el("ul", { class: "poll-results" }, data.answers.map((answer) => {
        const voters = votersOf(answer);
        const share = total === 0 ? 0 : Math.round((voters.length / total) * 100);
        const mine = voters.includes(store.speaker);
        const bar = el("li", {
            class: mine ? "poll-answer mine" : "poll-answer", title: voters.map((id) => nameOf(id) ?? id).join(", ") || null,
        }, el("span", { class: "poll-text" }, textOf(answer), mine && icon("check")),
        el("span", { class: "muted" }, `${voters.length} · ${share}%`));
        bar.style.setProperty("--share", `${share}%`);
        return bar;
    }));
}

async function cast(message, answers) {
    try {
        await vote(store.speaker, message.channel_id, message.id, answers);
    } catch (error) {
        explain(error.message);
    }
}
