//! Slash commands: what Discord is told of them, and how they are called and answered.

mod answers;
mod calls;
mod completion;
mod languages;
mod list;
mod menus;
mod own;

use crate::support::{Id, PATIENCE, Setup, Stage, setup};
use cogsmith::clock::Clock;
use cogsmith::cogs::host::ADMIN_COMMANDS as OWN;
use cogsmith::sim::{Interaction, InteractionRequest, InteractionView, Sim};
use serde_json::Value;

/// When the clocks of these tests begin.
const START: u64 = 1_767_268_800;

/// What Discord lists of the cogs' commands, everywhere or in a guild.
fn of_cogs(sim: &Sim, guild: Option<Id>) -> Vec<Value> {
    let mut listed = sim.commands(guild);
    listed.retain(|it| !OWN.contains(&it["name"].as_str().unwrap()));
    listed
}

fn cog(body: &str) -> String {
    format!(
        "local cog = require(\"@cogsmith/cog\")\nlocal task = require(\"@cogsmith/task\")\n{body}"
    )
}

/// One cog, and a clock that stands still: Discord's list follows each reload at once.
fn one_cog(body: &str) -> Setup {
    setup(&[("cogs/t.luau", &cog(body))]).clock(Clock::paused(START))
}

/// A cog that declares this, with `f` as a function, fails to load and says why.
async fn fails_to_load(declared: &str, expected: &str) {
    let mut stage = one_cog("").start().await;
    stage.save(
        "cogs/t.luau",
        &cog(&format!("local function f() end\n{declared}")),
    );
    let report = stage.failed().await;
    let told = format!("{report:?}");
    let expected = format!("{expected:?}");
    assert!(
        told.contains(expected.trim_matches('"')),
        "{declared}: {told}"
    );
}

/// Somebody calls a slash command in #general.
fn call(stage: &Stage, user: &str, name: &str, options: Value) -> Interaction {
    call_in(stage, user, stage.general(), name, options)
}

fn call_in(stage: &Stage, user: &str, channel: Id, name: &str, options: Value) -> Interaction {
    let user = stage.sim.user(user).unwrap();
    let name = name.to_owned();
    let request = InteractionRequest::Slash { name, options };
    stage.sim.interact(user, channel, request).unwrap()
}

/// The same, and waits until the bot has settled. Returns what the bot has answered so far.
async fn runs(stage: &Stage, user: &str, name: &str, options: Value) -> InteractionView {
    let interaction = call(stage, user, name, options);
    stage.settled().await;
    interaction.state()
}

/// The text of the answer, with `(alone)` behind it when only the caller sees it.
fn shown(view: &InteractionView) -> String {
    view.message
        .as_ref()
        .map_or_else(|| format!("no message: {view:?}"), said)
}

fn said(message: &Value) -> String {
    let flags = message["flags"].as_u64().unwrap_or(0);
    let alone = if flags & 64 == 0 { "" } else { " (alone)" };
    let loading = if flags & 128 == 0 { "" } else { " (loading)" };
    format!("{}{alone}{loading}", message["content"].as_str().unwrap())
}

/// The text of the complete answer to a call of the owner's.
async fn ask(stage: &Stage, name: &str, options: Value) -> String {
    let interaction = call(stage, "owner", name, options);
    let view = interaction.response(PATIENCE).await.unwrap();
    stage.settled().await;
    shown(&view)
}
