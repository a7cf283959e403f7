//! `config.json`: what an operator may set, and how it is read.
//!
//! ```text
//! text ─ source (JSON, lines) ─┐
//! variables ─ overrides ───────┴─ check (against the schema and the rules) ─ figment (layers) ─ Config
//! ```
//!
//! - `keys`: the keys, their meaning and defaults. A new key is one field there.
//! - `schema`: the JSON schema generated from `keys`; editors and `check` read it.
//! - `source`: JSON text to a tree, syntax errors with an excerpt, the line of every key.
//! - `environment`: variables and `.env`; `overrides`: `COGSMITH_BOT__PREFIX` to a value.
//! - `check` and `rules`: everything that is wrong, all of it at once, as `problem`s.
//! - `globs`: the patterns of files that are ignored.
//! - `document`: other files that are read in the same way.
//! - `machine`: how much memory there is.
//! - `connection`: the token and the addresses of Discord, which are never in `config.json`.
//! - `follow`: the edits of the file while the bot runs; `changes`: what an edit touches.

mod changes;
mod check;
mod connection;
mod document;
mod environment;
mod follow;
mod globs;
mod key_path;
mod keys;
mod machine;
mod overrides;
mod problem;
mod rules;
mod schema;
mod source;
mod token;

pub use connection::Connection;
pub use document::Document;
pub use environment::Environment;
pub use follow::Follower;
pub use globs::{GlobFault, Globs};
pub use keys::{
    Activity, Bot, Config, Guard, HotReload, Http, Limits, Locale, Metrics, Presence, StateConfig,
    Status, Studio,
};
pub use problem::{ConfigErrors, Origin, Problem};
pub use schema::{schema, schema_of};
pub use token::{TOKEN_ADVICE, Token};

use crate::files;
use figment::Figment;
use figment::providers::Serialized;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tracing::info;

/// The longest `config.json`, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// Reads the configuration at `path`, with the overrides of `environment`. Without a file the
/// defaults apply.
pub fn load(path: &Path, environment: &Environment) -> Result<Config, ConfigErrors> {
    let root = folder_of(path);
    let name = path.display().to_string();
    let text = match files::read(path, MOST_BYTES) {
        Ok(bytes) => files::decode(bytes).map_err(|problem| Problem::of_bytes(&name, problem))?,
        Err(error) if error.kind() == ErrorKind::NotFound && root.is_dir() => {
            info!(path = %name, "No configuration file, so the defaults apply");
            "{}".to_owned()
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let what = format!(
                "cannot be read, because there is no folder {}",
                root.display()
            );
            return Err(Problem::of_file(&name, &what).into());
        }
        Err(error) => {
            return Err(Problem::of_file(&name, &format!("cannot be read: {error}")).into());
        }
    };
    from_text(&text, &name, root, environment)
}

/// Reads a configuration from its text; `name` is what messages call the file.
pub fn from_text(
    text: &str,
    name: &str,
    root: PathBuf,
    environment: &Environment,
) -> Result<Config, ConfigErrors> {
    let source = source::read(text, name)?;
    let schema = schema::schema();
    let mut problems = source.repeated_keys();
    problems.extend(check::file(&source, &schema));

    let (overrides, unusable) = overrides::read(environment, &schema);
    problems.extend(unusable);
    for item in &overrides {
        problems.extend(check::one_override(item, &schema));
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mut config: Config = layered(source.tree, &overrides)
        .extract()
        .map_err(|error| Problem::of_file(name, &format!("cannot be used: {error}")))?;
    config.root = root;
    Ok(config)
}

/// The file below the overrides. Defaults are filled in by `keys`, where a key is absent from both.
fn layered(mut file: Value, overrides: &[overrides::Override]) -> Figment {
    if let Some(keys) = file.as_object_mut() {
        keys.shift_remove(schema::SCHEMA_KEY);
    }
    for item in overrides {
        item.forget_replaced(&mut file);
    }
    let bottom = Figment::from(Serialized::defaults(file));
    overrides.iter().fold(bottom, |below, item| {
        below.merge(Serialized::defaults(item.as_tree()))
    })
}

/// The absolute folder that holds `path`.
fn folder_of(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}
