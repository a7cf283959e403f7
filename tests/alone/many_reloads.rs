//! Many reloads leave behind what one load does: four hundred, or with `COGSMITH_LONG_TESTS` ten thousand.

use crate::allocated::allocated;
use crate::turn;

use crate::support::{Stage, resident, setup, times};
use cogsmith::clock::Clock;
use cogsmith::reload::plan::{Action, CogPlan, Plan};
use cogsmith::reload::report::Trigger;
use cogsmith::reload::sources::{ModuleId, Snapshot};
use cogsmith::reload::transaction::{self, CogResult};
use cogsmith::vm::build::Vm;
use cogsmith::vm::generation::Generation;
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A moment for paused clocks: November 2023.
const NOW: u64 = 1_700_000_000;
/// After so many of them memory is measured for the first time.
const EARLY: usize = 100;
/// So many of the first and of the last come over the watcher.
const SAVES: usize = 50;
/// How many old generations may run beside each other.
const AT_ONCE: usize = 10;

/// Registers everything that a cog can, in every way, and waits for everything that it can wait for.
const COG: &str = r#"
local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local task = require("@cogsmith/task")
local kept = require("../utils/kept")

cog.info { description = "Everything", intents = { "guild_members" }, capabilities = { "messages.send" } }
local data = state.defaults {
    global = {
        heard = 0, kept = 0, ticks = 0, unnamed = 0, looped = 0, delayed = 0, deferred = 0, wrapped = 0, locked = 0,
        late = 0, readied = 0, errors = 0, denials = 0, loads = 0, readies = 0, unloads = 0,
    },
    member = { xp = 0 },
}
local counts = data.global
local session = state.session.defaults { global = { kept = {} } }

cog.on.message_create(function(message)
    if message.content == "hello" then
        counts.heard += 1
        data.member(message.guild_id, message.author.id).xp += 1
    end
end)
cog.on("message_update", function() end)
cog.every("60s", function() counts.ticks += 1 end, { name = "tick" })
cog.every("60s", function() counts.unnamed += 1 end)

cog.on_load(function() counts.loads += 1 end)
cog.on_ready(function()
    counts.readies += 1
    counts.late += require("../utils/late")
    session.global.kept = { counts.readies }
    task.spawn(function()
        while true do
            task.wait("60s")
            counts.looped += 1
        end
    end)
    task.delay("60s", function() counts.delayed += 1 end)
    task.defer(function()
        task.wait("60s")
        counts.deferred += 1
    end)
    coroutine.wrap(function()
        task.wait("60s")
        counts.wrapped += 1
    end)()
    task.spawn(function()
        task.lock("key", function()
            task.wait("60s")
            counts.locked += 1
        end)
    end)
    task.spawn(function()
        pcall(task.timeout, "10m", function() task.wait("15m") end)
    end)
    task.cancel(task.delay("5m", function() end))
    task.wait("60s")
    counts.readied += 1
end)
cog.on_unload(function() counts.unloads += 1 end)
cog.on_error(function() counts.errors += 1 end)
cog.on_denied(function() counts.denials += 1 end)

local number = cog.option.integer { name = "number", default = function() return 1 end }
local word = cog.option.maybe(cog.option.string { name = "word", convert = function(_, text) return text end })
cog.command {
    name = "counts",
    aliases = { "how-many" },
    options = { number, word },
    checks = { cog.check.custom(function() return true end), cog.check.any(cog.check.owner) },
    cooldown = { uses = 100, per = "1s", scope = "user" },
    max_concurrent = { limit = 5, scope = "user" },
    run = function(ctx)
        ctx:finally(function() end)
        local numbers = {}
        for _, name in {
            "heard", "kept", "ticks", "unnamed", "looped", "delayed", "deferred", "wrapped", "locked", "readied",
            "errors", "denials", "late", "loads", "readies", "unloads",
        } do
            table.insert(numbers, tostring(counts[name] * ctx:get(number)))
        end
        ctx:reply(table.concat(numbers, " "))
    end,
}
cog.group {
    name = "group",
    commands = {
        { name = "fail", run = function() error("on purpose") end },
        {
            name = "deny",
            checks = { cog.check.custom(function() return false, "on purpose" end) },
            run = function() end,
        },
    },
}
"#;

/// A module that is kept by most reloads, with declarations of its own.
const KEPT: &str = r#"
local cog, state = require("@cogsmith/cog"), require("@cogsmith/state")
cog.on.message_create(function(message)
    if message.content == "hello" then state.global.kept += 1 end
end)
return { table.create(100, 0) }
"#;

fn text(cog: &str, version: usize) -> String {
    format!("-- version {version}\n{cog}")
}

/// Where the process and the cog stand.
#[derive(Debug)]
struct Standing {
    /// Bytes of Luau's heap after a collection.
    heap: usize,
    /// Bytes that the process has allocated, Luau's heap among them.
    allocated: usize,
    /// Who waits for the clock: timers, tasks, handlers.
    sleepers: usize,
    /// Generations of which something is left.
    generations: usize,
}

struct Bench {
    stage: Stage,
    generations: Vec<Weak<Generation>>,
    vm: Option<Vm>,
    /// Reloads that were committed.
    commits: usize,
}

impl Bench {
    /// Lets the old generations' handlers come to their end, which `limits.handler_seconds` sets at a second.
    async fn retire(&mut self) {
        let clock = &self.stage.bot.services.clock;
        self.stage.settled().await;
        let until = clock.now() + Duration::from_secs(2);
        while clock.advance_to_next(until) {}
        self.stage.settled().await;
        // A weak reference keeps a generation's memory, if not the generation.
        self.generations.retain(|it| it.strong_count() > 0);
    }

    async fn standing(&mut self) -> Standing {
        self.retire().await;
        let vm = self.vm.as_ref().unwrap();
        vm.collect();
        Standing {
            heap: vm.memory(),
            allocated: allocated(),
            sleepers: self.stage.bot.services.clock.sleepers(),
            generations: self.generations.len(),
        }
    }

    /// Reloads the cog without a watcher in between. The version decides what changes, and whether it can be
    /// taken.
    async fn reload(&mut self, version: usize) {
        let cog = match version % 50 {
            10 => COG.to_owned() + "error(\"at the end of the file\")",
            20 => COG.to_owned() + "cog.on_load(function() error(\"in on_load\") end)",
            30 => COG.to_owned() + "this is = broken",
            40 => COG.to_owned() + "cog.command { name = \"reload\", run = function() end }",
            _ => COG.to_owned(),
        };
        let is_good = version.is_multiple_of(50) || !version.is_multiple_of(10);
        let changes_module = version % 25 == 7;
        let (entry, module) = (ModuleId::new("cogs/x"), ModuleId::new("utils/kept"));
        let mut plan = CogPlan {
            name: "x".to_owned(),
            entry: entry.clone(),
            action: Action::Reload,
            stale: BTreeSet::from([entry.clone()]),
            keep: BTreeSet::from([module.clone()]),
            afresh: false,
            holds_back: true,
            undone: None,
            trial: None,
        };
        if changes_module {
            plan.stale.insert(module.clone());
            plan.keep.clear();
        }
        let snapshot = Snapshot::of_texts([
            ("cogs/x.luau", text(&cog, version).as_str()),
            ("utils/kept.luau", text(KEPT, version / 25).as_str()),
            ("utils/late.luau", "return 1"),
        ]);
        let plan = Plan { cogs: vec![plan] };
        let cogs = &self.stage.bot.cogs;
        let mut results = transaction::run(cogs, &plan, &Arc::new(snapshot), Trigger::Files).await;
        match results.pop().unwrap().2 {
            CogResult::Committed(_, committed) if is_good => {
                self.commits += 1;
                self.generations
                    .push(Arc::downgrade(&committed.live.generation));
                self.vm = Some(committed.live.vm.clone());
            }
            CogResult::Failed(_) if !is_good => {}
            other => panic!("version {version}: {other:?}"),
        }
        if version.is_multiple_of(AT_ONCE) {
            self.retire().await;
        }
    }

    /// The same over the watcher, as often as [`SAVES`]; the last one has this version.
    async fn save(&mut self, last: usize) {
        for version in last - SAVES + 1..=last {
            self.stage.save("cogs/x.luau", &text(COG, version));
            self.stage.applied().await;
            self.commits += 1;
            self.retire().await;
        }
    }

    async fn counts(&self) -> Vec<usize> {
        let answer = self.stage.ask("!counts").await;
        let numbers = answer.split(' ').map(|number| number.parse().unwrap());
        numbers.collect()
    }

    /// What happens within two minutes in which somebody says hello, fails and is denied: how often each of the
    /// things that the cog counts.
    async fn two_minutes(&self) -> Vec<usize> {
        let before = self.counts().await;
        for line in ["hello", "!group fail", "!group deny"] {
            self.stage.says("owner", line).await;
        }
        self.stage.advance(Duration::from_secs(120)).await;
        let after = self.counts().await;
        after
            .iter()
            .zip(before)
            .map(|(after, before)| after - before)
            .collect()
    }
}

async fn start() -> Bench {
    let files = [
        ("cogs/x.luau", COG),
        ("utils/kept.luau", KEPT),
        ("utils/late.luau", "return 1"),
    ];
    let config = r#"{
        "limits": { "handler_seconds": 1, "cpu_seconds_per_minute": 3600 },
        "hot_reload": { "log_reloads": false }
    }"#;
    let stage = setup(&files)
        .config(config)
        .clock(Clock::paused(NOW))
        .start()
        .await;
    let mut bench = Bench {
        stage,
        generations: Vec::new(),
        vm: None,
        commits: 0,
    };
    bench.retire().await;
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reloads_leave_as_much_behind_as_one_load() {
    let _alone = turn().await;
    let reloads = times(400, 10_000);
    let first = start().await;
    let sleepers = first.stage.bot.services.clock.sleepers();
    let of_one_load = first.two_minutes().await;
    // Said once, every 60 s, once after 60 s, failed, denied; and no reload.
    let happened = [1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0];
    assert_eq!(of_one_load, happened);
    first.stage.stop().await;

    let mut bench = start().await;
    for version in 1..=EARLY - SAVES {
        bench.reload(version).await;
    }
    bench.save(EARLY).await;
    let early = bench.standing().await;
    let early_resident = resident();
    for version in EARLY + 1..=reloads - SAVES {
        bench.reload(version).await;
    }
    bench.save(reloads).await;
    let late = bench.standing().await;
    if std::env::var("COGSMITH_TEST_LOG").is_ok() {
        // What the allocator keeps depends on which threads did what: told, and not held to a limit.
        let late_resident = resident();
        eprintln!("after {EARLY}: {early:?}, {early_resident} bytes resident");
        eprintln!("after {reloads}: {late:?}, {late_resident} bytes resident");
    }

    // The one that runs came over the watcher, and does not count.
    assert_eq!(
        (early.generations, late.generations),
        (0, 0),
        "old generations"
    );
    assert_eq!(
        (early.sleepers, late.sleepers),
        (sleepers, sleepers),
        "timers and tasks"
    );
    // Luau counts whole pages of 16 KB, and how many are partly empty differs from run to run.
    assert!(
        has_not_grown(early.heap, late.heap, 10),
        "{early:?} {late:?}"
    );
    assert!(
        has_not_grown(early.allocated, late.allocated, 5),
        "{early:?} {late:?}"
    );
    let counted = bench.counts().await;
    let commits = bench.commits;
    assert_eq!(
        counted[12..],
        [commits + 1, commits + 1, commits + 1, commits]
    );
    assert_eq!(bench.two_minutes().await, happened);
}

/// Whether it is larger by no more than so many hundredths.
fn has_not_grown(before: usize, after: usize, hundredths: usize) -> bool {
    after * 100 <= before * (100 + hundredths)
}
