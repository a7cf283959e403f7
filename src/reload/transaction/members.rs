//! From the attempts of a transaction to the members of its parts, and to those that are held back.

use super::{Attempt, CogHandle, LoadFailure, Means};
use crate::cogs::live::Offer;
use crate::commands::conflicts::{Claim, claims_of_cog};
use crate::reload::plan::parts::{Bonds, Member, Tie, parts};
use crate::reload::plan::{Action, CogPlan};
use crate::vm::resolve::{ModuleId, Target, resolve};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The cogs that are held back, with those whose failure holds them.
pub(super) type Held = BTreeMap<String, Vec<String>>;

/// The cogs that failed attempts hold back: all in the same part as a cog whose failure holds its part back.
pub(super) fn held(means: Means<'_>, attempts: &[Attempt<'_>], gone: &[&CogPlan]) -> Held {
    let fails = |attempt: &Attempt<'_>| attempt.prepared.is_err() && attempt.plan.holds_back;
    if !attempts.iter().any(fails) {
        return Held::new();
    }
    let members = members(means, attempts, gone);
    let parts = parts(&members);
    let mut failing: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (attempt, part) in attempts.iter().zip(&parts) {
        if fails(attempt) {
            let names = failing.entry(*part).or_default();
            names.push(attempt.plan.name.clone());
        }
    }
    let held = members
        .into_iter()
        .zip(&parts)
        .filter_map(|(member, part)| {
            let by = failing.get(part)?.clone();
            Some((member.name, by))
        });
    held.collect()
}

/// The attempts, then the cogs that go.
fn members(means: Means<'_>, attempts: &[Attempt<'_>], gone: &[&CogPlan]) -> Vec<Member> {
    let going = gone.iter().map(|plan| going(means, plan));
    let trying = attempts.iter().map(|attempt| trying(means, attempt));
    let mut members: Vec<Member> = trying.chain(going).collect();
    let given: BTreeSet<Tie> = members
        .iter()
        .flat_map(|member| member.gives.clone())
        .collect();
    for (attempt, member) in attempts.iter().zip(&mut members) {
        let Err(failure) = &attempt.prepared else {
            continue;
        };
        if failure.wanted.is_none() {
            let texts = texts(means, attempt, failure);
            let may_take = given.iter().filter(|tie| mentions(&texts, tie));
            member.takes.extend(may_take.cloned());
        }
        if attempt.plan.action == Action::Load {
            let renamed = gone.iter().filter(|gone| may_be(means, gone, attempt.plan));
            member.bound.extend(renamed.map(|gone| gone.name.clone()));
        }
    }
    members
}

/// A cog whose file is gone gives up all that it has.
fn going(means: Means<'_>, plan: &CogPlan) -> Member {
    let handle = means.cogs.get(&plan.name);
    Member {
        gives: handle.map(|handle| had(&handle)).unwrap_or_default(),
        ..member(plan, means.bonds)
    }
}

fn trying(means: Means<'_>, attempt: &Attempt<'_>) -> Member {
    let mut member = member(attempt.plan, means.bonds);
    let seen = match &attempt.prepared {
        Ok(offer) => super::seen_by(offer),
        Err(failure) => seen_by_failure(means, attempt, failure),
    };
    let changed = seen
        .into_iter()
        .filter(|id| means.bonds.changed.contains(id));
    member.touches.extend(changed);
    let had = had(&attempt.handle);
    let wants = match &attempt.prepared {
        Ok(offer) => Some(ties(&attempt.plan.name, offer)),
        Err(failure) => failure.wanted.clone(),
    };
    if let Some(wants) = wants {
        member.gives = had.difference(&wants).cloned().collect();
        member.takes = wants.difference(&had).cloned().collect();
    }
    member
}

/// What is known about a cog before it is prepared.
fn member(plan: &CogPlan, bonds: &Bonds) -> Member {
    // An init file makes modules of the cogs in its folder, and cogs of them again when it goes.
    let inits = bonds.changed.iter().filter(|id| id.takes_in(&plan.entry));
    Member {
        name: plan.name.clone(),
        touches: inits
            .chain(&plan.stale)
            .chain([&plan.entry])
            .cloned()
            .collect(),
        bound: bonds.waits.get(&plan.name).cloned().unwrap_or_default(),
        ..Member::default()
    }
}

fn had(handle: &CogHandle) -> BTreeSet<Tie> {
    if handle.has_version() {
        handle.peek(|status| ties(&handle.name, &status.offer))
    } else {
        BTreeSet::new()
    }
}

/// All that a cog has with what it offers.
pub(super) fn ties(cog: &str, offer: &Offer) -> BTreeSet<Tie> {
    let own = offer.claims().map(|claimed| claimed.claim);
    let claims = own.chain(claims_of_cog(cog)).map(Tie::Claim);
    let events = offer.events.iter();
    let events = events.map(|event| Tie::Event((*event).to_owned()));
    let shared = offer.shared.iter().cloned().map(Tie::Shared);
    claims.chain(events).chain(shared).collect()
}

/// What an attempt has read or looked for before it failed, and what it would have.
fn seen_by_failure(
    means: Means<'_>,
    attempt: &Attempt<'_>,
    failure: &LoadFailure,
) -> BTreeSet<ModuleId> {
    let Means {
        bonds, snapshot, ..
    } = means;
    let mut seen: BTreeSet<ModuleId> = failure.trace.seen().cloned().collect();
    let mut open: Vec<ModuleId> = own_modules(attempt, &seen, bonds);
    while let Some(id) = open.pop() {
        let Some(source) = snapshot.get(&id) else {
            continue;
        };
        for request in requests(&source.text) {
            if let Ok(Target::Module(target)) = resolve(snapshot.as_ref(), &id, request)
                && seen.insert(target.clone())
                && bonds.changed.contains(&target)
            {
                open.push(target);
            }
        }
    }
    seen
}

/// The modules of an attempt that say something new.
fn own_modules(attempt: &Attempt<'_>, seen: &BTreeSet<ModuleId>, bonds: &Bonds) -> Vec<ModuleId> {
    let changed = seen.iter().filter(|id| bonds.changed.contains(*id));
    let own = attempt.plan.stale.iter().chain([&attempt.plan.entry]);
    let all: BTreeSet<&ModuleId> = own.chain(changed).collect();
    all.into_iter().cloned().collect()
}

/// The new texts of an attempt that failed, in lower case.
fn texts(means: Means<'_>, attempt: &Attempt<'_>, failure: &LoadFailure) -> Vec<String> {
    let seen = seen_by_failure(means, attempt, failure);
    let own = own_modules(attempt, &seen, means.bonds);
    let sources = own.iter().filter_map(|id| means.snapshot.get(id));
    sources.map(|source| source.text.to_lowercase()).collect()
}

/// What a text requires by a name that is written there.
fn requests(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("require").filter_map(|(at, word)| {
        let rest = text[at + word.len()..].trim_start_matches(['(', ',', ' ', '\t']);
        let quote = rest.chars().next().filter(|it| "\"'`".contains(*it))?;
        let rest = &rest[quote.len_utf8()..];
        rest.split_once(quote).map(|(request, _)| request)
    })
}

/// Whether a text that could not be run may declare this: it contains the name.
fn mentions(texts: &[String], tie: &Tie) -> bool {
    let has = |wanted: &str| texts.iter().any(|text| text.contains(wanted));
    match tie {
        Tie::Claim(
            Claim::Typed(name)
            | Claim::Slash(name)
            | Claim::UserMenu(name)
            | Claim::MessageMenu(name),
        ) => {
            ["\"\"", "''", "``"].iter().any(|quotes| {
                let (open, close) = quotes.split_at(1);
                has(&format!("{open}{name}{close}"))
            }) || has(&format!("[[{name}]]"))
        }
        Tie::Claim(Claim::Component(name)) => {
            let name = name.to_lowercase();
            let mut opens = ["\"", "'", "`", "[["].iter();
            opens.any(|open| has(&format!("{open}{name}")))
        }
        // That of a name says all that its looks would say.
        Tie::Claim(_) => false,
        Tie::Event(name) => texts.iter().any(|text| has_word(text, name)),
        Tie::Shared(name) => has(&format!("shared:{}", name.to_lowercase())),
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Whether a new, broken cog may be a running cog that is being deleted, under another name: its file has the same
/// name, or its text is mostly the same.
fn may_be(means: Means<'_>, gone: &CogPlan, new: &CogPlan) -> bool {
    let generation = means.cogs.get(&gone.name);
    let generation = generation.and_then(|cog| cog.peek(|status| status.generation.clone()));
    let former = generation.and_then(|it| it.snapshot().source(&gone.entry).map(Arc::clone));
    let new_entry = &new.entry;
    let (Some(former), Some(source)) = (former, means.snapshot.get(new_entry)) else {
        return false;
    };
    let file = |stem: &ModuleId| {
        let name = stem.without_init().rsplit('/').next();
        name.map(str::to_lowercase)
    };
    file(&gone.entry) == file(new_entry) || is_similar(&former.text, &source.text)
}

/// Whether two texts have two thirds of the longer one in common, line by line. Their requires do not count: every cog
/// requires the host's modules.
fn is_similar(one: &str, other: &str) -> bool {
    let lines = |text: &'_ str| -> Vec<String> {
        let lines = text.lines().map(str::trim);
        let telling = lines.filter(|line| !line.is_empty() && !line.contains("require("));
        telling.map(str::to_owned).collect()
    };
    let (one, other) = (lines(one), lines(other));
    let weight = |lines: &[String]| lines.iter().map(String::len).sum::<usize>();
    let longer = weight(&one).max(weight(&other));
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &one {
        *left.entry(line).or_default() += 1;
    }
    let common = other
        .iter()
        .filter(|line| match left.get_mut(line.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        });
    let common: usize = common.map(String::len).sum();
    longer > 0 && common * 3 >= longer * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_cannot_be_run_still_tells_what_it_would_require() {
        let text = "local a = require(\"./a\") local b = require '../b'\nlocal x = = require(`./c`)\npcall(require, \"./d\") require(name)";
        let found: Vec<&str> = requests(text).collect();
        assert_eq!(found, ["./a", "../b", "./c", "./d"]);
    }

    #[test]
    fn a_text_that_cannot_be_run_still_tells_what_it_may_declare() {
        let typed = |name: &str| Tie::Claim(Claim::Typed(name.to_owned()));
        let texts = |text: &str| [text.to_lowercase()];
        for (text, tie, is_there) in [
            ("name = \"Rank\"", typed("rank"), true),
            ("aliases = { 'rank' }", typed("rank"), true),
            ("name = [[rank]]", typed("rank"), true),
            ("rank = ranks", typed("rank"), false),
            ("name = \"ranking\"", typed("rank"), false),
            (
                "cog.component(\"Poll:{id}\", f)",
                Tie::Claim(Claim::Component("Poll".into())),
                true,
            ),
            (
                "a poll:{id}",
                Tie::Claim(Claim::Component("poll".into())),
                false,
            ),
            (
                "cog.on.message_create(f)",
                Tie::Event("message_create".into()),
                true,
            ),
            (
                "on_message_create_too(f)",
                Tie::Event("message_create".into()),
                false,
            ),
            ("\"shared:Bank\"", Tie::Shared("Bank".into()), true),
        ] {
            assert_eq!(mentions(&texts(text), &tie), is_there, "{text} {tie:?}");
        }
    }

    #[test]
    fn most_of_the_text_makes_a_renamed_file() {
        assert!(is_similar("one\ntwo\nsix\nten", "one\n  two\nabc\n\nten\n"));
        assert!(!is_similar("one\ntwo\nsix\n", "one\nabc\nten\n"));
        assert!(!is_similar("", ""));
    }
}
