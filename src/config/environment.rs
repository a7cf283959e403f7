//! Environment variables, the process's own and those of the file `.env`.

use super::problem::{ConfigErrors, Problem};
use super::token::bare_token;
use crate::files;
use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

/// The longest `.env`, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// A set of variables. It is passed on to all users of variables, so that nothing else reads those of the process.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// Adds the variables of the file `.env` in `folder`, if there is one. Those that are set already
    /// keep their values.
    pub fn with_file_in(mut self, folder: &Path) -> Result<Self, ConfigErrors> {
        let path = folder.join(".env");
        let name = path.display().to_string();
        let bytes = match files::read(&path, LONGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(self),
            Err(error) => {
                return Err(Problem::of_file(&name, &format!("cannot be read: {error}")).into());
            }
        };
        let text = files::decode(bytes).map_err(|problem| Problem::of_bytes(&name, problem))?;
        for entry in dotenvy::from_read_iter(text.as_bytes()) {
            let (variable, value) =
                entry.map_err(|error| unreadable(&name, text.as_bytes(), &error))?;
            self.0.entry(variable).or_insert(value);
        }
        Ok(self)
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The values that nobody may see: the token, and the variables whose names say that they are secret.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let token = self.get("DISCORD_TOKEN").map(bare_token);
        let named = self.iter().filter(|(name, value)| is_secret(name, value));
        token.into_iter().chain(named.map(|(_, value)| value))
    }

    /// All variables in order of name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// Whether a variable is secret by its name: `API_KEY`, `DB_PASSWORD`, `GITHUB_TOKEN`. A value that is an ordinary
/// word, such as `disabled`, is not hidden: it would be in too many sentences.
fn is_secret(name: &str, value: &str) -> bool {
    if value.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return false;
    }
    let mut words = name.split('_').map(str::to_ascii_uppercase);
    words.any(|word| {
        matches!(
            word.as_str(),
            "KEY" | "PASSWORD" | "PASSWD" | "SECRET" | "TOKEN" | "CREDENTIAL" | "CREDENTIALS"
        )
    })
}

/// Only names: the token is among the values.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// A line of `.env` that is not a variable. It is never shown, because it may contain the token.
fn unreadable(name: &str, text: &[u8], error: &dotenvy::Error) -> Problem {
    let line = match error {
        dotenvy::Error::LineParse(line, _) => memchr::memmem::find(text, line.as_bytes())
            .map(|offset| 1 + memchr::memchr_iter(b'\n', &text[..offset]).count()),
        _ => None,
    };
    let mut problem = Problem::of_file(
        name,
        "this line is not NAME=value (a value with spaces or # needs quotes)",
    );
    problem.origin = super::problem::Origin::File(name.to_owned(), line);
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_the_token_and_what_is_called_one() {
        let variables = [
            ("DISCORD_TOKEN", " Bot abc.def.ghi "),
            ("API_KEY", "k3y"),
            ("db_password", "pass word"),
            ("OTHER_KEY", "disabled"),
            ("KEYBOARD", "us-intl"),
            ("COGSMITH_BOT__PREFIX", "!"),
        ];
        let environment: Environment = variables.into_iter().collect();
        let secrets: Vec<&str> = environment.secrets().collect();
        assert_eq!(
            secrets,
            ["abc.def.ghi", "k3y", " Bot abc.def.ghi ", "pass word"]
        );
    }
}
