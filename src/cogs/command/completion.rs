//! Completes what a user types into an option of a slash command.

use super::super::{fault, handler};
use super::{CallForm, Calling, EndOfCall, invocation, resolved_by, sub_path};
use crate::api::interaction::Interaction;
use crate::api::invocation::Invocation;
use crate::commands::argument::Argument;
use crate::commands::checks::{Verdict, evaluate_context};
use crate::commands::definition::{
    CommandDefinition, LONGEST_CHOICE, MOST_CHOICES, OptionDefinition, OptionKind,
};
use crate::commands::slash::walk_slash;
use crate::commands::slash_values::{Given, argument, typed_text};
use crate::json::JsonRef;
use crate::lock::lock;
use crate::vm::host::describe;
use crate::vm::run::Run;
use mlua::{Function, MultiValue, Value};
use serde_json::{Value as JsonValue, json};
use std::sync::Arc;
use std::time::Duration;

/// Discord waits for three seconds; what arrives later is of no use to anybody.
const IN_TIME: Duration = Duration::from_millis(2_500);

/// Nothing fits.
pub(super) fn no_choices() -> JsonValue {
    json!([])
}

impl Calling<'_> {
    /// The choices for what is typed, as Discord has them.
    pub(super) async fn complete(&self, interaction: &Arc<Interaction>) -> JsonValue {
        let choices = self.choices(interaction).await;
        choices.map_or_else(no_choices, JsonValue::Array)
    }

    async fn choices(&self, interaction: &Arc<Interaction>) -> Option<Vec<JsonValue>> {
        let command = self.command()?;
        let called = walk_slash(&command.definition, interaction.data())?;
        let definition = called.path.last().copied()?;
        let given = Given {
            options: called.options.clone(),
            resolved: resolved_by(interaction),
        };
        let focused = given.options.clone().find(|it| it.is_true("focused"))?;
        let name = focused.str("name")?;
        let option = definition.options.iter().find(|it| it.name == name)?;
        let key = (sub_path(&called.path), option.name.clone());
        let function = command.options.get(&key)?.autocomplete.clone()?;
        let called = self.as_typed(called);
        let name = called.name();
        let about = Some((&command, definition));
        let context = invocation(
            self.cog,
            self.call,
            (self.locale, self.language),
            &name,
            about,
        );
        let context = Arc::new(context);
        let _end = EndOfCall(&context);
        // Choices tell something, too: who may not use the command gets none.
        let place = evaluate_context(definition.contexts, self.caller().place(), self.language);
        let may = self.check(&command, &called, &context).await;
        if place != Verdict::Pass || !matches!(may, Ok(Verdict::Pass)) {
            return None;
        }
        self.set_entered(definition, &given, &name, &context).await;
        let typed = typed_text(focused.get("value").unwrap_or(JsonRef::NULL));
        let returned = self.ask_for_choices(&function, &context, typed, interaction);
        let returned = returned.await?.pop_front();
        self.read_choices(option, returned.unwrap_or(Value::Nil))
    }

    /// The options as far as they are entered. What is not (yet) a value is as if it were not there.
    async fn set_entered(
        &self,
        definition: &CommandDefinition,
        given: &Given<'_>,
        name: &str,
        context: &Arc<Invocation>,
    ) {
        let (directory, parsing) = (self.directory(), self.reading(name));
        let mut entered = Vec::new();
        for option in &definition.options {
            let value = given.whole_value(&option.name);
            let argument = match value {
                Some(value) => argument(option, value, given, &directory, &parsing).await,
                None => Ok(Argument::Missing),
            };
            let argument = argument.unwrap_or(Argument::Missing);
            let value = context.to_lua(self.live.vm.lua(), &argument);
            entered.push((option.name.clone(), argument, value.unwrap_or(Value::Nil)));
        }
        context.set_options(entered);
    }

    /// Calls `autocomplete(ctx, typed)`; nothing if it fails or takes too long.
    async fn ask_for_choices(
        &self,
        function: &Function,
        context: &Arc<Invocation>,
        typed: String,
        interaction: &Interaction,
    ) -> Option<MultiValue> {
        let services = &self.cog.services;
        let left = IN_TIME.saturating_sub(interaction.age(services));
        let late = services.clock.alarm(left);
        let context = context.to_ctx(self.live.vm.lua()).ok()?;
        let run = Run::new(&services.activity);
        // From here on only the run counts, as in any handler.
        lock(&self.busy).take();
        let running = handler::run_as(
            &run,
            self.cog,
            self.live,
            function,
            (context, typed),
            self.limit,
        );
        let ended = tokio::select! {
            biased;
            ended = running => Some(ended),
            woken = late => {
                self.be_busy();
                drop(woken);
                None
            }
        };
        self.be_busy();
        match ended {
            Some(Ok(values)) => Some(values),
            Some(Err(fault)) => {
                Box::pin(fault::report(self.cog, self.live, &fault, None)).await;
                None
            }
            None => {
                self.warn("took longer than the 2.5 s in which Discord wants an answer");
                None
            }
        }
    }

    fn be_busy(&self) {
        *lock(&self.busy) = Some(self.cog.services.activity.begin());
    }

    /// What was returned, as Discord's choices: strings, or tables of `name` and `value`.
    fn read_choices(&self, option: &OptionDefinition, returned: Value) -> Option<Vec<JsonValue>> {
        let list = match returned {
            Value::Nil => return None,
            Value::Table(list) => list,
            other => {
                let got = describe(&other);
                self.warn(&format!(
                    "must return a list of strings or of {{ name, value }}, and returned {got}"
                ));
                return None;
            }
        };
        let mut choices = Vec::new();
        for item in list.sequence_values::<Value>().take(MOST_CHOICES) {
            let item = item.ok()?;
            if let Some(choice) = choice(option, &item) {
                choices.push(choice);
                continue;
            }
            let (got, kind) = (describe(&item), option.kind.name());
            self.warn(&format!(
                "must return a list of strings or of {{ name, value }}, whose names have 1 to {LONGEST_CHOICE} characters and whose values are of the kind {kind} and have at most {LONGEST_CHOICE}; one is {got}"
            ));
        }
        Some(choices)
    }

    fn warn(&self, what: &str) {
        let name = match &self.call.form {
            CallForm::Completion(_) => self.call.name(),
            _ => "",
        };
        if let Some([what]) = self.cog.limits.may_log(|| None, || [what.to_owned()]) {
            let cog = &self.cog.name;
            tracing::warn!(%cog, command = name, "`autocomplete` of an option {what}");
        }
    }
}

/// One choice; nothing if Discord would refuse it.
fn choice(option: &OptionDefinition, item: &Value) -> Option<JsonValue> {
    let (name, value) = match item {
        Value::Table(table) => (
            table.raw_get::<Value>("name").ok()?,
            table.raw_get::<Value>("value").ok()?,
        ),
        value => (value.clone(), value.clone()),
    };
    let name = match &name {
        Value::String(name) => name.to_string_lossy(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let length = name.chars().count();
    if length == 0 || length > LONGEST_CHOICE {
        return None;
    }
    let is_text = !matches!(option.kind, OptionKind::Integer | OptionKind::Number);
    let number = match &value {
        Value::Integer(number) => number.to_string().parse().ok(),
        Value::Number(number) => Some(*number),
        Value::String(text) => text.to_string_lossy().parse().ok(),
        _ => None,
    };
    let value: JsonValue = match (option.kind, &value) {
        _ if option.converts || option.many || is_text => match &value {
            Value::String(text) => text.to_string_lossy().into(),
            _ => number?.to_string().into(),
        },
        (OptionKind::Integer, _) => whole(number?)?.into(),
        _ => number.filter(|it| it.is_finite())?.into(),
    };
    let is_short = value
        .as_str()
        .is_none_or(|text| text.chars().count() <= LONGEST_CHOICE);
    is_short.then(|| json!({ "name": name, "value": value }))
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a whole number within ±2^53"
)]
fn whole(number: f64) -> Option<i64> {
    let fits = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    fits.then_some(number as i64)
}
