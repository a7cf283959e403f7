use super::*;
use crate::discord::operations::{operation, operations};
use serde_json::json;

fn ready(id: &str, arguments: Value) -> Prepared {
    let prepared = prepare(operation(id).unwrap(), arguments);
    prepared.unwrap_or_else(|error| panic!("{error}"))
}

fn refused(id: &str, arguments: Value) -> String {
    prepare(operation(id).unwrap(), arguments)
        .unwrap_err()
        .to_string()
}

#[test]
fn one_flat_table_becomes_path_query_and_body() {
    let prepared = ready(
        "update_channel",
        json!({ "channel_id": "5", "topic": "x", "rate_limit_per_user": 5.0, "parent_id": null, "reason": "tidy ☂" }),
    );
    assert_eq!(prepared.path, "/channels/5");
    assert_eq!(prepared.method, "PATCH");
    let body = json!({ "topic": "x", "rate_limit_per_user": 5, "parent_id": null });
    assert_eq!(prepared.body, Some(body));
    assert_eq!(prepared.reason.as_deref(), Some("tidy%20%E2%98%82"));
    assert_eq!(prepared.major, 5);

    let prepared = ready(
        "list_messages",
        json!({ "channel_id": "5", "limit": 3.0, "before": "9" }),
    );
    assert_eq!(
        prepared.query,
        [("limit", "3".to_owned()), ("before", "9".into())]
    );
    assert_eq!(prepared.body, None);
}

#[test]
fn paths_are_encoded_and_never_another_path() {
    let prepared = ready(
        "add_my_message_reaction",
        json!({ "channel_id": "1", "message_id": "2", "emoji_name": "👍" }),
    );
    let path = "/channels/1/messages/2/reactions/%F0%9F%91%8D/@me";
    assert_eq!(prepared.path, path);
    for bad in ["..", ".", ""] {
        refused(
            "add_my_message_reaction",
            json!({ "channel_id": "1", "message_id": "2", "emoji_name": bad }),
        );
    }
    let prepared = ready("invite_resolve", json!({ "code": "a/../b?c" }));
    assert_eq!(prepared.path, "/invites/a%2F..%2Fb%3Fc");
}

#[test]
fn mistakes_are_told_in_the_authors_own_terms() {
    assert_eq!(
        refused(
            "create_message",
            json!({ "channel_id": "1", "contnt": "x" })
        ),
        "discord.create_message has no field \"contnt\"; did you mean \"content\"?"
    );
    assert_eq!(
        refused("create_message", json!({ "content": "x" })),
        "discord.create_message: channel_id: expected an id (a string of digits), got nothing"
    );
    assert_eq!(
        refused("create_message", json!({ "channel_id": 5 })),
        "discord.create_message: channel_id: expected an id (a string of digits), got the number 5: ids are strings"
    );
    assert_eq!(
        refused(
            "create_message",
            json!({ "channel_id": "1", "embeds": [{ "title": "x".repeat(257) }] })
        ),
        "discord.create_message: embeds[1].title: expected a string of at most 256 characters or null, got a string of 257 characters"
    );
    assert_eq!(
        refused(
            "create_message",
            json!({ "channel_id": "1", "embeds": [{ "titel": "x" }] })
        ),
        "discord.create_message has no field \"embeds[1].titel\"; did you mean \"title\"?"
    );
    assert_eq!(
        refused(
            "create_guild_role",
            json!({ "guild_id": "1", "permissions": ["ban_member"] })
        ),
        "discord.create_guild_role: permissions: expected names of permissions, or their bits in digits, got the string \"ban_member\"; did you mean \"ban_members\"?"
    );
    let long = json!({ "channel_id": "1", "reason": "x".repeat(513) });
    assert!(refused("delete_channel", long).contains("at most 512 characters"));
    assert!(
        refused("list_messages", json!({ "channel_id": "1", "limit": 101 }))
            .contains("from 1 to 100")
    );
    assert!(
        refused(
            "create_message",
            json!({ "channel_id": "1", "sticker_ids": [5] })
        )
        .contains("sticker_ids[1]")
    );
    assert!(refused("create_message", json!(5)).contains("a table"));
}

#[test]
fn times_and_permissions_may_be_written_comfortably() {
    let member = ready(
        "update_guild_member",
        json!({ "guild_id": "1", "user_id": "2", "communication_disabled_until": 1_700_000_000.5 }),
    );
    let body = json!({ "communication_disabled_until": "2023-11-14T22:13:20.5Z" });
    assert_eq!(member.body, Some(body));

    let role = ready(
        "create_guild_role",
        json!({ "guild_id": "1", "permissions": ["kick_members", "ban_members"] }),
    );
    assert_eq!(role.body, Some(json!({ "permissions": "6" })));

    let channel = ready(
        "create_guild_channel",
        json!({ "guild_id": "1", "name": "x", "permission_overwrites": [{ "id": "1", "type": 0, "deny": ["view_channel"], "allow": {} }] }),
    );
    let deny = &channel.body.unwrap()["permission_overwrites"][0]["deny"];
    assert_eq!(deny, "1024");
}

#[test]
fn nobody_is_mentioned_unless_asked_for() {
    let none = json!({ "parse": [] });
    let body = |id, arguments| ready(id, arguments).body.unwrap();
    let sent = body(
        "create_message",
        json!({ "channel_id": "1", "content": "x" }),
    );
    assert_eq!(sent["allowed_mentions"], none);
    let asked =
        json!({ "channel_id": "1", "content": "x", "allowed_mentions": { "parse": ["users"] } });
    assert_eq!(
        body("create_message", asked)["allowed_mentions"],
        json!({ "parse": ["users"] })
    );
    for given in [
        json!(null),
        json!({}),
        json!([]),
        json!({ "parse": null }),
        json!({ "parse": [null] }),
        json!({ "parse": {}, "users": null, "roles": null, "replied_user": null }),
    ] {
        let message = json!({ "channel_id": "1", "content": "x", "allowed_mentions": given });
        let sent = body("create_message", message);
        assert_eq!(sent["allowed_mentions"], none, "{given}");
        let inner = json!({ "content": "x", "allowed_mentions": given });
        let thread = json!({ "channel_id": "1", "name": "x", "message": inner });
        let sent = body("create_thread", thread);
        assert_eq!(sent["message"]["allowed_mentions"], none, "{given}");
    }
    let few = json!({ "users": ["5", null], "replied_user": true });
    let message = json!({ "channel_id": "1", "content": "x", "allowed_mentions": few });
    assert_eq!(
        body("create_message", message)["allowed_mentions"],
        json!({ "parse": [], "users": ["5"], "replied_user": true })
    );
    for wrong in [
        json!("x"),
        json!(["users"]),
        json!({ "parse": "everyone" }),
        json!({ "parse": ["all"] }),
        json!({ "everyone": true }),
        json!({ "users": "5" }),
    ] {
        let message = json!({ "channel_id": "1", "content": "x", "allowed_mentions": wrong });
        let error = refused("create_message", message);
        assert!(error.contains("allowed_mentions"), "{wrong}: {error}");
    }
    let edited = json!({ "channel_id": "1", "message_id": "2", "content": "x" });
    assert_eq!(body("update_message", edited)["allowed_mentions"], none);
    let flags = json!({ "channel_id": "1", "message_id": "2", "flags": 4 });
    assert_eq!(body("update_message", flags), json!({ "flags": 4 }));
    let attached = json!({ "channel_id": "1", "message_id": "2", "attachments": [] });
    assert_eq!(body("update_message", attached)["allowed_mentions"], none);
    let hook = json!({ "webhook_id": "1", "webhook_token": "t", "content": "x" });
    assert_eq!(body("execute_webhook", hook)["allowed_mentions"], none);
    let answer = json!({ "interaction_id": "1", "interaction_token": "t", "type": 4, "data": { "content": "x" } });
    assert_eq!(
        body("create_interaction_response", answer)["data"]["allowed_mentions"],
        none
    );
    let thread = json!({ "channel_id": "1", "name": "x", "message": { "content": "x" } });
    assert_eq!(
        body("create_thread", thread)["message"]["allowed_mentions"],
        none
    );
    let role = body("create_guild_role", json!({ "guild_id": "1" }));
    assert_eq!(role, json!({}));
}

#[test]
fn files_are_parts() {
    let files = json!([{ "filename": "a.txt", "content": "hello" }]);
    let prepared = ready(
        "create_message",
        json!({ "channel_id": "1", "files": files }),
    );
    assert_eq!(prepared.files, [File::new("a.txt", "hello")]);
    let arguments = json!({ "guild_id": "1", "name": "wave", "tags": "x", "file": { "filename": "a.png", "content": "x" } });
    let sticker = ready("create_guild_sticker", arguments);
    assert_eq!(sticker.files[0].part, Some("file"));
    assert_eq!(sticker.body, Some(json!({ "name": "wave", "tags": "x" })));
    assert!(
        refused(
            "create_guild_sticker",
            json!({ "guild_id": "1", "name": "wave", "tags": "x" })
        )
        .contains("file")
    );
    assert!(
        refused(
            "get_message",
            json!({ "channel_id": "1", "message_id": "2", "files": [] })
        )
        .contains("no field")
    );
    let bad = json!({ "channel_id": "1", "files": [{ "filename": "a\r\nb", "content": "" }] });
    assert!(refused("create_message", bad).contains("files[1].filename"));
}

#[test]
fn arrays_and_maps_come_as_body() {
    let arguments = json!({ "guild_id": "1", "body": [{ "id": "2", "position": 1.0 }] });
    let roles = ready("bulk_update_guild_roles", arguments);
    assert_eq!(roles.body, Some(json!([{ "id": "2", "position": 1 }])));
    assert!(
        refused("bulk_update_guild_roles", json!({ "guild_id": "1" }))
            .contains("body: expected a list")
    );
    let wrong = json!({ "guild_id": "1", "body": [{ "id": 2 }] });
    assert!(refused("bulk_update_guild_roles", wrong).contains("body[1].id"));
}

#[test]
fn no_operation_has_two_places_for_one_name() {
    for operation in operations() {
        let params = operation
            .params
            .keys()
            .chain(operation.query.keys())
            .copied();
        let body = operation.body_fields().into_iter().map(|(name, _)| name);
        let mut names: Vec<&str> = params
            .chain(body)
            .chain(["reason", "files", "body"])
            .collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{}", operation.id);
    }
}
