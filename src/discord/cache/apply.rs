//! What each dispatch changes.

use super::announcement::Announcement;
use super::guild::Guild;
use super::members::Members;
use super::{Cache, GuildTable, number, read, write};
use crate::discord::missing_fields::write_whole_member;
use crate::json::{Json, JsonRef, Node};
use std::sync::{Arc, RwLock};

/// Takes in one dispatch but the announcement of a guild. The data of one that changes nothing is not asked for.
pub(super) fn apply<'a>(cache: &Cache, event: &str, data: impl Fn() -> JsonRef<'a>) {
    match event {
        "READY" => ready(cache, data()),
        "USER_UPDATE" => cache.table_mut().bot = Some(data().detached()),
        "GUILD_UPDATE" => with_guild(cache, data().str("id"), |guild| guild.update(data())),
        "GUILD_DELETE" => guild_delete(cache, data()),
        "GUILD_EMOJIS_UPDATE" => set_field(cache, data(), "emojis"),
        "GUILD_STICKERS_UPDATE" => set_field(cache, data(), "stickers"),
        "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" => {
            let data = data();
            let role = data.get("role").unwrap_or(JsonRef::NULL);
            if let Some(id) = role.str("id").and_then(number) {
                let set = |guild: &mut Guild| guild.set_role(id, Some(role));
                with_guild(cache, data.str("guild_id"), set);
            }
        }
        "GUILD_ROLE_DELETE" => {
            let data = data();
            if let Some(id) = data.str("role_id").and_then(number) {
                let remove = |guild: &mut Guild| guild.set_role(id, None);
                with_guild(cache, data.str("guild_id"), remove);
            }
        }
        "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE" => {
            channel(cache, data().str("guild_id"), data());
        }
        "CHANNEL_DELETE" | "THREAD_DELETE" => {
            forget_channel(cache, data().str("guild_id"), data());
        }
        "THREAD_LIST_SYNC" => {
            for thread in data().list("threads") {
                channel(cache, data().str("guild_id"), thread);
            }
        }
        "GUILD_MEMBER_ADD" => {
            with_guild(cache, data().str("guild_id"), |guild| guild.count(1));
            member(cache, data().get("guild_id"), data(), None);
        }
        "GUILD_MEMBER_UPDATE" => member(cache, data().get("guild_id"), data(), None),
        "GUILD_MEMBER_REMOVE" => {
            let user = data().at(&["user", "id"]).and_then(JsonRef::as_str);
            with_guild(cache, data().str("guild_id"), |guild| {
                guild.count(-1);
                if let Some(user) = user.and_then(number) {
                    guild.members.remove(user);
                }
            });
        }
        "GUILD_MEMBERS_CHUNK" => {
            for chunk in data().list("members") {
                member(cache, data().get("guild_id"), chunk, None);
            }
        }
        // The author stands beside the member, and webhooks have none.
        "MESSAGE_CREATE" => {
            let [found, guild_id, author] = data().pick(["member", "guild_id", "author"]);
            if let Some(found) = found {
                member(cache, guild_id, found, author);
            }
        }
        "INTERACTION_CREATE" => interaction(cache, data()),
        _ => {}
    }
}

/// Who has called, and the members who are named: their roles decide what may be done to them.
fn interaction(cache: &Cache, data: JsonRef<'_>) {
    let guild_id = data.get("guild_id");
    if let Some(caller) = data.get("member").filter(|it| it.is_object()) {
        passing_member(cache, guild_id, caller, None);
    }
    let Some(resolved) = data.at(&["data", "resolved"]) else {
        return;
    };
    let members = resolved.get("members").filter(|it| it.is_object());
    for (id, found) in members.into_iter().flat_map(JsonRef::fields) {
        if found.is_object() {
            passing_member(cache, guild_id, found, resolved.at(&["users", id]));
        }
    }
}

/// A member in an interaction: with permissions, which are those in one channel at one moment, and perhaps without some
/// of the fields that are known already.
fn passing_member(
    cache: &Cache,
    guild_id: Option<JsonRef<'_>>,
    data: JsonRef<'_>,
    user: Option<JsonRef<'_>>,
) {
    let Some(user) = data.get("user").or(user) else {
        return;
    };
    let guild = guild_id.and_then(JsonRef::as_str);
    let known = guild.zip(user.str("id"));
    let known = known.and_then(|(guild, user)| cache.member(guild, user));
    let whole = Json::written(|writer| {
        writer.object(|writer| {
            writer.fields_without(&["permissions"], data);
            for name in ["deaf", "mute"] {
                let value = known.as_ref().and_then(|known| known.get(name));
                if let Some(value) = value.filter(|_| data.get(name).is_none()) {
                    writer.field(name, value);
                }
            }
        });
    });
    member(cache, guild_id, whole.view(), Some(user));
}

/// A new session: of the guilds of this shard, only those that are listed are still the bot's.
fn ready(cache: &Cache, data: JsonRef<'_>) {
    let Some(Node::Array(list)) = data.get("guilds").map(JsonRef::node) else {
        return;
    };
    let listed: Vec<u64> = list
        .filter_map(|guild| guild.str("id").and_then(number))
        .collect();
    let part = |at: usize| {
        let number = data.list("shard").nth(at).and_then(JsonRef::as_i64);
        number.and_then(|number| u64::try_from(number).ok())
    };
    let (shard, shards) = (part(0).unwrap_or(0), part(1).unwrap_or(1).max(1));
    // Discord's rule for which shard hears of a guild.
    let here = |id: &u64| (id >> 22) % shards == shard;

    let mut table = cache.table_mut();
    table.bot = data.get("user").map(JsonRef::detached);
    table.awaited.retain(|id| !here(id));
    let gone: Vec<u64> = table.guilds.keys().copied().collect();
    for id in gone.iter().filter(|id| here(id) && !listed.contains(id)) {
        remove(&mut table, *id);
    }
    for id in listed {
        match table.guilds.get(&id) {
            // Known from the session before, until it is announced again.
            Some(guild) => write(guild).set_unavailable(),
            None => {
                table.awaited.insert(id);
            }
        }
    }
}

/// Takes in the announcement of a guild.
pub(super) fn announce(cache: &Cache, told: &Announcement<'_>) {
    let Some(id) = told.own.str("id").and_then(number) else {
        return;
    };
    if told.own.is_true("unavailable") {
        let mut table = cache.table_mut();
        if !table.guilds.contains_key(&id) {
            table.awaited.insert(id);
        }
        return;
    }
    let guild = Guild::new(told, false);
    let (bot, guilds) = {
        let mut table = cache.table_mut();
        put(&mut table, id, guild);
        let bot = table.bot.as_ref().and_then(|bot| bot.str("id"));
        (bot.map(|id| format!("\"{id}\"")), table.size())
    };
    // Of the others only those are read that would be left in the end.
    let first = told.members.len().saturating_sub(Members::bound(guilds));
    for (at, text) in told.members.iter().enumerate() {
        let may_be_bot = || bot.as_ref().is_some_and(|id| text.get().contains(id));
        if at < first && !may_be_bot() {
            continue;
        }
        if let Ok(found) = serde_json::from_str::<Json>(text.get()) {
            member(cache, told.own.get("id"), found.view(), None);
        }
    }
}

/// A guild that Discord was asked for, which the gateway has not announced.
pub(super) fn supplement(cache: &Cache, told: &Announcement<'_>) {
    let Some(id) = told.own.str("id").and_then(number) else {
        return;
    };
    let guild = Guild::new(told, true);
    let mut table = cache.table_mut();
    if !table.guilds.contains_key(&id) {
        put(&mut table, id, guild);
    }
}

fn put(table: &mut GuildTable, id: u64, guild: Guild) {
    remove(table, id);
    let channels = guild.channel_ids().map(|channel| (channel, id));
    table.channels.extend(channels);
    table.guilds.insert(id, Arc::new(RwLock::new(guild)));
}

/// Removes a guild and its channels.
fn remove(table: &mut GuildTable, id: u64) {
    table.awaited.remove(&id);
    if let Some(guild) = table.guilds.remove(&id) {
        for channel in read(&guild).channel_ids() {
            table.channels.remove(&channel);
        }
    }
}

/// The guild was left, or is unavailable during an outage: then it stays known and is marked as unavailable.
fn guild_delete(cache: &Cache, data: JsonRef<'_>) {
    if data.is_true("unavailable") {
        with_guild(cache, data.str("id"), Guild::set_unavailable);
    } else if let Some(id) = data.str("id").and_then(number) {
        remove(&mut cache.table_mut(), id);
    }
}

fn set_field(cache: &Cache, data: JsonRef<'_>, name: &str) {
    if let Some(value) = data.get(name) {
        with_guild(cache, data.str("guild_id"), |guild| guild.set(name, value));
    }
}

fn channel(cache: &Cache, guild_id: Option<&str>, data: JsonRef<'_>) {
    // An archived thread is none of the channels any more; a message in it announces it again.
    let metadata = data.get("thread_metadata");
    if metadata.is_some_and(|metadata| metadata.is_true("archived")) {
        return forget_channel(cache, guild_id, data);
    }
    let Some(id) = data.str("id").and_then(number) else {
        return;
    };
    let Some(guild_id) = guild_id.and_then(number) else {
        return;
    };
    if let Some(guild) = cache.shelf(guild_id) {
        write(&guild).set_channel(id, data);
        cache.table_mut().channels.insert(id, guild_id);
    }
}

/// Forgets a channel, and the threads in it.
fn forget_channel(cache: &Cache, guild_id: Option<&str>, data: JsonRef<'_>) {
    let Some(id) = data.str("id").and_then(number) else {
        return;
    };
    let mut gone = vec![id];
    with_guild(cache, guild_id, |guild| {
        gone.extend(guild.forget_channel(id));
    });
    let mut table = cache.table_mut();
    for channel in gone {
        table.channels.remove(&channel);
    }
}

fn member(
    cache: &Cache,
    guild_id: Option<JsonRef<'_>>,
    data: JsonRef<'_>,
    user: Option<JsonRef<'_>>,
) {
    let Some(user) = data.get("user").or(user) else {
        return;
    };
    let Some(user_id) = user.str("id") else {
        return;
    };
    let (Some(id), Some(guild_id)) = (number(user_id), guild_id) else {
        return;
    };
    let number = guild_id.as_str().and_then(number);
    let Some(guild) = number.and_then(|id| cache.shelf(id)) else {
        return;
    };
    let (guilds, is_own) = {
        let table = cache.table();
        let own = table.bot.as_ref().and_then(|bot| bot.str("id"));
        (table.size(), own == Some(user_id))
    };
    if !is_own && unchanged(read(&guild).members.get(id).as_ref(), data, user) {
        return;
    }
    let whole = Json::written(|writer| {
        write_whole_member(writer, data, Some(user), Some(guild_id));
    });
    let mut guild = write(&guild);
    if is_own {
        guild.members.insert_own(id, whole);
    } else {
        guild.members.insert(id, whole, guilds);
    }
}

/// Whether a member that speaks again is the one that is known: most messages change nothing.
fn unchanged(known: Option<&Json>, data: JsonRef<'_>, user: JsonRef<'_>) -> bool {
    let Some(known) = known else {
        return false;
    };
    // Mostly they come in the same order.
    let mut in_order = known.view().fields();
    let same = |(name, value): (&str, JsonRef<'_>)| match in_order.next() {
        Some((known, former)) if known == name => former == value,
        _ => known.get(name) == Some(value),
    };
    data.fields().all(same) && known.get("user") == Some(user)
}

fn with_guild<T>(cache: &Cache, id: Option<&str>, change: impl FnOnce(&mut Guild) -> T) {
    if let Some(guild) = id.and_then(number).and_then(|id| cache.shelf(id)) {
        change(&mut write(&guild));
    }
}
