//! Finds out what one line of Luau code writes to, and where that value comes from, as far as the text shows.

use super::{GLOBALS, LIBRARIES};

/// Characters of a line that are looked at.
const LONGEST_LINE: usize = 2_000;
/// How many local variables are followed to the values that they were set to.
const MOST_STEPS: usize = 4;

/// Functions that write to their first argument.
const WRITERS: [&str; 8] = [
    "rawset",
    "setmetatable",
    "table.clear",
    "table.insert",
    "table.move",
    "table.remove",
    "table.sort",
    "table.freeze",
];

/// A name and what follows it: `levels.list[1].xp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    root: String,
    /// Each as it is written: `.list`, `[1]`, `(x)`.
    parts: Vec<String>,
    /// Where it ends in the line.
    end: usize,
}

/// Where a table comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The host or Luau: `state.session`, `string`.
    Known(String),
    /// A module of the author's.
    Module,
    /// The text does not say.
    Unknown,
}

impl Chain {
    pub(super) fn text(&self) -> String {
        self.root.clone() + &self.parts.concat()
    }

    /// As it is shown: without the contents of quotes and parentheses.
    pub(super) fn shown(&self) -> String {
        let short = |part: &String| match part.chars().next() {
            Some('(') => "(…)".to_owned(),
            Some('[') if part.contains(['"', '\'', '`', '(']) => "[…]".to_owned(),
            _ => part.clone(),
        };
        let parts: Vec<String> = self.parts.iter().map(short).collect();
        self.root.clone() + &parts.concat()
    }

    /// The table, and the key that is set in it; without the key if it is not a name.
    pub(super) fn split(&self) -> (Self, &str) {
        let mut table = self.clone();
        table.parts.pop();
        let last = self.parts.last().map_or("", String::as_str);
        (table, last.strip_prefix('.').unwrap_or_default())
    }

    /// The part before `.key`, if there is one.
    pub(super) fn before(&self, key: &str) -> Option<Self> {
        let is_key = |part: &String| part.strip_prefix('.') == Some(key);
        let at = self.parts.iter().position(is_key)?;
        let mut before = self.clone();
        before.parts.truncate(at);
        Some(before)
    }

    /// As a path in a host module, such as `state.session`, if it consists only of names.
    fn below(&self, root: &str) -> Option<String> {
        let is_plain = self.parts.iter().all(|part| part.starts_with('.'));
        is_plain.then(|| root.to_owned() + &self.parts.concat())
    }
}

/// Whether it is a name in Luau.
pub(super) fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(begins_name) && letters.all(is_in_name)
}

fn begins_name(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_'
}

fn is_in_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The first value that the line writes to.
pub(super) fn target(line: &str) -> Option<Chain> {
    let code = code_of(line);
    let chains = chains(&code);
    chains.iter().find_map(|chain| written(chain, &code))
}

/// The field that is written with this chain.
fn written(chain: &Chain, code: &str) -> Option<Chain> {
    if let Some(argument) = first_argument(chain) {
        return Some(argument);
    }
    let is_field = |part: &String| !part.starts_with('(') && !part.starts_with(':');
    let fields = chain.parts.iter().take_while(|part| is_field(part)).count();
    let is_set = fields == chain.parts.len() && is_assigned(code.get(chain.end..)?);
    // `function state.greet(who)`: what follows is not a call.
    let begin = chain.end - chain.text().len();
    let is_function = code.get(..begin)?.trim_end().ends_with("function");
    if fields == 0 || !(is_set || is_function) {
        return None;
    }
    let mut field = chain.clone();
    field.parts.truncate(fields);
    Some(field)
}

/// The table that is passed to one of Luau's own functions for writing, with an unknown key.
fn first_argument(chain: &Chain) -> Option<Chain> {
    let (call, names) = chain.parts.split_last()?;
    let function = chain.root.clone() + &names.concat();
    let inner = call.strip_prefix('(')?;
    if function == "pcall" {
        let (function, inner) = inner.split_once(',')?;
        return written_by(function.trim(), inner);
    }
    written_by(&function, inner)
}

/// The table that comes first in these arguments of a function, if it writes to that.
fn written_by(function: &str, inner: &str) -> Option<Chain> {
    if !WRITERS.contains(&function) {
        return None;
    }
    let mut argument = chain_at(inner.trim_start(), 0)?;
    argument.parts.push("[…]".to_owned());
    Some(argument)
}

/// Whether an assignment follows, perhaps of several.
fn is_assigned(rest: &str) -> bool {
    let rest = rest.trim_start();
    if let Some(more) = rest.strip_prefix(',') {
        let more = more.trim_start();
        return chain_at(more, 0).is_some_and(|next| is_assigned(&more[next.end..]));
    }
    let operator = ["..", "//", "+", "-", "*", "/", "%", "^"];
    let rest = operator
        .iter()
        .find_map(|operator| rest.strip_prefix(operator))
        .unwrap_or(rest);
    rest.starts_with('=') && !rest.starts_with("==")
}

/// All names of the line with what follows them, also those within others.
pub(super) fn chains(line: &str) -> Vec<Chain> {
    let code = code_of(line);
    let mut found = Vec::new();
    let mut before = ' ';
    for (at, letter) in code.char_indices() {
        if begins_name(letter) && !is_in_name(before) && before != '.' && before != ':' {
            found.extend(chain_at(&code, at));
        }
        before = letter;
    }
    found
}

/// The chain that begins at `at`.
fn chain_at(code: &str, at: usize) -> Option<Chain> {
    let root = name_at(code, at)?;
    let mut chain = Chain {
        root: root.to_owned(),
        parts: Vec::new(),
        end: at + root.len(),
    };
    while let Some(part) = part_at(code, chain.end) {
        chain.end += part.len();
        chain.parts.push(part.to_owned());
    }
    Some(chain)
}

fn name_at(code: &str, at: usize) -> Option<&str> {
    let rest = code.get(at..)?;
    let length = rest.find(|letter| !is_in_name(letter));
    let name = &rest[..length.unwrap_or(rest.len())];
    name.starts_with(begins_name).then_some(name)
}

/// What follows a name: `.name`, `:name`, `[…]`, `(…)`.
fn part_at(code: &str, at: usize) -> Option<&str> {
    let rest = code.get(at..)?;
    match rest.chars().next()? {
        '.' | ':' => name_at(rest, 1).map(|name| &rest[..=name.len()]),
        '[' => enclosed(rest, '[', ']'),
        '(' => enclosed(rest, '(', ')'),
        _ => None,
    }
}

fn enclosed(rest: &str, open: char, close: char) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, letter) in rest.char_indices() {
        if letter == open {
            depth += 1;
        } else if letter == close {
            depth -= 1;
        }
        if depth == 0 {
            return Some(&rest[..=at]);
        }
    }
    None
}

/// The line without its comment, and with placeholders for the contents of quotes, which are not code.
fn code_of(line: &str) -> String {
    let mut code = String::with_capacity(line.len());
    let mut quote = None;
    let mut letters = line.chars().take(LONGEST_LINE).peekable();
    while let Some(letter) = letters.next() {
        match quote {
            Some(_) if letter == '\\' => {
                letters.next();
                code.push_str("__");
            }
            Some(open) if letter == open => {
                quote = None;
                code.push(letter);
            }
            Some(_) => code.push('_'),
            None if letter == '-' && letters.peek() == Some(&'-') => break,
            None => {
                quote = Some(letter).filter(|letter| matches!(letter, '"' | '\'' | '`'));
                code.push(letter);
            }
        }
    }
    code
}

/// Where `table` comes from in the source, up to the line `number` (from 1).
pub(super) fn origin_of(table: &Chain, source: &str, number: usize) -> Origin {
    let mut table = table.clone();
    for _ in 0..MOST_STEPS {
        let Some(made) = made_of(&table.root, source, number) else {
            let root = table.root.as_str();
            let is_library = LIBRARIES.contains(&root) || GLOBALS.contains(&root);
            let known = is_library.then(|| table.below(&table.root)).flatten();
            return known.map_or(Origin::Unknown, Origin::Known);
        };
        if let Some(module) = required(made) {
            let host = module.strip_prefix("@cogsmith/");
            let known = host.and_then(|host| table.below(host));
            return match (host, known) {
                (Some(_), Some(known)) => Origin::Known(known),
                (None, _) => Origin::Module,
                _ => Origin::Unknown,
            };
        }
        let Some(mut longer) = chain_at(made, 0).filter(|chain| is_all(made, chain)) else {
            return Origin::Unknown;
        };
        longer.parts.append(&mut table.parts);
        table = longer;
    }
    Origin::Unknown
}

fn is_all(made: &str, chain: &Chain) -> bool {
    let rest = made[chain.end..].trim_start();
    rest.is_empty() || rest.starts_with("--") || rest.starts_with(';')
}

/// The value that the local variable `name` was last set to before a line.
fn made_of<'a>(name: &str, source: &'a str, number: usize) -> Option<&'a str> {
    let made = source.lines().take(number).filter_map(|line| {
        let rest = line.trim_start().strip_prefix("local ")?.trim_start();
        if let Some(made) = one_of_several(name, rest) {
            return Some(made);
        }
        let rest = rest.strip_prefix(name)?.trim_start();
        let typed = || {
            rest.strip_prefix(':')?
                .split_once('=')
                .map(|(_, made)| made)
        };
        Some(rest.strip_prefix('=').or_else(typed)?.trim_start())
    });
    made.last()
}

/// The value of one of several local variables: `local a, b = require("x"), require("y")`.
fn one_of_several<'a>(name: &str, rest: &'a str) -> Option<&'a str> {
    let (names, values) = rest.split_once('=')?;
    if !names.contains(',') {
        return None;
    }
    let at = names.split(',').position(|it| it.trim() == name)?;
    values.split(',').nth(at).map(str::trim)
}

/// The module that is required: `require("@cogsmith/state")`.
fn required(made: &str) -> Option<&str> {
    let rest = made.strip_prefix("require")?.trim_start();
    let rest = rest.strip_prefix('(').unwrap_or(rest).trim_start();
    let quote = rest.chars().next().filter(|it| matches!(it, '"' | '\''))?;
    rest[1..].split(quote).next()
}
