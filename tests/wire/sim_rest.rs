//! The simulator's REST side, over real HTTP.

use cogsmith::clock::Clock;
use cogsmith::sim::{
    Id, InjectedFault, InteractionRequest, Limit, RateLimits, RestFaultKind, Sim, SimOptions,
};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

struct Bot {
    sim: Sim,
    http: Client,
}

impl Bot {
    async fn start() -> Self {
        Self::with(SimOptions::default()).await
    }

    async fn with(options: SimOptions) -> Self {
        Self {
            sim: Sim::start(options).await.unwrap(),
            http: Client::new(),
        }
    }

    fn authorization(&self) -> String {
        format!("Bot {}", self.sim.token())
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let url = format!("{}/api/v10{path}", self.sim.url());
        let mut request = self.http.request(method, url);
        request = request.header("authorization", self.authorization());
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let body = (!body.is_null()).then_some(body);
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PUT, path, body).await
    }

    async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PATCH, path, body).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(Method::DELETE, path, Value::Null).await
    }

    fn general(&self) -> Id {
        self.sim.channel("general").unwrap()
    }

    fn user(&self, name: &str) -> Id {
        self.sim.user(name).unwrap()
    }
}

fn id(value: &Value) -> Id {
    value["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_wrong_token_is_refused_as_discord_refuses_it() {
    let bot = Bot::start().await;
    let url = format!("{}/api/v10/users/@me", bot.sim.url());
    let response = bot.http.get(&url).header("authorization", "Bot wrong");
    let response = response.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({"message": "401: Unauthorized", "code": 0}));
    assert_eq!(bot.get("/users/@me").await.1["username"], "cogsmith");
}

#[tokio::test]
async fn both_api_versions_answer_and_name_the_gateway() {
    let bot = Bot::start().await;
    for version in ["v9", "v10"] {
        let url = format!("{}/api/{version}/gateway/bot", bot.sim.url());
        let response = bot
            .http
            .get(&url)
            .header("authorization", bot.authorization());
        let body: Value = response.send().await.unwrap().json().await.unwrap();
        let expected = bot.sim.url().replace("http", "ws");
        assert_eq!(body["url"], expected.as_str());
        assert_eq!(body["session_start_limit"]["max_concurrency"], 16);
    }
}

#[tokio::test]
async fn a_message_lives_from_creation_to_deletion() {
    let bot = Bot::start().await;
    let messages = format!("/channels/{}/messages", bot.general());
    let (status, message) = bot.post(&messages, json!({"content": " hello "})).await;
    assert_eq!(status, 200);
    assert_eq!(message["content"], "hello");
    assert_eq!(message["author"]["bot"], true);
    let one = format!("{messages}/{}", id(&message));

    let (status, edited) = bot.patch(&one, json!({"content": "bye"})).await;
    assert_eq!((status, &edited["content"]), (200, &json!("bye")));
    assert!(edited["edited_timestamp"].is_string());
    assert_eq!(bot.get(&one).await.1["content"], "bye");
    assert_eq!(bot.delete(&one).await.0, 204);
    let (status, gone) = bot.get(&one).await;
    assert_eq!((status, &gone["code"]), (404, &json!(10008)));
}

#[tokio::test]
async fn bodies_are_refused_with_the_field_that_is_wrong() {
    let bot = Bot::start().await;
    let messages = format!("/channels/{}/messages", bot.general());
    let (status, error) = bot
        .post(&messages, json!({"content": "x".repeat(2_001)}))
        .await;
    assert_eq!((status, &error["code"]), (400, &json!(50035)));
    let fault = &error["errors"]["content"]["_errors"][0];
    assert_eq!(fault["code"], "BASE_TYPE_MAX_LENGTH");
    assert_eq!(fault["message"], "Must be 2000 or fewer in length.");

    let (_, error) = bot.post(&messages, json!({"content": "  "})).await;
    assert_eq!(error["code"], 50006);
    let embed = json!({"embeds": [{"fields": [{"name": "n".repeat(257), "value": "v"}]}]});
    let (_, error) = bot.post(&messages, embed).await;
    let fault = &error["errors"]["embeds"]["0"]["fields"]["0"]["name"]["_errors"][0];
    assert_eq!(fault["code"], "BASE_TYPE_MAX_LENGTH");

    let exclusive =
        json!({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}});
    let (_, error) = bot.post(&messages, exclusive).await;
    assert!(error["errors"]["allowed_mentions"]["_errors"].is_array());
}

#[tokio::test]
async fn lists_of_messages_page_in_all_directions() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let say = |n: u32| id(&bot.sim.say(anna, bot.general(), &n.to_string()).unwrap());
    let ids: Vec<Id> = (0..10).map(say).collect();
    let contents = async |query: &str| -> Vec<String> {
        let path = format!("/channels/{}/messages?{query}", bot.general());
        let (_, list) = bot.get(&path).await;
        let list = list.as_array().unwrap().iter();
        list.map(|one| one["content"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(contents("limit=3").await, ["9", "8", "7"]);
    assert_eq!(
        contents(&format!("before={}&limit=2", ids[3])).await,
        ["2", "1"]
    );
    assert_eq!(
        contents(&format!("after={}&limit=2", ids[3])).await,
        ["5", "4"]
    );
    assert_eq!(
        contents(&format!("around={}&limit=3", ids[5])).await,
        ["6", "5", "4"]
    );
    let (status, error) = bot
        .get(&format!("/channels/{}/messages?limit=101", bot.general()))
        .await;
    assert_eq!((status, &error["code"]), (400, &json!(50035)));
}

#[tokio::test]
async fn files_come_back_from_where_the_message_says() {
    let bot = Bot::start().await;
    let payload = json!({
        "content": "see", "attachments": [{"id": 0, "filename": "notes.txt", "description": "Notes"}],
    });
    let boundary = "sim-boundary";
    let body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n{payload}\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"files[0]\"; filename=\"notes.txt\"\r\n\
         content-type: text/plain\r\n\r\nhello file\r\n--{boundary}--\r\n"
    );
    let url = format!(
        "{}/api/v10/channels/{}/messages",
        bot.sim.url(),
        bot.general()
    );
    let response = bot
        .http
        .post(url)
        .header("authorization", bot.authorization());
    let kind = format!("multipart/form-data; boundary={boundary}");
    let response = response
        .header("content-type", kind)
        .body(body)
        .send()
        .await
        .unwrap();
    let message: Value = response.json().await.unwrap();
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["filename"], "notes.txt");
    assert_eq!(attachment["size"], 10);
    assert_eq!(attachment["description"], "Notes");
    let file = bot
        .http
        .get(attachment["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(file.text().await.unwrap(), "hello file");
    assert_eq!(bot.sim.requests()[0].files, ["notes.txt"]);
}

#[tokio::test]
async fn mentions_follow_content_and_allowed_mentions() {
    let bot = Bot::start().await;
    let messages = format!("/channels/{}/messages", bot.general());
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let content = format!("<@{anna}> <@!{ben}> @everyone");
    let mentioned = |message: &Value| {
        let users = message["mentions"].as_array().unwrap().len();
        (users, message["mention_everyone"] == true)
    };
    let (_, all) = bot.post(&messages, json!({"content": content})).await;
    assert_eq!(mentioned(&all), (2, true));
    let none = json!({"content": content, "allowed_mentions": {"parse": []}});
    assert_eq!(mentioned(&bot.post(&messages, none).await.1), (0, false));
    let one = json!({"content": content, "allowed_mentions": {"users": [anna.to_string()]}});
    assert_eq!(mentioned(&bot.post(&messages, one).await.1), (1, false));

    // Anna may not ping everyone.
    let hers = bot.sim.say(anna, bot.general(), "@everyone hi").unwrap();
    assert_eq!(mentioned(&hers), (0, false));
    let reply = json!({"content": "hi", "message_reference": {"message_id": hers["id"]}});
    let (_, reply) = bot.post(&messages, reply).await;
    assert_eq!(reply["type"], 19);
    assert_eq!(reply["referenced_message"]["content"], "@everyone hi");
    assert_eq!(mentioned(&reply), (1, false));
    assert_eq!(
        bot.sim.reply_to(id(&hers), SOON).await.unwrap()["id"],
        reply["id"]
    );
    let (_, error) = bot
        .post(
            &messages,
            json!({"content": "x", "message_reference": {"message_id": "5"}}),
        )
        .await;
    let fault = &error["errors"]["message_reference"]["_errors"][0];
    assert_eq!(fault["code"], "REPLIES_UNKNOWN_MESSAGE");
}

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
async fn direct_messages_reach_people_and_not_bots() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let open = async |user: Id| {
        let body = json!({"recipient_id": user.to_string()});
        bot.post("/users/@me/channels", body).await.1
    };
    let channel = open(anna).await;
    assert_eq!(id(&channel), bot.sim.direct_channel(anna));
    assert_eq!(channel["type"], 1);
    let path = format!("/channels/{}/messages", id(&channel));
    assert_eq!(bot.post(&path, json!({"content": "psst"})).await.0, 200);

    let other = bot.sim.add_bot("other");
    let path = format!("/channels/{}/messages", id(&open(other).await));
    let (status, error) = bot.post(&path, json!({"content": "psst"})).await;
    assert_eq!((status, &error["code"]), (403, &json!(50007)));
    bot.sim.take_messages_from_bots(anna, false);
    let path = format!("/channels/{}/messages", id(&channel));
    assert_eq!(
        bot.post(&path, json!({"content": "psst"})).await.1["code"],
        50007
    );
}

#[tokio::test]
async fn reactions_are_added_listed_and_removed() {
    let bot = Bot::start().await;
    let hers = id(&bot
        .sim
        .say(bot.user("anna"), bot.general(), "react")
        .unwrap());
    let base = format!("/channels/{}/messages/{hers}/reactions", bot.general());
    let thumb = "%F0%9F%91%8D";
    assert_eq!(
        bot.put(&format!("{base}/{thumb}/@me"), Value::Null).await.0,
        204
    );
    bot.sim
        .react_as(bot.user("ben"), bot.general(), hers, "👍")
        .unwrap();
    let (_, users) = bot.get(&format!("{base}/{thumb}")).await;
    assert_eq!(users.as_array().unwrap().len(), 2);
    let reaction = bot.sim.message(bot.general(), hers).unwrap()["reactions"][0].clone();
    assert_eq!(
        (&reaction["count"], &reaction["me"]),
        (&json!(2), &json!(true))
    );

    let bens = format!("{base}/{thumb}/{}", bot.user("ben"));
    assert_eq!(bot.delete(&bens).await.0, 204);
    assert_eq!(bot.delete(&format!("{base}/{thumb}/@me")).await.0, 204);
    let message = bot.sim.message(bot.general(), hers).unwrap();
    assert!(message.get("reactions").is_none());
    let (_, error) = bot.put(&format!("{base}/thumbsup/@me"), Value::Null).await;
    assert_eq!(error["code"], 10014);
}

#[tokio::test]
async fn pins_work_under_both_addresses() {
    let bot = Bot::start().await;
    let hers = id(&bot
        .sim
        .say(bot.user("anna"), bot.general(), "pin me")
        .unwrap());
    let channel = format!("/channels/{}", bot.general());
    assert_eq!(
        bot.put(&format!("{channel}/pins/{hers}"), Value::Null)
            .await
            .0,
        204
    );
    let (_, new) = bot.get(&format!("{channel}/messages/pins")).await;
    assert_eq!(new["items"][0]["message"]["content"], "pin me");
    let (_, old) = bot.get(&format!("{channel}/pins")).await;
    assert_eq!(old[0]["pinned"], true);
    let path = format!("{channel}/messages/pins/{hers}");
    assert_eq!(bot.delete(&path).await.0, 204);
    assert_eq!(bot.get(&format!("{channel}/pins")).await.1, json!([]));
}

#[tokio::test]
async fn bulk_deletion_counts_and_ages() {
    let clock = Clock::paused(1_800_000_000);
    let options = SimOptions {
        clock: clock.clone(),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let say = || bot.sim.say(bot.user("anna"), bot.general(), "x").unwrap()["id"].clone();
    let path = format!("/channels/{}/messages/bulk-delete", bot.general());
    let (one, two) = (say(), say());
    assert_eq!(
        bot.post(&path, json!({"messages": [one.clone()]})).await.1["code"],
        50035
    );
    clock.advance_to_next(Duration::from_secs(1_800_000_000 + 15 * 86_400));
    let (_, error) = bot.post(&path, json!({"messages": [one, two]})).await;
    assert_eq!(error["code"], 50034);
    let (three, four) = (say(), say());
    assert_eq!(
        bot.post(&path, json!({"messages": [three, four]})).await.0,
        204
    );
    assert_eq!(bot.sim.messages(bot.general()).len(), 2);
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
async fn commands_are_checked_registered_and_replaced() {
    let bot = Bot::start().await;
    let path = format!("/applications/{}/commands", bot.sim.bot_user());
    let (status, error) = bot
        .post(&path, json!({"name": "Bad Name", "description": "x"}))
        .await;
    assert_eq!((status, &error["code"]), (400, &json!(50035)));
    let (status, rank) = bot
        .post(&path, json!({"name": "rank", "description": "Shows"}))
        .await;
    assert_eq!(status, 201);
    let body = json!([
        {"name": "rank", "description": "Shows more"},
        {"name": "ping", "description": "Answers"},
        {"name": "Look", "type": 2},
    ]);
    let (_, all) = bot.put(&path, body).await;
    assert_eq!(all[0]["id"], rank["id"]);
    assert_eq!(bot.get(&path).await.1.as_array().unwrap().len(), 3);
    let twice = json!([{"name": "a", "description": "x"}, {"name": "a", "description": "y"}]);
    assert_eq!(bot.put(&path, twice).await.1["code"], 50035);
    let one = format!("{path}/{}", id(&all[1]));
    assert_eq!(
        bot.patch(&one, json!({"description": "Pong"})).await.1["description"],
        "Pong"
    );
    assert_eq!(bot.delete(&one).await.0, 204);
    assert_eq!(bot.get(&one).await.1["code"], 10063);
}

async fn registered(bot: &Bot) {
    let path = format!("/applications/{}/commands", bot.sim.bot_user());
    let body = json!([{"name": "tag", "description": "Tags", "options": [
        {"type": 1, "name": "add", "description": "Adds", "options": [
            {"type": 6, "name": "who", "description": "Whom", "required": true},
            {"type": 4, "name": "n", "description": "How many", "min_value": 1},
        ]},
    ]}]);
    assert_eq!(bot.put(&path, body).await.0, 200);
}

/// The event of the last interaction.
fn interaction(
    events: &mut tokio::sync::broadcast::Receiver<std::sync::Arc<cogsmith::sim::Dispatch>>,
) -> Value {
    loop {
        let event = events.try_recv().unwrap();
        if event.name == "INTERACTION_CREATE" {
            return event.data.clone();
        }
    }
}

fn callback_path(event: &Value) -> String {
    let (id, token) = (
        event["id"].as_str().unwrap(),
        event["token"].as_str().unwrap(),
    );
    format!("/interactions/{id}/{token}/callback")
}

#[tokio::test]
async fn a_slash_command_is_deferred_filled_and_followed() {
    let bot = Bot::start().await;
    registered(&bot).await;
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let mut events = bot.sim.subscribe();
    let slash = |options: Value| {
        let name = "tag add".to_owned();
        bot.sim.interact(
            anna,
            bot.general(),
            InteractionRequest::Slash { name, options },
        )
    };
    assert!(slash(json!({})).is_err());
    assert!(slash(json!({"who": ben.to_string(), "n": 0})).is_err());
    let used = slash(json!({"who": ben.to_string(), "n": 2})).unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["data"]["options"][0]["options"][1]["value"], 2);
    let resolved = &event["data"]["resolved"]["users"][ben.to_string().as_str()];
    assert_eq!(resolved["username"], "ben");
    assert!(event["member"]["permissions"].is_string());

    let path = callback_path(&event);
    let (status, answer) = bot
        .post(&format!("{path}?with_response=true"), json!({"type": 5}))
        .await;
    assert_eq!(status, 200);
    assert_eq!(answer["interaction"]["response_message_loading"], true);
    assert_eq!(
        bot.post(&path, json!({"type": 4, "data": {"content": "x"}}))
            .await
            .1["code"],
        40060
    );
    assert!(!used.state().is_complete);

    let hook = format!(
        "/webhooks/{}/{}",
        bot.sim.bot_user(),
        event["token"].as_str().unwrap()
    );
    let original = format!("{hook}/messages/@original");
    assert_eq!(
        bot.patch(&original, json!({"content": "done"})).await.0,
        200
    );
    let view = used.response(SOON).await.unwrap();
    let message = view.message.unwrap();
    assert_eq!(
        (&message["content"], &message["flags"]),
        (&json!("done"), &json!(0))
    );
    let (_, more) = bot
        .post(&hook, json!({"content": "more", "flags": 64}))
        .await;
    assert_eq!(more["flags"], 64);
    let follow_ups = used.follow_ups(1, SOON).await.unwrap();
    assert_eq!(follow_ups[0]["content"], "more");
    let path = format!("/channels/{}/messages/{}", bot.general(), id(&more));
    assert_eq!(bot.get(&path).await.1["code"], 10008);
    assert_eq!(
        bot.delete(&format!("{hook}/messages/{}", id(&more)))
            .await
            .0,
        204
    );
}

#[tokio::test]
async fn interactions_expire_by_the_clock() {
    let clock = Clock::paused(1_800_000_000);
    let options = SimOptions {
        clock: clock.clone(),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    registered(&bot).await;
    let mut events = bot.sim.subscribe();
    let request = InteractionRequest::Slash {
        name: "tag add".into(),
        options: json!({"who": bot.user("ben").to_string()}),
    };
    bot.sim
        .interact(bot.user("anna"), bot.general(), request)
        .unwrap();
    let path = callback_path(&interaction(&mut events));
    clock.advance_to_next(Duration::from_secs(1_800_000_004));
    let (status, error) = bot
        .post(&path, json!({"type": 4, "data": {"content": "x"}}))
        .await;
    assert_eq!((status, &error["code"]), (404, &json!(10062)));
}

#[tokio::test]
async fn buttons_update_and_modals_open() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let row = json!([{"type": 1, "components": [
        {"type": 2, "style": 1, "label": "Go", "custom_id": "go"},
        {"type": 2, "style": 1, "label": "No", "custom_id": "no", "disabled": true},
    ]}]);
    let path = format!("/channels/{}/messages", bot.general());
    let (_, message) = bot
        .post(&path, json!({"content": "press", "components": row}))
        .await;
    let mut events = bot.sim.subscribe();
    let click = |custom_id: &str| {
        let request = InteractionRequest::Component {
            message: id(&message),
            custom_id: custom_id.into(),
            values: Vec::new(),
        };
        bot.sim.interact(anna, bot.general(), request)
    };
    assert!(click("no").is_err() && click("nothing").is_err());
    click("go").unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["message"]["id"], message["id"]);
    let update = json!({"type": 7, "data": {"content": "pressed", "components": []}});
    assert_eq!(bot.post(&callback_path(&event), update).await.0, 204);
    let shown = bot.sim.message(bot.general(), id(&message)).unwrap();
    assert_eq!(
        (&shown["content"], &shown["components"]),
        (&json!("pressed"), &json!([]))
    );

    let (_, message) = bot
        .post(
            &path,
            json!({"content": "form", "components": [{"type": 1, "components": [
            {"type": 2, "style": 1, "label": "Form", "custom_id": "form"}]}]}),
        )
        .await;
    let request = InteractionRequest::Component {
        message: id(&message),
        custom_id: "form".into(),
        values: Vec::new(),
    };
    bot.sim.interact(anna, bot.general(), request).unwrap();
    let modal = json!({"type": 9, "data": {"custom_id": "feedback", "title": "Feedback",
        "components": [{"type": 1, "components": [
            {"type": 4, "custom_id": "text", "style": 2, "label": "Text", "min_length": 3}]}]}});
    let path = callback_path(&interaction(&mut events));
    assert_eq!(bot.post(&path, modal).await.0, 204);
    let submit = |text: &str| InteractionRequest::Modal {
        custom_id: "feedback".into(),
        fields: vec![("text".into(), text.into())],
    };
    assert!(bot.sim.interact(anna, bot.general(), submit("x")).is_err());
    bot.sim
        .interact(anna, bot.general(), submit("great"))
        .unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["type"], 5);
    assert_eq!(
        event["data"]["components"][0]["components"][0]["value"],
        "great"
    );
}

#[tokio::test]
async fn commands_complete_obey_permissions_and_work_in_direct_channels() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let path = format!("/applications/{}/commands", bot.sim.bot_user());
    let body = json!([
        {"name": "find", "description": "Finds", "options": [
            {"type": 3, "name": "what", "description": "What", "autocomplete": true, "required": true}]},
        {"name": "clean", "description": "Cleans", "default_member_permissions": "8192", "contexts": [0]},
        {"name": "Look", "type": 2},
    ]);
    assert_eq!(bot.put(&path, body).await.0, 200);
    let mut events = bot.sim.subscribe();
    let typing = InteractionRequest::Autocomplete {
        name: "find".into(),
        options: json!({"what": "ap"}),
        focused: "what".into(),
    };
    let used = bot.sim.interact(anna, bot.general(), typing).unwrap();
    let event = interaction(&mut events);
    assert_eq!(
        (&event["type"], &event["data"]["options"][0]["focused"]),
        (&json!(4), &json!(true))
    );
    let choices = json!({"type": 8, "data": {"choices": [{"name": "Apple", "value": "apple"}]}});
    assert_eq!(bot.post(&callback_path(&event), choices).await.0, 204);
    assert_eq!(
        used.response(SOON).await.unwrap().choices[0]["value"],
        "apple"
    );

    let slash = |name: &str| InteractionRequest::Slash {
        name: name.into(),
        options: json!({}),
    };
    let refused = bot
        .sim
        .interact(anna, bot.general(), slash("clean"))
        .unwrap_err();
    assert_eq!(refused.code(), Some(50013));
    assert!(
        bot.sim
            .interact(bot.sim.owner(), bot.general(), slash("clean"))
            .is_ok()
    );
    let direct = bot.sim.direct_channel(anna);
    let refused = bot.sim.interact(anna, direct, slash("clean")).unwrap_err();
    assert_eq!(refused.code(), Some(10063));
    interaction(&mut events);
    let request = InteractionRequest::Slash {
        name: "find".into(),
        options: json!({"what": "pear"}),
    };
    bot.sim.interact(anna, direct, request).unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["user"]["username"], "anna");
    assert!(event.get("guild_id").is_none());
    let look = InteractionRequest::User {
        name: "Look".into(),
        target: bot.user("ben"),
    };
    bot.sim.interact(anna, bot.general(), look).unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["data"]["target_id"], bot.user("ben").to_string());
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_return() {
    let options = SimOptions {
        rate_limits: RateLimits::default().with_route(
            "POST",
            "/channels/{channel_id}/messages",
            Limit {
                requests: 2,
                per: Duration::from_secs(30),
            },
        ),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let path = format!("/channels/{}/messages", bot.general());
    let body = || Some(json!({"content": "x"}));
    let first = bot.send(Method::POST, &path, body()).await;
    let header =
        |response: &Response, name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header(&first, "x-ratelimit-limit"), "2");
    assert_eq!(header(&first, "x-ratelimit-remaining"), "1");
    bot.send(Method::POST, &path, body()).await;
    let refused = bot.send(Method::POST, &path, body()).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "x-ratelimit-scope"), "user");
    assert!(header(&refused, "retry-after").parse::<f64>().unwrap() >= 29.0);
    let body: Value = refused.json().await.unwrap();
    assert!(body["retry_after"].as_f64().unwrap() > 28.0);
    assert_eq!(body["global"], false);
    bot.sim.set_rate_limits(RateLimits::default());
    assert_eq!(bot.post(&path, json!({"content": "x"})).await.0, 200);
}

#[tokio::test]
async fn faults_happen_as_often_as_ordered() {
    let bot = Bot::start().await;
    let path = format!("/channels/{}/messages", bot.general());
    let kind = RestFaultKind::Status {
        status: 503,
        code: 0,
        message: "upstream".into(),
        retry_after: None,
    };
    bot.sim.fault(
        InjectedFault::operation("create_message", kind)
            .unwrap()
            .times(2),
    );
    assert_eq!(bot.post(&path, json!({"content": "x"})).await.0, 503);
    assert_eq!(bot.get(&path).await.0, 200);
    assert_eq!(bot.post(&path, json!({"content": "x"})).await.0, 503);
    assert_eq!(bot.post(&path, json!({"content": "x"})).await.0, 200);

    let template = "/channels/{channel_id}/messages";
    bot.sim
        .fault(InjectedFault::rest("POST", template, RestFaultKind::Drop));
    let url = format!("{}/api/v10{path}", bot.sim.url());
    let request = bot
        .http
        .post(&url)
        .header("authorization", bot.authorization());
    assert!(
        request
            .json(&json!({"content": "lost"}))
            .send()
            .await
            .is_err()
    );
    assert_eq!(bot.sim.messages(bot.general()).len(), 1);
    bot.sim.fault(InjectedFault::rest(
        "POST",
        template,
        RestFaultKind::DropAnswer,
    ));
    let request = bot
        .http
        .post(&url)
        .header("authorization", bot.authorization());
    assert!(
        request
            .json(&json!({"content": "done"}))
            .send()
            .await
            .is_err()
    );
    assert_eq!(bot.sim.messages(bot.general()).len(), 2);
}

#[tokio::test]
async fn missing_routes_say_so() {
    let bot = Bot::start().await;
    let path = format!("/guilds/{}/soundboard-sounds", bot.sim.guild());
    let (status, body) = bot.get(&path).await;
    assert_eq!(status, 501);
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("soundboard-sounds")
    );
    let missing = bot.sim.unimplemented_routes();
    assert!(missing[0].contains("list_guild_soundboard_sounds"));
    assert_eq!(bot.get("/nowhere").await.0, 404);
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

#[tokio::test]
async fn a_wait_that_fails_shows_what_happened() {
    let bot = Bot::start().await;
    bot.sim
        .say(bot.user("anna"), bot.general(), "is anybody there")
        .unwrap();
    let wait = bot
        .sim
        .bot_message_after(bot.general(), 0, Duration::from_millis(50));
    let error = wait.await.unwrap_err().to_string();
    assert!(error.contains("a message of the bot"), "{error}");
    assert!(error.contains("is anybody there"), "{error}");
}

/// serenity, a library of others that the bot does not use, reads what the simulator answers. Its rate limiter is
/// off: while it is on, requests go to Discord itself, whatever the proxy.
#[tokio::test]
async fn serenity_understands_the_answers() {
    use serenity::all::{
        ChannelId, CreateAttachment, CreateMessage, EditMember, GuildId, Http, HttpBuilder,
        MessageId, ReactionType, UserId,
    };
    let bot = Bot::start().await;
    let http: Http = HttpBuilder::new(bot.sim.token())
        .proxy(bot.sim.url())
        .application_id(bot.sim.bot_user().into())
        .ratelimiter_disabled(true)
        .build();
    let guild = GuildId::new(bot.sim.guild());
    let channel = ChannelId::new(bot.general());
    let anna = UserId::new(bot.user("anna"));

    assert_eq!(http.get_current_user().await.unwrap().name, "cogsmith");
    let info = http.get_current_application_info().await.unwrap();
    assert_eq!(info.owner.unwrap().id.get(), bot.sim.owner());
    http.get_bot_gateway().await.unwrap();
    assert_eq!(
        guild.to_partial_guild(&http).await.unwrap().name,
        "Cogsmith"
    );
    assert_eq!(guild.channels(&http).await.unwrap().len(), 5);
    assert_eq!(guild.roles(&http).await.unwrap().len(), 3);
    assert_eq!(guild.members(&http, None, None).await.unwrap().len(), 4);
    http.get_channel(channel).await.unwrap();
    let file = CreateAttachment::bytes(&b"text"[..], "a.txt");
    let message = CreateMessage::new().content("hi <@1>").add_file(file);
    let message = channel.send_message(&http, message).await.unwrap();
    assert_eq!(message.attachments[0].download().await.unwrap(), b"text");
    message
        .react(&http, ReactionType::Unicode("👍".into()))
        .await
        .unwrap();
    let users = message.reaction_users(&http, ReactionType::Unicode("👍".into()), None, None);
    assert_eq!(users.await.unwrap().len(), 1);
    assert!(channel.message(&http, MessageId::new(5)).await.is_err());
    assert_eq!(
        channel
            .message(&http, message.id)
            .await
            .unwrap()
            .reactions
            .len(),
        1
    );
    message.pin(&http).await.unwrap();
    assert_eq!(channel.pins(&http).await.unwrap().len(), 1);
    let direct = anna.create_dm_channel(&http).await.unwrap();
    direct.id.say(&http, "psst").await.unwrap();
    guild
        .edit_member(&http, anna, EditMember::new().nickname("Annie"))
        .await
        .unwrap();
    guild
        .ban_with_reason(&http, anna, 1, "no reason")
        .await
        .unwrap();
    assert_eq!(guild.bans(&http, None, None).await.unwrap().len(), 1);
    guild.unban(&http, anna).await.unwrap();
    guild
        .audit_logs(&http, None, None, None, None)
        .await
        .unwrap();
    http.get_global_commands().await.unwrap();
    assert_eq!(bot.sim.unimplemented_routes(), Vec::<String>::new());
}
