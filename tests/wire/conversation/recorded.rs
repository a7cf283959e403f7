//! What is recorded, and the spec that comes of it.

use super::stage::{COG, HOSTILE, Talk, spec_of};
use cogsmith::conversation::Conversation;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_all_kinds_of_steps_becomes_a_spec_that_passes() {
    let talk = Talk::start(COG).await;
    let conversation = talk.records().await;
    let (text, failure) = spec_of(&conversation, COG).await;
    assert!(failure.is_none(), "{}\n{text}", failure.unwrap());
    // It is JSON as well, and what is read is what was written.
    let json = conversation.text();
    assert_eq!(Conversation::read(&json).unwrap(), conversation);
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["steps"][0]["does"]["says"]["content"], HOSTILE);
    // Each change of the cog that a reader would see is found.
    for (was, is) in [
        ("psst", "pst"),
        ("A panel\", d", "A board\", d"),
        ("label = \"Form\"", "label = \"Sheet\""),
        ("time.now() + 3600", "time.now() + 7200"),
        ("ctx:send(\"now\")", "ctx:send(\"then\")"),
        ("You chose", "You took"),
        ("emoji_name = \"👀\"", "emoji_name = \"👍\""),
        ("name = \"talk\"", "name = \"speak\""),
        (":kick()", ":timeout(\"1m\")"),
        (
            "ephemeral = true }\nend)\ncog.component(\"try:form\"",
            "}\nend)\ncog.component(\"try:form\"",
        ),
    ] {
        assert!(COG.contains(was), "{was}");
        let (_, failure) = spec_of(&conversation, &COG.replace(was, is)).await;
        assert!(
            failure.is_some(),
            "{was} became {is}, and nobody noticed:\n{text}"
        );
    }
}
