//! What auto moderation finds in a text: keywords with their wildcards, and patterns.

use regex_automata::dfa::dense;
use regex_automata::dfa::regex::Regex;
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

/// How much memory a pattern may take, in bytes: those of rules are short.
const LARGEST: usize = 4 << 20;

/// A pattern of a rule, which tells no capital from a small letter; nothing for one that is none, or too large.
pub(super) fn pattern(text: &str) -> Option<Regex> {
    // Each step is bounded: the program first, before states are made of it.
    let size = dense::Config::new()
        .dfa_size_limit(Some(LARGEST))
        .determinize_size_limit(Some(LARGEST));
    // Classes such as \w are those of ASCII.
    let syntax = syntax::Config::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(true);
    let mut builder = Regex::builder();
    let program = thompson::Config::new().nfa_size_limit(Some(LARGEST));
    builder
        .dense(size)
        .syntax(syntax)
        .thompson(program)
        .build(text)
        .ok()
}

/// What a pattern finds in a text.
pub(super) fn found_by_pattern<'a>(text: &str, content: &'a str) -> Option<&'a str> {
    let found = pattern(text)?.find(content)?;
    content.get(found.start()..found.end())
}

/// What a keyword finds in a text: a whole word, or with `*` before or behind it a part of one. Both are in small
/// letters.
pub(super) fn found_by_keyword<'a>(keyword: &str, content: &'a str) -> Option<&'a str> {
    let (from, rest) = match keyword.strip_prefix('*') {
        Some(rest) => (true, rest),
        None => (false, keyword),
    };
    let (to, word) = match rest.strip_suffix('*') {
        Some(word) => (true, word),
        None => (false, rest),
    };
    if word.is_empty() {
        return None;
    }
    let is_edge = |one: Option<char>| one.is_none_or(|one| !one.is_alphanumeric());
    content.match_indices(word).find_map(|(at, found)| {
        let before = content.get(..at)?.chars().next_back();
        let behind = content.get(at + found.len()..)?.chars().next();
        ((from || is_edge(before)) && (to || is_edge(behind))).then_some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_those_of_discord() {
        let finds = |keyword, content| found_by_keyword(keyword, content).is_some();
        assert!(finds("cat", "a cat!") && !finds("cat", "catch"));
        assert!(finds("cat*", "catch") && !finds("cat*", "copycat"));
        assert!(finds("*cat", "copycat") && !finds("*cat", "catch"));
        assert!(finds("*cat*", "education") && !finds("*cat*", "ca t"));
        assert!(finds("the mat", "on the mat") && finds("the mat*", "the matrix"));
        assert!(!finds("*", "anything") && !finds("", "anything"));
    }

    #[test]
    fn patterns_are_bounded() {
        assert_eq!(found_by_pattern("(b|c)at", "a BAT"), Some("BAT"));
        assert_eq!(found_by_pattern(r"^\d{3}$", "1234"), None);
        assert!(pattern("(").is_none());
        assert!(pattern(r"(?:(?:(?:a{1000}){1000}){1000})").is_none());
    }
}
