//! Builds and tries out the next generation of a cog, while the present one answers.

use super::live::{Live, Offer};
use crate::api::context::CogContext;
use crate::api::declarations::{Hook, Staged, room_for_shared};
use crate::api::install;
use crate::api::limits::{Limit, megabytes};
use crate::api::state::migrate::newer;
use crate::api::state::migration::Migrations;
use crate::api::state::space::Space;
use crate::api::texts::table::Texts;
use crate::commands::definition::{CommandDefinition, CommandKind};
use crate::commands::slash::{application_command, complaint, localize};
use crate::discord::events::{event, intents};
use crate::problem::SourceLocation;
use crate::vm::build::{Vm, VmLimits};
use crate::vm::host::HostError;
use crate::vm::load_trace::LoadTrace;
use crate::vm::require::{self, PrepareFailure};
use crate::vm::resolve::{ModuleId, Modules};
use crate::vm::trace::{Fault, Raised};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// What a cog is to become.
#[derive(Clone)]
pub struct PrepareRequest {
    /// The sources that the generation reads.
    pub snapshot: Arc<dyn Modules + Send + Sync>,
    /// The cog's own file.
    pub entry: ModuleId,
    /// The modules whose instances are taken over; none for a fresh VM.
    pub keep: Option<BTreeSet<ModuleId>>,
    /// `"start"`, `"reload"` or `"load"`.
    pub reason: &'static str,
    /// The guild that alone is to run it, beside the present version; nothing: all.
    pub guild: Option<u64>,
}

/// Prepares a generation. On failure nothing of the attempt remains.
pub fn prepare(
    cog: &Arc<CogContext>,
    current: Option<&Live>,
    number: u64,
    request: &PrepareRequest,
) -> Result<(Live, Offer), PrepareFailure> {
    let mut result = attempt(cog, current, number, request);
    if matches!(&result, Err(failure) if matches!(failure.fault, Fault::Memory { .. }))
        && request.keep.is_some()
    {
        // What runs in the present VM may leave no room in it, and must not keep its own mending out.
        discard(cog);
        let afresh = PrepareRequest {
            keep: None,
            ..request.clone()
        };
        result = attempt(cog, current, number, &afresh);
    }
    if let Some(current) = current {
        // Until the commit, `package.loaded` shows what answers.
        let _shown = current.vm.loader().publish(&current.generation).is_ok();
    }
    if result.is_err() {
        discard(cog);
        if let Some(current) = current {
            // Luau collects nothing when it runs out of memory: what the attempt left behind would make
            // the next handler fail.
            let _collected = current.vm.lua().gc_collect().is_ok();
        }
    }
    result
}

/// Leaves nothing of an attempt.
fn discard(cog: &CogContext) {
    cog.discard_state();
    cog.declaring.take();
}

fn attempt(
    cog: &Arc<CogContext>,
    current: Option<&Live>,
    number: u64,
    request: &PrepareRequest,
) -> Result<(Live, Offer), PrepareFailure> {
    cog.stage_state();
    let reused = current.filter(|live| {
        request.keep.is_some() && !live.vm.is_poisoned() && !is_held_full(cog, live)
    });
    let vm = match reused {
        Some(live) => live.vm.clone(),
        None => build_vm(cog)?,
    };
    let base = reused.zip(request.keep.as_ref());
    let kept = base.map_or_else(Staged::default, |(live, keep)| live.declarations.kept(keep));
    add_defaults(cog, &kept)?;
    cog.declaring.begin(kept);
    let generation = require::prepare(
        &vm,
        &request.snapshot,
        &request.entry,
        number,
        base.map(|(live, keep)| (&live.generation, keep)),
    )?;
    let failed = |fault| PrepareFailure {
        fault,
        trace: generation.trace(),
    };
    let mut declarations = cog.declaring.take();
    let loaded = generation.loaded();
    declarations.retain(|module| loaded.contains_key(module));
    let texts = Arc::new(Texts::merged(declarations.texts_by_locale()));
    check_numbers(&declarations).map_err(failed)?;
    check_names(&declarations, &texts).map_err(failed)?;
    generation.attach(Texts::clone(&texts));
    if request.guild.is_some() {
        check_keeps_form(cog, &declarations).map_err(failed)?;
    }
    let migrations = Migrations::new(declarations.migrations().cloned());
    check_version(cog, &migrations).map_err(failed)?;
    generation.attach(migrations);
    let info = Arc::new(declarations.info());
    check_capabilities(cog, &info.capabilities).map_err(failed)?;
    cog.capabilities.stage(info.capabilities.clone());
    let live = Live {
        vm,
        generation: Arc::clone(&generation),
        declarations: Arc::new(declarations),
        info,
    };
    for hook in live.hooks(Hook::Load) {
        live.vm
            .call(&generation, &hook, request.reason)
            .map_err(failed)?;
    }
    if reused.is_none() {
        // Half of a small heap is what loading has left behind.
        live.vm.collect();
    }
    check_total_memory(cog, &live.vm).map_err(failed)?;
    if request.guild.is_some() {
        check_room_for_both(cog, &live.vm).map_err(failed)?;
    }
    let offer = offer_of(&live, texts);
    Ok((live, offer))
}

/// Whether what still runs in a VM leaves the next version little room there.
fn is_held_full(cog: &CogContext, live: &Live) -> bool {
    let runs = live.generation.life.running() > 0 || !cog.budget.versions.leftovers().is_empty();
    runs && live.vm.is_crowded()
}

/// Modules that are kept do not run again, so what they said about state is said for them.
fn add_defaults(cog: &CogContext, kept: &Staged) -> Result<(), PrepareFailure> {
    let Some(views) = cog.state.staged() else {
        return Ok(());
    };
    for migration in kept.migrations() {
        let view = views.view(&migration.space);
        if view.version() < migration.version {
            view.set_version(migration.version);
        }
    }
    for (space, of, table) in kept.modules().flat_map(|module| &module.defaults) {
        views
            .view(space)
            .add_defaults(of, table)
            .map_err(|error| failure(error.to_string()))?;
    }
    Ok(())
}

/// What a cog has stored may not be newer than the cog: `state.migrate` looks at that where it is called, and must not be
/// left out once it was.
fn check_version(cog: &CogContext, migrations: &Migrations) -> Result<(), Fault> {
    let stored = cog.state.staged().map_or(0, |it| it.stored.version());
    let version = migrations.of(&Space::Own).map(|it| it.version);
    if stored <= version.unwrap_or(0) {
        return Ok(());
    }
    Err(raised(HostError::new("state", newer(stored, version))))
}

/// A version that one guild tries may not change the form of what is stored: the version of all other guilds could not
/// read it.
fn check_keeps_form(cog: &CogContext, declarations: &Staged) -> Result<(), Fault> {
    let now = cog.state.live();
    let changed = declarations.migrations().find_map(|migration| {
        let stored = now.view(&migration.space).version();
        (stored < migration.version).then_some((stored, migration.version))
    });
    let Some((stored, version)) = changed else {
        return Ok(());
    };
    let message = format!(
        "state.migrate: what is stored has version {stored}, and this code brings it to version {version}, which the version that all other servers run could not read: it cannot be tried in one server; `!reload cog {}` loads it everywhere",
        cog.name
    );
    Err(raised(HostError::new("state", message)))
}

/// Both versions together keep to the limit of one cog.
fn check_room_for_both(cog: &CogContext, vm: &Vm) -> Result<(), Fault> {
    vm.note_memory();
    let limit = vm.limits().memory;
    // A trial that runs already gives way to this one.
    let now = cog.budget.answering().unwrap_or_default();
    let more = vm.limits().held.used();
    if now + more <= limit {
        return Ok(());
    }
    let message = format!(
        "this version and the one that all other servers run would need more than {} MB of memory together (limits.memory_mb): this one needs {} MB, and the other has {} MB",
        limit >> 20,
        more >> 20,
        now >> 20
    );
    Err(raised(cog.limits.at_limit(Limit::Memory, message)))
}

/// Builds a VM with the limits that are configured now.
pub(super) fn build_vm(cog: &Arc<CogContext>) -> Result<Vm, PrepareFailure> {
    let limits = &cog.services.config.load().limits;
    let limits = VmLimits {
        memory: megabytes(limits.memory_mb),
        call_depth: limits.call_depth,
        cpu: Duration::from_millis(limits.cpu_ms.into()),
        cpu_per_minute: Duration::from_secs(limits.cpu_seconds_per_minute.into()),
        cpu_meter: Arc::clone(&cog.cpu_meter),
        held: cog.services.budgets.memory_of_vm(&cog.budget),
        coverage: cog.services.coverage.clone(),
    };
    let owner = Arc::clone(cog);
    let on_late_require = Box::new(move || {
        owner.services.graph_changed(&owner.name);
        owner.services.sources()
    });
    Vm::build(limits, on_late_require, |lua, host| install(lua, host, cog))
        .map_err(|error| failure(format!("its VM could not be built: {error}")))
}

fn failure(message: String) -> PrepareFailure {
    PrepareFailure {
        fault: Fault::Raised(Box::new(Raised {
            message,
            ..Raised::default()
        })),
        trace: LoadTrace::default(),
    }
}

/// The cog asks, the operator grants; asking for more than is granted fails and names the difference.
fn check_capabilities(cog: &CogContext, asked: &BTreeSet<String>) -> Result<(), Fault> {
    room_for_shared(asked.iter().map(String::as_str)).map_err(raised)?;
    let config = cog.services.config.load();
    let missing: Vec<&str> = asked
        .iter()
        .filter(|capability| !config.grants(&cog.name, capability))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Fault::Raised(Box::new(Raised {
        kind: Some("capability".to_owned()),
        message: format!(
            "this cog asks for capabilities that config.json does not grant it: {}",
            missing.join(", ")
        ),
        ..Raised::default()
    })))
}

/// All cogs together keep to their limit: one that needs more than its share does not come to it.
fn check_total_memory(cog: &CogContext, vm: &Vm) -> Result<(), Fault> {
    let limit = cog.services.config.load().limits.total_memory();
    let held = &vm.limits().held;
    let admit = || {
        vm.note_memory();
        cog.services.budgets.admit(&cog.budget, held, limit)
    };
    let admitted = admit().or_else(|_| {
        // What loading left behind says nothing about what the cog needs.
        vm.collect();
        admit()
    });
    admitted.map_err(|share| {
        let message = format!(
            "all cogs together would need more than {} MB of memory (limits.total_memory_mb): this one needs {} MB, and its share is {} MB",
            limit >> 20,
            held.used() >> 20,
            share >> 20
        );
        raised(cog.limits.at_limit(Limit::TotalMemory, message))
    })
}

fn raised(error: HostError) -> Fault {
    Fault::Raised(Box::new(Raised {
        kind: Some(error.kind.to_owned()),
        message: error.message,
        ..Raised::default()
    }))
}

/// Discord lists so many commands of each kind: what is beyond could never be called there.
fn check_numbers(declarations: &Staged) -> Result<(), Fault> {
    for kind in CommandKind::ALL {
        let listed = declarations.commands().map(|command| &command.definition);
        let listed: Vec<_> = listed
            .filter(|it| it.kind == kind && application_command(it, true).is_some())
            .collect();
        let (most, count) = (kind.most(), listed.len());
        let Some(first) = listed.get(most) else {
            continue;
        };
        let name = &first.name;
        let message = match kind {
            CommandKind::Chat => format!(
                "cog.command \"{name}\": slash: this cog has {count} slash commands, and Discord lists {most} of one bot; put some into groups, or set `slash = false` where typing is enough"
            ),
            CommandKind::User => format!(
                "cog.user_command \"{name}\": this cog has {count} of them, and Discord lists {most} of one bot"
            ),
            CommandKind::Message => format!(
                "cog.message_command \"{name}\": this cog has {count} of them, and Discord lists {most} of one bot"
            ),
        };
        return Err(fault_at(first, message));
    }
    Ok(())
}

fn fault_at(definition: &CommandDefinition, message: String) -> Fault {
    let place = definition.place.clone();
    let place = place.map(|(file, line)| SourceLocation {
        file,
        line,
        ..SourceLocation::default()
    });
    Fault::Raised(Box::new(Raised {
        message,
        place,
        ..Raised::default()
    }))
}

/// Names of commands in other languages have Discord's limits, too.
fn check_names(declarations: &Staged, texts: &Texts) -> Result<(), Fault> {
    if !texts.name_commands() {
        return Ok(());
    }
    for command in declarations.commands() {
        let Some(mut listed) = application_command(&command.definition, true) else {
            continue;
        };
        localize(&mut listed, texts);
        if let Some(complaint) = complaint(&listed) {
            let message = format!("cog.texts: {complaint}");
            return Err(fault_at(&command.definition, message));
        }
    }
    Ok(())
}

fn offer_of(live: &Live, texts: Arc<Texts>) -> Offer {
    let declarations = &live.declarations;
    let commands: Vec<_> = declarations.commands().cloned().collect();
    let events: BTreeSet<_> = declarations
        .listeners()
        .map(|listener| listener.event)
        .collect();
    let mut needed = live.info.intents;
    for name in &events {
        let names = event(name).map_or(&[][..], |event| &event.intents[..]);
        needed |= intents::of(names.iter().copied()).unwrap_or_default();
    }
    let asks_for_unknown = declarations.hooks(Hook::Unknown).next().is_some();
    if asks_for_unknown || commands.iter().any(|command| command.definition.prefix) {
        let names = ["guild_messages", "direct_messages", "message_content"];
        needed |= intents::of(names).unwrap_or_default();
    }
    let shared = live.info.capabilities.iter();
    let shared = shared.filter_map(|it| it.strip_prefix("shared:"));
    let checks = declarations.checks();
    Offer {
        commands,
        texts,
        checks: checks.flat_map(|it| it.checks.clone()).collect(),
        components: declarations.components().cloned().collect(),
        events,
        asks_for_unknown,
        intents: needed,
        shared: shared.map(str::to_owned).collect(),
        executed: live.generation.executed(),
        generation: Some(Arc::clone(&live.generation)),
    }
}
