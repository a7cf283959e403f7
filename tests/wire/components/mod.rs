//! Buttons and menus: which handler runs, what it answers with, and what is left to nobody.

mod answers;
mod clicks;
mod forged;
mod modals;
mod reloads;

use crate::support::{Id, PATIENCE, Setup, Stage, setup};
use cogsmith::clock::Clock;
use cogsmith::sim::{Interaction, InteractionRequest, InteractionView};
use serde_json::Value;

/// When the clocks of these tests begin.
const START: u64 = 1_767_268_800;

/// What every cog of these tests begins with: `button(id, label?)` is a row with a button.
const PRELUDE: &str = r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
local task = require("@cogsmith/task")
local function button(id, label)
    return { type = 1, components = { { type = 2, style = 1, label = label or "Press", custom_id = id } } }
end
"#;

fn cog(body: &str) -> String {
    format!("{PRELUDE}{body}")
}

/// One cog, and a clock that stands still.
fn one_cog(body: &str) -> Setup {
    setup(&[("cogs/t.luau", &cog(body))]).clock(Clock::paused(START))
}

/// The id of the one message with which the bot answers a command of the owner's.
async fn message_of(stage: &Stage, command: &str) -> Id {
    let answers = stage.says("owner", command).await;
    assert_eq!(answers.len(), 1, "{command}: {answers:#?}");
    answers[0]["id"].as_str().unwrap().parse().unwrap()
}

/// Somebody uses a component of a message in #general.
fn begin(stage: &Stage, user: &str, message: Id, custom_id: &str, values: &[&str]) -> Interaction {
    let user = stage.sim.user(user).unwrap();
    let request = InteractionRequest::Component {
        message,
        custom_id: custom_id.to_owned(),
        values: values.iter().map(|it| (*it).to_owned()).collect(),
    };
    stage.sim.interact(user, stage.general(), request).unwrap()
}

/// The same, and waits until the bot has settled.
async fn uses(
    stage: &Stage,
    user: &str,
    message: Id,
    custom_id: &str,
    values: &[&str],
) -> InteractionView {
    let interaction = begin(stage, user, message, custom_id, values);
    stage.settled().await;
    interaction.state()
}

/// The owner clicks a button. Returns the answer's text.
async fn click(stage: &Stage, message: Id, custom_id: &str) -> String {
    shown(&uses(stage, "owner", message, custom_id, &[]).await)
}

/// The text of the answer, with `(alone)` behind it when only the user sees it.
fn shown(view: &InteractionView) -> String {
    match &view.message {
        Some(message) => said(message),
        None => format!("no message: {view:?}"),
    }
}

fn said(message: &Value) -> String {
    let flags = message["flags"].as_u64().unwrap_or(0);
    let alone = if flags & 64 == 0 { "" } else { " (alone)" };
    let loading = if flags & 128 == 0 { "" } else { " (loading)" };
    format!("{}{alone}{loading}", message["content"].as_str().unwrap())
}

fn follow_ups(view: &InteractionView) -> Vec<String> {
    view.follow_ups.iter().map(said).collect()
}

/// What a message says now.
fn text_of(stage: &Stage, message: Id) -> String {
    said(&stage.sim.message(stage.general(), message).unwrap())
}

/// Answers are awaited where a clock runs by itself.
async fn answer(interaction: &Interaction) -> String {
    shown(&interaction.response(PATIENCE).await.unwrap())
}
