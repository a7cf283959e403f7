//! Two commands that answer to the same name, or two cogs that want the same custom ids.

use super::definition::{CommandDefinition, CommandKind};
use super::likeness::{in_code_points, likenesses};
use super::name_key::name_key;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A way to call a command, to name a cog or to use a component, which only one cog of the bot can have; names as [`name_key`] folds them.
/// A command that can only be typed does not conflict with one that is only a slash command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// A name or alias after the prefix.
    Typed(String),
    /// The name of a slash command.
    Slash(String),
    /// The name of a command in the context menu of users.
    UserMenu(String),
    /// The name of a command in the context menu of messages.
    MessageMenu(String),
    /// What custom ids of components and modals begin with, as it is written.
    Component(String),
    /// What a typed name looks like. It conflicts only with those of other cogs, as do the following ones.
    LooksTyped(String),
    /// What the name of a slash command looks like.
    LooksSlash(String),
    /// What the name of a command in the context menu of users looks like.
    LooksUserMenu(String),
    /// What the name of a command in the context menu of messages looks like.
    LooksMessageMenu(String),
    /// What a cog's name looks like.
    LooksCog(String),
}

impl Claim {
    /// What Discord's list has by this name and with this number of its types.
    pub fn listed(discord_type: u64, name: &str) -> Option<Self> {
        let key = name_key(name);
        CommandKind::of_discord_type(discord_type).map(|kind| match kind {
            CommandKind::Chat => Self::Slash(key),
            CommandKind::User => Self::UserMenu(key),
            CommandKind::Message => Self::MessageMenu(key),
        })
    }

    /// The claimed name, or what a name looks like.
    pub fn name(&self) -> &str {
        match self {
            Self::Typed(name)
            | Self::Slash(name)
            | Self::UserMenu(name)
            | Self::MessageMenu(name)
            | Self::Component(name)
            | Self::LooksTyped(name)
            | Self::LooksSlash(name)
            | Self::LooksUserMenu(name)
            | Self::LooksMessageMenu(name)
            | Self::LooksCog(name) => name,
        }
    }

    /// Whether it is about how a name looks.
    pub fn is_likeness(&self) -> bool {
        matches!(
            self,
            Self::LooksTyped(_)
                | Self::LooksSlash(_)
                | Self::LooksUserMenu(_)
                | Self::LooksMessageMenu(_)
                | Self::LooksCog(_)
        )
    }
}

/// What a command claims with which of its names, its own first, then what they look like. None comes twice: the
/// complaint about a command that repeats its own name is `validate`'s.
pub fn claims(command: &CommandDefinition) -> Vec<(Claim, &str)> {
    let typed = || {
        let names = std::iter::once(&command.name).chain(&command.aliases);
        names.filter(|_| command.prefix)
    };
    let kind = command.kind;
    let is_listed = command.slash || kind != CommandKind::Chat;
    let listed = || std::iter::once(&command.name).filter(|_| is_listed);
    let exact = typed()
        .map(|name| (Claim::Typed(name_key(name)), name))
        .chain(listed().filter_map(|name| Some((Claim::listed(kind.discord_type(), name)?, name))));
    let looks = |name: &str| likenesses(name).into_iter();
    let looks_listed = match kind {
        CommandKind::Chat => Claim::LooksSlash,
        CommandKind::User => Claim::LooksUserMenu,
        CommandKind::Message => Claim::LooksMessageMenu,
    };
    let alike = typed()
        .flat_map(|name| looks(name).map(move |it| (Claim::LooksTyped(it), name)))
        .chain(listed().flat_map(|name| looks(name).map(move |it| (looks_listed(it), name))));
    let mut claims: Vec<(Claim, &str)> = Vec::new();
    for (claim, name) in exact.chain(alike) {
        if !claims.iter().any(|(known, _)| *known == claim) {
            claims.push((claim, name));
        }
    }
    claims
}

/// What a cog claims with its own name.
pub fn claims_of_cog(name: &str) -> impl Iterator<Item = Claim> {
    likenesses(name).into_iter().map(Claim::LooksCog)
}

/// A cog, and the place of what it declares.
pub type Claimant = (String, Option<(String, u32)>);

/// A name that two commands claim, or two names that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name or alias that comes first; that of a cog, if the conflict is about cogs' names.
    pub first_name: String,
    /// Whose command comes first.
    pub first: Claimant,
    /// The name or alias that comes second.
    pub second_name: String,
    /// Whose command comes second.
    pub second: Claimant,
    /// What both claim.
    pub claim: Claim,
}

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claimant = |(cog, place): &Claimant| match place {
            Some((file, line)) => format!("the cog \"{cog}\" ({file}:{line})"),
            None => format!("the cog \"{cog}\""),
        };
        let (first, second) = (claimant(&self.first), claimant(&self.second));
        match &self.claim {
            Claim::Typed(name)
            | Claim::Slash(name)
            | Claim::UserMenu(name)
            | Claim::MessageMenu(name) => write!(
                formatter,
                "the command name \"{name}\" is taken twice: by {first} and by {second}; rename one of them"
            ),
            Claim::Component(name) => write!(
                formatter,
                "custom ids that begin with \"{name}\" are taken twice: by {first} and by {second}; let one of them begin otherwise"
            ),
            Claim::LooksCog(_) => write!(
                formatter,
                "the cog's name {} looks like that of {first}; rename its file",
                shown(&self.second_name)
            ),
            Claim::LooksTyped(_)
            | Claim::LooksSlash(_)
            | Claim::LooksUserMenu(_)
            | Claim::LooksMessageMenu(_) => write!(
                formatter,
                "the command name {} of {second} looks like {} of {first}; rename one of them",
                shown(&self.second_name),
                shown(&self.first_name)
            ),
        }
    }
}

/// A name, and the characters in it that may be taken for others.
pub fn shown(name: &str) -> String {
    match in_code_points(name) {
        Some(points) => format!("\"{name}\" (with {points})"),
        None => format!("\"{name}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_taken_twice_names_both_places() {
        let mut conflict = Conflict {
            first_name: "rank".to_owned(),
            first: (
                "leveling".to_owned(),
                Some(("lua/cogs/leveling.luau".into(), 20)),
            ),
            second_name: "r\u{430}nk".to_owned(),
            second: ("fun".to_owned(), Some(("lua/cogs/fun.luau".into(), 3))),
            claim: Claim::Typed("rank".to_owned()),
        };
        insta::assert_snapshot!(conflict, @r#"the command name "rank" is taken twice: by the cog "leveling" (lua/cogs/leveling.luau:20) and by the cog "fun" (lua/cogs/fun.luau:3); rename one of them"#);
        conflict.claim = Claim::LooksTyped("rank".to_owned());
        insta::assert_snapshot!(conflict, @r#"the command name "rаnk" (with U+0430) of the cog "fun" (lua/cogs/fun.luau:3) looks like "rank" of the cog "leveling" (lua/cogs/leveling.luau:20); rename one of them"#);
        let conflict = Conflict {
            first_name: "leveling".to_owned(),
            first: ("leveling".to_owned(), None),
            second_name: "l\u{435}veling".to_owned(),
            second: ("l\u{435}veling".to_owned(), None),
            claim: Claim::LooksCog("leveling".to_owned()),
        };
        insta::assert_snapshot!(conflict, @r#"the cog's name "lеveling" (with U+0435) looks like that of the cog "leveling"; rename its file"#);
    }

    #[test]
    fn a_command_claims_its_names_and_aliases_once_and_not_what_it_cannot_be_called_by() {
        let mut rank = CommandDefinition::new("rank");
        rank.aliases = vec!["RANK".into(), "Level".into()];
        let typed = |name: &str| Claim::Typed(name.to_owned());
        let slash = Claim::Slash("rank".to_owned());
        let exact = |command: &CommandDefinition| -> Vec<Claim> {
            let claims = claims(command).into_iter().map(|(claim, _)| claim);
            claims.filter(|claim| !claim.is_likeness()).collect()
        };
        assert_eq!(exact(&rank), [typed("rank"), typed("level"), slash.clone()]);
        rank.slash = false;
        assert_eq!(exact(&rank), [typed("rank"), typed("level")]);
        (rank.slash, rank.prefix) = (true, false);
        assert_eq!(exact(&rank), [slash]);
    }
}
