//! The input and the result of a handler.

use crate::sim::errors::{ApiError, Invalid, UNKNOWN_APPLICATION};
use crate::sim::ids::{Id, id_of};
use crate::sim::world::{Upload, World};
use serde_json::{Map, Value};

/// One call of a route, by the bot or by a person.
#[derive(Clone, Debug, Default)]
pub(crate) struct RestCall {
    /// Who calls: the id of a person, or of a bot, which is also its application's. For a request without a bot's
    /// token, the first bot.
    pub(crate) actor: Id,
    /// The values of the template's parameters, decoded.
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) query: Vec<(String, String)>,
    /// The JSON body; null when there is none.
    pub(crate) body: Value,
    pub(crate) files: Vec<Upload>,
    /// The audit log reason.
    pub(crate) reason: Option<String>,
}

/// What a handler answers.
#[derive(Clone, Debug)]
pub(crate) enum RestAnswer {
    /// 200 with a body.
    Ok(Value),
    /// 201 with a body.
    Created(Value),
    /// 200 with a file: its type, and its bytes.
    File(&'static str, Vec<u8>),
    /// 204.
    Nothing,
}

/// A handler: it checks first, and changes the world only when nothing can fail any more.
pub(crate) type RouteHandler = fn(&mut World, &RestCall) -> Result<RestAnswer, ApiError>;

/// What a handler returns.
pub(crate) type Outcome = Result<RestAnswer, ApiError>;

impl RestCall {
    /// A parameter of the path; empty when the template has none of this name.
    pub(crate) fn text(&self, name: &str) -> &str {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A snowflake in the path. `@me` is the caller.
    pub(crate) fn id(&self, name: &str) -> Result<Id, ApiError> {
        let text = self.text(name);
        if text == "@me" {
            return Ok(self.actor);
        }
        text.parse().map_err(|_| not_a_snowflake(name, text))
    }

    /// The application that the path names, which must be the caller's own.
    pub(crate) fn own_application(&self, world: &World) -> Result<Id, ApiError> {
        let named = self.id("application_id")?;
        if named == world.application(self.actor)?.id {
            Ok(named)
        } else {
            Err(UNKNOWN_APPLICATION.into())
        }
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        query
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A snowflake in the query.
    pub(crate) fn query_id(&self, name: &str) -> Result<Option<Id>, ApiError> {
        let parse = |text: &str| text.parse().map_err(|_| not_a_snowflake(name, text));
        self.query(name).map(parse).transpose()
    }

    /// A count in the query between `least` and `most`.
    pub(crate) fn query_count(
        &self,
        name: &str,
        default: usize,
        (least, most): (usize, usize),
    ) -> Result<usize, ApiError> {
        let Some(text) = self.query(name) else {
            return Ok(default);
        };
        let count: Option<usize> = text.parse().ok();
        match count {
            Some(count) if (least..=most).contains(&count) => Ok(count),
            Some(count) if count < least => Err(Invalid::one(
                name,
                "NUMBER_TYPE_MIN",
                format!("int value should be greater than or equal to {least}."),
            )),
            Some(_) => Err(Invalid::one(
                name,
                "NUMBER_TYPE_MAX",
                format!("int value should be less than or equal to {most}."),
            )),
            None => Err(Invalid::one(
                name,
                "NUMBER_TYPE_COERCE",
                format!("Value \"{text}\" is not int."),
            )),
        }
    }

    /// A switch in the query.
    pub(crate) fn query_flag(&self, name: &str) -> bool {
        matches!(self.query(name), Some("true" | "True" | "1"))
    }

    /// A field of the body; nothing when it is absent.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.body.get(name)
    }

    /// The text in a field of the body.
    pub(crate) fn string(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(Value::as_str)
    }

    /// An id in a field of the body that must be there.
    pub(crate) fn required_id(&self, name: &str) -> Result<Id, ApiError> {
        self.field(name)
            .and_then(id_of)
            .ok_or_else(|| required(name))
    }

    /// Copies those of the `names` that the body has into `fields`.
    pub(crate) fn copy_fields(&self, names: &[&str], fields: &mut Map<String, Value>) {
        for name in names {
            if let Some(value) = self.field(name) {
                fields.insert((*name).into(), value.clone());
            }
        }
    }

    /// The caller and the reason, for the audit log.
    pub(crate) fn who_and_why(&self) -> (Id, Option<&str>) {
        (self.actor, self.reason.as_deref())
    }
}

/// The error for a field that must be there.
pub(crate) fn required(name: &str) -> ApiError {
    Invalid::one(name, "BASE_TYPE_REQUIRED", "This field is required")
}

fn not_a_snowflake(name: &str, text: &str) -> ApiError {
    Invalid::one(
        name,
        "NUMBER_TYPE_COERCE",
        format!("Value \"{text}\" is not snowflake."),
    )
}

/// Permissions as Discord takes them: a decimal string or a number.
pub(crate) fn permissions_in(body: &Value, name: &str) -> Result<Option<u64>, ApiError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => id_of(value).map(Some).ok_or_else(|| {
            Invalid::one(
                name,
                "PERMISSIONS_TYPE",
                "Value is not a permissions integer.",
            )
        }),
    }
}
