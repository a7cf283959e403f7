//! What is probably wrong with cogs, seen from their text alone.
//!
//! ```text
//! a text ─ parse (with full_moon) ─ syntax ─ scopes (which variable is meant) ─ source ─ one file a check ─ Finding
//! ```
//!
//! - Of each file by itself: `variables.rs` (unused, hidden and global ones), `unreachable.rs`, `host_calls.rs` (names that
//!   the host does not have, and deprecated ones).
//! - Of each cog with all that it requires: `options.rs`, `capabilities.rs`, `intents.rs`.
//! - Of all files together: `files.rs`.
//!
//! What the host has is looked up in a VM by others (`host_names.rs`). Whoever is not sure says nothing: a check that
//! cries for nothing is soon not read any more. `--!nolint` at the top of a file switches all warnings of that file off,
//! `--!nolint LocalUnused` one kind of them, as with Luau's own linter.

mod capabilities;
mod files;
mod finding;
mod host_calls;
mod host_names;
mod intents;
mod options;
mod parse;
mod scopes;
mod source;
mod syntax;
#[cfg(test)]
mod tests;
mod unreachable;
mod variables;

pub use finding::{Finding, Rule, Severity};
pub use host_names::{HostNames, Names};

use files::Requires;
use source::Source;
use std::collections::BTreeMap;
use std::fmt;

/// A file of a project.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Relative to the folder of `config.json`: `lua/cogs/ping.luau`.
    pub path: String,
    /// Its text, which the compiler has taken.
    pub text: String,
    /// Whether it belongs to `spec/`.
    pub is_spec: bool,
    /// Whether it is in a folder whose files can be required.
    pub is_module: bool,
}

/// A cog of a project.
#[derive(Clone, Debug, Default)]
pub struct CogFile {
    /// The path of its own file.
    pub entry: String,
    /// The intents that the bot asks for because of it; nothing if it could not be loaded.
    pub intents: Option<u64>,
}

/// The path of the file that `require(request)` in a file means: `(the file's path, the request)`.
pub type Resolve<'p> = dyn Fn(&str, &str) -> Option<String> + Sync + 'p;

/// All files that are checked together.
#[derive(Clone, Copy)]
pub struct Project<'p> {
    /// The files, in order of path.
    pub files: &'p [File],
    /// The cogs among them.
    pub cogs: &'p [CogFile],
    /// Where requires lead.
    pub resolve: &'p Resolve<'p>,
    /// What the host has.
    pub host: &'p HostNames,
}

impl fmt::Debug for Project<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files.iter().map(|file| &file.path);
        formatter.debug_list().entries(files).finish()
    }
}

/// C stack for the parser, which calls itself for each level of nesting. Luau's compiler takes a thousand levels, and
/// what it refuses is not parsed.
const STACK: usize = 512 << 20;

/// Everything that the checks find, in order of place.
pub fn lint(project: Project<'_>) -> Vec<Finding> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let checking = thread.spawn_scoped(scope, || on_this_stack(project));
        checking
            .ok()
            .and_then(|checking| checking.join().ok())
            .unwrap_or_default()
    })
}

fn on_this_stack(project: Project<'_>) -> Vec<Finding> {
    let parsed: Vec<_> = project
        .files
        .iter()
        .map(|file| (file, parse::parse(&file.text)))
        .collect();
    let read = parsed
        .iter()
        .filter_map(|(file, parsed)| Some((file, parsed.as_ref()?)));
    let sources: Vec<Source<'_>> = read
        .clone()
        .map(|(file, (block, _))| Source::new(&file.path, block))
        .collect();
    let mut requires = Requires::of(&project, &sources);
    requires.any |= sources.len() < project.files.len();

    let mut findings = files::check(&project, &requires);
    for source in &sources {
        findings.extend(variables::check(source, project.host));
        findings.extend(unreachable::check(source));
        findings.extend(host_calls::check(source, project.host));
    }
    for cog in project.cogs {
        let reached = requires.reached([cog.entry.as_str()]);
        let own: Vec<&Source<'_>> = sources
            .iter()
            .filter(|source| reached.contains(source.path))
            .collect();
        if own.len() < reached.len() {
            // A file of it says nothing, so nobody knows what it reads and needs.
            continue;
        }
        findings.extend(options::check(&own));
        findings.extend(capabilities::check(&own, project.host));
        findings.extend(intents::check(&own, cog.intents));
    }
    let texts: BTreeMap<&str, &str> = project
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect();
    let silenced: BTreeMap<&str, &[String]> = read
        .map(|(file, (_, comments))| (file.path.as_str(), comments.as_slice()))
        .collect();
    findings.retain(|finding| {
        let comments = finding.spot().and_then(|(file, _)| silenced.get(file));
        !comments.is_some_and(|comments| is_silenced(finding.rule, comments))
    });
    for place in findings
        .iter_mut()
        .filter_map(|it| it.problem.place.as_mut())
    {
        if let Some(text) = texts.get(place.file.as_str()) {
            place.add_excerpt(text);
        }
    }
    findings.sort_by(|one, other| place_of(one).cmp(&place_of(other)));
    // What several cogs share is found with each of them.
    findings.dedup();
    findings
}

type Place<'f> = Option<(&'f str, u32, Option<(u32, u32)>)>;

fn place_of(finding: &Finding) -> Place<'_> {
    let place = finding.problem.place.as_ref()?;
    Some((&place.file, place.line, place.columns))
}

/// Whether comments at the top of the file switch a kind of warnings off.
fn is_silenced(rule: Rule, comments: &[String]) -> bool {
    rule.severity() == Severity::Warning
        && comments.iter().any(|comment| {
            let mut words = comment.split_whitespace();
            words.next() == Some("nolint") && words.next().is_none_or(|name| name == rule.name())
        })
}
