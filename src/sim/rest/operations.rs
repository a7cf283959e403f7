//! What Discord itself would take: all of its operations, and the schemas of their bodies.

use super::call::RestCall;
use super::route::{self, Route};
use crate::discord::schema::check_body as check;
use crate::discord::{Operation, operations};
use crate::lock::lock;
use crate::sim::errors::{ApiError, Invalid};
use crate::sim::limits::same_template;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Mutex;

/// The operation that a path belongs to, whether or not the simulator has it.
pub(super) fn named_by(method: &str, path: &str) -> Option<&'static Operation> {
    operations()
        .filter(|operation| operation.method == method)
        .find(|operation| route::matched(operation.path, path).is_some())
}

/// The operation of a route; looked up once for each.
pub(super) fn of_route(method: &'static str, template: &'static str) -> Option<&'static Operation> {
    type Known = HashMap<(&'static str, &'static str), Option<&'static Operation>>;
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    let mut known = lock(&KNOWN);
    *known
        .get_or_insert_default()
        .entry((method, template))
        .or_insert_with(|| {
            operations().find(|operation| {
                operation.method == method && same_template(operation.path, template)
            })
        })
}

/// Checks a call's body against the schema that Discord has for the route. An absent body is an empty one.
pub(super) fn check_body(route: &Route, call: &RestCall) -> Result<(), ApiError> {
    let operation = of_route(route.method, route.template);
    let Some((operation, schema)) = operation.and_then(|it| Some((it, it.body?))) else {
        return Ok(());
    };
    // A file that is a field of its own (a sticker's) is no text in the body.
    let is_file = |path: &[String]| {
        !call.files.is_empty() && matches!(path, [name] if operation.file_field == Some(name))
    };
    let empty = Value::Object(serde_json::Map::new());
    let body = if call.body.is_null() {
        &empty
    } else {
        &call.body
    };
    let mut invalid = Invalid::default();
    let violations = check(schema, body);
    for violation in violations.into_iter().filter(|one| !is_file(&one.path)) {
        invalid.at(&violation.path.join("."), violation.code, violation.message);
    }
    invalid.check()
}
