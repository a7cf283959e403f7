use super::*;
use std::time::Duration;

fn opt(name: &str, kind: OptionKind) -> OptionDefinition {
    OptionDefinition::new(name, kind)
}

fn whole() -> CommandDefinition {
    let mut rank = CommandDefinition::new("rank");
    rank.description = Some("Shows a level".into());
    rank.aliases = vec!["level".into()];
    rank.cooldowns = vec![super::super::definition::Cooldown {
        uses: 1,
        per: Duration::from_secs(1),
        scope: super::super::definition::CooldownScope::User,
    }];
    rank
}

#[test]
fn a_command_is_written_with_its_description_and_where_it_is_offered() {
    let mut rank = whole();
    rank.contexts.bot_dm = true;
    rank.installs.user = true;
    rank.checks = vec![
        Check::Permissions(8),
        Check::All(vec![Check::Permissions(2)]),
        Check::Any(vec![Check::Permissions(4)]),
    ];
    let expected = json!({
        "type": 1, "name": "rank", "description": "Shows a level", "options": [],
        "default_member_permissions": "10", "contexts": [0, 1], "integration_types": [0, 1],
    });
    assert_eq!(application_command(&rank, true), Some(expected));
    let in_guild = application_command(&rank, false).unwrap();
    assert!(in_guild.get("contexts").is_none() && in_guild.get("integration_types").is_none());
    rank.slash = false;
    assert_eq!(application_command(&rank, true), None);
}

#[test]
fn each_kind_of_option_has_a_type_of_discords() {
    let kinds = [
        (OptionKind::String, 3),
        (OptionKind::Integer, 4),
        (OptionKind::Number, 10),
        (OptionKind::Boolean, 5),
        (OptionKind::Duration, 3),
        (OptionKind::Time, 3),
        (OptionKind::User, 6),
        (OptionKind::Member, 6),
        (OptionKind::Channel, 7),
        (OptionKind::Role, 8),
        (OptionKind::Message, 3),
        (OptionKind::Mentionable, 9),
        (OptionKind::Attachment, 11),
        (OptionKind::Emoji, 3),
    ];
    assert_eq!(kinds.len(), OptionKind::names().count());
    for (kind, number) in kinds {
        let expected = json!({ "type": number, "name": "x", "description": "x", "required": true });
        assert_eq!(option(&opt("x", kind)), expected, "{kind:?}");
        let mut many = opt("x", kind);
        (many.many, many.default) = (true, true);
        let number = if kind == OptionKind::Attachment {
            11
        } else {
            3
        };
        let expected =
            json!({ "type": number, "name": "x", "description": "x", "required": false });
        assert_eq!(option(&many), expected, "many {kind:?}");
    }
}

#[test]
fn the_limits_of_an_option_are_written_where_discord_has_them() {
    let mut number = opt("n", OptionKind::Integer);
    (number.min, number.max, number.autocompletes) = (Some(1.0), Some(5.0), true);
    let shown = option(&number);
    assert_eq!(
        (
            &shown["min_value"],
            &shown["max_value"],
            &shown["autocomplete"]
        ),
        (&json!(1), &json!(5), &json!(true))
    );
    let mut text = opt("t", OptionKind::String);
    (text.min_length, text.max_length) = (Some(2), Some(9));
    text.choices = vec![Choice {
        name: "Red".into(),
        value: ChoiceValue::String("r".into()),
    }];
    let shown = option(&text);
    assert_eq!(
        (&shown["min_length"], &shown["max_length"]),
        (&json!(2), &json!(9))
    );
    assert_eq!(shown["choices"], json!([{ "name": "Red", "value": "r" }]));
    // A duration is text there: its limits are ours to check.
    let mut span = opt("d", OptionKind::Duration);
    span.max = Some(60.0);
    assert!(option(&span).get("max_value").is_none());
    let mut channel = opt("c", OptionKind::Channel);
    channel.channel_types = vec![0, 5];
    assert_eq!(option(&channel)["channel_types"], json!([0, 5]));
}

fn tags() -> CommandDefinition {
    let mut add = CommandDefinition::new("add");
    add.options = vec![opt("name", OptionKind::String)];
    let mut admin = CommandDefinition::new("admin");
    admin.runs = false;
    let mut typed = CommandDefinition::new("typed");
    typed.slash = false;
    admin.subcommands = vec![CommandDefinition::new("purge"), typed];
    let mut tag = CommandDefinition::new("tag");
    tag.options = vec![opt("which", OptionKind::String)];
    tag.subcommands = vec![add, admin];
    tag
}

#[test]
fn a_group_is_its_own_handler_its_subcommands_and_its_groups() {
    let mut tag = tags();
    let shape = |tag: &CommandDefinition| {
        let command = application_command(tag, true).unwrap();
        let names = command["options"].as_array().unwrap().iter();
        let names = names.map(|it| format!("{}{}", it["name"].as_str().unwrap(), it["type"]));
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shape(&tag), "tag1 add1 admin2");
    tag.slash_name_of_run = Some("show".into());
    assert_eq!(shape(&tag), "show1 add1 admin2");
    let command = application_command(&tag, true).unwrap();
    let inner = command["options"][2]["options"].as_array().unwrap();
    assert_eq!(inner.len(), 1, "what can only be typed is not listed");
    // A group in which nothing is left for Discord is no command there.
    tag.runs = false;
    tag.subcommands.remove(0);
    tag.subcommands[0].subcommands.remove(0);
    assert_eq!(application_command(&tag, true), None);
}

fn called(root: &CommandDefinition, data: &Value) -> Option<(String, usize)> {
    let data = crate::json::Json::from(data);
    let called = walk_slash(root, data.view())?;
    let names: Vec<_> = called.path.iter().map(|it| it.name.as_str()).collect();
    Some((names.join(" "), called.options.count()))
}

#[test]
fn a_call_leads_to_the_definition() {
    let tag = tags();
    let go = |options: Value| called(&tag, &json!({ "name": "tag", "options": options }));
    let value = json!({ "type": 3, "name": "name", "value": "x" });
    let found = |name: &str, count| Some((name.to_owned(), count));
    assert_eq!(
        go(json!([{ "type": 1, "name": "add", "options": [value] }])),
        found("tag add", 1)
    );
    assert_eq!(
        go(json!([{ "type": 1, "name": "tag", "options": [value] }])),
        found("tag", 1)
    );
    let purge =
        json!([{ "type": 2, "name": "admin", "options": [{ "type": 1, "name": "purge" }] }]);
    assert_eq!(go(purge), found("tag admin purge", 0));
    for forged in [
        json!([]),
        json!([{ "type": 2, "name": "admin" }]),
        json!([{ "type": 1, "name": "nothing" }]),
        json!([{ "type": 2, "name": "admin", "options": [{ "type": 1, "name": "typed" }] }]),
        json!([value]),
    ] {
        assert_eq!(go(forged.clone()), None, "{forged}");
    }
    let plain = CommandDefinition::new("rank");
    assert_eq!(called(&plain, &json!({ "name": "rank" })), found("rank", 0));
    let deeper = json!({ "name": "rank", "options": [{ "type": 1, "name": "x" }] });
    assert_eq!(called(&plain, &deeper), None);
}

/// A command as Discord shows it: everything filled in, and some of its own.
fn as_discord_shows(mut command: Value) -> Value {
    command["id"] = "1".into();
    command["application_id"] = "2".into();
    command["version"] = "3".into();
    command["name_localizations"] = Value::Null;
    command["dm_permission"] = true.into();
    command["nsfw"] = false.into();
    for option in command["options"].as_array_mut().unwrap() {
        option.as_object_mut().unwrap().retain(|_, it| *it != false);
        option["name_localizations"] = Value::Null;
    }
    command
}

#[test]
fn only_what_we_set_makes_a_difference() {
    let mut rank = whole();
    rank.options = vec![opt("n", OptionKind::Number), opt("t", OptionKind::String)];
    rank.options[0].min = Some(1.0);
    rank.options[1].required = false;
    let ours = vec![
        application_command(&rank, true).unwrap(),
        application_command(&tags(), true).unwrap(),
    ];
    let mut theirs: Vec<Value> = ours.iter().cloned().map(as_discord_shows).collect();
    theirs.reverse();
    theirs[1]["options"][0]["min_value"] = 1.into();
    theirs.push(json!({ "type": 4, "name": "launch", "handler": 2, "id": "9" }));
    assert!(!differ(&ours, &theirs, true));
    let changes: [fn(&mut Vec<Value>); 8] = [
        |all| all[0]["description"] = "Other".into(),
        |all| all[0]["contexts"] = json!([1]),
        |all| all[0]["default_member_permissions"] = "8".into(),
        |all| all[0]["options"][1]["required"] = true.into(),
        |all| all[0]["options"][0]["min_value"] = 2.into(),
        |all| all[0]["options"].as_array_mut().unwrap().reverse(),
        |all| all[1]["options"][1]["options"][0]["name"] = "other".into(),
        |all| drop(all.pop()),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut other = ours.clone();
        change(&mut other);
        assert!(differ(&other, &theirs, true), "change {index}");
    }
    let kept = json!({ "id": "9", "type": 4, "name": "launch", "handler": 2 });
    assert_eq!(kept_as_it_is(&theirs[2]), kept);
}
