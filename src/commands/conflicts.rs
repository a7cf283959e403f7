//! Two commands that answer to the same name.

use super::definition::CommandDefinition;
use super::parse::name_key;
use std::fmt;

/// Discord's limit of slash commands that an application may have.
pub const MAX_SLASH_COMMANDS: usize = 100;

/// A way to call a command, which only one command of the bot can have; names as [`name_key`] folds them.
/// A command that can only be typed does not stand in the way of one that is only a slash command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// A name or alias after the prefix.
    Typed(String),
    /// The name of a slash command.
    Slash(String),
}

impl Claim {
    /// The name that is claimed.
    pub fn name(&self) -> &str {
        match self {
            Self::Typed(name) | Self::Slash(name) => name,
        }
    }
}

/// What a command claims, its name first and none twice: the complaint about a command that repeats its own
/// name is `validate`'s.
pub fn claims(command: &CommandDefinition) -> Vec<Claim> {
    let mut claims = Vec::new();
    if command.prefix {
        for name in std::iter::once(&command.name).chain(&command.aliases) {
            let claim = Claim::Typed(name_key(name));
            if !claims.contains(&claim) {
                claims.push(claim);
            }
        }
    }
    claims.extend(command.slash.then(|| Claim::Slash(name_key(&command.name))));
    claims
}

/// A cog, and the place of one of its commands.
pub type Owner = (String, Option<(String, u32)>);

/// A name that two commands claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name or alias, as [`name_key`] folds it.
    pub name: String,
    /// Whose command comes first.
    pub first: Owner,
    /// Whose command comes second.
    pub second: Owner,
}

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = |(cog, place): &Owner| match place {
            Some((file, line)) => format!("the cog \"{cog}\" ({file}:{line})"),
            None => format!("the cog \"{cog}\""),
        };
        write!(
            formatter,
            "the command name \"{}\" is taken twice: by {} and by {}; rename one of them",
            self.name,
            owner(&self.first),
            owner(&self.second)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_taken_twice_names_both_places() {
        let conflict = Conflict {
            name: "rank".to_owned(),
            first: (
                "leveling".to_owned(),
                Some(("lua/cogs/leveling.luau".into(), 20)),
            ),
            second: ("fun".to_owned(), Some(("lua/cogs/fun.luau".into(), 3))),
        };
        insta::assert_snapshot!(conflict, @r#"the command name "rank" is taken twice: by the cog "leveling" (lua/cogs/leveling.luau:20) and by the cog "fun" (lua/cogs/fun.luau:3); rename one of them"#);
    }

    #[test]
    fn a_command_claims_its_names_and_aliases_once_and_not_what_it_cannot_be_called_by() {
        let mut rank = CommandDefinition::new("rank");
        rank.aliases = vec!["RANK".into(), "Level".into()];
        let typed = |name: &str| Claim::Typed(name.to_owned());
        let slash = Claim::Slash("rank".to_owned());
        assert_eq!(
            claims(&rank),
            [typed("rank"), typed("level"), slash.clone()]
        );
        rank.slash = false;
        assert_eq!(claims(&rank), [typed("rank"), typed("level")]);
        (rank.slash, rank.prefix) = (true, false);
        assert_eq!(claims(&rank), [slash]);
    }
}
