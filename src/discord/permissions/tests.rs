use super::model::{Case, case};
use super::table::CONSTANTS;
use super::*;
use crate::json::Json;
use proptest::prelude::*;
use serde_json::json;

fn tree(value: &serde_json::Value) -> Json {
    Json::from(value)
}

fn in_channel(guild: &Json, channel: &Json, member: &Json, now: Duration) -> u64 {
    super::in_channel(guild.view(), channel.view(), member.view(), now)
}

fn in_thread(guild: &Json, parent: &Json, member: &Json, now: Duration) -> u64 {
    super::in_thread(guild.view(), parent.view(), member.view(), now)
}

fn outranks(guild: &Json, above: &Json, below: &Json) -> bool {
    super::outranks(guild.view(), above.view(), below.view())
}

fn guild() -> Json {
    tree(&json!({ "id": "1", "owner_id": "10", "roles": [
        { "id": "1", "position": 0, "permissions": bits(&["view_channel", "send_messages", "embed_links"]) },
        { "id": "2", "position": 1, "permissions": bits(&["ban_members"]) },
        { "id": "3", "position": 2, "permissions": bits(&["administrator"]) },
    ]}))
}

fn bits(names: &[&str]) -> String {
    of(names.iter().copied()).unwrap().to_string()
}

fn member(id: &str, roles: &[&str]) -> Json {
    tree(&json!({ "user": { "id": id }, "roles": roles }))
}

#[test]
fn an_administrator_lacks_nothing() {
    assert_eq!(missing(4, 6), 2);
    assert_eq!(missing(ADMINISTRATOR, 6), 0);
    assert_eq!(labels(1 << 40).collect::<Vec<_>>(), ["Timeout Members"]);
    for (permission, constant) in PERMISSIONS.iter().zip(CONSTANTS) {
        assert_eq!(bit(permission.name), Some(permission.bit));
        assert_eq!(permission.name, constant.to_lowercase());
    }
}

#[test]
fn names_and_bits_are_two_ways_to_say_one_thing() {
    assert_eq!(of(["kick_members", "ban_members"]), Ok(6));
    assert_eq!(of(["kick_members", "ban"]), Err("ban"));
    assert_eq!(names(6), ["kick_members", "ban_members"]);
    assert_eq!(nearest_permission("ban_member"), Some("ban_members"));
    assert!(has(ADMINISTRATOR, 1 << 40) && !has(2, 4));
    assert_eq!(ALL.count_ones(), 52);
}

#[test]
fn overwrites_go_from_everyone_over_roles_to_the_member() {
    let send = bits(&["send_messages"]);
    let channel = tree(&json!({ "permission_overwrites": [
        { "id": "1", "type": 0, "allow": "0", "deny": send },
        { "id": "2", "type": 0, "allow": send, "deny": "0" },
        { "id": "11", "type": 1, "allow": "0", "deny": bits(&["view_channel"]) },
    ]}));
    let may = |id: &str, roles: &[&str]| {
        names(in_channel(
            &guild(),
            &channel,
            &member(id, roles),
            Duration::ZERO,
        ))
    };
    // Without sending, embeds are of no use.
    assert_eq!(may("12", &[]), ["view_channel"]);
    assert!(may("12", &["2"]).contains(&"send_messages"));
    assert_eq!(may("11", &["2"]), [""; 0]);
    assert_eq!(may("11", &["3"]).len(), 52);
    assert_eq!(may("10", &[]).len(), 52);
}

#[test]
fn a_timeout_leaves_only_reading() {
    let timed = member("12", &["2"]).with(
        "communication_disabled_until",
        Json::string("1970-01-01T00:01:00+00:00").view(),
    );
    let channel = tree(&json!({}));
    let at = |seconds| in_channel(&guild(), &channel, &timed, Duration::from_secs(seconds));
    assert_eq!(names(at(10)), ["view_channel"]);
    assert!(names(at(60)).contains(&"ban_members"));
}

#[test]
fn rank_is_the_owner_and_then_the_highest_role() {
    let (low, high) = (member("11", &["2"]), member("12", &["2", "3"]));
    let owner = member("10", &[]);
    assert!(outranks(&guild(), &high, &low) && !outranks(&guild(), &low, &high));
    assert!(outranks(&guild(), &owner, &high) && !outranks(&guild(), &high, &owner));
    assert!(!outranks(&guild(), &owner, &owner));
    assert!(outranks(&guild(), &low, &member("13", &[])));
}

/// What is in `names` of what a member with the role 2 may do, in a channel with one overwrite for `@everyone`.
fn with_overwrite(kind: u8, allow: &str, deny: &str) -> Vec<&'static str> {
    let channel = tree(&json!({ "type": kind, "permission_overwrites": [
        { "id": "1", "type": 0, "allow": allow, "deny": deny },
    ]}));
    let member = member("12", &[]);
    names(in_channel(&guild(), &channel, &member, Duration::ZERO))
}

#[test]
fn a_channel_grants_nothing_that_belongs_to_the_guild() {
    let plain = with_overwrite(0, "0", "0");
    assert_eq!(plain, ["view_channel", "send_messages", "embed_links"]);
    for permission in PERMISSIONS {
        let bit = permission.bit.to_string();
        let granted = with_overwrite(0, &bit, "0");
        let is_there = granted.contains(&permission.name);
        assert_eq!(
            is_there,
            permission.scope != PermissionScope::Guild,
            "{}",
            permission.name
        );
        if !is_there {
            assert_eq!(granted, plain, "{}", permission.name);
        }
    }
    assert_eq!(with_overwrite(0, &u128::MAX.to_string(), "0").len(), 40);
    // Nor does it take what belongs to the guild.
    let moderator = member("12", &["2"]);
    let denying = tree(&json!({ "permission_overwrites": [
        { "id": "2", "type": 0, "allow": "0", "deny": bits(&["ban_members"]) },
    ]}));
    let held = in_channel(&guild(), &denying, &moderator, Duration::ZERO);
    assert!(names(held).contains(&"ban_members"));
}

#[test]
fn bits_are_the_low_ones_of_any_decimal_number_and_of_nothing_else() {
    let table = [
        ("0", Some(0)),
        ("007", Some(7)),
        ("9007199254740993", Some((1 << 53) + 1)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551617", Some(1)),
        ("340282366920938463463374607431768211458", Some(2)),
        ("680564733841876926926749214863536422916", Some(4)),
    ];
    for (text, bits) in table {
        assert_eq!(parse(text), bits, "{text}");
    }
    for text in ["", " ", "-1", "+1", "1 ", "1.0", "0x1", "１", "null"] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn what_cannot_be_read_grants_nothing_and_takes_everything() {
    let may = |allow: serde_json::Value, deny: serde_json::Value| {
        let channel = tree(&json!({ "permission_overwrites": [
            { "id": "1", "type": 0, "allow": allow, "deny": deny },
        ]}));
        in_channel(&guild(), &channel, &member("12", &[]), Duration::ZERO)
    };
    let plain = may(json!("0"), json!("0"));
    for odd in [json!("x"), json!(""), json!(-1), json!([]), json!(true)] {
        assert_eq!(may(odd.clone(), json!("0")), plain, "{odd}");
        assert_eq!(may(json!("0"), odd.clone()), 0, "{odd}");
    }
    assert_eq!(may(json!(null), json!(null)), plain);
    assert_eq!(may(json!(64), json!("0")), plain | 64);
    assert_eq!(may(json!("0"), json!(1024)), 0);
}

#[test]
fn an_overwrite_is_for_a_role_or_for_a_member() {
    // The member 12 is not the role 12, nor the other way round.
    let may = |kind: u8, roles: &[&str], id: &str| {
        let channel = tree(&json!({ "permission_overwrites": [
            { "id": "12", "type": kind, "allow": "0", "deny": bits(&["view_channel"]) },
        ]}));
        in_channel(&guild(), &channel, &member(id, roles), Duration::ZERO) != 0
    };
    assert!(may(0, &[], "12") && !may(1, &[], "12"));
    assert!(!may(0, &["12"], "13") && may(1, &["12"], "13"));
}

#[test]
fn in_a_voice_channel_nothing_works_without_connecting() {
    let bits = |list: &[&str]| bits(list);
    let wanted = bits(&[
        "connect",
        "speak",
        "manage_channels",
        "manage_roles",
        "add_reactions",
    ]);
    assert!(with_overwrite(2, &wanted, "0").contains(&"manage_channels"));
    let rest = bits(&["speak", "manage_channels", "manage_roles", "add_reactions"]);
    for kind in [2, 13] {
        let left = with_overwrite(kind, &rest, "0");
        assert_eq!(
            left,
            [
                "add_reactions",
                "view_channel",
                "send_messages",
                "embed_links"
            ]
        );
    }
    assert!(with_overwrite(0, &rest, "0").contains(&"manage_channels"));
}

#[test]
fn whoever_may_send_in_threads_may_send_in_a_thread() {
    let parent = |allow: &[&str], deny: &[&str]| {
        tree(&json!({ "permission_overwrites": [
            { "id": "1", "type": 0, "allow": bits(allow), "deny": bits(deny) },
        ]}))
    };
    let may = |parent: &Json| {
        let member = member("12", &[]);
        names(in_thread(&guild(), parent, &member, Duration::ZERO))
    };
    assert_eq!(may(&parent(&[], &[])), ["view_channel"]);
    let threads_alone = parent(&["send_messages_in_threads"], &["send_messages"]);
    let expected = [
        "view_channel",
        "send_messages",
        "embed_links",
        "send_messages_in_threads",
    ];
    assert_eq!(may(&threads_alone), expected);
    let hidden = parent(&["send_messages_in_threads"], &["view_channel"]);
    assert_eq!(may(&hidden), [""; 0]);
}

#[test]
fn a_timeout_holds_to_its_last_millisecond_and_not_for_those_who_are_above_it() {
    let until = json!("1970-01-01T00:00:10.500000+00:00");
    let at = |id: &str, roles: &[&str], millis: u64| {
        let member =
            member(id, roles).with("communication_disabled_until", Json::from(&until).view());
        in_channel(
            &guild(),
            &tree(&json!({})),
            &member,
            Duration::from_millis(millis),
        )
    };
    assert_eq!(names(at("12", &["2"], 10_499)), ["view_channel"]);
    assert!(names(at("12", &["2"], 10_500)).contains(&"ban_members"));
    assert_eq!(at("12", &["3"], 0), ALL);
    assert_eq!(at("10", &[], 0), ALL);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn permissions_are_those_of_a_plainly_written_model(case in case()) {
        let (guild, channel, member) = case.objects();
        let now = Duration::from_secs(Case::NOW);
        let found = if case.is_thread {
            in_thread(&guild, &channel, &member, now)
        } else {
            in_channel(&guild, &channel, &member, now)
        };
        prop_assert_eq!(names(found), case.allowed());
    }
}
