//! Variables that nobody reads or that hide others, and names that are no variable.

use super::finding::{Finding, Rule};
use super::host_names::HostNames;
use super::scopes::Kind;
use super::source::Source;
use super::syntax::Name;
use std::collections::BTreeSet;

pub(super) fn check(source: &Source<'_>, host: &HostNames) -> Vec<Finding> {
    let mut findings = Vec::new();
    for variable in &source.scopes.variables {
        let name = &variable.name.text;
        if name.starts_with('_') {
            continue;
        }
        if let Some(hidden) = variable.hides {
            let message = format!(
                "`{name}` hides the variable of line {}; give one of them another name",
                hidden.line
            );
            findings.push(Finding::of(
                Rule::LocalShadow,
                source,
                variable.name.span,
                message,
            ));
        }
        if !variable.reads.is_empty() {
            continue;
        }
        let module = variable.value.and_then(|value| source.required(value));
        let (rule, what) = match (variable.kind, module) {
            (Kind::Given, _) => continue,
            (Kind::Function, _) => (Rule::FunctionUnused, "the function"),
            (Kind::Local, Some(_)) => (Rule::ImportUnused, "the module"),
            (Kind::Local, None) => (Rule::LocalUnused, "the variable"),
        };
        let message =
            format!("{what} `{name}` is never used; take it out, or let its name begin with `_`");
        findings.push(Finding::of(rule, source, variable.name.span, message));
    }
    findings.extend(globals(source, host));
    findings
}

/// Each name once, where it comes first.
fn globals(source: &Source<'_>, host: &HostNames) -> Vec<Finding> {
    let scopes = &source.scopes;
    let mut assigned = BTreeSet::new();
    let mut findings = Vec::new();
    for name in &scopes.globals_assigned {
        let text = name.text.as_str();
        if host.is_global(text) || !assigned.insert(text) {
            continue;
        }
        let message = format!(
            "`{text}` is assigned without `local`, so it is a global of this file; write `local {text}` where it begins"
        );
        findings.push(Finding::of(
            Rule::GlobalAssigned,
            source,
            name.span,
            message,
        ));
    }
    let mut read = BTreeSet::new();
    let unknown = scopes.globals_read.iter().filter(|name| {
        let text = name.text.as_str();
        !host.is_global(text) && !assigned.contains(text) && read.insert(text)
    });
    findings.extend(unknown.map(|name| unknown_global(source, host, name)));
    findings
}

fn unknown_global(source: &Source<'_>, host: &HostNames, name: &Name) -> Finding {
    let own = source.scopes.variables.iter();
    let own = own.map(|variable| variable.name.text.as_str());
    let known = own.chain(host.globals());
    let hint = crate::nearest::hint(crate::nearest::nearest(&name.text, known));
    let message = format!("there is no variable \"{}\" here{hint}", name.text);
    Finding::of(Rule::UnknownGlobal, source, name.span, message)
}
