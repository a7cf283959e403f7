//! Discord's error answers, and the errors of the handle.

use serde_json::{Map, Value, json};
use std::fmt;
use thiserror::Error;

/// An error as Discord answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// Discord's own code (`50013`); 0 where Discord has none.
    pub code: u64,
    /// Discord's words (`Missing Permissions`).
    pub message: String,
    /// For code 50035: what is wrong with which field, nested like the body.
    pub errors: Option<Box<Value>>,
    /// For status 429: seconds until the next try.
    pub retry_after: Option<f64>,
    /// For status 429: `user`, `global` or `shared`.
    pub scope: Option<&'static str>,
    /// What is missing for it to be permitted, which Discord does not say.
    pub lacking: Option<Box<Lacking>>,
}

impl ApiError {
    /// The JSON body of the answer.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("message".into(), self.message.clone().into());
        if let Some(retry_after) = self.retry_after {
            body.insert("retry_after".into(), retry_after.into());
            body.insert("global".into(), (self.scope == Some("global")).into());
        }
        body.insert("code".into(), self.code.into());
        if let Some(errors) = &self.errors {
            body.insert("errors".into(), Value::clone(errors));
        }
        Value::Object(body)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message, .. } = self;
        write!(formatter, "{message} (code {code}, status {})", self.status)?;
        match &self.errors {
            Some(errors) => write!(formatter, ": {errors}"),
            None => Ok(()),
        }
    }
}

/// What somebody lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// What Discord's settings call the permissions that are missing (`Kick Members`). None where it is not a permission
    /// that is missing, but a higher role or the membership.
    pub permissions: Vec<&'static str>,
    /// Whom it is about, what is missing and where from, in one sentence.
    pub why: String,
}

impl Lacking {
    /// Something else than a permission.
    pub(crate) fn other(why: String) -> Self {
        Self {
            permissions: Vec::new(),
            why,
        }
    }

    /// One of Discord's errors with this as its reason.
    pub(crate) fn refuse(self, known: Known) -> ApiError {
        ApiError {
            lacking: Some(Box::new(self)),
            ..known.into()
        }
    }

    /// As the control interface shows it.
    pub fn show(&self) -> Value {
        json!({ "permissions": self.permissions, "why": self.why })
    }
}

/// One of Discord's fixed errors: status, code, words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known(pub(crate) u16, pub(crate) u64, pub(crate) &'static str);

impl From<Known> for ApiError {
    fn from(Known(status, code, message): Known) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            errors: None,
            retry_after: None,
            scope: None,
            lacking: None,
        }
    }
}

pub(crate) const ANOTHER_HOST: Known = Known(
    421,
    0,
    "421: The simulator only answers requests to this machine's own names with its port, such as 127.0.0.1:PORT",
);
pub(crate) const ANOTHER_PAGE: Known =
    Known(403, 0, "403: The simulator does not answer web pages");
pub(crate) const UNAUTHORIZED: Known = Known(401, 0, "401: Unauthorized");
pub(crate) const NOT_FOUND: Known = Known(404, 0, "404: Not Found");
pub(crate) const METHOD_NOT_ALLOWED: Known = Known(405, 0, "405: Method Not Allowed");
pub(crate) const INVALID_JSON: Known = Known(400, 50109, "The request body contains invalid JSON.");
pub(crate) const TOO_LARGE: Known = Known(413, 40005, "Request entity too large");
pub(crate) const UNKNOWN_CHANNEL: Known = Known(404, 10003, "Unknown Channel");
pub(crate) const UNKNOWN_GUILD: Known = Known(404, 10004, "Unknown Guild");
pub(crate) const UNKNOWN_INVITE: Known = Known(404, 10006, "Unknown Invite");
pub(crate) const UNKNOWN_MEMBER: Known = Known(404, 10007, "Unknown Member");
pub(crate) const UNKNOWN_MESSAGE: Known = Known(404, 10008, "Unknown Message");
pub(crate) const UNKNOWN_OVERWRITE: Known = Known(404, 10009, "Unknown Permission Overwrite");
pub(crate) const UNKNOWN_ROLE: Known = Known(404, 10011, "Unknown Role");
pub(crate) const UNKNOWN_USER: Known = Known(404, 10013, "Unknown User");
pub(crate) const UNKNOWN_EMOJI: Known = Known(400, 10014, "Unknown Emoji");
/// Of the emoji as a resource; in a reaction Discord answers 400.
pub(crate) const UNKNOWN_EMOJI_RESOURCE: Known = Known(404, 10014, "Unknown Emoji");
pub(crate) const UNKNOWN_WEBHOOK: Known = Known(404, 10015, "Unknown Webhook");
pub(crate) const UNKNOWN_BAN: Known = Known(404, 10026, "Unknown Ban");
pub(crate) const UNKNOWN_INTERACTION: Known = Known(404, 10062, "Unknown interaction");
pub(crate) const UNKNOWN_COMMAND: Known = Known(404, 10063, "Unknown application command");
pub(crate) const UNKNOWN_APPLICATION: Known = Known(404, 10002, "Unknown Application");
pub(crate) const TOO_MANY_PINS: Known = Known(
    400,
    30003,
    "Maximum number of pins reached for the channel (250)",
);
pub(crate) const TOO_MANY_REACTIONS: Known =
    Known(400, 30010, "Maximum number of reactions reached (20)");
pub(crate) const TOO_MANY_COMMANDS: Known = Known(
    400,
    30032,
    "Maximum number of application commands reached (100)",
);
pub(crate) const INVALID_GUILD: Known = Known(400, 50055, "Invalid Guild");
pub(crate) const TOO_MANY_GUILDS: Known =
    Known(400, 30001, "Maximum number of guilds reached (100)");
pub(crate) const TOO_MANY_WEBHOOKS: Known =
    Known(400, 30007, "Maximum number of webhooks reached (15)");
pub(crate) const ALREADY_CROSSPOSTED: Known =
    Known(400, 40033, "This message has already been crossposted");
pub(crate) const WRONG_CHANNEL_TYPE: Known =
    Known(400, 50024, "Cannot execute action on this channel type");
pub(crate) const UNKNOWN_VOICE_STATE: Known = Known(404, 10065, "Unknown Voice State");
pub(crate) const NOT_IN_VOICE: Known = Known(400, 40032, "Target user is not connected to voice.");
/// Discord's clients say it; a bot that is refused hears nothing.
pub(crate) const VOICE_IS_FULL: Known = Known(403, 50013, "The voice channel is full");
pub(crate) const UNKNOWN_EVENT: Known = Known(404, 10070, "Unknown Guild Scheduled Event");
/// Discord documents no number of its own for it.
pub(crate) const UNKNOWN_RULE: Known = Known(404, 0, "404: Not Found");
pub(crate) const TOO_MANY_EVENTS: Known = Known(
    400,
    30038,
    "Maximum number of uncompleted guild scheduled events reached (100)",
);
pub(crate) const EVENT_IS_OVER: Known = Known(400, 180_000, "Cannot update a finished event");
pub(crate) const BLOCKED_BY_RULE: Known =
    Known(400, 200_000, "Message was blocked by automatic moderation");
pub(crate) const UNKNOWN_INTEGRATION: Known = Known(404, 10005, "Unknown Integration");
pub(crate) const UNKNOWN_ENTITLEMENT: Known = Known(404, 10029, "Unknown Entitlement");
pub(crate) const UNKNOWN_LOBBY: Known = Known(404, 10031, "Unknown Lobby");
pub(crate) const UNKNOWN_TEMPLATE: Known = Known(404, 10057, "Unknown Guild Template");
pub(crate) const UNKNOWN_COMMAND_PERMISSIONS: Known =
    Known(404, 10066, "Unknown application command permissions");
pub(crate) const UNKNOWN_STAGE: Known = Known(404, 10067, "Unknown Stage Instance");
pub(crate) const UNKNOWN_WELCOME_SCREEN: Known = Known(404, 10069, "Unknown Guild Welcome Screen");
pub(crate) const UNKNOWN_SOUND: Known = Known(404, 10097, "Unknown sound");
/// Discord documents no number of its own for it.
pub(crate) const UNKNOWN_JOIN_REQUEST: Known = Known(404, 0, "404: Not Found");
/// Discord documents no number of its own for it.
pub(crate) const UNKNOWN_SUBSCRIPTION: Known = Known(404, 0, "404: Not Found");
pub(crate) const HAS_A_TEMPLATE: Known = Known(400, 30031, "Guild already has a template");
pub(crate) const TOO_MANY_SOUNDS: Known = Known(
    400,
    30045,
    "Maximum number of soundboard sounds reached (8)",
);
pub(crate) const BANNED: Known = Known(403, 40007, "The user is banned from this guild.");
pub(crate) const WIDGET_DISABLED: Known = Known(403, 50004, "Widget Disabled");
pub(crate) const INVALID_ACCESS_TOKEN: Known = Known(403, 50025, "Invalid OAuth2 access token");
pub(crate) const MUTED_IN_VOICE: Known = Known(
    400,
    50167,
    "Cannot send voice effect when user is server muted, deafened, or suppressed",
);
pub(crate) const STAGE_IS_OPEN: Known = Known(400, 150_006, "The Stage is already open");
pub(crate) const ONBOARDING_REQUIREMENTS: Known = Known(
    400,
    350_000,
    "Cannot enable onboarding, requirements are not met",
);
pub(crate) const UNKNOWN_STICKER: Known = Known(404, 10060, "Unknown Sticker");
pub(crate) const UNKNOWN_STICKER_PACK: Known = Known(404, 10061, "Unknown Sticker Pack");
pub(crate) const TOO_MANY_EMOJIS: Known =
    Known(400, 30008, "Maximum number of emojis reached (50)");
pub(crate) const TOO_MANY_ANIMATED_EMOJIS: Known =
    Known(400, 30018, "Maximum number of animated emojis reached (50)");
pub(crate) const TOO_MANY_STICKERS: Known =
    Known(400, 30039, "Maximum number of stickers reached (5)");
pub(crate) const FILE_TOO_LARGE: Known =
    Known(400, 50045, "File uploaded exceeds the maximum size");
pub(crate) const INVALID_FILE: Known = Known(400, 50046, "Invalid file uploaded");
pub(crate) const INVALID_STICKER: Known = Known(400, 50081, "Invalid sticker sent");
pub(crate) const MISSING_BOOSTS: Known = Known(
    403,
    50101,
    "This server needs more boosts to perform this action",
);
pub(crate) const STICKER_NOT_PERMITTED: Known = Known(
    403,
    50600,
    "You do not have permission to send this sticker.",
);
pub(crate) const SLOWMODE: Known = Known(
    429,
    20016,
    "This action cannot be performed due to slowmode rate limit.",
);
pub(crate) const ALREADY_ACKNOWLEDGED: Known =
    Known(400, 40060, "Interaction has already been acknowledged.");
pub(crate) const MISSING_ACCESS: Known = Known(403, 50001, "Missing Access");
pub(crate) const NOT_IN_A_DM: Known = Known(403, 50003, "Cannot execute action on a DM channel");
pub(crate) const NOT_YOUR_MESSAGE: Known =
    Known(403, 50005, "Cannot edit a message authored by another user");
pub(crate) const EMPTY_MESSAGE: Known = Known(400, 50006, "Cannot send an empty message");
pub(crate) const CANNOT_DM: Known = Known(403, 50007, "Cannot send messages to this user");
pub(crate) const NOT_A_TEXT_CHANNEL: Known =
    Known(400, 50008, "Cannot send messages in a non-text channel");
pub(crate) const MISSING_PERMISSIONS: Known = Known(403, 50013, "Missing Permissions");
pub(crate) const FOR_PEOPLE: Known = Known(403, 20001, "Bots cannot use this endpoint");
pub(crate) const POLL_EXPIRED: Known = Known(400, 520_001, "Poll expired");
pub(crate) const INVALID_TOKEN: Known = Known(401, 50027, "Invalid Webhook Token");
pub(crate) const BULK_DELETE_COUNT: Known = Known(
    400,
    50016,
    "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete.",
);
pub(crate) const SYSTEM_MESSAGE: Known =
    Known(403, 50021, "Cannot execute action on a system message");
pub(crate) const INVALID_ROLE: Known = Known(400, 50028, "Invalid Role");
pub(crate) const TOO_OLD: Known = Known(
    400,
    50034,
    "You can only bulk delete messages that are under 14 days old.",
);
pub(crate) const ARCHIVED: Known = Known(400, 50083, "Thread is archived");
pub(crate) const TAG_REQUIRED: Known = Known(
    400,
    40067,
    "A tag is required to create a forum post in this channel",
);
pub(crate) const THREAD_EXISTS: Known = Known(
    400,
    160_004,
    "A thread has already been created for this message",
);
pub(crate) const NO_HISTORY: Known = Known(
    400,
    160_002,
    "Cannot reply without permission to read message history",
);

/// Collects what is wrong with the fields of a body; turns into error 50035.
#[derive(Debug, Default)]
pub(crate) struct Invalid {
    errors: Map<String, Value>,
}

impl Invalid {
    /// Reports the field at `path`, whose parts are separated by dots (`embeds.0.title`).
    pub(crate) fn at(&mut self, path: &str, code: &str, message: impl Into<String>) {
        let mut place = &mut self.errors;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let next = place.entry(part).or_insert_with(|| json!({}));
            let Value::Object(next) = next else { return };
            place = next;
        }
        let list = place.entry("_errors").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!({"code": code, "message": message.into()}));
        }
    }

    /// The answer, if anything was reported.
    pub(crate) fn check(self) -> Result<(), ApiError> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(ApiError {
            errors: Some(Box::new(Value::Object(self.errors))),
            ..Known(400, 50035, "Invalid Form Body").into()
        })
    }

    /// The answer for one wrong field.
    pub(crate) fn one(path: &str, code: &str, message: impl Into<String>) -> ApiError {
        let mut invalid = Self::default();
        invalid.at(path, code, message);
        invalid
            .check()
            .err()
            .unwrap_or_else(|| Known(400, 50035, "Invalid Form Body").into())
    }
}

/// What can go wrong when using the handle.
#[derive(Debug, Error)]
pub enum SimError {
    /// The address could not be listened on.
    #[error("The simulator cannot listen on {address}: {source}. Choose another address.")]
    Listen {
        /// Where it should listen.
        address: std::net::SocketAddr,
        /// Why it cannot.
        source: std::io::Error,
    },
    /// The system gives no random bytes for the bot's token.
    #[error("The simulator gets no random bytes for its token: {0}. Start it again.")]
    Random(String),
    /// Discord would refuse the request.
    #[error("Discord refuses: {0}")]
    Refused(ApiError),
    /// A fault that was asked for is none that there is.
    #[error("{0}")]
    Fault(String),
    /// What should be added to the world is not possible there.
    #[error("{0}")]
    World(String),
    /// What was waited for did not happen in time.
    #[error("Waited {seconds} s for {what}, which did not happen. Last events:\n{transcript}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: f64,
        /// The last requests and dispatches, one a line, the newest last.
        transcript: String,
    },
    /// The simulator was shut down meanwhile.
    #[error("The simulator was shut down while waiting for {what}.")]
    Stopped {
        /// What was waited for.
        what: String,
    },
}

impl From<ApiError> for SimError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<Known> for SimError {
    fn from(known: Known) -> Self {
        Self::Refused(known.into())
    }
}

impl SimError {
    /// What Discord says of a field that is wrong.
    pub fn invalid(path: &str, words: &str) -> Self {
        Self::Refused(Invalid::one(path, "CLIENT_VALIDATION", words))
    }

    /// Discord's code, when Discord would refuse.
    pub fn code(&self) -> Option<u64> {
        match self {
            Self::Refused(error) => Some(error.code),
            _ => None,
        }
    }
}

/// The sentences of nested errors.
pub fn sentences(errors: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    collect_sentences(errors, &mut found);
    found
}

fn collect_sentences<'a>(errors: &'a Value, found: &mut Vec<&'a str>) {
    match errors {
        Value::Object(fields) => {
            found.extend(fields.get("message").and_then(Value::as_str));
            fields
                .values()
                .for_each(|inner| collect_sentences(inner, found));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|inner| collect_sentences(inner, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentences_of_nested_errors_are_found() {
        let errors = json!({"content": {"_errors": [
            {"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer in length."}
        ]}});
        assert_eq!(sentences(&errors), ["Must be 2000 or fewer in length."]);
    }
}
