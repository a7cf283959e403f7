//! Where the configuration is, and what is read from there.

use crate::config::{self, Config, Connection, Environment};
use crate::error::StartError;
use crate::secrets;
use std::path::{Path, PathBuf};

const FILE: &str = "config.json";

/// The path of the configuration file; the file itself may be missing.
#[derive(Debug)]
pub(super) struct ConfigPath(PathBuf);

/// What a bot is started with, as far as files and the environment say it.
#[derive(Debug)]
pub struct Settings {
    /// Where the configuration was read from, or would have been.
    pub path: PathBuf,
    /// The variables of the process and of `.env`.
    pub environment: Environment,
    /// The configuration.
    pub config: Config,
    /// How to reach Discord.
    pub connection: Connection,
}

impl ConfigPath {
    /// The file that `--config` names, or `config.json` in the current folder. A file that was named
    /// must exist: with a misspelt name the defaults would apply, which grant every capability.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, StartError> {
        let Some(path) = named else {
            return Ok(Self(FILE.into()));
        };
        if path.is_dir() {
            return Ok(Self(path.join(FILE)));
        }
        if path.exists() {
            return Ok(Self(path.to_owned()));
        }
        Err(StartError::Usage(format!(
            "There is no file {}, which --config names. Name one that exists, or its folder.",
            path.display()
        )))
    }

    /// The folder of the configuration, and of everything that belongs to this bot; empty for the
    /// current one.
    pub(super) fn folder(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new(""))
    }

    /// Reads the configuration and, from the environment and `.env`, how to reach Discord. The
    /// problems of both come together.
    pub(super) fn load(&self) -> Result<Settings, StartError> {
        let environment = Environment::of_process().with_file_in(self.folder())?;
        for secret in environment.secrets() {
            secrets::keep_for_good(secret);
        }
        let config = config::load(&self.0, &environment);
        let connection = Connection::from_environment(&environment);
        match (config, connection) {
            (Ok(config), Ok(connection)) => Ok(Settings {
                path: self.0.clone(),
                environment,
                config,
                connection,
            }),
            (Err(mut errors), Err(others)) => {
                errors.problems.extend(others.problems);
                Err(errors.into())
            }
            (Err(errors), _) | (_, Err(errors)) => Err(errors.into()),
        }
    }
}
