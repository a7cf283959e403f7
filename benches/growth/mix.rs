//! Events as a bot in many guilds gets them, and a bot of 50 cogs that hears them. How the mix was chosen is told in
//! docs/performance.md.

use crate::child::{Child, plain_cog, write_cogs};
use crate::fake_discord::{FakeDiscord, channel_id, event, guild_id, member_id, message, role_id};
use crate::sheet::{cell, real};
use std::time::{Duration, Instant};

/// A kind of event.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Presence,
    Message,
    Typing,
    Reaction,
    Voice,
    Member,
    Interaction,
}

/// What comes to a bot that asks for everything, in 10,000 events.
pub(super) const ALL: &[(Kind, u64)] = &[
    (Kind::Presence, 9_300),
    (Kind::Message, 300),
    (Kind::Typing, 150),
    (Kind::Reaction, 120),
    (Kind::Voice, 70),
    (Kind::Member, 40),
    (Kind::Interaction, 20),
];

/// The same without presences, in 700 events: as many events a second are much more work.
pub(super) const SOME: &[(Kind, u64)] = ALL.split_at(1).1;

/// Commands a second, which are among the events: Discord lets a bot send 50 requests a second.
const COMMANDS: u32 = 40;
/// Members of a guild who do something, and channels in which they do: most people only read.
const ACTIVE: u64 = 10;
const CHANNELS: u64 = 5;
/// Commands come in channels of their own, so that their answers can be told apart.
const PING: u64 = 10;
const SCORE: u64 = 11;
/// How long answers may take before they count as lost.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIG: &str = r#"{
    "studio": { "listen": "127.0.0.1:0" },
    "limits": {
        "discord_calls_per_10s": 10000, "cpu_seconds_per_minute": 60, "state_mb": 512,
        "state_write_kb_per_s": 65536
    }
}"#;

const COGS: usize = 50;
/// Those that hear something; the others have a command each.
const HEARING: [(&str, &str); 12] = [
    ("leveling", include_str!("cogs/leveling.luau")),
    ("counter", include_str!("cogs/counter.luau")),
    ("filter_words", include_str!("cogs/filter.luau")),
    ("filter_links", include_str!("cogs/filter.luau")),
    ("filter_invites", include_str!("cogs/filter.luau")),
    ("starboard", include_str!("cogs/starboard.luau")),
    ("reaction_roles", include_str!("cogs/reaction_roles.luau")),
    ("voice", include_str!("cogs/voice.luau")),
    ("streams", include_str!("cogs/streams.luau")),
    ("typing", include_str!("cogs/typing.luau")),
    ("members", include_str!("cogs/members.luau")),
    ("interactions", include_str!("cogs/interactions.luau")),
];

const TALK: [&str; 6] = [
    "ok",
    "lol same here",
    "has anybody seen the new patch notes?",
    "just talking, as people do all day long",
    "I will be there at eight, but somebody else has to bring the cake this time",
    "So what happened is that the server went down in the middle of the raid, and by the time it was back half of us had gone to bed, so we will try again tomorrow",
];

/// A folder with the bot of 50 cogs.
pub(super) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let hearing = HEARING.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let plain = (0..COGS - HEARING.len()).map(plain_cog);
    write_cogs(folder.path(), CONFIG, hearing.into_iter().chain(plain));
    folder
}

/// Has a command answered in the first so many guilds, which are on as many shards; in the guild 0 if there is none.
pub(super) fn ask_everywhere(discord: &FakeDiscord, guilds: u64) {
    let before = discord.replies();
    let first = u64::from(guilds > 0);
    for guild in first..=guilds {
        ask(discord, guild, PING, "!ping");
    }
    discord.replied(before + guilds.max(1));
}

fn ask(discord: &FakeDiscord, guild: u64, channel: u64, content: &str) {
    let channel = channel_id(guild, channel);
    let author = member_id(guild, 1);
    let text = message(discord.next_id(), guild, channel, author, content);
    discord.ask_in(guild, channel, text);
}

/// How much of a core a process uses meanwhile, in percent.
pub(super) fn percent(child: &Child, act: impl FnOnce()) -> f64 {
    let (before, since) = (child.cpu(), Instant::now());
    act();
    let used = child.cpu().saturating_sub(before);
    used.as_secs_f64() * 100.0 / since.elapsed().as_secs_f64()
}

/// Events at a pace.
pub(super) struct Load {
    /// Those with the numbers 1 to this.
    pub(super) guilds: u64,
    pub(super) kinds: &'static [(Kind, u64)],
    pub(super) a_second: u32,
    pub(super) seconds: u32,
}

/// What a process has done in a second, and has at its end.
pub(super) struct Sample {
    pub(super) percent: f64,
    pub(super) megabytes: f64,
}

/// Times from a command to its answer, sorted.
pub(super) struct Times(Vec<Duration>);

impl Times {
    /// The time within which so many percent lie, in milliseconds.
    pub(super) fn at(&self, percent: usize) -> String {
        let place = (self.0.len() * percent).div_ceil(100);
        let time = self.0.get(place.saturating_sub(1));
        time.map_or_else(String::new, |time| cell(time.as_secs_f64() * 1e3))
    }
}

/// What came of it.
pub(super) struct Measured {
    pub(super) samples: Vec<Sample>,
    pub(super) events: u64,
    cpu: Duration,
    pub(super) took: Duration,
    pub(super) asked: u64,
    /// Lines of the bot's log that tell of something wrong.
    pub(super) complaints: usize,
    pub(super) ping: Times,
    pub(super) score: Times,
}

impl Measured {
    pub(super) fn percent(&self) -> f64 {
        self.cpu.as_secs_f64() * 100.0 / self.took.as_secs_f64()
    }

    pub(super) fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / real(self.events)
    }

    pub(super) fn last_memory(&self) -> f64 {
        self.samples.last().map_or(0.0, |sample| sample.megabytes)
    }

    /// How many commands of a kind, of which there are two, have had no answer.
    pub(super) fn lost(&self, answered: &Times) -> u64 {
        (self.asked / 2).saturating_sub(u64::try_from(answered.0.len()).unwrap())
    }

    /// What was added in the second half of the time.
    pub(super) fn growth(&self) -> f64 {
        let middle = self.samples.get(self.samples.len() / 2);
        self.last_memory() - middle.map_or(0.0, |sample| sample.megabytes)
    }
}

impl Load {
    pub(super) fn run(&self, discord: &FakeDiscord, child: &Child) -> Measured {
        let _former = discord.latencies();
        let replies = discord.replies();
        let told = complaints(child);
        let (before, since) = (child.cpu(), Instant::now());
        let (samples, sent) = std::thread::scope(|scope| {
            let sending = scope.spawn(|| self.send(discord));
            let seconds = 1..=self.seconds;
            let samples: Vec<Sample> = seconds.map(|second| sample(child, since, second)).collect();
            (samples, sending.join().unwrap())
        });
        discord.replied_within(replies + sent.asked, PATIENCE);
        let (cpu, took) = (child.cpu().saturating_sub(before), since.elapsed());
        let latencies = discord.latencies();
        let of = |channel: u64| {
            // All channels of a guild are in a row, and begin at a number of its own.
            let is_meant =
                |id: &u64| (1..=self.guilds).contains(&guild_of(*id)) && channel_of(*id) == channel;
            let times = latencies.iter().filter(|(id, _)| is_meant(id));
            let mut times: Vec<Duration> = times.map(|(_, time)| *time).collect();
            times.sort();
            Times(times)
        };
        Measured {
            samples,
            events: sent.events,
            cpu,
            took,
            asked: sent.asked,
            complaints: complaints(child) - told,
            ping: of(PING),
            score: of(SCORE),
        }
    }

    /// Sends what is due, every millisecond.
    fn send(&self, discord: &FakeDiscord) -> Sent {
        let since = Instant::now();
        let mut sent = Sent {
            events: 0,
            asked: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        let between = u64::from((self.a_second / COMMANDS).max(1));
        let total = u64::from(self.a_second) * u64::from(self.seconds);
        while sent.events < total {
            let due = since.elapsed().as_secs_f64() * f64::from(self.a_second);
            while sent.events < total && real(sent.events) < due {
                if sent.events.is_multiple_of(between) {
                    sent.ask(self, discord);
                } else {
                    sent.tell(self, discord);
                }
                sent.events += 1;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        sent
    }
}

/// Events that were dropped, handlers that were stopped, connections that were lost.
fn complaints(child: &Child) -> usize {
    let log = child.log();
    let is_one = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
    log.lines().filter(is_one).count()
}

fn guild_of(channel: u64) -> u64 {
    (channel - channel_id(1, 0)) / (guild_id(2) - guild_id(1)) + 1
}

fn channel_of(channel: u64) -> u64 {
    (channel - channel_id(1, 0)) % (guild_id(2) - guild_id(1))
}

/// Waits for the end of a second, and looks at the process.
fn sample(child: &Child, since: Instant, second: u32) -> Sample {
    let end = since + Duration::from_secs(second.into());
    let percent = percent(child, || {
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
    });
    Sample {
        percent,
        megabytes: child.megabytes(),
    }
}

/// What has been sent, and the numbers by which the next is chosen: the same in each run.
struct Sent {
    events: u64,
    asked: u64,
    random: u64,
}

impl Sent {
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 16) % bound
    }

    fn ask(&mut self, load: &Load, discord: &FakeDiscord) {
        let guild = 1 + self.below(load.guilds);
        let (channel, content) = if self.asked.is_multiple_of(2) {
            (PING, "!ping")
        } else {
            (SCORE, "!score")
        };
        self.asked += 1;
        ask(discord, guild, channel, content);
    }

    fn tell(&mut self, load: &Load, discord: &FakeDiscord) {
        let guild = 1 + self.below(load.guilds);
        let all = load.kinds.iter().map(|(_, weight)| weight).sum();
        let mut choice = self.below(all);
        let chosen = load.kinds.iter().find(|(_, weight)| {
            let is_it = choice < *weight;
            choice = choice.saturating_sub(*weight);
            is_it
        });
        let (kind, _) = chosen.unwrap();
        let who = Who {
            id: discord.next_id(),
            guild,
            channel: channel_id(guild, self.below(CHANNELS)),
            member: member_id(guild, 1 + self.below(ACTIVE)),
            choice: self.below(1 << 20),
        };
        discord.dispatch(guild, who.text(*kind));
    }
}

/// Of whom an event tells, and where.
struct Who {
    id: u64,
    guild: u64,
    channel: u64,
    member: u64,
    /// What else may be one or the other.
    choice: u64,
}

impl Who {
    fn text(&self, kind: Kind) -> String {
        match kind {
            Kind::Presence => event("PRESENCE_UPDATE", self.presence()),
            Kind::Message => {
                let place = usize::try_from(self.choice).unwrap() % TALK.len();
                message(self.id, self.guild, self.channel, self.member, TALK[place])
            }
            Kind::Typing => event("TYPING_START", self.typing()),
            Kind::Reaction if self.choice.is_multiple_of(8) => {
                event("MESSAGE_REACTION_REMOVE", self.reaction())
            }
            Kind::Reaction => event("MESSAGE_REACTION_ADD", self.reaction()),
            Kind::Voice => event("VOICE_STATE_UPDATE", self.voice()),
            Kind::Member => event("GUILD_MEMBER_UPDATE", self.update()),
            Kind::Interaction => event("INTERACTION_CREATE", self.interaction()),
        }
    }

    fn user(&self) -> String {
        format!(
            r#"{{"username":"anna","public_flags":0,"primary_guild":null,"id":"{}","global_name":"Anna","discriminator":"0","collectibles":null,"clan":null,"avatar_decoration_data":null,"avatar":"8342729096ea3675442027381ff50dfe"}}"#,
            self.member
        )
    }

    fn member(&self) -> String {
        format!(
            r#"{{"user":{},"roles":["{}"],"premium_since":null,"pending":false,"nick":null,"mute":false,"joined_at":"2024-01-01T00:00:00.000000+00:00","flags":0,"deaf":false,"communication_disabled_until":null,"banner":null,"avatar":null}}"#,
            self.user(),
            role_id(self.guild, 1),
        )
    }

    fn presence(&self) -> String {
        let status =
            ["online", "idle", "dnd", "offline"][usize::try_from(self.choice % 4).unwrap()];
        // Half of those who are online do something.
        let activity = format!(
            r#"{{"type":0,"timestamps":{{"start":1764400000000}},"state":"In a match","session_id":"30f32c5d54ae86130fc4a215c7474263","name":"A Game of Many","id":"{:x}","flags":1,"details":"Ranked, round {}","created_at":1764400000000,"assets":{{"large_text":"A large map","large_image":"1188527461111111111"}},"application_id":"356875570916753438"}}"#,
            self.id,
            self.choice % 30,
        );
        let activities = if self.choice % 8 < 3 {
            activity.as_str()
        } else {
            ""
        };
        format!(
            r#"{{"user":{{"id":"{}"}},"status":"{status}","guild_id":"{}","client_status":{{"desktop":"{status}"}},"broadcast":null,"activities":[{activities}],"processed_at_timestamp":1764400000000}}"#,
            self.member,
            guild_id(self.guild),
        )
    }

    fn typing(&self) -> String {
        format!(
            r#"{{"user_id":"{}","timestamp":1764400000,"member":{},"channel_id":"{}","guild_id":"{}"}}"#,
            self.member,
            self.member(),
            self.channel,
            guild_id(self.guild),
        )
    }

    fn reaction(&self) -> String {
        let emoji = ["⭐", "👍", "😂", "❤️"][usize::try_from(self.choice / 8 % 4).unwrap()];
        format!(
            r#"{{"user_id":"{}","type":0,"message_id":"{}","message_author_id":"{}","member":{},"emoji":{{"name":"{emoji}","id":null}},"channel_id":"{}","burst":false,"guild_id":"{}"}}"#,
            self.member,
            self.id - 1_000 - self.choice % 1_000,
            member_id(self.guild, 1),
            self.member(),
            self.channel,
            guild_id(self.guild),
        )
    }

    fn voice(&self) -> String {
        let channel = format!("\"{}\"", channel_id(self.guild, 20));
        let channel = if self.choice.is_multiple_of(2) {
            &channel
        } else {
            "null"
        };
        format!(
            r#"{{"member":{},"user_id":"{}","suppress":false,"session_id":"fb1b8d1d8f5e0d7a6c3e0f5d5f0a6b7c","self_video":false,"self_mute":{},"self_deaf":false,"request_to_speak_timestamp":null,"mute":false,"guild_id":"{}","deaf":false,"channel_id":{channel}}}"#,
            self.member(),
            self.member,
            self.choice.is_multiple_of(3),
            guild_id(self.guild),
        )
    }

    fn update(&self) -> String {
        format!(
            r#"{{"user":{},"roles":["{}","{}"],"premium_since":null,"pending":false,"nick":"anna {}","mute":false,"joined_at":"2024-01-01T00:00:00.000000+00:00","flags":0,"deaf":false,"communication_disabled_until":null,"banner":null,"avatar":null,"guild_id":"{}"}}"#,
            self.user(),
            role_id(self.guild, 1),
            role_id(self.guild, 2 + self.choice % 20),
            self.choice % 10,
            guild_id(self.guild),
        )
    }

    fn interaction(&self) -> String {
        let guild = guild_id(self.guild);
        format!(
            r#"{{"version":1,"type":2,"token":"aW50ZXJhY3Rpb246MTE4ODUyNzQ2MTExMTExMTExMTphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODlhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk","member":{},"locale":"en-US","id":"{}","guild_locale":"en-US","guild_id":"{guild}","guild":{{"locale":"en-US","id":"{guild}","features":["COMMUNITY"]}},"entitlements":[],"entitlement_sku_ids":[],"data":{{"type":1,"name":"roll","id":"1188527461111111111","options":[{{"value":"2d6","type":3,"name":"dice"}}]}},"context":0,"channel_id":"{}","channel":{{"type":0,"name":"channel-0","id":"{}","guild_id":"{guild}","flags":0,"permissions":"2248473465835073"}},"authorizing_integration_owners":{{"0":"{guild}"}},"attachment_size_limit":10485760,"application_id":"700000000000000000","app_permissions":"2248473465835073"}}"#,
            self.member(),
            self.id,
            self.channel,
            self.channel,
        )
    }
}
