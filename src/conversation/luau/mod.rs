//! A conversation as a spec that reads as if somebody had written it.
//!
//! `cast.rs` makes the world's people, roles and channels, `act.rs` has them do what they did, `answer.rs` says what is
//! expected then, of a message what `shown.rs` leaves of it; `value.rs` writes values with names in place of ids, `text.rs` texts, `table.rs` tables.

mod act;
mod answer;
mod cast;
mod shown;
mod table;
mod text;
mod value;

use super::deeds::{about, people_in};
use super::labels::each_part;
use super::model::{BotDeed, Conversation, Deed, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use text::{quoted, variable};

/// Shorter waits than this are no part of a spec, in seconds.
const SHORTEST_WAIT: i64 = 2;

/// How a spec is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpecOptions {
    /// Whether the clock goes on between steps as it did in the recording. It always does where a bot answered late.
    pub keeps_pauses: bool,
}

/// Writes a conversation as a spec.
pub fn spec(conversation: &Conversation, options: SpecOptions) -> String {
    let mut writer = Writer::new(conversation, options);
    let cogs: Vec<String> = conversation.cogs.iter().map(|name| quoted(name)).collect();
    writer.cast();
    for (index, step) in conversation.steps.iter().enumerate() {
        writer.step(index, step);
    }
    let mut text = String::from("--!strict\n");
    if writer.has_numbers {
        text.push_str(
            "-- Numbers are those of the recording. Where they are others each time, expect a pattern instead:\n\
             -- spec.pattern(\"^You rolled %d+%.$\") in a table, or :matches(…) for a text.\n",
        );
    }
    text.push_str("local spec = require(\"@cogsmith/spec\")\n\n");
    let _written = write!(text, "spec.cogs {{ {} }}\n\n", cogs.join(", "));
    let name = match conversation.name.as_str() {
        "" => "goes as it was recorded",
        name => name,
    };
    let _written = writeln!(text, "spec.it({}, function(world)", quoted(name));
    for line in writer.lines {
        if !line.is_empty() {
            text.push_str("    ");
        }
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str("end)\n");
    text
}

/// Writes the lines of one `it`.
struct Writer<'a> {
    conversation: &'a Conversation,
    options: SpecOptions,
    lines: Vec<String>,
    /// The variables of labels.
    variables: BTreeMap<String, String>,
    used: BTreeSet<String>,
    /// The labels that need a variable.
    needed: BTreeSet<String>,
    /// How far the spec's clock has gone, in seconds.
    clock: i64,
    /// The reactions of messages, in the order in which they came.
    reactions: BTreeMap<String, Vec<String>>,
    /// Whether there are numbers in what is expected.
    has_numbers: bool,
    /// Whether the numbers of the answer that is being written vary.
    numbers_vary: bool,
    /// When the answer that is being written came, in Unix seconds.
    now: f64,
}

impl<'a> Writer<'a> {
    fn new(conversation: &'a Conversation, options: SpecOptions) -> Self {
        let used = ["reply", "bot"].map(str::to_owned).into();
        Self {
            conversation,
            options,
            lines: Vec::new(),
            variables: BTreeMap::new(),
            used,
            needed: needed(conversation),
            clock: 0,
            reactions: BTreeMap::new(),
            has_numbers: false,
            numbers_vary: false,
            now: conversation.recorded_at,
        }
    }

    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A remark: nothing in it ends its line.
    fn comment(&mut self, text: &str) {
        let text = crate::escape::name(text).into_owned();
        self.line(format!("-- {text}"));
    }

    /// An empty line, unless there is one or nothing stands before it.
    fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// The variable of a label, if there is one.
    fn variable(&self, label: &str) -> Option<&str> {
        self.variables.get(label).map(String::as_str)
    }

    /// A new variable for a label.
    fn bind(&mut self, label: &str, like: &str, otherwise: &str) -> String {
        let name = variable(like, otherwise, &mut self.used);
        self.variables.insert(label.to_owned(), name.clone());
        name
    }

    /// Lets the clock go on until `until`, in seconds since the beginning.
    fn wait_until(&mut self, until: f64, least: i64) {
        let wait = super::compare::whole(until) - self.clock;
        if wait >= least && wait > 0 {
            self.clock += wait;
            self.line(format!("world:advance(\"{}\")", told(wait)));
        }
    }
}

/// `90s`, `5m`, `2h`
fn told(seconds: i64) -> String {
    match seconds {
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// The labels that a step needs to name later, or in its texts.
fn needed(conversation: &Conversation) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    let text = serde_json::to_string(&conversation.steps).unwrap_or_default();
    each_part(&text, |part, is_id| {
        if let Some(label) = conversation.ids.get(part).filter(|_| is_id) {
            needed.insert(label.clone());
        }
    });
    for step in &conversation.steps {
        needed.extend(named_in(step));
    }
    needed
}

fn named_in(step: &Step) -> Vec<String> {
    let mut named: Vec<String> = people_in(step).map(|name| format!("@{name}")).collect();
    named.extend(about(&step.does).map(str::to_owned));
    if let Deed::Says { reply_to, .. } = &step.does {
        named.extend(reply_to.clone());
    }
    for answer in &step.answers {
        match &answer.does {
            BotDeed::Edits { message, .. }
            | BotDeed::Deletes { message }
            | BotDeed::Reacts { message, .. }
            | BotDeed::Unreacts { message, .. } => named.push(message.clone()),
            BotDeed::Updates { roles, .. } => {
                named.extend(roles.iter().map(|role| format!("@&{role}")));
            }
            _ => {}
        }
    }
    named
}
