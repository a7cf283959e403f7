//! Names behind the host's modules that the host does not have, and those that are on their way out.

use super::finding::{Finding, Rule};
use super::host_names::{HostNames, Names};
use super::source::{HostPath, Source};
use super::syntax::Expression;
use crate::nearest;

pub(super) fn check(source: &Source<'_>, host: &HostNames) -> Vec<Finding> {
    let mut findings = Vec::new();
    source.each(|expression| {
        // The longest path that begins here: the shorter ones are inside of it.
        if let Expression::Field(..) = expression
            && let Some(path) = source.host_path(expression)
        {
            findings.extend(unknown(source, host, &path));
            findings.extend(deprecated(source, host, &path));
        }
    });
    findings.extend(deprecated_globals(source));
    findings
}

/// The last field, if what is before it is known and it is not.
fn unknown(source: &Source<'_>, host: &HostNames, path: &HostPath<'_>) -> Option<Finding> {
    let (last, before) = path.fields.split_last()?;
    let mut names = host.module(path.module)?;
    for field in before {
        names = names.inside(&field.text)?;
    }
    let Names::Of(known) = names else {
        return None;
    };
    if known.contains_key(&last.text) {
        return None;
    }
    let owner = before.iter().fold(path.module.to_owned(), |path, field| {
        format!("{path}.{}", field.text)
    });
    let near = nearest::nearest(&last.text, known.keys().map(String::as_str));
    let near = near.map(|name| format!("{owner}.{name}"));
    let hint = nearest::hint(near.as_deref());
    let message = format!("there is no {owner}.{}{hint}", last.text);
    Some(Finding::of(
        Rule::UnknownFunction,
        source,
        last.span,
        message,
    ))
}

/// Discord's own way to say that an operation is on its way out.
const DEPRECATED: &str = "deprecated_";

fn deprecated(source: &Source<'_>, host: &HostNames, path: &HostPath<'_>) -> Option<Finding> {
    let [field] = path.fields[..] else {
        return None;
    };
    let now = field.text.strip_prefix(DEPRECATED)?;
    let Names::Of(known) = host.module(path.module)? else {
        return None;
    };
    let name = format!("{}.{}", path.module, field.text);
    let message = if known.contains_key(now) {
        format!("{name} is deprecated; use {}.{now}", path.module)
    } else {
        format!("{name} is deprecated")
    };
    known
        .contains_key(&field.text)
        .then(|| Finding::of(Rule::DeprecatedApi, source, field.span, message))
}

/// What Luau itself advises against.
const OF_LUAU: [(&str, &str, &str); 4] = [
    ("table", "getn", "#"),
    ("table", "foreach", "a `for` loop"),
    ("table", "foreachi", "a `for` loop"),
    ("table", "maxn", "#"),
];

fn deprecated_globals(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    source.each(|expression| {
        let Expression::Field(of, field) = expression else {
            return;
        };
        let Expression::Variable(library) = of.as_ref() else {
            return;
        };
        let mut known = OF_LUAU.iter();
        let known = known.find(|(of, name, _)| *of == library.text && *name == field.text);
        if let Some((of, name, instead)) = known
            && source.variable(library).is_none()
        {
            let message = format!("{of}.{name} is deprecated; use {instead}");
            findings.push(Finding::of(
                Rule::DeprecatedApi,
                source,
                field.span,
                message,
            ));
        }
    });
    findings
}
