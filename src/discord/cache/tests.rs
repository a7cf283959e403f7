use super::*;
use serde_json::json;

#[allow(
    clippy::needless_pass_by_value,
    reason = "every caller makes its data on the spot"
)]
fn apply(cache: &Cache, event: &str, data: serde_json::Value) {
    let name = event.to_ascii_lowercase();
    cache.hear(&Event::new(&name, 0, 1, data.to_string()));
}

/// A bot (1) in the guild 100 with a channel 101, a thread 102 in it, and the role 103.
fn known() -> Cache {
    let cache = Cache::new();
    apply(
        &cache,
        "READY",
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
fn of_an_announcement_the_bot_and_the_last_members_are_kept() {
    let cache = Cache::new();
    let guilds: Vec<_> = (1..=5_000)
        .map(|id| json!({ "id": id.to_string() }))
        .collect();
    let ready = json!({ "user": { "id": "1" }, "guilds": guilds });
    apply(&cache, "READY", ready);
    let members = (1..=100).map(|id| json!({ "user": { "id": id.to_string() }, "nick": "1" }));
    let members: Vec<_> = members.collect();
    // What is not kept may be anything.
    let odd = json!({ "id": "100", "presences": 5, "voice_states": null, "members": members });
    apply(&cache, "GUILD_CREATE", odd);
    let known = |id: &str| cache.member("100", id).is_some();
    assert!(known("1") && known("100") && known("95") && !known("50"));
    assert!((10..=21).contains(&cache.counts().2), "{cache:?}");
    let unreadable = json!({ "id": "100", "members": 5 });
    apply(&cache, "GUILD_CREATE", unreadable);
    assert!(known("1"));
    let without = json!({ "id": "200", "members": null, "channels": 5, "roles": {} });
    apply(&cache, "GUILD_CREATE", without);
    assert!(cache.guild("200").is_some() && cache.channels("200").is_empty());
}

#[test]
fn a_channel_says_of_which_guild_it_is_and_keeps_no_other_alive() {
    let cache = known();
    let sizes = |cache: &Cache| {
        let channels = cache.channels("100");
        let sizes = channels.iter().map(|channel| {
            assert_eq!(channel.str("guild_id"), Some("100"));
            channel.bytes()
        });
        sizes.max().unwrap()
    };
    assert!(sizes(&cache) < 250, "{}", sizes(&cache));
    let topic = "x".repeat(1_000);
    let data = json!({ "id": "101", "guild_id": "100", "topic": topic });
    apply(&cache, "CHANNEL_UPDATE", data);
    assert!(cache.channel("102").unwrap().bytes() < 250);
    let roles = cache.roles("100");
    assert!(roles.iter().all(|role| role.bytes() < 150));
}

#[test]
fn roles_are_in_their_order_whatever_comes() {
    let cache = known();
    let names = |cache: &Cache| {
        let guild = cache.guild("100").unwrap();
        let names: Vec<_> = guild
            .list("roles")
            .filter_map(|it| it.str("name"))
            .collect();
        names.join(" ")
    };
    let role = |name: &str, position| json!({ "guild_id": "100", "role": { "id": "104", "name": name, "position": position } });
    apply(&cache, "GUILD_ROLE_CREATE", role("New", 1));
    assert_eq!(names(&cache), "@everyone Mods New");
    apply(&cache, "GUILD_ROLE_UPDATE", role("Low", 0));
    assert_eq!(names(&cache), "@everyone Low Mods");
    assert_eq!(cache.role("100", "104").unwrap().str("name"), Some("Low"));
    let roles = json!([{ "id": "9", "name": "B", "position": 2 }, { "id": "8", "name": "A" }]);
    apply(
        &cache,
        "GUILD_UPDATE",
        json!({ "id": "100", "roles": roles }),
    );
    assert_eq!(names(&cache), "A B");
    apply(
        &cache,
        "GUILD_ROLE_DELETE",
        json!({ "guild_id": "100", "role_id": "8" }),
    );
    assert_eq!(names(&cache), "B");
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

#[test]
fn an_interaction_tells_of_members() {
    let cache = known();
    let caller = json!({
        "user": { "id": "7", "username": "anna" }, "roles": ["103"], "deaf": true, "mute": false, "permissions": "8",
    });
    let call = |roles: &str| {
        json!({
            "id": "9", "guild_id": "100", "member": caller, "data": { "resolved": {
                "users": { "7": { "id": "7", "username": "anna" }, "8": { "id": "8", "username": "ben" } },
                "members": { "7": { "roles": ["103"] }, "8": { "roles": [roles] }, "5": { "roles": [] } },
            }},
        })
    };
    apply(&cache, "INTERACTION_CREATE", call("100"));
    let anna = cache.member("100", "7").unwrap();
    assert_eq!(
        anna.at(&["user", "username"]).and_then(JsonRef::as_str),
        Some("anna")
    );
    assert!(anna.is_true("deaf") && anna.get("permissions").is_none());
    assert_eq!(cache.outranks("100", "7", "8"), Some(true));
    assert!(cache.member("100", "5").is_none());
    apply(&cache, "INTERACTION_CREATE", call("103"));
    assert_eq!(cache.outranks("100", "7", "8"), Some(false));
    // In a direct message there are none.
    apply(
        &cache,
        "INTERACTION_CREATE",
        json!({ "id": "9", "user": { "id": "7" }, "data": {} }),
    );
}
