//! What a person did in a simulator, as a deed of a conversation.

use super::labels::{DIRECT, Labels};
use super::model::{BotDeed, Deed, File, Step};
use crate::sim::{ActionFile, ActionKind, Id, InteractionRequest, PersonAction, Sim};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The largest file that is kept, in bytes.
const MOST_FILE: usize = 64 * 1024;

/// The name of a message that was there before the conversation began.
pub(super) const BEFORE: &str = "before";

/// Who, in which channel, what, and the id of the message that came of it.
type Told = (String, String, Deed, Option<Id>);

struct Telling<'a> {
    sim: &'a Sim,
    guild: Id,
    labels: &'a mut Labels,
    /// The messages of bots as they were last.
    messages: &'a HashMap<Id, Value>,
    /// The number of the next message.
    next: usize,
}

/// What a person did; nothing for what happened elsewhere, or is no part of a conversation.
pub(super) fn of(
    action: &PersonAction,
    sim: &Sim,
    guild: Id,
    labels: &mut Labels,
    (messages, next): (&HashMap<Id, Value>, usize),
) -> Option<Told> {
    let mut telling = Telling {
        sim,
        guild,
        labels,
        messages,
        next,
    };
    let by = telling.person(action.user)?;
    let (channel, deed, message) = match &action.kind {
        ActionKind::Call {
            method,
            path,
            body,
            files,
            answer,
        } => telling.call((method, path), body, files, answer)?,
        ActionKind::Interaction {
            channel, request, ..
        } => {
            let place = telling.channel(*channel)?;
            (place, telling.interaction(*channel, request), None)
        }
        ActionKind::Join(at) if *at == guild => (general(), Deed::Joins {}, None),
        ActionKind::Leave(at) if *at == guild => (general(), Deed::Leaves {}, None),
        ActionKind::JoinVoice(channel) => (telling.channel(*channel)?, Deed::JoinsVoice {}, None),
        ActionKind::LeaveVoice(at) if *at == guild => (general(), Deed::LeavesVoice {}, None),
        ActionKind::Presence(status, activities) => {
            let deed = Deed::Shows {
                status: status.clone(),
                activities: activities.clone(),
            };
            (general(), deed, None)
        }
        _ => return None,
    };
    Some((by, channel, deed, message))
}

/// Whether the second goes on with what the first types.
pub(super) fn types_on(former: Option<&Step>, step: &Step) -> bool {
    let typed = |step: &Step| match &step.does {
        Deed::Completes {
            command, option, ..
        } => Some((step.by.clone(), command.clone(), option.clone())),
        _ => None,
    };
    former
        .and_then(typed)
        .is_some_and(|one| Some(one) == typed(step))
}

/// The message that something was done with.
pub(super) fn about(deed: &Deed) -> Option<&str> {
    match deed {
        Deed::Edits { message, .. }
        | Deed::Deletes { message }
        | Deed::Reacts { message, .. }
        | Deed::Unreacts { message, .. }
        | Deed::Pins { message }
        | Deed::Unpins { message }
        | Deed::Votes { message, .. }
        | Deed::Clicks { message, .. }
        | Deed::Chooses { message, .. } => Some(message),
        Deed::Uses { message, .. } => message.as_deref(),
        _ => None,
    }
}

/// The names of those who take part in a step.
pub(super) fn people_in(step: &Step) -> impl Iterator<Item = &str> {
    let used_on = match &step.does {
        Deed::Uses { person, .. } => person.as_deref(),
        _ => None,
    };
    let answered = step.answers.iter().filter_map(|answer| match &answer.does {
        BotDeed::Writes { channel, .. } => channel.strip_prefix("dm "),
        BotDeed::Removes { person }
        | BotDeed::Bans { person }
        | BotDeed::Unbans { person }
        | BotDeed::Updates { person, .. } => Some(person),
        _ => None,
    });
    [step.by.as_str()]
        .into_iter()
        .chain(used_on)
        .chain(answered)
}

fn general() -> String {
    "general".to_owned()
}

/// `👍`, or `name:id`.
pub(super) fn emoji(emoji: &Value) -> Option<String> {
    let name = emoji["name"].as_str()?;
    Some(match emoji["id"].as_str() {
        Some(id) => format!("{name}:{id}"),
        None => name.to_owned(),
    })
}

impl Telling<'_> {
    fn person(&mut self, id: Id) -> Option<String> {
        if self.labels.of(id).is_none() {
            let name = self.sim.username(id)?;
            self.labels.add(id, "@", &name);
        }
        Some(self.labels.name(id, "@")?.to_owned())
    }

    /// The name of a channel of the guild, or of direct messages.
    fn channel(&mut self, id: Id) -> Option<String> {
        let (guild, name, _) = self.sim.place_of(id)?;
        match guild {
            None => Some(DIRECT.to_owned()),
            Some(guild) if guild == self.guild => {
                let label = self.labels.add(id, "#", &name);
                Some(label.trim_start_matches('#').to_owned())
            }
            Some(_) => None,
        }
    }

    fn message(&self, text: &str) -> String {
        let id = text.parse().ok();
        let label = id.and_then(|id| self.labels.of(id));
        label.unwrap_or(BEFORE).to_owned()
    }

    fn call(
        &mut self,
        (method, path): (&str, &str),
        body: &Value,
        files: &[ActionFile],
        answer: &Value,
    ) -> Option<(String, Deed, Option<Id>)> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let content = || body["content"].as_str().unwrap_or_default().to_owned();
        let emoji = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let place = match parts.as_slice() {
            ["channels", id, ..] => id.parse().ok().and_then(|id| self.channel(id))?,
            ["guilds", id, ..] if *id == self.guild.to_string() => general(),
            _ => return None,
        };
        let deed = match (method, parts.as_slice()) {
            (_, [_, _, "typing"]) => return None,
            ("POST", [_, _, "messages"]) => {
                let id = answer["id"].as_str().and_then(|id| id.parse().ok());
                let message = match id {
                    Some(id) => self.labels.add(id, "m", &self.next.to_string()),
                    None => format!("m{}", self.next),
                };
                let reply = body["message_reference"]["message_id"].as_str();
                let deed = Deed::Says {
                    message,
                    content: content(),
                    reply_to: reply.map(|id| self.message(id)),
                    files: files.iter().map(file).collect(),
                };
                return Some((place, deed, id));
            }
            ("PATCH", [_, _, "messages", id]) => Deed::Edits {
                message: self.message(id),
                content: content(),
            },
            ("DELETE", [_, _, "messages", id]) => Deed::Deletes {
                message: self.message(id),
            },
            ("PUT", [_, _, "messages", id, "reactions", one, "@me"]) => Deed::Reacts {
                message: self.message(id),
                emoji: emoji(one),
            },
            ("DELETE", [_, _, "messages", id, "reactions", one, "@me"]) => Deed::Unreacts {
                message: self.message(id),
                emoji: emoji(one),
            },
            ("PUT", [_, _, "messages", "pins", id] | [_, _, "pins", id]) => Deed::Pins {
                message: self.message(id),
            },
            ("DELETE", [_, _, "messages", "pins", id] | [_, _, "pins", id]) => Deed::Unpins {
                message: self.message(id),
            },
            ("PUT", [_, _, "polls", id, "answers", "@me"]) => {
                let answers = body["answer_ids"].as_array().into_iter().flatten();
                Deed::Votes {
                    message: self.message(id),
                    answers: answers.filter_map(Value::as_u64).collect(),
                }
            }
            _ => Deed::Requests {
                method: method.to_owned(),
                path: path.to_owned(),
                body: body.clone(),
            },
        };
        Some((place, deed, None))
    }

    fn interaction(&mut self, channel: Id, request: &InteractionRequest) -> Deed {
        let words = |name: &str| name.trim_start_matches('/').to_owned();
        match request {
            InteractionRequest::Slash { name, options } => Deed::Runs {
                command: words(name),
                options: self.options(options),
            },
            InteractionRequest::Autocomplete {
                name,
                options,
                focused,
            } => Deed::Completes {
                command: words(name),
                options: self.options(options),
                option: focused.clone(),
            },
            InteractionRequest::User { name, target } => Deed::Uses {
                command: name.clone(),
                person: self.person(*target),
                message: None,
            },
            InteractionRequest::Message { name, target } => Deed::Uses {
                command: name.clone(),
                person: None,
                message: Some(self.message(&target.to_string())),
            },
            InteractionRequest::Component {
                message,
                custom_id,
                values,
            } => {
                let label = self.message(&message.to_string());
                let found = self.component(channel, *message, custom_id);
                if found["type"] == 2 {
                    Deed::Clicks {
                        message: label,
                        custom_id: custom_id.clone(),
                        label: found["label"].as_str().map(str::to_owned),
                    }
                } else {
                    Deed::Chooses {
                        message: label,
                        custom_id: custom_id.clone(),
                        values: values.clone(),
                    }
                }
            }
            InteractionRequest::Modal { custom_id, fields } => {
                let fields = fields.iter();
                let fields = fields.map(|(name, value)| (name.clone(), self.entered(value)));
                Deed::Submits {
                    custom_id: custom_id.clone(),
                    fields: fields.collect(),
                }
            }
        }
    }

    /// The button or menu as it was.
    fn component(&self, channel: Id, message: Id, custom_id: &str) -> Value {
        let known = self.messages.get(&message).cloned();
        let message = known.or_else(|| self.sim.message(channel, message));
        let message = message.unwrap_or_default();
        let mut all = components_of(&message["components"]).into_iter();
        let found = all.find(|one| one["custom_id"] == custom_id).cloned();
        found.unwrap_or_else(|| json!({ "type": 2 }))
    }

    fn options(&self, options: &Value) -> Map<String, Value> {
        let options = options.as_object().into_iter().flatten();
        let told = options.map(|(name, value)| (name.clone(), self.entered(value)));
        told.collect()
    }

    /// A value, with a file in place of an upload's id.
    fn entered(&self, value: &Value) -> Value {
        let id = value.as_str().and_then(|text| text.parse::<Id>().ok());
        let upload = id.filter(|id| self.labels.of(*id).is_none());
        match upload.and_then(|id| self.sim.file(id)) {
            Some(found) => json!({ "file": file(&found) }),
            None => match value {
                Value::Array(items) => items.iter().map(|item| self.entered(item)).collect(),
                other => other.clone(),
            },
        }
    }
}

fn file(file: &ActionFile) -> File {
    let filename = file.filename.clone();
    let is_kept = file.bytes.len() <= MOST_FILE;
    let text = std::str::from_utf8(&file.bytes).ok().filter(|_| is_kept);
    File {
        filename,
        text: text.map(str::to_owned),
        base64: (is_kept && text.is_none()).then(|| STANDARD.encode(&file.bytes)),
        left_out: !is_kept,
    }
}

/// All components that have a `custom_id`, in the order in which they are seen.
pub(super) fn components_of(tree: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    collect(tree, &mut found);
    found
}

fn collect<'a>(tree: &'a Value, found: &mut Vec<&'a Value>) {
    match tree {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            if fields.contains_key("custom_id") {
                found.push(tree);
            }
            for name in ["components", "component", "accessory"] {
                if let Some(inner) = fields.get(name) {
                    collect(inner, found);
                }
            }
        }
        _ => {}
    }
}
