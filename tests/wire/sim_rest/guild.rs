//! Channels, roles, members, moderation, webhooks, and who may do what.

use super::{Bot, id};
use serde_json::{Value, json};

#[tokio::test]
async fn access_and_permissions_are_two_refusals() {
    let bot = Bot::start().await;
    let hidden = bot.sim.channel("moderators").unwrap();
    let (status, error) = bot
        .post(
            &format!("/channels/{hidden}/messages"),
            json!({"content": "hi"}),
        )
        .await;
    assert_eq!((status, &error["code"]), (403, &json!(50001)));

    let bot_user = bot.sim.bot_user();
    let playground = bot.sim.channel("playground").unwrap();
    bot.sim
        .overwrite(playground, bot_user, (0, 1 << 11))
        .unwrap();
    let path = format!("/channels/{playground}/messages");
    let (status, error) = bot.post(&path, json!({"content": "hi"})).await;
    assert_eq!((status, &error["code"]), (403, &json!(50013)));

    let hers = bot
        .sim
        .say(bot.user("anna"), bot.general(), "mine")
        .unwrap();
    let one = format!("/channels/{}/messages/{}", bot.general(), id(&hers));
    let (_, error) = bot.patch(&one, json!({"content": "no"})).await;
    assert_eq!(error["code"], 50005);
    assert_eq!(bot.delete(&one).await.0, 204);
    assert_eq!(bot.get("/channels/5").await.1["code"], 10003);
    assert_eq!(bot.get("/guilds/5").await.1["code"], 10004);
    assert_eq!(bot.get("/users/5").await.1["code"], 10013);
    let error = bot.sim.say(bot.user("ben"), hidden, "hi").unwrap_err();
    assert_eq!(error.code(), Some(50001));
}

#[tokio::test]
async fn channels_and_overwrites_change() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let body = json!({"name": "New Room", "type": 0, "topic": "talk"});
    let (status, channel) = bot.post(&format!("/guilds/{guild}/channels"), body).await;
    assert_eq!((status, &channel["name"]), (201, &json!("new-room")));
    let path = format!("/channels/{}", id(&channel));
    let (_, changed) = bot.patch(&path, json!({"topic": "silence"})).await;
    assert_eq!(changed["topic"], "silence");
    let anna = bot.user("anna");
    let overwrite = json!({"type": 1, "allow": "0", "deny": "2048"});
    let target = format!("{path}/permissions/{anna}");
    assert_eq!(bot.put(&target, overwrite).await.0, 204);
    let error = bot.sim.say(anna, id(&channel), "hi").unwrap_err();
    assert_eq!(error.code(), Some(50013));
    assert_eq!(bot.delete(&target).await.0, 204);
    assert!(bot.sim.say(anna, id(&channel), "hi").is_ok());
    assert_eq!(bot.delete(&path).await.0, 200);
    assert_eq!(bot.get(&path).await.1["code"], 10003);
}

#[tokio::test]
async fn roles_obey_the_hierarchy() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let anna = bot.user("anna");
    let (_, role) = bot
        .post(
            &format!("/guilds/{guild}/roles"),
            json!({"name": "helpers", "color": 255}),
        )
        .await;
    assert_eq!(
        (&role["name"], &role["position"]),
        (&json!("helpers"), &json!(1))
    );
    let given = format!("/guilds/{guild}/members/{anna}/roles/{}", id(&role));
    assert_eq!(bot.put(&given, Value::Null).await.0, 204);
    let (_, member) = bot.get(&format!("/guilds/{guild}/members/{anna}")).await;
    assert_eq!(member["roles"], json!([role["id"]]));

    let above = bot.sim.add_role(guild, "above", 0).unwrap();
    let given = format!("/guilds/{guild}/members/{anna}/roles/{above}");
    assert_eq!(bot.put(&given, Value::Null).await.1["code"], 50013);
    let unknown = format!("/guilds/{guild}/members/{anna}/roles/5");
    assert_eq!(bot.put(&unknown, Value::Null).await.1["code"], 10011);
    let own = bot.sim.role(guild, "cogsmith").unwrap();
    let own = format!("/guilds/{guild}/members/{anna}/roles/{own}");
    assert_eq!(bot.put(&own, Value::Null).await.1["code"], 50028);
    assert_eq!(
        bot.delete(&format!("/guilds/{guild}/roles/{}", id(&role)))
            .await
            .0,
        204
    );
}

#[tokio::test]
async fn moderation_leaves_traces_and_respects_rank() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let owner_ban = format!("/guilds/{guild}/bans/{}", bot.sim.owner());
    assert_eq!(bot.put(&owner_ban, json!({})).await.1["code"], 50013);

    let url = format!("{}/api/v10/guilds/{guild}/bans/{anna}", bot.sim.url());
    let request = bot
        .http
        .put(url)
        .header("authorization", bot.authorization())
        .json(&json!({}));
    let request = request.header("x-audit-log-reason", "too%20loud");
    assert_eq!(request.send().await.unwrap().status(), 204);
    let (_, ban) = bot.get(&format!("/guilds/{guild}/bans/{anna}")).await;
    assert_eq!(
        (&ban["reason"], &ban["user"]["username"]),
        (&json!("too loud"), &json!("anna"))
    );
    let member = format!("/guilds/{guild}/members/{anna}");
    assert_eq!(bot.get(&member).await.1["code"], 10007);
    assert_eq!(
        bot.get(&format!("/guilds/{guild}/bans/{ben}")).await.1["code"],
        10026
    );
    let (_, log) = bot
        .get(&format!("/guilds/{guild}/audit-logs?action_type=22"))
        .await;
    assert_eq!(log["audit_log_entries"][0]["reason"], "too loud");
    assert_eq!(
        bot.delete(&format!("/guilds/{guild}/bans/{anna}")).await.0,
        204
    );

    let bens = format!("/guilds/{guild}/members/{ben}");
    let until = json!({"communication_disabled_until": "2999-01-01T00:00:00Z"});
    assert_eq!(bot.patch(&bens, until).await.1["code"], 50035);
    let tomorrow = jiff_like(1);
    let until = json!({"communication_disabled_until": tomorrow, "nick": "Benny"});
    let (_, changed) = bot.patch(&bens, until).await;
    assert_eq!(changed["nick"], "Benny");
    let error = bot.sim.say(ben, bot.general(), "hi").unwrap_err();
    assert_eq!(error.code(), Some(50013));
    assert_eq!(bot.delete(&bens).await.0, 204);
    assert_eq!(bot.delete(&bens).await.1["code"], 10007);
}

fn jiff_like(days: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)).to_string()
}

#[tokio::test]
async fn members_are_listed_and_searched() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let (_, all) = bot
        .get(&format!("/guilds/{guild}/members?limit=1000"))
        .await;
    assert_eq!(all.as_array().unwrap().len(), 4);
    let (_, found) = bot
        .get(&format!("/guilds/{guild}/members/search?query=AN&limit=5"))
        .await;
    assert_eq!(found[0]["user"]["username"], "anna");
}

#[tokio::test]
async fn webhooks_threads_and_invites_do_the_usual() {
    let bot = Bot::start().await;
    let channel = format!("/channels/{}", bot.general());
    let (_, hook) = bot
        .post(&format!("{channel}/webhooks"), json!({"name": "News"}))
        .await;
    let url = format!(
        "/webhooks/{}/{}",
        id(&hook),
        hook["token"].as_str().unwrap()
    );
    let (_, sent) = bot
        .post(&format!("{url}?wait=true"), json!({"content": "extra"}))
        .await;
    assert_eq!(sent["author"]["username"], "News");
    assert_eq!(sent["webhook_id"], hook["id"]);
    let body = json!({"content": "edited"});
    assert_eq!(
        bot.patch(&format!("{url}/messages/{}", id(&sent)), body)
            .await
            .0,
        200
    );

    let (status, thread) = bot
        .post(
            &format!("{channel}/messages/{}/threads", id(&sent)),
            json!({"name": "talk"}),
        )
        .await;
    assert_eq!((status, &thread["type"]), (201, &json!(11)));
    assert!(
        bot.sim
            .say(bot.user("anna"), id(&thread), "in here")
            .is_ok()
    );
    let me = format!("/channels/{}/thread-members/@me", id(&thread));
    assert_eq!(bot.put(&me, Value::Null).await.0, 204);
    let (_, invite) = bot
        .post(&format!("{channel}/invites"), json!({"max_age": 60}))
        .await;
    let code = invite["code"].as_str().unwrap();
    assert_eq!(bot.get(&format!("/invites/{code}")).await.1["max_age"], 60);
}
