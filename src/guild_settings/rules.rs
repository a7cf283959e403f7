//! Which commands and cogs are off or limited in a server.

use crate::commands::text::Language;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// What one server has set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What stands before typed commands.
    pub prefix: Option<String>,
    /// The language of the bot's own sentences.
    pub language: Option<Language>,
    /// What is off or limited.
    rules: BTreeMap<Subject, Rule>,
}

/// What can be off or limited: `command:ping` or `cog:fun.dice`, a command by the folded name of the one at its root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Subject {
    /// A command with all that is below it.
    Command(String),
    /// A cog with all of its commands.
    Cog(String),
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

impl From<String> for Subject {
    fn from(text: String) -> Self {
        match text.split_once(':') {
            Some(("cog", name)) => Self::Cog(name.to_owned()),
            Some(("command", name)) => Self::Command(name.to_owned()),
            _ => Self::Command(text),
        }
    }
}

impl FromStr for Subject {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_owned().into())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(name) => write!(formatter, "command:{name}"),
            Self::Cog(name) => write!(formatter, "cog:{name}"),
        }
    }
}

/// How a server restricts a command or a cog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Nobody can use it there.
    Off,
    /// It can be used in these channels, by members with one of these roles; an empty set is no limit.
    Limited {
        /// Channels, with their threads, and categories, with their channels.
        channels: BTreeSet<u64>,
        /// Roles.
        roles: BTreeSet<u64>,
    },
}

/// Where something is called, and by whom.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The channel, and those that it is in.
    pub channels: Vec<u64>,
    /// The caller's roles; the server's own id is that of @everyone.
    pub roles: Vec<u64>,
}

/// Whether something may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It may.
    Usable,
    /// Only by members with another role.
    OtherRole,
    /// Only in another channel.
    OtherChannel,
    /// Nowhere in this server.
    Off,
}

impl Settings {
    /// Whether anything is off or limited.
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// What is off or limited, with how.
    pub fn rules(&self) -> impl Iterator<Item = (&Subject, &Rule)> {
        self.rules.iter()
    }

    /// How something is restricted.
    pub fn rule(&self, subject: &Subject) -> Option<&Rule> {
        self.rules.get(subject)
    }

    /// Restricts something, or frees it.
    pub fn set(&mut self, subject: Subject, rule: Option<Rule>) {
        match rule {
            Some(rule) => drop(self.rules.insert(subject, rule)),
            None => drop(self.rules.remove(&subject)),
        }
    }

    /// Whether a command of a cog may be used. The stricter of two rules counts.
    pub fn verdict(&self, command: &str, cog: &str, place: &Place) -> Verdict {
        let all = self.of_both(command, cog);
        let verdicts = all.map(|rule| rule.verdict(place));
        verdicts.max().unwrap_or(Verdict::Usable)
    }

    /// Whether a command of a cog is off.
    pub fn is_off(&self, command: &str, cog: &str) -> bool {
        self.of_both(command, cog).any(|rule| *rule == Rule::Off)
    }

    /// Whether a whole cog is off.
    pub fn is_cog_off(&self, cog: &str) -> bool {
        let rule = self.rules.get(&Subject::Cog(cog.to_owned()));
        rule == Some(&Rule::Off)
    }

    fn of_both(&self, command: &str, cog: &str) -> impl Iterator<Item = &Rule> {
        let subjects = [
            Subject::Command(command.to_owned()),
            Subject::Cog(cog.to_owned()),
        ];
        let rules = subjects.map(|subject| self.rules.get(&subject));
        rules.into_iter().flatten()
    }
}

impl Rule {
    fn verdict(&self, place: &Place) -> Verdict {
        let Self::Limited { channels, roles } = self else {
            return Verdict::Off;
        };
        let fits = |allowed: &BTreeSet<u64>, held: &[u64]| {
            allowed.is_empty() || held.iter().any(|id| allowed.contains(id))
        };
        match (fits(channels, &place.channels), fits(roles, &place.roles)) {
            (false, _) => Verdict::OtherChannel,
            (true, false) => Verdict::OtherRole,
            (true, true) => Verdict::Usable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(channels: &[u64], roles: &[u64]) -> Rule {
        Rule::Limited {
            channels: channels.iter().copied().collect(),
            roles: roles.iter().copied().collect(),
        }
    }

    #[test]
    fn the_strictest_rule_decides() {
        let place = Place {
            channels: vec![1, 10],
            roles: vec![2, 99],
        };
        for (of_command, of_cog, expected) in [
            (None, None, Verdict::Usable),
            (Some(Rule::Off), None, Verdict::Off),
            (None, Some(Rule::Off), Verdict::Off),
            (Some(limited(&[1], &[2])), None, Verdict::Usable),
            (Some(limited(&[10], &[])), None, Verdict::Usable),
            (Some(limited(&[], &[99])), None, Verdict::Usable),
            (Some(limited(&[3], &[2])), None, Verdict::OtherChannel),
            (Some(limited(&[1], &[3])), None, Verdict::OtherRole),
            (
                Some(limited(&[1], &[3])),
                Some(limited(&[4], &[])),
                Verdict::OtherChannel,
            ),
            (Some(limited(&[1], &[])), Some(Rule::Off), Verdict::Off),
        ] {
            let mut settings = Settings::default();
            settings.set("command:ping".parse().unwrap(), of_command.clone());
            settings.set("cog:games".parse().unwrap(), of_cog.clone());
            let verdict = settings.verdict("ping", "games", &place);
            assert_eq!(verdict, expected, "{of_command:?} {of_cog:?}");
            let others = settings.verdict("pong", "other", &place);
            assert_eq!(others, Verdict::Usable);
        }
    }

    #[test]
    fn settings_come_back_from_their_json() {
        let mut settings = Settings {
            prefix: Some("?".to_owned()),
            language: Some(Language::Indonesian),
            ..Settings::default()
        };
        settings.set("command:a:b".parse().unwrap(), Some(Rule::Off));
        settings.set(
            "cog:fun.dice".parse().unwrap(),
            Some(limited(&[1], &[u64::MAX])),
        );
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
        let empty: Settings = serde_json::from_str("{}").unwrap();
        assert_eq!(empty, Settings::default());
    }
}
