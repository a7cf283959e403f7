//! Capabilities that a cog asks for, and nothing in its files may need.

use super::finding::{Finding, Rule};
use super::host_names::HostNames;
use super::source::{Required, Source};
use super::syntax::{Expression, Key};
use std::collections::BTreeSet;

const SHARED: &str = "shared:";

/// What the files of a cog name.
#[derive(Default)]
struct Named<'a> {
    /// Fields and methods.
    names: BTreeSet<&'a str>,
    /// Texts, by which fields can be named as well. Those of the capabilities themselves are among them.
    texts: BTreeSet<&'a str>,
    /// The host's modules.
    modules: BTreeSet<&'a str>,
    /// The names of shared states; nothing for one that is not written out.
    shared: Vec<Option<&'a str>>,
    /// Whether operations of Discord's are looked up by names that are not written out.
    any_operation: bool,
}

pub(super) fn check(sources: &[&Source<'_>], host: &HostNames) -> Vec<Finding> {
    let mut named = Named::default();
    for source in sources {
        note(source, &mut named);
    }
    let mut findings = Vec::new();
    for source in sources {
        source.each_call(|call| {
            if !source.calls(call, "cog.info") {
                return;
            }
            let asked = call
                .arguments
                .first()
                .and_then(|it| it.entry("capabilities"));
            let asked = asked.into_iter().flat_map(Expression::items);
            for capability in asked.filter_map(Expression::text) {
                if is_used(&capability.text, &named, host) {
                    continue;
                }
                let message = format!(
                    "nothing here needs the capability \"{}\"; take it out of cog.info",
                    capability.text
                );
                let rule = Rule::CapabilityUnused;
                findings.push(Finding::of(rule, source, capability.span, message));
            }
        });
    }
    findings
}

fn note<'a>(source: &Source<'a>, named: &mut Named<'a>) {
    source.each(|expression| match expression {
        Expression::Field(_, name) => {
            named.names.insert(&name.text);
        }
        Expression::Text(text) => {
            named.texts.insert(&text.text);
        }
        Expression::Index(of, _) => {
            let path = source.host_path(of);
            named.any_operation |= path.is_some_and(|path| path.is("discord"));
        }
        Expression::Table(entries) => {
            let keys = entries.iter().filter_map(|entry| match &entry.key {
                Key::Name(name) => Some(name.text.as_str()),
                _ => None,
            });
            named.names.extend(keys);
        }
        Expression::Call(call) => {
            // What `ctx` does takes no capability.
            let is_ctx = matches!(&call.callee, Expression::Variable(name) if name.text == "ctx");
            if let Some(method) = call.method.as_ref()
                && (!is_ctx || method.text == "run")
            {
                named.names.insert(&method.text);
            }
            if source.calls(call, "state.shared") {
                let name = call.arguments.first().and_then(Expression::text);
                named.shared.push(name.map(|name| name.text.as_str()));
            }
            if let Some(Required::Written(path)) = source.required(expression) {
                named.modules.extend(path.text.strip_prefix("@cogsmith/"));
            }
        }
        _ => {}
    });
}

fn is_used(capability: &str, named: &Named<'_>, host: &HostNames) -> bool {
    if let Some(name) = capability.strip_prefix(SHARED) {
        return named.shared.iter().any(|it| it.is_none_or(|it| it == name));
    }
    // A capability that nobody knows is told when the cog is loaded.
    let Some(words) = host.by_capability.get(capability) else {
        return true;
    };
    let by_word = words.iter().any(|word| {
        named.names.contains(word.as_str())
            || (word != capability && named.texts.contains(word.as_str()))
    });
    by_word || named.any_operation || named.modules.contains(capability)
}
