//! What the people in a spec's world can do.

use super::actions::{Action, Doing, doing, done, failed, id, seen};
use super::people::Answer;
use super::world::TestWorld;
use crate::api::convert::to_json;
use crate::api::fields::Fields;
use crate::lock::lock;
use crate::sim::Id;
use crate::vm::host::{Arguments, HostResult};
use mlua::Value;
use serde_json::{Value as JsonValue, json};
use std::sync::Arc;

/// Under which key, what errors call it, and how.
pub(super) const USER_ACTIONS: [(&str, &str, Action); 24] = [
    ("says", "user:says", says),
    ("edits", "user:edits", edits),
    ("deletes", "user:deletes", deletes),
    ("reacts", "user:reacts", |world, arguments| {
        reacts(world, arguments, true)
    }),
    ("unreacts", "user:unreacts", |world, arguments| {
        reacts(world, arguments, false)
    }),
    ("votes", "user:votes", votes),
    ("runs", "user:runs", runs),
    ("completes", "user:completes", completes),
    ("uses", "user:uses", uses),
    ("clicks", "user:clicks", clicks),
    ("chooses", "user:chooses", chooses),
    ("submits", "user:submits", submits),
    ("joins", "user:joins", joins),
    ("leaves", "user:leaves", leaves),
    ("inbox", "user:inbox", inbox),
    ("pins", "user:pins", |world, arguments| {
        pins(world, arguments, "PUT")
    }),
    ("unpins", "user:unpins", |world, arguments| {
        pins(world, arguments, "DELETE")
    }),
    ("requests", "user:requests", requests),
    ("joins_voice", "user:joins_voice", joins_voice),
    ("leaves_voice", "user:leaves_voice", leaves_voice),
    ("shows", "user:shows", shows),
    ("uploads", "user:uploads", uploads),
    ("said", "user:said", said),
    ("modal", "user:modal", modal),
];

/// The person who acts, and the channel where: the first two arguments of every action of a person's.
fn somebody(world: &TestWorld, arguments: &Arguments) -> HostResult<(Id, Id)> {
    let user = id(arguments, 0, "the user")?;
    let name = arguments.string(1, "the channel")?;
    if name == "dm" {
        return Ok((user, world.sim.direct_channel(user)));
    }
    let channel = world
        .channel(&name)
        .map_err(|sentence| failed(arguments, &sentence))?;
    Ok((user, channel))
}

fn says(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let body = content(arguments, 2)?;
    let world = Arc::clone(world);
    doing(async move { world.say(user, channel, body).await.map(seen) })
}

/// A text, or a table of Discord's fields of a message.
fn content(arguments: &Arguments, index: usize) -> HostResult<JsonValue> {
    match arguments.value(index) {
        Value::String(text) => Ok(json!({ "content": text.to_string_lossy() })),
        value @ Value::Table(_) => to_json(arguments.function(), "the message", &value),
        other => Err(arguments.wrong("the text", "a string or a table of message fields", &other)),
    }
}

fn edits(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let message = id(arguments, 2, "the message")?;
    let body = content(arguments, 3)?;
    let world = Arc::clone(world);
    doing(async move { world.edit(user, channel, message, body).await.map(seen) })
}

fn deletes(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let message = id(arguments, 2, "the message")?;
    let world = Arc::clone(world);
    doing(async move { world.delete_as(user, channel, message).await.map(seen) })
}

/// Adds a reaction, or takes it back.
fn reacts(world: &Arc<TestWorld>, arguments: &Arguments, on: bool) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let message = id(arguments, 2, "the message")?;
    let emoji = arguments.string(3, "the emoji")?;
    let world = Arc::clone(world);
    doing(async move {
        world
            .react(user, channel, message, &emoji, on)
            .await
            .map(seen)
    })
}

/// The answers that are the user's from now on: numbers from 1, or their texts.
fn votes(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let message = id(arguments, 2, "the message")?;
    let given = arguments.table(3, "the answers")?;
    let answers = given
        .sequence_values::<Value>()
        .map(|answer| match answer? {
            Value::String(text) => Ok(Answer::Named(text.to_string_lossy())),
            Value::Number(number) if number.fract() == 0.0 && number >= 1.0 => {
                Ok(Answer::Numbered(number.to_string()))
            }
            Value::Integer(number) if number >= 1 => Ok(Answer::Numbered(number.to_string())),
            other => Err(arguments.wrong("the answers", "numbers from 1, or texts", &other)),
        });
    let answers: Vec<Answer> = answers.collect::<HostResult<_>>()?;
    let world = Arc::clone(world);
    doing(async move { world.vote(user, channel, message, answers).await.map(seen) })
}

/// What somebody has in front of them after `/` and the command's name.
fn entered(arguments: &Arguments, index: usize) -> HostResult<JsonValue> {
    match arguments.value(index) {
        Value::Nil => Ok(json!({})),
        given => match to_json(arguments.function(), "options", &given)? {
            // An empty table is an array for all that Luau knows.
            JsonValue::Array(_) => Ok(json!({})),
            options => Ok(options),
        },
    }
}

fn completes(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let name = arguments.string(2, "the command")?;
    let options = entered(arguments, 3)?;
    let typed = arguments.optional_string(4, "the option that is typed")?;
    let names: Vec<&String> = options
        .as_object()
        .into_iter()
        .flat_map(|it| it.keys())
        .collect();
    let typed = match (typed, names.as_slice()) {
        (Some(typed), _) => typed,
        (None, [only]) => (*only).clone(),
        (None, _) => {
            let sentence = "say which option is typed: user:completes(command, options, name)";
            return Err(failed(arguments, sentence));
        }
    };
    let world = Arc::clone(world);
    doing(async move { world.complete(user, channel, &name, options, typed).await })
}

fn joins(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let world = Arc::clone(world);
    doing(async move { world.come(user, channel).await.map(seen) })
}

fn leaves(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let world = Arc::clone(world);
    doing(async move { world.go(user, channel).await.map(seen) })
}

fn runs(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let name = arguments.string(2, "the command")?;
    let options = entered(arguments, 3)?;
    let world = Arc::clone(world);
    doing(async move { world.run(user, channel, &name, options).await.map(seen) })
}

fn uses(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let name = arguments.string(2, "the command")?;
    let target = id(arguments, 3, "the user or message")?;
    let is_message = matches!(arguments.value(4), Value::Boolean(true));
    let world = Arc::clone(world);
    doing(async move {
        let answers = world.use_menu(user, channel, name, (target, is_message));
        answers.await.map(seen)
    })
}

fn clicks(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let message = id(arguments, 2, "the message")?;
    let which = arguments.optional_string(3, "the button")?;
    let world = Arc::clone(world);
    doing(async move {
        world
            .click(user, channel, message, which.as_deref())
            .await
            .map(seen)
    })
}

fn chooses(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let message = id(arguments, 2, "the message")?;
    let values = arguments.table(3, "the values")?;
    let values: Vec<String> = values.sequence_values().collect::<mlua::Result<_>>()?;
    let which = arguments.optional_string(4, "the menu")?;
    let world = Arc::clone(world);
    doing(async move {
        let answers = world.choose(user, channel, message, values, which.as_deref());
        answers.await.map(seen)
    })
}

fn submits(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let table = Value::Table(arguments.table(2, "the fields")?);
    let fields = match to_json(arguments.function(), "fields", &table)? {
        JsonValue::Object(fields) => fields.into_iter().collect(),
        _ => Vec::new(),
    };
    let world = Arc::clone(world);
    doing(async move { world.submit(user, channel, fields).await.map(seen) })
}

fn pins(world: &Arc<TestWorld>, arguments: &Arguments, method: &'static str) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let message = id(arguments, 2, "the message")?;
    let path = format!("/channels/{channel}/messages/pins/{message}");
    let world = Arc::clone(world);
    doing(async move {
        let answers = world.request(user, channel, (method, &path), JsonValue::Null);
        answers.await.map(seen)
    })
}

/// What Discord's own client asks for.
fn requests(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let method = arguments.string(2, "the method")?.to_uppercase();
    let path = arguments.string(3, "the path")?;
    let body = match arguments.value(4) {
        Value::Nil => JsonValue::Null,
        value => to_json(arguments.function(), "the body", &value)?,
    };
    let world = Arc::clone(world);
    doing(async move {
        let answers = world.request(user, channel, (&method, &path), body);
        answers.await.map(seen)
    })
}

fn joins_voice(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let name = arguments.string(2, "the channel")?;
    let voice = world
        .channel(&name)
        .map_err(|sentence| failed(arguments, &sentence))?;
    let world = Arc::clone(world);
    doing(async move { world.enter_voice(user, channel, voice).await.map(seen) })
}

fn leaves_voice(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let world = Arc::clone(world);
    doing(async move { world.leave_voice(user, channel).await.map(seen) })
}

fn shows(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let (user, channel) = somebody(world, arguments)?;
    let status = arguments.string(2, "the status")?;
    let activities = match arguments.value(3) {
        Value::Nil => Vec::new(),
        value => match to_json(arguments.function(), "the activities", &value)? {
            JsonValue::Array(activities) => activities,
            _ => return Err(arguments.wrong("the activities", "a list", &value)),
        },
    };
    let world = Arc::clone(world);
    doing(async move {
        let answers = world.show(user, channel, &status, &activities);
        answers.await.map(seen)
    })
}

/// A file, to be the value of an option or of an input.
fn uploads(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let user = id(arguments, 0, "the user")?;
    let table = arguments.table(1, "the file")?;
    let fields = Fields::of(arguments.function(), &table);
    fields.only(&["filename", "content", "content_type"])?;
    let filename = fields.required_string("filename")?;
    let content = fields.string("content")?.unwrap_or_default();
    let kind = fields.string("content_type")?;
    let uploaded = world
        .sim
        .upload(
            user,
            &filename,
            kind.as_deref(),
            content.into_bytes().into(),
        )
        .map_err(|error| failed(arguments, &error.to_string()))?;
    done(json!({ "id": uploaded.to_string(), "filename": filename }))
}

/// The message that somebody wrote last.
fn said(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let user = id(arguments, 0, "the user")?;
    let last = world.last_message(user);
    done(last.map_or(JsonValue::Null, |message| seen(vec![message])[0].clone()))
}

fn modal(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let user = id(arguments, 0, "the user")?;
    let modals = lock(&world.modals);
    done(modals.get(&user).cloned().unwrap_or_default())
}

fn inbox(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let user = id(arguments, 0, "the user")?;
    let channel = world.direct_channel(user);
    let mut all = channel.map_or_else(Vec::new, |channel| world.sim.messages(channel));
    let own = user.to_string();
    all.retain(|message| message["author"]["id"] != own.as_str());
    done(seen(all))
}
