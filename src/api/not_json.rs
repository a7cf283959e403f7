//! What cannot become JSON, and where in a value it is.

use crate::vm::host::{HostError, HostFailure};
use serde_json::Value as JsonValue;

/// What is wrong, and the steps that lead to it, innermost first: nobody pays for the path of a good value.
pub(super) struct NotJson {
    steps: Vec<String>,
    cause: HostFailure,
}

impl NotJson {
    /// What is wrong with the value itself.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            steps: Vec::new(),
            cause: HostError::new("argument", message).into(),
        }
    }

    /// The same, one step further out.
    pub(super) fn at(mut self, step: String) -> Self {
        self.steps.push(step);
        self
    }

    /// The error of `function` for it; `path` names the value.
    pub(super) fn into_failure(self, function: &str, path: &str) -> HostFailure {
        let HostFailure::Host(error) = self.cause else {
            return self.cause;
        };
        let mut place = path.to_owned();
        for step in self.steps.into_iter().rev() {
            place.push_str(&step);
        }
        HostError::new(
            "argument",
            format!("{function}: {place}: {}", error.message),
        )
        .into()
    }
}

impl From<mlua::Error> for NotJson {
    fn from(error: mlua::Error) -> Self {
        Self {
            steps: Vec::new(),
            cause: error.into(),
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "checked to be a whole number within ±2^53"
)]
pub(super) fn number_to_json(number: f64) -> Result<JsonValue, NotJson> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Ok(JsonValue::from(number as i64));
    }
    serde_json::Number::from_f64(number)
        .map(JsonValue::Number)
        .ok_or_else(|| NotJson::new("is not a finite number"))
}
