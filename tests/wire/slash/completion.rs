//! Options of slash commands that complete what is typed.

use super::{ask, one_cog};
use crate::support::{PATIENCE, Stage};
use cogsmith::sim::InteractionRequest;
use serde_json::{Value, json};
use std::time::Duration;

fn typing(
    stage: &Stage,
    user: &str,
    name: &str,
    options: Value,
    focused: &str,
) -> cogsmith::sim::Interaction {
    let user = stage.sim.user(user).unwrap();
    let request = InteractionRequest::Autocomplete {
        name: name.to_owned(),
        options,
        focused: focused.to_owned(),
    };
    stage.sim.interact(user, stage.general(), request).unwrap()
}

pub(super) async fn choices(
    stage: &Stage,
    user: &str,
    name: &str,
    options: Value,
    focused: &str,
) -> Vec<String> {
    let typing = typing(stage, user, name, options, focused);
    let view = typing.response(PATIENCE).await.unwrap();
    assert_eq!(view.response_type, Some(8));
    stage.settled().await;
    let choices = view.choices.iter();
    choices
        .map(|it| format!("{}={}", it["name"].as_str().unwrap(), it["value"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cog_returns_is_offered() {
    let stage = one_cog(
        r#"
local option = cog.option
local who = option.maybe(option.member { name = "who" })
local n = option.maybe(option.integer { name = "n", autocomplete = function(ctx, typed)
    return { 1, { name = "two", value = 2 } }
end })
local word = option.string { name = "word", autocomplete = function(ctx, typed)
    if typed == "many" then
        local all = {}
        for index = 1, 40 do all[index] = "w" .. index end
        return all
    elseif typed == "none" then return nil
    elseif typed == "fails" then error("oh")
    elseif typed == "replies" then ctx:reply("x")
    elseif typed == "slow" then task.wait(3) return { "late" }
    elseif typed == "wrong" then return { {}, "", string.rep("x", 101), "right" }
    elseif typed == "who" then return { ctx:get(who).user.username, ctx.author.username }
    end
    return { typed .. "!", { name = "Other", value = "other" } }
end }
cog.command { name = "find", options = { word, who, n }, run = function(ctx) ctx:reply(ctx:get(word)) end }
cog.command { name = "mine", checks = { cog.check.owner }, options = { word }, run = function() end }
"#,
    )
    .start()
    .await;
    let find = |typed: &str| json!({ "word": typed });
    let found = choices(&stage, "anna", "find", find("ab"), "word").await;
    assert_eq!(found, ["ab!=\"ab!\"", "Other=\"other\""]);
    assert_eq!(
        choices(&stage, "anna", "find", find("many"), "word")
            .await
            .len(),
        25
    );
    for typed in ["none", "fails", "replies"] {
        let none = choices(&stage, "anna", "find", find(typed), "word").await;
        assert_eq!(none, [""; 0], "{typed}");
    }
    let right = choices(&stage, "anna", "find", find("wrong"), "word").await;
    assert_eq!(right, ["right=\"right\""]);
    let ben = stage.sim.user("ben").unwrap().to_string();
    let others = json!({ "word": "who", "who": ben });
    let found = choices(&stage, "anna", "find", others, "word").await;
    assert_eq!(found, ["ben=\"ben\"", "anna=\"anna\""]);
    let numbers = json!({ "word": "x", "n": "1" });
    let found = choices(&stage, "anna", "find", numbers, "n").await;
    assert_eq!(found, ["1=1", "two=2"]);
    // Who may not use a command is offered nothing.
    let denied = choices(&stage, "anna", "mine", find("a"), "word").await;
    assert_eq!(denied, [""; 0]);
    let allowed = choices(&stage, "owner", "mine", find("a"), "word").await;
    assert_eq!(allowed.len(), 2);
    // What is offered is no must.
    assert_eq!(ask(&stage, "find", find("abc")).await, "abc");
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_come_in_time_or_not_at_all() {
    let stage = one_cog(
        r#"
local ended = false
local word = cog.option.string { name = "word", autocomplete = function(ctx, typed)
    task.wait(if typed == "slow" then 3 else 1)
    ended = true
    return { typed }
end }
cog.command { name = "find", options = { word }, run = function(ctx) ctx:reply(tostring(ended)) end }
"#,
    )
    .start()
    .await;
    let slow = typing(&stage, "anna", "find", json!({ "word": "slow" }), "word");
    let quick = typing(&stage, "anna", "find", json!({ "word": "quick" }), "word");
    stage.settled().await;
    stage.advance(Duration::from_millis(1_100)).await;
    assert_eq!(quick.state().choices.len(), 1);
    assert_eq!(slow.state().response_type, None);
    stage.advance(Duration::from_millis(1_500)).await;
    assert_eq!(slow.state().response_type, Some(8));
    assert_eq!(slow.state().choices, [Value::Null; 0]);
    stage.advance(Duration::from_secs(5)).await;
    assert!(slow.state().message.is_none() && quick.state().message.is_none());
}
