//! Much chat, with commands that are answered and reloads that are asked for: four thousand calls, or with
//! `COGSMITH_LONG_TESTS` twenty thousand. What the process holds is what it held after the first two thousand.

use crate::allocated::allocated;
use crate::support::{Stage, answering, setup, times};
use crate::turn;

/// After so many calls memory is measured for the first time.
const EARLY: usize = 2_000;
/// So many calls in between are reloads.
const RELOAD: usize = 25;

async fn call(stage: &Stage, number: usize) {
    let owner = stage.sim.owner();
    let (user, text) = if number.is_multiple_of(RELOAD) {
        (owner, "!reload cog word")
    } else {
        let name = ["anna", "ben", "owner"][number % 3];
        (stage.sim.user(name).unwrap(), "!word")
    };
    stage.sim.say(user, stage.general(), text).unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn much_chat_leaves_memory_as_it_was() {
    let _alone = turn().await;
    let stage = setup(&[("cogs/word.luau", &answering("word", "one"))])
        .keeping_little()
        // They come as fast as they are answered, in the dev profile, and all of that is the cog's time.
        .config(r#"{ "limits": { "cpu_seconds_per_minute": 60 } }"#)
        .start()
        .await;
    for number in 1..=EARLY {
        call(&stage, number).await;
    }
    let early = allocated();
    let calls = times(4_000, 20_000);
    for number in EARLY + 1..=calls {
        call(&stage, number).await;
    }
    let late = allocated();
    if std::env::var("COGSMITH_TEST_LOG").is_ok() {
        eprintln!("after {EARLY}: {early} bytes; after {calls}: {late} bytes");
    }
    let messages = stage.sim.messages(stage.general());
    let answers = messages.iter().filter(|it| it["content"] == "one");
    assert!(answers.count() > messages.len() / 3, "{messages:#?}");
    assert!(late * 100 <= early * 105, "{early} {late}");
    stage.stop().await;
}
