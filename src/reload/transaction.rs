//! One reload as a transaction: prepare in every affected VM, then of each part of the change all commit or none
//! does.
//!
//! `members` tells what the cogs have in common, from which the plan's `parts` follow.

mod members;

use super::plan::parts::{Bonds, Tie};
use super::plan::{Action, CogPlan, Plan};
use super::sources::Snapshot;
use crate::cogs::actor::Committed;
use crate::cogs::host::{ADMIN_COMMANDS, CogHandle, Cogs};
use crate::cogs::live::{Offer, Status};
use crate::cogs::prepare::{Refusal, Request};
use crate::cogs::routes::Routes;
use crate::commands::conflicts::{Claim, Conflict, Owner, claims, claims_of_cog, shown};
use crate::commands::definition::CommandDefinition;
use crate::commands::likeness::{likenesses, unseen};
use crate::commands::parse::name_key;
use crate::problem::{Place, Problem};
use crate::vm::resolve::{ContentHash, ModuleId};
use crate::vm::trace::{Fault, add_excerpt};
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// How a cog came out of a transaction.
#[derive(Debug)]
pub enum Result {
    /// It runs the new code.
    Committed(Offer, Box<Committed>),
    /// It could not take it, on its own account.
    Failed(Box<Failure>),
    /// It could have, and these siblings could not.
    HeldBack(Offer, Vec<String>),
    /// It runs no more.
    Unloaded,
    /// Its file is gone, and it runs on, as it hangs together with these siblings, which failed.
    Stays(Vec<String>),
}

/// Why a cog could not take new code.
#[derive(Debug, Default)]
pub struct Failure {
    /// For the report.
    pub problem: Problem,
    /// The requires of the attempt.
    pub edges: BTreeMap<ModuleId, BTreeSet<ModuleId>>,
    /// The sources that the attempt read.
    pub read: BTreeMap<ModuleId, ContentHash>,
    /// What the cog has seen that was in the way: once that says something else, it is worth another try.
    pub others: BTreeSet<ModuleId>,
    /// What it would have had, if that is known.
    pub wanted: Option<BTreeSet<Tie>>,
}

/// A cog while the transaction goes on.
struct Attempt<'a> {
    plan: &'a CogPlan,
    handle: Arc<CogHandle>,
    prepared: std::result::Result<Offer, Box<Failure>>,
}

/// Carries out `plan`, whose cogs have nothing in common but what is stale, with the sources of `snapshot`. The
/// results are in the plan's order.
pub async fn run(
    cogs: &Cogs,
    plan: &Plan,
    snapshot: &Arc<Snapshot>,
    reason: &'static str,
) -> Vec<(String, Arc<CogHandle>, Result)> {
    run_bound(cogs, plan, &Bonds::default(), snapshot, reason).await
}

/// The same with what the cogs have in common.
pub async fn run_bound(
    cogs: &Cogs,
    plan: &Plan,
    bonds: &Bonds,
    snapshot: &Arc<Snapshot>,
    reason: &'static str,
) -> Vec<(String, Arc<CogHandle>, Result)> {
    let (gone, stay): (Vec<_>, Vec<_>) = plan
        .cogs
        .iter()
        .partition(|cog| cog.action == Action::Unload);
    let prepared = stay
        .into_iter()
        .map(|cog| prepare(cogs, cog, snapshot, reason));
    let mut attempts = join_all(prepared).await;
    // Others go on beside this one: who has which command is decided by one after the other.
    let _alone = cogs.committing.lock().await;
    refuse_conflicts(cogs, &gone, &mut attempts);
    for attempt in &mut attempts {
        show_source(attempt, snapshot);
    }
    let mut held = members::held(cogs, &attempts, &gone, bonds, snapshot);
    let ended = attempts.into_iter().map(|attempt| {
        let by = held.remove(&attempt.plan.name);
        end(attempt, by)
    });
    let ended: Vec<_> = ended.collect();
    let mut results = join_all(ended).await;
    results.extend(gone.iter().filter_map(|cog| {
        let (handle, result) = match held.remove(&cog.name) {
            Some(by) => (cogs.get(&cog.name)?, Result::Stays(by)),
            None => (cogs.take(&cog.name)?, Result::Unloaded),
        };
        Some((cog.name.clone(), handle, result))
    }));
    for (name, handle, result) in &results {
        if let Result::Committed(offer, committed) = result {
            record_commit(cogs, handle, offer, committed);
        } else {
            tracing::trace!(cog = %name, "Left as it was");
        }
    }
    cogs.update_routes(results.iter().map(|(name, ..)| name.as_str()));
    for (_, handle, result) in &results {
        if matches!(result, Result::Unloaded) {
            Arc::clone(handle).begin_unload("unload");
        }
    }
    results.sort_by(|one, other| one.0.cmp(&other.0));
    results
}

/// Prepares everything that `plan` loads and takes none of it: what each cog would bring, or why it would
/// fail. In the plan's order.
pub async fn rehearse(
    cogs: &Cogs,
    plan: &Plan,
    snapshot: &Arc<Snapshot>,
) -> Vec<(String, std::result::Result<Offer, Box<Failure>>)> {
    let prepared = plan
        .cogs
        .iter()
        .map(|cog| prepare(cogs, cog, snapshot, "start"));
    let mut attempts = join_all(prepared).await;
    refuse_conflicts(cogs, &[], &mut attempts);
    for attempt in &mut attempts {
        show_source(attempt, snapshot);
    }
    let ended = attempts.into_iter().map(|attempt| async move {
        attempt.handle.abort().await;
        (attempt.plan.name.clone(), attempt.prepared)
    });
    join_all(ended).await
}

/// What the rest of the bot knows from now on.
fn record_commit(cogs: &Cogs, handle: &CogHandle, offer: &Offer, committed: &Committed) {
    let live = &committed.live;
    let now = cogs.services.clock.unix();
    handle.update(|status| {
        status.entry = live.generation.entry().clone();
        status.version += 1;
        status.loaded_at = now;
        status.offer = offer.clone();
        status.generation = Some(Arc::clone(&live.generation));
        status.problem = None;
        status.failing = false;
        status.held_by.clear();
        status.attempted.clear();
        status.loaded.clear();
        status.edges.clear();
    });
}

/// How long a cog may keep a reload waiting: others wait for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// [`PATIENCE`], or what several top levels may take if that is more.
fn patience(cogs: &Cogs) -> Duration {
    let slice = cogs.services.config.load().limits.cpu_ms;
    PATIENCE.max(4 * Duration::from_millis(slice.into()))
}

/// The failure of a cog that did not even try.
fn unasked(plan: &CogPlan, message: String, hint: String) -> Box<Failure> {
    Box::new(Failure {
        problem: Problem {
            cog: Some(plan.name.clone()),
            message,
            hint: Some(hint),
            ..Problem::default()
        },
        ..Failure::default()
    })
}

/// A cog that starts in quarantine is not even tried: it is when its file says something else.
fn kept_away(plan: &CogPlan, snapshot: &Snapshot, problem: Problem) -> Box<Failure> {
    let entry = &plan.entry;
    let read = snapshot.hash(entry).map(|hash| (entry.clone(), hash));
    Box::new(Failure {
        problem,
        read: read.into_iter().collect(),
        ..Failure::default()
    })
}

async fn prepare<'a>(
    cogs: &Cogs,
    plan: &'a CogPlan,
    snapshot: &Arc<Snapshot>,
    reason: &'static str,
) -> Attempt<'a> {
    let mut handle = cogs.get_or_start(&plan.name, &plan.entry);
    if handle.has_ended() {
        cogs.remove(&plan.name);
        handle = cogs.get_or_start(&plan.name, &plan.entry);
    }
    if reason == "start"
        && let Some(problem) = handle.context.quarantine.problem()
    {
        return Attempt {
            plan,
            prepared: Err(kept_away(plan, snapshot, problem)),
            handle,
        };
    }
    let request = Request {
        snapshot: Arc::clone(snapshot) as _,
        entry: plan.entry.clone(),
        keep: (!plan.afresh).then(|| plan.keep.clone()),
        reason: match reason {
            "start" => "start",
            _ if handle.peek(Status::is_running) => "reload",
            _ => "load",
        },
    };
    let patience = patience(cogs);
    let preparing = tokio::time::timeout(patience, handle.prepare(request));
    let prepared = match preparing.await {
        Ok(Some(Ok(offer))) => Ok(offer),
        Ok(Some(Err(refusal))) => Err(Box::new(failure(&handle, snapshot, refusal))),
        Ok(None) => Err(unasked(
            plan,
            "the bot itself failed while it loaded this cog; its log says where".to_owned(),
            format!(
                "`!reload cog {}` tries it again; please report this",
                plan.name
            ),
        )),
        Err(_late) => Err(unasked(
            plan,
            format!(
                "it was too busy to load anything within {} s",
                patience.as_secs()
            ),
            format!("`!reload cog {}` tries it again", plan.name),
        )),
    };
    Attempt {
        plan,
        handle,
        prepared,
    }
}

/// Adds the source lines to a problem that has none yet.
fn show_source(attempt: &mut Attempt<'_>, snapshot: &Snapshot) {
    if let Err(failure) = &mut attempt.prepared
        && let Some(place) = failure.problem.place.as_mut()
        && place.excerpt.is_empty()
        && let Some(text) = text_of(snapshot, &place.file)
    {
        add_excerpt(place, &text);
    }
}

fn text_of(snapshot: &Snapshot, file: &str) -> Option<String> {
    let source = snapshot.in_file(file)?;
    Some(source.text.to_string())
}

fn failure(handle: &CogHandle, snapshot: &Snapshot, refusal: Refusal) -> Failure {
    let source = |file: &str| text_of(snapshot, file);
    let mut problem = refusal.fault.problem(&handle.name, &source);
    if matches!(refusal.fault, Fault::Syntax { .. }) {
        problem.hint = None;
    }
    Failure {
        problem,
        edges: refusal.edges,
        read: refusal.read,
        ..Failure::default()
    }
}

/// Two commands of one name: the cog that already has it keeps it, and the other's reload fails.
fn refuse_conflicts(cogs: &Cogs, gone: &[&CogPlan], attempts: &mut [Attempt<'_>]) {
    // A refused cog goes on with the commands that it has, which may refuse another one.
    while let Some((index, failure)) = next_conflict(cogs, gone, attempts) {
        attempts[index].prepared = Err(Box::new(failure));
    }
}

/// The first attempt that wants a command which is taken.
fn next_conflict(
    cogs: &Cogs,
    gone: &[&CogPlan],
    attempts: &[Attempt<'_>],
) -> Option<(usize, Failure)> {
    let replaced = attempts.iter().filter_map(|attempt| {
        let offer = attempt.prepared.as_ref().ok()?;
        Some((name_of(attempt.plan), Some(offer)))
    });
    let gone = gone.iter().map(|cog| (name_of(cog), None));
    let mut taken = Taken {
        routes: cogs.routes(),
        leaving: gone.chain(replaced).collect(),
        by_attempts: HashMap::new(),
    };
    // Whoever runs already comes first, then it goes by name.
    let mut order: Vec<usize> = (0..attempts.len()).collect();
    order.sort_by_key(|index| !attempts[*index].handle.peek(Status::is_running));
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

/// Who has which commands and names while a transaction looks for conflicts.
struct Taken<'a> {
    /// What is committed, …
    routes: Arc<Routes>,
    /// … except for these cogs, and what they bring instead; nothing for those that go.
    leaving: HashMap<&'a str, Option<&'a Offer>>,
    /// What the cogs of this transaction bring.
    by_attempts: HashMap<Claim, Holder<'a>>,
}

/// A cog that brings something, with the name that it has there, and the command if it is one's.
#[derive(Clone, Copy)]
struct Holder<'a> {
    cog: &'a str,
    offer: &'a Offer,
    name: &'a str,
    command: Option<&'a CommandDefinition>,
}

impl Holder<'_> {
    fn owner(&self) -> Owner {
        let place = self.command.and_then(|command| command.place.clone());
        (self.cog.to_owned(), place)
    }
}

/// Who has something already: the name that it has there, whose it is, and, if that is another cog, what it has
/// seen.
type Held = (String, Owner, BTreeSet<ModuleId>);

impl<'a> Taken<'a> {
    /// Adds a cog's name and commands; why it cannot have them, if another cog has one of them.
    fn add(&mut self, cog: &'a str, offer: &'a Offer) -> Option<Failure> {
        let holder = Holder {
            cog,
            offer,
            name: cog,
            command: None,
        };
        let mut wanted: Vec<_> = claims_of_cog(cog).map(|claim| (claim, holder)).collect();
        for definition in offer.commands.iter().map(|command| &command.definition) {
            wanted.extend(claims(definition).into_iter().map(|(claim, name)| {
                let command = Some(definition);
                (
                    claim,
                    Holder {
                        name,
                        command,
                        ..holder
                    },
                )
            }));
        }
        // That a name is taken says more than that it looks like one.
        wanted.sort_by_key(|(claim, _)| claim.is_likeness());
        for (claim, holder) in wanted {
            if let Some(held) = self.owner(cog, &claim) {
                return Some(conflict(claim, held, &holder));
            }
            self.by_attempts.insert(claim, holder);
        }
        None
    }

    /// Who has what is claimed. Whoever has it already and wants it still comes before all others.
    fn owner(&self, cog: &str, claim: &Claim) -> Option<Held> {
        if let Some(holder) = self.by_attempts.get(claim) {
            let is_own = holder.cog == cog;
            if is_own && claim.is_likeness() {
                return None;
            }
            let seen = if is_own {
                BTreeSet::new()
            } else {
                seen_by(holder.offer)
            };
            return Some((holder.name.to_owned(), holder.owner(), seen));
        }
        let owner = self.routes.owner(claim)?;
        let owned_by = |offer: &Offer| {
            let (name, place) = held_name(&owner.name, offer, claim)?;
            Some((name, (owner.name.to_string(), place), seen_by(offer)))
        };
        match self.leaving.get(&*owner.name) {
            None => owner.peek(|status| owned_by(&status.offer)),
            Some(_) if *owner.name == *cog => None,
            Some(next) => next.and_then(owned_by),
        }
    }
}

/// The name with which a cog holds what is claimed, and the place of its command.
fn held_name(cog: &str, offer: &Offer, claim: &Claim) -> Option<(String, Option<(String, u32)>)> {
    if matches!(claim, Claim::LooksCog(_)) {
        return Some((cog.to_owned(), None));
    }
    offer.commands.iter().find_map(|command| {
        let definition = &command.definition;
        let mut claims = claims(definition).into_iter();
        let (_, name) = claims.find(|(own, _)| own == claim)?;
        Some((name.to_owned(), definition.place.clone()))
    })
}

fn conflict(claim: Claim, (first_name, first, others): Held, second: &Holder<'_>) -> Failure {
    let place = second.owner().1;
    let conflict = Conflict {
        first_name,
        first,
        second_name: second.name.to_owned(),
        second: second.owner(),
        claim,
    };
    let failure = refused(second.cog, second.offer, conflict.to_string(), place);
    Failure { others, ..failure }
}

/// All that the modules of an offer have read or looked for.
fn seen_by(offer: &Offer) -> BTreeSet<ModuleId> {
    let Some(generation) = &offer.generation else {
        return BTreeSet::new();
    };
    let edges = generation.edges().into_values().flatten();
    generation.read().into_keys().chain(edges).collect()
}

/// Why a cog cannot have its name, which admins type: somebody could not see what it is.
fn hidden_name(cog: &str, offer: &Offer) -> Option<Failure> {
    let character = u32::from(unseen(cog)?);
    let message = format!(
        "the cog's name has the character U+{character:04X}, which nobody sees; rename its file"
    );
    Some(refused(cog, offer, message, None))
}

/// Why a cog cannot have its commands: one has a name of the bot's own, or one that looks like it.
fn reserved(cog: &str, offer: &Offer) -> Option<Failure> {
    for definition in offer.commands.iter().map(|command| &command.definition) {
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

fn refused(cog: &str, offer: &Offer, message: String, place: Option<(String, u32)>) -> Failure {
    let generation = offer.generation.as_ref();
    Failure {
        problem: Problem {
            cog: Some(cog.to_owned()),
            message,
            place: place.map(|(file, line)| Place {
                file,
                line,
                ..Place::default()
            }),
            ..Problem::default()
        },
        edges: generation.map(|it| it.edges()).unwrap_or_default(),
        read: generation.map(|it| it.read()).unwrap_or_default(),
        wanted: Some(members::ties(cog, offer)),
        ..Failure::default()
    }
}

/// Commits an attempt, or forgets it if it failed or others hold it back.
async fn end(
    attempt: Attempt<'_>,
    held_by: Option<Vec<String>>,
) -> (String, Arc<CogHandle>, Result) {
    let Attempt {
        plan,
        handle,
        prepared,
    } = attempt;
    let result = match (prepared, held_by) {
        (Ok(offer), None) => match handle.commit().await {
            Some(committed) => Result::Committed(offer, Box::new(committed)),
            None => Result::HeldBack(offer, Vec::new()),
        },
        (Ok(offer), Some(by)) => {
            handle.abort().await;
            Result::HeldBack(offer, by)
        }
        (Err(failure), _) => {
            // It may be too busy to answer.
            handle.begin_abort();
            Result::Failed(failure)
        }
    };
    (plan.name.clone(), handle, result)
}

#[cfg(test)]
#[path = "transaction_names.rs"]
mod tests;
