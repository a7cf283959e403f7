//! The lines that say what is expected of a bot after somebody did something.

use super::Writer;
use super::shown::shown;
use super::table::Expression;
use super::text::{Literal, quoted};
use crate::conversation::labels::DIRECT;
use crate::conversation::model::{Answer, BotDeed, Deed, Step};
use serde_json::{Map, Value};

/// What comes later than this comes because the clock has gone on, in seconds.
const LATE: f64 = 1.0;

/// What a bot takes for an answer that is due, in seconds.
const LATENCY: f64 = 0.1;

/// A message that a bot wrote.
struct Written<'a> {
    label: &'a str,
    channel: &'a str,
    seen: &'a Value,
    vary: bool,
}

impl Writer<'_> {
    /// What is done, and what comes of it.
    pub(super) fn answers(&mut self, index: usize, step: &Step, call: &str) {
        let (late, soon): (Vec<&Answer>, Vec<&Answer>) =
            step.answers.iter().partition(|it| it.after >= LATE);
        self.react_of_person(step);
        let deleted: Vec<&str> = soon.iter().filter_map(|answer| deleted(answer)).collect();
        let written: Vec<Written<'_>> = soon
            .iter()
            .filter_map(|answer| written(answer))
            .filter(|it| !deleted.contains(&it.label))
            .collect();
        let (here, elsewhere): (Vec<_>, Vec<_>) = written
            .into_iter()
            .partition(|it| it.channel == step.channel || it.channel == DIRECT);
        let is_spread = self.conversation.steps[index + 1..].is_empty();
        let lines = self.lines.len();
        self.first(step, call, &soon, &here);
        self.places(&elsewhere);
        self.others(&soon);
        self.late(step, &late);
        // What takes several lines stands apart.
        if self.lines.len() > lines + 2 && !is_spread {
            self.gap();
        }
    }

    /// What a person's own reaction is among those of a message.
    fn react_of_person(&mut self, step: &Step) {
        match &step.does {
            Deed::Reacts { message, emoji } => self.reacts(message, emoji),
            Deed::Unreacts { message, emoji } => self.unreacts(message, emoji),
            _ => {}
        }
    }

    fn reacts(&mut self, message: &str, emoji: &str) {
        let all = self.reactions.entry(message.to_owned()).or_default();
        if !all.iter().any(|one| one == emoji) {
            all.push(emoji.to_owned());
        }
    }

    fn unreacts(&mut self, message: &str, emoji: &str) {
        let all = self.reactions.entry(message.to_owned()).or_default();
        all.retain(|one| one != emoji);
    }

    /// The call itself, with the messages that it returns.
    fn first(&mut self, step: &Step, call: &str, soon: &[&Answer], here: &[Written<'_>]) {
        let made: Vec<&str> = soon.iter().filter_map(|answer| made(answer)).collect();
        if let Some(choices) = soon.iter().find_map(|answer| offered(answer)) {
            self.note_numbers(&choices);
            let choices = self.expected(&choices);
            let choices = choices.write(call.len() + 18, 1);
            self.line(format!("spec.expect({call}):has {choices}"));
        } else if let [only] = here {
            self.numbers_vary = only.vary;
            if made.is_empty() && !self.needed.contains(only.label) && is_plain(only.seen) {
                self.content(&format!("{call}.content"), &only.seen["content"]);
            } else {
                let name = self.bind(only.label, like(step), "reply");
                self.line(format!("local {name} = {call}"));
                self.channels(&made);
                self.expect(&name, only.seen);
            }
            self.numbers_vary = false;
        } else if here.is_empty() {
            self.alone(step, call, soon);
            self.channels(&made);
        } else {
            self.line(call);
            let name = super::variable("replies", "replies", &mut self.used);
            let who = call.split(':').next().unwrap_or_default();
            self.line(format!("local {name} = {who}:replies()"));
            self.channels(&made);
            self.line(format!("spec.expect({name}):has_length({})", here.len()));
            for (index, one) in here.iter().enumerate() {
                self.several(one, &format!("{name}[{}]", index + 1));
            }
        }
        if let Deed::Says { message, .. } = &step.does
            && self.needed.contains(message)
        {
            let who = self.variable(&format!("@{}", step.by)).unwrap_or_default();
            let who = who.to_owned();
            let name = self.bind(message, &format!("{who}_message"), "message");
            self.line(format!("local {name} = {who}:said()"));
        }
    }

    /// One of several messages.
    fn several(&mut self, one: &Written<'_>, expression: &str) {
        self.numbers_vary = one.vary;
        if self.needed.contains(one.label) {
            let name = self.bind(one.label, "reply", "reply");
            self.line(format!("local {name} = {expression}"));
            self.expect(&name, one.seen);
        } else {
            self.expect(expression, one.seen);
        }
        self.numbers_vary = false;
    }

    /// A call that returns no new message.
    fn alone(&mut self, step: &Step, call: &str, soon: &[&Answer]) {
        if let Some(modal) = soon.iter().find_map(|answer| opened(answer)) {
            self.line(call);
            let who = call.split(':').next().unwrap_or_default();
            let title = self.text(modal["title"].as_str().unwrap_or_default());
            self.line(format!(
                "spec.expect({who}:modal()):has {{ title = {} }}",
                value_of(title)
            ));
            return;
        }
        let speaks = matches!(
            step.does,
            Deed::Says { .. }
                | Deed::Runs { .. }
                | Deed::Uses { .. }
                | Deed::Joins {}
                | Deed::Leaves {}
        );
        if speaks {
            self.line(format!("spec.expect({call}):is_nil()"));
        } else {
            self.line(call);
        }
    }

    /// Variables for channels that the bot has made.
    fn channels(&mut self, made: &[&str]) {
        for name in made {
            let label = format!("#{name}");
            if self.needed.contains(&label) || self.is_place(name) {
                let variable = self.bind(&label, name, "channel");
                self.line(format!(
                    "local {variable} = world:channel({})",
                    quoted(name)
                ));
            }
        }
    }

    fn is_place(&self, name: &str) -> bool {
        self.conversation.steps.iter().any(|step| {
            step.channel == *name
                || step
                    .answers
                    .iter()
                    .filter_map(written)
                    .any(|it| it.channel == name)
        })
    }

    /// Messages in other channels, the newest there.
    fn places(&mut self, written: &[Written<'_>]) {
        let mut channels: Vec<&str> = Vec::new();
        for one in written {
            if !channels.contains(&one.channel) {
                channels.push(one.channel);
            }
        }
        for channel in channels {
            let person = channel.strip_prefix("dm ");
            let person = person.and_then(|name| self.variable(&format!("@{name}")));
            let list = match self.variable(&format!("#{channel}")) {
                _ if person.is_some() => format!("{}:inbox()", person.unwrap_or_default()),
                Some(variable) => format!("world:messages({variable})"),
                None if channel == "general" => "world:messages()".to_owned(),
                None => format!("world:messages({})", quoted(channel)),
            };
            let those: Vec<_> = written.iter().filter(|it| it.channel == channel).collect();
            self.newest(channel, &list, &those);
        }
    }

    /// The last messages of a list.
    fn newest(&mut self, like: &str, list: &str, written: &[&Written<'_>]) {
        let like = format!("in {like}");
        let name = super::variable(&like, "messages", &mut self.used);
        self.line(format!("local {name} = {list}"));
        let count = written.len();
        for (index, one) in written.iter().enumerate() {
            let at = match count - 1 - index {
                0 => format!("{name}[#{name}]"),
                before => format!("{name}[#{name} - {before}]"),
            };
            self.several(one, &at);
        }
    }

    /// What a bot did beside writing.
    fn others(&mut self, answers: &[&Answer]) {
        let mut changed: Vec<(&str, &Value, bool)> = Vec::new();
        for answer in answers {
            match &answer.does {
                BotDeed::Edits { message, seen } => {
                    changed.retain(|(label, ..)| label != message);
                    changed.push((message, seen, answer.numbers_vary));
                }
                BotDeed::Deletes { message } => {
                    changed.retain(|(label, ..)| label != message);
                    if let Some(name) = self.variable(message) {
                        self.line(format!("spec.expect(world:message({name})):is_nil()"));
                    }
                }
                BotDeed::Reacts { message, emoji } => self.reacts(message, emoji),
                BotDeed::Unreacts { message, emoji } => self.unreacts(message, emoji),
                BotDeed::Removes { person } => {
                    self.of_member(person, |who| {
                        format!("spec.expect(world:member({who})):is_nil()")
                    });
                }
                BotDeed::Bans { person } => {
                    self.of_member(person, |who| {
                        format!("spec.expect(world:ban({who})):exists()")
                    });
                }
                BotDeed::Unbans { person } => {
                    self.of_member(person, |who| {
                        format!("spec.expect(world:ban({who})):is_nil()")
                    });
                }
                BotDeed::Updates { .. } => self.updated(&answer.does),
                _ => {}
            }
        }
        for (label, seen, vary) in changed {
            let Some(name) = self.variable(label).map(str::to_owned) else {
                continue;
            };
            self.numbers_vary = vary;
            let now = format!("world:message({name})");
            self.has(&now, seen);
            self.numbers_vary = false;
        }
        let reacted: Vec<&String> = answers
            .iter()
            .filter_map(|answer| reacted(answer))
            .collect();
        for label in reacted {
            self.reactions_of(label);
        }
    }

    fn reactions_of(&mut self, label: &str) {
        let Some(name) = self.variable(label).map(str::to_owned) else {
            return;
        };
        let all = self.reactions.get(label).cloned().unwrap_or_default();
        let all: Vec<String> = all
            .iter()
            .map(|emoji| {
                let name = emoji.split(':').next().unwrap_or_default();
                format!("{{ emoji = {{ name = {} }} }}", quoted(name))
            })
            .collect();
        if !all.is_empty() {
            let all = all.join(", ");
            self.line(format!(
                "spec.expect(world:message({name})):has {{ reactions = {{ {all} }} }}"
            ));
        }
    }

    fn of_member(&mut self, person: &str, line: impl Fn(&str) -> String) {
        if let Some(who) = self.variable(&format!("@{person}")) {
            let line = line(who);
            self.line(line);
        }
    }

    fn updated(&mut self, does: &BotDeed) {
        let BotDeed::Updates {
            person,
            nick,
            roles,
            timed_out,
        } = does
        else {
            return;
        };
        let mut fields = Vec::new();
        if let Some(nick) = nick {
            fields.push((
                "nick".to_owned(),
                Expression::Code(value_of(self.text(nick))),
            ));
        }
        let named = roles.iter().map(|role| self.variable(&format!("@&{role}")));
        let named: Option<Vec<Expression>> = named
            .map(|name| Some(Expression::Code(format!("{}.id", name?))))
            .collect();
        if let Some(named) = named.filter(|it| !it.is_empty()) {
            fields.push(("roles".to_owned(), Expression::List(named)));
        }
        if *timed_out {
            let any = Expression::Code("spec.pattern(\"^%d\")".to_owned());
            fields.push(("communication_disabled_until".to_owned(), any));
        }
        if !fields.is_empty() {
            let fields = Expression::Map(fields).write(40, 1);
            self.of_member(person, |who| {
                format!("spec.expect(world:member({who})):has {fields}")
            });
        }
    }

    /// What comes when the clock has gone on.
    fn late(&mut self, step: &Step, late: &[&Answer]) {
        let last = late.iter().map(|answer| answer.after).fold(0.0, f64::max);
        if late.is_empty() {
            return;
        }
        // Whole seconds, but what is due in between is over then.
        let due = if last.fract() < LATENCY {
            last.floor()
        } else {
            last.ceil()
        };
        #[allow(
            clippy::cast_precision_loss,
            reason = "a clock of seconds is far below 2^53"
        )]
        let since_step = self.clock as f64 + due;
        self.wait_until(since_step.max(step.at + last), 1);
        self.now = self.conversation.recorded_at + step.at + last;
        let deleted: Vec<&str> = late.iter().filter_map(|answer| deleted(answer)).collect();
        let made: Vec<&str> = late.iter().filter_map(|answer| made(answer)).collect();
        self.channels(&made);
        // What was changed after it came is expected as it is in the end.
        let edited: Vec<(&str, &Value)> = late
            .iter()
            .filter_map(|answer| match &answer.does {
                BotDeed::Edits { message, seen } => Some((message.as_str(), seen)),
                _ => None,
            })
            .collect();
        let written: Vec<Written<'_>> = late
            .iter()
            .filter_map(|answer| written(answer))
            .filter(|it| !deleted.contains(&it.label))
            .map(|it| {
                let end = edited.iter().rev().find(|(label, _)| *label == it.label);
                let seen = end.map_or(it.seen, |(_, seen)| seen);
                Written { seen, ..it }
            })
            .collect();
        let (direct, others): (Vec<_>, Vec<_>) =
            written.into_iter().partition(|it| it.channel == DIRECT);
        if !direct.is_empty() {
            let who = self.variable(&format!("@{}", step.by)).unwrap_or_default();
            let inbox = format!("{who}:inbox()");
            let written: Vec<&Written<'_>> = direct.iter().collect();
            self.newest("dm", &inbox, &written);
        }
        self.places(&others);
        let new: Vec<&str> = others.iter().map(|it| it.label).collect();
        let rest: Vec<&Answer> = late
            .iter()
            .copied()
            .filter(|answer| match &answer.does {
                BotDeed::Edits { message, .. } => !new.contains(&message.as_str()),
                _ => true,
            })
            .collect();
        self.others(&rest);
    }

    /// What is expected of a message.
    fn expect(&mut self, expression: &str, seen: &Value) {
        if !is_plain(seen) {
            self.has(expression, seen);
            return;
        }
        self.content(&format!("{expression}.content"), &seen["content"]);
    }

    fn content(&mut self, expression: &str, content: &Value) {
        self.note_numbers(content);
        let line = match self.text(content.as_str().unwrap_or_default()) {
            Literal::Exact(code) => format!("spec.expect({expression}):equals({code})"),
            Literal::Pattern(code) => format!("spec.expect({expression}):matches({code})"),
        };
        self.line(line);
    }

    /// A table with what readers see.
    fn has(&mut self, expression: &str, seen: &Value) {
        let shown = shown(seen);
        self.note_numbers(&shown);
        let expected = self.expected(&shown);
        if expected.is_empty() {
            self.line(format!("spec.expect({expression}):exists()"));
            return;
        }
        let expected = expected.write(expression.len() + 22, 1);
        self.line(format!("spec.expect({expression}):has {expected}"));
    }

    /// Notes whether a text that is expected has numbers of its own in it.
    fn note_numbers(&mut self, value: &Value) {
        match value {
            Value::String(text) if !self.numbers_vary => {
                let plain = crate::conversation::times::map(text, |_, _| Some(String::new()));
                let plain = crate::conversation::labels::with_ids(&plain, |_| Some(String::new()));
                self.has_numbers |= plain.contains(|c: char| c.is_ascii_digit());
            }
            Value::Array(items) => items.iter().for_each(|item| self.note_numbers(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.note_numbers(field)),
            _ => {}
        }
    }
}

fn written(answer: &Answer) -> Option<Written<'_>> {
    match &answer.does {
        BotDeed::Writes {
            message,
            channel,
            seen,
        } => Some(Written {
            label: message,
            channel,
            seen,
            vary: answer.numbers_vary,
        }),
        _ => None,
    }
}

fn deleted(answer: &Answer) -> Option<&str> {
    match &answer.does {
        BotDeed::Deletes { message } => Some(message),
        _ => None,
    }
}

fn made(answer: &Answer) -> Option<&str> {
    match &answer.does {
        BotDeed::Makes { channel, .. } => Some(channel),
        _ => None,
    }
}

fn opened(answer: &Answer) -> Option<&Value> {
    match &answer.does {
        BotDeed::Opens { modal } => Some(modal),
        _ => None,
    }
}

fn offered(answer: &Answer) -> Option<Value> {
    let BotDeed::Offers { choices } = &answer.does else {
        return None;
    };
    let choices = choices.iter().map(|choice| {
        let fields = ["name", "value"].map(|field| (field.to_owned(), choice[field].clone()));
        Value::Object(Map::from_iter(fields))
    });
    Some(choices.collect())
}

fn reacted(answer: &Answer) -> Option<&String> {
    match &answer.does {
        BotDeed::Reacts { message, .. } | BotDeed::Unreacts { message, .. } => Some(message),
        _ => None,
    }
}

/// Whether there is nothing to see but a text.
fn is_plain(seen: &Value) -> bool {
    let mut fields = seen.as_object().into_iter().flatten();
    seen["content"].is_string()
        && fields.all(|(name, _)| matches!(name.as_str(), "content" | "replies_to"))
}

/// How the answer to a step is called.
fn like(step: &Step) -> &'static str {
    match &step.does {
        Deed::Clicks { .. } | Deed::Chooses { .. } => "answer",
        _ => "reply",
    }
}

fn value_of(literal: Literal) -> String {
    match literal {
        Literal::Exact(code) => code,
        Literal::Pattern(code) => format!("spec.pattern({code})"),
    }
}
