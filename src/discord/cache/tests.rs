use super::*;
use serde_json::json;

#[allow(
    clippy::needless_pass_by_value,
    reason = "every caller makes its data on the spot"
)]
fn apply(cache: &Cache, event: &str, data: serde_json::Value) {
    cache.apply(event, &Json::from(&data));
}

/// A bot (1) in the guild 100 with a channel 101, a thread 102 in it, and the role 103.
fn known() -> Cache {
    let cache = Cache::new();
    apply(
        &cache,
        // As the gateway's events are called; the others are called as on the wire.
        "ready",
        json!({ "user": { "id": "1" }, "guilds": [{ "id": "100" }, { "id": "200" }] }),
    );
    apply(
        &cache,
        "GUILD_CREATE",
        json!({
            "id": "100", "name": "Home", "owner_id": "2", "member_count": 3,
            "roles": [
                { "id": "103", "name": "Mods", "position": 1, "permissions": "4" },
                { "id": "100", "name": "@everyone", "position": 0, "permissions": "3072" },
            ],
            "channels": [{ "id": "101", "name": "general", "permission_overwrites": [] }],
            "threads": [{ "id": "102", "name": "talk", "parent_id": "101", "thread_metadata": { "archived": false } }],
            "members": [{ "user": { "id": "1", "username": "bot" }, "roles": ["103"] }],
            "emojis": [{ "id": "105", "name": "wave" }],
            "presences": [],
        }),
    );
    cache
}

#[test]
fn a_guild_is_known_with_its_parts() {
    let cache = known();
    let guild = cache.guild("100").unwrap();
    assert_eq!(guild.str("name"), Some("Home"));
    assert_eq!(
        guild.list("roles").nth(1).unwrap().str("name"),
        Some("Mods")
    );
    assert!(guild.get("channels").is_none() && guild.get("members").is_none());
    assert_eq!(cache.channel("101").unwrap().str("guild_id"), Some("100"));
    assert_eq!(cache.channels("100").len(), 2);
    assert_eq!(cache.roles("100").len(), 2);
    assert_eq!(cache.emojis("100")[0].str("id"), Some("105"));
    assert_eq!(
        cache.member("100", "1").unwrap().str("guild_id"),
        Some("100")
    );
    assert!(cache.guild("200").is_none() && cache.guild("x").is_none());
    let mut ids = cache.guild_ids();
    ids.sort();
    assert_eq!(ids, ["100", "200"]);
    let may = cache.permissions("102", "1", Duration::ZERO).unwrap();
    assert_eq!(
        permissions::names(may),
        ["ban_members", "view_channel"],
        "sending in a thread is a permission of its own"
    );
}

#[test]
fn who_speaks_is_known_from_then_on() {
    let cache = known();
    let message = |nick: &str| json!({ "guild_id": "100", "author": { "id": "7", "username": "anna" }, "member": { "nick": nick, "roles": [] } });
    apply(&cache, "MESSAGE_CREATE", message("Ann"));
    let known = |nick: &str| cache.members_where("100", |it| it.str("nick") == Some(nick));
    let anna = &known("Ann")[0];
    assert_eq!(anna.at(&["user", "id"]).unwrap().as_str(), Some("7"));
    apply(&cache, "MESSAGE_CREATE", message("Annie"));
    assert_eq!(cache.member("100", "7").unwrap().str("nick"), Some("Annie"));
    assert_eq!((known("Ann").len(), known("Annie").len()), (0, 1));
    assert_eq!(cache.outranks("100", "1", "7"), Some(true));
    apply(
        &cache,
        "GUILD_MEMBER_REMOVE",
        json!({ "guild_id": "100", "user": { "id": "7" } }),
    );
    assert!(cache.member("100", "7").is_none());
    let count = cache.guild("100").unwrap().i64("member_count");
    assert_eq!(count, Some(2));
}

#[test]
fn members_are_bounded_and_the_bot_is_never_forgotten() {
    let cache = known();
    for id in 1_000..4_000 {
        let user = json!({ "id": id.to_string(), "username": "x" });
        apply(
            &cache,
            "GUILD_MEMBER_ADD",
            json!({ "guild_id": "100", "user": user, "roles": [] }),
        );
    }
    assert!(cache.counts().2 <= members::OF_A_GUILD + 1);
    assert!(cache.member("100", "3999").is_some() && cache.member("100", "1").is_some());
    assert!(cache.member("100", "1000").is_none());
}

#[test]
fn changes_and_losses_are_followed() {
    let cache = known();
    apply(
        &cache,
        "GUILD_UPDATE",
        json!({ "id": "100", "name": "New" }),
    );
    let guild = cache.guild("100").unwrap();
    assert_eq!(
        (guild.str("name"), guild.str("owner_id")),
        (Some("New"), Some("2"))
    );
    apply(
        &cache,
        "CHANNEL_UPDATE",
        json!({ "id": "101", "guild_id": "100", "name": "lobby" }),
    );
    assert_eq!(cache.channel("101").unwrap().str("name"), Some("lobby"));
    apply(
        &cache,
        "GUILD_ROLE_DELETE",
        json!({ "guild_id": "100", "role_id": "103" }),
    );
    assert!(cache.role("100", "103").is_none());
    apply(
        &cache,
        "CHANNEL_DELETE",
        json!({ "id": "101", "guild_id": "100" }),
    );
    assert!(cache.channel("101").is_none() && cache.channel("102").is_none());

    apply(
        &cache,
        "GUILD_DELETE",
        json!({ "id": "100", "unavailable": true }),
    );
    assert!(cache.guild("100").unwrap().is_true("unavailable"));
    apply(&cache, "GUILD_DELETE", json!({ "id": "100" }));
    assert!(cache.guild("100").is_none());
}

#[test]
fn a_new_session_forgets_guilds_that_were_left_meanwhile() {
    let cache = known();
    apply(
        &cache,
        "READY",
        json!({ "user": { "id": "1" }, "guilds": [{ "id": "200" }], "shard": [0, 1] }),
    );
    assert!(cache.guild("100").is_none() && cache.channel("101").is_none());
    assert_eq!(cache.guild_ids(), ["200"]);
}

#[test]
fn hostile_dispatches_change_nothing() {
    let cache = known();
    for event in crate::discord::events::events() {
        for data in [
            json!(null),
            json!([]),
            json!({ "id": 5, "guild_id": {}, "user": [], "member": 5, "role": 1 }),
        ] {
            apply(&cache, event.gateway_name, data);
        }
    }
    assert!(cache.guild("100").is_some());
}
