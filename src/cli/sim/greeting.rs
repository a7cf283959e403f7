//! What is printed at the start: where everything is, who can connect, and how clients are led here.

use crate::sim::Sim;
use std::fmt::Write as _;

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

/// The whole text.
pub(super) fn of(sim: &Sim) -> String {
    let (url, gateway) = (sim.url(), sim.url().replacen("http", "ws", 1));
    let mut text = format!(
        "The simulator is at {url} (REST {url}/api/v10, gateway {gateway}).\n\
         Talk in it at {url}\n\n"
    );
    // Writing into a string cannot fail.
    for ((id, token), name) in sim.bots().iter().zip(sim.bot_names()) {
        let _written = writeln!(text, "{name}, application {id}:\n  DISCORD_TOKEN={token}").is_ok();
    }
    text.push_str("\nHow a bot comes here instead of to Discord:\n");
    for (client, lines) in CLIENTS {
        let _written = writeln!(text, "  {client}").is_ok();
        for line in *lines {
            let line = line.replace("<url>", &url).replace("<gateway>", &gateway);
            let _written = writeln!(text, "    {line}").is_ok();
        }
    }
    text.push_str("\nCtrl-C stops it.");
    text
}
