//! The events by name: the generated parts of `cog.luau`.

use super::luau::{function, texts};
use super::model::event_name;
use crate::discord::events::{EventDefinition, events, intents};

fn sorted() -> Vec<&'static EventDefinition> {
    let mut sorted: Vec<_> = events().collect();
    sorted.sort_by_key(|event| event.name);
    sorted
}

/// `cog.on.<event>(handler)`
pub(super) fn on() -> String {
    let lines = sorted().into_iter().map(|event| {
        let parameter = format!("handler: (event: model.{}) -> ()", event_name(event));
        function(event.name, &parameter, "()")
    });
    lines.collect()
}

/// `cog.wait.<event> { … }`
pub(super) fn wait() -> String {
    let lines = sorted().into_iter().map(|event| {
        let name = event_name(event);
        let parameter = format!("how: Wait<model.{name}>");
        function(event.name, &parameter, &format!("model.{name}?"))
    });
    lines.collect()
}

/// The names of all intents.
pub(super) fn intent() -> String {
    texts("Intent", intents::names(u64::MAX).into_iter())
}
