//! Answers to interactions: the first one here, follow-ups under the interaction's webhook.

use super::call::{Outcome, RestAnswer, RestCall};
use super::components;
use super::draft::Draft;
use super::message_rules::{self as rules, EPHEMERAL, LOADING};
use super::post::{self, COMMAND_ANSWER, MENU_ANSWER};
use super::route::{Route, open};
use crate::discord::composition::check_modal;
use crate::sim::errors::{
    ALREADY_ACKNOWLEDGED, ApiError, INVALID_TOKEN, Invalid, UNKNOWN_INTERACTION, UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
};
use crate::sim::ids::Id;
use crate::sim::world::{Interaction, OpenModal, Stage, World};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const ROUTES: &[Route] = &[open(
    "POST",
    "/interactions/{interaction_id}/{interaction_token}/callback",
    callback,
)];

/// How long an interaction's token lives.
const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

// Discord's types of a first answer.
const PONG: u64 = 1;
const MESSAGE: u64 = 4;
const DEFERRED_MESSAGE: u64 = 5;
const DEFERRED_UPDATE: u64 = 6;
const UPDATE: u64 = 7;
const CHOICES: u64 = 8;
const MODAL: u64 = 9;

// Discord's types of options.
const INTEGER: u64 = 4;
const NUMBER: u64 = 10;

// Discord's types of interactions.
const ON_COMPONENT: u64 = 3;
const ON_AUTOCOMPLETE: u64 = 4;
const ON_MODAL: u64 = 5;

fn callback(world: &mut World, call: &RestCall) -> Outcome {
    let interaction = waiting(world, call)?;
    let kind = call.field("type").and_then(Value::as_u64).unwrap_or(0);
    let data = call.field("data").cloned().unwrap_or_else(|| json!({}));
    if !is_allowed(&interaction, kind) {
        let message = "This interaction cannot be answered with that type.";
        return Err(Invalid::one(
            "type",
            "INTERACTION_RESPONSE_TYPE_INVALID",
            message,
        ));
    }
    let original = match kind {
        MESSAGE => Some(answer(world, call, &interaction, &data, 0)?),
        DEFERRED_MESSAGE => {
            let asked = data["flags"].as_u64().unwrap_or(0) & EPHEMERAL;
            let empty = json!({});
            let body = (&empty, &call.files[..0]);
            Some(post_answer(world, &interaction, body, LOADING | asked)?)
        }
        UPDATE => {
            update(world, call, &interaction, &data)?;
            interaction.message
        }
        DEFERRED_UPDATE => interaction.message,
        CHOICES => {
            check_choices(&data, interaction.focused)?;
            None
        }
        MODAL => {
            open_modal(world, &interaction, &data)?;
            None
        }
        _ => None,
    };
    if let Some(kept) = world.interactions.get_mut(&interaction.id) {
        kept.stage = if kind == DEFERRED_MESSAGE {
            Stage::Deferred
        } else {
            Stage::Answered
        };
        kept.answer = Some(kind);
        kept.answer_data = data;
        kept.original = original;
    }
    if call.query_flag("with_response") {
        Ok(RestAnswer::Ok(show_answer(
            world,
            &interaction,
            kind,
            original,
        )))
    } else {
        Ok(RestAnswer::Nothing)
    }
}

/// The interaction that the path names, when it can still take its first answer.
fn waiting(world: &World, call: &RestCall) -> Result<Interaction, ApiError> {
    let known = world.interactions.get(&call.id("interaction_id")?);
    let known = known.filter(|one| one.token == call.text("interaction_token"));
    let interaction = known.ok_or(UNKNOWN_INTERACTION)?;
    if interaction.stage != Stage::Waiting {
        return Err(ALREADY_ACKNOWLEDGED.into());
    }
    let age = world.clock.now().saturating_sub(interaction.created);
    if age > world.interaction_deadline {
        return Err(UNKNOWN_INTERACTION.into());
    }
    Ok(interaction.clone())
}

fn is_allowed(interaction: &Interaction, kind: u64) -> bool {
    let on_message = interaction.message.is_some();
    match kind {
        PONG => false,
        CHOICES => interaction.kind == ON_AUTOCOMPLETE,
        _ if interaction.kind == ON_AUTOCOMPLETE => false,
        MESSAGE | DEFERRED_MESSAGE => true,
        UPDATE | DEFERRED_UPDATE => {
            interaction.kind == ON_COMPONENT || (interaction.kind == ON_MODAL && on_message)
        }
        MODAL => interaction.kind != ON_MODAL,
        _ => false,
    }
}

fn answer(
    world: &mut World,
    call: &RestCall,
    interaction: &Interaction,
    body: &Value,
    flags: u64,
) -> Result<Id, ApiError> {
    rules::check(body, &call.files)?;
    rules::check_not_empty(body, &call.files)?;
    let asked = body["flags"].as_u64().unwrap_or(0) & EPHEMERAL;
    post_answer(world, interaction, (body, &call.files), flags | asked)
}

fn post_answer(
    world: &mut World,
    interaction: &Interaction,
    (body, files): (&Value, &[crate::sim::world::Upload]),
    flags: u64,
) -> Result<Id, ApiError> {
    let draft = Draft {
        kind: match interaction.command.as_ref().map(|command| command.kind) {
            Some(1) => COMMAND_ANSWER,
            Some(_) => MENU_ANSWER,
            None => 0,
        },
        flags,
        interaction: Some(interaction),
        only_for: (flags & EPHEMERAL != 0).then_some(interaction.user),
        ..Draft::plain(interaction.application, interaction.channel, body, files)
    };
    post::post(world, draft)
}

/// Changes the message that the component sits on.
fn update(
    world: &mut World,
    call: &RestCall,
    interaction: &Interaction,
    body: &Value,
) -> Result<(), ApiError> {
    let message = interaction.message.ok_or(UNKNOWN_MESSAGE)?;
    rules::check_edit(body, &call.files)?;
    post::edit(world, (interaction.channel, message), body, &call.files)
}

/// The choices that are offered for an option of type `focused`.
fn check_choices(data: &Value, focused: Option<u64>) -> Result<(), ApiError> {
    let choices = data["choices"].as_array();
    let mut invalid = Invalid::default();
    if choices.is_some_and(|choices| choices.len() > 25) {
        invalid.at(
            "data.choices",
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        );
    }
    for (index, choice) in choices.into_iter().flatten().enumerate() {
        let name = choice["name"].as_str().unwrap_or_default();
        if !(1..=100).contains(&name.chars().count()) {
            let path = format!("data.choices.{index}.name");
            invalid.at(
                &path,
                "BASE_TYPE_BAD_LENGTH",
                "Must be between 1 and 100 in length.",
            );
        }
        let fits = match focused {
            Some(INTEGER) => choice["value"].is_i64() || choice["value"].is_u64(),
            Some(NUMBER) => choice["value"].is_number(),
            _ => choice["value"].is_string(),
        };
        if !fits {
            let path = format!("data.choices.{index}.value");
            let message = "The value is not of the type of the option.";
            invalid.at(
                &path,
                "APPLICATION_COMMAND_OPTIONS_CHOICE_VALUE_INVALID",
                message,
            );
        }
        let value = choice["value"].as_str().unwrap_or_default();
        if value.chars().count() > 100 {
            let path = format!("data.choices.{index}.value");
            invalid.at(
                &path,
                "BASE_TYPE_MAX_LENGTH",
                "Must be 100 or fewer in length.",
            );
        }
    }
    invalid.check()
}

fn open_modal(world: &mut World, interaction: &Interaction, data: &Value) -> Result<(), ApiError> {
    let mut invalid = Invalid::default();
    let custom_id = data["custom_id"].as_str().unwrap_or_default();
    for fault in data.as_object().map(check_modal).unwrap_or_default() {
        let path = format!("data.{}", fault.path.join("."));
        invalid.at(&path, fault.code, fault.message);
    }
    invalid.check()?;
    let mut components = data["components"].clone();
    components::number_components(&mut components);
    let modal = OpenModal {
        application: interaction.application,
        custom_id: custom_id.into(),
        components,
        channel: interaction.channel,
        message: interaction.message,
        opened_by: interaction.metadata.clone(),
    };
    world.modals.insert(interaction.user, modal);
    Ok(())
}

/// What `with_response` asks for. The message is there when the answer has made or changed one at once.
fn show_answer(world: &World, interaction: &Interaction, kind: u64, original: Option<Id>) -> Value {
    let mut answer = json!({});
    let mut about = json!({"id": interaction.id.to_string(), "type": interaction.kind});
    if let Some(id) = original {
        about["response_message_id"] = id.to_string().into();
        about["response_message_loading"] = (kind == DEFERRED_MESSAGE).into();
        let message = world.message(interaction.channel, id, interaction.user);
        about["response_message_ephemeral"] = message
            .as_ref()
            .is_ok_and(|message| message.only_for.is_some())
            .into();
        if let Ok(message) = message
            && matches!(kind, MESSAGE | UPDATE)
        {
            let shown = message.show(interaction.application);
            answer["resource"] = json!({"type": kind, "message": shown});
        }
    }
    answer["interaction"] = about;
    answer
}

/// The interaction that the path below its application's webhook names, while its token lives.
fn by_token<'a>(world: &'a World, call: &RestCall) -> Result<&'a Interaction, ApiError> {
    let (application, token) = (call.id("webhook_id")?, call.text("webhook_token"));
    let mut interactions = world.interactions.values().rev();
    let known = interactions.find(|one| one.application == application && one.token == token);
    let interaction = known.ok_or(INVALID_TOKEN)?;
    let age = world.clock.now().saturating_sub(interaction.created);
    if age > TOKEN_LIFE {
        return Err(INVALID_TOKEN.into());
    }
    Ok(interaction)
}

/// A follow-up. The first one after a deferral fills the original message, as at Discord.
pub(super) fn follow_up(world: &mut World, call: &RestCall) -> Outcome {
    let interaction = by_token(world, call)?.clone();
    require_answered(&interaction)?;
    if interaction.stage == Stage::Deferred {
        return edit(world, call, &interaction, interaction.original);
    }
    let id = answer(world, call, &interaction, &call.body, 0)?;
    if let Some(kept) = world.interactions.get_mut(&interaction.id) {
        kept.follow_ups.push(id);
    }
    let message = world.message(interaction.channel, id, interaction.user)?;
    Ok(RestAnswer::Ok(message.show(interaction.application)))
}

/// The webhook of an interaction exists once that is answered.
fn require_answered(interaction: &Interaction) -> Result<(), ApiError> {
    if interaction.stage == Stage::Waiting {
        return Err(UNKNOWN_WEBHOOK.into());
    }
    Ok(())
}

/// The interaction and the message that a path below its webhook names.
fn named(world: &World, call: &RestCall) -> Result<(Interaction, Option<Id>), ApiError> {
    let interaction = by_token(world, call)?.clone();
    require_answered(&interaction)?;
    let named = match call.text("message_id") {
        "@original" | "" => interaction.original,
        _ => {
            let id = call.id("message_id")?;
            let own = interaction.follow_ups.contains(&id) || interaction.original == Some(id);
            own.then_some(id)
        }
    };
    Ok((interaction, named))
}

/// Shows the original message or a follow-up.
pub(super) fn get(world: &mut World, call: &RestCall) -> Outcome {
    let (interaction, id) = named(world, call)?;
    let id = id.ok_or(UNKNOWN_MESSAGE)?;
    let message = world.message(interaction.channel, id, interaction.user)?;
    Ok(RestAnswer::Ok(message.show(interaction.application)))
}

/// Edits the original message or a follow-up.
pub(super) fn update_message(world: &mut World, call: &RestCall) -> Outcome {
    let (interaction, id) = named(world, call)?;
    edit(world, call, &interaction, id)
}

fn edit(world: &mut World, call: &RestCall, interaction: &Interaction, id: Option<Id>) -> Outcome {
    let id = id.ok_or(UNKNOWN_MESSAGE)?;
    rules::check_edit(&call.body, &call.files)?;
    let place = (interaction.channel, id);
    let message = world.message(place.0, place.1, interaction.user)?;
    if message.flags() & LOADING != 0 {
        rules::check_not_empty(&call.body, &call.files)?;
    }
    post::edit(world, place, &call.body, &call.files)?;
    if let Some(kept) = world.interactions.get_mut(&interaction.id)
        && kept.original == Some(id)
    {
        kept.stage = Stage::Answered;
    }
    let message = world.message(place.0, place.1, interaction.user)?;
    Ok(RestAnswer::Ok(message.show(interaction.application)))
}

/// Deletes the original message or a follow-up.
pub(super) fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (interaction, id) = named(world, call)?;
    let id = id.ok_or(UNKNOWN_MESSAGE)?;
    world.message(interaction.channel, id, interaction.user)?;
    world.remove_message(interaction.channel, id);
    if let Some(kept) = world.interactions.get_mut(&interaction.id) {
        kept.follow_ups.retain(|one| *one != id);
        if kept.original == Some(id) {
            kept.original = None;
            kept.stage = Stage::Answered;
        }
    }
    Ok(RestAnswer::Nothing)
}
