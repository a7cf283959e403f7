//! Every limit of a cog's: an error that names it, its value and the author's line, and a count that is shown.

use crate::support::cases;
use crate::support::{Stage, command, setup, until};
use cogsmith::api::limit_view::limits_of;
use cogsmith::api::limits::Limit;
use cogsmith::clock::Clock;
use cogsmith::discord::outbound::WaitingCalls;
use cogsmith::sim::InjectedFault;
use cogsmith::state::StateLimits;
use std::time::{Duration, Instant};

/// The fault that was reported last, with its place, as the log shows it.
fn last_fault(stage: &Stage) -> String {
    let faults = &stage.bot.services.faults;
    let all = faults.since(faults.count().saturating_sub(1));
    all[0].to_string()
}

fn met(stage: &Stage, limit: Limit) -> u64 {
    let cog = stage.bot.cogs.get("t").unwrap();
    let views = limits_of(&cog.context);
    views.iter().find(|it| it.key == limit.key()).unwrap().met
}

/// The cog's calls to Discord that wait.
fn waiting(stage: &Stage) -> Vec<WaitingCalls> {
    stage.bot.services.outbound.waiting_of("t")
}

async fn stage(config: &str, body: &str) -> Stage {
    let config = format!(r#"{{ "limits": {config} }}"#);
    let source = command("t", body);
    setup(&[("cogs/t.luau", &source)])
        .config(&config)
        .start()
        .await
}

/// Runs `!t`, which must be stopped: with these words, at the author's line, and counted.
async fn is_stopped(config: &str, body: &str, limit: Limit, words: &str) {
    let stage = stage(config, body).await;
    let answer = cases::answers(&stage, "!t").await;
    assert!(answer[0].contains("The log has the rest"), "{answer:?}");
    let fault = last_fault(&stage);
    assert!(fault.contains(words), "{fault}");
    assert!(
        fault.starts_with("lua/cogs/t.luau:5:"),
        "the author's line: {fault}"
    );
    assert_eq!(met(&stage, limit), 1);
}

/// Runs `!t`, which catches an error and answers with it.
async fn raises(config: &str, body: &str, limit: Limit, words: &str) {
    let body = format!(
        "local ok, err = pcall(function() {body} end) ctx:reply(`{{err.kind}} {{err.line}} {{err.message}}`)"
    );
    let stage = stage(config, &body).await;
    let answer = cases::answers(&stage, "!t").await;
    let answer = answer.last().unwrap();
    assert!(answer.starts_with("limit 5 "), "{answer}");
    assert!(answer.contains(words), "{answer}");
    assert!(met(&stage, limit) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    let words = "needed more than 4 MB of memory (limits.memory_mb) and was stopped";
    is_stopped(
        r#"{ "memory_mb": 4 }"#,
        "local t = {} while true do t[#t + 1] = buffer.create(10000) end",
        Limit::Memory,
        words,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processor_time_of_a_slice() {
    let words = "ran for more than 50 ms without waiting (limits.cpu_ms) and was stopped";
    let limits = r#"{ "cpu_ms": 50 }"#;
    is_stopped(limits, "while true do end", Limit::Cpu, words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processor_time_of_a_minute_also_in_small_pieces() {
    let words = "its cog used more than 1 s of processor time within a minute (limits.cpu_seconds_per_minute) and has to pause";
    let stage = stage(
        r#"{ "cpu_ms": 60000, "cpu_seconds_per_minute": 1 }"#,
        "local t = require(\"@cogsmith/task\") while true do for i = 1, 10000 do end t.wait(0) end",
    )
    .await;
    let answer = cases::answers(&stage, "!t").await;
    assert!(answer[0].contains("The log has the rest"), "{answer:?}");
    assert!(last_fault(&stage).contains(words), "{}", last_fault(&stage));
    // For the rest of the minute nothing of it runs, and nobody waits in vain.
    let answer = cases::answers(&stage, "!t").await;
    assert!(answer[0].contains("The log has the rest"), "{answer:?}");
    assert_eq!(met(&stage, Limit::CpuPerMinute), 2);
    // Another version can be loaded all the same.
    assert!(stage.ask("!reload cog t").await.contains("`t`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_of_a_handler() {
    let stage = stage(
        r#"{ "handler_seconds": 1 }"#,
        "local t = require(\"@cogsmith/task\") while true do t.wait(0) end",
    )
    .await;
    let answer = cases::answers(&stage, "!t").await;
    assert!(answer[0].contains("The log has the rest"), "{answer:?}");
    let words = "took longer than 1 s (limits.handler_seconds) and was stopped";
    assert!(last_fault(&stage).contains(words), "{}", last_fault(&stage));
    assert_eq!(met(&stage, Limit::HandlerTime), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn depth_of_calls() {
    let body = "local function f() return 1 + f() end f()";
    for (config, depth) in [("{}", "20000"), (r#"{ "call_depth": 150 }"#, "150")] {
        let words =
            format!("stack overflow: calls are nested more than {depth} deep (limits.call_depth)");
        is_stopped(config, body, Limit::CallDepth, &words).await;
    }
}

/// Near the limit nothing happens, in loops neither; coroutines begin anew, and the deadline still holds.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_less_deep_than_their_limit() {
    let body =
        "local function f(n) for i = 1, 3 do end return if n == 0 then 0 else 1 + f(n - 1) end
        local ok, err = pcall(f, 1000)
        ctx:reply(`{f(130)} {coroutine.wrap(f)(130)} {ok} {string.match(err, \"stack overflow\")}`)
        while true do end";
    let stage = stage(r#"{ "call_depth": 150, "cpu_ms": 100 }"#, body).await;
    let answers = cases::answers(&stage, "!t").await;
    assert_eq!(answers[0], "130 130 false stack overflow");
    assert_eq!(met(&stage, Limit::Cpu), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn coroutines() {
    raises(
        r#"{ "coroutines": 20 }"#,
        "local t = {} for i = 1, 100 do t[i] = coroutine.wrap(function() coroutine.yield() end) t[i]() end",
        Limit::Coroutines,
        "this cog already has 20 coroutines (limits.coroutines)",
    )
    .await;
}

/// What is garbage does not count.
#[tokio::test(flavor = "multi_thread")]
async fn coroutines_that_ended_make_room() {
    let body =
        "for i = 1, 1000 do coroutine.wrap(function() end)() end ctx:reply(\"made a thousand\")";
    let stage = stage(r#"{ "coroutines": 20 }"#, body).await;
    assert_eq!(stage.ask("!t").await, "made a thousand");
    assert_eq!(met(&stage, Limit::Coroutines), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks() {
    raises(
        r#"{ "tasks": 5 }"#,
        "for i = 1, 100 do task.delay(600, function() end) end",
        Limit::Tasks,
        "this cog already has 5 tasks (limits.tasks)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timers() {
    let mut stage = stage(r#"{ "timers": 2 }"#, "").await;
    let source =
        "local cog = require(\"@cogsmith/cog\")\nfor i = 1, 3 do\n    cog.every(60, print)\nend\n";
    stage.save("cogs/t.luau", source);
    let report = stage.failed().await;
    let problem = crate::support::problems_of(&report);
    assert!(
        problem.contains("a cog may have 2 timers (limits.timers)"),
        "{problem}"
    );
    assert!(problem.contains("lua/cogs/t.luau:3"), "{problem}");
    assert_eq!(met(&stage, Limit::Timers), 1);
}

/// What does not fit into the mailbox is dropped, and some of those who called are told.
#[tokio::test(flavor = "multi_thread")]
async fn the_mailbox() {
    let stage = stage(
        r#"{ "mailbox": 3, "cpu_ms": 1000 }"#,
        "for i = 1, 3e6 do end ctx:reply(\"done\")",
    )
    .await;
    let anna = stage.sim.user("anna").unwrap();
    for _ in 0..40 {
        stage.sim.say(anna, stage.general(), "!t").unwrap();
    }
    stage.settled().await;
    let written = stage.written();
    let of = |text: &str| written.iter().filter(|it| it.contains(text)).count();
    let dropped = usize::try_from(met(&stage, Limit::Mailbox)).unwrap();
    assert!(dropped > 0, "{written:?}");
    assert_eq!(of("done") + dropped, 40);
    assert_eq!(of("Too much is waiting"), dropped.min(5));
    let shown = stage.ask("!cogs").await;
    assert!(shown.contains("events dropped"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_the_log() {
    let body = "for i = 1, 50 do print(i) end ctx:reply(\"done\")";
    let stage = stage(r#"{ "log_lines_per_10s": 10 }"#, body).await;
    assert_eq!(stage.ask("!t").await, "done");
    assert_eq!(met(&stage, Limit::LogLines), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_the_log() {
    let body = "for i = 1, 50 do print(string.rep(\"x\", 1900)) end
        for i = 1, 50 do task.spawn(error, string.rep(\"y\", 900)) end
        ctx:reply(\"done\")";
    let source = command("t", body);
    let setup = setup(&[("cogs/t.luau", &source)]).clock(Clock::paused(1_700_000_000));
    let config = r#"{ "limits": { "log_kb_per_10s": 10 } }"#;
    let stage = setup.config(config).start().await;
    assert_eq!(stage.ask("!t").await, "done");
    // Five lines of 2 KB have room, and no failure with its excerpt after them.
    assert_eq!(met(&stage, Limit::LogSize), 95);
    assert_eq!(met(&stage, Limit::LogLines), 0);
    assert_eq!(stage.bot.services.faults.count(), 0);
}

/// Forty noisy cogs write no more than eight of them, and leave a quiet one its lines.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_the_log_of_all_cogs() {
    let loud = "for i = 1, 10 do print(string.rep(\"x\", 1900)) end ctx:reply(\"done\")";
    let cogs: Vec<_> = (0..40)
        .map(|it| {
            (
                format!("cogs/loud{it}.luau"),
                command(&format!("loud{it}"), loud),
            )
        })
        .collect();
    let quiet = command("quiet", "print(\"here\") ctx:reply(\"done\")");
    let mut files = vec![("cogs/quiet.luau", quiet.as_str())];
    files.extend(
        cogs.iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    );
    let config = r#"{ "limits": { "log_kb_per_10s": 20 } }"#;
    let setup = setup(&files).config(config);
    let stage = setup.clock(Clock::paused(1_700_000_000)).start().await;
    for cog in 0..40 {
        assert_eq!(stage.ask(&format!("!loud{cog}")).await, "done");
    }
    let left_out = |cog: &str| {
        let cog = stage.bot.cogs.get(cog).unwrap();
        cog.context.limit_hits.times(Limit::LogSize)
    };
    let all: u64 = (0..40).map(|cog| left_out(&format!("loud{cog}"))).sum();
    // 400 lines of 2 KB, of which 160 KB have room.
    assert!((310..=325).contains(&all), "{all}");
    assert_eq!(stage.ask("!quiet").await, "done");
    assert_eq!(left_out("quiet"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_the_log_about_failures() {
    let body = "for i = 1, 50 do task.spawn(error, \"spam\") end ctx:reply(\"done\")";
    let stage = stage(r#"{ "log_lines_per_10s": 10 }"#, body).await;
    assert_eq!(stage.ask("!t").await, "done");
    let told = stage.bot.services.faults.count();
    assert!((10..30).contains(&told), "{told}");
    assert!(met(&stage, Limit::LogLines) >= 20);
}

/// Calls beyond the limit wait for their turn, in order, as they do at Discord's own limits.
#[tokio::test(flavor = "multi_thread")]
async fn calls_to_discord() {
    let body = "for i = 1, 3 do ctx:send(`{i}`) end ctx:send(\"done\")";
    let stage = stage(r#"{ "discord_calls_per_10s": 2 }"#, body).await;
    let (owner, general) = (stage.sim.owner(), stage.general());
    stage.sim.say(owner, general, "!t").unwrap();
    until(|| !waiting(&stage).is_empty()).await;
    // The first answer of a command is not counted.
    assert_eq!(stage.written(), ["1", "2", "3"]);
    let shown = crate::support::ask(&stage.sim, "!cogs t").await;
    assert!(shown.contains("1 request has waited "), "{shown}");
    let words = " for a turn (limits.discord_calls_per_10s)";
    assert!(shown.contains(words), "{shown}");
    until(|| stage.written().iter().any(|text| text == "done")).await;
    assert_eq!(met(&stage, Limit::DiscordCalls), 1);
    assert!(stage.bot.services.faults.since(0).is_empty());
    let shown = stage.ask("!cogs t").await;
    assert!(!shown.contains("has waited"), "{shown}");
}

/// Tasks wait in the order in which they called, and the answer that a command is owed waits for none of them.
#[tokio::test(flavor = "multi_thread")]
async fn calls_to_discord_wait_in_order_and_an_answer_does_not() {
    let source = command(
        "t",
        "for i = 1, 8 do task.spawn(function() ctx:send(`{i}`) end) end task.wait(0) ctx:send(\"last\")",
    ) + &command("owed", "ctx:reply(\"owed\")");
    let stage = setup(&[("cogs/t.luau", &source)])
        .config(r#"{ "limits": { "discord_calls_per_10s": 5 } }"#)
        .start()
        .await;
    let (owner, general) = (stage.sim.owner(), stage.general());
    stage.sim.say(owner, general, "!t").unwrap();
    until(|| !waiting(&stage).is_empty()).await;
    assert_eq!(crate::support::ask(&stage.sim, "!owed").await, "owed");
    stage.settled().await;
    let mut written = stage.written();
    let owed = written.iter().position(|text| text == "owed").unwrap();
    assert!(owed < 9, "{written:?}");
    written.remove(owed);
    // The first answer of a command is on its way while the others wait.
    written[..6].sort();
    assert_eq!(written, ["1", "2", "3", "4", "5", "6", "7", "8", "last"]);
}

/// Who waits has no more time than any other handler.
#[tokio::test(flavor = "multi_thread")]
async fn calls_to_discord_that_wait_for_too_long() {
    let stage = stage(
        r#"{ "discord_calls_per_10s": 1, "handler_seconds": 1 }"#,
        "while true do ctx:send(\"x\") end",
    )
    .await;
    stage.says("owner", "!t").await;
    until(|| stage.written().len() == 3).await;
    let written = stage.written();
    assert_eq!(written[..2], ["x", "x"]);
    assert!(written[2].contains("The log has the rest"), "{written:?}");
    let fault = last_fault(&stage);
    let words = "took longer than 1 s (limits.handler_seconds)";
    assert!(fault.contains(words), "{fault}");
    assert_eq!(met(&stage, Limit::DiscordCalls), 1);
    assert_eq!(met(&stage, Limit::HandlerTime), 1);
}

/// So many wait at most.
#[tokio::test(flavor = "multi_thread")]
async fn calls_to_discord_for_which_there_is_no_place() {
    let body = "local full = 0
    for i = 1, 1010 do
        task.spawn(function()
            local ok, err = pcall(ctx.send, ctx, \"x\")
            if not ok and err.kind == \"limit\" then
                full += 1
                state.session.global.why = err.message
                state.session.global.full = full
            end
        end)
    end";
    let told = "ctx:reply(`{state.session.global.full} {state.session.global.why}`)";
    let source = command("t", body) + &command("told", told);
    let stage = setup(&[("cogs/t.luau", &source)])
        .config(r#"{ "limits": { "discord_calls_per_10s": 1, "tasks": 2000, "cpu_ms": 5000 } }"#)
        .start()
        .await;
    let (owner, general) = (stage.sim.owner(), stage.general());
    stage.sim.say(owner, general, "!t").unwrap();
    until(|| waiting(&stage).first().is_some_and(|it| it.count == 1_000)).await;
    let words = "8 ctx.send: 1000 calls to Discord of this cog wait for their turn already (limits.discord_calls_per_10s)";
    let answer = crate::support::ask(&stage.sim, "!told").await;
    assert!(
        answer.replace("ctx:send", "ctx.send").starts_with(words),
        "{answer}"
    );
}

/// Discord locks out a bot that it has to refuse too much.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_discord_refuses() {
    let clock = Clock::paused(1_700_000_000);
    let attempts = "local told = {} for i = 1, 5 do
            local ok, err = pcall(function() ctx:send(\"x\") end)
            table.insert(told, if ok then \"sent\" else `{err.kind} {err.message}`)
        end
        state.session.global.told = table.concat(told, \"\\n\")";
    let told = "ctx:reply(state.session.global.told)";
    let source = command("t", attempts) + &command("told", told);
    let stage = setup(&[("cogs/t.luau", &source)])
        .config(r#"{ "limits": { "discord_refusals_per_10min": 3 } }"#)
        .clock(clock)
        .start()
        .await;
    let path = "/channels/{channel_id}/messages";
    let fault = InjectedFault::status("POST", path, 403, 50_013, "Missing Permissions");
    stage.sim.fault(fault.times(3));
    stage.says("owner", "!t").await;
    // The first answer of a call is not counted, nor held back.
    let answer = stage.ask("!told").await;
    let lines: Vec<_> = answer.lines().collect();
    assert!(
        lines[..3].iter().all(|it| it.starts_with("discord ")),
        "{answer}"
    );
    let words = "limit ctx:send: Discord has refused 3 calls of this cog within ten minutes (limits.discord_refusals_per_10min)";
    assert!(
        lines[3..].iter().all(|it| it.starts_with(words)),
        "{answer}"
    );
    assert_eq!(lines.len(), 5);
    assert_eq!(met(&stage, Limit::DiscordRefusals), 2);
    stage.advance(Duration::from_secs(600)).await;
    stage.says("owner", "!t").await;
    assert_eq!(stage.ask("!told").await, ["sent"; 5].join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn size_of_the_state_and_of_a_value() {
    let body = "local function try(key, size)
        local ok, err = pcall(function() state.global[key] = string.rep(\"x\", size) end)
        return if ok then \"stored\" else `{err.kind} {err.message}`
    end
    for i = 1, 20 do try(\"k\" .. i, 60000) end
    ctx:reply(try(\"large\", 200000) .. \" | \" .. try(\"more\", 60000))";
    let stage = stage(r#"{ "state_mb": 1, "state_value_kb": 64 }"#, body).await;
    let answer = stage.ask("!t").await;
    assert!(answer.contains("limits.state_value_kb"), "{answer}");
    assert!(answer.contains("limits.state_mb"), "{answer}");
    assert_eq!(met(&stage, Limit::StateValue), 1);
    assert!(met(&stage, Limit::State) > 1);
}

/// Looks until a condition holds.
/// A cog that writes more than its share of the disk waits with its answers, and nobody else does.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_a_second_to_the_disk() {
    let greedy = command(
        "t",
        "state.global.n = (state.global.n or 0) + 1
        state.global.x = string.rep(\"x\", 100000) .. state.global.n
        ctx:reply(\"greedy\")",
    );
    let other = command("other", "state.global.x = 1 ctx:reply(\"other\")");
    let stage = setup(&[("cogs/t.luau", &greedy), ("cogs/other.luau", &other)])
        .config(r#"{ "limits": { "state_write_kb_per_s": 1 } }"#)
        .stored()
        .start()
        .await;
    assert_eq!(stage.ask("!t").await, "greedy");
    let general = stage.general();
    stage.sim.say(stage.sim.owner(), general, "!t").unwrap();
    until(|| met(&stage, Limit::StateWrites) > 0).await;
    stage.sim.say(stage.sim.owner(), general, "!other").unwrap();
    until(|| stage.written().len() > 1).await;
    assert_eq!(stage.written(), ["greedy", "other"]);
    stage.bot.services.store.set_limits(StateLimits {
        write_bytes_per_second: 1 << 20,
        ..StateLimits::default()
    });
    stage.settled().await;
    assert_eq!(stage.written(), ["greedy", "other", "greedy"]);
}

/// Admins see all of it in chat.
#[tokio::test(flavor = "multi_thread")]
async fn the_cogs_status_shows_what_it_uses_and_what_it_met() {
    let stage = stage(
        r#"{ "tasks": 5 }"#,
        "for i = 1, 4 do task.delay(600, function() end) end ctx:reply(\"ok\")",
    )
    .await;
    stage.ask("!t").await;
    cases::answers(&stage, "!t").await;
    let shown = stage.ask("!cogs t").await;
    for limit in Limit::ALL {
        assert!(shown.contains(limit.key()), "{}\n{shown}", limit.key());
    }
    // The columns stand below each other.
    let table = shown
        .lines()
        .filter(|line| Limit::ALL.iter().any(|it| line.starts_with(it.key())));
    let widths: Vec<_> = table.map(str::len).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{shown}");
    let tasks = shown
        .lines()
        .find(|line| line.starts_with("tasks"))
        .unwrap();
    let columns: Vec<_> = tasks.split_whitespace().collect();
    assert_eq!(columns, ["tasks", "5", "5", "1"], "{shown}");
    let answer = stage.ask("!cogs nobody`@everyone").await;
    assert!(answer.starts_with("There is no cog"), "{answer}");
    let answer = stage.ask("!cogs tt").await;
    assert_eq!(answer, "There is no cog `tt`. Did you mean `t`?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_without_processor_time_pauses_and_what_it_misses_is_counted() {
    let source = r#"local cog = require("@cogsmith/cog")
cog.info { capabilities = { "messages.send" } }
cog.on.message_create(function(message)
    if not message.author.bot then
        message:reply("heard")
    end
end)
cog.every(10, print)
"#;
    let stage = setup(&[("cogs/t.luau", source)])
        .config(r#"{ "limits": { "cpu_seconds_per_minute": 2 } }"#)
        .clock(Clock::paused(1_700_000_000))
        .start()
        .await;
    assert_eq!(stage.says("anna", "hello").await.len(), 1);
    let usage = &stage.bot.cogs.get("t").unwrap().context.cpu_meter;
    usage.charge(Duration::from_secs(2), Instant::now());
    assert_eq!(stage.says("anna", "hello").await.len(), 0);
    assert_eq!(met(&stage, Limit::CpuPerMinute), 1);
    stage.advance(Duration::from_secs(25)).await;
    assert_eq!(met(&stage, Limit::CpuPerMinute), 3);
    // It is no failure of any handler.
    assert!(stage.bot.services.faults.since(0).is_empty());
}
