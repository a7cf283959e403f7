//! A server that is Discord as far as a bot that answers one command can tell, and as fast as may be: it looks at
//! nothing that a bot sends but the number of messages in each channel. It has nothing in common with the simulator, so
//! that no mistake of ours makes the bot that is measured look better.
#![allow(dead_code, reason = "each benchmark uses its part")]

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket};
use axum::extract::{Request, State, WebSocketUpgrade};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};

/// How many channels messages come from.
pub(super) const CHANNELS: u64 = 50;
const FIRST_CHANNEL: u64 = 900_000_000_000_000_000;
const GUILD: u64 = 800_000_000_000_000_000;
const BOT: u64 = 700_000_000_000_000_000;
/// Who writes in the guild with the number 0.
const ANNA: u64 = 600_000_000_000_000_000;
/// From one guild's id to the next: the lower bits of an id say nothing about its shard.
const STEP: u64 = 1 << 22;
/// What a large guild has, of each kind.
pub(super) const CHANNELS_OF_A_GUILD: u64 = 50;
pub(super) const MEMBERS_OF_A_GUILD: u64 = 100;
const ROLES_OF_A_GUILD: u64 = 30;
const PATIENCE: Duration = Duration::from_secs(300);

/// The server, from its start to its drop.
pub(super) struct FakeDiscord {
    shared: Arc<Shared>,
    address: String,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Shared {
    /// How many large guilds there are beside the one in which messages are written.
    guilds: u64,
    shards: u64,
    address: String,
    /// The connections that get the events, by shard.
    gateways: Mutex<BTreeMap<u64, mpsc::UnboundedSender<String>>>,
    /// How many shards have been told of all of their guilds.
    connected: watch::Sender<u64>,
    replies: AtomicU64,
    next_id: AtomicU64,
    /// What is sent for each reply, as long as there is some.
    left: AtomicU64,
    /// When the messages were sent that have no reply yet, by channel.
    asked: Mutex<HashMap<u64, VecDeque<Instant>>>,
    /// With the channel of each.
    latencies: Mutex<Vec<(u64, Duration)>>,
    changed: Notify,
}

impl FakeDiscord {
    /// With this many guilds beside the one in which messages are written.
    pub(super) fn start(guilds: usize) -> Self {
        Self::sharded(guilds, 1)
    }

    /// The same, for a bot that is to connect with this many shards.
    pub(super) fn sharded(guilds: usize, shards: u64) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            guilds: u64::try_from(guilds).unwrap(),
            shards,
            address: address.clone(),
            gateways: Mutex::default(),
            connected: watch::Sender::new(0),
            replies: AtomicU64::new(0),
            next_id: AtomicU64::new(1_000_000_000_000_000_000),
            left: AtomicU64::new(0),
            asked: Mutex::default(),
            latencies: Mutex::default(),
            changed: Notify::new(),
        });
        let router = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            shared,
            address,
            runtime: Some(runtime),
        }
    }

    /// Its address, such as `http://127.0.0.1:1234`.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How large the text of a large guild is, in bytes.
    pub(super) fn bytes_of_a_guild(&self) -> usize {
        announcement(self.shared.guilds).len()
    }

    /// Returns when every shard has been told of all of its guilds; what is sent from then on comes behind them.
    pub(super) fn connected(&self) {
        self.wait("all connections", |shared| {
            *shared.connected.borrow() >= shared.shards
        });
    }

    /// Sends an event to the shard of the guild with this number.
    pub(super) fn dispatch(&self, guild: u64, text: String) {
        self.shared.send(guild, text);
    }

    /// Sends an event that the bot is to answer in this channel.
    pub(super) fn ask_in(&self, guild: u64, channel: u64, text: String) {
        self.shared.expect(channel);
        self.shared.send(guild, text);
    }

    /// How many messages the bot has sent.
    pub(super) fn replies(&self) -> u64 {
        self.shared.replies()
    }

    /// Returns when it has sent so many.
    pub(super) fn replied(&self, wanted: u64) {
        self.wait("replies", |shared| shared.replies() >= wanted);
    }

    /// The same, but not longer than this.
    pub(super) fn replied_within(&self, wanted: u64, patience: Duration) -> bool {
        self.until(patience, |shared| shared.replies() >= wanted)
    }

    /// The times from the events to the requests since the last time, with the channels.
    pub(super) fn latencies(&self) -> Vec<(u64, Duration)> {
        std::mem::take(&mut *self.shared.latencies.lock().unwrap())
    }

    /// A number that no message has.
    pub(super) fn next_id(&self) -> u64 {
        self.shared.next_id.fetch_add(1, Ordering::SeqCst)
    }

    /// Says this in the guild in which messages are written, as somebody who is no bot.
    pub(super) fn say(&self, content: &str) {
        self.shared.say(content);
    }

    /// Asks once, and again as long as nobody has connected; the time from `since` to the reply.
    pub(super) fn first_reply(&self, since: Instant) -> Duration {
        self.connected();
        let before = self.replies();
        self.shared.ask("!ping");
        self.wait("the first reply", |shared| shared.replies() > before);
        since.elapsed()
    }

    /// Has `total` commands answered, `at_once` of them at a time.
    pub(super) fn closed_loop(&self, total: u64, at_once: u64) -> Duration {
        let before = self.replies();
        self.shared.left.store(total - at_once, Ordering::SeqCst);
        let since = Instant::now();
        for _ in 0..at_once {
            self.shared.ask("!ping");
        }
        self.wait("all replies", |shared| shared.replies() >= before + total);
        since.elapsed()
    }

    /// Sends this many at once, and counts the replies that have come when none has come for three seconds.
    pub(super) fn burst(&self, total: u64) -> u64 {
        let before = self.replies();
        for _ in 0..total {
            self.shared.ask("!ping");
        }
        let (mut last, mut since) = (before, Instant::now());
        while last < before + total && since.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(5));
            if self.replies() != last {
                (last, since) = (self.replies(), Instant::now());
            }
        }
        self.shared.asked.lock().unwrap().clear();
        total - (last - before)
    }

    /// Messages that are no commands, all of which have been looked at when a command behind them is answered.
    pub(super) fn unmatched(&self, total: u64) {
        let before = self.replies();
        for _ in 0..total {
            self.shared.say("just talking, as people do all day long");
        }
        self.shared.ask("!ping");
        self.wait("the reply behind them", |shared| shared.replies() > before);
    }

    /// Commands at this pace; the times from the event to the request, sorted.
    pub(super) fn open_loop(&self, a_second: u32, seconds: u32) -> Vec<Duration> {
        self.shared.latencies.lock().unwrap().clear();
        let before = self.replies();
        let (total, since) = (a_second * seconds, Instant::now());
        for number in 0..total {
            let due = since + Duration::from_secs(1) / a_second * number;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.shared.ask("!ping");
        }
        self.wait("all replies", |shared| {
            shared.replies() >= before + u64::from(total)
        });
        let mut latencies: Vec<_> = self.latencies().into_iter().map(|it| it.1).collect();
        latencies.sort();
        latencies
    }

    fn wait(&self, what: &str, done: impl Fn(&Shared) -> bool) {
        let waited = self.until(PATIENCE, done);
        let replies = self.replies();
        assert!(waited, "waited for {what} in vain, after {replies} replies");
    }

    /// Waits for this; whether it has come.
    fn until(&self, patience: Duration, done: impl Fn(&Shared) -> bool) -> bool {
        let runtime = self.runtime.as_ref().unwrap();
        let shared = &self.shared;
        let waited = runtime.block_on(async {
            tokio::time::timeout(patience, async {
                loop {
                    let changed = shared.changed.notified();
                    if done(shared) {
                        return;
                    }
                    changed.await;
                }
            })
            .await
        });
        waited.is_ok()
    }
}

impl Drop for FakeDiscord {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn replies(&self) -> u64 {
        self.replies.load(Ordering::SeqCst)
    }

    /// A command in the next channel, and when.
    fn ask(&self, content: &str) {
        let id = self.next_id.fetch_add(1, Ordering::SeqCst);
        let channel = FIRST_CHANNEL + id % CHANNELS;
        self.expect(channel);
        self.send(0, message(id, 0, channel, ANNA, content));
    }

    /// Notes that a reply is to come to this channel, and when it was asked for.
    fn expect(&self, channel: u64) {
        let mut asked = self.asked.lock().unwrap();
        asked.entry(channel).or_default().push_back(Instant::now());
    }

    fn say(&self, content: &str) {
        let id = self.next_id.fetch_add(1, Ordering::SeqCst);
        let channel = FIRST_CHANNEL + id % CHANNELS;
        self.send(0, message(id, 0, channel, ANNA, content));
    }

    fn send(&self, guild: u64, text: String) {
        if let Some(gateway) = self.gateways.lock().unwrap().get(&self.shard_of(guild)) {
            let _closed = gateway.send(text).is_err();
        }
    }

    /// Discord's rule.
    fn shard_of(&self, guild: u64) -> u64 {
        (guild_id(guild) >> 22) % self.shards
    }

    /// The guilds that a shard hears of.
    fn guilds_of(&self, shard: u64) -> impl Iterator<Item = u64> {
        (0..=self.guilds).filter(move |guild| self.shard_of(*guild) == shard)
    }

    /// A reply has come.
    fn replied(&self, channel: u64) {
        let mut asked = self.asked.lock().unwrap();
        let since = asked.get_mut(&channel).and_then(VecDeque::pop_front);
        drop(asked);
        if let Some(since) = since {
            let latency = (channel, since.elapsed());
            self.latencies.lock().unwrap().push(latency);
        }
        let more = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if more.is_ok() {
            self.ask("!ping");
        }
        self.replies.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let compressed = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("compress=zstd-stream"));
    if let Ok(upgrade) = upgrade {
        return upgrade.on_upgrade(move |socket| gateway(shared, socket, compressed));
    }
    let path = request.uri().path().to_owned();
    let posted = request.method() == Method::POST;
    // The whole of the request, as a server would.
    let _unread = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .is_err();
    if let (true, Some(rest)) = (posted, path.split("/channels/").nth(1)) {
        let channel = rest.split('/').next().unwrap_or_default();
        shared.replied(channel.parse().unwrap_or(0));
        return answered(reply(
            channel,
            shared.next_id.fetch_add(1, Ordering::SeqCst),
        ));
    }
    let url = format!("ws://{}", shared.address);
    let limit =
        json!({ "total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1000 });
    let known = |end: &str| path.ends_with(end);
    answered(if known("/gateway/bot") {
        json!({ "url": url, "shards": shared.shards, "session_start_limit": limit }).to_string()
    } else if known("/gateway") {
        json!({ "url": url }).to_string()
    } else if known("/users/@me") {
        user(BOT, "bot").to_string()
    } else if known("/applications/@me") {
        // All privileged intents are switched on.
        let flags = (1 << 13) | (1 << 15) | (1 << 19);
        json!({ "id": BOT.to_string(), "name": "bot", "flags": flags, "owner": user(1, "owner") })
            .to_string()
    } else {
        "[]".to_owned()
    })
}

fn answered(body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/json"),
        ("x-ratelimit-bucket", "80c17d2f203122d936070c88c8d10f33"),
        ("x-ratelimit-limit", "100000"),
        ("x-ratelimit-remaining", "99999"),
        ("x-ratelimit-reset", "4102444800.000"),
        ("x-ratelimit-reset-after", "1.000"),
    ];
    (headers, body).into_response()
}

async fn gateway(shared: Arc<Shared>, mut socket: WebSocket, compressed: bool) {
    let (sender, mut events) = mpsc::unbounded_channel::<String>();
    let mut encoder = compressed.then(|| zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap());
    let mut framed = move |text: String| match &mut encoder {
        None => Message::Text(text.into()),
        Some(encoder) => {
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.flush().unwrap();
            Message::Binary(std::mem::take(encoder.get_mut()).into())
        }
    };
    let hello = json!({ "op": 10, "d": { "heartbeat_interval": 41250 } });
    let mut sequence = 0_u64;
    let mut next = |text: &str| {
        sequence += 1;
        text.replacen("\"s\":0", &format!("\"s\":{sequence}"), 1)
    };
    if socket.send(framed(hello.to_string())).await.is_err() {
        return;
    }
    let mut to_announce = None;
    loop {
        tokio::select! {
            received = socket.recv() => {
                let Some(Ok(received)) = received else { return };
                let text = match received {
                    Message::Text(text) => text.to_string(),
                    Message::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                    _ => continue,
                };
                let value: Value = serde_json::from_str(&text).unwrap_or_default();
                match value["op"].as_u64() {
                    Some(1) => {
                        let beat = json!({ "op": 11 }).to_string();
                        if socket.send(framed(beat)).await.is_err() {
                            return;
                        }
                    }
                    Some(2) => {
                        let own = value["d"]["shard"][0].as_u64().unwrap_or(0);
                        if socket.send(framed(next(&ready(&shared, own)))).await.is_err() {
                            return;
                        }
                        let guilds: Vec<u64> = shared.guilds_of(own).collect();
                        to_announce = Some((own, guilds.into_iter()));
                    }
                    _ => {}
                }
            }
            // One after the other, so that heartbeats are answered meanwhile.
            () = std::future::ready(()), if to_announce.is_some() => {
                let Some((own, guilds)) = &mut to_announce else { continue };
                if let Some(number) = guilds.next() {
                    if socket.send(framed(next(&announcement(number)))).await.is_err() {
                        return;
                    }
                    continue;
                }
                shared.gateways.lock().unwrap().insert(*own, sender.clone());
                to_announce = None;
                shared.connected.send_modify(|connected| *connected += 1);
                shared.changed.notify_waiters();
            }
            Some(text) = events.recv() => {
                if socket.send(framed(next(&text))).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn ready(shared: &Shared, own: u64) -> String {
    let ids = shared.guilds_of(own).map(|number| {
        let id = guild_id(number).to_string();
        json!({ "id": id, "unavailable": true })
    });
    let data = json!({
        "v": 10,
        "user": user(BOT, "bot"),
        "guilds": ids.collect::<Vec<_>>(),
        "session_id": format!("0123456789abcdef{own}"),
        "resume_gateway_url": format!("ws://{}", shared.address),
        "shard": [own, shared.shards],
        "application": { "id": BOT.to_string(), "flags": 1 << 19 },
    });
    event("READY", data)
}

/// The id of the guild with this number; 0 is the one in which messages are written.
pub(super) fn guild_id(number: u64) -> u64 {
    GUILD + number * STEP
}

/// The id of a channel of a guild.
pub(super) fn channel_id(guild: u64, number: u64) -> u64 {
    if guild == 0 {
        return FIRST_CHANNEL + number;
    }
    guild_id(guild) + 1_000_000_000_000 + number
}

/// The id of a member of a guild, and of a role.
pub(super) fn member_id(guild: u64, number: u64) -> u64 {
    guild_id(guild) + 100_000 + number
}

pub(super) fn role_id(guild: u64, number: u64) -> u64 {
    guild_id(guild) + number
}

/// A dispatch as the gateway sends it, with a place for its number.
pub(super) fn event(name: &str, data: impl std::fmt::Display) -> String {
    format!(r#"{{"t":"{name}","s":0,"op":0,"d":{data}}}"#)
}

fn user(id: u64, name: &str) -> Value {
    json!({
        "id": id.to_string(), "username": name, "discriminator": "0", "global_name": name, "public_flags": 0,
        "avatar": "8342729096ea3675442027381ff50dfe", "bot": id == BOT, "flags": 0,
        "avatar_decoration_data": null, "clan": null, "primary_guild": null, "collectibles": null,
    })
}

/// A message as Discord's gateway sends it, with all the fields that it always has.
pub(super) fn message(id: u64, guild: u64, channel: u64, author: u64, content: &str) -> String {
    format!(
        r#"{{"t":"MESSAGE_CREATE","s":0,"op":0,"d":{{"id":"{id}","type":0,"tts":false,"timestamp":"2026-11-24T12:00:00.000000+00:00","pinned":false,"nonce":"{id}","mentions":[],"mention_roles":[],"mention_everyone":false,"member":{{"roles":["{role}"],"premium_since":null,"pending":false,"nick":null,"mute":false,"joined_at":"2024-01-01T00:00:00.000000+00:00","flags":0,"deaf":false,"communication_disabled_until":null,"banner":null,"avatar":null}},"flags":0,"embeds":[],"edited_timestamp":null,"content":"{content}","components":[],"channel_type":0,"channel_id":"{channel}","author":{{"username":"anna","public_flags":0,"primary_guild":null,"id":"{author}","global_name":"Anna","discriminator":"0","collectibles":null,"clan":null,"avatar_decoration_data":null,"avatar":"8342729096ea3675442027381ff50dfe"}},"attachments":[],"guild_id":"{guild_id}"}}}}"#,
        role = role_id(guild, 1),
        guild_id = guild_id(guild),
    )
}

/// What Discord answers to a message that was sent.
fn reply(channel: &str, id: u64) -> String {
    format!(
        r#"{{"type":19,"content":"Pong!","mentions":[],"mention_roles":[],"attachments":[],"embeds":[],"timestamp":"2026-11-24T12:00:00.000000+00:00","edited_timestamp":null,"flags":0,"components":[],"id":"{id}","channel_id":"{channel}","author":{{"id":"{BOT}","username":"bot","avatar":"8342729096ea3675442027381ff50dfe","discriminator":"0000","public_flags":0,"flags":0,"bot":true,"banner":null,"accent_color":null,"global_name":null,"avatar_decoration_data":null,"collectibles":null,"banner_color":null,"clan":null,"primary_guild":null}},"pinned":false,"mention_everyone":false,"tts":false}}"#
    )
}

/// The announcement of a guild; made when it is sent, as all of them would take much memory.
fn announcement(number: u64) -> String {
    if number == 0 {
        return guild(number, CHANNELS, 3, 3);
    }
    guild(
        number,
        CHANNELS_OF_A_GUILD,
        ROLES_OF_A_GUILD,
        MEMBERS_OF_A_GUILD,
    )
}

fn guild(number: u64, channels: u64, roles: u64, members: u64) -> String {
    let id = guild_id(number);
    let channels = (0..channels).map(|n| {
        json!({
            "id": channel_id(number, n).to_string(), "type": 0, "name": format!("channel-{n}"), "position": n, "topic": null,
            "parent_id": null, "nsfw": false, "rate_limit_per_user": 0, "last_message_id": null, "flags": 0,
            "version": 1, "icon_emoji": null, "theme_color": null,
            "permission_overwrites": [{ "id": id.to_string(), "type": 0, "allow": "0", "deny": "1024" }],
        })
    });
    let all = (0..roles).map(|n| {
        json!({
            "id": role_id(number, n).to_string(), "name": if n == 0 { "@everyone".to_owned() } else { format!("role {n}") },
            "permissions": "2248473465835073", "position": n, "color": 0, "hoist": false, "managed": false,
            "mentionable": false, "icon": null, "unicode_emoji": null, "flags": 0, "version": 1,
            "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
        })
    });
    let members = (0..members).map(|n| {
        let user = if n == 0 { user(BOT, "bot") } else { user(member_id(number, n), &format!("member{n}")) };
        json!({
            "user": user, "roles": [(id + 1).to_string()], "nick": null, "avatar": null, "banner": null,
            "joined_at": "2024-01-01T00:00:00.000000+00:00", "premium_since": null, "deaf": false, "mute": false,
            "flags": 0, "pending": false, "communication_disabled_until": null,
        })
    });
    let members: Vec<_> = members.collect();
    let data = json!({
        "id": id.to_string(), "name": format!("guild {id}"), "owner_id": ANNA.to_string(), "icon": null,
        "member_count": members.len(), "joined_at": "2024-01-01T00:00:00.000000+00:00", "large": false,
        "unavailable": false, "channels": channels.collect::<Vec<_>>(), "roles": all.collect::<Vec<_>>(),
        "members": members, "emojis": [], "stickers": [], "features": ["COMMUNITY"], "threads": [],
        "voice_states": [], "presences": [], "stage_instances": [], "guild_scheduled_events": [],
        "soundboard_sounds": [], "afk_channel_id": null, "afk_timeout": 300, "application_id": null,
        "banner": null, "default_message_notifications": 0, "description": null, "discovery_splash": null,
        "explicit_content_filter": 0, "mfa_level": 0, "nsfw": false, "nsfw_level": 0, "preferred_locale": "en-US",
        "premium_progress_bar_enabled": false, "premium_subscription_count": 0, "premium_tier": 0,
        "public_updates_channel_id": null, "rules_channel_id": null, "safety_alerts_channel_id": null,
        "splash": null, "system_channel_flags": 0, "system_channel_id": null, "vanity_url_code": null,
        "verification_level": 0, "max_members": 500_000, "max_presences": null, "max_video_channel_users": 25,
        "max_stage_video_channel_users": 50, "hub_type": null, "latest_onboarding_question_id": null,
        "inventory_settings": null, "incidents_data": null, "home_header": null, "lazy": true,
    });
    event("GUILD_CREATE", data)
}
