//! From the table that an author passes to an operation, to a request:
//!
//! ```text
//! mod (one flat table, sorted into path, query and body) ─ convert (times, permissions, ids) ─ schema::check
//!  └ encode (paths and headers)    └ files    └ mentions (of nobody)    └ compose (messages as a whole)
//!                                             └ error (what is said to the author)
//! ```
//!
//! Everything that can be refused is refused here, before anything is sent.

mod compose;
mod convert;
mod encode;
mod error;
mod files;
mod mentions;

pub use encode::percent;
pub use error::ArgumentError;
pub(crate) use error::push_step;
pub use files::File;

use super::operations::Operation;
use super::schema::{self, Field, Shape, check_field, expected, got};
use compose::{Look, compose};
use convert::Converter;
use serde_json::{Map, Value};
use smallvec::SmallVec;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The longest reason that Discord's audit log takes, in characters.
const LONGEST_REASON: usize = 512;

/// A request that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What it does.
    pub operation: &'static Operation,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The path below `/api/v10`, percent-encoded.
    pub path: String,
    /// The query's names and values, not encoded yet; names may come more than once.
    pub query: Vec<(&'static str, String)>,
    /// The JSON body, or the fields of the form.
    pub body: Option<Value>,
    /// The value of `X-Audit-Log-Reason`, percent-encoded.
    pub reason: Option<String>,
    /// Files, each a part of its own.
    pub files: Vec<File>,
    /// The channel, guild, webhook or interaction by which Discord counts separately; 0: none.
    pub major: u64,
}

/// Makes a request of an operation and its arguments, one flat table of path, query and body fields.
pub fn prepare(operation: &'static Operation, arguments: Value) -> Result<Prepared, ArgumentError> {
    prepare_with(operation, arguments, Vec::new())
}

/// Like [`prepare`], with files whose content is not text and so cannot be part of JSON.
pub fn prepare_with(
    operation: &'static Operation,
    arguments: Value,
    files: Vec<File>,
) -> Result<Prepared, ArgumentError> {
    let fault = |field: &str, expected: &str, got: String| {
        ArgumentError::wrong(operation, field, expected, got)
    };
    let mut arguments = match arguments {
        Value::Object(arguments) => arguments,
        // An empty table could be either.
        Value::Array(items) if items.is_empty() => Map::new(),
        Value::Null => Map::new(),
        other => return Err(fault("", "a table with named fields", got(&other))),
    };
    let mut sorter = Sorter::new(operation, files);
    let mut first = None;
    // Most fields are the body's, and stay where they are.
    arguments.retain(|name, value| {
        // Of a table with many wrong fields one is looked at: to find the name that was meant takes long.
        if first.is_some() {
            return false;
        }
        sorter.take(name, value).unwrap_or_else(|fault| {
            first = Some(fault);
            false
        })
    });
    if let Some(fault) = first {
        return Err(fault);
    }
    sorter.finish(arguments)
}

/// The arguments that are part of the path.
#[derive(Default)]
struct Params(SmallVec<[(&'static str, Value); 2]>);

impl Params {
    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| value)
    }
}

/// Sorts the fields of one call into their places.
struct Sorter {
    operation: &'static Operation,
    params: Params,
    query: Vec<(&'static str, String)>,
    whole_body: Option<Value>,
    reason: Option<String>,
    files: Vec<File>,
}

impl Sorter {
    fn new(operation: &'static Operation, files: Vec<File>) -> Self {
        Self {
            operation,
            params: Params::default(),
            query: Vec::new(),
            whole_body: None,
            reason: None,
            files,
        }
    }

    /// Takes an argument to its place. Returns whether it is a field of the body: that is checked as a whole, once
    /// everything is there.
    fn take(&mut self, name: &str, value: &mut Value) -> Result<bool, ArgumentError> {
        let operation = self.operation;
        if let Some((name, field)) = operation.params.get_key_value(name) {
            let value = self.convert(name, field, value.take())?;
            self.params.0.push((name, value));
        } else if let Some((name, field)) = operation.query.get_key_value(name) {
            if !value.is_null() {
                let value = self.convert(name, field, value.take())?;
                encode::query(name, &field.shape, &value, &mut self.query);
            }
        } else if operation.file_field == Some(name) {
            self.files.push(File::named(operation, name, value.take())?);
        } else if body_has(operation, name) {
            return Ok(true);
        } else {
            self.take_special(name, value.take())?;
        }
        Ok(false)
    }

    fn take_special(&mut self, name: &str, value: Value) -> Result<(), ArgumentError> {
        match name {
            "reason" if value.is_null() => {}
            "reason" => self.reason = Some(reason(self.operation, &value)?),
            "files" if self.operation.multipart => {
                files::take(self.operation, value, &mut self.files)?;
            }
            "body" if self.operation.takes_whole_body() => self.whole_body = Some(value),
            _ => return Err(ArgumentError::unknown(self.operation, name)),
        }
        Ok(())
    }

    fn convert(&self, name: &str, field: &Field, mut value: Value) -> Result<Value, ArgumentError> {
        Converter::new(self.operation, name).convert(field, &mut value)?;
        match check_field(field, &value).into_iter().next() {
            Some(violation) => Err(ArgumentError::violated(self.operation, name, violation)),
            None => Ok(value),
        }
    }

    /// `body_fields` are left of the arguments when all others have been taken.
    fn finish(mut self, body_fields: Map<String, Value>) -> Result<Prepared, ArgumentError> {
        let operation = self.operation;
        let path = encode::path(operation, &self.params)?;
        for (name, field) in &operation.query {
            if field.required && !self.query.iter().any(|(given, _)| given == name) {
                return Err(ArgumentError::missing(operation, name, &expected(field)));
            }
        }
        let body = self.finish_body(body_fields)?;
        if operation.file_field.is_some() {
            files::name_part(operation, &mut self.files)?;
        }
        Ok(Prepared {
            operation,
            method: operation.method,
            path,
            query: self.query,
            body,
            reason: self.reason,
            files: self.files,
            major: major(operation, &self.params),
        })
    }

    fn finish_body(&mut self, fields: Map<String, Value>) -> Result<Option<Value>, ArgumentError> {
        let operation = self.operation;
        let Some(field) = &operation.body_field else {
            return Ok(None);
        };
        let shape = &field.shape;
        let (name, mut body) = if operation.takes_whole_body() {
            let Some(body) = self.whole_body.take() else {
                return Err(ArgumentError::missing(operation, "body", &expected(field)));
            };
            ("body", body)
        } else {
            ("", Value::Object(fields))
        };
        compose(operation, shape, &mut body, Look::Places)?;
        Converter::new(operation, name).convert(field, &mut body)?;
        mentions::silence(operation, shape, &mut body);
        let violations = check_field(field, &body).into_iter();
        // Files are parts of their own.
        let is_file =
            |path: &[String]| matches!(path, [only] if operation.file_field == Some(only));
        let mut violations = violations.filter(|violation| !is_file(&violation.path));
        if let Some(violation) = violations.next() {
            return Err(ArgumentError::violated(operation, name, violation));
        }
        compose(operation, shape, &mut body, Look::All)?;
        Ok(Some(body))
    }
}

impl Operation {
    /// Whether its body is an array or a map, and so comes as the argument `body`.
    pub(super) fn takes_whole_body(&self) -> bool {
        let shape = self.body_shape();
        let mut parts = shape.map_or(&[][..], Shape::alternatives).iter();
        parts.any(|part| matches!(part, Shape::List(_) | Shape::Map(_)))
    }

    /// Whether its body may have the field `name`.
    pub(super) fn takes_field(&self, name: &str) -> bool {
        body_has(self, name)
    }

    /// The fields of its body: of all variants, each once.
    fn body_fields(&self) -> Vec<(&'static str, &'static Field)> {
        let mut fields: Vec<(&'static str, &'static Field)> = Vec::new();
        if self.takes_whole_body() {
            return fields;
        }
        let names = self.body_shape().map(Shape::names);
        for name in names.unwrap_or_default() {
            for (name, field) in schema::fields(name).into_iter().flatten() {
                if !fields.iter().any(|(known, _)| known == name) {
                    fields.push((name, field));
                }
            }
        }
        fields
    }
}

fn body_has(operation: &Operation, name: &str) -> bool {
    if operation.takes_whole_body() {
        return false;
    }
    let mut has = |schema| schema::fields(schema)?.contains_key(name).then_some(());
    let shape = operation.body_shape();
    shape.is_some_and(|shape| shape.find_name(&mut has).is_some())
}

fn reason(operation: &'static Operation, value: &Value) -> Result<String, ArgumentError> {
    let fits = |text: &&str| text.chars().count() <= LONGEST_REASON;
    match value.as_str().filter(fits) {
        Some(text) => Ok(percent(text)),
        None => Err(ArgumentError::wrong(
            operation,
            "reason",
            &format!("a string of at most {LONGEST_REASON} characters"),
            got(value),
        )),
    }
}

/// The parameters by which Discord counts separately.
const MAJOR: [&str; 5] = [
    "channel_id",
    "guild_id",
    "webhook_id",
    "interaction_id",
    "lobby_id",
];

fn major(operation: &Operation, params: &Params) -> u64 {
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    // Only the first one counts, and only where the path begins with it.
    let Some(name) = operation
        .params
        .keys()
        .next()
        .filter(|name| MAJOR.contains(name))
    else {
        return 0;
    };
    let Some(id) = text(name) else {
        return 0;
    };
    match text("webhook_token").or_else(|| text("interaction_token")) {
        None => id.parse().unwrap_or(0),
        Some(token) => {
            let mut hasher = DefaultHasher::new();
            (id, token).hash(&mut hasher);
            hasher.finish()
        }
    }
}

#[cfg(test)]
mod tests;
