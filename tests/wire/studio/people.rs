//! People and servers come and go, and are told why something is not permitted.

use super::harness::{Studio, error_of};
use crate::support::conformity::Conforming;
use cogsmith::sim::{Id, SimOptions};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A studio whose simulator is looked at, and what its bots are told.
async fn studio() -> (Studio, Conforming) {
    let chat = Conforming::start(SimOptions::default()).await;
    (Studio::start(Some(chat.0.clone())).await, chat)
}

impl Studio {
    async fn done(&self, path: &str, body: Value) -> Value {
        let response = self.post(path, &body).await;
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path} {body}: {answer}");
        answer
    }

    async fn refused(&self, path: &str, body: Value) -> Value {
        let response = self.post(path, &body).await;
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}: {answer}");
        answer
    }
}

fn id(value: &Value) -> Id {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_person_joins_leaves_and_joins_again() {
    let (studio, chat) = studio().await;
    let mut page = studio.page().await;
    page.next("hello").await;
    let mut events = chat.subscribe();
    let guild = chat.guild();
    let person = json!({"name": "rin", "display_name": "Rin", "guild": "Cogsmith"});
    let rin = studio.done("/control/add-person", person).await["id"].clone();
    let world = page.next("world").await["world"].clone();
    let members = world["guilds"][0]["members"].as_array().unwrap();
    assert!(members.iter().any(|one| one["user"]["id"] == rin));
    assert!(world["access"][rin.as_str().unwrap()].is_object());

    let of_rin = json!({"user": rin, "guild": guild.to_string()});
    studio.done("/control/leave", of_rin.clone()).await;
    studio.done("/control/join", of_rin.clone()).await;
    // A second time changes nothing.
    studio.done("/control/join", of_rin).await;
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if !event.private {
            told.push((event.name.clone(), event.data["user"]["id"].clone()));
        }
    }
    let expected = [
        "GUILD_MEMBER_ADD",
        "GUILD_MEMBER_REMOVE",
        "GUILD_MEMBER_ADD",
    ];
    assert_eq!(told, expected.map(|name| (name.to_owned(), rin.clone())));
}

#[tokio::test]
async fn names_that_discord_would_not_take_are_refused() {
    let (studio, _) = studio().await;
    let long = "x".repeat(33);
    for (name, shown, words) in [
        ("anna", None, "already somebody called anna"),
        ("x", None, "between 2 and 32"),
        (&long, None, "between 2 and 32"),
        ("Big Name", None, "numbers, letters"),
        ("a..b", None, "numbers, letters"),
        ("\u{200b}\u{200b}", None, "numbers, letters"),
        ("fine", Some(""), "between 1 and 32"),
        ("fine", Some(long.as_str()), "between 1 and 32"),
    ] {
        let body = json!({"name": name, "display_name": shown});
        let answer = studio.refused("/control/add-person", body).await;
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(words), "{name}: {error}");
    }
    // Nobody is made who could not join.
    let body = json!({"name": "kai", "guild": "1"});
    studio.refused("/control/add-person", body).await;
    studio
        .done("/control/add-person", json!({"name": "kai"}))
        .await;
    let huge = json!({"name": "x".repeat(70_000)});
    let response = studio.post("/control/add-person", &huge).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn who_is_banned_cannot_join_until_the_ban_is_lifted() {
    let (studio, chat) = studio().await;
    let (guild, anna, owner) = (chat.guild(), chat.user("anna").unwrap(), chat.owner());
    let ban = |method: &str| json!({"user": "owner", "method": method, "path": format!("/guilds/{guild}/bans/{anna}")});
    studio.done("/control/call", ban("PUT")).await;
    let join = json!({"user": "anna", "guild": guild.to_string()});
    let answer = studio.refused("/control/join", join.clone()).await;
    assert_eq!(
        answer["error"],
        "The user is banned from this guild: Anna is banned from Cogsmith."
    );
    let mut page = studio.page().await;
    let hello = page.next("hello").await;
    assert_eq!(
        hello["world"]["guilds"][0]["bans"],
        json!([anna.to_string()])
    );
    studio.done("/control/call", ban("DELETE")).await;
    studio.done("/control/join", join).await;
    // The owner stays.
    let leave = json!({"user": owner.to_string(), "guild": guild.to_string()});
    let answer = studio.refused("/control/leave", leave).await;
    assert!(
        answer["error"].as_str().unwrap().contains("cannot leave"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_invite_lets_in_as_often_as_it_says() {
    let (studio, chat) = studio().await;
    let general = chat.channel("general").unwrap();
    let path = format!("/channels/{general}/invites");
    let body = json!({"user": "owner", "method": "POST", "path": path, "body": {"max_uses": 1}});
    let code = studio.done("/control/call", body).await["code"].clone();
    for name in ["rin", "kai"] {
        studio
            .done("/control/add-person", json!({"name": name}))
            .await;
    }
    let link = format!("https://discord.gg/{}", code.as_str().unwrap());
    let joined = studio
        .done("/control/join", json!({"user": "rin", "invite": link}))
        .await;
    assert_eq!(joined["guild"], chat.guild().to_string());
    let again = json!({"user": "kai", "invite": code});
    let answer = studio.refused("/control/join", again).await;
    assert_eq!(answer["error"], "Unknown Invite");
    studio
        .refused("/control/join", json!({"user": "kai"}))
        .await;
}

#[tokio::test]
async fn a_server_is_made_with_all_bots_in_it() {
    let (studio, chat) = studio().await;
    let mut events = chat.subscribe();
    let body = json!({"user": "anna", "name": " Tea ", "preset": "default"});
    let guild = studio.done("/control/add-server", body).await["id"].clone();
    let made = events.try_recv().unwrap();
    assert_eq!(
        (made.name.as_str(), &made.data["id"]),
        ("GUILD_CREATE", &guild)
    );
    assert_eq!(made.data["member_count"], 2);
    assert_eq!(
        made.data["owner_id"],
        chat.user("anna").unwrap().to_string()
    );
    assert!(events.try_recv().is_err(), "told of its parts");
    let world: Value = studio.get("/control/world").await.json().await.unwrap();
    let tea = &world["guilds"][1];
    assert_eq!((&tea["name"], &tea["id"]), (&json!("Tea"), &guild));
    // The bot has its role, and may speak there.
    let general = tea["channels"].as_array().unwrap();
    let general = general.iter().find(|one| one["name"] == "general").unwrap();
    let held = chat.permissions_in(chat.bot_user(), id(&general["id"]));
    assert_ne!(held & 1 << 13, 0, "manage messages");

    for (name, preset, words) in [
        ("x", "default", "between 2 and 100"),
        ("Tea", "nothing", "There is no preset nothing."),
        ("  \u{20}", "empty", "between 2 and 100"),
    ] {
        let body = json!({"user": "anna", "name": name, "preset": preset});
        let answer = studio.refused("/control/add-server", body).await;
        assert!(
            answer["error"].as_str().unwrap().contains(words),
            "{answer}"
        );
    }
    for number in 2..100 {
        let body = json!({"user": "ben", "name": format!("Server {number}"), "preset": "empty"});
        studio.done("/control/add-server", body).await;
    }
    let one_more = json!({"user": "ben", "name": "Too many", "preset": "empty"});
    studio.done("/control/add-server", one_more.clone()).await;
    let answer = studio.refused("/control/add-server", one_more).await;
    assert_eq!(answer["error"], "Maximum number of guilds reached (100)");
}

#[tokio::test]
async fn presence_and_voice_are_told_to_bots_and_to_the_page() {
    let (studio, chat) = studio().await;
    let mut page = studio.page().await;
    page.next("hello").await;
    let mut events = chat.subscribe();
    let body = json!({"user": "anna", "status": "dnd", "custom_status": "tea"});
    studio.done("/control/presence", body).await;
    let told = events.try_recv().unwrap();
    assert_eq!(told.name, "PRESENCE_UPDATE");
    assert_eq!(told.data["status"], "dnd");
    assert_eq!(told.data["activities"][0]["state"], "tea");
    let frame = page.next("presence").await;
    assert_eq!(frame["presence"]["activities"][0]["type"], 4);

    let voice = |more: Value| {
        let mut body = json!({"user": "anna", "channel": "Voice"});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    studio.done("/control/voice", voice(json!({}))).await;
    let frame = page.next("voice").await;
    let lounge = chat.channel("Voice").unwrap().to_string();
    assert_eq!(frame["state"]["channel_id"], lounge);
    let session = frame["state"]["session_id"].clone();
    let on = json!({"self_mute": true, "self_stream": true, "self_video": true});
    studio.done("/control/voice", voice(on)).await;
    let frame = page.next("voice").await;
    assert_eq!(frame["state"]["self_mute"], true);
    assert_eq!(frame["state"]["self_stream"], true);
    assert_eq!(frame["state"]["self_video"], true);
    assert_eq!(frame["state"]["session_id"], session, "the same connection");
    let world: Value = studio.get("/control/world").await.json().await.unwrap();
    assert_eq!(world["guilds"][0]["voice_states"][0]["channel_id"], lounge);
    studio
        .done("/control/voice", json!({"user": "anna", "channel": null}))
        .await;
    assert_eq!(page.next("voice").await["state"]["channel_id"], Value::Null);
    let typing = json!({"user": "anna", "channel": "general"});
    studio.done("/control/typing", typing).await;
    let typing = page.next("typing").await;
    assert_eq!(typing["user"], chat.user("anna").unwrap().to_string());
}

#[tokio::test]
async fn forged_presence_and_voice_are_refused() {
    let (studio, chat) = studio().await;
    let long = "x".repeat(129);
    let many = vec![json!({"name": "chess", "type": 0}); 11];
    for body in [
        json!({"user": "anna", "status": "online", "custom_status": long}),
        json!({"user": "anna", "status": "online", "activities": many}),
        json!({"user": "anna", "status": "online", "activities": [{"name": "", "type": 0}]}),
        json!({"user": "anna", "status": "online", "activities": [{"name": "x", "type": 99}]}),
        json!({"user": "7", "status": "online"}),
    ] {
        studio.refused("/control/presence", body).await;
    }
    let body = json!({"user": "anna", "status": "on fire"});
    let response = studio.post("/control/presence", &body).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    studio
        .done("/control/add-person", json!({"name": "stranger"}))
        .await;
    let everyone = chat.guild();
    let lounge = chat.channel("Voice").unwrap();
    chat.overwrite(lounge, everyone, (0, 1 << 9)).unwrap();
    for (body, words) in [
        (
            json!({"user": "anna", "channel": "general"}),
            "channel type",
        ),
        (json!({"user": "anna", "channel": "9"}), "Unknown Channel"),
        (
            json!({"user": "anna", "channel": null, "guild": "9"}),
            "Unknown Guild",
        ),
        (
            json!({"user": "stranger", "channel": "Voice"}),
            "stranger is not in Cogsmith",
        ),
        (
            json!({"user": "anna", "channel": "Voice", "self_video": true}),
            "Anna lacks Video in #Voice: #Voice denies it to @everyone in an overwrite.",
        ),
    ] {
        let answer = studio.refused("/control/voice", body).await;
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_says_which_permission_is_missing_and_where_from() {
    let (studio, chat) = studio().await;
    let (guild, anna, ben) = (
        chat.guild(),
        chat.user("anna").unwrap(),
        chat.user("ben").unwrap(),
    );
    let call = |user: &str, path: String| json!({"user": user, "method": "DELETE", "path": path});
    let kick = || format!("/guilds/{guild}/members/{ben}");
    let answer = studio.refused("/control/call", call("anna", kick())).await;
    assert_eq!(answer["lacking"]["permissions"], json!(["Kick Members"]));
    assert_eq!(
        answer["error"],
        "Missing Permissions: Anna lacks Kick Members in Cogsmith: no role of Anna grants it (@everyone)."
    );
    // With a role of the same height the permission is not enough.
    let moderators = chat.role(guild, "moderators").unwrap();
    chat.give_role(guild, anna, moderators).unwrap();
    chat.give_role(guild, ben, moderators).unwrap();
    let answer = studio.refused("/control/call", call("anna", kick())).await;
    let why = answer["lacking"]["why"].as_str().unwrap();
    assert!(why.contains("does not stand above Ben"), "{why}");

    let general = chat.channel("general").unwrap();
    chat.overwrite(general, guild, (0, 1 << 11)).unwrap();
    let response = studio.say(anna, &general.to_string(), "hi").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        error_of(response).await,
        "Missing Permissions: Anna lacks Send Messages in #general: #general denies it to @everyone in an overwrite."
    );

    let bot = chat.bot_user();
    let path = format!("/applications/{bot}/guilds/{guild}/commands");
    let command = json!({"name": "ban", "description": "Bans", "default_member_permissions": "32"});
    chat.call_as(bot, "POST", &path, command).unwrap();
    let request = json!({"kind": "command", "path": ["ban"], "options": {}});
    let used = json!({"user": "anna", "channel": "general", "request": request});
    let answer = studio.refused("/control/interact", used).await;
    assert_eq!(answer["lacking"]["permissions"], json!(["Manage Server"]));
    let why = answer["lacking"]["why"].as_str().unwrap();
    assert!(
        why.starts_with(
            "/ban is for members with Manage Server (its default_member_permissions). Anna lacks"
        ),
        "{why}"
    );
}

#[tokio::test]
async fn the_page_is_told_which_requests_of_bots_were_refused() {
    let (studio, chat) = studio().await;
    let mut page = studio.page().await;
    assert_eq!(page.next("hello").await["refusals"], json!([]));
    let url = format!(
        "{}/api/v10/guilds/{}/members/{}",
        chat.url(),
        chat.guild(),
        chat.owner()
    );
    let kick = || {
        let request = studio.client.request(Method::DELETE, &url);
        let token = format!("Bot {}", chat.token());
        request.header("authorization", token).send()
    };
    let answer: Value = kick().await.unwrap().json().await.unwrap();
    // Discord does not say more.
    assert_eq!(
        answer,
        json!({"message": "Missing Permissions", "code": 50013})
    );
    let refusals = page.next("refusals").await["refusals"].clone();
    assert_eq!(refusals[0]["operation"], "delete_guild_member");
    assert_eq!(refusals[0]["code"], 50013);
    assert_eq!(refusals[0]["bot"], chat.bot_user().to_string());
    assert_eq!(
        refusals[0]["why"],
        "Owner owns Cogsmith: nobody stands above."
    );
    kick().await.unwrap();
    let later = page.next("refusals").await["refusals"].clone();
    assert_eq!(later.as_array().unwrap().len(), 1);
    // A page that comes later knows them, too, and so does a program.
    let mut other = studio.page().await;
    assert_eq!(
        other.next("hello").await["refusals"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let requests: Value = studio.get("/control/requests").await.json().await.unwrap();
    assert_eq!(requests[0]["lacking"]["why"], refusals[0]["why"]);
}

#[tokio::test]
async fn each_bot_has_direct_messages_of_its_own() {
    let (studio, chat) = studio().await;
    let bot = chat.bot_user().to_string();
    let named = json!({"user": "anna", "bot": bot});
    let channel = studio.done("/control/direct", named).await;
    let unnamed = json!({"user": "anna"});
    assert_eq!(studio.done("/control/direct", unnamed).await, channel);
    // A person is no bot.
    let forged = json!({"user": "anna", "bot": "ben"});
    studio.refused("/control/direct", forged).await;
}
