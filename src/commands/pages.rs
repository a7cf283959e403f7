//! Answers that are longer than a message, in pages: everything in them can be reached.

use super::escape::length;
use super::text::{Language, Text};
use std::collections::VecDeque;

/// How many characters of a message a page takes; the rest is room for the line below it.
const PAGE: usize = 1_700;

/// A text of so many characters needs no pages: Discord takes 2,000.
const WHOLE: usize = 1_950;

/// What opens and closes a code block.
const FENCE: &str = "```";

/// The pages of a text, which is cut between its lines as far as they fit. A code block that a cut
/// goes through is closed, and opened again on the next page.
pub fn pages(text: &str) -> Vec<String> {
    let mut pages = Vec::new();
    let mut page = String::new();
    let mut in_block = false;
    let mut lines = text.lines();
    let mut waiting: VecDeque<String> = VecDeque::new();
    loop {
        if waiting.is_empty() {
            let Some(line) = lines.next() else {
                break;
            };
            waiting.extend(pieces(line, in_block));
        }
        let Some(line) = waiting.pop_front() else {
            continue;
        };
        let closes = in_block && line == FENCE;
        let is_full = length(&page) + length(&line) + FENCE.len() + 2 > PAGE;
        if is_full && !closes && !page.is_empty() {
            let mut done = std::mem::take(&mut page);
            if in_block {
                done = format!("{done}\n{FENCE}");
                FENCE.clone_into(&mut page);
            }
            pages.push(done.trim_end().to_owned());
        }
        // A page does not begin with the space between two parts.
        if page.is_empty() && line.trim().is_empty() {
            continue;
        }
        if !page.is_empty() {
            page.push('\n');
        }
        page.push_str(&line);
        in_block ^= line.matches(FENCE).count() % 2 == 1;
    }
    if !page.is_empty() {
        pages.push(page);
    }
    pages
}

/// A line in pieces of which each fits a page. Outside of a block, inline code that a cut goes
/// through is closed, and opened again in the next piece.
fn pieces(line: &str, in_block: bool) -> Vec<String> {
    let longest = PAGE - 4 * FENCE.len();
    if length(line) <= longest {
        return vec![line.to_owned()];
    }
    let mut pieces = Vec::new();
    let mut rest = line;
    let mut in_code = false;
    let mut cut_off = |piece: &str| {
        let opened = if in_code { "`" } else { "" };
        in_code ^= !in_block && piece.matches('`').count() % 2 == 1;
        let closed = if in_code { "`" } else { "" };
        pieces.push(format!("{opened}{piece}{closed}"));
    };
    while length(rest) > longest {
        let end = rest
            .char_indices()
            .nth(longest)
            .map_or(rest.len(), |(at, _)| at);
        let cut = rest[..end].rfind(' ').map_or(end, |at| at + 1);
        let (piece, after) = rest.split_at(cut);
        cut_off(piece);
        rest = after;
    }
    cut_off(rest);
    pieces
}

/// One page of a text, counted from 1, with how many there are and how to come to the next.
/// `command` shows the first page, and the others with their number behind it. A page beyond the
/// last is the last. A text that fits one message stays as it is.
pub fn page(text: &str, number: usize, command: &str, language: Language) -> String {
    if length(text) <= WHOLE {
        return text.to_owned();
    }
    let pages = pages(text);
    let number = number.clamp(1, pages.len().max(1));
    let foot = foot(number, pages.len(), command, language);
    let body = pages.get(number - 1).map_or("", String::as_str);
    format!("{body}\n\n{foot}")
}

/// The line below a page.
pub(super) fn foot(number: usize, pages: usize, command: &str, language: Language) -> String {
    let next = format!("`{command} {}`", number + 1);
    let is_last = number >= pages;
    let (page, pages, next) = (&number.to_string(), &pages.to_string(), &next);
    if is_last {
        Text::LastPage { page, pages }.say(language)
    } else {
        Text::PageOf { page, pages, next }.say(language)
    }
}

/// The first page of a text that cannot be asked for again, and where the rest of it is.
pub fn first(text: &str, rest_in: &str, language: Language) -> String {
    if length(text) <= WHOLE {
        return text.to_owned();
    }
    let pages = pages(text);
    let help = &format!("`{rest_in}`");
    let body = pages.into_iter().next().unwrap_or_default();
    format!("{body}\n\n{}", Text::RestIn { help }.say(language))
}

/// What is asked for and which page of it: `remind 2` is the second of `remind`. A number that no
/// page has is the nearest that one has.
pub fn asked(arguments: &str) -> (&str, usize) {
    let arguments = arguments.trim();
    let (head, last) = arguments
        .rsplit_once(char::is_whitespace)
        .unwrap_or(("", arguments));
    let digits = last.strip_prefix(['-', '+']).unwrap_or(last);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return (arguments, 1);
    }
    let number = if last.starts_with('-') {
        1
    } else {
        digits.parse().unwrap_or(usize::MAX)
    };
    (head.trim_end(), number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::escape::MESSAGE_LIMIT;
    use proptest::prelude::*;

    #[test]
    fn a_short_text_is_its_only_page() {
        assert_eq!(page("a\n\nb", 7, "!help", Language::English), "a\n\nb");
        assert_eq!(pages(""), [""; 0]);
    }

    #[test]
    fn a_page_tells_the_next() {
        let text = "word ".repeat(19).trim().to_owned() + "\n";
        let text = text.repeat(40);
        let last_line = |number| {
            let page = page(&text, number, "!help x", Language::English);
            page.lines().last().unwrap_or_default().to_owned()
        };
        assert_eq!(last_line(0), "Page 1 of 3; the next: `!help x 2`");
        assert_eq!(last_line(2), "Page 2 of 3; the next: `!help x 3`");
        assert_eq!(last_line(99), "Page 3 of 3");
        assert!(first(&text, "!reload status", Language::English).contains("`!reload status`"));
    }

    #[test]
    fn a_number_at_the_end_is_a_page() {
        assert_eq!(asked("remind 2"), ("remind", 2));
        assert_eq!(asked(" tag  add 3 "), ("tag  add", 3));
        assert_eq!(asked("2"), ("", 2));
        assert_eq!(asked("tag"), ("tag", 1));
        assert_eq!(asked("tag -1"), ("tag", 1));
        assert_eq!(asked("tag 0"), ("tag", 0));
        assert_eq!(asked("tag 99999999999999999999"), ("tag", usize::MAX));
        assert_eq!(asked("tag -"), ("tag -", 1));
        assert_eq!(asked("tag ２"), ("tag ２", 1));
        assert_eq!(asked(""), ("", 1));
    }

    #[test]
    fn inline_code_is_closed_on_each_page() {
        let text = format!("one of `{}`", "word ".repeat(1_000).trim_end());
        let pages = pages(&text);
        assert!(pages.len() > 2);
        for page in &pages {
            assert_eq!(page.matches('`').count() % 2, 0, "{page}");
        }
        // In a block a backtick is one.
        let block = format!("```\n`{}\n```", "word ".repeat(1_000));
        let pages = super::pages(&block);
        assert_eq!(pages.concat().replace(FENCE, "").matches('`').count(), 1);
    }

    proptest! {
        // Each case has many thousands of letters.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn nothing_is_lost_and_every_block_is_closed(
            lines in proptest::collection::vec("([a-z]{1,90}|[a-z]{3000}|```|)", 0..40),
        ) {
            let mut text = lines.join("\n");
            if text.matches(FENCE).count() % 2 == 1 {
                text += "\n```";
            }
            let pages = pages(&text);
            for page in &pages {
                prop_assert!(length(page) <= MESSAGE_LIMIT - 100);
                prop_assert_eq!(page.matches(FENCE).count() % 2, 0, "{}", page);
            }
            let letters = |text: &str| text.replace(['\n', '`'], "");
            prop_assert_eq!(letters(&pages.concat()), letters(&text));
        }
    }
}
