//! What each dispatch changes.

use super::guild::Guild;
use super::{Cache, GuildTable, number, read, write};
use crate::discord::missing_fields;
use crate::json::{Json, JsonRef, Node};
use std::sync::{Arc, RwLock};

/// Takes in one dispatch.
pub(super) fn apply(cache: &Cache, event: &str, data: JsonRef<'_>) {
    match event {
        "READY" => ready(cache, data),
        "USER_UPDATE" => cache.table_mut().bot = Some(data.detached()),
        "GUILD_CREATE" => guild_create(cache, data),
        "GUILD_UPDATE" => with_guild(cache, data.str("id"), |guild| {
            guild.update(data);
        }),
        "GUILD_DELETE" => guild_delete(cache, data),
        "GUILD_EMOJIS_UPDATE" => set_field(cache, data, "emojis"),
        "GUILD_STICKERS_UPDATE" => set_field(cache, data, "stickers"),
        "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" => {
            let role = data.get("role").unwrap_or(JsonRef::NULL);
            if let Some(id) = role.str("id").and_then(number) {
                let insert = |guild: &mut Guild| guild.roles.insert(id, role.detached());
                with_guild(cache, data.str("guild_id"), insert);
            }
        }
        "GUILD_ROLE_DELETE" => with_id(cache, data, "role_id", |guild, id| {
            guild.roles.remove(&id);
        }),
        "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE" => {
            channel(cache, data);
        }
        "CHANNEL_DELETE" | "THREAD_DELETE" => forget_channel(cache, data),
        "THREAD_LIST_SYNC" => {
            let guild_id = data.get("guild_id").unwrap_or(JsonRef::NULL);
            for thread in data.list("threads") {
                channel(cache, thread.with("guild_id", guild_id).view());
            }
        }
        "GUILD_MEMBER_ADD" => {
            with_guild(cache, data.str("guild_id"), |guild| guild.count(1));
            member(cache, data.str("guild_id"), data, None);
        }
        "GUILD_MEMBER_UPDATE" => member(cache, data.str("guild_id"), data, None),
        "GUILD_MEMBER_REMOVE" => {
            let user = data
                .at(&["user", "id"])
                .and_then(JsonRef::as_str)
                .and_then(number);
            with_guild(cache, data.str("guild_id"), |guild| {
                guild.count(-1);
                if let Some(user) = user {
                    guild.members.remove(user);
                }
            });
        }
        "GUILD_MEMBERS_CHUNK" => {
            for chunk in data.list("members") {
                member(cache, data.str("guild_id"), chunk, None);
            }
        }
        // The author stands beside the member, and webhooks have none.
        "MESSAGE_CREATE" => {
            if let Some(found) = data.get("member") {
                member(cache, data.str("guild_id"), found, data.get("author"));
            }
        }
        _ => {}
    }
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
        table.guilds.remove(id);
        table.channels.retain(|_, guild| guild != id);
    }
    for id in listed {
        match table.guilds.get(&id) {
            // Known from the session before, until it is announced again.
            Some(guild) => write(guild).unavailable = true,
            None => {
                table.awaited.insert(id);
            }
        }
    }
}

fn guild_create(cache: &Cache, data: JsonRef<'_>) {
    let Some(id) = data.str("id").and_then(number) else {
        return;
    };
    if data.is_true("unavailable") {
        let mut table = cache.table_mut();
        if !table.guilds.contains_key(&id) {
            table.awaited.insert(id);
        }
        return;
    }
    let guild = Guild::new(data);
    put(&mut cache.table_mut(), id, guild);
    for found in data.list("members") {
        member(cache, data.str("id"), found, None);
    }
}

/// A guild that Discord was asked for, which the gateway has not announced.
pub(super) fn supplement(cache: &Cache, data: JsonRef<'_>) {
    let Some(id) = data.str("id").and_then(number) else {
        return;
    };
    let mut guild = Guild::new(data);
    guild.unavailable = true;
    let mut table = cache.table_mut();
    if !table.guilds.contains_key(&id) {
        put(&mut table, id, guild);
    }
}

fn put(table: &mut GuildTable, id: u64, guild: Guild) {
    table.awaited.remove(&id);
    table.channels.retain(|_, owner| *owner != id);
    let channels = guild.channels.keys().map(|channel| (*channel, id));
    table.channels.extend(channels);
    table.guilds.insert(id, Arc::new(RwLock::new(guild)));
}

/// The guild was left, or is unavailable during an outage: then it stays known and is marked as unavailable.
fn guild_delete(cache: &Cache, data: JsonRef<'_>) {
    let Some(id) = data.str("id").and_then(number) else {
        return;
    };
    if data.is_true("unavailable") {
        with_guild(cache, data.str("id"), |guild| guild.unavailable = true);
        return;
    }
    let mut table = cache.table_mut();
    table.awaited.remove(&id);
    table.guilds.remove(&id);
    table.channels.retain(|_, guild| *guild != id);
}

fn set_field(cache: &Cache, data: JsonRef<'_>, name: &str) {
    if let Some(value) = data.get(name) {
        with_guild(cache, data.str("guild_id"), |guild| {
            guild.own = guild.own.with(name, value);
        });
    }
}

fn channel(cache: &Cache, data: JsonRef<'_>) {
    // An archived thread is none of the channels any more; a message in it announces it again.
    if data
        .get("thread_metadata")
        .is_some_and(|it| it.is_true("archived"))
    {
        return forget_channel(cache, data);
    }
    let Some(id) = data.str("id").and_then(number) else {
        return;
    };
    let Some(guild_id) = data.str("guild_id").and_then(number) else {
        return;
    };
    if let Some(guild) = cache.shelf(guild_id) {
        write(&guild).channels.insert(id, data.detached());
        cache.table_mut().channels.insert(id, guild_id);
    }
}

/// Forgets a channel, and the threads in it: Discord does not mention those.
fn forget_channel(cache: &Cache, data: JsonRef<'_>) {
    let Some(id) = data.str("id") else {
        return;
    };
    let mut gone: Vec<u64> = number(id).into_iter().collect();
    with_guild(cache, data.str("guild_id"), |guild| {
        let threads = guild.channels.iter().filter(|(_, channel)| {
            channel.get("thread_metadata").is_some() && channel.str("parent_id") == Some(id)
        });
        gone.extend(threads.map(|(thread, _)| *thread));
        guild.channels.retain(|channel, _| !gone.contains(channel));
    });
    let mut table = cache.table_mut();
    for channel in gone {
        table.channels.remove(&channel);
    }
}

fn member(cache: &Cache, guild_id: Option<&str>, data: JsonRef<'_>, user: Option<JsonRef<'_>>) {
    let Some(user) = data.get("user").or(user) else {
        return;
    };
    let Some(id) = user.str("id").and_then(number) else {
        return;
    };
    let Some(guild_id) = guild_id else {
        return;
    };
    let Some(guild) = number(guild_id).and_then(|id| cache.shelf(id)) else {
        return;
    };
    let (guilds, is_own) = {
        let table = cache.table();
        let own = table.bot.as_ref().and_then(|bot| bot.str("id"));
        (table.guilds.len(), own == user.str("id"))
    };
    if !is_own && unchanged(read(&guild).members.get(id).as_ref(), data, user) {
        return;
    }
    let whole = missing_fields::with_guild(data.with("user", user).view(), guild_id);
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
    let same = |(name, value): (&str, JsonRef<'_>)| known.get(name) == Some(value);
    data.fields().all(same) && known.get("user") == Some(user)
}

fn with_guild<T>(cache: &Cache, id: Option<&str>, change: impl FnOnce(&mut Guild) -> T) {
    if let Some(guild) = id.and_then(number).and_then(|id| cache.shelf(id)) {
        change(&mut write(&guild));
    }
}

fn with_id(cache: &Cache, data: JsonRef<'_>, field: &str, change: impl FnOnce(&mut Guild, u64)) {
    if let Some(id) = data.str(field).and_then(number) {
        with_guild(cache, data.str("guild_id"), |guild| change(guild, id));
    }
}
