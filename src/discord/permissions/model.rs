//! What Discord's documents say of permissions, written a second time: permission by permission, with names and lists
//! in place of bits, so that it shares no mistake with the rules.

use crate::json::Json;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

/// What belongs to the guild alone: no type of channel stands beside it in Discord's table.
const GUILD_ALONE: [&str; 12] = [
    "kick_members",
    "ban_members",
    "administrator",
    "manage_guild",
    "view_audit_log",
    "view_guild_insights",
    "change_nickname",
    "manage_nicknames",
    "manage_guild_expressions",
    "moderate_members",
    "view_creator_monetization_analytics",
    "create_guild_expressions",
];

const WITH_SENDING: [&str; 4] = [
    "mention_everyone",
    "send_tts_messages",
    "attach_files",
    "embed_links",
];

const WITH_CONNECTING: [&str; 15] = [
    "priority_speaker",
    "stream",
    "connect",
    "speak",
    "mute_members",
    "deafen_members",
    "move_members",
    "use_vad",
    "request_to_speak",
    "use_embedded_activities",
    "use_soundboard",
    "use_external_sounds",
    "set_voice_channel_status",
    "manage_channels",
    "manage_roles",
];

/// One overwrite of a case.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) id: u64,
    pub(crate) for_member: bool,
    pub(crate) allow: Vec<&'static str>,
    pub(crate) deny: Vec<&'static str>,
}

/// A guild with the id 1, roles 2 to 5 and the owner 9, in which somebody looks at a channel.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) user: u64,
    /// By role; the first is `@everyone`.
    pub(crate) roles: Vec<Vec<&'static str>>,
    /// The roles that the member holds.
    pub(crate) held: Vec<u64>,
    pub(crate) overwrites: Vec<Said>,
    /// Discord's type of channel; of a thread, that of its parent.
    pub(crate) kind: u8,
    pub(crate) is_thread: bool,
    /// Seconds since the epoch.
    pub(crate) timed_out_until: Option<u64>,
}

/// Any case. A few permissions are drawn far more often than the others, because rules hang on them.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    let said = (1..=9_u64, any::<bool>(), some(), some());
    let said = said.prop_map(|(id, for_member, allow, deny)| Said {
        id,
        for_member,
        allow,
        deny,
    });
    (
        prop_oneof![7 => 6..=8_u64, 1 => Just(9)],
        vec(some(), 5),
        proptest::sample::subsequence(vec![2, 3, 4, 5], 0..=4),
        vec(said, 0..6),
        proptest::sample::select(vec![0_u8, 2, 5, 13, 15]),
        any::<bool>(),
        proptest::option::of(Case::NOW - 1..=Case::NOW + 1),
    )
        .prop_map(
            |(user, roles, held, overwrites, kind, is_thread, timed_out_until)| Case {
                user,
                roles,
                held,
                overwrites,
                kind,
                is_thread: is_thread && !matches!(kind, 2 | 13),
                timed_out_until,
            },
        )
}

fn some() -> impl Strategy<Value = Vec<&'static str>> {
    let decisive = vec![
        "view_channel",
        "send_messages",
        "send_messages_in_threads",
        "connect",
        "embed_links",
    ];
    let others: Vec<&'static str> = super::all_names()
        .filter(|name| *name != "administrator")
        .collect();
    let rarely = prop_oneof![9 => Just(vec![]), 1 => Just(vec!["administrator"])];
    (
        proptest::sample::subsequence(decisive, 0..=5),
        proptest::sample::subsequence(others, 0..=20),
        rarely,
    )
        .prop_map(|(decisive, others, rarely)| [decisive, others, rarely].concat())
}

impl Case {
    /// The present, in seconds since the epoch.
    pub(crate) const NOW: u64 = 1_735_689_600;

    /// The names of all that the member may do.
    pub(crate) fn allowed(&self) -> Vec<&'static str> {
        super::all_names().filter(|name| self.may(name)).collect()
    }

    fn may(&self, name: &str) -> bool {
        if self.user == 9 || self.by_role("administrator") {
            return true;
        }
        let sends = if self.is_thread {
            self.is_granted("send_messages_in_threads")
        } else {
            self.is_granted("send_messages")
        };
        let is_voice = self.kind == 2 || self.kind == 13;
        if !self.is_granted("view_channel") {
            false
        } else if name == "send_messages" {
            sends
        } else if (WITH_SENDING.contains(&name) && !sends)
            || (is_voice && WITH_CONNECTING.contains(&name) && !self.is_granted("connect"))
        {
            false
        } else {
            self.is_granted(name)
        }
    }

    fn by_role(&self, name: &str) -> bool {
        let of = |role: u64| &self.roles[usize::try_from(role - 1).unwrap()];
        of(1).contains(&name) || self.held.iter().any(|role| of(*role).contains(&name))
    }

    /// After overwrites and time-out, before what follows without being said.
    fn is_granted(&self, name: &str) -> bool {
        let is_timed_out = self.timed_out_until.is_some_and(|until| until > Self::NOW);
        if is_timed_out && name != "view_channel" && name != "read_message_history" {
            return false;
        }
        if GUILD_ALONE.contains(&name) {
            return self.by_role(name);
        }
        let mut granted = self.by_role(name);
        let everyone = |said: &&Said| !said.for_member && said.id == 1;
        let roles = |said: &&Said| !said.for_member && said.id != 1 && self.held.contains(&said.id);
        let member = |said: &&Said| said.for_member && said.id == self.user;
        let layers: [&dyn Fn(&&Said) -> bool; 3] = [&everyone, &roles, &member];
        for layer in layers {
            let mut fitting = self.overwrites.iter().filter(|said| layer(said));
            if fitting.any(|said| said.deny.contains(&name)) {
                granted = false;
            }
            let mut fitting = self.overwrites.iter().filter(|said| layer(said));
            if fitting.any(|said| said.allow.contains(&name)) {
                granted = true;
            }
        }
        granted
    }

    /// The time-out as Discord writes it.
    pub(crate) fn until(&self) -> Option<String> {
        let seconds = i64::try_from(self.timed_out_until?).unwrap();
        let time = jiff::Timestamp::from_second(seconds).unwrap();
        Some(time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00").to_string())
    }

    /// Guild, channel and member as Discord shows them.
    pub(crate) fn objects(&self) -> (Json, Json, Json) {
        let roles = self.roles.iter().zip(1..).map(|(names, id)| {
            json!({ "id": id.to_string(), "position": id, "permissions": bits(names).to_string() })
        });
        let overwrites = self.overwrites.iter().map(|said| {
            json!({
                "id": said.id.to_string(),
                "type": u8::from(said.for_member),
                "allow": bits(&said.allow).to_string(),
                "deny": bits(&said.deny).to_string(),
            })
        });
        let held: Vec<String> = self.held.iter().map(u64::to_string).collect();
        let guild = json!({ "id": "1", "owner_id": "9", "roles": roles.collect::<Vec<_>>() });
        let channel = json!({
            "type": self.kind,
            "permission_overwrites": overwrites.collect::<Vec<_>>(),
        });
        let member = json!({
            "user": { "id": self.user.to_string() },
            "roles": held,
            "communication_disabled_until": self.until(),
        });
        (
            Json::from(&guild),
            Json::from(&channel),
            Json::from(&member),
        )
    }
}

/// The bits of these names.
pub(crate) fn bits(names: &[&str]) -> u64 {
    super::of(names.iter().copied()).unwrap()
}
