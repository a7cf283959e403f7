//! Two commands that answer to the same name.

use super::definition::CommandDefinition;
use super::parse::name_key;
use std::collections::HashMap;
use std::fmt;

/// Discord's limit of slash commands that an application may have.
pub const MAX_SLASH_COMMANDS: usize = 100;

/// A name that two commands claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name or alias, as [`name_key`] folds it.
    pub name: String,
    /// Cog and place of the command that comes first.
    pub first: (String, Option<(String, u32)>),
    /// Cog and place of the command that comes second.
    pub second: (String, Option<(String, u32)>),
}

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = |(cog, place): &(String, Option<(String, u32)>)| match place {
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

/// Every name or alias that two of the commands (each with its cog) claim, in the order given. A
/// command that can only be typed does not stand in the way of one that is only a slash command.
pub fn conflicts<'a>(
    commands: impl IntoIterator<Item = (&'a str, &'a CommandDefinition)>,
) -> Vec<Conflict> {
    let mut typed = HashMap::new();
    let mut slash = HashMap::new();
    let mut found: Vec<Conflict> = Vec::new();
    for (cog, command) in commands {
        let owner = (cog.to_owned(), command.place.clone());
        let mut claim = |taken: &mut HashMap<String, (String, _)>, key: String| {
            let Some(first) = taken.get(&key) else {
                taken.insert(key, owner.clone());
                return;
            };
            let conflict = Conflict {
                name: key,
                first: first.clone(),
                second: owner.clone(),
            };
            // Taken both as a typed name and as a slash name is still one conflict.
            if !found.contains(&conflict) {
                found.push(conflict);
            }
        };
        if command.prefix {
            // The complaint about a command that repeats its own name is `validate`'s.
            let mut keys = vec![name_key(&command.name)];
            for alias in &command.aliases {
                let key = name_key(alias);
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            for key in keys {
                claim(&mut typed, key);
            }
        }
        if command.slash {
            claim(&mut slash, name_key(&command.name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_taken_twice_names_both_places() {
        let mut rank = CommandDefinition::new("rank");
        rank.place = Some(("lua/cogs/leveling.luau".into(), 20));
        let mut other = CommandDefinition::new("top");
        other.aliases = vec!["RANK".into()];
        other.place = Some(("lua/cogs/fun.luau".into(), 3));
        let found = conflicts([("leveling", &rank), ("fun", &other)]);
        assert_eq!(found.len(), 1);
        insta::assert_snapshot!(found[0], @r#"the command name "rank" is taken twice: by the cog "leveling" (lua/cogs/leveling.luau:20) and by the cog "fun" (lua/cogs/fun.luau:3); rename one of them"#);
    }

    #[test]
    fn a_typed_and_a_slash_command_may_share_a_name() {
        let mut typed = CommandDefinition::new("rank");
        typed.slash = false;
        let mut slash = CommandDefinition::new("rank");
        slash.prefix = false;
        assert_eq!(conflicts([("a", &typed), ("b", &slash)]), []);
        assert_eq!(conflicts([("a", &slash), ("b", &slash)]).len(), 1);
    }
}
