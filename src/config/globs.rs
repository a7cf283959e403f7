//! Globs: which names and paths the patterns of `hot_reload.ignore_patterns` mean.
//!
//! ```text
//! pattern ─ read (pieces) ─ expand (one alternative of each brace) ─ write ─▶ glob::Pattern
//! ```
//!
//! The crate `glob` knows `*`, `?`, `[a-z]`, `[!a-z]` and `**` between separators. Other common forms are translated
//! into these here: `{a,b}`, `[^a]`, a backslash in front of a character that stands for itself, and runs of stars that
//! are not `**`.

use glob::{MatchOptions, Pattern};
use std::iter::Peekable;
use std::str::Chars;

/// The longest pattern, in characters. A `*` is a call within a call when a path is compared.
const MOST_CHARACTERS: usize = 1000;
/// How many patterns without braces one with braces may stand for.
const MOST_ALTERNATIVES: usize = 256;
/// How deep braces may be nested.
const DEEPEST: usize = 16;

/// `*` and `?` stay within a name, and match a dot at its beginning like any other character.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Patterns that are compiled.
#[derive(Clone, Debug, Default)]
pub struct Globs(Vec<Pattern>);

/// Why a text is not a pattern. Its sentence follows the words "is not a glob, because".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobFault {
    /// `[` without `]`.
    #[error("its \"[\" has no \"]\"; write \"[[]\" for the character itself")]
    OpenClass,
    /// `[z-a]`.
    #[error("in its [ ] \"{0}-{1}\" runs backwards; write \"{1}-{0}\"")]
    Backwards(char, char),
    /// `{` without `}`.
    #[error("its \"{{\" has no \"}}\"; write \"[{{]\" for the character itself")]
    OpenBrace,
    /// `}` without `{`.
    #[error("its \"}}\" has no \"{{\"; write \"[}}]\" for the character itself")]
    LoneBrace,
    /// Braces in braces in braces …
    #[error("it has braces in braces more than {DEEPEST} deep; write several patterns")]
    TooDeep,
    /// Braces that multiply each other.
    #[error(
        "its braces stand for more than {MOST_ALTERNATIVES} patterns; write fewer alternatives, or several patterns"
    )]
    TooMany,
    /// More characters than anyone types.
    #[error("it is longer than {MOST_CHARACTERS} characters; write several patterns")]
    TooLong,
    /// A backslash at the end.
    #[error(
        "it ends with a backslash, and nothing comes after it; write two for the character itself"
    )]
    NothingEscaped,
    /// What only `glob` refuses.
    #[error("{0}")]
    Other(&'static str),
}

impl Globs {
    /// Compiles patterns; in front of a fault is the pattern that has it.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, (String, GlobFault)> {
        let mut all = Self::default();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let compiled = compile(pattern).map_err(|fault| (pattern.to_owned(), fault))?;
            all.0.extend(compiled);
        }
        Ok(all)
    }

    /// Whether one of the patterns matches `path`, all of it.
    pub fn matches(&self, path: &str) -> bool {
        let is_name = !path.contains('/');
        // A pattern for names is not compared with a path: before `glob` gave up at the separator, it would try every
        // way to divide the first name among the stars.
        let mut patterns = self
            .0
            .iter()
            .filter(|it| is_name || is_of_paths(it.as_str()));
        patterns.any(|pattern| pattern.matches_with(path, OPTIONS))
    }
}

/// Whether a pattern may match more than one name.
fn is_of_paths(pattern: &str) -> bool {
    pattern.contains('/') || pattern == "**"
}

/// What is wrong with a pattern, if anything.
pub(super) fn fault_of(pattern: &str) -> Option<GlobFault> {
    compile(pattern).err()
}

/// The patterns without braces that `pattern` stands for. `./` in front and `/` behind change nothing.
fn compile(pattern: &str) -> Result<Vec<Pattern>, GlobFault> {
    if pattern.chars().nth(MOST_CHARACTERS).is_some() {
        return Err(GlobFault::TooLong);
    }
    let (pieces, _) = read(&mut pattern.chars().peekable(), 0)?;
    if count(&pieces) > MOST_ALTERNATIVES {
        return Err(GlobFault::TooMany);
    }
    let texts = expand(&pieces).into_iter().map(|pieces| write(&pieces));
    texts
        .map(|text| {
            let plain = text.strip_prefix("./").unwrap_or(&text);
            let compiled = Pattern::new(plain.trim_end_matches('/'));
            compiled.map_err(|error| GlobFault::Other(error.msg))
        })
        // An empty pattern would match no name.
        .filter(|compiled| !matches!(compiled, Ok(pattern) if pattern.as_str().is_empty()))
        .collect()
}

/// A part of a pattern.
#[derive(Debug)]
enum Piece {
    /// A character without a special meaning.
    Plain(char),
    /// `?`
    Any,
    /// One star, or more than two.
    Star,
    /// Two stars, which mean folders if they are a whole name, and else what one means.
    TwoStars,
    /// `[…]`, as `glob` writes it.
    Class(String),
    /// `{…,…}`
    OneOf(Vec<Vec<Piece>>),
}

type Letters<'a> = Peekable<Chars<'a>>;

/// Reads pieces up to the end, or within braces up to `,` or `}`, which is taken and handed back.
fn read(letters: &mut Letters, depth: usize) -> Result<(Vec<Piece>, Option<char>), GlobFault> {
    let mut pieces = Vec::new();
    while let Some(letter) = letters.next() {
        pieces.push(match letter {
            ',' | '}' if depth > 0 => return Ok((pieces, Some(letter))),
            '}' => return Err(GlobFault::LoneBrace),
            '{' => Piece::OneOf(alternatives(letters, depth + 1)?),
            '[' => Piece::Class(class(letters)?),
            '*' => stars(letters),
            '?' => Piece::Any,
            '\\' if cfg!(windows) => Piece::Plain('/'),
            '\\' => Piece::Plain(letters.next().ok_or(GlobFault::NothingEscaped)?),
            plain => Piece::Plain(plain),
        });
    }
    Ok((pieces, None))
}

/// The alternatives in braces, after the opening brace.
fn alternatives(letters: &mut Letters, depth: usize) -> Result<Vec<Vec<Piece>>, GlobFault> {
    if depth > DEEPEST {
        return Err(GlobFault::TooDeep);
    }
    let mut all = Vec::new();
    loop {
        let (pieces, end) = read(letters, depth)?;
        all.push(pieces);
        match end {
            Some(',') => {}
            Some(_) => return Ok(all),
            None => return Err(GlobFault::OpenBrace),
        }
    }
}

/// The content of brackets, after the opening bracket: `glob` has no `^`, and takes ranges that match nothing.
fn class(letters: &mut Letters) -> Result<String, GlobFault> {
    let negation = letters.next_if(|letter| "!^".contains(*letter));
    // The first member may be a bracket.
    let mut members = vec![letters.next().ok_or(GlobFault::OpenClass)?];
    loop {
        match letters.next().ok_or(GlobFault::OpenClass)? {
            ']' => break,
            member => members.push(member),
        }
    }
    let mut rest = members.as_slice();
    while let [first, behind @ ..] = rest {
        rest = match behind {
            ['-', last, ..] if first > last => {
                return Err(GlobFault::Backwards(*first, *last));
            }
            ['-', _, behind @ ..] => behind,
            _ => behind,
        };
    }
    let negation = negation.map_or("", |_| "!");
    let members: String = members.into_iter().collect();
    Ok(format!("[{negation}{members}]"))
}

/// Stars side by side, the first of which has been taken.
fn stars(letters: &mut Letters) -> Piece {
    let mut more = 0_usize;
    while letters.next_if_eq(&'*').is_some() {
        more += 1;
    }
    if more == 1 {
        Piece::TwoStars
    } else {
        Piece::Star
    }
}

/// How many sequences without braces these pieces stand for.
fn count(pieces: &[Piece]) -> usize {
    let counts = pieces.iter().map(|piece| match piece {
        Piece::OneOf(all) => all
            .iter()
            .map(|one| count(one))
            .fold(0, usize::saturating_add),
        _ => 1,
    });
    counts.fold(1, usize::saturating_mul)
}

/// All sequences without braces that these pieces stand for.
fn expand(pieces: &[Piece]) -> Vec<Vec<&Piece>> {
    let mut all: Vec<Vec<&Piece>> = vec![Vec::new()];
    for piece in pieces {
        if let Piece::OneOf(alternatives) = piece {
            let ends: Vec<_> = alternatives.iter().flat_map(|one| expand(one)).collect();
            let joined = |start: &Vec<_>| {
                let whole = |end: &Vec<_>| [start.as_slice(), end.as_slice()].concat();
                ends.iter().map(whole).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(joined).collect();
        } else {
            for one in &mut all {
                one.push(piece);
            }
        }
    }
    all
}

/// The text that says for `glob` what these pieces mean.
fn write(pieces: &[&Piece]) -> String {
    let is_star = |piece: &Piece| matches!(piece, Piece::Star | Piece::TwoStars);
    let mut text = String::new();
    // Stars that come together from several alternatives are one star.
    let mut runs = pieces
        .chunk_by(|one, next| is_star(one) && is_star(next))
        .peekable();
    while let Some(run) = runs.next() {
        match run {
            [Piece::TwoStars] => {
                let begins = text.is_empty() || text.ends_with('/');
                let ends = runs
                    .peek()
                    .is_none_or(|next| matches!(next, [Piece::Plain('/')]));
                push_stars(&mut text, begins && ends);
            }
            [Piece::Plain(letter)] => {
                text.push_str(&Pattern::escape(letter.encode_utf8(&mut [0; 4])));
            }
            [Piece::Any] => text.push('?'),
            [Piece::Class(class)] => text.push_str(class),
            _ => text.push('*'),
        }
    }
    text
}

/// Adds `**` or `*`. What means any folders means them once: `**/**` is `**`.
fn push_stars(text: &mut String, are_folders: bool) {
    if !are_folders {
        text.push('*');
    } else if text == "**/" || text.ends_with("/**/") {
        text.pop();
    } else {
        text.push_str("**");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// A pattern, what it matches, and what it does not.
    type Row = (
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    );

    const TABLE: &[Row] = &[
        // The patterns of the default and of the documentation.
        (".git", &[".git"], &["x.git", ".gitignore", "a/.git"]),
        ("*.log", &["a.log", ".log"], &["a.log.1", "a/b.log", "log"]),
        ("*~", &["a~", "~"], &["~a", "a/b~"]),
        (".#*", &[".#a.luau", ".#"], &["#a", ".a", ".#a/b"]),
        (
            "draft_*",
            &["draft_", "draft_a.luau"],
            &["a_draft_", "draft_/a"],
        ),
        ("draft*", &["draft", "drafts"], &["a/draft"]),
        (
            "old/**",
            &["old/a", "old/a/b", "old/.a"],
            &["old", "older/a", "a/old/b"],
        ),
        (
            "cogs/old/**",
            &["cogs/old/a", "cogs/old/a/b"],
            &["cogs/old", "cogs/a/old/b"],
        ),
        (
            "**/attic/**",
            &["attic/a", "a/attic/b", "a/b/attic/c/d"],
            &["attic", "a/attic", "attics/a"],
        ),
        (
            "cogs/draft_*.luau",
            &["cogs/draft_a.luau"],
            &["cogs/a/draft_a.luau", "cogs/draft_a/b.luau"],
        ),
        // Separators.
        ("a*b", &["ab", "axb", "a.b"], &["a/b", "ax/b"]),
        ("a?b", &["axb", "a.b", "aéb"], &["ab", "a/b", "axxb"]),
        ("*", &["a", ".a"], &["a/b"]),
        ("a/*", &["a/b", "a/.b", "a/"], &["a", "a/b/c"]),
        ("old/", &["old"], &["old/a"]),
        ("./old", &["old"], &["a/old"]),
        // Folders.
        ("**", &["a", "a/b", ".a/b"], &[]),
        (
            "**/a",
            &["a", "b/a", "b/c/a", ".b/a"],
            &["a/b", "ba", "b/ca"],
        ),
        (
            "a/**/b",
            &["a/b", "a/x/b", "a/x/y/b"],
            &["ab", "a/xb", "ax/b", "a/b/x"],
        ),
        ("**/**/a", &["a", "b/a", "b/c/a"], &["ba", "a/b"]),
        ("a/**/**", &["a/b", "a/b/c"], &["a", "ab"]),
        ("a/**/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["ab", "a/xb"]),
        ("**/*.log", &["a.log", "b/a.log", "b/c/.log"], &["a.log/b"]),
        ("**/", &["a", "a/b"], &[]),
        // Stars that are no folders.
        ("a**", &["a", "ab"], &["a/b"]),
        ("**a", &["a", "ba"], &["b/a"]),
        ("a**b", &["ab", "axb"], &["a/b", "a/x/b"]),
        ("a/**b", &["a/b", "a/xb"], &["a/x/b"]),
        ("***", &["a"], &["a/b"]),
        ("a/***/b", &["a/x/b"], &["a/b", "a/x/y/b"]),
        // Classes.
        ("[ab].c", &["a.c", "b.c"], &["c.c", "ab.c", ".c"]),
        ("[a-c]", &["a", "b", "c"], &["d", "-", "B"]),
        ("[!ab]", &["c", ".", "!"], &["a", "b", "", "cc"]),
        ("[^ab]", &["c", "!", "^"], &["a", "b"]),
        ("[a^]", &["a", "^"], &["b"]),
        ("[a!]", &["a", "!"], &["b"]),
        ("[]a]", &["]", "a"], &["[", "b"]),
        ("[!]a]", &["b", "["], &["]", "a"]),
        ("[-a]", &["-", "a"], &["b"]),
        ("[a-]", &["-", "a"], &["b"]),
        ("[a-c-]", &["-", "b"], &["d"]),
        ("[*]?[?]", &["*x?"], &["xx?", "*xx"]),
        ("[[]", &["["], &["]"]),
        ("[{]a,b[}]", &["{a,b}"], &["a", "b"]),
        ("[a/]b", &["ab"], &[]),
        // Letter case, letters of other languages, and characters that mean nothing.
        ("*.TMP", &["a.TMP"], &["a.tmp"]),
        ("é*", &["é", "éa"], &["e", "É"]),
        ("a]b", &["a]b"], &["ab"]),
        ("!a", &["!a"], &["b", "a"]),
        ("a,b", &["a,b"], &["a", "b"]),
        ("a b", &["a b"], &["ab"]),
        ("(a|b)+$", &["(a|b)+$"], &["a", "aa"]),
        // Braces.
        (
            "*.{tmp,bak}",
            &["a.tmp", "a.bak", ".tmp"],
            &["a.tm", "a.tmpbak", "a.{tmp,bak}", "a/b.tmp"],
        ),
        ("{a,b}{c,d}", &["ac", "ad", "bc", "bd"], &["ab", "cd", "a"]),
        ("{a,{b,c}d}", &["a", "bd", "cd"], &["b", "ad"]),
        ("{a}", &["a"], &["{a}"]),
        (
            "{old,cogs/{a,b}}/**",
            &["old/x", "cogs/a/x/y", "cogs/b/x"],
            &["old", "cogs/x", "cogs/c/x"],
        ),
        ("{[a,]x,b}", &["ax", ",x", "b"], &["x", "a"]),
        ("{*.a,b?}", &["x.a", "bx"], &["b"]),
        ("a{}b", &["ab"], &["a{}b"]),
    ];

    /// What braces, stars and empty alternatives mean together.
    const BRACES: &[Row] = &[
        ("a{,.bak}", &["a", "a.bak"], &["a."]),
        ("{,a}", &["a"], &[""]),
        ("{*,a}*", &["x", "ax"], &["a/x"]),
        ("{**,a}/b", &["b", "x/y/b", "a/b"], &["xb"]),
        ("a/{**,b}", &["a/x/y", "a/b"], &["a"]),
        ("{a/,}./old/", &["a/./old", "old"], &["a/old"]),
    ];

    #[cfg(not(windows))]
    const BACKSLASHES: &[Row] = &[
        (r"\*", &["*"], &["a", r"\*", r"\a"]),
        (r"\[a\]", &["[a]"], &["a"]),
        (r"\{a,b\}", &["{a,b}"], &["a", "b"]),
        (r"{a\,b,c}", &["a,b", "c"], &["a", "b"]),
        (r"\a\\", &[r"a\"], &["a", r"\a\\"]),
        (r"[\]", &[r"\"], &["]"]),
    ];

    fn globs(pattern: &str) -> Globs {
        Globs::new(&[pattern]).unwrap_or_else(|(pattern, fault)| panic!("{pattern}: {fault}"))
    }

    fn check(rows: &[Row]) {
        for (pattern, matched, others) in rows {
            let globs = globs(pattern);
            let found = |names: &[&str], wanted| {
                let wrong = names.iter().find(|name| globs.matches(name) != wanted);
                assert_eq!(wrong, None, "{pattern} as {:?}", globs.0);
            };
            found(matched, true);
            found(others, false);
        }
    }

    #[test]
    fn patterns_match_what_they_are_documented_to_match() {
        check(TABLE);
        check(BRACES);
        #[cfg(not(windows))]
        check(BACKSLASHES);
    }

    #[test]
    fn what_is_no_pattern_is_told_with_what_to_write() {
        let deep = |depth| format!("{}a{}", "{".repeat(depth), "}".repeat(depth));
        let rows = [
            ("[a".to_owned(), GlobFault::OpenClass),
            ("[]".to_owned(), GlobFault::OpenClass),
            ("[!]".to_owned(), GlobFault::OpenClass),
            ("{a,[b}".to_owned(), GlobFault::OpenClass),
            ("[az-b]".to_owned(), GlobFault::Backwards('z', 'b')),
            ("{a,b".to_owned(), GlobFault::OpenBrace),
            ("{a,{b}".to_owned(), GlobFault::OpenBrace),
            ("a}".to_owned(), GlobFault::LoneBrace),
            ("{a}}".to_owned(), GlobFault::LoneBrace),
            (deep(DEEPEST + 1), GlobFault::TooDeep),
            ("{".repeat(MOST_CHARACTERS), GlobFault::TooDeep),
            ("{a,b}".repeat(9), GlobFault::TooMany),
            ("{a,b}".repeat(200), GlobFault::TooMany),
            ("a".repeat(MOST_CHARACTERS + 1), GlobFault::TooLong),
        ];
        for (pattern, fault) in rows {
            assert_eq!(fault_of(&pattern), Some(fault), "{pattern}");
            assert!(fault.to_string().contains("; write "), "{fault}");
        }
        #[cfg(not(windows))]
        assert_eq!(fault_of(r"a\"), Some(GlobFault::NothingEscaped));
        let allowed = [
            deep(DEEPEST),
            "{a,b}".repeat(8),
            "*a".repeat(MOST_CHARACTERS / 2),
        ];
        for pattern in allowed {
            assert_eq!(fault_of(&pattern), None, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_as_long_as_may_be_is_compared() {
        let pattern = "*?".repeat(MOST_CHARACTERS / 2);
        let globs = globs(&pattern);
        assert!(globs.matches(&"a".repeat(MOST_CHARACTERS / 2)));
        assert!(!globs.matches(&"a".repeat(MOST_CHARACTERS / 2 - 1)));
    }

    #[test]
    fn a_pattern_for_names_costs_little_whatever_the_path() {
        let globs = globs(&"*a".repeat(40));
        let name = "a".repeat(255);
        assert!(globs.matches(&name));
        assert!(!globs.matches(&format!("{name}b")));
        assert!(!globs.matches(&format!("{name}/{name}")));
    }

    /// What a pattern of letters and braces is made of.
    #[derive(Clone, Debug)]
    enum Part {
        Letters(String),
        OneOf(Vec<Vec<Part>>),
    }

    fn parts() -> impl Strategy<Value = Vec<Part>> {
        let letters = "[a-c]{0,2}".prop_map(Part::Letters);
        let part = letters.prop_recursive(3, 12, 3, |inner| {
            let sequence = prop::collection::vec(inner, 0..3);
            prop::collection::vec(sequence, 1..4).prop_map(Part::OneOf)
        });
        prop::collection::vec(part, 1..3)
    }

    fn text_of(parts: &[Part]) -> String {
        let text = |part: &Part| match part {
            Part::Letters(letters) => letters.clone(),
            Part::OneOf(all) => {
                let all: Vec<String> = all.iter().map(|one| text_of(one)).collect();
                format!("{{{}}}", all.join(","))
            }
        };
        parts.iter().map(text).collect()
    }

    /// Whether `name` begins with what the parts mean: all ends of it.
    fn ends_of<'a>(parts: &[Part], name: &'a str) -> BTreeSet<&'a str> {
        let Some((first, rest)) = parts.split_first() else {
            return BTreeSet::from([name]);
        };
        let ends: BTreeSet<&str> = match first {
            Part::Letters(letters) => name.strip_prefix(letters.as_str()).into_iter().collect(),
            Part::OneOf(all) => all.iter().flat_map(|one| ends_of(one, name)).collect(),
        };
        ends.into_iter()
            .flat_map(|end| ends_of(rest, end))
            .collect()
    }

    proptest! {
        #[test]
        fn braces_match_what_one_of_each_matches(
            parts in parts(),
            names in prop::collection::vec("[a-c]{1,4}", 20),
        ) {
            let pattern = text_of(&parts);
            match Globs::new(&[&pattern]) {
                Ok(globs) => for name in names {
                    let is_meant = ends_of(&parts, &name).contains("");
                    prop_assert_eq!(globs.matches(&name), is_meant, "{} {}", pattern, name);
                },
                Err((_, fault)) => prop_assert_eq!(fault, GlobFault::TooMany, "{}", pattern),
            }
        }

        #[test]
        fn no_text_is_too_strange(
            pattern in "([{},*?!^/.a-c\\[\\]\\\\-]|\\*\\*/|\\PC){0,30}",
            names in prop::collection::vec("[a-c/.*{}\\[-]{0,8}", 5),
        ) {
            match compile(&pattern) {
                Ok(compiled) => {
                    prop_assert!(compiled.len() <= MOST_ALTERNATIVES);
                    let globs = Globs(compiled);
                    for name in &names {
                        globs.matches(name);
                    }
                }
                Err(fault) => prop_assert!(!matches!(fault, GlobFault::Other(_)), "{}: {}", pattern, fault),
            }
        }

        #[test]
        fn braces_that_multiply_are_refused_before_they_are_expanded(
            sizes in prop::collection::vec(2_usize..6, 1..150),
        ) {
            let braces = sizes.iter().map(|size| format!("{{{}}}", vec!["a"; *size].join(",")));
            let pattern: String = braces.take(80).collect();
            let product = sizes.iter().take(80).fold(1, |all: usize, one| all.saturating_mul(*one));
            let is_refused = fault_of(&pattern).is_some();
            prop_assert_eq!(is_refused, product > MOST_ALTERNATIVES);
        }
    }
}
