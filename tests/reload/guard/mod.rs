//! `hot_reload.guard`: a version that fails where the one before did not is told of, or taken back.

mod acting;
mod rules;

use crate::support::{Setup, Stage, command, setup};
use cogsmith::guard::Notice;
use serde_json::Value;
use std::sync::Arc;

pub(crate) const UNDO: &str = r#"{ "hot_reload": { "guard": "undo" } }"#;

/// A cog `word` with a command of that name.
pub(crate) fn word(body: &str) -> String {
    command("word", body)
}

pub(crate) const FINE: &str = "ctx:reply(\"one\")";
pub(crate) const BROKEN: &str = "error(\"no such word\")";

pub(crate) fn cogs(body: &str) -> Setup {
    setup(&[("cogs/word.luau", &word(body))]).stored()
}

/// Has somebody call `!word` so many times.
pub(crate) async fn calls(stage: &Stage, count: usize) {
    for _ in 0..count {
        stage.says("anna", "!word").await;
    }
}

/// Saves another version of the cog, and waits until it runs.
pub(crate) async fn save(stage: &mut Stage, body: &str) {
    stage.save("cogs/word.luau", &word(body));
    stage.applied().await;
}

/// What the guard has to say about the cog.
pub(crate) fn notice(stage: &Stage) -> Option<Arc<Notice>> {
    stage.bot.cogs.get("word").unwrap().guard_notice()
}

/// The same in one sentence.
pub(crate) fn sentence(stage: &Stage) -> String {
    notice(stage).map_or_else(String::new, |notice| notice.sentence())
}

/// What the bot has written that begins like this.
pub(crate) fn beginning<'a>(messages: &'a [Value], start: &str) -> Vec<&'a str> {
    let texts = messages.iter().filter_map(|it| it["content"].as_str());
    texts.filter(|text| text.starts_with(start)).collect()
}
