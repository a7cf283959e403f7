// Files that are dragged over the page or pasted into it.

import { byId } from "./dom.js";

/** Wires it once: `take(files)` is called with what was dropped on the chat or pasted into it, `name()` says where it goes. */
export function startDropping(take, name) {
    const chat = byId("chat");
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    const show = (isOver) => {
        depth = isOver ? depth : 0;
        byId("drop").hidden = !isOver;
        byId("drop").textContent = isOver ? name() : "";
    };
    chat.addEventListener("dragenter", (event) => {
        if (hasFiles(event)) {
            depth += 1;
            show(true);
        }
    });
    chat.addEventListener("dragleave", () => {
        depth -= 1;
        if (depth <= 0) {
            show(false);
        }
    });
    // A file that is dropped beside the chat would take the place of the page.
    addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    addEventListener("drop", (event) => {
        if (!hasFiles(event)) {
            return;
        }
        event.preventDefault();
        show(false);
        if (chat.contains(event.target)) {
            take(withoutFolders(event.dataTransfer));
        }
    });
    chat.addEventListener("paste", (event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        // Text that is copied from an office program comes with a picture of itself.
        if (files.length > 0 && !event.clipboardData.types.includes("text/plain")) {
            event.preventDefault();
            take(files);
        }
    });
}

function withoutFolders({ items, files }) {
    const entries = [...items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.());
    return [...files].filter((_, index) => !entries[index]?.isDirectory);
}
