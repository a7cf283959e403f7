//! Discord's markup in texts: taken from a text, or shown as Discord shows it.

use super::marks::{id_of, leading_brackets};

/// Keeps `@everyone` and `@here` from being mentions: a backslash does not.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// The text so that Discord shows it letter by letter: no bold, no link in words, no list, no mention, no emoji. Links
/// that are written out stay what they are.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    // Whether a quote, a heading or a list may begin here.
    let mut is_line_start = true;
    while let Some(character) = rest.chars().next() {
        if let Some(link) = leading_link(rest) {
            safe.push_str(link);
            rest = rest.get(link.len()..).unwrap_or_default();
            is_line_start = false;
            continue;
        }
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        let has_effect = match character {
            '\\' | '*' | '_' | '~' | '`' | '|' | '[' | '<' => true,
            '>' | '#' | '-' | '+' => is_line_start,
            // The number of a list.
            '.' => is_line_start_before_number(&safe),
            _ => false,
        };
        if has_effect {
            safe.push('\\');
        }
        safe.push(character);
        if character == '@' {
            safe.push(ZERO_WIDTH_SPACE);
        }
        is_line_start = character == '\n' || (is_line_start && character.is_whitespace());
        rest = after;
    }
    safe
}

/// Whether only digits stand between the beginning of the line and the end of a text.
fn is_line_start_before_number(text: &str) -> bool {
    let line = text.rsplit('\n').next().unwrap_or_default().trim_start();
    !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// The link that is written out at the beginning of a text. One in angle brackets is one, too.
fn leading_link(text: &str) -> Option<&str> {
    let is_link = ["https://", "http://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(scheme))
    });
    let ends = |character: char| character.is_whitespace() || matches!(character, '<' | '>');
    is_link.then(|| text.split(ends).next().unwrap_or_default())
}

/// Who and what is mentioned, by ids.
pub trait Names {
    /// The name of a user as it is shown.
    fn user(&self, id: &str) -> Option<String>;
    /// The name of a role.
    fn role(&self, id: &str) -> Option<String>;
    /// The name of a channel.
    fn channel(&self, id: &str) -> Option<String>;
}

/// The text with the names that Discord shows for its mentions, and emoji by name. What is not known is called so.
pub fn clean(text: &str, names: &impl Names) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, mark) = rest.split_at(at);
        cleaned.push_str(before);
        let shown = leading_brackets(mark).and_then(|mark| Some((mark, shown(mark, names)?)));
        let length = if let Some((mark, shown)) = shown {
            cleaned.push_str(&shown);
            mark.len()
        } else {
            cleaned.push('<');
            1
        };
        rest = mark.get(length..).unwrap_or_default();
    }
    cleaned.push_str(rest);
    cleaned
}

/// What Discord shows for a mark in angle brackets; nothing if it is none.
fn shown(mark: &str, names: &impl Names) -> Option<String> {
    let inside = mark.strip_prefix('<')?.strip_suffix('>')?;
    let id = |text: &str| id_of(text).map(|id| id.to_string());
    if let Some(role) = inside.strip_prefix("@&") {
        let name = names.role(&id(role)?);
        return Some(format!("@{}", name.as_deref().unwrap_or("unknown-role")));
    }
    if let Some(user) = inside.strip_prefix('@') {
        let name = names.user(&id(user.strip_prefix('!').unwrap_or(user))?);
        return Some(format!("@{}", name.as_deref().unwrap_or("unknown-user")));
    }
    if let Some(channel) = inside.strip_prefix('#') {
        let name = names.channel(&id(channel)?);
        return Some(format!("#{}", name.as_deref().unwrap_or("unknown")));
    }
    if let Some(command) = inside.strip_prefix('/') {
        let (name, command) = command.rsplit_once(':')?;
        id(command)?;
        return Some(format!("/{name}"));
    }
    let emoji = inside
        .strip_prefix("a:")
        .or_else(|| inside.strip_prefix(':'))?;
    let (name, emoji) = emoji.split_once(':')?;
    id(emoji)?;
    Some(format!(":{name}:"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Known;

    impl Names for Known {
        fn user(&self, id: &str) -> Option<String> {
            (id == "1").then(|| "Anna".to_owned())
        }
        fn role(&self, id: &str) -> Option<String> {
            (id == "2").then(|| "Mods".to_owned())
        }
        fn channel(&self, id: &str) -> Option<String> {
            (id == "3").then(|| "general".to_owned())
        }
    }

    #[test]
    fn markup_has_no_effect() {
        let table = [
            ("plain text, 3.5 - 1!", "plain text, 3.5 - 1!"),
            ("**bold** __u__ ~~s~~", r"\*\*bold\*\* \_\_u\_\_ \~\~s\~\~"),
            ("`code` ||spoiler||", r"\`code\` \|\|spoiler\|\|"),
            ("a \\* b", r"a \\\* b"),
            (
                "# heading\n-# small\n> quote\n- item\n+ item",
                "\\# heading\n\\-# small\n\\> quote\n\\- item\n\\+ item",
            ),
            ("  # heading", r"  \# heading"),
            ("1. one\n12. two", "1\\. one\n12\\. two"),
            (
                "[words](https://a.test/x_y)",
                r"\[words](https://a.test/x_y)",
            ),
            ("https://a.test/x_y_z?a=*", "https://a.test/x_y_z?a=*"),
            ("<@1> <#3> <:wave:4>", "\\<@\u{200b}1> \\<#3> \\<:wave:4>"),
            ("@everyone", "@\u{200b}everyone"),
        ];
        for (text, safe) in table {
            assert_eq!(escape(text), safe, "{text}");
        }
    }

    #[test]
    fn mentions_are_shown_as_names() {
        let table = [
            ("hi <@1>, <@!1>", "hi @Anna, @Anna"),
            ("<@&2> in <#3>", "@Mods in #general"),
            ("<@9> <@&9> <#9>", "@unknown-user @unknown-role #unknown"),
            ("<:wave:4> <a:dance:5> </rank:6>", ":wave: :dance: /rank"),
            ("</tag add:6>", "/tag add"),
            (
                "a < b <@> <@x> <#> <t:1:R> <<@1>",
                "a < b <@> <@x> <#> <t:1:R> <@Anna",
            ),
        ];
        for (text, cleaned) in table {
            assert_eq!(clean(text, &Known), cleaned, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_an_escaped_text_is_lost(text in "[a-z*_~`|<>#@1. \\n\\\\-]{0,60}") {
            let safe = escape(&text);
            let mut letters = String::new();
            let mut characters = safe.chars();
            while let Some(character) = characters.next() {
                match character {
                    '\\' => letters.extend(characters.next()),
                    ZERO_WIDTH_SPACE => {}
                    other => letters.push(other),
                }
            }
            prop_assert_eq!(letters, text);
        }

        #[test]
        fn any_text_can_be_cleaned(text in ".{0,200}") {
            let _cleaned = clean(&text, &Known);
        }
    }
}
