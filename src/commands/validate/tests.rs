use super::*;
use crate::commands::definition::{
    Choice, ChoiceValue, Concurrency, Contexts, Cooldown, CooldownScope, OptionDefinition,
    OptionKind,
};
use std::time::Duration;

fn complaints(definition: &CommandDefinition) -> String {
    let complaints = validate(definition);
    let lines: Vec<_> = complaints.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn with_options(options: Vec<OptionDefinition>) -> CommandDefinition {
    CommandDefinition {
        options,
        ..CommandDefinition::new("x")
    }
}

fn option(name: &str, kind: OptionKind) -> OptionDefinition {
    OptionDefinition::new(name, kind)
}

#[test]
fn discords_names_are_allowed_and_no_others() {
    for name in [
        "ban",
        "8ball",
        "it's",
        "a_b-c",
        "größe",
        "日本",
        "แบน",
        "प्रतिबंध",
        &"x".repeat(32),
    ] {
        assert_eq!(complaints(&CommandDefinition::new(name)), "", "{name}");
    }
    for name in [
        "",
        "Ban",
        "ÄRGER",
        "a b",
        "a.b",
        "😀",
        "a\u{200b}b",
        "ா",
        &"x".repeat(33),
    ] {
        assert_ne!(complaints(&CommandDefinition::new(name)), "", "{name}");
    }
    insta::assert_snapshot!(complaints(&CommandDefinition::new("Ban")), @r#"in the command "Ban", `name` has the character "B", which Discord does not allow in slash commands: write it in lower case"#);
    insta::assert_snapshot!(complaints(&CommandDefinition::new("b.an")), @r#"in the command "b.an", `name` has the character ".", which Discord does not allow in slash commands: allowed are letters, digits, `-`, `_` and `'`"#);
    // What is only typed has no such limits.
    let mut typed = CommandDefinition::new("Ban!");
    typed.slash = false;
    typed.description = Some("x".repeat(500));
    assert_eq!(complaints(&typed), "");
}

#[test]
fn a_command_that_is_only_typed_has_no_more_options_and_choices_than_others() {
    let mut typed = with_options(
        (0..26)
            .map(|n| option(&format!("o{n}"), OptionKind::String))
            .collect(),
    );
    typed.slash = false;
    assert_eq!(
        complaints(&typed),
        "in the command \"x\", `options` must be at most 25, and are 26"
    );
    typed.options.truncate(1);
    typed.options[0].choices = (0..26)
        .map(|n| Choice {
            name: n.to_string(),
            value: ChoiceValue::String(n.to_string()),
        })
        .collect();
    assert_eq!(
        complaints(&typed),
        "in the command \"x\", `options.o0.choices` must be at most 25, and are 26"
    );
    typed.options.clear();
    typed.examples = vec!["x".repeat(201)];
    assert_eq!(
        complaints(&typed),
        "in the command \"x\", `examples` must have at most 200 characters each, and one has 201"
    );
}

#[test]
fn a_command_must_be_callable() {
    let mut definition = CommandDefinition::new("x");
    (definition.prefix, definition.slash, definition.runs) = (false, false, false);
    definition.contexts = Contexts {
        guild: false,
        bot_dm: false,
        private_channel: false,
    };
    definition.aliases = vec!["X".into(), "a b".into()];
    definition.slash_name_of_run = Some("y".into());
    definition.cooldowns = vec![Cooldown {
        uses: 0,
        per: Duration::ZERO,
        scope: CooldownScope::User,
    }];
    definition.max_concurrent = Some(Concurrency {
        limit: 0,
        scope: CooldownScope::User,
    });
    definition.checks = vec![
        Check::Any(vec![]),
        Check::All(vec![Check::Permissions(0)]),
        Check::Role(" ".into()),
    ];
    insta::assert_snapshot!(complaints(&definition), @r#"
    in the command "x", `slash` must not be off together with `prefix`: nobody could call it
    in the command "x", `contexts` must name at least one of "guild", "bot_dm", "private_channel"
    in the command "x", `aliases` has "X", which is there already
    in the command "x", `aliases` has "a b", which must not contain spaces, quotes, or any of `@`, `#`, `<`, `>`
    in the command "x", `cooldown.uses` must be 1 to 1000, and is 0
    in the command "x", `cooldown.per` must be more than 0 s
    in the command "x", `max_concurrent.limit` must be at least 1
    in the command "x", `checks` has an empty `any`, which nobody passes
    in the command "x", `checks` has `permissions` without a name
    in the command "x", `checks` has a `role` without an id or name
    in the command "x", `run` is missing: a command needs it, and a group without it needs `commands`
    in the command "x", `slash_name_of_run` is for groups: a command without `commands` is called by its own name
    "#);
}

#[test]
fn options_stand_in_an_order_that_can_be_typed() {
    let mut first = option("first", OptionKind::String);
    (first.required, first.rest) = (false, true);
    let mut again = option("FIRST", OptionKind::Attachment);
    again.many = true;
    insta::assert_snapshot!(complaints(&with_options(vec![first, option("second", OptionKind::String), again])), @r#"
    in the command "x", `options.first.rest` is for the last option: nothing would be left for "second"
    in the command "x", `options.second` is required and must stand before "first", which is optional
    in the command "x", `options.FIRST` is required and must stand before "first", which is optional
    in the command "x", `options` has two with the name "FIRST"
    in the command "x", `options.FIRST.name` has the character "F", which Discord does not allow in slash commands: write it in lower case
    "#);
    // A file takes no words.
    let mut file = option("file", OptionKind::Attachment);
    file.many = true;
    let mut rest = option("text", OptionKind::String);
    rest.rest = true;
    assert_eq!(complaints(&with_options(vec![rest, file])), "");
}

#[test]
fn limits_stand_where_they_mean_something() {
    let mut text = option("text", OptionKind::String);
    (text.min, text.min_length, text.max_length) = (Some(1.0), Some(9), Some(7_000));
    let mut count = option("count", OptionKind::Integer);
    (count.min, count.max, count.min_length) = (Some(2.5), Some(1.0), Some(1));
    let mut wait = option("wait", OptionKind::Duration);
    (wait.min, wait.max) = (Some(-1.0), Some(f64::NAN));
    let mut who = option("who", OptionKind::Member);
    (who.channel_types, who.autocompletes, who.description) = (vec![0], true, Some(String::new()));
    let mut place = option("place", OptionKind::Channel);
    place.channel_types = vec![0, 1];
    (place.rest, place.many) = (true, true);
    insta::assert_snapshot!(complaints(&with_options(vec![text, count, wait, who, place])), @r#"
    in the command "x", `options.text.min` is for integers, numbers and durations, and this one is of the kind string
    in the command "x", `options.text.max_length` must be 1 to 6000, and is 7000
    in the command "x", `options.count.min` must be a whole number from -2^53 to 2^53, and is 2.5
    in the command "x", `options.count.min` must not be greater than `max`, 1, and is 2.5
    in the command "x", `options.count.min_length` is for strings, and this one is of the kind integer
    in the command "x", `options.wait.min` must not be negative, and is -1
    in the command "x", `options.wait.max` must be a finite number
    in the command "x", `options.who.description` must have 1 to 100 characters, and has 0
    in the command "x", `options.who.channel_types` is for channels, and this one is of the kind member
    in the command "x", `options.who.autocomplete` is for what is typed, and Discord itself completes the kind member
    in the command "x", `options.place.rest` must not be set together with `many`: one takes the line whole, the other word by word
    in the command "x", `options.place.channel_types` has 1, which is no type of channel in a guild
    "#);
}

#[test]
fn choices_have_values_of_the_options_kind() {
    let choice = |name: &str, value| Choice {
        name: name.into(),
        value,
    };
    let mut color = option("color", OptionKind::String);
    color.choices = vec![
        choice("red", ChoiceValue::String("x".repeat(101))),
        choice("RED", ChoiceValue::Integer(1)),
        choice("", ChoiceValue::String("y".into())),
    ];
    color.autocompletes = true;
    let mut flag = option("flag", OptionKind::Boolean);
    flag.choices = vec![choice("a", ChoiceValue::Integer(1))];
    let mut many = option("many", OptionKind::Integer);
    many.choices = (0..26)
        .map(|n| choice(&n.to_string(), ChoiceValue::Integer(n)))
        .collect();
    insta::assert_snapshot!(complaints(&with_options(vec![color, flag, many])), @r#"
    in the command "x", `options.color.choices` has "red", whose value must have at most 100 characters and has 101
    in the command "x", `options.color.choices` has two with the name "RED"
    in the command "x", `options.color.choices` has "RED", whose value must be of the option's kind, string
    in the command "x", `options.color.choices` has the name "", which must have 1 to 100 characters and has 0
    in the command "x", `options.color.autocomplete` must not be set together with `choices`
    in the command "x", `options.flag.choices` is for strings, integers and numbers, and this one is of the kind boolean
    in the command "x", `options.many.choices` must be at most 25, and are 26
    "#);
}

#[test]
fn groups_go_as_deep_as_discord_allows() {
    let mut deepest = CommandDefinition::new("d");
    for name in ["c", "b", "a"] {
        let mut outer = CommandDefinition::new(name);
        outer.runs = false;
        outer.subcommands = vec![deepest];
        deepest = outer;
    }
    insta::assert_snapshot!(complaints(&deepest), @r#"in the command "a b c", `commands` must be empty: Discord allows a command, groups in it, and subcommands in those"#);

    let mut tag = CommandDefinition::new("tag");
    let mut add = CommandDefinition::new("add");
    add.aliases = vec!["tag".into()];
    tag.subcommands = vec![add, CommandDefinition::new("tag")];
    tag.place = Some(("lua/cogs/tags.luau".into(), 4));
    insta::assert_snapshot!(complaints(&tag), @r#"
    in the command "tag", `commands` has two with the name "tag"
    in the command "tag", `slash_name_of_run` must be another name than that of the subcommand "tag"
    "#);
    assert_eq!(validate(&tag)[0].place, tag.place);

    let numbered = (0..25).map(|number| CommandDefinition::new(format!("s{number}")));
    tag.subcommands = numbered.collect();
    insta::assert_snapshot!(complaints(&tag), @r#"in the command "tag", `commands` must be at most 25, a group's own `run` counted, and are 26"#);
}

#[test]
fn a_slash_command_has_at_most_8000_characters_in_all() {
    let described = |name: String| CommandDefinition {
        description: Some("x".repeat(100)),
        options: (0..4)
            .map(|number| OptionDefinition {
                description: Some("y".repeat(100)),
                ..option(&format!("o{number}"), OptionKind::String)
            })
            .collect(),
        ..CommandDefinition::new(name)
    };
    let mut group = CommandDefinition::new("x");
    group.runs = false;
    group.subcommands = (0..16)
        .map(|number| described(format!("s{number}")))
        .collect();
    insta::assert_snapshot!(complaints(&group), @r#"in the command "x", `description` must be shorter: Discord allows 8000 characters in the names, descriptions and choices of a slash command and its subcommands, and these have 8168"#);
    group.subcommands.pop();
    assert_eq!(complaints(&group), "");
}

#[test]
fn endless_nesting_ends() {
    let mut deep = Check::Owner;
    for _ in 0..1_000 {
        deep = Check::Any(vec![deep]);
    }
    let mut definition = CommandDefinition::new("x");
    definition.checks = vec![deep];
    insta::assert_snapshot!(complaints(&definition), @r#"in the command "x", `checks` must not be nested deeper than 16"#);
}
