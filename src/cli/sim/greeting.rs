//! What is printed at the start: where everything is, who can connect, and how clients are led here.

use crate::sim::{Sim, client_lines};
use std::fmt::Write as _;

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
    for (client, lines) in client_lines(&url) {
        let _written = writeln!(text, "  {client}").is_ok();
        for line in lines {
            let _written = writeln!(text, "    {line}").is_ok();
        }
    }
    text.push_str("\nCtrl-C stops it.");
    text
}
