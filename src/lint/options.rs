//! Options of commands that no handler reads.
//!
//! An option is read with `ctx:get(option)` or as `ctx.options.name`. Known is an option that is written out as
//! `cog.option.KIND { name = "…" }` (also within `cog.option.maybe`) or as a table with `name` and `type` in a list
//! `options = { … }`. It counts as read wherever its variable is used for anything but such a list, wherever its name
//! stands behind `.options`, and wherever `.options` goes somewhere else as a whole.

use super::finding::{Finding, Rule};
use super::source::Source;
use super::syntax::{Call, Entry, Expression, Key, Name, Span};
use std::collections::BTreeSet;

/// What the files of a cog read of options by name.
#[derive(Debug, Default)]
struct Read<'a> {
    names: BTreeSet<&'a str>,
    /// Whether something may read any of them.
    any: bool,
}

/// The options of a cog's files that none of these files reads.
pub(super) fn check(sources: &[&Source<'_>]) -> Vec<Finding> {
    let mut read = Read::default();
    for source in sources {
        note_reads(source, &mut read);
    }
    if read.any {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for source in sources {
        let listed = listed(source);
        let mut unread = in_variables(source, &listed.variables);
        unread.extend(listed.inline);
        for name in unread {
            if read.names.contains(name.text.as_str()) {
                continue;
            }
            let message = format!(
                "no handler reads the option \"{}\": read it with ctx:get(option) or as ctx.options.{}, or take it out",
                name.text, name.text
            );
            findings.push(Finding::of(Rule::OptionUnused, source, name.span, message));
        }
    }
    findings
}

fn note_reads<'a>(source: &Source<'a>, read: &mut Read<'a>) {
    let (mut wholes, mut parts) = (0, 0);
    source.each(|expression| {
        if let Expression::Field(of, name) = expression {
            if name.text == "options" {
                wholes += 1;
            }
            if matches!(of.as_ref(), Expression::Field(_, of) if of.text == "options") {
                parts += 1;
                read.names.insert(&name.text);
            }
        }
    });
    read.any |= wholes > parts;
}

/// What stands in lists of options.
struct Listed<'a> {
    /// Where variables are named in them.
    variables: BTreeSet<Span>,
    /// The names of options that are made there.
    inline: Vec<&'a Name>,
}

fn listed<'a>(source: &Source<'a>) -> Listed<'a> {
    let mut listed = Listed {
        variables: BTreeSet::new(),
        inline: Vec::new(),
    };
    source.each(|expression| {
        let Expression::Table(entries) = expression else {
            return;
        };
        for entry in entries.iter().filter(|entry| is_list(entry)) {
            for item in entry.value.items() {
                let item = unwrapped(source, item);
                match item {
                    Expression::Variable(name) => {
                        listed.variables.insert(name.span);
                    }
                    Expression::Call(call) => listed.inline.extend(made_by(source, call)),
                    Expression::Table(_) if item.entry("type").is_some() => {
                        let name = item.entry("name").and_then(Expression::text);
                        listed.inline.extend(name);
                    }
                    _ => {}
                }
            }
        }
    });
    listed
}

fn is_list(entry: &Entry) -> bool {
    let named = matches!(&entry.key, Key::Name(name) if name.text == "options");
    named && matches!(entry.value, Expression::Table(_))
}

/// The names of options that are in variables which are used in nothing but lists of options.
fn in_variables<'a>(source: &Source<'a>, listed: &BTreeSet<Span>) -> Vec<&'a Name> {
    let variables = source.scopes.variables.iter();
    let unread = variables.filter_map(|variable| {
        let Expression::Call(call) = unwrapped(source, variable.value?) else {
            return None;
        };
        let name = made_by(source, call)?;
        let is_listed = !variable.reads.is_empty();
        let only_listed = variable.reads.iter().all(|read| listed.contains(read));
        (is_listed && only_listed).then_some(name)
    });
    unread.collect()
}

/// What is within `cog.option.maybe(…)`.
fn unwrapped<'a>(source: &Source<'a>, expression: &'a Expression) -> &'a Expression {
    match expression {
        Expression::Call(call) if source.calls(call, "cog.option.maybe") => {
            call.arguments.first().unwrap_or(expression)
        }
        other => other,
    }
}

/// The name of the option that `cog.option.KIND { … }` makes.
fn made_by<'a>(source: &Source<'a>, call: &'a Call) -> Option<&'a Name> {
    let path = source.host_path(&call.callee)?;
    let is_kind = path.module == "cog" && path.fields.len() == 2 && path.fields[0].text == "option";
    if !is_kind || call.method.is_some() {
        return None;
    }
    call.arguments.first()?.entry("name")?.text()
}
