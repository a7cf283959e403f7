//! Much work for one cog at once: it waits in the mailbox, and nothing of it is lost as long as there is room. What has no
//! room is that of whoever has most waiting.

use crate::support::{PATIENCE, Stage, command, setup, times};
use cogsmith::clock::Clock;
use std::time::{Duration, Instant};

/// What a burst takes of a slow machine is not what these tests are about.
const ROOMY: &str =
    r#"{ "limits": { "cpu_seconds_per_minute": 3600, "discord_calls_per_10s": 10000 } }"#;

/// Returns when a number has come to `wanted`; fails when it does not grow any more.
async fn grows_to(wanted: usize, count: impl Fn() -> usize) {
    let (mut last, mut since) = (count(), Instant::now());
    let mut look = tokio::time::interval(Duration::from_millis(10));
    while last < wanted {
        look.tick().await;
        let now = count();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "{last} of {wanted}");
    }
}

fn say(stage: &Stage, user: &str, text: &str) {
    let user = stage.sim.user(user).unwrap();
    stage.sim.say(user, stage.general(), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_commands_is_answered() {
    let count = times(500, 10_000);
    let cog = command("t", "ctx:reply(\"done\")");
    let setup = setup(&[("cogs/t.luau", &cog)]).config(ROOMY);
    let stage = setup.messages_kept(3 * count).start().await;
    for _ in 0..count {
        say(&stage, "anna", "!t");
    }
    let (sim, general) = (&stage.sim, stage.general());
    grows_to(2 * count, || sim.message_count(general)).await;
    let mut written = stage.written();
    let answers = written.len();
    written.retain(|text| text != "done");
    assert_eq!((answers, written), (count, Vec::new()));
    let cog = stage.bot.cogs.get("t").unwrap();
    assert_eq!(cog.dropped(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_events_is_heard() {
    let count = times(1_200, 8_000);
    let heard = "local heard = 0
require(\"@cogsmith/cog\").on.message_create(function(message)
    if message.content == \"event\" then
        heard += 1
    end
end)
"
    .to_owned()
        + &command("heard", "ctx:reply(tostring(heard))");
    let setup = setup(&[("cogs/t.luau", &heard)]).config(ROOMY);
    let stage = setup.start().await;
    for _ in 0..count {
        say(&stage, "anna", "event");
    }
    // What comes last is taken last.
    say(&stage, "anna", "!heard");
    let (sim, general) = (&stage.sim, stage.general());
    let context = &stage.bot.cogs.get("t").unwrap().context;
    let done = || count - context.limits.waiting().min(count);
    grows_to(1, || usize::from(sim.message_count(general) > count + 1)).await;
    grows_to(count, done).await;
    // On a busy machine a handler may begin a moment after one that came later.
    stage.settled().await;
    assert_eq!(stage.ask("!heard").await, count.to_string());
}

/// Commands of one user.
const LOUD: usize = 600;
/// So many times somebody else says something meanwhile.
const OTHERS: usize = 10;
/// As many handlers as one version may have under way.
const HELD: usize = 1_000;

/// Whoever floods loses what came last of it; another user of the same channel and admins lose nothing.
async fn sheds_what_the_loud_one_said(limits: &str, key: &str) {
    let cog = command("hold", "task.wait(60)")
        + "local more = cog.option.maybe(cog.option.string { name = \"more\", rest = true })
cog.command { name = \"t\", options = { more }, run = function(ctx) ctx:reply(ctx.author.username) end }
";
    // A megabyte has room for less than they say.
    let long = format!("!t {}", "x".repeat(1_900));
    let config = format!(
        r#"{{ "limits": {{ "handler_seconds": 3600, "cpu_seconds_per_minute": 3600, {limits} }} }}"#
    );
    let stage = setup(&[("cogs/t.luau", &cog)])
        .config(&config)
        .clock(Clock::paused(1_700_000_000))
        .start()
        .await;
    for _ in 0..HELD / 100 {
        for _ in 0..100 {
            say(&stage, "owner", "!hold");
        }
        stage.settled().await;
    }
    for number in 0..LOUD {
        say(&stage, "anna", &long);
        if number % (LOUD / OTHERS) == 0 {
            say(&stage, "ben", "!t");
            say(&stage, "owner", "!t");
        }
    }
    let cog = stage.bot.cogs.get("t").unwrap();
    // All that was said has come once so much has been shed, or waits.
    let come = || usize::try_from(cog.dropped()).unwrap() + cog.context.limits.waiting();
    grows_to(LOUD + 2 * OTHERS, come).await;
    let dropped = cog.dropped();
    assert!(dropped > 0);
    let clock = &stage.bot.services.clock;
    let until = clock.now() + Duration::from_secs(61);
    while clock.advance_to_next(until) {}
    stage.settled().await;
    let written = stage.written();
    let of = |text: &str| written.iter().filter(|it| it.contains(text)).count();
    assert_eq!((of("ben"), of("owner")), (OTHERS, OTHERS));
    assert!(of("anna") < LOUD);
    let told = of("Too much is waiting");
    assert!((1..=5).contains(&told), "{told} were told");
    let shown = stage.ask("!cogs t").await;
    let line = shown.lines().find(|line| line.starts_with(key)).unwrap();
    assert!(line.ends_with(&dropped.to_string()), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_the_loud_one_s_are_shed() {
    sheds_what_the_loud_one_said(r#""mailbox": 200"#, "mailbox ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_bytes_the_loud_one_s_are_shed() {
    sheds_what_the_loud_one_said(r#""mailbox_mb": 1"#, "mailbox_mb ").await;
}
