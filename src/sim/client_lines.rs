//! How the clients of other languages are led to the simulator instead of to Discord.

/// The line or lines with which each client uses the simulator; `<url>` and `<gateway>` stand for the addresses.
/// docs/simulator.md says with which versions they were tried.
const CLIENTS: &[(&str, &[&str])] = &[
    (
        "discord.js",
        &["new Client({ intents, rest: { api: \"<url>/api\" } })"],
    ),
    (
        "discord.py",
        &[
            "discord.http.Route.BASE = \"<url>/api/v10\"",
            "discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(\"<gateway>\")",
        ],
    ),
    (
        "serenity",
        &[
            "let http = HttpBuilder::new(token).proxy(\"<url>\").ratelimiter_disabled(true).build();",
            "ClientBuilder::new_with_http(http, intents)",
        ],
    ),
    (
        "JDA",
        &[
            "JDABuilder.createDefault(token).setRestConfig(new RestConfig().setBaseUrl(\"<url>/api/v10/\"))",
        ],
    ),
    (
        "hikari",
        &["hikari.GatewayBot(token, rest_url=\"<url>/api/v10\")"],
    ),
];

/// Each client with its lines, for a simulator at this address (`http://127.0.0.1:7880`).
pub fn client_lines(url: &str) -> Vec<(&'static str, Vec<String>)> {
    let gateway = url.replacen("http", "ws", 1);
    let filled = |line: &&str| line.replace("<url>", url).replace("<gateway>", &gateway);
    let clients = CLIENTS.iter();
    clients
        .map(|(client, lines)| (*client, lines.iter().map(filled).collect()))
        .collect()
}
