// Things that stand over the page beside what opened them: lists of menus, and context menus.

const GAP = 4;
const EDGE = 8;

/**
 * Shows `node` beside `anchor`, an element or a point `{ x, y }`: below it, or above where there is more room. It closes when the
 * reader presses Escape, clicks elsewhere or `close()` is called; `closed()` is told.
 */
export function popup(node, anchor, closed = () => {}) {
    node.popover = "auto";
    if (!node.isConnected) {
        document.body.append(node);
    }
    const place = () => {
        if (!node.isConnected) {
            forget();
            return;
        }
        const at = anchor instanceof Element
            ? anchor.getBoundingClientRect()
            : { left: anchor.x, top: anchor.y, bottom: anchor.y, width: 0 };
        const below = innerHeight - at.bottom - GAP - EDGE;
        const above = at.top - GAP - EDGE;
        const opensUp = below < Math.min(node.scrollHeight, 260) && above > below;
        const room = Math.max(opensUp ? above : below, 80);
        const width = Math.max(node.offsetWidth, 0);
        node.style.setProperty("--room", `${room}px`);
        node.style.setProperty("min-width", at.width > 0 ? `${at.width}px` : "0");
        node.style.setProperty("left", `${Math.max(Math.min(at.left, innerWidth - width - EDGE), EDGE)}px`);
        node.style.setProperty("top", opensUp ? "auto" : `${at.bottom + GAP}px`);
        node.style.setProperty("bottom", opensUp ? `${innerHeight - at.top + GAP}px` : "auto");
    };
    const forget = () => {
        removeEventListener("scroll", place, true);
        removeEventListener("resize", place);
        node.removeEventListener("toggle", onToggle);
    };
    const onToggle = (event) => {
        if (event.newState === "closed") {
            forget();
            closed();
        }
    };
    node.addEventListener("toggle", onToggle);
    node.showPopover();
    place();
    addEventListener("scroll", place, true);
    addEventListener("resize", place);
    return {
        close: () => node.isConnected && node.matches(":popover-open") && node.hidePopover(),
        place,
    };
}
