//! The simulator's gateway, by raw WebSocket and through twilight-gateway, which the bot uses.

use crate::support::conformity::Conforming;
use cogsmith::sim::{GatewayFaultKind, Id, InjectedFault, PRIVILEGED_INTENTS, Sim, SimOptions};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use twilight_gateway::{ConfigBuilder, Intents, Session, Shard, ShardId};

const SOON: Duration = Duration::from_secs(5);
/// Everything that the facts know.
const ALL: u64 = Intents::all().bits();

/// What a raw client sees.
#[derive(Debug)]
pub(crate) enum Seen {
    Payload(Value),
    Closed(Option<u16>),
}

pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    zlib: Option<flate2::write::ZlibDecoder<Vec<u8>>>,
    token: String,
}

impl Client {
    async fn connect(sim: &Sim, extra: &str) -> Self {
        let url = format!(
            "{}/?v=10&encoding=json{extra}",
            sim.url().replace("http", "ws")
        );
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let zlib = extra
            .contains("zlib-stream")
            .then(|| flate2::write::ZlibDecoder::new(Vec::new()));
        let token = sim.token().to_owned();
        let mut client = Self {
            socket,
            zlib,
            token,
        };
        let hello = client.payload().await;
        assert_eq!(hello["op"], 10);
        assert_eq!(hello["d"]["heartbeat_interval"], 41_250);
        client
    }

    async fn identified(sim: &Sim, intents: u64) -> Self {
        Self::identified_as(sim, sim.token(), intents).await
    }

    /// As the bot with this token.
    pub(crate) async fn identified_as(sim: &Sim, token: &str, intents: u64) -> Self {
        let mut client = Self::connect(sim, "").await;
        token.clone_into(&mut client.token);
        client.identify(intents, [0, 1]).await;
        client
    }

    pub(crate) async fn send(&mut self, payload: Value) {
        let message = Message::text(payload.to_string());
        self.socket.send(message).await.unwrap();
    }

    async fn identify(&mut self, intents: u64, shard: [u32; 2]) {
        let token = &self.token;
        let data = json!({"token": token, "intents": intents, "shard": shard, "properties": {}});
        self.send(json!({"op": 2, "d": data})).await;
    }

    pub(crate) async fn next(&mut self) -> Seen {
        let next = tokio::time::timeout(SOON, self.socket.next()).await;
        match next.expect("the gateway sends something in time") {
            Some(Ok(Message::Text(text))) => Seen::Payload(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Binary(bytes))) => {
                let zlib = self.zlib.as_mut().unwrap();
                zlib.write_all(&bytes).unwrap();
                zlib.flush().unwrap();
                let text = std::mem::take(zlib.get_mut());
                Seen::Payload(serde_json::from_slice(&text).unwrap())
            }
            Some(Ok(Message::Close(frame))) => Seen::Closed(frame.map(|frame| frame.code.into())),
            Some(Ok(other)) => panic!("unexpected frame {other:?}"),
            Some(Err(_)) | None => Seen::Closed(None),
        }
    }

    pub(crate) async fn payload(&mut self) -> Value {
        match self.next().await {
            Seen::Payload(payload) => payload,
            Seen::Closed(code) => panic!("closed with {code:?}"),
        }
    }

    async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Seen::Closed(code) = self.next().await {
                return code;
            }
        }
    }

    /// The next dispatch of this name; others are skipped.
    pub(crate) async fn dispatch(&mut self, name: &str) -> Value {
        loop {
            let payload = self.payload().await;
            if payload["t"] == name {
                return payload;
            }
        }
    }
}

async fn start() -> Conforming {
    Conforming::start(SimOptions::default()).await
}

fn names(sim: &Sim) -> (Id, Id, Id) {
    let user = |name| sim.user(name).unwrap();
    (sim.channel("general").unwrap(), user("anna"), user("ben"))
}

#[tokio::test]
async fn a_session_begins_with_ready_and_the_guilds() {
    let sim = start().await;
    let mut client = Client::identified(&sim, ALL).await;
    let ready = client.payload().await;
    assert_eq!((&ready["t"], &ready["s"]), (&json!("READY"), &json!(1)));
    let data = &ready["d"];
    assert_eq!(data["user"]["username"], "cogsmith");
    assert_eq!(data["guilds"][0]["unavailable"], true);
    assert_eq!(data["resume_gateway_url"], sim.url().replace("http", "ws"));
    assert_eq!(data["application"]["id"], sim.bot_user().to_string());
    let guild = client.payload().await;
    assert_eq!(guild["t"], "GUILD_CREATE");
    assert_eq!(guild["d"]["name"], "Cogsmith");
    assert_eq!(guild["d"]["channels"].as_array().unwrap().len(), 5);
    assert_eq!(guild["d"]["members"].as_array().unwrap().len(), 4);
    sim.connected(SOON).await.unwrap();

    // Without the intent for presences only the bot itself is listed.
    let mut client = Client::identified(&sim, 1).await;
    let guild = client.dispatch("GUILD_CREATE").await;
    assert_eq!(guild["d"]["members"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn bad_identifies_are_closed_with_discords_codes() {
    let options = SimOptions {
        allowed_privileged_intents: PRIVILEGED_INTENTS & !(1 << 15),
        ..SimOptions::default()
    };
    let sim = Conforming::start(options).await;
    let cases = [
        (json!({"token": "no", "intents": 1}), 4004),
        (json!({"token": sim.token(), "intents": 1 << 15}), 4014),
        (json!({"token": sim.token(), "intents": 1_u64 << 40}), 4013),
        (
            json!({"token": sim.token(), "intents": 1, "shard": [2, 2]}),
            4010,
        ),
    ];
    for (data, code) in cases {
        let mut client = Client::connect(&sim, "").await;
        client.send(json!({"op": 2, "d": data})).await;
        assert_eq!(client.close_code().await, Some(code));
    }
    let mut client = Client::connect(&sim, "").await;
    client.send(json!({"op": 3, "d": {}})).await;
    assert_eq!(client.close_code().await, Some(4003));
    let mut client = Client::connect(&sim, "").await;
    client.socket.send(Message::text("{")).await.unwrap();
    assert_eq!(client.close_code().await, Some(4002));
    let mut client = Client::identified(&sim, 1).await;
    client.identify(1, [0, 1]).await;
    assert_eq!(client.close_code().await, Some(4005));
}

#[tokio::test]
async fn heartbeats_are_answered_and_can_be_swallowed_and_asked_for() {
    let sim = start().await;
    let mut client = Client::identified(&sim, 0).await;
    client.dispatch("READY").await;
    client.send(json!({"op": 1, "d": 1})).await;
    assert_eq!(client.payload().await["op"], 11);
    sim.wait_for("the acknowledgement", SOON, |sim| {
        (sim.sessions()[0].acknowledged == 1).then_some(())
    })
    .await
    .unwrap();
    sim.fault(InjectedFault::gateway(
        GatewayFaultKind::SwallowHeartbeatAcks(1),
    ));
    sim.fault(InjectedFault::gateway(GatewayFaultKind::RequestHeartbeat));
    assert_eq!(client.payload().await["op"], 1);
    client.send(json!({"op": 1, "d": 1})).await;
    client.send(json!({"op": 1, "d": 1})).await;
    sim.fault(InjectedFault::gateway(GatewayFaultKind::Reconnect));
    // One of the two acknowledgements is missing.
    let mut codes = [
        client.payload().await["op"].clone(),
        client.payload().await["op"].clone(),
    ];
    codes.sort_by_key(Value::as_u64);
    assert_eq!(codes, [json!(7), json!(11)]);
}

#[tokio::test]
async fn a_silent_client_is_closed() {
    let options = SimOptions {
        heartbeat_interval_ms: 50,
        ..SimOptions::default()
    };
    let sim = Conforming::start(options).await;
    let url = format!("{}/?v=10&encoding=json", sim.url().replace("http", "ws"));
    let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let (zlib, token) = (None, sim.token().to_owned());
    let mut client = Client {
        socket,
        zlib,
        token,
    };
    assert_eq!(client.close_code().await, Some(4009));
}

#[tokio::test]
async fn intents_decide_what_comes_and_how_much_of_it() {
    let sim = start().await;
    let (general, anna, ben) = names(&sim);
    // Guild messages alone: no content, no direct messages, no reactions.
    let mut client = Client::identified(&sim, 1 << 9).await;
    client.dispatch("READY").await;
    let direct = sim.direct_channel(anna);
    sim.say(anna, direct, "psst").unwrap();
    let said = sim.say(anna, general, "secret").unwrap();
    let id: Id = said["id"].as_str().unwrap().parse().unwrap();
    sim.react_as(ben, general, id, "👍").unwrap();
    sim.say(anna, general, &format!("<@{}> hello", sim.bot_user()))
        .unwrap();
    sim.say(sim.bot_user(), general, "my own").unwrap();
    let reply = json!({"content": "deep", "message_reference": {"message_id": said["id"]}});
    sim.send_as(ben, general, reply).unwrap();

    let first = client.payload().await;
    assert_eq!(first["t"], "MESSAGE_CREATE");
    assert_eq!(first["d"]["content"], "");
    assert_eq!(first["d"]["guild_id"], sim.guild().to_string());
    assert!(first["d"]["member"]["joined_at"].is_string());
    assert!(first["d"]["member"].get("user").is_none());
    assert!(
        client.payload().await["d"]["content"]
            .as_str()
            .unwrap()
            .contains("hello")
    );
    assert_eq!(client.payload().await["d"]["content"], "my own");
    let reply = client.payload().await;
    assert_eq!(reply["d"]["content"], "");
    assert_eq!(reply["d"]["referenced_message"]["content"], "");

    // With direct messages and content, everything is there.
    let mut client = Client::identified(&sim, 1 << 9 | 1 << 12 | 1 << 15).await;
    client.dispatch("READY").await;
    sim.say(anna, direct, "psst again").unwrap();
    sim.say(anna, general, "open").unwrap();
    let whisper = client.payload().await;
    assert_eq!(whisper["d"]["content"], "psst again");
    assert!(whisper["d"].get("guild_id").is_none());
    assert_eq!(client.payload().await["d"]["content"], "open");
}

#[tokio::test]
async fn hidden_channels_stay_hidden() {
    let sim = start().await;
    let (general, anna, _) = names(&sim);
    let hidden = sim.channel("moderators").unwrap();
    let mut client = Client::identified(&sim, ALL).await;
    client.dispatch("GUILD_CREATE").await;
    sim.say(sim.owner(), hidden, "between us").unwrap();
    sim.say(anna, general, "for all").unwrap();
    assert_eq!(
        client.dispatch("MESSAGE_CREATE").await["d"]["content"],
        "for all"
    );
}

#[tokio::test]
async fn changes_are_dispatched() {
    let sim = start().await;
    let (general, anna, ben) = names(&sim);
    let guild = sim.guild();
    let mut client = Client::identified(&sim, ALL).await;
    client.dispatch("GUILD_CREATE").await;
    let said = sim.say(anna, general, "one").unwrap();
    let id: Id = said["id"].as_str().unwrap().parse().unwrap();
    sim.edit_as(anna, general, id, json!({"content": "two"}))
        .unwrap();
    sim.react_as(ben, general, id, "👍").unwrap();
    sim.unreact_as(ben, general, id, "👍").unwrap();
    sim.typing_as(ben, general).unwrap();
    sim.delete_as(anna, general, id).unwrap();
    let carl = sim.add_member(guild, "carl", 1 << 13).unwrap();
    sim.call_as(
        sim.owner(),
        "PUT",
        &format!("/guilds/{guild}/bans/{carl}"),
        json!({}),
    )
    .unwrap();
    let body = json!({"name": "lab"});
    sim.call_as(
        sim.owner(),
        "POST",
        &format!("/guilds/{guild}/channels"),
        body,
    )
    .unwrap();
    let mut expect = async |name: &str| {
        let payload = client.payload().await;
        assert_eq!(payload["t"], name);
        payload["d"].clone()
    };
    expect("MESSAGE_CREATE").await;
    assert_eq!(expect("MESSAGE_UPDATE").await["content"], "two");
    let reaction = expect("MESSAGE_REACTION_ADD").await;
    assert_eq!(reaction["member"]["user"]["username"], "ben");
    expect("MESSAGE_REACTION_REMOVE").await;
    expect("TYPING_START").await;
    assert_eq!(expect("MESSAGE_DELETE").await["id"], said["id"]);
    expect("GUILD_MEMBER_ADD").await;
    expect("GUILD_ROLE_CREATE").await;
    expect("GUILD_MEMBER_UPDATE").await;
    expect("GUILD_BAN_ADD").await;
    expect("GUILD_MEMBER_REMOVE").await;
    assert_eq!(
        expect("GUILD_AUDIT_LOG_ENTRY_CREATE").await["action_type"],
        22
    );
    assert_eq!(expect("CHANNEL_CREATE").await["name"], "lab");
}

#[tokio::test]
async fn zlib_is_one_stream() {
    let sim = start().await;
    let (general, anna, _) = names(&sim);
    let mut client = Client::connect(&sim, "&compress=zlib-stream").await;
    client.identify(ALL, [0, 1]).await;
    client.dispatch("GUILD_CREATE").await;
    for text in ["one", "two", "three"] {
        sim.say(anna, general, text).unwrap();
        assert_eq!(
            client.dispatch("MESSAGE_CREATE").await["d"]["content"],
            text
        );
    }
}

async fn resume(sim: &Sim, session: &str, sequence: u64) -> Client {
    let mut client = Client::connect(sim, "").await;
    let data = json!({"token": sim.token(), "session_id": session, "seq": sequence});
    client.send(json!({"op": 6, "d": data})).await;
    client
}

#[tokio::test]
async fn a_resume_brings_what_was_missed() {
    let sim = start().await;
    let (general, anna, _) = names(&sim);
    let mut client = Client::identified(&sim, ALL).await;
    let ready = client.dispatch("READY").await;
    let session = ready["d"]["session_id"].as_str().unwrap().to_owned();
    let sequence = client.dispatch("GUILD_CREATE").await["s"].as_u64().unwrap();
    // The connection breaks without a close frame; the session outlives it.
    drop(client);
    sim.say(anna, general, "missed").unwrap();
    let mut client = resume(&sim, &session, sequence).await;
    let missed = client.payload().await;
    assert_eq!(
        (&missed["d"]["content"], &missed["s"]),
        (&json!("missed"), &json!(sequence + 1))
    );
    assert_eq!(client.payload().await["t"], "RESUMED");
    sim.say(anna, general, "live").unwrap();
    assert_eq!(client.payload().await["d"]["content"], "live");

    let mut unknown = resume(&sim, "nobody", 1).await;
    assert_eq!(
        unknown.payload().await,
        json!({"t": null, "s": null, "op": 9, "d": false})
    );
    unknown.identify(0, [0, 1]).await;
    assert_eq!(unknown.payload().await["t"], "READY");
    let mut ahead = resume(&sim, &session, 9_999).await;
    assert_eq!(ahead.close_code().await, Some(4007));
}

#[tokio::test]
async fn closing_with_1000_ends_the_session() {
    let sim = start().await;
    let mut client = Client::identified(&sim, 0).await;
    let ready = client.dispatch("READY").await;
    let session = ready["d"]["session_id"].as_str().unwrap().to_owned();
    client
        .socket
        .close(Some(tokio_tungstenite::tungstenite::protocol::CloseFrame {
            code: 1000.into(),
            reason: "".into(),
        }))
        .await
        .unwrap();
    sim.wait_for("the end of the session", SOON, |sim| {
        sim.sessions().is_empty().then_some(())
    })
    .await
    .unwrap();
    let mut client = resume(&sim, &session, 1).await;
    assert_eq!(client.payload().await["op"], 9);
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nobody_up_and_loses_its_session() {
    let options = SimOptions {
        events_kept: 100,
        ..SimOptions::default()
    };
    let sim = Conforming::start(options).await;
    let (general, anna, _) = names(&sim);
    let mut slow = Client::identified(&sim, ALL).await;
    slow.dispatch("GUILD_CREATE").await;
    let mut quick = Client::identified(&sim, ALL).await;
    quick.dispatch("GUILD_CREATE").await;
    // More than the buffers of two sockets hold.
    let embed = json!({"embeds": [{"description": "x".repeat(4_000)}]});
    for _ in 0..40 {
        for _ in 0..80 {
            sim.send_as(anna, general, embed.clone()).unwrap();
        }
        for _ in 0..80 {
            quick.dispatch("MESSAGE_CREATE").await;
        }
    }
    let last = slow.close_code().await;
    assert!(matches!(last, Some(4000) | None), "{last:?}");
}

#[tokio::test]
async fn shards_share_the_guilds() {
    let sim = start().await;
    let guilds: Vec<Id> = (0..4)
        .map(|number| {
            sim.add_guild(&format!("Guild {number}"), sim.owner())
                .unwrap()
        })
        .chain([sim.guild()])
        .collect();
    let (mut found, mut clients) = (0, Vec::new());
    for shard in 0..2 {
        let mut client = Client::connect(&sim, "").await;
        client.identify(1, [shard, 2]).await;
        let ready = client.dispatch("READY").await;
        for guild in ready["d"]["guilds"].as_array().unwrap() {
            let id: Id = guild["id"].as_str().unwrap().parse().unwrap();
            assert!(guilds.contains(&id));
            assert_eq!((id >> 22) % 2, u64::from(shard));
            found += 1;
        }
        if shard == 0 {
            let alone = sim.connected(Duration::from_millis(20)).await;
            assert!(alone.is_err());
        }
        clients.push(client);
    }
    assert_eq!(found, guilds.len());
    sim.connected(SOON).await.unwrap();
    assert_eq!(sim.sent_sequences().len(), 2);
}

#[tokio::test]
async fn members_are_sent_when_asked_for() {
    let sim = start().await;
    let mut client = Client::identified(&sim, ALL).await;
    let request =
        json!({"guild_id": sim.guild().to_string(), "query": "", "limit": 0, "nonce": "n"});
    client.send(json!({"op": 8, "d": request})).await;
    let chunk = client.dispatch("GUILD_MEMBERS_CHUNK").await;
    assert_eq!(chunk["d"]["members"].as_array().unwrap().len(), 4);
    assert_eq!(chunk["d"]["nonce"], "n");
}

fn shard(sim: &Sim, session: Option<(Session, String)>) -> Shard {
    let mut config = ConfigBuilder::new(sim.token().into(), Intents::all());
    config = config.proxy_url(sim.url().replace("http", "ws"));
    if let Some((session, url)) = session {
        config = config.session(session).resume_url(url);
    }
    Shard::with_config(ShardId::ONE, config.build())
}

/// The text of the next dispatch of this name; every payload before it is typed by twilight, too.
async fn next_of(shard: &mut Shard, name: &str) -> Value {
    let wanted = async {
        loop {
            let Some(Ok(twilight_gateway::Message::Text(text))) = shard.next().await else {
                continue;
            };
            let value: Value = serde_json::from_str(&text).unwrap();
            twilight_gateway::parse(text, twilight_gateway::EventTypeFlags::all()).unwrap();
            if value["t"] == name {
                return value;
            }
        }
    };
    tokio::time::timeout(SOON, wanted).await.unwrap()
}

#[tokio::test]
async fn twilight_reads_the_zstd_stream_and_all_events() {
    let sim = start().await;
    let (general, anna, ben) = names(&sim);
    let mut shard = shard(&sim, None);
    next_of(&mut shard, "GUILD_CREATE").await;
    let said = sim.say(anna, general, "hello").unwrap();
    let id: Id = said["id"].as_str().unwrap().parse().unwrap();
    sim.react_as(ben, general, id, "👍").unwrap();
    sim.typing_as(ben, general).unwrap();
    sim.edit_as(anna, general, id, json!({"content": "changed"}))
        .unwrap();
    let guild = sim.guild();
    let owner = sim.owner();
    let call =
        |method: &str, path: String, body: Value| sim.call_as(owner, method, &path, body).unwrap();
    let channel = call(
        "POST",
        format!("/guilds/{guild}/channels"),
        json!({"name": "lab"}),
    );
    call(
        "DELETE",
        format!("/channels/{}", channel["id"].as_str().unwrap()),
        Value::Null,
    );
    call(
        "POST",
        format!("/channels/{general}/messages/{id}/threads"),
        json!({"name": "t"}),
    );
    call(
        "PATCH",
        format!("/guilds/{guild}"),
        json!({"name": "Renamed"}),
    );
    call("PUT", format!("/channels/{general}/pins/{id}"), Value::Null);
    call("POST", format!("/channels/{general}/invites"), json!({}));
    let role = call(
        "POST",
        format!("/guilds/{guild}/roles"),
        json!({"name": "r"}),
    );
    call(
        "DELETE",
        format!("/guilds/{guild}/roles/{}", role["id"].as_str().unwrap()),
        Value::Null,
    );
    call(
        "PATCH",
        format!("/guilds/{guild}/members/{ben}"),
        json!({"nick": "B"}),
    );
    call("PUT", format!("/guilds/{guild}/bans/{ben}"), json!({}));
    call("DELETE", format!("/guilds/{guild}/bans/{ben}"), Value::Null);
    sim.delete_as(anna, general, id).unwrap();
    let deleted = next_of(&mut shard, "MESSAGE_DELETE").await;
    assert_eq!(deleted["d"]["id"], said["id"]);
}

#[tokio::test]
async fn twilight_resumes_after_every_kind_of_break_and_after_a_restart() {
    let sim = start().await;
    let (general, anna, _) = names(&sim);
    let mut first = shard(&sim, None);
    next_of(&mut first, "GUILD_CREATE").await;
    let breaks = [
        GatewayFaultKind::Reconnect,
        GatewayFaultKind::Drop,
        GatewayFaultKind::Close(4000),
        GatewayFaultKind::InvalidSession { resumable: true },
    ];
    for (number, kind) in breaks.into_iter().enumerate() {
        sim.fault(InjectedFault::gateway(kind.clone()));
        sim.say(anna, general, &format!("during {number}")).unwrap();
        let event = next_of(&mut first, "MESSAGE_CREATE").await;
        assert_eq!(
            event["d"]["content"],
            format!("during {number}"),
            "{kind:?}"
        );
    }
    let session = first.session().unwrap().clone();
    let url = first.resume_url().unwrap().to_owned();
    drop(first);
    sim.say(anna, general, "while away").unwrap();
    let mut second = shard(&sim, Some((session, url)));
    let event = next_of(&mut second, "MESSAGE_CREATE").await;
    assert_eq!(event["d"]["content"], "while away");
    assert_eq!(sim.sessions().len(), 1);

    sim.fault(InjectedFault::gateway(GatewayFaultKind::LoseSession));
    next_of(&mut second, "READY").await;
}

#[tokio::test]
async fn dropping_the_last_handle_stops_the_server() {
    let sim = start().await;
    let url = sim.url();
    let mut client = Client::identified(&sim, 0).await;
    client.dispatch("READY").await;
    let other = sim.clone();
    drop(sim);
    assert_eq!(other.sessions().len(), 1);
    other.shutdown().await;
    assert_eq!(client.close_code().await, Some(1001));
    assert!(reqwest::get(url).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commands_at_once_are_all_told_and_answered() {
    let sim = start().await;
    let (general, anna, _) = names(&sim);
    let http = reqwest::Client::new();
    let answering = {
        let (sim, http) = (sim.clone(), http.clone());
        tokio::spawn(async move {
            let mut client = Client::identified(&sim, ALL).await;
            loop {
                let event = client.dispatch("MESSAGE_CREATE").await;
                if event["d"]["author"]["bot"] == true {
                    continue;
                }
                let url = format!("{}/api/v10/channels/{general}/messages", sim.url());
                let request = http
                    .post(url)
                    .header("authorization", format!("Bot {}", sim.token()));
                let reply = json!({"content": "pong", "message_reference": {"message_id": event["d"]["id"]}});
                tokio::spawn(request.json(&reply).send());
            }
        })
    };
    sim.connected(SOON).await.unwrap();
    for _ in 0..400 {
        sim.say(anna, general, "!ping").unwrap();
    }
    sim.wait_for("400 replies", Duration::from_secs(20), |sim| {
        (sim.message_count(general) == 800).then_some(())
    })
    .await
    .unwrap();
    answering.abort();
}
