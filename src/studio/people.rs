//! People and servers, as the reader has them come and go.

use super::StudioState;
use super::actions::{Body, Named, act};
use crate::sim::{Sim, SimError, Switches};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(super) struct Person {
    /// The username, as Discord allows it.
    name: String,
    display_name: Option<String>,
    /// The server that they join at once.
    guild: Option<Named>,
}

/// Makes a person.
pub(super) async fn add(State(shared): State<StudioState>, Body(body): Body<Person>) -> Response {
    act(&shared, |chat| {
        let guild = body.guild.map(|guild| chat.find_guild(&guild.0));
        let guild = guild.transpose()?;
        let user = chat.new_person(&body.name, body.display_name.as_deref())?;
        if let Some(guild) = guild {
            chat.join_as(user, guild)?;
        }
        Ok(json!({ "id": user.to_string() }))
    })
}

#[derive(Deserialize)]
pub(super) struct Server {
    /// Its owner.
    user: Named,
    name: String,
    /// Like the first server of this preset.
    preset: Option<String>,
}

/// Makes a server with all bots in it.
pub(super) async fn found(State(shared): State<StudioState>, Body(body): Body<Server>) -> Response {
    act(&shared, |chat| {
        let owner = chat.find_user(&body.user.0)?;
        let preset = body.preset.as_deref().unwrap_or("default");
        let guild = chat.found_guild(owner, &body.name, preset)?;
        Ok(json!({ "id": guild.to_string() }))
    })
}

#[derive(Deserialize)]
pub(super) struct Join {
    user: Named,
    guild: Option<Named>,
    /// The code of an invite, or the link that ends with it.
    invite: Option<String>,
}

/// Lets somebody into a server.
pub(super) async fn join(State(shared): State<StudioState>, Body(body): Body<Join>) -> Response {
    act(&shared, |chat| {
        let user = chat.find_user(&body.user.0)?;
        let guild = match (body.guild, body.invite) {
            (Some(guild), _) => {
                let guild = chat.find_guild(&guild.0)?;
                chat.join_as(user, guild)?;
                guild
            }
            (None, invite) => chat.accept_invite(user, &invite.unwrap_or_default())?,
        };
        Ok(json!({ "guild": guild.to_string() }))
    })
}

#[derive(Deserialize)]
pub(super) struct Leave {
    user: Named,
    guild: Named,
}

/// Has somebody leave a server.
pub(super) async fn leave(State(shared): State<StudioState>, Body(body): Body<Leave>) -> Response {
    act(&shared, |chat| {
        let user = chat.find_user(&body.user.0)?;
        let guild = chat.find_guild(&body.guild.0)?;
        let path = format!("/users/@me/guilds/{guild}");
        chat.call_as(user, "DELETE", &path, Value::Null)?;
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
pub(super) struct Shown {
    user: Named,
    status: Status,
    /// A few words of their own.
    custom_status: Option<String>,
    /// Activities as a bot would send them (`{"name": "chess", "type": 0}`).
    #[serde(default)]
    activities: Vec<Activity>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Online,
    Idle,
    Dnd,
    Invisible,
    Offline,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Idle => "idle",
            Self::Dnd => "dnd",
            Self::Invisible => "invisible",
            Self::Offline => "offline",
        }
    }
}

#[derive(Deserialize)]
struct Activity {
    name: String,
    #[serde(rename = "type")]
    kind: u64,
    url: Option<String>,
    state: Option<String>,
    details: Option<String>,
}

/// What somebody shows of themselves: the status, and what they do.
pub(super) async fn presence(
    State(shared): State<StudioState>,
    Body(body): Body<Shown>,
) -> Response {
    act(&shared, |chat| {
        let user = chat.find_user(&body.user.0)?;
        chat.show_presence_as(user, body.status.name(), &activities(&body)?)?;
        Ok(json!({}))
    })
}

/// How many activities somebody has at most, and how long their texts are.
const MOST_ACTIVITIES: usize = 10;
const LONGEST_TEXT: usize = 128;

fn activities(body: &Shown) -> Result<Vec<Value>, SimError> {
    let texts = body.activities.iter().flat_map(|activity| {
        let more = [&activity.url, &activity.state, &activity.details];
        let more = more.into_iter().flatten();
        [&activity.name].into_iter().chain(more)
    });
    let mut texts = texts.chain(&body.custom_status);
    if texts.any(|text| text.chars().count() > LONGEST_TEXT) {
        let words = format!("Must be {LONGEST_TEXT} or fewer in length.");
        return Err(SimError::invalid("custom_status", &words));
    }
    let is_known = |activity: &Activity| activity.kind <= 5 && !activity.name.is_empty();
    if body.activities.len() > MOST_ACTIVITIES || !body.activities.iter().all(is_known) {
        let words = format!("Up to {MOST_ACTIVITIES}, each with a name and a type from 0 to 5.");
        return Err(SimError::invalid("activities", &words));
    }
    let custom = body.custom_status.as_deref().filter(|it| !it.is_empty());
    let custom = custom.map(|state| json!({"name": "Custom Status", "type": 4, "state": state}));
    let others = body.activities.iter().map(|activity| {
        let mut shown = json!({"name": activity.name, "type": activity.kind});
        let more = [
            ("url", &activity.url),
            ("state", &activity.state),
            ("details", &activity.details),
        ];
        for (name, text) in more {
            if let Some(text) = text {
                shown[name] = text.as_str().into();
            }
        }
        shown
    });
    Ok(custom.into_iter().chain(others).collect())
}

#[derive(Deserialize)]
pub(super) struct Voice {
    user: Named,
    /// The channel that they are in from now on. None: they leave.
    channel: Option<Named>,
    /// The server whose voice they leave; that of the channel, if there is one.
    guild: Option<Named>,
    #[serde(flatten)]
    switches: Switches,
}

/// Has somebody join, change or leave a voice channel, or switch something on or off there.
pub(super) async fn voice(State(shared): State<StudioState>, Body(body): Body<Voice>) -> Response {
    act(&shared, |chat| {
        let user = chat.find_user(&body.user.0)?;
        match &body.channel {
            Some(channel) => {
                chat.connect_voice(user, chat.find_channel(&channel.0)?, body.switches)?;
            }
            None => chat.leave_voice(user, guild_of(chat, body.guild.as_ref())?),
        }
        Ok(json!({}))
    })
}

/// The server that is named, or the first one.
pub(super) fn guild_of(chat: &Sim, named: Option<&Named>) -> Result<crate::sim::Id, SimError> {
    named.map_or_else(|| Ok(chat.guild()), |guild| chat.find_guild(&guild.0))
}

#[derive(Deserialize)]
pub(super) struct Typing {
    user: Named,
    channel: Named,
}

/// Shows that somebody is typing.
pub(super) async fn typing(
    State(shared): State<StudioState>,
    Body(body): Body<Typing>,
) -> Response {
    act(&shared, |chat| {
        let (user, channel) = super::actions::place(chat, &body.user, &body.channel)?;
        chat.typing_as(user, channel)?;
        Ok(json!({}))
    })
}
