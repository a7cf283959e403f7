//! Loads every cog as the bot does, and goes no further: nothing is committed, nothing connects.

use super::NAMES;
use super::{BotOptions, CogThreads, open_store, outbound, services, state_limits};
use crate::activity::Activity;
use crate::clock::Clock;
use crate::cogs::host::Cogs;
use crate::cogs::host_names::host_names;
use crate::commands::examples::{self, Misunderstood};
use crate::config::{Config, Token};
use crate::error::StartError;
use crate::history::History;
use crate::http::KnownHosts;
use crate::lint::HostNames;
use crate::problem::{Problem, SourceLocation};
use crate::reload::plan::plan;
use crate::reload::sources::{Rules, Snapshot};
use crate::reload::transaction;
use crate::vm::resolve::Modules as _;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An address without a server: top levels and `cog.on_load` cannot make calls, and nothing else runs.
const NOBODY: &str = "http://127.0.0.1:9";

/// The results for the cogs.
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
    /// The cogs by the paths of their own files, with the intents that the bot would ask for because of them; nothing
    /// for one that it would not load.
    pub files: BTreeMap<String, Option<u64>>,
    /// What cogs find in their VMs, by name.
    pub host: HostNames,
}

/// Prepares all cogs of the bot that `config` describes, with empty state in memory.
pub async fn rehearse(config: Config) -> Result<Rehearsal, StartError> {
    let hot = &config.hot_reload;
    let rules = Rules::of(hot).map_err(|error| StartError::Usage(format!("{error}.")))?;
    let snapshot = Arc::new(Snapshot::scan(&config.lua_dir(), &rules));
    let names = config.var_dir().join(NAMES);
    let options = BotOptions {
        hosts: KnownHosts::new(),
        config,
        token: Token::new("none"),
        api_url: Some(NOBODY.to_owned()),
        gateway_url: None,
        clock: Clock::system(),
        state: None,
        sessions: None,
    };
    let activity = Activity::new();
    let outbound = outbound(&options, &activity)?;
    let store = open_store(None, state_limits(&options.config))?;
    let services = services(&options, activity, outbound, store)?;
    let threads = CogThreads::start()?;
    let cogs = Cogs::new(Arc::new(services), threads.0.clone(), History::default());
    // The owners of names also own them here.
    cogs.names.read(&names);

    let known = host_names(&cogs.services).map_err(StartError::System)?;
    let plan = plan([], snapshot.as_ref());
    let results = transaction::rehearse(&cogs, &plan, &snapshot).await;
    let mut rehearsal = Rehearsal {
        cogs: results.len(),
        problems: snapshot.problems.iter().map(Problem::from).collect(),
        host: known,
        ..Rehearsal::default()
    };
    for (cog, result) in results {
        if let Some(entry) = snapshot.cogs().get(&cog) {
            let intents = result.as_ref().ok().map(|offer| offer.intents);
            rehearsal.files.insert(entry.path(), intents);
        }
        match result {
            Ok(offer) => {
                rehearsal.commands += offer.commands.len();
                for command in &offer.commands {
                    let found = examples::misunderstood(&command.definition).await;
                    let place = command.definition.place.as_ref();
                    let told = found
                        .iter()
                        .map(|it| of_example(&cog, place, it, &snapshot));
                    rehearsal.problems.extend(told);
                }
            }
            Err(failure) => {
                rehearsal.failed += 1;
                rehearsal.problems.push(failure.problem);
            }
        }
    }
    Ok(rehearsal)
}

/// What is wrong with an example, at the line in which it is written.
fn of_example(
    cog: &str,
    command: Option<&(String, u32)>,
    example: &Misunderstood,
    snapshot: &Snapshot,
) -> Problem {
    let place = command.map(|(file, line)| {
        let source = snapshot.in_file(file);
        let source = source.map(|source| source.text.to_string());
        let source = source.unwrap_or_default();
        let mut place = SourceLocation {
            file: file.clone(),
            line: line_of(&source, *line, &example.example),
            ..SourceLocation::default()
        };
        place.add_excerpt(&source);
        place
    });
    let (text, name, reason) = (&example.example, &example.command, &example.reason);
    Problem {
        cog: Some(cog.to_owned()),
        message: format!(
            "the example \"{text}\" is not a valid call of its own command \"{name}\": {reason}"
        ),
        place,
        hint: Some("an example is what follows the command's name".to_owned()),
        ..Problem::default()
    }
}

/// The first line from `from` on that contains the example in quotes; `from` itself, the command's line, if the example
/// is not written out as one text.
fn line_of(source: &str, from: u32, example: &str) -> u32 {
    let quoted = ['"', '\'', '`'].map(|quote| format!("{quote}{example}{quote}"));
    let lines = (1..).zip(source.lines());
    let mut written = lines.filter(|(number, line)| {
        *number >= from && quoted.iter().any(|quoted| line.contains(quoted))
    });
    written.next().map_or(from, |(number, _)| number)
}
