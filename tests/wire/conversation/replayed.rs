//! What was recorded is played again.

use super::stage::{COG, Talk};
use cogsmith::conversation::{Conversation, Replay, StepOutcome, StepState, report};
use cogsmith::sim::Sim;

async fn replayed(sim: &Sim, conversation: &Conversation) -> (Vec<StepOutcome>, Conversation) {
    let begun = Replay::begin(sim, conversation.clone(), sim.guild(), false);
    let mut replay = begun.await.unwrap();
    let mut outcomes = Vec::new();
    while let Some(outcome) = replay.step().await {
        outcomes.push(outcome);
    }
    let played = replay.as_played();
    (outcomes, played)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_the_same_way_again_and_leaves_nothing() {
    let talk = Talk::start(COG).await;
    let conversation = talk.records().await;
    let before = talk.stage.sim.world();
    let (outcomes, _) = replayed(&talk.stage.sim, &conversation).await;
    let text = report("everything", &outcomes);
    assert!(
        outcomes.iter().all(|it| it.state == StepState::Same),
        "{text}"
    );
    let steps = conversation.steps.len();
    assert_eq!(text, format!("everything: {steps} steps, all as recorded."));
    assert_eq!(talk.stage.sim.world(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_different_is_told_with_both_answers() {
    let mut talk = Talk::start(COG).await;
    let conversation = talk.records().await;
    let changed = COG.replace("psst", "pst").replace(
        "You chose {ctx.values[1]}",
        "You chose {ctx.values[1]} 7 times",
    );
    talk.stage.save("cogs/try.luau", &changed);
    talk.stage.applied().await;
    let (outcomes, played) = replayed(&talk.stage.sim, &conversation).await;
    let different: Vec<_> = outcomes
        .iter()
        .filter(|it| it.state != StepState::Same)
        .collect();
    assert_eq!(different.len(), 2, "{}", report("x", &outcomes));
    let text = report("everything", &outcomes);
    assert!(text.contains("anna: /secret\n"), "{text}");
    assert!(
        text.contains("  - content: psst\n") && text.contains("  + content: pst\n"),
        "{text}"
    );
    assert!(
        text.ends_with("2 are not as recorded (- recorded, + now)."),
        "{text}"
    );
    // What was played can be the recording from then on.
    let (outcomes, _) = replayed(&talk.stage.sim, &played).await;
    assert!(
        outcomes.iter().all(|it| it.state == StepState::Same),
        "{}",
        report("x", &outcomes)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_vary_are_found_and_left_alone() {
    let cog = r#"
local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
cog.command { name = "roll", run = function(ctx)
    state.global.rolled = (state.global.rolled or 0) + 1
    ctx:reply(`You rolled {state.global.rolled}.`)
end }"#;
    let talk = Talk::start(cog).await;
    let recorder = cogsmith::conversation::Recorder::start(&talk.stage.sim, talk.guild);
    talk.says(talk.anna, "!roll").await;
    let conversation = recorder.finish().conversation;
    let (outcomes, played) = replayed(&talk.stage.sim, &conversation).await;
    assert_eq!(outcomes[0].state, StepState::Numbers);
    let (outcomes, _) = replayed(&talk.stage.sim, &played).await;
    assert_eq!(outcomes[0].state, StepState::Same);
    let text =
        cogsmith::conversation::spec(&played, cogsmith::conversation::SpecOptions::default());
    let expected = r#"spec.expect(anna:says("!roll").content):matches("^You rolled %d+%.$")"#;
    assert!(text.contains(expected), "{text}");
}
