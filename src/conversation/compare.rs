//! What was recorded beside what was answered this time.

use super::labels::Labels;
use super::model::{Answer, BotDeed, Conversation, Step};
use super::readable::readable;
use serde::Serialize;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How far apart two times may be that were to be the same: a second each way for rounding, in seconds.
const TOLERANCE: i64 = 2;

/// What became of a conversation that was played again.
#[derive(Clone, Debug, Serialize)]
pub struct StepOutcome {
    /// Its number, from 1.
    pub number: usize,
    /// What the person did.
    pub told: String,
    /// What came of it.
    pub state: StepState,
    /// What was answered, recorded and now.
    pub answers: Vec<AnswerPair>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// As recorded.
    Same,
    /// As recorded but for numbers.
    Numbers,
    /// Not as recorded.
    Different,
}

/// An answer, recorded and now.
#[derive(Clone, Debug, Serialize)]
pub struct AnswerPair {
    /// Whether both are the same.
    pub state: StepState,
    /// The lines of both: those of the recording alone, of now alone, or of both.
    pub lines: Vec<Line>,
}

/// A line of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// `-` for a line that is only in the recording, `+` for one that is only there now, and a space for others.
    pub mark: char,
    /// The line.
    pub text: String,
}

/// Compares a recorded step with what came of it this time.
pub(super) fn compare(
    number: usize,
    (conversation, recorded): (&Conversation, &Step),
    (labels, now, now_at): (&Labels, &Step, f64),
) -> StepOutcome {
    let recorded_at = conversation.recorded_at + recorded.at;
    let mut pairs = Vec::new();
    let refusals = [&recorded.refused, &now.refused];
    if refusals.iter().any(|it| it.is_some()) {
        let told = |refused: &Option<String>| {
            let told = refused.as_ref();
            told.map(|words| format!("Discord refuses: {words}"))
        };
        pairs.push(pair(told(refusals[0]), told(refusals[1]), false));
    }
    let names = labels.by_text();
    for index in 0..recorded.answers.len().max(now.answers.len()) {
        let (was, is) = (recorded.answers.get(index), now.answers.get(index));
        let vary = was.is_some_and(|answer| answer.numbers_vary);
        let was = was.map(|answer| text_of(answer, &conversation.ids, recorded_at));
        let is = is.map(|answer| text_of(answer, &names, now_at));
        let is = match (&was, is) {
            (Some(was), Some(is)) => Some(with_times_of(was, &is)),
            (_, is) => is,
        };
        pairs.push(pair(was, is, vary));
    }
    let worst = pairs.iter().map(|pair| pair.state);
    let state = worst.max_by_key(|state| *state as u8);
    StepOutcome {
        number,
        told: recorded.told(),
        state: state.unwrap_or(StepState::Same),
        answers: pairs,
    }
}

fn pair(was: Option<String>, is: Option<String>, vary: bool) -> AnswerPair {
    let is_same = was == is;
    let are_numbers = || match (&was, &is) {
        (Some(was), Some(is)) => without_numbers(was) == without_numbers(is),
        _ => false,
    };
    let state = if is_same {
        StepState::Same
    } else if are_numbers() {
        if vary {
            StepState::Same
        } else {
            StepState::Numbers
        }
    } else {
        StepState::Different
    };
    let (was, is) = (was.unwrap_or_default(), is.unwrap_or_default());
    let is = if state == StepState::Same {
        was.clone()
    } else {
        is
    };
    let difference = TextDiff::from_lines(was.as_str(), is.as_str());
    let lines = difference.iter_all_changes().map(|change| Line {
        mark: match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        },
        text: change.value().trim_end_matches('\n').to_owned(),
    });
    AnswerPair {
        state,
        lines: lines.collect(),
    }
}

/// The text with `#` for each number.
pub(super) fn without_numbers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_digit() {
            plain.push(c);
        } else if !plain.ends_with('#') {
            plain.push('#');
        }
    }
    plain
}

/// An answer as text. `names` has the labels of ids by their texts, `at` is when its step was, in Unix seconds.
fn text_of(answer: &Answer, names: &BTreeMap<String, String>, at: f64) -> String {
    let said = |head: &str, value: &Value| {
        let value = super::labels::map_texts(value, &|text| with_relative_times(text, at));
        let value = with_iso_times(&value, at);
        let value = without_custom_ids(&value);
        let inner = readable(&value, names);
        format!("{head}\n{}", inner.trim_end())
    };
    let plain = |words: String| words + "\n";
    match &answer.does {
        BotDeed::Writes { channel, seen, .. } => said(&format!("writes in {channel}:"), seen),
        BotDeed::Edits { message, seen } => said(&format!("changes {message}:"), seen),
        BotDeed::Deletes { message } => plain(format!("deletes {message}")),
        BotDeed::Reacts { message, emoji } => plain(format!("reacts to {message} with {emoji}")),
        BotDeed::Unreacts { message, emoji } => plain(format!("takes {emoji} off {message}")),
        BotDeed::Makes { channel, kind } => plain(format!("makes {channel} (type {kind})")),
        BotDeed::Opens { modal } => said("opens a form:", modal),
        BotDeed::Offers { choices } => said("offers:", &json!(choices)),
        BotDeed::Removes { person } => plain(format!("removes {person}")),
        BotDeed::Bans { person } => plain(format!("bans {person}")),
        BotDeed::Unbans { person } => plain(format!("takes back the ban of {person}")),
        BotDeed::Updates {
            person,
            nick,
            roles,
            timed_out,
        } => said(
            &format!("changes {person}:"),
            &json!({ "nick": nick, "roles": roles, "timed_out": timed_out }),
        ),
    }
}

/// Nobody sees them, and some are others each time.
fn without_custom_ids(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_custom_ids).collect(),
        Value::Object(fields) => {
            let kept = fields
                .iter()
                .filter(|(name, _)| name.as_str() != "custom_id");
            let kept = kept.map(|(name, value)| (name.clone(), without_custom_ids(value)));
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}

/// `<t:now+60:R>` for a time of Discord's.
fn with_relative_times(text: &str, at: f64) -> String {
    super::times::map(text, |time, style| {
        Some(format!("<t:now{:+}{style}>", time - whole(at)))
    })
}

/// The same for the times of embeds.
fn with_iso_times(value: &Value, at: f64) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| with_iso_times(item, at)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let time = value
                    .as_str()
                    .filter(|_| name == "timestamp")
                    .and_then(super::times::iso);
                let value = match time {
                    Some(time) => format!("<t:now{:+}>", time - whole(at)).into(),
                    None => with_iso_times(value, at),
                };
                (name.clone(), value)
            });
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "Unix seconds are far below 2^53"
)]
pub(super) fn whole(seconds: f64) -> i64 {
    seconds.floor() as i64
}

/// The text with the times of another where they are nearly the same.
fn with_times_of(was: &str, is: &str) -> String {
    let times = |text: &str| -> Vec<i64> {
        let parts = text.split("<t:now").skip(1);
        let numbers = parts.map(|part| {
            let end = part.find([':', '>']).unwrap_or(0);
            part[..end].parse().unwrap_or(i64::MAX)
        });
        numbers.collect()
    };
    let (recorded, now) = (times(was), times(is));
    let mut parts = is.split("<t:now");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        let end = part.find([':', '>']).unwrap_or(0);
        let near = recorded
            .get(index)
            .filter(|time| now[index].saturating_sub(**time).abs() <= TOLERANCE);
        text.push_str("<t:now");
        match near {
            Some(time) => {
                let _written = write!(text, "{time:+}");
            }
            None => text.push_str(&part[..end]),
        }
        text.push_str(&part[end..]);
    }
    text
}
