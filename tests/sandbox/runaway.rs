//! A cog that runs wild in any way, and then its mended file is saved: the very next command is answered. Limits are such
//! that what the old version does would last far longer than a test's patience.

use crate::support::{PATIENCE, Setup, Stage, setup, times, until};
use cogsmith::api::context::CogContext;
use cogsmith::api::limit_view::limits_of;
use cogsmith::api::limits::Limit;
use cogsmith::sim::{InjectedFault, Limit as RateLimit, RateLimits, RestFaultKind};
use std::sync::Arc;
use std::time::Duration;

/// Long waits, and time enough that nothing ends by itself.
const PATIENT: &str =
    r#""handler_seconds": 3600, "cpu_seconds_per_minute": 3600, "discord_calls_per_10s": 10000"#;
/// A minute's time is used up at once, and the cog would have to pause for the rest of it.
const PAUSED: &str =
    r#""handler_seconds": 3600, "cpu_seconds_per_minute": 1, "discord_calls_per_10s": 10000"#;

/// One way to run wild.
struct Kind {
    limits: String,
    /// The body of `!wild`, and what else the cog declares.
    body: &'static str,
    declares: &'static str,
    /// How often `!wild` is said.
    times: usize,
    /// The body of the mended `!wild`, which answers `mended`.
    mended: &'static str,
    /// Fields of the command in both versions.
    fields: &'static str,
    /// By what one sees that it runs wild.
    sign: fn(&Stage, &CogContext) -> bool,
    prepare: fn(Setup) -> Setup,
    begin: fn(&Stage),
}

impl Kind {
    fn new(limits: &str, body: &'static str, sign: fn(&Stage, &CogContext) -> bool) -> Self {
        Self {
            limits: limits.to_owned(),
            body,
            declares: "",
            times: 1,
            mended: "ctx:reply(\"mended\")",
            fields: "",
            sign,
            prepare: |setup| setup,
            begin: |_| {},
        }
    }

    fn source(&self, body: &str, declares: &str) -> String {
        format!(
            "local cog, task = require(\"@cogsmith/cog\"), require(\"@cogsmith/task\")
local kept = {{}}
{declares}
cog.command {{ name = \"wild\", {} run = function(ctx)
    {body}
end }}
",
            self.fields
        )
    }

    /// Runs wild, is mended, and answers.
    async fn ends_with_a_mended_file(self) {
        let (wild, mended) = (
            self.source(self.body, self.declares),
            self.source(self.mended, ""),
        );
        let config = format!(r#"{{ "limits": {{ {} }} }}"#, self.limits);
        let setup = setup(&[("cogs/t.luau", wild.as_str())]).config(&config);
        let mut stage = (self.prepare)(setup).start().await;
        // From here on the channel's rate limit is known.
        stage.ask("!help").await;
        (self.begin)(&stage);
        for _ in 0..self.times {
            say(&stage);
        }
        let context = context(&stage);
        until(|| (self.sign)(&stage, &context)).await;
        stage.save("cogs/t.luau", &mended);
        stage.applied().await;
        for _ in 0..3 {
            let said = say(&stage);
            let answer = stage.sim.reply_to(said, PATIENCE).await.unwrap();
            assert_eq!(answer["content"], "mended");
            until(|| handlers(&stage) == 0).await;
        }
        assert!(!context.limits.pauses() && !context.condition.now().is_quarantined());
        assert_eq!(context.stops.count(stage.bot.services.clock.now()), 0);
    }
}

fn context(stage: &Stage) -> Arc<CogContext> {
    Arc::clone(&stage.bot.cogs.get("t").unwrap().context)
}

/// Somebody without rights says `!wild`; the message's id.
fn say(stage: &Stage) -> u64 {
    let anna = stage.sim.user("anna").unwrap();
    let said = stage.sim.say(anna, stage.general(), "!wild").unwrap();
    said["id"].as_str().unwrap().parse().unwrap()
}

fn met(context: &CogContext, limit: Limit) -> bool {
    let views = limits_of(context);
    views.iter().any(|it| it.key == limit.key() && it.met > 0)
}

/// Handlers of the version that answers.
fn handlers(stage: &Stage) -> usize {
    let cog = stage.bot.cogs.get("t").unwrap();
    cog.peek(|status| {
        let generation = status.generation.as_ref();
        generation.map_or(0, |generation| generation.life.handlers())
    })
}

const BOMB: &str = "local function f() task.defer(f) task.defer(f) end f()";

const BURN: &str = "while true do
        local began = os.clock()
        while os.clock() - began < 0.02 do end
        task.wait(0)
    end";

const WAITS: &str = "task.wait(800)";

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_begin_tasks() {
    let kind = Kind::new(PATIENT, BOMB, |_, cog| met(cog, Limit::Tasks));
    kind.ends_with_a_mended_file().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_begin_tasks_until_the_cog_has_to_pause() {
    let kind = Kind::new(PAUSED, BOMB, |_, cog| met(cog, Limit::CpuPerMinute));
    kind.ends_with_a_mended_file().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_do_not_wait() {
    let body = "for i = 1, 900 do
        task.spawn(function() while true do task.wait(0) end end)
    end";
    let kind = Kind::new(PATIENT, body, |_, cog| cog.limits.tasks() >= 900);
    kind.ends_with_a_mended_file().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tasks_there_are() {
    let body = "for i = 1, 1000 do task.spawn(task.wait, 800) end";
    let mended = "for i = 1, 300 do task.spawn(task.wait, 1) end ctx:reply(\"mended\")";
    Kind {
        mended,
        ..Kind::new(PATIENT, body, |_, cog| cog.limits.tasks() >= 1_000)
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_burn_processor_time() {
    Kind {
        times: 50,
        ..Kind::new(PATIENT, BURN, |stage, _| handlers(stage) >= 50)
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_have_used_up_the_minute() {
    let kind = Kind::new(PAUSED, BURN, |_, cog| met(cog, Limit::CpuPerMinute));
    kind.ends_with_a_mended_file().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_are_stopped_again_and_again() {
    let limits = format!(r#"{PATIENT}, "cpu_ms": 30, "faults_per_10min": 3"#);
    Kind {
        times: 3,
        ..Kind::new(&limits, "while true do end", |_, cog| {
            cog.condition.now().is_quarantined()
        })
    }
    .ends_with_a_mended_file()
    .await;
}

/// What is wanted of the memory that the old version had.
const NEEDS: &str = "local needs = buffer.create(4 * 1048576)
    ctx:reply(if buffer.len(needs) > 0 then \"mended\" else \"\")";

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_hold_all_memory() {
    let body = "kept[1] = buffer.create(28 * 1048576) task.wait(800) print(kept)";
    Kind {
        mended: NEEDS,
        ..Kind::new(PATIENT, body, |_, cog| cog.memory() > 28 << 20)
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_take_more_and_more_memory() {
    let body = "while true do
        table.insert(kept, buffer.create(65536))
        task.wait(0)
    end";
    Kind {
        mended: NEEDS,
        ..Kind::new(PATIENT, body, |_, cog| cog.memory() > 4 << 20)
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_coroutines_there_are() {
    let limits = format!(r#"{PATIENT}, "coroutines": 1000"#);
    let body = "for i = 1, 1000 do kept[i] = coroutine.create(print) end task.wait(800)";
    let mended =
        "for i = 1, 300 do table.insert(kept, coroutine.create(print)) end ctx:reply(\"mended\")";
    Kind {
        mended,
        ..Kind::new(&limits, body, |_, cog| cog.limits.coroutines() >= 1_000)
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_calls_that_may_be_open() {
    let body = "for i = 1, 30 do task.spawn(function() ctx:send(\"x\") end) end";
    Kind {
        begin: |stage| {
            let path = "/channels/{channel_id}/messages";
            let late = RestFaultKind::Delay(Duration::from_secs(600));
            stage
                .sim
                .fault(InjectedFault::rest("POST", path, late).times(10));
        },
        ..Kind::new(PATIENT, body, |stage, _| {
            stage.sim.requests_in_flight() >= 10
        })
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_for_a_rate_limit() {
    let body = "for i = 1, 500 do
        task.spawn(function() ctx:send(\"x\") end)
    end";
    Kind {
        prepare: |setup| {
            let narrow = RateLimit {
                requests: 2,
                per: Duration::from_secs(1),
            };
            let path = "/channels/{channel_id}/messages";
            setup.rate_limits(RateLimits::default().with_route("POST", path, narrow))
        },
        ..Kind::new(PATIENT, body, |stage, _| stage.written().len() > 1)
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox() {
    let limits = format!(r#"{PATIENT}, "mailbox": 50"#);
    Kind {
        declares: "for i = 1, 1000 do
    cog.on.message_create(function(message)
        if message.content == \"!wild\" then
            task.wait(800)
        end
    end)
end",
        times: 100,
        ..Kind::new(&limits, WAITS, |_, cog| met(cog, Limit::Mailbox))
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_all_wait() {
    Kind {
        fields: "max_concurrent = { limit = 1, scope = \"global\" },",
        ..Kind::new(PATIENT, WAITS, |stage, _| handlers(stage) >= 1)
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_that_are_held() {
    let body = "task.lock(\"key\", function() kept[1] = true task.wait(800) end)";
    Kind {
        mended: "task.lock(\"key\", function() ctx:reply(\"mended\") end)",
        times: 20,
        ..Kind::new(PATIENT, body, |stage, _| handlers(stage) >= 20)
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_that_flood() {
    let limits = PAUSED;
    Kind {
        declares: "for i = 1, 200 do
    cog.every(0.1, function()
        local began = os.clock()
        while os.clock() - began < 0.02 do end
    end, { name = `timer {i}` })
end",
        ..Kind::new(limits, "", |_, cog| met(cog, Limit::CpuPerMinute))
    }
    .ends_with_a_mended_file()
    .await;
}

/// The old version's timer of that name is called, and does not end.
#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_does_not_end() {
    const EVERY: &str = "cog.every(0.1, function()
    OF_TIMER
end, { name = \"tick\" })";
    let kind = Kind::new(PATIENT, "", |_, _| true);
    let wild = EVERY.replace("OF_TIMER", "task.wait(800)");
    let mended = EVERY.replace("OF_TIMER", "kept[1] = true");
    let body = "while not kept[1] do task.wait(0.01) end ctx:reply(\"mended\")";
    let (wild, mended) = (kind.source("", &wild), kind.source(body, &mended));
    let config = format!(r#"{{ "limits": {{ {PATIENT} }} }}"#);
    let setup = setup(&[("cogs/t.luau", wild.as_str())]).config(&config);
    let mut stage = setup.start().await;
    until(|| handlers(&stage) == 1).await;
    stage.save("cogs/t.luau", &mended);
    stage.applied().await;
    let said = say(&stage);
    let answer = stage.sim.reply_to(said, PATIENCE).await.unwrap();
    assert_eq!(answer["content"], "mended");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_flood_the_disk() {
    let limits = format!(r#"{PATIENT}, "state_write_kb_per_s": 8"#);
    let body = "for round = 1, 1e6 do
        for i = 1, 8 do
            state.global[`key {i}`] = string.rep(\"x\", 128 * 1024) .. round
            task.wait(0.05)
        end
    end";
    Kind {
        declares: "local state = require(\"@cogsmith/state\")",
        mended: "local state = require(\"@cogsmith/state\")
    state.global.mended = true
    ctx:reply(\"mended\")",
        prepare: Setup::stored,
        ..Kind::new(&limits, body, |_, cog| met(cog, Limit::StateWrites))
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_flood() {
    let body = "for i = 1, 200 do
        task.spawn(function()
            while true do
                task.spawn(error, string.rep(\"x\", 1000))
                task.wait(0)
            end
        end)
    end";
    Kind {
        declares: "cog.on_error(function() error(\"again\") end)",
        ..Kind::new(PATIENT, body, |_, cog| {
            met(cog, Limit::LogLines) || met(cog, Limit::LogSize)
        })
    }
    .ends_with_a_mended_file()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_runs_wild() {
    Kind {
        declares: "cog.on_unload(function()
    local function f() task.defer(f) task.defer(f) end
    f()
    while true do task.wait(0) end
end)
cog.on_unload(function() while true do end end)",
        ..Kind::new(PATIENT, "ctx:reply(\"wild\")", |stage, _| {
            stage.written().len() > 1
        })
    }
    .ends_with_a_mended_file()
    .await;
}

/// One wild version after the other, each saved while the one before runs wild.
#[tokio::test(flavor = "multi_thread")]
async fn several_wild_versions() {
    let kind = Kind::new(PAUSED, BOMB, |_, _| true);
    let wild = kind.source(kind.body, "");
    let config = format!(r#"{{ "limits": {{ {PAUSED} }} }}"#);
    let setup = setup(&[("cogs/t.luau", wild.as_str())]).config(&config);
    let mut stage = setup.start().await;
    let context = context(&stage);
    for version in 1..=times(3, 5) {
        say(&stage);
        let hits = || {
            context.limit_hits.times(Limit::CpuPerMinute) + context.limit_hits.times(Limit::Tasks)
        };
        let before = hits();
        until(|| hits() > before).await;
        stage.save("cogs/t.luau", &format!("{wild}-- {version}\n"));
        stage.applied().await;
    }
    stage.save("cogs/t.luau", &kind.source(kind.mended, ""));
    stage.applied().await;
    let said = say(&stage);
    let answer = stage.sim.reply_to(said, PATIENCE).await.unwrap();
    assert_eq!(answer["content"], "mended");
}
