//! Bots of other programs, which come and go while the simulator runs.

use super::StudioState;
use super::actions::{Body, Named, act};
use crate::sim::{BotBlueprint, Id, Sim, client_lines};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

/// All bots that can connect, with their tokens and whether they are connected, and how each client comes here.
pub(super) async fn list(State(shared): State<StudioState>) -> Response {
    act(&shared, |chat| Ok(listed(chat)))
}

fn listed(chat: &Sim) -> Value {
    let sessions = chat.sessions();
    let is_connected = |id: Id| {
        let mut sessions = sessions.iter();
        sessions.any(|session| session.connected && session.application == id)
    };
    let first = chat.bot_user();
    let bots = chat.bots().into_iter().zip(chat.bot_names());
    let bots: Vec<Value> = bots
        .map(|((id, token), name)| {
            json!({
                "id": id.to_string(), "name": name, "token": token, "connected": is_connected(id),
                "stays": id == first,
            })
        })
        .collect();
    let clients: Vec<Value> = client_lines(&chat.url())
        .into_iter()
        .map(|(name, lines)| json!({"name": name, "lines": lines}))
        .collect();
    json!({"bots": bots, "clients": clients})
}

/// Adds a bot.
pub(super) async fn add(
    State(shared): State<StudioState>,
    Body(bot): Body<BotBlueprint>,
) -> Response {
    act(&shared, |chat| {
        let (id, token) = chat.install_bot(&bot)?;
        Ok(json!({"id": id.to_string(), "name": bot.name, "token": token}))
    })
}

#[derive(Deserialize)]
pub(super) struct Gone {
    bot: Named,
}

/// Takes a bot away.
pub(super) async fn remove(State(shared): State<StudioState>, Body(body): Body<Gone>) -> Response {
    act(&shared, |chat| {
        chat.uninstall_bot(chat.find_user(&body.bot.0)?)?;
        Ok(json!({}))
    })
}
