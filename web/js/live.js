// The live feed: one WebSocket that comes back by itself. Each connection begins with a "hello"
// that holds everything, so that nothing that happened meanwhile is missed.

const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 3000;

/** Connects, and calls `on.frame(frame)`, `on.open()` and `on.lost()`. */
export function connect(on) {
    let socket = null;
    let pause = FIRST_PAUSE;
    let timer = null;

    function open() {
        clearTimeout(timer);
        timer = null;
        socket = new WebSocket(new URL("/control/live", location.href.replace(/^http/, "ws")));
        socket.addEventListener("message", (event) => {
            pause = FIRST_PAUSE;
            on.frame(JSON.parse(event.data));
        });
        socket.addEventListener("open", () => on.open());
        socket.addEventListener("close", () => {
            on.lost();
            timer = setTimeout(open, pause);
            pause = Math.min(pause * 1.6, LONGEST_PAUSE);
        });
    }

    // A reader who comes back to the tab or to the network does not wait for the timer.
    const hurry = () => timer !== null && document.visibilityState === "visible" && open();
    document.addEventListener("visibilitychange", hurry);
    window.addEventListener("online", hurry);
    open();

    return {
        /** Sends a request whose answer arrives as a frame; lost while there is no connection. */
        ask(frame) {
            if (socket.readyState === WebSocket.OPEN) {
                socket.send(JSON.stringify(frame));
            }
        },
    };
}
