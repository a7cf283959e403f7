//! Intents that are missing for what a cog listens to or waits for.
//!
//! The bot asks for the intents of an event that a cog listens to. It does not for one that is only waited for, and the
//! privileged ones are to be named in `cog.info`, where an operator sees them.

use super::finding::{Finding, Rule};
use super::source::Source;
use super::syntax::{Call, Expression, Function, Name, each_in};
use crate::discord::events::{event, intents};

const CONTENT: &str = "message_content";
/// The fields of a message that are empty without the intent `message_content`.
const HIDDEN: [&str; 5] = ["content", "embeds", "attachments", "components", "poll"];

/// `granted` are the intents that the bot asks for because of the cog, if it could be loaded.
pub(super) fn check(sources: &[&Source<'_>], granted: Option<u64>) -> Vec<Finding> {
    let Some(named) = named(sources) else {
        return Vec::new();
    };
    // Of a cog that was not loaded nobody knows what the bot asks for: then nothing is missing.
    let granted = granted.map_or(u64::MAX, |granted| granted | named);
    let mut findings = Vec::new();
    for source in sources {
        source.each_call(|call| {
            if let Some(name) = heard(source, call, "wait") {
                findings.extend(not_waited_for(source, name, granted));
                findings.extend(without_content(source, call, name, granted));
            } else if let Some(name) = heard(source, call, "on") {
                findings.extend(privileged(source, name, named));
                findings.extend(without_content(source, call, name, granted));
            }
        });
    }
    findings
}

/// The intents in `cog.info`; nothing if some are not written out.
fn named(sources: &[&Source<'_>]) -> Option<u64> {
    let mut bits = Some(0);
    for source in sources {
        source.each_call(|call| {
            if !source.calls(call, "cog.info") {
                return;
            }
            let asked = call.arguments.first().and_then(|it| it.entry("intents"));
            for intent in asked.into_iter().flat_map(Expression::items) {
                let bit = intent.text().and_then(|text| intents::bit(&text.text));
                bits = bits.zip(bit).map(|(bits, bit)| bits | bit);
            }
        });
    }
    bits
}

/// The event of `cog.on.EVENT(…)` and `cog.on("EVENT", …)`, or of the same with `wait`.
fn heard<'a>(source: &Source<'a>, call: &'a Call, way: &str) -> Option<&'a Name> {
    if call.method.is_some() {
        return None;
    }
    let path = source.host_path(&call.callee)?;
    match path.fields[..] {
        [on, event] if path.module == "cog" && on.text == way => Some(event),
        [on] if path.module == "cog" && on.text == way => call.arguments.first()?.text(),
        _ => None,
    }
}

fn needed(name: &Name) -> Option<(u64, String)> {
    let event = event(&name.text)?;
    let bits = intents::of(event.intents.iter().copied()).ok()?;
    (bits != 0).then(|| (bits, event.intents.join("\" or \"")))
}

/// An event that is waited for, and for which the bot asks for no intent because of this cog.
fn not_waited_for(source: &Source<'_>, name: &Name, granted: u64) -> Option<Finding> {
    let (bits, wanted) = needed(name)?;
    if bits & granted != 0 {
        return None;
    }
    let message = format!(
        "cog.wait.{} needs an intent that this cog does not ask for: add \"{wanted}\" to intents of cog.info",
        name.text
    );
    Some(Finding::of(Rule::IntentMissing, source, name.span, message))
}

/// A privileged intent that comes with an event, and is not named.
fn privileged(source: &Source<'_>, name: &Name, named: u64) -> Option<Finding> {
    let (bits, wanted) = needed(name)?;
    if bits & named != 0 || bits & !intents::privileged() != 0 {
        return None;
    }
    let message = format!(
        "cog.on.{} needs the privileged intent \"{wanted}\": add it to intents of cog.info, and have the operator switch it on",
        name.text
    );
    Some(Finding::of(Rule::IntentMissing, source, name.span, message))
}

/// A handler of messages that reads what is empty without an intent which the cog does not ask for.
fn without_content<'a>(
    source: &Source<'a>,
    call: &'a Call,
    name: &Name,
    granted: u64,
) -> Option<Finding> {
    let is_message = matches!(name.text.as_str(), "message_create" | "message_update");
    let bit = intents::bit(CONTENT).unwrap_or_default();
    if !is_message || granted & bit != 0 {
        return None;
    }
    let mut functions = call.arguments.iter().flat_map(|given| match given {
        Expression::Function(function) => vec![function.as_ref()],
        table @ Expression::Table(_) => match table.entry("where") {
            Some(Expression::Function(function)) => vec![function.as_ref()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    });
    let read = functions.find_map(|function| hidden_field(source, function))?;
    let message = format!(
        "`{}` of messages is empty without the intent \"{CONTENT}\": add it to intents of cog.info",
        read.text
    );
    Some(Finding::of(Rule::IntentMissing, source, read.span, message))
}

/// The first field of the function's message that is hidden without the intent.
fn hidden_field<'a>(source: &Source<'a>, function: &'a Function) -> Option<&'a Name> {
    let message = function.parameters.first()?;
    let mut found = None;
    for (_, statement) in &function.body {
        let (expressions, blocks) = statement.parts();
        let mut look = |expression: &'a Expression| {
            if let Expression::Field(of, field) = expression
                && let Expression::Variable(name) = of.as_ref()
                && HIDDEN.contains(&field.text.as_str())
                && source
                    .variable(name)
                    .is_some_and(|it| it.name.span == message.span)
            {
                found = found.or(Some(field));
            }
        };
        for expression in expressions {
            each_in(expression, &mut look);
        }
        for block in blocks {
            super::syntax::each(block, &mut look);
        }
    }
    found
}
