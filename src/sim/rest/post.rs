//! Makes and changes messages, for everything that does: people, the bot, interactions, webhooks.

use super::draft::Draft;
use super::message_rules::{self as rules, COMPONENTS_V2};
use super::reference::Reference;
use super::{components, embeds, files, images, media, mentions, stickers};
use crate::sim::errors::{ApiError, EMPTY_MESSAGE};
use crate::sim::ids::{Id, id_in};
use crate::sim::world::{Channel, Interaction, Message, Poll, Upload, World};
use serde_json::{Map, Value, json};

/// A reply (19), an answer to a slash command (20), or to a context menu (23).
pub(super) const REPLY: u64 = 19;
pub(super) const COMMAND_ANSWER: u64 = 20;
pub(super) const MENU_ANSWER: u64 = 23;

/// The flags that a body may set on a new message.
const SETTABLE: u64 =
    rules::SUPPRESS_EMBEDS | rules::SUPPRESS_NOTIFICATIONS | COMPONENTS_V2 | 1 << 13;

/// Makes a message and dispatches it. The body must have been checked.
pub(super) fn post(world: &mut World, draft: Draft<'_>) -> Result<Id, ApiError> {
    let reference = Reference::read(world, &draft)?;
    components::require_known_emoji(world, &draft.body["components"], "components")?;
    let channel = world.channel(draft.channel)?.clone();
    let stickers = match draft.webhook {
        None => stickers::sent(world, &channel, draft.author, draft.body)?,
        // Webhooks send none.
        Some(_) => Vec::new(),
    };
    if draft.only_for.is_none() {
        let member = draft.webhook.is_none().then_some(draft.author);
        world.enter_thread(draft.channel, member);
    }
    let id = draft.id.unwrap_or_else(|| world.new_id());
    let now = world.now();
    let body = draft.body;
    let content = body["content"].as_str().unwrap_or_default().trim();
    let kind = if reference.reply.is_some() {
        REPLY
    } else {
        draft.kind
    };
    let mut flags = draft.flags | (body["flags"].as_u64().unwrap_or(0) & SETTABLE);
    if reference.forwarded.is_some() {
        flags |= rules::HAS_SNAPSHOT;
    }
    let attachments = attach(world, &draft);
    let mut fields = object(json!({
        "id": id.to_string(),
        "type": kind,
        "channel_id": draft.channel.to_string(),
        "author": author(world, &draft),
        "content": content,
        "timestamp": now,
        "edited_timestamp": null,
        "tts": body["tts"].as_bool().unwrap_or(false),
        "attachments": attachments,
        "embeds": embeds::of_message(body),
        "components": components::of_message(body),
        "flags": flags,
        "pinned": false,
    }));
    if !stickers.is_empty() {
        fields.insert("sticker_items".into(), json!(stickers));
    }
    media::resolve(world, &mut fields)?;
    if let Some(nonce) = body.get("nonce").filter(|nonce| !nonce.is_null()) {
        fields.insert("nonce".into(), nonce.clone());
    }
    let poll = Poll::read(body, world.clock.now());
    if let Some(webhook) = draft.webhook {
        fields.insert("webhook_id".into(), webhook.to_string().into());
    }
    if let Some(interaction) = draft.interaction {
        write_interaction(world, interaction, &mut fields);
        let application = interaction.application.to_string();
        fields.insert("application_id".into(), application.as_str().into());
        fields.insert("webhook_id".into(), application.into());
    }
    write_mentions(
        world,
        &channel,
        draft.author,
        body,
        reference.author,
        &mut fields,
    );
    reference.write(&mut fields);
    world.insert_message(Message {
        id,
        channel: draft.channel,
        author: draft.author,
        webhook: draft.webhook,
        fields,
        reactions: Vec::new(),
        poll,
        only_for: draft.only_for,
        pinned_at: None,
    });
    Ok(id)
}

/// What a message tells of the interaction that it answers. `interaction` is Discord's older form for commands, and the
/// only one that names them.
fn write_interaction(world: &World, interaction: &Interaction, fields: &mut Map<String, Value>) {
    let mut metadata = interaction.metadata.clone();
    if let Some(original) = interaction.original {
        metadata["original_response_message_id"] = original.to_string().into();
    }
    fields.insert("interaction_metadata".into(), metadata);
    if let Some(command) = &interaction.command {
        let older = json!({
            "id": interaction.id.to_string(),
            "type": interaction.kind,
            "name": command.name,
            "user": world.show_user(interaction.user),
        });
        fields.insert("interaction".into(), older);
    }
}

/// Changes a message by the fields that `body` has, and dispatches that. The body must have been
/// checked.
pub(super) fn edit(
    world: &mut World,
    (channel, id): (Id, Id),
    body: &Value,
    new_files: &[Upload],
) -> Result<(), ApiError> {
    components::require_known_emoji(world, &body["components"], "components")?;
    let message = world.message_mut(channel, id)?.clone();
    let place = world.channel(channel)?.clone();
    let mut fields = message.fields.clone();
    if let Some(content) = body.get("content") {
        fields.insert(
            "content".into(),
            content.as_str().unwrap_or_default().trim().into(),
        );
    }
    if body.get("embeds").is_some() {
        fields.insert("embeds".into(), embeds::of_message(body));
    }
    if body.get("components").is_some() {
        fields.insert("components".into(), components::of_message(body));
    }
    if let Some(flags) = body["flags"].as_u64() {
        let settable = rules::SUPPRESS_EMBEDS | COMPONENTS_V2;
        let kept = message.flags() & !rules::SUPPRESS_EMBEDS;
        fields.insert("flags".into(), (kept | (flags & settable)).into());
    }
    if body.get("attachments").is_some() || !new_files.is_empty() {
        let attachments = changed_attachments(world, &message, body, new_files);
        fields.insert("attachments".into(), attachments);
    }
    media::resolve(world, &mut fields)?;
    if body.get("content").is_some() || body.get("allowed_mentions").is_some() {
        let content = fields.get("content").cloned().unwrap_or_default();
        let asked = json!({
            "content": content,
            "allowed_mentions": body.get("allowed_mentions"),
        });
        write_mentions(world, &place, message.author, &asked, None, &mut fields);
    }
    // What a deferred answer is filled with has not been edited.
    if message.flags() & rules::LOADING == 0 {
        fields.insert("edited_timestamp".into(), world.now().into());
    }
    let flags = fields.get("flags").and_then(Value::as_u64).unwrap_or(0);
    fields.insert("flags".into(), (flags & !rules::LOADING).into());
    if message.poll.is_none() {
        require_something(&fields)?;
    }
    rules::check_edited(&fields)?;
    world.message_mut(channel, id)?.fields = fields;
    world.refresh_answers(channel, id);
    world.tell_message("MESSAGE_UPDATE", channel, id);
    Ok(())
}

fn require_something(fields: &Map<String, Value>) -> Result<(), ApiError> {
    let filled = |name: &str| {
        fields.get(name).is_some_and(|value| {
            !matches!(value, Value::Null) && *value != json!("") && *value != json!([])
        })
    };
    let shown = [
        "content",
        "embeds",
        "components",
        "attachments",
        "message_snapshots",
    ];
    if shown.into_iter().any(filled) {
        Ok(())
    } else {
        Err(EMPTY_MESSAGE.into())
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn write_mentions(
    world: &World,
    channel: &Channel,
    author: Id,
    body: &Value,
    replied: Option<Id>,
    fields: &mut Map<String, Value>,
) {
    let content = body["content"].as_str().unwrap_or_default();
    let allowed = body.get("allowed_mentions");
    mentions::of(world, (channel, author), content, allowed, replied).write(world, fields);
}

fn author(world: &World, draft: &Draft<'_>) -> Value {
    let hook = draft.webhook.and_then(|id| world.webhooks.get(&id));
    let Some(hook) = hook else {
        return world.show_user(draft.author);
    };
    let text = |name: &str| draft.body.get(name).and_then(Value::as_str);
    // Discord keeps a copy of the picture, under a name of its own.
    let avatar = text("avatar_url").filter(|url| !url.is_empty());
    let avatar = avatar.map(|url| images::hash(url.as_bytes(), false));
    let name = text("username").filter(|name| !name.is_empty());
    hook.show_author(name, avatar.as_deref())
}

fn attach(world: &mut World, draft: &Draft<'_>) -> Value {
    let described = draft.body.get("attachments").and_then(Value::as_array);
    let described: Vec<Value> = described.cloned().unwrap_or_default();
    let keep = |file: &Upload| {
        let about = described
            .iter()
            .find(|one| id_in(one, "id") == Some(file.number));
        files::keep(world, draft.channel, file, about.unwrap_or(&Value::Null))
    };
    draft.files.iter().map(keep).collect()
}

/// The attachments that an edit keeps, and the new ones.
fn changed_attachments(
    world: &mut World,
    message: &Message,
    body: &Value,
    new_files: &[Upload],
) -> Value {
    let old = message.fields.get("attachments").and_then(Value::as_array);
    let listed = body.get("attachments").and_then(Value::as_array);
    let is_kept = |one: &&Value| {
        listed.is_none_or(|listed| listed.iter().any(|it| id_in(it, "id") == id_in(one, "id")))
    };
    let mut kept: Vec<Value> = old.into_iter().flatten().filter(is_kept).cloned().collect();
    for file in new_files {
        let mut described = listed.into_iter().flatten();
        let about = described.find(|one| id_in(one, "id") == Some(file.number));
        kept.push(files::keep(
            world,
            message.channel,
            file,
            about.unwrap_or(&Value::Null),
        ));
    }
    json!(kept)
}
