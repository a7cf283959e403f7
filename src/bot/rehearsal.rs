//! Loads every cog as the bot does, and goes no further: nothing is committed, nothing connects.

use super::{BotOptions, CogThreads, services};
use crate::clock::Clock;
use crate::cogs::host::Cogs;
use crate::config::{Config, Token};
use crate::error::StartError;
use crate::http::KnownHosts;
use crate::problem::Problem;
use crate::reload::plan::plan;
use crate::reload::sources::{Rules, Snapshot};
use crate::reload::transaction;
use std::sync::Arc;

/// An address at which nothing is: top levels and `cog.on_load` cannot call anybody, and nobody else does.
const NOBODY: &str = "http://127.0.0.1:9";

/// What became of the cogs.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// How many cogs there are.
    pub cogs: usize,
    /// How many of them the bot would not load.
    pub failed: usize,
    /// How many commands the others have, subcommands not counted.
    pub commands: usize,
    /// What is wrong: with the files, then with each cog in order of name.
    pub problems: Vec<Problem>,
}

/// Prepares all cogs of the bot that `config` describes, with empty state in memory.
pub async fn rehearse(config: Config) -> Result<Rehearsal, StartError> {
    let hot = &config.hot_reload;
    let rules = Rules::of(hot).map_err(|error| StartError::Usage(format!("{error}.")))?;
    let snapshot = Arc::new(Snapshot::scan(&config.lua_dir(), &rules));
    let services = services(&BotOptions {
        hosts: KnownHosts::new(),
        config,
        token: Token::new("none"),
        api_url: Some(NOBODY.to_owned()),
        clock: Clock::system(),
        state: None,
        sessions: None,
    })?;
    let threads = CogThreads::start()?;
    let cogs = Cogs::new(Arc::new(services), threads.0.clone());

    let plan = plan([], snapshot.as_ref());
    let results = transaction::rehearse(&cogs, &plan, &snapshot).await;
    let mut rehearsal = Rehearsal {
        cogs: results.len(),
        problems: snapshot.problems.iter().map(Problem::from).collect(),
        ..Rehearsal::default()
    };
    for (_, result) in results {
        match result {
            Ok(offer) => rehearsal.commands += offer.commands.len(),
            Err(failure) => {
                rehearsal.failed += 1;
                rehearsal.problems.push(failure.problem);
            }
        }
    }
    Ok(rehearsal)
}
