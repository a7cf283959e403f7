//! What is wrong with a configuration, told so that its operator can fix it.

use crate::escape::one_line;
use crate::files::NotText;
use std::fmt;

/// How many problems are shown; the rest is counted.
const SHOWN: usize = 40;

/// Everything that is wrong with a configuration; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    /// The problems: of the file from its top to its end, then of the environment.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the value was written.
    pub origin: Origin,
    /// The key's path (`hot_reload.reload_delay`); empty when it is the file as a whole.
    pub key: String,
    /// One sentence that names the key, what was expected and what came.
    pub message: String,
    /// The lines of the file around the place, with a marker. Only for text that is not JSON.
    pub excerpt: String,
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file, at a line counted from 1 where it is known.
    File(String, Option<usize>),
    /// In an environment variable.
    Variable(String),
}

impl ConfigErrors {
    /// One problem with the file `name` as a whole; `what` follows its name.
    pub fn of_file(name: &str, what: String) -> Self {
        Problem {
            origin: Origin::File(name.to_owned(), None),
            key: String::new(),
            message: what,
            excerpt: String::new(),
        }
        .into()
    }
}

impl Problem {
    /// A problem with a file as a whole; `what` follows its name.
    pub(super) fn of_file(name: &str, what: &str) -> Self {
        Self {
            origin: Origin::File(name.to_owned(), None),
            key: String::new(),
            message: what.to_owned(),
            excerpt: String::new(),
        }
    }

    /// The file `name` is not text.
    pub(super) fn of_bytes(name: &str, problem: NotText) -> Self {
        Self::of_file(name, &problem.to_string())
    }

    /// A problem with the variable `name`, told in one sentence.
    pub(super) fn of_variable(name: &str, message: String) -> Self {
        Self {
            origin: Origin::Variable(name.to_owned()),
            key: String::new(),
            message,
            excerpt: String::new(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name, Some(line)) => write!(formatter, "{}:{line}", one_line(name)),
            Self::File(name, None) | Self::Variable(name) => formatter.write_str(&one_line(name)),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.origin, one_line(&self.message))
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tell("configuration", formatter)
    }
}

impl ConfigErrors {
    /// The same of another file: what follows "The" instead of "configuration".
    pub fn told_of(&self, subject: &'static str) -> impl fmt::Display + '_ {
        struct Told<'a>(&'a ConfigErrors, &'static str);
        impl fmt::Display for Told<'_> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.tell(self.1, formatter)
            }
        }
        Told(self, subject)
    }

    fn tell(&self, subject: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(formatter, "The {subject} has a problem:")?,
            count => write!(formatter, "The {subject} has {count} problems:")?,
        }
        for problem in self.problems.iter().take(SHOWN) {
            write!(formatter, "\n  {problem}")?;
            for line in problem.excerpt.lines() {
                write!(formatter, "\n    {}", one_line(line))?;
            }
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            hidden => write!(formatter, "\n  … and {hidden} more"),
        }
    }
}

impl From<Problem> for ConfigErrors {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl From<Vec<Problem>> for ConfigErrors {
    fn from(problems: Vec<Problem>) -> Self {
        Self { problems }
    }
}
