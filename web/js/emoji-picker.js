// The choice of an emoji for a reaction: those of the server, and some of everybody's, found by name.

import { el, fill } from "./dom.js";
import { popup } from "./popup.js";
import { guildHere } from "./store.js";

const EMOJI = `👍 thumbs up yes|👎 thumbs down no|❤️ heart love|😂 laugh joy|🎉 party tada|😮 wow surprise|😢 sad cry|🔥 fire hot|👀 eyes look|✅ check done
❌ cross no|🚀 rocket|😀 grin happy|😄 smile|😅 sweat|🤣 rolling laugh|🙂 slight smile|😉 wink|😍 heart eyes|😘 kiss|😎 cool sunglasses|🤔 think
🤨 doubt|😐 neutral|🙄 roll eyes|😴 sleep|😭 sob cry|😡 angry|🤯 mind blown|😱 scream|🥳 party face|🤖 robot bot|👻 ghost|💀 skull|💩 poop|🙈 monkey
👋 wave hello|🙏 thanks please|👏 clap|💪 strong|🤝 handshake|✌️ victory|👌 ok|🤞 luck|👉 point right|👈 point left|☝️ point up|✋ hand stop
⭐ star|🌟 glowing star|✨ sparkles|💯 hundred|❓ question|❗ exclamation|⚠️ warning|🚫 forbidden|🔒 lock|🔓 unlock|🔔 bell|📌 pin|📎 clip|📝 note
📅 calendar|⏰ alarm clock|⏳ hourglass|🔧 tool wrench|🔨 hammer|⚙️ gear cog|🐛 bug|💡 idea bulb|💬 speech|📣 megaphone|🎵 music|🎮 game
🎲 dice|🏆 trophy|🥇 gold first|🥈 silver second|🥉 bronze third|🎁 gift|🍕 pizza|🍰 cake|☕ coffee|🍵 tea|🍺 beer|🍎 apple|🌈 rainbow|☀️ sun
🌙 moon|❄️ snow|⚡ lightning|🌊 wave sea|🌱 plant|🌸 flower|🐶 dog|🐱 cat|🦊 fox|🐼 panda|🐧 penguin|🦄 unicorn|💙 blue heart|💚 green heart
💛 yellow heart|💜 purple heart|🖤 black heart|💔 broken heart|1️⃣ one|2️⃣ two|3️⃣ three|4️⃣ four|5️⃣ five|🔴 red|🟢 green|🔵 blue|🟡 yellow|⬆️ up|⬇️ down`
    .split(/[|\n]/).map((entry) => ({ name: entry.slice(0, entry.indexOf(" ")), words: entry.slice(entry.indexOf(" ") + 1) }));

const picker = el("div", { class: "emoji-picker", role: "dialog", "aria-label": "Choose an emoji" });

/** Opens the choice beside an element; `choose(emoji)` is called with `{ name, id }`. */
export function pickEmoji(anchor, choose) {
    const own = (guildHere()?.emojis ?? []).map((emoji) => ({ ...emoji, words: emoji.name }));
    const field = el("input", { type: "search", placeholder: "Find an emoji", "aria-label": "Find an emoji", autocomplete: "off" });
    const list = el("div", { class: "emoji-list" });
    let shown = null;
    const button = (emoji) => el("button", {
        type: "button", title: emoji.words, "aria-label": `${emoji.id ? `:${emoji.name}:` : emoji.name} ${emoji.words}`,
        class: emoji.id ? "emoji-own" : null, on: { click: () => { shown.close(); choose({ name: emoji.name, id: emoji.id ?? null }); } },
    }, emoji.id ? `:${emoji.name}:` : emoji.name);
    const draw = () => {
        const typed = field.value.trim().toLowerCase();
        const fits = (emoji) => emoji.words.toLowerCase().includes(typed);
        const found = [...own.filter(fits), ...EMOJI.filter(fits)];
        fill(list, found.map(button), found.length === 0 && el("p", { class: "muted" }, "None has this name."));
    };
    field.addEventListener("input", draw);
    field.addEventListener("keydown", (event) => {
        if (event.key === "Enter") {
            event.preventDefault();
            list.querySelector("button")?.click();
        }
    });
    fill(picker, field, list);
    draw();
    shown = popup(picker, anchor, () => anchor.isConnected && anchor.focus());
    field.focus();
}
