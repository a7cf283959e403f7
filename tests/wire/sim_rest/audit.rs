//! The audit log: what entries tell besides who did what.

use super::{Bot, id};
use cogsmith::clock::Clock;
use cogsmith::sim::SimOptions;
use serde_json::{Value, json};
use std::time::Duration;

impl Bot {
    /// The newest entry of an action.
    async fn entry(&self, action: u64) -> Value {
        let path = format!(
            "/guilds/{}/audit-logs?action_type={action}&limit=1",
            self.sim.guild()
        );
        let (status, log) = self.get(&path).await;
        assert_eq!(status, 200, "{log}");
        log["audit_log_entries"][0].clone()
    }
}

/// The changes of an entry: old and new value of a key.
fn change<'a>(entry: &'a Value, key: &str) -> (&'a Value, &'a Value) {
    let changes = entry["changes"].as_array().into_iter().flatten();
    let mut found = changes.filter(|change| change["key"] == key);
    let change = found.next().unwrap_or_else(|| panic!("{key}: {entry}"));
    (&change["old_value"], &change["new_value"])
}

#[tokio::test]
async fn channels_and_their_overwrites_tell_what_is_different() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let body = json!({"name": "tea", "topic": "leaves"});
    let (_, channel) = bot.post(&format!("/guilds/{guild}/channels"), body).await;
    let made = bot.entry(10).await;
    assert_eq!(made["target_id"], channel["id"]);
    assert_eq!(change(&made, "name"), (&Value::Null, &json!("tea")));
    assert_eq!(change(&made, "topic").1, "leaves");

    let path = format!("/channels/{}", id(&channel));
    bot.patch(&path, json!({"name": "cocoa", "topic": null}))
        .await;
    let changed = bot.entry(11).await;
    assert_eq!(change(&changed, "name"), (&json!("tea"), &json!("cocoa")));
    assert_eq!(change(&changed, "topic"), (&json!("leaves"), &Value::Null));
    assert_eq!(changed["changes"].as_array().unwrap().len(), 2);
    // Where nothing is different, nothing is told.
    bot.patch(&path, json!({"name": "cocoa"})).await;
    assert_eq!(bot.entry(11).await["id"], changed["id"]);

    let role = bot.sim.role(guild, "moderators").unwrap();
    let place = format!("{path}/permissions/{role}");
    bot.put(&place, json!({"type": 0, "allow": "1024"})).await;
    let allowed = bot.entry(13).await;
    let told = json!({"id": role.to_string(), "type": "0", "role_name": "moderators"});
    assert_eq!(allowed["options"], told);
    assert_eq!(change(&allowed, "allow").1, "1024");
    bot.put(&place, json!({"type": 0, "allow": "2048"})).await;
    let more = bot.entry(14).await;
    assert_eq!(change(&more, "allow"), (&json!("1024"), &json!("2048")));
    bot.delete(&place).await;
    assert_eq!(change(&bot.entry(15).await, "allow").0, "2048");
    let anna = bot.user("anna");
    let body =
        json!({"permission_overwrites": [{"id": anna.to_string(), "type": 1, "deny": "2048"}]});
    bot.patch(&path, body).await;
    let of_member = json!({"id": anna.to_string(), "type": "1"});
    assert_eq!(bot.entry(13).await["options"], of_member);
    bot.delete(&path).await;
    assert_eq!(
        change(&bot.entry(12).await, "name"),
        (&json!("cocoa"), &Value::Null)
    );
}

#[tokio::test]
async fn members_tell_which_roles_came_and_what_else_is_different() {
    let bot = Bot::start().await;
    let (guild, anna) = (bot.sim.guild(), bot.user("anna"));
    let (_, role) = bot
        .post(&format!("/guilds/{guild}/roles"), json!({"name": "tea"}))
        .await;
    let made = bot.entry(30).await;
    assert_eq!(change(&made, "name").1, "tea");
    let member = format!("/guilds/{guild}/members/{anna}");
    let given = format!("{member}/roles/{}", id(&role));
    let shown = json!([{"id": role["id"], "name": "tea"}]);
    bot.put(&given, Value::Null).await;
    assert_eq!(change(&bot.entry(25).await, "$add").1, &shown);
    bot.delete(&given).await;
    assert_eq!(change(&bot.entry(25).await, "$remove").1, &shown);
    let body = json!({"nick": "Annie", "roles": [role["id"]]});
    bot.patch(&member, body).await;
    assert_eq!(change(&bot.entry(24).await, "nick").1, "Annie");
    assert_eq!(change(&bot.entry(25).await, "$add").1, &shown);
    let path = format!("/guilds/{guild}/roles/{}", id(&role));
    bot.patch(&path, json!({"color": 255, "hoist": true})).await;
    let changed = bot.entry(31).await;
    assert_eq!(change(&changed, "color"), (&json!(0), &json!(255)));
    bot.delete(&path).await;
    assert_eq!(change(&bot.entry(32).await, "name").0, "tea");
    // What changes nothing of an object has no changes.
    let ben = bot.user("ben");
    bot.put(&format!("/guilds/{guild}/bans/{ben}"), json!({}))
        .await;
    let ban = bot.entry(22).await;
    assert!(
        ban.get("changes").is_none() && ban.get("options").is_none(),
        "{ban}"
    );
}

#[tokio::test]
async fn messages_tell_where_and_how_many() {
    let bot = Bot::start().await;
    let (general, anna) = (bot.general(), bot.user("anna"));
    let say = || id(&bot.sim.say(anna, general, "tea").unwrap());
    let (first, second, third) = (say(), say(), say());
    let messages = format!("/channels/{general}/messages");
    bot.put(&format!("{messages}/pins/{first}"), Value::Null)
        .await;
    let pinned = bot.entry(74).await;
    let place = json!({"channel_id": general.to_string(), "message_id": first.to_string()});
    assert_eq!(
        (&pinned["options"], &pinned["target_id"]),
        (&place, &json!(anna.to_string()))
    );
    bot.delete(&format!("{messages}/pins/{first}")).await;
    assert_eq!(bot.entry(75).await["options"], place);
    bot.delete(&format!("{messages}/{first}")).await;
    let deleted = bot.entry(72).await;
    let told = json!({"channel_id": general.to_string(), "count": "1"});
    assert_eq!(
        (&deleted["options"], &deleted["target_id"]),
        (&told, &json!(anna.to_string()))
    );
    let both = json!({"messages": [second.to_string(), third.to_string()]});
    bot.post(&format!("{messages}/bulk-delete"), both).await;
    let many = bot.entry(73).await;
    let told = json!({"count": "2"});
    assert_eq!(
        (&many["options"], &many["target_id"]),
        (&told, &json!(general.to_string()))
    );
}

/// As <https://github.com/discord/discord-api-docs/issues/5911> has it.
#[tokio::test]
async fn what_is_done_again_counts_up_in_one_entry_and_is_told_once() {
    let clock = Clock::paused(1_861_920_000);
    let options = SimOptions {
        clock: clock.clone(),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let (guild, general) = (bot.sim.guild(), bot.general());
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let mut events = bot.listen().await;
    let delete = async |user| {
        let said = id(&bot.sim.say(user, general, "tea").unwrap());
        let path = format!("/channels/{general}/messages/{said}");
        assert_eq!(bot.delete(&path).await.0, 204);
    };
    delete(anna).await;
    let first = events.next("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
    assert_eq!(first["options"]["count"], "1");
    delete(anna).await;
    let entry = bot.entry(72).await;
    assert_eq!(
        (&entry["id"], &entry["options"]["count"]),
        (&first["id"], &json!("2"))
    );
    // Of somebody else, it is another entry; the next that is told.
    delete(ben).await;
    let other = events.next("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
    assert_eq!(other["target_id"], ben.to_string());
    delete(anna).await;
    let path = format!("/guilds/{guild}/audit-logs?action_type=72");
    let log = bot.get(&path).await.1;
    let counts = log["audit_log_entries"].as_array().unwrap().iter();
    let counts: Vec<_> = counts
        .map(|entry| entry["options"]["count"].clone())
        .collect();
    assert_eq!(counts, ["1", "3"]);

    let voice = bot.sim.channel("Voice").unwrap();
    for user in [anna, ben] {
        bot.sim.join_voice(user, voice).unwrap();
        let member = format!("/guilds/{guild}/members/{user}");
        let out = bot.patch(&member, json!({"channel_id": null})).await;
        assert_eq!(out.0, 200, "{}", out.1);
    }
    assert_eq!(bot.entry(27).await["options"]["count"], "2");
    // After some minutes it begins anew.
    clock.advance_to_next(Duration::from_secs(1_861_920_000 + 301));
    delete(anna).await;
    assert_eq!(bot.entry(72).await["options"]["count"], "1");
}

#[tokio::test]
async fn a_ban_takes_messages_along() {
    let bot = Bot::start().await;
    let (guild, general, ben) = (bot.sim.guild(), bot.general(), bot.user("ben"));
    let mut events = bot.listen().await;
    let said: Vec<_> = (0..3)
        .map(|_| id(&bot.sim.say(ben, general, "spam").unwrap()).to_string())
        .collect();
    bot.sim.say(bot.user("anna"), general, "stays").unwrap();
    let body = json!({"delete_message_seconds": 3_600});
    let banned = bot.put(&format!("/guilds/{guild}/bans/{ben}"), body).await;
    assert_eq!(banned.0, 204);
    let gone = events.next("MESSAGE_DELETE_BULK").await;
    assert_eq!(
        (&gone["ids"], &gone["channel_id"]),
        (&json!(said), &json!(general.to_string()))
    );
    let left = bot.sim.messages(general);
    assert_eq!((left.len(), &left[0]["content"]), (1, &json!("stays")));
}

#[tokio::test]
async fn threads_webhooks_invites_and_the_guild_tell_of_themselves() {
    let bot = Bot::start().await;
    let (guild, general) = (bot.sim.guild(), bot.general());
    let path = format!("/channels/{general}");
    let (_, thread) = bot
        .post(
            &format!("{path}/threads"),
            json!({"name": "aside", "type": 11}),
        )
        .await;
    bot.patch(
        &format!("/channels/{}", id(&thread)),
        json!({"archived": true}),
    )
    .await;
    let archived = bot.entry(111).await;
    assert_eq!(change(&archived, "archived"), (&json!(false), &json!(true)));
    let (_, hook) = bot
        .post(&format!("{path}/webhooks"), json!({"name": "Kettle"}))
        .await;
    assert_eq!(change(&bot.entry(50).await, "name").1, "Kettle");
    bot.patch(&format!("/webhooks/{}", id(&hook)), json!({"name": "Pot"}))
        .await;
    assert_eq!(
        change(&bot.entry(51).await, "name"),
        (&json!("Kettle"), &json!("Pot"))
    );
    bot.post(&format!("{path}/invites"), json!({"max_uses": 3}))
        .await;
    let invited = bot.entry(40).await;
    assert_eq!(change(&invited, "max_uses").1, 3);
    assert_eq!(
        change(&invited, "channel_id").1,
        &json!(general.to_string())
    );
    bot.patch(&format!("/guilds/{guild}"), json!({"name": "Tearoom"}))
        .await;
    assert_eq!(
        change(&bot.entry(1).await, "name"),
        (&json!("Cogsmith"), &json!("Tearoom"))
    );

    let (_, log) = bot.get(&format!("/guilds/{guild}/audit-logs")).await;
    assert_eq!(log["threads"][0]["id"], thread["id"]);
    assert_eq!(log["webhooks"][0]["id"], hook["id"]);
    let ids = |log: &Value| -> Vec<u64> {
        log["audit_log_entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(id)
            .collect()
    };
    let newest_first = ids(&log);
    assert!(newest_first.is_sorted_by(|one, other| one > other));
    let after = newest_first.last().unwrap();
    let (_, later) = bot
        .get(&format!("/guilds/{guild}/audit-logs?after={after}"))
        .await;
    let oldest_first: Vec<u64> = newest_first.iter().rev().skip(1).copied().collect();
    assert_eq!(ids(&later), oldest_first);
}
