// Embeds and attachments.

import { el, icon } from "./dom.js";
import { inlineMarkdown, markdown } from "./markdown-view.js";
import { hexColour, store } from "./store.js";
import { bytes, messageTime } from "./time.js";

/** What the style sheet allows a picture, in pixels. */
const WIDEST = 400;
const HIGHEST = 320;

/** One embed as Discord draws it; `files` are the attachments that it may name. */
export function embed(data, files = []) {
    const node = el("article", { class: "embed" },
        el("div", { class: "embed-main" },
            data.provider?.name && el("div", { class: "muted" }, data.provider.name),
            data.author?.name && el("div", { class: "embed-author" }, smallPicture(data.author.icon_url, files), linked(data.author.url, data.author.name)),
            data.title && el("div", { class: "embed-title" }, linked(data.url, inlineMarkdown(data.title))),
            data.description && markdown(data.description),
            data.fields?.length > 0 && el("dl", { class: "embed-fields" }, inRows(data.fields).map(field)),
            data.image?.url && picture(data.image, "embed-image", files)),
        data.thumbnail?.url && picture(data.thumbnail, "embed-thumbnail", files),
        footer(data, files));
    if (data.color !== null && data.color !== undefined) {
        node.style.setProperty("--bar", hexColour(data.color));
    }
    return node;
}

// Up to three inline fields that follow each other share a row, of six columns.
function inRows(fields) {
    const rows = [];
    for (const data of fields) {
        const row = rows.at(-1);
        if (data.inline && row?.[0].inline && row.length < 3) {
            row.push(data);
        } else {
            rows.push([data]);
        }
    }
    return rows.flatMap((row) => row.map((data) => ({ ...data, columns: 6 / row.length })));
}

function field(data) {
    return el("div", { class: `field columns-${data.columns}` },
        el("dt", {}, inlineMarkdown(data.name)), el("dd", {}, markdown(data.value)));
}

function footer({ footer: data, timestamp }, files) {
    const parts = [data?.text, timestamp && messageTime(timestamp)].filter(Boolean);
    return parts.length > 0 && el("div", { class: "embed-footer" }, smallPicture(data?.icon_url, files), parts.join(" • "));
}

// The picture of an author or a footer; one from the Internet is left out, for the reason below.
function smallPicture(url, files) {
    const own = url && ownFile(url, files);
    return own && el("img", { class: "embed-icon", src: own, alt: "" });
}

function linked(url, children) {
    return isWeb(url) ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, children) : children;
}

/** Whether a link may be offered: the web, and nothing that runs. */
export function isWeb(url) {
    return /^https?:\/\//i.test(url ?? "");
}

/**
 * A picture. Only those of the simulator are drawn; one from the Internet is shown by its address,
 * because this page asks no other host for anything.
 */
export function picture(data, className, files = []) {
    const label = data.description || "Picture";
    const own = ownFile(data.url, files) ?? ownAddress(data.proxy_url);
    if (own) {
        return image(own, label, className, { ...named(data.url, files), ...known(data) });
    }
    return el("span", { class: `picture-away ${className}` }, icon("external"),
        isWeb(data.url) ? linked(data.url, [shortAddress(data.url)]) : `${data.url}`.slice(0, 80));
}

function shortAddress(url) {
    return url.replace(/^https?:\/\//, "").slice(0, 60);
}

const known = ({ width, height }) => (width && height ? { width, height } : {});
const named = (url, files) => files.find((file) => url === `attachment://${file.filename}`);

// Where the size of a picture is known it has its place before it is there, and nothing moves when it comes.
function image(address, label, className, { width, height }) {
    const scale = Math.min(1, WIDEST / width, HIGHEST / height);
    const size = width && height ? { width: Math.max(Math.round(width * scale), 1), height: Math.max(Math.round(height * scale), 1) } : {};
    return el("img", { class: className, src: address, alt: label, loading: "lazy", ...size });
}

// The address of a file that a message names, or null.
const ownFile = (url, files) => ownAddress(named(url, files)?.url ?? url);

// The address of a file that the simulator keeps, or null.
function ownAddress(url) {
    const files = store.world?.files;
    return files && url?.startsWith(`${files}/attachments/`) ? url : null;
}

/**
 * What is a spoiler is shown once somebody asks for it. `name` says to those who do not see it what it is.
 */
export function spoiler(isSpoiler, node, name = "") {
    if (!isSpoiler) {
        return node;
    }
    const cover = el("button", { type: "button", class: "spoiler-cover", "aria-label": name ? `Spoiler: show ${name}` : null }, "Spoiler");
    const inside = el("div", { class: "spoiler-inside", inert: true }, node);
    const box = el("div", { class: "spoiler-box" }, inside, cover);
    cover.addEventListener("click", () => {
        inside.inert = false;
        box.classList.add("revealed");
        cover.remove();
        inside.querySelector("a, button")?.focus();
    });
    return box;
}

/** One attached file: pictures are drawn with their size and what describes them, everything else is a card to save it from. */
export function attachment(data) {
    const own = ownAddress(data.url);
    const isHidden = data.filename.startsWith("SPOILER_");
    const shownName = data.title ?? data.filename;
    const type = data.content_type ?? "";
    if (own && (type.startsWith("image/") || /\.(png|jpe?g|gif|webp)$/i.test(data.filename))) {
        const pixels = data.width ? `${data.width} × ${data.height}` : "";
        return spoiler(isHidden, el("figure", { class: "attachment-picture" },
            el("a", { href: own, target: "_blank", rel: "noopener noreferrer" },
                image(own, data.description || data.filename, "attachment-image", data)),
            el("figcaption", { class: "muted" },
                data.description && el("span", { class: "attachment-description", "aria-hidden": "true" }, data.description),
                el("span", {}, [pixels, bytes(data.size ?? 0)].filter(Boolean).join(", ")))), data.filename);
    }
    const more = [bytes(data.size ?? 0), data.description].filter(Boolean).join(" · ");
    return spoiler(isHidden, el("div", { class: "attachment" }, icon("file"),
        el("div", { class: "attachment-about" },
            el("div", { class: "attachment-name" }, own ? linked(own, shownName) : shownName), el("div", { class: "muted" }, more)),
        own && el("a", { class: "attachment-save", href: `${own}?download`, download: data.filename, title: "Save the file", "aria-label": `Save ${data.filename}` }, icon("save"))), data.filename);
}
