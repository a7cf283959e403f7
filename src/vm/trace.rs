//! What went wrong in Luau, told in the author's terms: one sentence, file, line and excerpt.

use super::limits::VmLimits;
use super::memory::exhausted::{OUT_OF_MEMORY, is_out_of_memory};
use super::memory::pressure::Pressure;
use super::readonly;
use super::watchdog::EXPIRED;
use crate::escape::is_unfit;
use crate::json::Json;
use crate::problem::{Problem, SourceLocation};
use crate::secrets;
use crate::vm::host::HostFailure;
use mlua::{Table, Value};
use std::fmt;
use std::time::Duration;

const LONGEST_MESSAGE: usize = 1_000;
/// Characters of a message to a user: Discord accepts no more in one message.
const LONGEST_TOLD: usize = 2_000;
/// Bytes of a text that are looked at: a traceback of a deep recursion is longer.
const LONGEST_TEXT: usize = 64 << 10;
/// Frames of a trace that are shown.
const MOST_FRAMES: usize = 20;

/// Why code of a cog did not come to its end.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It raised an error.
    Raised(Box<Raised>),
    /// It could not be compiled.
    Syntax {
        /// Where.
        place: Box<SourceLocation>,
        /// The compiler's sentence.
        message: String,
    },
    /// It ran for longer than its limit of CPU time without waiting.
    Cpu {
        /// The limit.
        limit: Duration,
        /// Where it was stopped.
        traceback: Option<String>,
    },
    /// Its cog used up the CPU time that it has within a minute.
    CpuPerMinute {
        /// The limit.
        limit: Duration,
        /// Where it was stopped; nothing if there was no time left to begin with.
        traceback: Option<String>,
    },
    /// It wanted more memory than its limit.
    Memory {
        /// The limit, in bytes.
        limit: usize,
        /// Where, if the error was raised in Luau.
        traceback: Option<String>,
    },
    /// It took longer than its limit of wall time.
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// It was still running this long after its cog had been reloaded or unloaded.
    Outlived {
        /// The limit.
        limit: Duration,
    },
    /// It belonged to an older version of its cog, and was ended early to make room.
    GaveWay(Pressure),
    /// The host itself failed; the VM is not used again.
    Panic,
    /// It was cancelled before its end.
    Cancelled,
    /// Its cog is in quarantine, or the time that it was given after a reload or an unload is over.
    Closed,
}

/// An error that Luau code raised.
#[derive(Clone, Debug, Default)]
pub struct Raised {
    /// The host's class of error, for error tables.
    pub kind: Option<String>,
    /// One line, without its place.
    pub message: String,
    /// Status and code of the answer with which Discord refused, if this is what was raised.
    pub refused: Option<(i64, i64)>,
    /// The operation that it refused.
    pub operation: Option<String>,
    /// The text for the user, with its line breaks, if the cog ended the handler itself with `cog.fail`.
    pub told: Option<String>,
    /// The place at the beginning of the message or in the error table; otherwise that of the innermost frame.
    pub place: Option<SourceLocation>,
    /// The author's frames, innermost first.
    pub trace: Vec<SourceLocation>,
    /// The chain of requires, if a module's top level raised it.
    pub requires: Vec<String>,
}

/// What Luau raises when calls are nested too deep.
pub const STACK_OVERFLOW: &str = "stack overflow";

impl Fault {
    /// What the host could not do for a handler, before the handler ran.
    pub fn of_host(failure: &HostFailure) -> Self {
        Self::Raised(Box::new(Raised {
            kind: Some("limit".to_owned()),
            message: failure.to_string(),
            ..Raised::default()
        }))
    }

    /// From what the driver caught: the value that was raised, and the traceback. `is_full` tells whether the heap has
    /// no room left.
    pub(super) fn from_raised(
        caught: Option<Value>,
        limits: &VmLimits,
        is_full: impl FnOnce() -> bool,
    ) -> Self {
        let Some(Value::Table(caught)) = caught else {
            // There was no room for the error handler, either.
            if is_full() || caught.as_ref().is_some_and(is_out_of_memory) {
                return Self::Memory {
                    limit: limits.memory,
                    traceback: None,
                };
            }
            return Self::Raised(Box::new(Raised {
                message: "the error handler itself failed (a stack overflow, perhaps)".to_owned(),
                ..Raised::default()
            }));
        };
        let traceback = raw_string(&caught, "traceback");
        let value = caught.raw_get("value").unwrap_or(Value::Nil);
        if is_out_of_memory(&value) {
            return Self::Memory {
                limit: limits.memory,
                traceback,
            };
        }
        let trace = traceback.map_or_else(Vec::new, |text| frames(&text));
        let mut raised = read_raised(&value);
        if raised.message == OUT_OF_MEMORY && raised.place.is_none() {
            return Self::Memory {
                limit: limits.memory,
                traceback: raw_string(&caught, "traceback"),
            };
        }
        if raised.message == STACK_OVERFLOW {
            raised.message = format!(
                "{STACK_OVERFLOW}: calls are nested more than {} deep (limits.call_depth)",
                limits.call_depth
            );
        }
        raised.place = raised.place.or_else(|| trace.first().cloned());
        raised.trace = trace;
        Self::Raised(Box::new(raised))
    }

    /// From an error of the VM's own.
    pub(super) fn from_vm(error: &mlua::Error, limits: &VmLimits) -> Self {
        match error {
            mlua::Error::MemoryError(_) => Self::Memory {
                limit: limits.memory,
                traceback: None,
            },
            mlua::Error::SyntaxError { message, .. } => {
                let (place, message) = split_place(message);
                Self::Syntax {
                    place: Box::new(place.unwrap_or_default()),
                    message,
                }
            }
            mlua::Error::CallbackError { traceback, cause } => {
                let mut fault = Self::from_vm(cause, limits);
                if let Self::Raised(raised) = &mut fault {
                    raised.trace = frames(traceback);
                    let innermost = raised.trace.first().cloned();
                    raised.place = raised.place.take().or(innermost);
                }
                fault
            }
            other => {
                let text = other.to_string();
                let line = text.lines().next().unwrap_or_default();
                let (place, message) = split_place(line);
                Self::Raised(Box::new(Raised {
                    message: clean(&message),
                    place,
                    ..Raised::default()
                }))
            }
        }
    }

    /// Whether the cog asked for this end itself, with `cog.fail(text)`: the text for the user.
    pub fn told_to_user(&self) -> Option<&str> {
        match self {
            Self::Raised(raised) if raised.kind.as_deref() == Some("fail") => {
                Some(raised.told.as_deref().unwrap_or(&raised.message))
            }
            _ => None,
        }
    }

    /// The report's form. `source` gives a file's text by its path (`lua/cogs/ping.luau`).
    pub fn problem(&self, cog: &str, source: &dyn Fn(&str) -> Option<String>) -> Problem {
        let mut problem = Problem {
            cog: Some(cog.to_owned()),
            message: self.to_string(),
            ..Problem::default()
        };
        match self {
            Self::Raised(raised) => {
                problem.place.clone_from(&raised.place);
                problem.trace.clone_from(&raised.trace);
                problem.requires.clone_from(&raised.requires);
            }
            Self::Syntax { place, .. } => problem.place = Some(SourceLocation::clone(place)),
            Self::Cpu { traceback, .. }
            | Self::CpuPerMinute { traceback, .. }
            | Self::Memory { traceback, .. } => {
                problem.trace = traceback.as_deref().map(frames).unwrap_or_default();
                problem.place = problem.trace.first().cloned();
            }
            Self::Timeout { .. }
            | Self::Outlived { .. }
            | Self::GaveWay(_)
            | Self::Panic
            | Self::Cancelled
            | Self::Closed => {}
        }
        problem.hint = self.hint();
        if let Some(place) = problem.place.as_mut()
            && let Some(text) = source(&place.file)
        {
            if let Some(more) = readonly::explain(&problem.message, &text, place.line) {
                problem.message = clean(&more);
            }
            place.add_excerpt(&text);
        }
        problem
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cpu { .. } => Some(
                "look for a loop that does not end; long work can be split with task.wait(0)"
                    .to_owned(),
            ),
            Self::CpuPerMinute { .. } => {
                Some("look for work that is done too often, or raise the limit".to_owned())
            }
            Self::Memory { .. } => {
                Some("look for a table or string that grows without end".to_owned())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised(raised) => formatter.write_str(&raised.message),
            Self::Syntax { message, .. } => write!(formatter, "syntax error: {message}"),
            Self::Cpu { limit, .. } => write!(
                formatter,
                "ran for more than {} ms without waiting (limits.cpu_ms) and was stopped",
                limit.as_millis()
            ),
            Self::CpuPerMinute { limit, .. } => write!(
                formatter,
                "its cog used more than {} s of processor time within a minute (limits.cpu_seconds_per_minute) and has to pause",
                limit.as_secs()
            ),
            Self::Memory { limit, .. } => write!(
                formatter,
                "needed more than {} MB of memory (limits.memory_mb) and was stopped",
                limit >> 20
            ),
            Self::Timeout { limit } => write!(
                formatter,
                "took longer than {} s (limits.handler_seconds) and was stopped",
                limit.as_secs()
            ),
            Self::Outlived { limit } => write!(
                formatter,
                "was still running {} s (limits.handler_seconds) after its cog was reloaded or unloaded, and was stopped",
                limit.as_secs()
            ),
            Self::GaveWay(why) => write!(formatter, "was ended, because {why}"),
            Self::Panic => formatter.write_str(
                "the host failed while it ran this; the cog gets a fresh VM. This is a bug in Cogsmith: please report it",
            ),
            Self::Cancelled => formatter.write_str("was cancelled"),
            Self::Closed => formatter.write_str("is not run any more"),
        }
    }
}

/// What a raised value says, without ever calling into Luau again.
fn read_raised(value: &Value) -> Raised {
    let mut raised = read_value(value);
    if raised.message.trim().is_empty() {
        "raised an error without a message".clone_into(&mut raised.message);
    }
    raised
}

fn read_value(value: &Value) -> Raised {
    match value {
        Value::String(text) => {
            let bytes = text.as_bytes();
            let head = bytes.get(..LONGEST_TEXT).unwrap_or(&bytes);
            let (place, message) = split_place(&String::from_utf8_lossy(head));
            Raised {
                message: clean(&message),
                place,
                ..Raised::default()
            }
        }
        Value::Table(table) => read_error_table(table),
        Value::Error(error) => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            let message = if line.contains(EXPIRED) {
                "ran for too long"
            } else {
                line
            };
            Raised {
                message: clean(message),
                ..Raised::default()
            }
        }
        other => Raised {
            message: format!(
                "raised {} instead of a message",
                super::host::describe(other)
            ),
            ..Raised::default()
        },
    }
}

/// Reads what may be an error of the host's, or any table of an author's.
fn read_error_table(table: &Table) -> Raised {
    let kind = raw_string(table, "kind").map(|kind| clean(&kind));
    let place = raw_string(table, "file").filter(|file| is_shown_file(file));
    let place = place.map(|file| SourceLocation {
        file,
        line: table.raw_get("line").unwrap_or(0),
        ..SourceLocation::default()
    });
    let text = raw_string(table, "message");
    let message = text
        .as_deref()
        .map_or_else(|| "raised a table without a message".to_owned(), clean);
    // What is told to users keeps its lines; the log gets the message.
    let told = text.filter(|text| kind.as_deref() == Some("fail") && !text.trim().is_empty());
    let told = told.map(|text| text.chars().take(LONGEST_TOLD).collect());
    let number = |key: &str| table.raw_get::<Option<i64>>(key).ok().flatten();
    let is_discords = kind.as_deref() == Some("discord");
    let refused = number("status").filter(|_| is_discords);
    let refused = refused.map(|status| (status, number("code").unwrap_or(0)));
    let operation = refused.and_then(|_| raw_string(table, "operation"));
    Raised {
        kind,
        message,
        refused,
        operation: operation.map(|operation| clean(&operation)),
        told,
        place,
        ..Raised::default()
    }
}

fn is_shown_file(file: &str) -> bool {
    is_author_file(file) && file.len() <= LONGEST_MESSAGE && !file.contains(is_unfit)
}

fn raw_string(table: &Table, key: &str) -> Option<String> {
    match table.raw_get::<Value>(key) {
        // Longer texts are cut: nobody reads their end.
        Ok(Value::String(text)) => {
            let bytes = text.as_bytes();
            let head = bytes.get(..LONGEST_TEXT).unwrap_or(&bytes);
            Some(String::from_utf8_lossy(head).into_owned())
        }
        _ => None,
    }
}

/// A message fit to be shown: one line, bounded.
pub(super) fn clean(message: &str) -> String {
    let line: String = secrets::hide_text(message)
        .chars()
        .map(|c| if is_unfit(c) { ' ' } else { c })
        .take(LONGEST_MESSAGE)
        .collect();
    line.trim().to_owned()
}

/// Splits `lua/cogs/ping.luau:3: text` into its place and its text.
pub(super) fn split_place(message: &str) -> (Option<SourceLocation>, String) {
    let placed = message.split_once(": ").and_then(|(head, text)| {
        let (file, line) = head.rsplit_once(':')?;
        let line = line.parse().ok()?;
        is_author_file(file).then(|| {
            let place = SourceLocation {
                file: file.to_owned(),
                line,
                ..SourceLocation::default()
            };
            (place, text.to_owned())
        })
    });
    match placed {
        Some((place, text)) => (Some(place), text),
        None => (None, message.to_owned()),
    }
}

/// Chunk names are `lua/…` and `spec/…` for authors' files; the host's own are in brackets.
fn is_author_file(name: &str) -> bool {
    name.starts_with("lua/") || name.starts_with("spec/")
}

/// The author's frames of Luau's traceback (`lua/cogs/ping.luau:3 function run`), innermost first.
pub fn frames(traceback: &str) -> Vec<SourceLocation> {
    let frame = |line: &str| {
        let line = line.trim();
        // `file:3 function name` is Luau's own form, `file:3: in function 'name'` the C interface's.
        let line = line.replacen(": in", "", 1);
        let (place, function) = match line.split_once(" function ") {
            Some((place, function)) => {
                let name = function.trim().trim_matches('\'');
                (place, (!name.starts_with('<')).then(|| name.to_owned()))
            }
            None => (line.split(' ').next().unwrap_or_default(), None),
        };
        let (file, number) = place.rsplit_once(':')?;
        is_author_file(file).then_some(())?;
        Some(SourceLocation {
            file: file.to_owned(),
            line: number.trim().parse().ok()?,
            function,
            ..SourceLocation::default()
        })
    };
    traceback
        .lines()
        .filter_map(frame)
        .take(MOST_FRAMES)
        .collect()
}

impl From<&Raised> for Json {
    fn from(raised: &Raised) -> Self {
        let mut fields = vec![("message", Self::string(&raised.message))];
        let kind = raised.kind.as_deref();
        fields.extend(kind.map(|kind| ("kind", Self::string(kind))));
        if let Some((status, code)) = raised.refused {
            fields.push(("status", Self::integer(status)));
            fields.push(("code", Self::integer(code)));
        }
        if let Some(place) = &raised.place {
            fields.push(("file", Self::string(&place.file)));
            fields.push(("line", Self::integer(i64::from(place.line))));
        }
        Self::object(fields.iter().map(|(name, value)| (*name, value.view())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_from_the_head_of_a_message() {
        let (place, message) = split_place("lua/cogs/ping.luau:12: attempt to index nil with 'x'");
        let place = place.unwrap();
        assert_eq!(
            (place.file.as_str(), place.line),
            ("lua/cogs/ping.luau", 12)
        );
        assert_eq!(message, "attempt to index nil with 'x'");
        assert_eq!(split_place("no: place").0, None);
    }

    #[test]
    fn frames_of_the_host_are_left_out() {
        let trace = "[cogsmith shim]:20 function finish\nlua/utils/text.luau:4 function shorten\n[C] function xpcall\nlua/cogs/ping.luau:9\n";
        let frames = frames(trace);
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0].function.as_deref(), Some("shorten"));
        assert_eq!(frames[1].line, 9);
    }
}
