//! The lines in which a person does what they did.

use super::table::Expression;
use super::text::quoted;
use super::value::file_fields;
use super::{SHORTEST_WAIT, Writer};
use crate::conversation::labels::DIRECT;
use crate::conversation::model::{Deed, File, Step};
use serde_json::{Map, Value};

/// Where a line is wrapped, in characters from the left of an `it`'s body.
const BEFORE: usize = 30;

impl Writer<'_> {
    /// A step: its wait, what was done, and what is expected then.
    pub(super) fn step(&mut self, index: usize, step: &Step) {
        if self.options.keeps_pauses {
            self.wait_until(step.at, SHORTEST_WAIT);
        }
        self.now = self.conversation.recorded_at + step.at;
        let Some(call) = self.call(step) else {
            self.comment(&format!(
                "{}: this was about a message from before the recording, which is not there in a spec.",
                step.told()
            ));
            return;
        };
        self.warn(step);
        if let Some(refused) = &step.refused {
            // Discord's words, up to what is wrong with which field.
            let words = refused.split(':').next().unwrap_or_default();
            let words = quoted(words);
            self.line(format!(
                "spec.expect(function()\n        {call}\n    end):fails({words})"
            ));
        } else {
            self.answers(index, step, &call);
        }
    }

    fn warn(&mut self, step: &Step) {
        let Deed::Says { files, .. } = &step.does else {
            return;
        };
        if files.iter().any(|file| file.text.is_none()) {
            self.comment(
                "What was in the files of the recording is no text, or too much for a spec.",
            );
        }
    }

    /// The call; nothing if it is about what there is not.
    #[allow(clippy::too_many_lines, reason = "one entry for each deed")]
    fn call(&mut self, step: &Step) -> Option<String> {
        let who = self.variable(&format!("@{}", step.by))?.to_owned();
        let message = |label: &String| self.variable(label).map(str::to_owned);
        let place = self.place(&step.channel);
        let call = |name: &str, arguments: &[String]| {
            let mut given: Vec<&str> = arguments.iter().map(String::as_str).collect();
            while given.last() == Some(&"nil") {
                given.pop();
            }
            match given.as_slice() {
                [only] if only.starts_with('{') => format!("{who}:{name} {only}"),
                given => format!("{who}:{name}({})", given.join(", ")),
            }
        };
        Some(match &step.does {
            Deed::Says {
                content,
                reply_to,
                files,
                ..
            } => {
                let said = self.said(content, reply_to.as_ref(), files)?;
                call("says", &[said, place])
            }
            Deed::Edits {
                message: label,
                content,
            } => call("edits", &[message(label)?, self.exact(content)]),
            Deed::Deletes { message: label } => call("deletes", &[message(label)?]),
            Deed::Reacts {
                message: label,
                emoji,
            } => call("reacts", &[message(label)?, self.exact(emoji)]),
            Deed::Unreacts {
                message: label,
                emoji,
            } => call("unreacts", &[message(label)?, self.exact(emoji)]),
            Deed::Pins { message: label } => call("pins", &[message(label)?]),
            Deed::Unpins { message: label } => call("unpins", &[message(label)?]),
            Deed::Votes {
                message: label,
                answers,
            } => call("votes", &[message(label)?, numbers(answers)]),
            Deed::Runs { command, options } => {
                let options = self.fields(options, &who);
                call("runs", &[quoted(&format!("/{command}")), options, place])
            }
            Deed::Completes {
                command,
                options,
                option,
            } => {
                let [entered, option] = self.completed(options, option, &who);
                call(
                    "completes",
                    &[quoted(&format!("/{command}")), entered, option, place],
                )
            }
            Deed::Uses {
                command,
                person,
                message: label,
            } => {
                let target = self.target(person.as_ref(), label.as_ref())?;
                let place = if person.is_some() {
                    place
                } else {
                    "nil".to_owned()
                };
                call("uses", &[quoted(command), target, place])
            }
            Deed::Clicks {
                message: label,
                custom_id,
                label: text,
            } => {
                let which = text.as_ref().unwrap_or(custom_id);
                call("clicks", &[message(label)?, self.exact(which)])
            }
            Deed::Chooses {
                message: label,
                custom_id,
                values,
            } => {
                let values: Vec<Value> = values.iter().map(|it| it.as_str().into()).collect();
                let chosen = self.entered(&values.into(), &who).write(BEFORE, 1);
                call("chooses", &[message(label)?, chosen, self.exact(custom_id)])
            }
            Deed::Submits { fields, .. } => call("submits", &[self.table(fields, &who), place]),
            Deed::Joins {} => call("joins", &[]),
            Deed::Leaves {} => call("leaves", &[]),
            Deed::JoinsVoice {} => {
                let known = self.variable(&format!("#{}", step.channel));
                let channel = known.map_or_else(|| quoted(&step.channel), str::to_owned);
                call("joins_voice", &[channel])
            }
            Deed::LeavesVoice {} => call("leaves_voice", &[]),
            Deed::Shows { status, activities } => {
                let activities: Value = activities.clone().into();
                let is_nothing = activities.as_array().is_some_and(Vec::is_empty);
                let shown = if is_nothing {
                    "nil".to_owned()
                } else {
                    self.entered(&activities, &who).write(BEFORE, 1)
                };
                call("shows", &[quoted(status), shown])
            }
            Deed::Requests { method, path, body } => {
                let body = match body {
                    Value::Null => "nil".to_owned(),
                    body => self.body(body).write(BEFORE, 1),
                };
                call("requests", &[quoted(method), self.exact(path), body])
            }
        })
    }

    /// A message: a text, or a table if there is more to it. Nothing if it replies to what there is not.
    fn said(&self, content: &str, reply_to: Option<&String>, files: &[File]) -> Option<String> {
        let mut fields = vec![("content".to_owned(), Expression::Code(self.exact(content)))];
        if let Some(label) = reply_to {
            let id = Expression::Code(format!("{}.id", self.variable(label)?));
            let reference = Expression::Map(vec![("message_id".to_owned(), id)]);
            fields.push(("message_reference".to_owned(), reference));
        }
        if !files.is_empty() {
            let files = files.iter().map(file_fields).collect();
            fields.push(("files".to_owned(), Expression::List(files)));
        }
        Some(match fields.as_slice() {
            [_] => self.exact(content),
            _ => Expression::Map(fields).write(BEFORE, 1),
        })
    }

    /// What has been entered, and the option that is being written; `nil` if it is the only one.
    fn completed(&self, options: &Map<String, Value>, option: &str, who: &str) -> [String; 2] {
        let is_only = options.len() == 1 && options.contains_key(option);
        let option = if is_only {
            "nil".to_owned()
        } else {
            quoted(option)
        };
        [self.table(options, who), option]
    }

    /// The person or the message on which a command is used.
    fn target(&self, person: Option<&String>, message: Option<&String>) -> Option<String> {
        let person = person.map(|name| format!("@{name}"));
        let target = self.variable(person.as_ref().or(message)?)?;
        Some(target.to_owned())
    }

    /// What is entered, by name; `{}` for nothing.
    fn table(&self, given: &Map<String, Value>, who: &str) -> String {
        match self.fields(given, who).as_str() {
            "nil" => "{}".to_owned(),
            table => table.to_owned(),
        }
    }

    /// The body of a request: ids are texts in it.
    fn body(&self, body: &Value) -> Expression {
        match body {
            Value::Object(fields) => {
                let fields = fields.iter().filter(|(_, value)| !value.is_null());
                Expression::Map(
                    fields
                        .map(|(name, value)| (name.clone(), self.body(value)))
                        .collect(),
                )
            }
            Value::Array(items) => Expression::List(items.iter().map(|it| self.body(it)).collect()),
            Value::String(text) => Expression::Code(self.exact(text)),
            other => Expression::Code(other.to_string()),
        }
    }

    /// What is entered, by name; `nil` for nothing.
    fn fields(&self, given: &Map<String, Value>, who: &str) -> String {
        if given.is_empty() {
            return "nil".to_owned();
        }
        let fields = given.iter();
        let fields = fields.map(|(name, value)| (name.clone(), self.entered(value, who)));
        Expression::Map(fields.collect()).write(BEFORE, 1)
    }

    /// The table that says where something is done; `nil` for `general`.
    fn place(&self, channel: &str) -> String {
        if channel == "general" {
            return "nil".to_owned();
        }
        let known = self.variable(&format!("#{channel}"));
        let channel = match known {
            Some(variable) if channel != DIRECT => variable.to_owned(),
            _ => quoted(channel),
        };
        format!("{{ channel = {channel} }}")
    }
}

/// A number, or a list of them.
fn numbers(of: &[u64]) -> String {
    let numbers: Vec<String> = of.iter().map(u64::to_string).collect();
    match numbers.as_slice() {
        [] => "{}".to_owned(),
        [only] => only.clone(),
        numbers => format!("{{ {} }}", numbers.join(", ")),
    }
}
