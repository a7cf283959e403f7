// Files that go out with the next message: chosen, dropped or pasted, then described, hidden or taken away again.

import { upload } from "./api.js";
import { byId, el, icon, reconcile } from "./dom.js";
import { bytes } from "./time.js";

/** What Discord takes from people without Nitro, in bytes. */
const LARGEST = 10 * 1024 * 1024;
const MOST = 10;
/** What Discord's client puts before the name of a file that is hidden until somebody clicks. */
const SPOILER = "SPOILER_";
const LONGEST_DESCRIPTION = 1024;

let entries = [];
let counter = 0;

/** Those of `files` that Discord takes, and a sentence about the others; empty when it takes them all. */
export function takable(files) {
    const all = [...files];
    const large = all.filter((file) => file.size > LARGEST).map((file) => file.name);
    const fault = large.length > 0
        ? `${large.join(", ")} ${large.length === 1 ? "is" : "are"} too large: Discord takes files of up to 10 MB.` : "";
    return { files: all.filter((file) => file.size <= LARGEST), fault };
}

/** Adds files; the result is a sentence about those that cannot be sent, empty when all can. */
export function addFiles(more) {
    const { files, fault } = takable(more);
    const room = MOST - entries.length;
    entries = [...entries, ...files.slice(0, room).map((file) => {
        counter += 1;
        return { key: String(counter), file, description: "", isSpoiler: false, picture: pictureOf(file) };
    })];
    drawTray();
    const left = files.length - room;
    const tooMany = left > 0 ? `A message has at most ${MOST} files; ${left} ${left === 1 ? "was" : "were"} left out.` : "";
    return [fault, tooMany].filter(Boolean).join(" ");
}

/** How many files wait. */
export const countFiles = () => entries.length;

/** Takes all files out, after they were sent. */
export function clearFiles() {
    entries.forEach(forget);
    entries = [];
    drawTray();
}

/** Sends the files ahead; resolves with what `say` takes. */
export async function uploadFiles(user) {
    const sent = [];
    for (const { file, description, isSpoiler } of entries) {
        const name = isSpoiler && !file.name.startsWith(SPOILER) ? SPOILER + file.name : file.name;
        const id = await upload(user, file, name);
        sent.push(description.trim() ? { id, description: description.trim() } : id);
    }
    return sent;
}

/** The address of a picture that was chosen, for an `img`; null for other files. Given back with `URL.revokeObjectURL`. */
export const pictureOf = (file) => (/^image\/(png|jpeg|gif|webp|avif|bmp)$/.test(file.type) ? URL.createObjectURL(file) : null);

function forget({ picture }) {
    if (picture) {
        URL.revokeObjectURL(picture);
    }
}

function drawTray() {
    byId("files").hidden = entries.length === 0;
    reconcile(byId("files"), entries.map((entry) => ({ key: entry.key, parts: [entry], render: () => card(entry) })));
}

function card(entry) {
    const { file } = entry;
    const spoiler = el("button", {
        type: "button", title: "Spoiler", "aria-label": `Mark ${file.name} as a spoiler`, "aria-pressed": false,
        on: { click: () => {
            entry.isSpoiler = !entry.isSpoiler;
            spoiler.setAttribute("aria-pressed", String(entry.isSpoiler));
            node.classList.toggle("is-spoiler", entry.isSpoiler);
        } },
    }, icon("eye"));
    const remove = el("button", { type: "button", title: "Remove", "aria-label": `Remove ${file.name}`, on: { click: () => {
        entries = entries.filter((one) => one !== entry);
        forget(entry);
        drawTray();
        byId("input").focus();
    } } }, icon("cross"));
    const description = el("input", {
        type: "text", maxlength: LONGEST_DESCRIPTION, placeholder: "Description", autocomplete: "off",
        "aria-label": `Description of ${file.name}, for those who do not see it`,
        on: {
            input: () => { entry.description = description.value; },
            keydown: (event) => {
                if (event.key === "Enter" && !event.isComposing) {
                    event.preventDefault();
                    byId("input").focus();
                }
            },
        },
    });
    const node = el("li", { class: "file-card" },
        el("div", { class: "file-picture" }, entry.picture ? el("img", { src: entry.picture, alt: "" }) : icon("file")),
        el("div", { class: "file-tools" }, spoiler, remove),
        el("div", { class: "attachment-name", title: file.name }, file.name),
        el("div", { class: "muted" }, bytes(file.size)), description);
    return node;
}
