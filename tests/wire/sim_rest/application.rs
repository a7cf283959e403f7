//! The application itself: what it changes, entitlements, linked roles, lobbies.

use super::{Bot, id};
use serde_json::{Value, json};

#[tokio::test]
async fn the_application_changes_itself() {
    let bot = Bot::start().await;
    let body = json!({
        "description": {"default": "Does things"}, "tags": ["fun"],
        "interactions_endpoint_url": null,
    });
    let (status, changed) = bot.patch("/applications/@me", body).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        (&changed["description"], &changed["tags"]),
        (&json!("Does things"), &json!(["fun"]))
    );
    assert_eq!(bot.get("/applications/@me").await.1, changed);
    let by_id = format!("/applications/{}", bot.sim.bot_user());
    let (_, changed) = bot.patch(&by_id, json!({"tags": null})).await;
    assert_eq!(changed["tags"], Value::Null);
    let (_, error) = bot
        .patch("/applications/@me", json!({"icon": "cat.png"}))
        .await;
    assert!(error["errors"]["icon"].is_object(), "{error}");
    let (status, error) = bot.patch("/applications/5", json!({})).await;
    assert_eq!((status, &error["code"]), (404, &json!(10002)));
}

#[tokio::test]
async fn entitlements_are_made_to_test() {
    let bot = Bot::start().await;
    let mut events = bot.listen().await;
    let path = format!("/applications/{}/entitlements", bot.sim.bot_user());
    let anna = bot.user("anna").to_string();
    let body = json!({"sku_id": "7", "owner_id": anna, "owner_type": 2});
    let (status, made) = bot.post(&path, body).await;
    assert_eq!((status, &made["user_id"]), (200, &json!(anna)), "{made}");
    assert_eq!(events.next("ENTITLEMENT_CREATE").await, made);
    let guild = bot.sim.guild().to_string();
    let body = json!({"sku_id": "8", "owner_id": guild, "owner_type": 1});
    assert_eq!(bot.post(&path, body).await.1["guild_id"], guild);
    let (_, all) = bot.get(&path).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(bot.get(&format!("{path}?sku_ids=7")).await.1, json!([made]));
    assert_eq!(
        bot.get(&format!("{path}?user_id={anna}")).await.1,
        json!([made])
    );
    let one = format!("{path}/{}", id(&made));
    assert_eq!(
        bot.post(&format!("{one}/consume"), Value::Null).await.0,
        204
    );
    assert_eq!(events.next("ENTITLEMENT_UPDATE").await["consumed"], true);
    assert_eq!(bot.delete(&one).await.0, 204);
    assert_eq!(events.next("ENTITLEMENT_DELETE").await["deleted"], true);
    assert_eq!(bot.get(&one).await.1["code"], 10029);
    let body = json!({"sku_id": "7", "owner_id": "5", "owner_type": 2});
    assert_eq!(bot.post(&path, body).await.1["code"], 10013);
    assert_eq!(bot.get("/skus/7/subscriptions").await.1, json!([]));
    assert_eq!(bot.get("/skus/7/subscriptions/5").await.0, 404);
}

#[tokio::test]
async fn linked_roles_have_records() {
    let bot = Bot::start().await;
    let path = format!(
        "/applications/{}/role-connections/metadata",
        bot.sim.bot_user()
    );
    let record = json!({"type": 1, "key": "wins", "name": "Wins", "description": "games won"});
    let (status, set) = bot.put(&path, json!([record])).await;
    assert_eq!((status, &set), (200, &json!([record])));
    assert_eq!(bot.get(&path).await.1, set);
    let mut wrong = record.clone();
    wrong["key"] = json!("Wins!");
    assert_eq!(bot.put(&path, json!([wrong])).await.1["code"], 50035);
    let six: Vec<Value> = (0..6).map(|_| record.clone()).collect();
    assert_eq!(bot.put(&path, json!(six)).await.1["code"], 50035);
    assert_eq!(bot.get("/oauth2/keys").await.1, json!({"keys": []}));
}

#[tokio::test]
async fn lobbies_are_the_applications_own() {
    let bot = Bot::start().await;
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let body = json!({"metadata": {"map": "ice"}, "members": [{"id": anna.to_string()}]});
    let (status, lobby) = bot.post("/lobbies", body).await;
    assert_eq!(status, 201, "{lobby}");
    let path = format!("/lobbies/{}", id(&lobby));
    let member = format!("{path}/members/{ben}");
    let (_, joined) = bot.put(&member, json!({"metadata": {"team": "red"}})).await;
    assert_eq!(joined["metadata"]["team"], "red");
    let (_, shown) = bot.get(&path).await;
    assert_eq!(shown["members"].as_array().unwrap().len(), 2);
    let bulk = json!([{"id": anna.to_string(), "remove_member": true}]);
    let (_, left) = bot.post(&format!("{path}/members/bulk"), bulk).await;
    assert_eq!(left, json!([joined]));
    let (_, changed) = bot.patch(&path, json!({"metadata": {"map": "sand"}})).await;
    assert_eq!(changed["metadata"]["map"], "sand");
    assert_eq!(bot.delete(&member).await.0, 204);
    assert_eq!(bot.delete(&member).await.1["code"], 10007);
    assert_eq!(bot.delete(&path).await.0, 204);
    assert_eq!(bot.get(&path).await.1["code"], 10031);
    let (_, error) = bot
        .post("/lobbies", json!({"idle_timeout_seconds": 1}))
        .await;
    assert!(
        error["errors"]["idle_timeout_seconds"].is_object(),
        "{error}"
    );
}
