//! The command line.
//!
//! ```text
//! arguments ─ config_path (where is config.json?) ─ one file a subcommand (run, check, new, spec, history, sim, schema, types, dev)
//! ```
//!
//! `logging.rs` sets up what is written to stderr, `output.rs` prints to stdout.

mod check;
mod config_path;
mod dev;
mod history;
pub mod logging;
mod new;
pub mod output;
mod run;
mod schema;
mod sim;
mod spec;
mod types;

use crate::error::StartError;
use crate::supervisor;
use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use config_path::ConfigPath;
pub use config_path::Settings;
use run::{Mode, RunOptions};
use std::path::PathBuf;
use std::time::Duration;
use tracing::warn;

/// How long background work may take after the bot has stopped.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// A Discord bot whose features are written in Luau while it runs.
///
/// Without a subcommand the bot starts: with a token in `DISCORD_TOKEN` on Discord, without one in a
/// simulator on this machine.
#[derive(Debug, Parser)]
#[command(name = "cogsmith", version, subcommand_value_name = "COMMAND")]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    run: RunOptions,

    /// The configuration file, or the folder of its config.json; lua/ and var/ are beside it
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,

    /// Log more; give it twice for even more (`RUST_LOG` overrides this)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the bot; this is also what happens without a subcommand
    Run(RunOptions),
    /// Check config.json, compile all Luau files, load all cogs and look for what is probably wrong, without starting
    /// the bot
    Check(check::CheckOptions),
    /// Create a cog from a template
    New(new::NewOptions),
    /// Run the specs below spec/, each with its own simulator and the cogs that it names
    Spec(spec::SpecOptions),
    /// Show what a cog has run, or in what two of its versions differ
    History(history::HistoryOptions),
    /// Run a Discord on this machine for bots of any kind and language, and a page to talk in it
    Sim(sim::SimArguments),
    /// Print the JSON schema of config.json, or of a world for `cogsmith sim`
    Schema(schema::SchemaOptions),
    /// Check whether the Luau types in types/ are up to date, or write them
    Types(types::TypesOptions),
    /// For those who work on the bot itself
    #[command(subcommand, hide = true)]
    Dev(dev::DevCommand),
}

impl Arguments {
    /// How many times `-v` was given.
    pub fn verbosity(&self) -> u8 {
        self.verbose
    }

    /// Starts the bot in a child process, with this one as its supervisor, if the command line asks for that. Returns
    /// the exit code when the bot has ended.
    pub fn supervise(&self) -> Option<u8> {
        let run = match &self.command {
            None => self.run,
            Some(Command::Run(options)) => self.run.and(*options),
            Some(_) => return None,
        };
        if supervisor::is_child() || !run.has_supervisor() || run.mode().is_err() {
            return None;
        }
        match supervisor::supervise(&|| logging::init(self.verbose)) {
            Ok(code) => Some(code),
            Err(error) => {
                logging::init(self.verbose);
                warn!(%error, "The bot runs without a supervisor: nothing starts it again when it dies");
                None
            }
        }
    }

    /// Whether only errors of the program itself are logged: a failed spec shows the log of its own bot.
    pub fn is_quiet(&self) -> bool {
        matches!(self.command, Some(Command::Spec(_))) && self.verbose == 0
    }
}

/// Does what the command line asks for.
pub fn execute(arguments: &Arguments) -> Result<(), StartError> {
    let config_path = || ConfigPath::find(arguments.config.as_deref());
    let mode = match &arguments.command {
        Some(Command::Run(options)) => arguments.run.and(*options).mode()?,
        None => arguments.run.mode()?,
        Some(_) if arguments.run != RunOptions::default() => misplaced(),
        Some(Command::Check(options)) => return check::execute(&config_path()?, *options),
        Some(Command::New(options)) => return new::execute(&config_path()?, options),
        Some(Command::History(options)) => return history::execute(&config_path()?, options),
        Some(Command::Spec(options)) => return spec::execute(&config_path()?, options),
        Some(Command::Sim(options)) => return sim::execute(options),
        Some(Command::Schema(options)) => return schema::execute(&config_path()?, *options),
        Some(Command::Types(options)) => return types::execute(&config_path()?, *options),
        Some(Command::Dev(command)) => return dev::execute(&config_path()?, command),
    };
    start(&config_path()?, mode)
}

fn start(config_path: &ConfigPath, mode: Mode) -> Result<(), StartError> {
    let settings = config_path.load()?;
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Cogs have threads of their own. As many again for the connection would mostly wake each other.
        .worker_threads((processors / 2).max(1))
        .enable_all()
        .build()
        .map_err(|error| StartError::System(error.to_string()))?;
    let ended = runtime.block_on(run::run(settings, mode));
    // A thread may be reading from a disk that does not answer; the process does not wait for it.
    runtime.shutdown_timeout(LEFTOVERS);
    ended
}

/// Ends the process as clap does for arguments that conflict.
fn misplaced() -> ! {
    let message = "--offline, --online and --no-supervisor only work with `cogsmith run`";
    Arguments::command()
        .error(ErrorKind::ArgumentConflict, message)
        .exit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
