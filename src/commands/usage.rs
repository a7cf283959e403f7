//! How a command is typed, and what a user is told who typed it otherwise.

use super::definition::{CommandDefinition, OptionDefinition};
use super::escape::{clip, columns, defuse, in_code};
use super::text::{Language, Text};
use std::ops::Range;

/// The answer to a wrong argument is never longer, so that there is room for a mention before it.
const ANSWER_LIMIT: usize = 1_900;

/// The usage line's share of an answer.
const USAGE_LIMIT: usize = 400;

/// The sentence's share of an answer.
const SENTENCE_LIMIT: usize = 1_000;

/// How many columns of the line are shown: about what a code block has on a phone.
const WINDOW: usize = 56;

/// How many of them stand before the bad part when the line is cut.
const BEFORE: usize = 20;

/// How many characters that take no column of their own may stand on one that does.
const MAX_COMBINED: usize = 2;

/// Why a line could not be read. Its display is the sentence alone, [`UsageError::render`] the
/// whole answer to the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct UsageError {
    /// The option whose value is wrong or missing; nothing when the line says too much.
    pub option: Option<String>,
    /// What is wrong, ready to be shown.
    pub sentence: String,
    /// How the command is typed.
    pub usage: String,
    /// The whole line as it was typed.
    pub line: String,
    /// The bad part in bytes of the line; empty, at the end, for something that is missing.
    pub span: Range<usize>,
    /// The language of the answer.
    pub language: Language,
}

impl UsageError {
    /// The error of an option whose text the cog's own function refused, with the function's
    /// sentence. `span` is that of [`super::argument::Argument::Unread`].
    pub fn refused(
        definition: &CommandDefinition,
        option: &OptionDefinition,
        sentence: &str,
        line: &str,
        span: Range<usize>,
        context: &super::argument::ParseContext<'_>,
    ) -> Self {
        Self {
            option: Some(option.name.clone()),
            sentence: defuse(sentence),
            usage: usage_line(context.prefix, context.command, definition),
            line: line.to_owned(),
            span,
            language: context.language,
        }
    }

    /// The answer: the sentence, the usage, and the line with its bad part marked. At most 1,900
    /// characters, without live mentions.
    pub fn render(&self) -> String {
        let usage = format!("`{}`", self.usage);
        let answer = format!(
            "{}\n{}\n```\n{}\n```",
            clip(&self.sentence, SENTENCE_LIMIT),
            Text::Usage { usage: &usage }.say(self.language),
            marked(&self.line, &self.span)
        );
        clip(&answer, ANSWER_LIMIT)
    }
}

/// `!ban <member> [reason…]`: required options in angle brackets, optional ones in square ones,
/// `…` where several words are taken. `command` is the words that call it (`tag add`).
pub(super) fn usage_line(prefix: &str, command: &str, definition: &CommandDefinition) -> String {
    let mut words = vec![format!("{prefix}{command}")];
    if !definition.runs {
        let visible = definition
            .subcommands
            .iter()
            .filter(|subcommand| !subcommand.hidden);
        let names: Vec<&str> = visible.map(|subcommand| subcommand.name.as_str()).collect();
        words.push(format!("<{}>", names.join("|")));
    }
    words.extend(definition.options.iter().map(|option| {
        let several = if option.rest || option.many {
            "…"
        } else {
            ""
        };
        let name = format!("{}{several}", option.name);
        if option.must_be_given() {
            format!("<{name}>")
        } else {
            format!("[{name}]")
        }
    }));
    let line = words.join(" ");
    let plain: String = line.chars().filter_map(in_code).collect();
    // The brackets are ours; in an author's text only `@` could mention anybody.
    clip(&plain.replace('@', "@\u{200b}"), USAGE_LIMIT)
}

/// The part of `line` around `span`, and below it the mark.
fn marked(line: &str, span: &Range<usize>) -> String {
    let start = line[..floor(line, span.start)]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let text = line[start..].split('\n').next().unwrap_or_default();
    let text = text.trim_end();
    let (mut before, mut bad, mut after) = (Vec::new(), Vec::new(), Vec::new());
    let mut combined = 0;
    for (at, character) in text.char_indices() {
        let Some(shown) = in_code(character) else {
            continue;
        };
        // Towers of accents take no column, and all of the answer's length.
        combined = if columns(shown) == 0 { combined + 1 } else { 0 };
        if combined > MAX_COMBINED {
            continue;
        }
        let at = start + at;
        if at < span.start {
            before.push(shown);
        } else if at < span.end {
            bad.push(shown);
        } else {
            after.push(shown);
        }
    }
    if bad.is_empty() {
        // Something is missing: the mark stands where it would be written.
        before.push(' ');
    }
    window(before, bad, after)
}

fn window(mut before: Vec<char>, mut bad: Vec<char>, mut after: Vec<char>) -> String {
    let total: usize = [&before, &bad, &after]
        .into_iter()
        .map(|part| width(part))
        .sum();
    if total > WINDOW {
        let surplus = count_from_end(&before, BEFORE);
        if surplus > 0 {
            before.splice(..surplus, ['…']);
        }
        shorten(&mut bad, WINDOW.saturating_sub(width(&before)));
        shorten(
            &mut after,
            WINDOW.saturating_sub(width(&before) + width(&bad)),
        );
    }
    let line: String = [&before, &bad, &after].into_iter().flatten().collect();
    // A full-width space is as wide as the wide characters above it, whatever the font.
    let space: String = before
        .iter()
        .filter_map(|character| match columns(*character) {
            0 => None,
            1 => Some(' '),
            _ => Some('\u{3000}'),
        })
        .collect();
    let mark = "^".repeat(width(&bad).max(1));
    format!("{}\n{space}{mark}", defuse(line.trim_end()))
}

/// How many characters stand before the last `columns` columns.
fn count_from_end(text: &[char], limit: usize) -> usize {
    let mut taken = 0;
    let kept = text.iter().rev().take_while(|character| {
        taken += columns(**character);
        taken <= limit
    });
    text.len() - kept.count()
}

/// Cuts a text to so many columns, with `…` in the last of them.
fn shorten(text: &mut Vec<char>, limit: usize) {
    if width(text) <= limit {
        return;
    }
    let mut taken = 1;
    let kept = text.iter().take_while(|character| {
        taken += columns(**character);
        taken <= limit
    });
    let kept = kept.count();
    text.truncate(kept);
    text.push('…');
}

fn width(text: &[char]) -> usize {
    text.iter().map(|character| columns(*character)).sum()
}

/// The nearest place at or before `at` that lies between two characters.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
