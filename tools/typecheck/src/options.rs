//! The command line.

use lexopt::{Arg, Parser, ValueExt};
use std::path::PathBuf;

/// What `--help` says.
pub(crate) const HELP: &str = "\
Checks the types of a bot's cogs, services and specs, in strict mode.

Usage: cogsmith-typecheck [OPTIONS] [FOLDER]

FOLDER is that of config.json, with lua/ and types/ in it; by default this one.

Options:
  --format text|json  how problems are printed; json is a list of objects with file, line, column,
                      end_line, end_column, severity, code and message
  --background        with low priority, at most 1 GB of memory and 60 s of processor time
  -h, --help          prints this
";

/// How problems are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Options {
    /// The folder of `config.json`.
    pub(crate) folder: PathBuf,
    /// How problems are printed.
    pub(crate) format: Format,
    /// Whether something else on this machine is more important.
    pub(crate) background: bool,
}

impl Options {
    /// Reads the arguments of this process; nothing if they ask for help.
    pub(crate) fn read() -> Result<Option<Self>, String> {
        Self::parse(Parser::from_env()).map_err(|error| format!("{error}; see --help"))
    }

    fn parse(mut parser: Parser) -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self {
            folder: PathBuf::new(),
            format: Format::Text,
            background: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("format") => {
                    options.format = match parser.value()?.string()?.as_str() {
                        "text" => Format::Text,
                        "json" => Format::Json,
                        other => {
                            return Err(format!("--format is text or json, not \"{other}\"").into());
                        }
                    };
                }
                Arg::Long("background") => options.background = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Value(folder) if options.folder.as_os_str().is_empty() => {
                    options.folder = folder.into();
                }
                other => return Err(other.unexpected()),
            }
        }
        if options.folder.as_os_str().is_empty() {
            options.folder = ".".into();
        }
        Ok(Some(options))
    }
}
