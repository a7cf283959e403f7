// What people do in the simulator, through its control interface, and how a suite tells what it found.

const url = process.env.COGSMITH_SIM;

async function ask(path, body) {
    const response = await fetch(`${url}/control/${path}`, body === undefined ? {} : {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) {
        throw new Error(`${path}: ${answer.error}`);
    }
    return answer;
}

export const say = (user, channel, content, more = {}) => ask("say", { user, channel, content, ...more });
export const react = (user, channel, message, emoji, on = true) => ask("react", { user, channel, message, emoji, on });
export const vote = (user, channel, message, answers) => ask("vote", { user, channel, message, answers });
export const interact = (user, channel, request) => ask("interact", { user, channel, request });
export const call = (user, method, path, body = null) => ask("call", { user, method, path, body });
export const fault = (text) => ask("fault", { fault: text });
export const direct = async (user) => (await ask("direct", { user })).channel;
export const messages = (channel) => ask(`messages/${channel}`);
export const requests = () => ask("requests");
export { url };

/** Rejects when `promise` takes longer than this. */
function within(milliseconds, promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), milliseconds);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Rejects when `promise` takes longer than ten seconds. */
export const soon = (promise, what) => within(10_000, promise, what);

/** Runs the tests in order, and tells of each as a line of JSON. An error that the client throws fails the test of then. */
export async function runAll(tests) {
    let fail;
    for (const name of ["uncaughtException", "unhandledRejection"]) {
        process.on(name, (error) => fail(error));
    }
    for (const [feature, test] of Object.entries(tests)) {
        const thrown = new Promise((_, reject) => {
            fail = reject;
        });
        let error = null;
        try {
            await within(30_000, Promise.race([test(), thrown]), "the end of the test");
        } catch (caught) {
            error = caught?.stack ?? String(caught);
        }
        console.log(JSON.stringify({ feature, error }));
    }
}
