//! From a message's text to the command that it calls: prefix, name, groups and subcommands.

use super::definition::{Check, CommandDefinition};
use super::escape::is_separator;
use super::name_key::{is_same_name, is_selector};
use super::tokens::{Token, Tokens};

/// What follows the prefix, when `content` begins with it or with a mention of the bot. Space is
/// allowed after a mention and after a prefix that ends in a letter or digit, and needed after one
/// that ends in space; after any other it makes the message an ordinary one (`! that was close`).
/// Letters are the same in either case, as telephones begin a line with a capital one. An empty
/// prefix is none: only a mention calls the bot then.
pub fn strip_prefix<'a>(content: &'a str, prefix: &str, bot_id: &str) -> Option<&'a str> {
    let content = content.trim_start_matches(is_separator);
    if let Some(rest) = strip_mention(content, bot_id) {
        return Some(rest.trim_start_matches(is_separator));
    }
    after_prefix(content, prefix)
}

/// Whether a text that begins like this may be one with which [`strip_prefix`] finds something: its first letter is that
/// of a mention, or one of those for which `is_first` is true.
pub fn may_call(start: &str, is_first: impl Fn(char) -> bool) -> bool {
    let start = start.trim_start_matches(|it| is_separator(it) || is_selector(it));
    let first = start.chars().next();
    first.is_none_or(|first| first == '<' || lower(first).next().is_some_and(is_first))
}

/// The letter that [`may_call`] is to be told of for a prefix.
pub fn first_letter(prefix: &str) -> Option<char> {
    let mut letters = prefix.trim_end().chars().filter(|it| !is_selector(*it));
    lower(letters.next()?).next()
}

/// What follows the prefix, as [`strip_prefix`] has it.
pub fn after_prefix<'a>(content: &'a str, prefix: &str) -> Option<&'a str> {
    let word = prefix.trim_end();
    let last = word.chars().next_back()?;
    let rest = strip_in_any_case(content, word)?;
    let has_space = rest.starts_with(is_separator);
    if word.len() < prefix.len() && !has_space {
        return None;
    }
    if word.len() < prefix.len() || last.is_alphanumeric() {
        return Some(rest.trim_start_matches(is_separator));
    }
    (!rest.starts_with(char::is_whitespace)).then_some(rest)
}

/// What follows `start`, whose letters may be in another case, and whose emoji may have a selector
/// or none. Some letters are two in lower case.
fn strip_in_any_case<'a>(content: &'a str, start: &str) -> Option<&'a str> {
    let wanted = start.chars().filter(|it| !is_selector(*it));
    let mut wanted = wanted.flat_map(lower).peekable();
    let mut rest = content;
    while wanted.peek().is_some() {
        let mut given = rest.trim_start_matches(is_selector).chars();
        if lower(given.next()?).any(|it| wanted.next() != Some(it)) {
            return None;
        }
        rest = given.as_str();
    }
    Some(rest.trim_start_matches(is_selector))
}

/// A letter in lower case, of which some letters have two: `σ` and `ς` are one here.
fn lower(letter: char) -> impl Iterator<Item = char> {
    letter.to_uppercase().flat_map(char::to_lowercase)
}

fn strip_mention<'a>(content: &'a str, bot_id: &str) -> Option<&'a str> {
    let rest = content.strip_prefix("<@")?;
    let rest = rest.strip_prefix('!').unwrap_or(rest);
    rest.strip_prefix(bot_id)?.strip_prefix('>')
}

/// The first word after the prefix and what follows it. The word is empty when nothing is there.
pub fn split_name(rest: &str) -> (&str, &str) {
    let rest = rest.trim_start_matches(is_separator);
    rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()))
}

/// Whether the user who typed `name` means this command.
pub fn answers_to(definition: &CommandDefinition, name: &str) -> bool {
    is_same_name(&definition.name, name)
        || definition
            .aliases
            .iter()
            .any(|alias| is_same_name(alias, name))
}

/// A message's whole text and the place in it from which arguments are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The whole text, prefix and name included: answers show the line as it was typed.
    pub content: &'a str,
    /// The byte at which the arguments begin.
    pub arguments: usize,
}

impl<'a> Line<'a> {
    /// The arguments are `rest`, the end of `content`, as [`strip_prefix`] and [`split_name`]
    /// return it.
    #[cfg(test)]
    fn new(content: &'a str, rest: &str) -> Self {
        Self {
            content,
            arguments: content.len().saturating_sub(rest.len()),
        }
    }

    /// The words from the first argument on.
    pub fn tokens(&self) -> Tokens<'a> {
        Tokens::new(self.content, self.arguments)
    }
}

/// The command that a line calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Called<'d, 'a> {
    /// From the command at the root to the one that is called.
    pub path: Vec<&'d CommandDefinition>,
    /// What is left of the line.
    pub line: Line<'a>,
}

impl<'d> Called<'d, '_> {
    /// The checks of the groups and of the command itself, outermost first.
    pub fn checks(&self) -> impl Iterator<Item = &'d Check> {
        self.path.iter().flat_map(|definition| &definition.checks)
    }

    /// The words that call it (`tag add`): the key of its cooldowns.
    pub fn name(&self) -> String {
        qualified_name(&self.path)
    }
}

/// The names along a path, with a space between (`tag add`).
pub(super) fn qualified_name(path: &[&CommandDefinition]) -> String {
    let names: Vec<&str> = path
        .iter()
        .map(|definition| definition.name.as_str())
        .collect();
    names.join(" ")
}

/// Where a line leads to from a command at the root.
#[derive(Clone, Debug, PartialEq)]
pub enum Walk<'d, 'a> {
    /// To a command that runs.
    Command(Called<'d, 'a>),
    /// To a group that does not run by itself.
    Group {
        /// From the root to the group.
        path: Vec<&'d CommandDefinition>,
        /// The word that is none of its subcommands, if there is one.
        given: Option<Token>,
    },
}

/// Follows the words of a line from `root` through groups and subcommands. A word in quotes is an
/// argument, never a subcommand's name.
pub fn walk<'d, 'a>(root: &'d CommandDefinition, line: Line<'a>) -> Walk<'d, 'a> {
    let mut path = vec![root];
    let mut current = root;
    let mut line = line;
    loop {
        let mut tokens = line.tokens();
        let word = tokens.next();
        let next = word.as_ref().filter(|word| !word.quoted).and_then(|word| {
            current
                .subcommands
                .iter()
                .find(|subcommand| subcommand.prefix && answers_to(subcommand, &word.text))
        });
        if let Some(next) = next {
            path.push(next);
            current = next;
            line.arguments = tokens.at();
        } else if current.runs {
            return Walk::Command(Called { path, line });
        } else {
            return Walk::Group { path, given: word };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prefix_or_a_mention_calls_the_bot() {
        let strip = |content, prefix| strip_prefix(content, prefix, "7");
        assert_eq!(strip("!ping 1", "!"), Some("ping 1"));
        assert_eq!(strip("\u{200b} !ping", "!"), Some("ping"));
        assert_eq!(strip("<@7> ping", "!"), Some("ping"));
        assert_eq!(strip("<@!7>ping", "!"), Some("ping"));
        assert_eq!(strip("<@7>", "!"), Some(""));
        assert_eq!(strip("<@77> ping", "!"), None);
        assert_eq!(strip("ping", "!"), None);
        assert_eq!(strip("! oh no", "!"), None);
        assert_eq!(strip("cog ping", "cog"), Some("ping"));
        assert_eq!(strip("cog  ping", "cog "), Some("ping"));
        assert_eq!(strip("ping", ""), None);
        assert_eq!(strip(" ping", " "), None);
        for typed in ["cog ping", "Cog ping", "COG\nping", "cOG  ping"] {
            for prefix in ["cog ", "Cog ", "COG", "cog"] {
                assert_eq!(strip(typed, prefix), Some("ping"), "{typed:?} {prefix:?}");
            }
        }
        assert_eq!(strip("Cogping", "cog "), None);
        assert_eq!(strip("co ping", "cog "), None);
        assert_eq!(strip("B?ping", "b?"), Some("ping"));
        assert_eq!(strip("b? ping", "B?"), None);
        assert_eq!(strip("ÄRGER ping", "ärger "), Some("ping"));
        assert_eq!(strip("\u{130}ping", "i"), None);
        assert_eq!(strip("\u{130}ping", "\u{130}"), Some("ping"));
        assert_eq!(strip("i\u{307}ping", "\u{130}"), Some("ping"));
        assert_eq!(strip("ΣΑΣ ping", "σας "), Some("ping"));
        assert_eq!(strip("STRASSE ping", "straße "), Some("ping"));
        assert_eq!(strip("ä!ping", "Ä!"), Some("ping"));
        for typed in ["❤ping", "❤\u{fe0f}ping", "❤\u{fe0e}ping"] {
            for prefix in ["❤", "❤\u{fe0f}"] {
                assert_eq!(strip(typed, prefix), Some("ping"), "{typed:?} {prefix:?}");
            }
        }
        assert_eq!(strip("<@7>\nping", "!"), Some("ping"));
        assert_eq!(strip("<@8> ping", "!"), None);
    }

    #[test]
    fn the_name_is_the_first_word() {
        assert_eq!(split_name("ping  a"), ("ping", "  a"));
        assert_eq!(split_name("ping\na"), ("ping", "\na"));
        assert_eq!(split_name(""), ("", ""));
    }

    fn tags() -> CommandDefinition {
        let mut add = CommandDefinition::new("add");
        add.aliases = vec!["new".into()];
        add.checks = vec![Check::Permissions(1)];
        let mut admin = CommandDefinition::new("admin");
        admin.runs = false;
        admin.checks = vec![Check::Owner];
        admin.subcommands = vec![add];
        let mut tag = CommandDefinition::new("tag");
        tag.subcommands = vec![admin];
        tag
    }

    #[test]
    fn words_lead_through_groups() {
        let tag = tags();
        let go = |content| {
            walk(
                &tag,
                Line {
                    content,
                    arguments: 4,
                },
            )
        };
        let Walk::Command(called) = go("!tag ADMIN New x y") else {
            panic!("a command");
        };
        assert_eq!(called.name(), "tag admin add");
        assert_eq!(called.line.arguments, 14);
        assert_eq!(called.checks().count(), 2);

        let Walk::Command(called) = go("!tag \"admin\" add") else {
            panic!("the group's own handler");
        };
        assert_eq!((called.name().as_str(), called.line.arguments), ("tag", 4));

        let Walk::Group { path, given } = go("!tag admin ad") else {
            panic!("a group");
        };
        assert_eq!(qualified_name(&path), "tag admin");
        assert_eq!(given.map(|word| word.text).as_deref(), Some("ad"));
    }

    proptest! {
        #[test]
        fn the_beginning_of_what_calls_may_call(
            before in "[ \u{200b}\u{fe0f}]{0,2}",
            prefix in "[!<aßσİ❤][\\PC]{0,3}",
            is_large in any::<bool>(),
            rest in "\\PC{0,10}",
            cut in 0_usize..40,
        ) {
            let typed = if is_large { prefix.to_uppercase() } else { prefix.clone() };
            let content = format!("{before}{typed}{rest}");
            let start: String = content.chars().take(cut).collect();
            let may_call = may_call(&start, |it| Some(it) == first_letter(&prefix));
            prop_assert!(may_call || strip_prefix(&content, &prefix, "7").is_none());
        }

        #[test]
        fn no_text_breaks_it(content in "\\PC{0,40}", prefix in "\\PC{0,3}") {
            let tag = tags();
            if let Some(rest) = strip_prefix(&content, &prefix, "7") {
                prop_assert!(content.ends_with(rest));
                let (name, rest) = split_name(rest);
                prop_assert!(content.contains(name));
                let line = Line::new(&content, rest);
                prop_assert!(content.is_char_boundary(line.arguments));
                walk(&tag, line);
            }
        }
    }
}
