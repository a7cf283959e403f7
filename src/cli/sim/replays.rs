//! The conversations of `--replay`: played one after the other with whatever bot is connected.

use super::SimArguments;
use crate::cli::output;
use crate::conversation::{Conversation, Replay, StepState, commands, report};
use crate::error::StartError;
use crate::files::replace;
use crate::sim::Sim;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a bot that is connected may take to tell which slash commands it has.
const COMMANDS: Duration = Duration::from_secs(15);
/// How long it is waited for a bot; Ctrl-C ends it before.
const A_BOT: Duration = Duration::from_secs(10 * 60);

/// Reads the files.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Conversation)>, StartError> {
    let read = |path: &PathBuf| {
        let conversation = Conversation::open(path).map_err(|why| {
            StartError::Usage(format!(
                "--replay: {} is no recorded conversation: {why}.",
                path.display()
            ))
        })?;
        Ok((path.clone(), conversation))
    };
    paths.iter().map(read).collect()
}

/// Plays them, and tells what is different. An error if anything is. Without any, this never ends.
pub(super) async fn play(
    sim: &Sim,
    conversations: Vec<(PathBuf, Conversation)>,
    arguments: &SimArguments,
) -> Result<(), StartError> {
    if conversations.is_empty() {
        return std::future::pending().await;
    }
    let failed = |error: String| StartError::Simulator(error);
    output::say("\nWaiting for a bot …");
    sim.connected(A_BOT)
        .await
        .map_err(|_| failed("No bot has connected within 10 minutes.".to_owned()))?;
    let mut different = 0;
    let count = conversations.len();
    for (path, conversation) in conversations {
        wait_for_commands(sim, &conversation).await;
        let name = match conversation.name.as_str() {
            "" => path.display().to_string(),
            name => name.to_owned(),
        };
        let begun = Replay::begin(sim, conversation, sim.guild(), arguments.pauses).await;
        let mut replay = begun.map_err(failed)?;
        let mut outcomes = Vec::new();
        while let Some(outcome) = replay.step().await {
            outcomes.push(outcome);
        }
        output::say(format!("\n{}", report(&name, &outcomes)));
        let is_same = outcomes.iter().all(|it| it.state == StepState::Same);
        if !is_same && arguments.update {
            write(&path, &replay.as_played())?;
            output::say(format!("Written anew: {}", path.display()));
        } else if !is_same {
            different += 1;
        }
    }
    match (different, count) {
        (0, _) => Ok(()),
        (_, 1) => Err(StartError::CheckFailed(
            "The conversation does not go as recorded.".to_owned(),
        )),
        (different, count) => Err(StartError::CheckFailed(format!(
            "{different} of {count} conversations do not go as recorded."
        ))),
    }
}

/// Slash commands are there some time after a bot has connected. One that never comes is told by the replay.
async fn wait_for_commands(sim: &Sim, conversation: &Conversation) {
    // No text begins with this, so these are the names of commands alone.
    let used = commands(conversation, "\0");
    let are_there = |sim: &Sim| {
        let known = sim.all_commands();
        let is_known = |name: &String| {
            known.iter().any(|command| {
                let known = command["name"].as_str().unwrap_or_default();
                known.to_lowercase() == name.to_lowercase()
            })
        };
        used.iter().all(is_known).then_some(())
    };
    let _are_there = sim
        .wait_for("the commands of the conversation", COMMANDS, are_there)
        .await
        .is_ok();
}

fn write(path: &Path, conversation: &Conversation) -> Result<(), StartError> {
    let written = replace(path, |new| fs::write(new, conversation.text()));
    written.map_err(|error| StartError::File {
        path: path.display().to_string(),
        action: "written",
        reason: error.to_string(),
    })
}
