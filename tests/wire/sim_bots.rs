//! Several bots in one simulator, each with its application, token, sessions and commands.

use crate::sim_gateway::{Client, Seen};
use crate::support::conformity::Conforming;
use cogsmith::sim::{BotBlueprint, Id, InteractionRequest, SimOptions, preset};
use reqwest::{Client as Http, Method};
use serde_json::{Value, json};
use twilight_gateway::Intents;

const ALL: u64 = Intents::all().bits();

struct Two {
    sim: Conforming,
    first: (Id, String),
    second: (Id, String),
    general: Id,
    http: Http,
}

impl Two {
    async fn start() -> Self {
        let mut world = preset("default").unwrap();
        world.bots.push(BotBlueprint {
            name: "helper".into(),
            ..BotBlueprint::default()
        });
        let options = SimOptions {
            world,
            ..SimOptions::default()
        };
        let sim = Conforming::start(options).await;
        let [first, second] = sim.bots().try_into().unwrap();
        let general = sim.channel("general").unwrap();
        let http = Http::builder().no_proxy().build().unwrap();
        Self {
            sim,
            first,
            second,
            general,
            http,
        }
    }

    /// A request with a bot's token: status and body.
    async fn call(
        &self,
        (_, token): &(Id, String),
        method: Method,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let url = format!("{}/api/v10{path}", self.sim.url());
        let request = self.http.request(method, url);
        let mut request = request.header("authorization", format!("Bot {token}"));
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn get(&self, bot: &(Id, String), path: &str) -> (u16, Value) {
        self.call(bot, Method::GET, path, Value::Null).await
    }

    async fn connect(&self, (_, token): &(Id, String)) -> Client {
        let mut client = Client::identified_as(&self.sim, token, ALL).await;
        client.dispatch("GUILD_CREATE").await;
        client
    }

    async fn command(&self, bot: &(Id, String), name: &str) -> Value {
        let path = format!("/applications/{}/commands", bot.0);
        let body = json!({"name": name, "description": "Does it"});
        let (status, command) = self.call(bot, Method::POST, &path, body).await;
        assert_eq!(status, 201, "{command}");
        command
    }
}

fn slash(name: &str) -> InteractionRequest {
    InteractionRequest::Slash {
        name: name.into(),
        options: json!({}),
    }
}

#[tokio::test]
async fn each_token_is_another_bot() {
    let two = Two::start().await;
    for (bot, name) in [(&two.first, "cogsmith"), (&two.second, "helper")] {
        let id = bot.0.to_string();
        let me = two.get(bot, "/users/@me").await.1;
        assert_eq!((&me["id"], &me["username"]), (&json!(id), &json!(name)));
        let application = two.get(bot, "/applications/@me").await.1;
        assert_eq!(application["id"], id.as_str());
        let path = format!("/guilds/{}/members/{id}", two.sim.guild());
        let member = two.get(bot, &path).await.1;
        assert_eq!(member["user"]["bot"], true);
        let mut client = Client::identified_as(&two.sim, &bot.1, ALL).await;
        let ready = client.dispatch("READY").await;
        assert_eq!(ready["d"]["user"]["id"], id.as_str());
        assert_eq!(ready["d"]["application"]["id"], id.as_str());
    }
    let begun = two.get(&two.first, "/gateway/bot").await.1;
    assert_eq!(begun["session_start_limit"]["remaining"], 999);
}

#[tokio::test]
async fn a_bot_sees_what_the_other_writes_and_changes_none_of_it() {
    let two = Two::start().await;
    let mut client = two.connect(&two.first).await;
    let path = format!("/channels/{}/messages", two.general);
    let body = json!({"content": "hello"});
    let sent = two.call(&two.second, Method::POST, &path, body).await.1;
    let seen = client.dispatch("MESSAGE_CREATE").await;
    assert_eq!(seen["d"]["author"]["id"], two.second.0.to_string());
    assert_eq!(seen["d"]["author"]["bot"], true);
    let message = format!("{path}/{}", sent["id"].as_str().unwrap());
    let body = json!({"content": "mine"});
    let refused = two.call(&two.first, Method::PATCH, &message, body).await;
    assert_eq!((refused.0, &refused.1["code"]), (403, &json!(50005)));
}

#[tokio::test]
async fn what_is_said_of_oneself_is_said_to_each_bot_of_itself() {
    let two = Two::start().await;
    let mut clients = [
        two.connect(&two.first).await,
        two.connect(&two.second).await,
    ];
    let path = format!("/channels/{}/messages", two.general);
    let body = json!({"content": "a"});
    let sent = two.call(&two.second, Method::POST, &path, body).await.1;
    let message = format!("{path}/{}", sent["id"].as_str().unwrap());
    let reaction = format!("{message}/reactions/%F0%9F%91%8D/@me");
    two.call(&two.second, Method::PUT, &reaction, Value::Null)
        .await;
    let body = json!({"content": "b"});
    two.call(&two.second, Method::PATCH, &message, body).await;
    let mut own = Vec::new();
    for client in &mut clients {
        let update = client.dispatch("MESSAGE_UPDATE").await;
        own.push(update["d"]["reactions"][0]["me"].clone());
    }
    assert_eq!(own, [false, true]);
}

#[tokio::test]
async fn interactions_go_to_the_owner_of_the_command_or_message() {
    let two = Two::start().await;
    two.command(&two.first, "first").await;
    two.command(&two.first, "both").await;
    two.command(&two.second, "both").await;
    let listed = format!("/applications/{}/commands", two.second.0);
    let own = two.get(&two.second, &listed).await.1;
    assert_eq!(own.as_array().unwrap().len(), 1);
    let foreign = two.get(&two.first, &listed).await;
    assert_eq!((foreign.0, &foreign.1["code"]), (404, &json!(10002)));

    let anna = two.sim.user("anna").unwrap();
    let mut first = two.connect(&two.first).await;
    let mut second = two.connect(&two.second).await;
    let use_it = |name: &str, bot: Option<Id>| {
        let request = slash(name);
        two.sim
            .interact_with(anna, two.general, &request, bot)
            .unwrap()
    };
    // The second bot's first event is the last of these, so it has heard nothing of the others.
    use_it("first", None);
    use_it("both", None);
    let interaction = use_it("both", Some(two.second.0));
    for name in ["first", "both"] {
        let told = first.dispatch("INTERACTION_CREATE").await;
        assert_eq!(told["d"]["data"]["name"], name);
        assert_eq!(told["d"]["application_id"], two.first.0.to_string());
    }
    let told = second.payload().await;
    assert_eq!(told["t"], "INTERACTION_CREATE");
    assert_eq!(told["d"]["application_id"], two.second.0.to_string());
    assert_eq!(told["d"]["id"], interaction.id().to_string());

    let token = told["d"]["token"].as_str().unwrap();
    let callback = format!("/interactions/{}/{token}/callback", interaction.id());
    let button = json!({"type": 1, "components": [
        {"type": 2, "style": 1, "label": "Go", "custom_id": "go"},
    ]});
    let answer = json!({"type": 4, "data": {"content": "here", "components": [button]}});
    let answered = two.call(&two.second, Method::POST, &callback, answer).await;
    assert_eq!(answered.0, 204);
    // The webhook of the interaction is below its own application alone.
    for (bot, status) in [(&two.first, 401), (&two.second, 200)] {
        let original = format!("/webhooks/{}/{token}/messages/@original", bot.0);
        assert_eq!(two.get(bot, &original).await.0, status);
    }
    let shown = second.dispatch("MESSAGE_CREATE").await;
    assert_eq!(shown["d"]["author"]["id"], two.second.0.to_string());
    let click = InteractionRequest::Component {
        message: shown["d"]["id"].as_str().unwrap().parse().unwrap(),
        custom_id: "go".into(),
        values: Vec::new(),
    };
    two.sim.interact(anna, two.general, click).unwrap();
    let clicked = second.dispatch("INTERACTION_CREATE").await;
    assert_eq!(clicked["d"]["data"]["custom_id"], "go");
    assert_eq!(clicked["d"]["application_id"], two.second.0.to_string());
}

#[tokio::test]
async fn direct_channels_are_seen_by_the_bot_that_they_are_with() {
    let two = Two::start().await;
    let anna = two.sim.user("anna").unwrap();
    let mut second = two.connect(&two.second).await;
    let mut first = two.connect(&two.first).await;
    let body = json!({"recipient_id": anna.to_string()});
    let path = "/users/@me/channels";
    let channel = two.call(&two.second, Method::POST, path, body).await.1;
    let channel: Id = channel["id"].as_str().unwrap().parse().unwrap();
    two.sim.say(anna, channel, "for the second").unwrap();
    let with_first = two.sim.direct_channel(anna);
    two.sim.say(anna, with_first, "for the first").unwrap();
    for (client, content) in [
        (&mut second, "for the second"),
        (&mut first, "for the first"),
    ] {
        let seen = client.dispatch("MESSAGE_CREATE").await;
        assert_eq!(seen["d"]["content"], content);
    }
}

#[tokio::test]
async fn a_bot_that_leaves_is_a_member_that_went_for_the_other() {
    let two = Two::start().await;
    let mut first = two.connect(&two.first).await;
    let mut second = two.connect(&two.second).await;
    let came = first.dispatch("PRESENCE_UPDATE").await;
    assert_eq!(came["d"]["user"]["id"], two.second.0.to_string());
    let path = format!("/users/@me/guilds/{}", two.sim.guild());
    two.call(&two.second, Method::DELETE, &path, Value::Null)
        .await;
    let left = second.payload().await;
    assert_eq!(left["t"], "GUILD_DELETE");
    let went = first.payload().await;
    assert_eq!(went["t"], "GUILD_MEMBER_REMOVE");
    assert_eq!(went["d"]["user"]["id"], two.second.0.to_string());
    two.sim.join(two.sim.guild(), two.second.0).unwrap();
    let back = second.payload().await;
    assert_eq!(
        (&back["t"], back["d"]["members"].as_array().map(Vec::len)),
        (&json!("GUILD_CREATE"), Some(1))
    );
    assert_eq!(first.payload().await["t"], "GUILD_MEMBER_ADD");
}

fn named(name: &str) -> BotBlueprint {
    BotBlueprint {
        name: name.into(),
        ..BotBlueprint::default()
    }
}

#[tokio::test]
async fn a_bot_comes_while_the_others_run() {
    let two = Two::start().await;
    let mut first = two.connect(&two.first).await;
    let guild = two.sim.guild();
    let third = two.sim.install_bot(&named("third")).unwrap();
    let made = first.dispatch("INTEGRATION_CREATE").await;
    assert_eq!(made["d"]["application"]["id"], third.0.to_string());
    let role = first.dispatch("GUILD_ROLE_CREATE").await;
    assert_eq!(role["d"]["role"]["tags"]["bot_id"], third.0.to_string());
    let came = first.dispatch("GUILD_MEMBER_ADD").await;
    assert_eq!(came["d"]["user"]["username"], "third");
    let given = first.dispatch("GUILD_MEMBER_UPDATE").await;
    assert_eq!(given["d"]["roles"][0], role["d"]["role"]["id"]);
    let added = first.dispatch("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
    assert_eq!(added["d"]["action_type"], 28);

    // It is a bot like those that were there from the start.
    let mut client = two.connect(&third).await;
    let path = format!("/channels/{}/messages", two.general);
    let (status, sent) = two
        .call(&third, Method::POST, &path, json!({"content": "new"}))
        .await;
    assert_eq!(status, 200, "{sent}");
    let seen = first.dispatch("MESSAGE_CREATE").await;
    assert_eq!(seen["d"]["author"]["id"], third.0.to_string());
    two.command(&third, "third").await;
    let anna = two.sim.user("anna").unwrap();
    two.sim
        .interact_with(anna, two.general, &slash("third"), None)
        .unwrap();
    let told = client.dispatch("INTERACTION_CREATE").await;
    assert_eq!(told["d"]["application_id"], third.0.to_string());
    let member = format!("/guilds/{guild}/members/{}", third.0);
    assert_eq!(two.get(&two.first, &member).await.0, 200);
}

#[tokio::test]
async fn a_bot_goes_while_the_others_run() {
    let two = Two::start().await;
    two.command(&two.second, "helps").await;
    let hooks = format!("/channels/{}/webhooks", two.general);
    let hook = two
        .call(&two.second, Method::POST, &hooks, json!({"name": "x"}))
        .await;
    assert_eq!(hook.0, 200, "{}", hook.1);
    let messages = format!("/channels/{}/messages", two.general);
    two.call(
        &two.second,
        Method::POST,
        &messages,
        json!({"content": "last"}),
    )
    .await;
    let mut first = two.connect(&two.first).await;
    let mut second = two.connect(&two.second).await;
    two.sim.uninstall_bot(two.second.0).unwrap();
    let code = loop {
        if let Seen::Closed(code) = second.next().await {
            break code;
        }
    };
    assert_eq!(code, Some(4004));
    first.dispatch("INTEGRATION_DELETE").await;
    let went = first.dispatch("GUILD_MEMBER_REMOVE").await;
    assert_eq!(went["d"]["user"]["id"], two.second.0.to_string());
    first.dispatch("GUILD_ROLE_DELETE").await;
    assert_eq!(two.get(&two.second, "/users/@me").await.0, 401);
    assert_eq!(two.get(&two.first, &hooks).await.1, json!([]));
    assert_eq!(two.sim.all_commands(), [Value::Null; 0]);
    // What it wrote stays, under its name.
    let kept = two.get(&two.first, &messages).await.1;
    assert_eq!(
        (&kept[0]["content"], &kept[0]["author"]["username"]),
        (&json!("last"), &json!("helper"))
    );
    let mut again = Client::identified_as(&two.sim, &two.second.1, ALL).await;
    assert!(matches!(again.next().await, Seen::Closed(Some(4004))));
}

#[tokio::test]
async fn bots_that_cannot_come_or_go_are_refused_in_words() {
    let two = Two::start().await;
    let refused = |bot: &BotBlueprint| two.sim.install_bot(bot).unwrap_err().to_string();
    assert!(refused(&named("anna")).contains("Somebody is called \"anna\" already"));
    assert!(refused(&named("helper")).contains("already"));
    assert!(refused(&named("")).contains("bots[0].name"));
    let with_token = |token: &str| BotBlueprint {
        token: Some(token.to_owned()),
        ..named("third")
    };
    assert!(refused(&with_token(&two.first.1)).contains("Another bot has this token"));
    assert!(refused(&with_token("a b")).contains("no spaces"));
    let may = BotBlueprint {
        permissions: Some(vec!["kick_member".into()]),
        ..named("third")
    };
    assert!(refused(&may).contains("did you mean \"kick_members\"?"));
    let stays = two.sim.uninstall_bot(two.first.0).unwrap_err().to_string();
    assert!(stays.contains("The first bot stays"), "{stays}");
    let anna = two.sim.user("anna").unwrap();
    assert_eq!(
        two.sim.uninstall_bot(anna).unwrap_err().code(),
        Some(10_002)
    );
    for number in 3..=100 {
        two.sim
            .install_bot(&named(&format!("bot{number}")))
            .unwrap();
    }
    assert!(refused(&named("one too many")).contains("There are 100 bots"));
}

#[tokio::test]
async fn a_bot_has_only_the_privileged_intents_that_are_switched_on() {
    let two = Two::start().await;
    let quiet = BotBlueprint {
        privileged_intents: Some(Vec::new()),
        ..named("quiet")
    };
    let (_, token) = two.sim.install_bot(&quiet).unwrap();
    let mut client = Client::identified_as(&two.sim, &token, 1 << 15).await;
    assert!(matches!(client.next().await, Seen::Closed(Some(4014))));
    let mut client = Client::identified_as(&two.sim, &token, 1 << 9).await;
    assert_eq!(client.payload().await["t"], "READY");
}
