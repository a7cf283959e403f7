//! What must happen, as the first line of a hostile cog says it:
//!
//! ```text
//! -- is not loaded: limits.cpu_ms
//! -- !attack is stopped: limits.cpu_ms
//! -- !attack answers: ok
//! -- after !keep and a reload, !attack answers: ok
//! ```
//!
//! A step is a line that the owner types, `a reload`, `an unload` or `a load`. A second line may set
//! limits: `-- with limits.handler_seconds = 30 and limits.memory_mb = 32`.

#![allow(
    missing_docs,
    unreachable_pub,
    reason = "part of a test, seen from nowhere else"
)]

/// The first lines of a file, read.
#[derive(Debug, PartialEq)]
pub struct Script {
    /// What is done first.
    pub before: Vec<Step>,
    pub end: End,
    /// Limits and their values, instead of the usual ones.
    pub limits: Vec<(String, u32)>,
}

#[derive(Debug, PartialEq)]
pub enum Step {
    /// The owner types this.
    Say(String),
    /// The cog's file is saved with one comment more.
    Reload,
    Unload,
    Load,
}

/// How it ends, with a text.
#[derive(Debug, PartialEq)]
pub enum End {
    /// The report of the start names the text, and nothing of the cog is there.
    NotLoaded(String),
    /// After this step, the log has the text; who typed a command is told that it failed, and no more.
    Stopped(Step, String),
    /// After this step, the bot writes exactly this.
    Answers(Step, String),
}

/// Reads a file's first lines.
pub fn read(source: &str) -> Result<Script, String> {
    let mut lines = source.lines();
    let first = lines.next().unwrap_or_default();
    let unread = |why: &str| format!("the first line cannot be read ({why}): {first}");
    let rule = first
        .strip_prefix("-- ")
        .ok_or_else(|| unread("no comment"))?;
    let (before, rule) = match rule.strip_prefix("after ") {
        Some(rest) => {
            let (steps, rule) = rest
                .split_once(", ")
                .ok_or_else(|| unread("no comma after the steps"))?;
            (steps.split(" and ").map(step).collect(), rule)
        }
        None => (Vec::new(), rule),
    };
    let (head, text) = rule.split_once(": ").ok_or_else(|| unread("no text"))?;
    let text = text.to_owned();
    let end = if head == "is not loaded" && before.is_empty() {
        End::NotLoaded(text)
    } else if let Some(last) = head.strip_suffix(" is stopped") {
        End::Stopped(step(last), text)
    } else if let Some(last) = head.strip_suffix(" answers") {
        End::Answers(step(last), text)
    } else {
        return Err(unread("no known end"));
    };
    let limits = lines.next().and_then(|line| line.strip_prefix("-- with "));
    let limits = limits.into_iter().flat_map(|line| line.split(" and "));
    Ok(Script {
        before,
        end,
        limits: limits.map(limit).collect::<Result<_, _>>()?,
    })
}

fn step(words: &str) -> Step {
    match words {
        "a reload" => Step::Reload,
        "an unload" => Step::Unload,
        "a load" => Step::Load,
        line => Step::Say(line.to_owned()),
    }
}

fn limit(words: &str) -> Result<(String, u32), String> {
    let read = || {
        let (name, value) = words.strip_prefix("limits.")?.split_once(" = ")?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    read().ok_or_else(|| format!("the limit cannot be read: {words}"))
}
