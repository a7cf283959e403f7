//! Which cog has which command, name and custom ids: the cog that had it keeps it, also across restarts; only between new cogs the
//! alphabetical order decides.

use super::members;
use super::{Attempt, CogHandle, LoadFailure, Means, seen_by, trace_of};
use crate::cogs::host::{ADMIN_COMMANDS, Cogs};
use crate::cogs::live::{Claimed, Offer};
use crate::cogs::routes::Routes;
use crate::commands::conflicts::{Claim, Claimant, Conflict, claims_of_cog, shown};
use crate::commands::definition::CommandKind;
use crate::commands::likeness::{likenesses, unseen};
use crate::commands::name_key::name_key;
use crate::problem::{Problem, SourceLocation};
use crate::reload::plan::CogPlan;
use crate::reload::sources::Snapshot;
use crate::vm::resolve::ModuleId;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Two commands of one name: the cog that already has it keeps it, and the other's reload fails.
pub(super) fn refuse_conflicts(means: Means<'_>, gone: &[&CogPlan], attempts: &mut [Attempt<'_>]) {
    // A refused cog keeps its commands, and that may refuse another one.
    while let Some((index, failure)) = next_conflict(means, gone, attempts) {
        attempts[index].prepared = Err(Box::new(failure));
    }
}

/// The first attempt that wants a command which is taken.
fn next_conflict(
    means: Means<'_>,
    gone: &[&CogPlan],
    attempts: &[Attempt<'_>],
) -> Option<(usize, LoadFailure)> {
    let replaced = attempts.iter().filter_map(|attempt| {
        let offer = attempt.prepared.as_ref().ok()?;
        Some((name_of(attempt.plan), Some(offer)))
    });
    let gone = gone.iter().map(|cog| (name_of(cog), None));
    let mut taken = Taken {
        cogs: means.cogs,
        snapshot: means.snapshot,
        attempts,
        routes: means.cogs.routes(),
        leaving: gone.chain(replaced).collect(),
        by_attempts: HashMap::new(),
    };
    // Running cogs come first, then the others by name.
    let mut order: Vec<usize> = (0..attempts.len()).collect();
    order.sort_by_key(|index| !attempts[*index].handle.has_version());
    for index in order {
        let attempt = &attempts[index];
        let Ok(offer) = &attempt.prepared else {
            continue;
        };
        let name = name_of(attempt.plan);
        let refused = hidden_name(name, offer).or_else(|| reserved(name, offer));
        if let Some(failure) = refused.or_else(|| taken.add(name, offer)) {
            return Some((index, failure));
        }
    }
    None
}

fn name_of(plan: &CogPlan) -> &str {
    &plan.name
}

/// Which cog has which commands and names while a transaction looks for conflicts.
struct Taken<'a> {
    cogs: &'a Cogs,
    snapshot: &'a Snapshot,
    attempts: &'a [Attempt<'a>],
    /// What is committed, …
    routes: Arc<Routes>,
    /// … except for these cogs, with what they offer instead; none for those that are unloaded.
    leaving: HashMap<&'a str, Option<&'a Offer>>,
    /// What the cogs of this transaction offer.
    by_attempts: HashMap<Claim, Holder<'a>>,
}

/// A cog that offers something, with the name that it uses, and the place where it declares it.
#[derive(Clone, Copy)]
struct Holder<'a> {
    cog: &'a str,
    offer: &'a Offer,
    name: &'a str,
    place: Option<&'a (String, u32)>,
}

impl Holder<'_> {
    fn owner(&self) -> Claimant {
        (self.cog.to_owned(), self.place.cloned())
    }
}

/// Who has something already.
struct Held {
    /// The name that it has there.
    name: String,
    owner: Claimant,
    /// What the owner has seen, if it is another cog.
    seen: BTreeSet<ModuleId>,
    right: Right,
}

/// Why one cog has a name rather than another one that wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    /// It comes first in this reload, and no cog had the name.
    Order,
    /// It had it.
    Had,
    /// It had the name, and runs its former text because the saved one cannot be loaded.
    Keeps,
    /// It had the name, and does not run.
    Waits,
}

impl<'a> Taken<'a> {
    /// Adds a cog's name and what it declares; why it cannot have them, if another cog has one of them.
    fn add(&mut self, cog: &'a str, offer: &'a Offer) -> Option<LoadFailure> {
        let holder = Holder {
            cog,
            offer,
            name: cog,
            place: None,
        };
        let mut wanted: Vec<_> = claims_of_cog(cog).map(|claim| (claim, holder)).collect();
        wanted.extend(offer.claims().map(|claimed| {
            let Claimed { claim, name, place } = claimed;
            (
                claim,
                Holder {
                    name,
                    place,
                    ..holder
                },
            )
        }));
        // That a name is taken is more important than that it looks like another one.
        wanted.sort_by_key(|(claim, _)| claim.is_likeness());
        for (claim, holder) in wanted {
            if let Some(held) = self.owner(cog, &claim) {
                return Some(conflict(claim, held, &holder));
            }
            self.by_attempts.insert(claim, holder);
        }
        None
    }

    /// The cog that has what is claimed. A cog that has it already and still wants it comes before all others.
    fn owner(&self, cog: &str, claim: &Claim) -> Option<Held> {
        if let Some(holder) = self.by_attempts.get(claim) {
            let is_own = holder.cog == cog;
            if is_own && claim.is_likeness() {
                return None;
            }
            let had = !is_own && self.had(claim).is_some_and(|owner| owner == holder.cog);
            return Some(Held {
                name: holder.name.to_owned(),
                owner: holder.owner(),
                seen: if is_own {
                    BTreeSet::new()
                } else {
                    seen_by(holder.offer)
                },
                right: if had { Right::Had } else { Right::Order },
            });
        }
        let owner = self.had(claim)?;
        if owner == cog {
            return None;
        }
        let owned_by = |offer: &Offer| {
            let (name, place) = held_name(&owner, offer, claim)?;
            Some(Held {
                name,
                owner: (owner.clone(), place),
                seen: seen_by(offer),
                right: Right::Had,
            })
        };
        if let Some(next) = self.leaving.get(&*owner) {
            return next.and_then(owned_by);
        }
        match self.cogs.get(&owner) {
            Some(handle) if handle.has_version() => {
                let held = handle.peek(|status| owned_by(&status.offer))?;
                Some(self.held_by_running(&owner, &handle, held))
            }
            handle => self.waits(&owner, handle.as_deref(), claim),
        }
    }

    /// The cog that has something, or had it when the bot ran last and has not given it up.
    fn had(&self, claim: &Claim) -> Option<String> {
        let running = self.routes.owner(claim);
        let running = running.map(|owner| owner.name.to_string());
        running.or_else(|| self.cogs.names.owner(claim))
    }

    /// A cog whose new text cannot be loaded may give up the name as soon as it is fixed: the cog that wants the name
    /// is tried again with the fix.
    fn held_by_running(&self, owner: &str, handle: &CogHandle, mut held: Held) -> Held {
        let failure = self.failure_of(owner);
        if let Some(failure) = failure {
            held.seen.extend(seen_by_failure(failure));
        }
        handle.peek(|status| held.seen.extend(status.attempted.keys().cloned()));
        if failure.is_some() || handle.condition().is_failing() {
            held.right = Right::Keeps;
        }
        held
    }

    /// Why this change's attempt at a cog failed, if it did.
    fn failure_of(&self, cog: &str) -> Option<&LoadFailure> {
        let mut attempts = self.attempts.iter();
        let attempt = attempts.find(|attempt| attempt.plan.name == cog)?;
        attempt.prepared.as_ref().err().map(|failure| &**failure)
    }

    /// A cog that does not run keeps what it had as long as its file is there.
    fn waits(&self, owner: &str, handle: Option<&CogHandle>, claim: &Claim) -> Option<Held> {
        let entry = self.cogs.names.entry(owner).into_iter();
        let mut seen: BTreeSet<ModuleId> = entry.collect();
        let is_held = seen.iter().any(|entry| self.snapshot.held(entry).is_some());
        if handle.is_none() && !is_held {
            return None;
        }
        if let Some(failure) = self.failure_of(owner) {
            seen.extend(seen_by_failure(failure));
        }
        if let Some(handle) = handle {
            handle.peek(|status| {
                seen.insert(status.entry.clone());
                seen.extend(status.attempted.keys().cloned());
            });
        }
        Some(Held {
            name: claim.name().to_owned(),
            owner: (owner.to_owned(), None),
            seen,
            right: Right::Waits,
        })
    }
}

/// All that an attempt has read or looked for before it failed, and what was in its way.
fn seen_by_failure(failure: &LoadFailure) -> impl Iterator<Item = ModuleId> {
    failure.trace.seen().chain(&failure.others).cloned()
}

/// The name with which a cog holds what is claimed, and the place where it declares it.
fn held_name(cog: &str, offer: &Offer, claim: &Claim) -> Option<(String, Option<(String, u32)>)> {
    if matches!(claim, Claim::LooksCog(_)) {
        return Some((cog.to_owned(), None));
    }
    let held = offer.claims().find(|claimed| claimed.claim == *claim)?;
    Some((held.name.to_owned(), held.place.cloned()))
}

fn conflict(claim: Claim, held: Held, second: &Holder<'_>) -> LoadFailure {
    let place = second.owner().1;
    let hint = hint(&held, second);
    let conflict = Conflict {
        first_name: held.name,
        first: held.owner,
        second_name: second.name.to_owned(),
        second: second.owner(),
        claim,
    };
    let mut failure = refused(second.cog, second.offer, conflict.to_string(), place);
    failure.problem.hint = hint;
    failure.others = held.seen;
    failure
}

/// Which cog keeps the name, and what to do about it.
fn hint(held: &Held, second: &Holder<'_>) -> Option<String> {
    let owner = &held.owner.0;
    let file = second.offer.generation.as_ref();
    let file = file.map(|it| it.entry().path()).unwrap_or_default();
    match held.right {
        Right::Order => None,
        Right::Had => Some(format!(
            "\"{owner}\" had the name first and keeps it, also after a restart: take another name in {file}, or delete that file"
        )),
        Right::Keeps => Some(format!(
            "\"{owner}\" had the name first and keeps it until its saved changes can be loaded: fix them if they give up the name, otherwise take another name in {file}"
        )),
        Right::Waits => Some(format!(
            "\"{owner}\" had the name first and keeps it, although it does not run: fix it, or delete its file if \"{}\" should have the name",
            second.cog
        )),
    }
}

/// Why a cog cannot have its name, which admins type: somebody could not see what it is.
fn hidden_name(cog: &str, offer: &Offer) -> Option<LoadFailure> {
    let character = u32::from(unseen(cog)?);
    let message = format!(
        "the cog's name has the character U+{character:04X}, which is invisible; rename its file"
    );
    Some(refused(cog, offer, message, None))
}

/// Why a cog cannot have its commands: one has a name of the bot's own, or one that looks like it.
fn reserved(cog: &str, offer: &Offer) -> Option<LoadFailure> {
    let definitions = offer.commands.iter().map(|command| &command.definition);
    // The bot has none in the context menus.
    for definition in definitions.filter(|it| it.kind == CommandKind::Chat) {
        let mut names = std::iter::once(&definition.name).chain(&definition.aliases);
        if let Some(message) = names.find_map(|name| why_reserved(name)) {
            return Some(refused(cog, offer, message, definition.place.clone()));
        }
    }
    None
}

fn why_reserved(name: &str) -> Option<String> {
    if ADMIN_COMMANDS.contains(&name_key(name).as_str()) {
        let message =
            format!("the command name \"{name}\" belongs to the bot itself; take another");
        return Some(message);
    }
    let looks = likenesses(name);
    let own = ADMIN_COMMANDS
        .iter()
        .find(|own| !likenesses(own).is_disjoint(&looks))?;
    Some(format!(
        "the command name {} looks like \"{own}\", which belongs to the bot itself; take another",
        shown(name)
    ))
}

fn refused(cog: &str, offer: &Offer, message: String, place: Option<(String, u32)>) -> LoadFailure {
    LoadFailure {
        problem: Problem {
            cog: Some(cog.to_owned()),
            message,
            place: place.map(|(file, line)| SourceLocation {
                file,
                line,
                ..SourceLocation::default()
            }),
            ..Problem::default()
        },
        trace: trace_of(offer),
        wanted: Some(members::ties(cog, offer)),
        ..LoadFailure::default()
    }
}

#[cfg(test)]
mod tests;
