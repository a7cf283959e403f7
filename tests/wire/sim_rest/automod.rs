//! Auto moderation: rules, and what they do with messages.

use super::{Bot, id};
use serde_json::{Value, json};

#[allow(clippy::needless_pass_by_value, reason = "each is made for one call")]
fn rule(trigger: u64, metadata: Value, actions: Value) -> Value {
    json!({
        "name": "rule", "event_type": 1, "trigger_type": trigger, "enabled": true,
        "trigger_metadata": metadata, "actions": actions,
    })
}

#[tokio::test]
async fn rules_come_and_go() {
    let bot = Bot::start().await;
    let mut events = bot.listen().await;
    let path = format!("/guilds/{}/auto-moderation/rules", bot.sim.guild());
    let body = rule(1, json!({"keyword_filter": ["cat"]}), json!([{"type": 1}]));
    let (status, made) = bot.post(&path, body.clone()).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(made["trigger_metadata"]["allow_list"], json!([]));
    assert_eq!(made["actions"], json!([{"type": 1, "metadata": {}}]));
    assert_eq!(events.next("AUTO_MODERATION_RULE_CREATE").await, made);
    let entry = events.next("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
    assert_eq!(entry["action_type"], 140);
    let one = format!("{path}/{}", id(&made));
    let (_, changed) = bot.patch(&one, json!({"enabled": false})).await;
    assert_eq!(
        (&changed["enabled"], &changed["name"]),
        (&json!(false), &json!("rule"))
    );
    assert_eq!(bot.get(&one).await.1, changed);
    assert_eq!(bot.get(&path).await.1, json!([changed]));
    assert_eq!(bot.delete(&one).await.0, 204);
    events.next("AUTO_MODERATION_RULE_DELETE").await;
    let (status, error) = bot.get(&one).await;
    assert_eq!((status, &error["code"]), (404, &json!(0)));

    // Six rules of keywords, one of mentions.
    for _ in 0..6 {
        assert_eq!(bot.post(&path, body.clone()).await.0, 200);
    }
    assert_eq!(bot.post(&path, body).await.1["code"], 50035);
    let wrong = [
        (
            rule(1, json!({"regex_patterns": ["("]}), json!([{"type": 1}])),
            "trigger_metadata",
        ),
        (
            rule(
                5,
                json!({}),
                json!([{"type": 2, "metadata": {"channel_id": "5"}}]),
            ),
            "actions",
        ),
        (
            rule(
                4,
                json!({}),
                json!([{"type": 3, "metadata": {"duration_seconds": 5}}]),
            ),
            "actions",
        ),
        (rule(5, json!({}), json!([])), "actions"),
    ];
    for (body, field) in wrong {
        let (status, error) = bot.post(&path, body).await;
        assert_eq!(status, 400, "{error}");
        assert!(error["errors"][field].is_object(), "{error}");
    }
    let role = bot.sim.role(bot.sim.guild(), "cogsmith").unwrap();
    bot.sim
        .set_permissions(bot.sim.guild(), role, 1 << 10)
        .unwrap();
    assert_eq!(bot.get(&path).await.1["code"], 50013);
}

#[tokio::test]
async fn a_message_is_blocked_and_told() {
    let bot = Bot::start().await;
    let (guild, ben) = (bot.sim.guild(), bot.user("ben"));
    let log = bot.sim.add_channel(guild, "log", 0).unwrap();
    let path = format!("/guilds/{guild}/auto-moderation/rules");
    let actions = json!([
        {"type": 1},
        {"type": 2, "metadata": {"channel_id": log.to_string()}},
        {"type": 3, "metadata": {"duration_seconds": 60}},
    ]);
    let metadata = json!({
        "keyword_filter": ["*cat*"], "regex_patterns": ["b[ae]t"], "allow_list": ["category"],
    });
    let (_, made) = bot.post(&path, rule(1, metadata, actions)).await;
    let mut events = bot.listen().await;
    bot.sim.say(ben, bot.general(), "a category").unwrap();
    let error = bot.sim.say(ben, bot.general(), "a copyCAT").unwrap_err();
    assert_eq!(error.code(), Some(200_000));
    assert_eq!(bot.sim.messages(bot.general()).len(), 1);
    for action in [1, 2, 3] {
        let told = events.next("AUTO_MODERATION_ACTION_EXECUTION").await;
        assert_eq!(told["action"]["type"], action);
        assert_eq!(
            (
                &told["rule_id"],
                &told["matched_keyword"],
                &told["matched_content"]
            ),
            (&made["id"], &json!("*cat*"), &json!("cat"))
        );
        assert_eq!(told["user_id"], ben.to_string());
        assert_eq!(told["message_id"], Value::Null);
        assert_eq!(told["alert_system_message_id"].is_string(), action == 2);
    }
    let alert = &bot.sim.messages(log)[0];
    assert_eq!(
        (&alert["type"], &alert["author"]["username"]),
        (&json!(24), &json!("ben"))
    );
    assert_eq!(alert["embeds"][0]["description"], "a copyCAT");
    // He has been timed out, so that is what refuses him now.
    let error = bot.sim.say(ben, bot.general(), "hi").unwrap_err();
    assert_eq!(error.code(), Some(50013));
    let anna = bot.user("anna");
    let hers = bot.sim.say(anna, bot.general(), "fine").unwrap();
    let edited = bot
        .sim
        .edit_as(anna, bot.general(), id(&hers), json!({"content": "a bet"}));
    assert_eq!(edited.unwrap_err().code(), Some(200_000));
    // Whoever may manage the guild writes what they want, and so do bots.
    bot.sim.say(bot.sim.owner(), bot.general(), "cat").unwrap();
    let messages = format!("/channels/{}/messages", bot.general());
    assert_eq!(bot.post(&messages, json!({"content": "cat"})).await.0, 200);
}

#[tokio::test]
async fn too_many_mentions_are_told_of_without_a_block() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/auto-moderation/rules");
    let actions = json!([{"type": 2, "metadata": {"channel_id": bot.general().to_string()}}]);
    let limits = json!({"mention_total_limit": 1});
    bot.post(&path, rule(5, limits, actions)).await;
    let mut events = bot.listen().await;
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let content = format!("<@{anna}> <@{ben}>");
    let sent = bot.sim.say(ben, bot.general(), &content).unwrap();
    let told = events.next("AUTO_MODERATION_ACTION_EXECUTION").await;
    assert_eq!(
        (&told["message_id"], &told["rule_trigger_type"]),
        (&sent["id"], &json!(5))
    );
}

/// Makes a rule that blocks, in a guild with this trigger.
async fn block(bot: &Bot, trigger: u64, metadata: Value) {
    let path = format!("/guilds/{}/auto-moderation/rules", bot.sim.guild());
    let (status, made) = bot
        .post(&path, rule(trigger, metadata, json!([{"type": 1}])))
        .await;
    assert_eq!(status, 200, "{made}");
}

#[tokio::test]
async fn the_same_again_and_again_is_spam() {
    let bot = Bot::start().await;
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    block(&bot, 3, json!({})).await;
    let says = |user, text: &str| {
        bot.sim
            .say(user, bot.general(), text)
            .map_err(|error| error.code())
    };
    for _ in 0..4 {
        says(anna, "buy tea").unwrap();
    }
    // Others may say so, and she something else.
    says(ben, "buy tea").unwrap();
    says(anna, "buy").unwrap();
    assert_eq!(says(anna, "buy tea").unwrap_err(), Some(200_000));
    let test = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
    assert_eq!(says(ben, test).unwrap_err(), Some(200_000));
}

#[tokio::test]
async fn lists_of_words_are_chosen_and_have_exceptions() {
    let bot = Bot::start().await;
    let ben = bot.user("ben");
    let mut events = bot.listen().await;
    block(
        &bot,
        4,
        json!({"presets": [1], "allow_list": ["damn good"]}),
    )
    .await;
    let says = |text: &str| {
        bot.sim
            .say(ben, bot.general(), text)
            .map_err(|error| error.code())
    };
    assert_eq!(says("Damned tea").unwrap_err(), Some(200_000));
    let told = events.next("AUTO_MODERATION_ACTION_EXECUTION").await;
    assert_eq!(
        (&told["matched_keyword"], &told["matched_content"]),
        (&json!("damn*"), &json!("damn"))
    );
    says("damn good tea").unwrap();
    says("an idiot").unwrap();
}

#[tokio::test]
async fn many_mentions_of_many_people_are_a_raid() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    block(
        &bot,
        5,
        json!({"mention_total_limit": 50, "mention_raid_protection_enabled": true}),
    )
    .await;
    let mut people = Vec::new();
    for number in 0..50 {
        people.push(bot.sim.add_member(guild, &format!("p{number}"), 0).unwrap());
    }
    let mention = |people: &[cogsmith::sim::Id]| {
        let texts: Vec<String> = people.iter().map(|id| format!("<@{id}>")).collect();
        texts.join(" ")
    };
    bot.sim
        .say(anna, bot.general(), &mention(&people[..25]))
        .unwrap();
    bot.sim
        .say(ben, bot.general(), &mention(&people[..30]))
        .unwrap();
    let error = bot
        .sim
        .say(ben, bot.general(), &mention(&people[30..]))
        .unwrap_err();
    assert_eq!(error.code(), Some(200_000));
    bot.sim.say(ben, bot.general(), "nobody").unwrap();
}
