//! Values of each kind, and how they are found.

use super::*;

#[test]
fn plain_values_are_read() {
    let one = |kind, text| parse(vec![required("a", kind)], text).map(|mut list| list.remove(0));
    assert_eq!(
        one(OptionKind::String, "“two words”"),
        Ok(string("two words"))
    );
    assert_eq!(one(OptionKind::Integer, "-5"), Ok(Argument::Integer(-5)));
    assert_eq!(
        one(OptionKind::Integer, "\u{200b}5\u{200b}"),
        Ok(Argument::Integer(5))
    );
    assert_eq!(one(OptionKind::Number, "1.5"), Ok(Argument::Number(1.5)));
    assert_eq!(one(OptionKind::Boolean, "Ya"), Ok(Argument::Boolean(true)));
    assert_eq!(
        one(OptionKind::Boolean, "off"),
        Ok(Argument::Boolean(false))
    );
    assert_eq!(
        one(OptionKind::Duration, "1h30m"),
        Ok(Argument::Duration(5_400.0))
    );
    assert_eq!(
        one(OptionKind::Time, "in 2h"),
        Ok(Argument::Time(1_709_215_200.0))
    );
    assert_eq!(
        one(OptionKind::Time, "2024-02-29 12:00"),
        Ok(Argument::Time(1_709_208_000.0))
    );
    for (kind, text) in [
        (OptionKind::Integer, "1.5"),
        (OptionKind::Integer, "9007199254740993"),
        (OptionKind::Integer, "99999999999999999999999"),
        (OptionKind::Number, "inf"),
        (OptionKind::Number, "1e5"),
        (OptionKind::Boolean, "maybe"),
        (OptionKind::Emoji, "smile"),
    ] {
        assert!(one(kind, text).is_err(), "{text}");
    }
}

#[test]
fn objects_are_found_by_mention_id_and_name() {
    let one = |kind, text| match parse(vec![required("a", kind)], text) {
        Ok(list) => id(&list[0]),
        Err(error) => error.sentence,
    };
    let anna = "member 100000000000000001";
    for text in [
        "<@100000000000000001>",
        "<@!100000000000000001>",
        "100000000000000001",
        "ANNA",
        "@anna",
        "Anna Bell",
        "\"anna bell\"",
    ] {
        assert_eq!(one(OptionKind::Member, text), anna, "{text}");
        assert_eq!(one(OptionKind::Mentionable, text), anna, "{text}");
    }
    assert_eq!(one(OptionKind::User, "the boss"), "user 100000000000000004");
    let role = "role 300000000000000001";
    for text in [
        "<@&300000000000000001>",
        "300000000000000001",
        "cool people",
        "@Cool People",
    ] {
        assert_eq!(one(OptionKind::Role, text), role, "{text}");
        assert_eq!(one(OptionKind::Mentionable, text), role, "{text}");
    }
    assert_eq!(
        one(OptionKind::Channel, "#news"),
        "channel 200000000000000003"
    );
    assert_eq!(
        one(OptionKind::Channel, "<#200000000000000003>"),
        "channel 200000000000000003"
    );
    let mut text_channel = required("a", OptionKind::Channel);
    text_channel.channel_types = vec![0];
    let found = parse(vec![text_channel], "general").map(|list| id(&list[0]));
    assert_eq!(found.as_deref(), Ok("channel 200000000000000001"));
    insta::assert_snapshot!(one(OptionKind::Member, "<@5>"), @"There is no member `<\u{200b}@\u{200b}5>` in this server.");
    insta::assert_snapshot!(one(OptionKind::Member, "ana"), @"There is no member `ana` in this server. Did you mean `anna`?");
    insta::assert_snapshot!(one(OptionKind::Member, "MAX"), @"`MAX` fits more than one; mention it or give the id: `max` (`100000000000000002`), `maxine` (`100000000000000003`).");
    assert_eq!(one(OptionKind::Member, "max"), "member 100000000000000002");
    assert_eq!(one(OptionKind::Member, "Max"), "member 100000000000000003");
    insta::assert_snapshot!(one(OptionKind::Channel, "<#200000000000000009>"), @"`<\u{200b}#200000000000000009>` is not in this server.");
}

#[test]
fn emoji_of_the_server_are_found_by_name() {
    let one = |text| match parse(vec![required("a", OptionKind::Emoji)], text) {
        Ok(list) => match &list[0] {
            Argument::Emoji(emoji) => emoji.id.clone().unwrap_or_default(),
            other => format!("{other:?}"),
        },
        Err(error) => error.sentence,
    };
    for text in ["wave", ":wave:", "WAVE", "<:wave:500000000000000001>"] {
        assert_eq!(one(text), "500000000000000001", "{text}");
    }
    insta::assert_snapshot!(one("party"), @"`party` fits more than one; mention it or give the id: `party` (`500000000000000002`), `party` (`500000000000000003`).");
    insta::assert_snapshot!(one("wav"), @"`wav` is not an emoji, which `a` must be. Did you mean `wave`?");
}

#[test]
fn each_kind_has_its_own_word() {
    let one = |kind, text| answer(vec![required("a", kind)], text);
    let table = [
        (OptionKind::User, "I know no user"),
        (OptionKind::Member, "There is no member"),
        (OptionKind::Role, "There is no role"),
        (OptionKind::Channel, "There is no channel"),
        (OptionKind::Mentionable, "There is no member or role"),
    ];
    for (kind, words) in table {
        for text in ["nobody_at_all", "999999999999999999"] {
            let told = one(kind, text);
            assert!(
                told.starts_with(&format!("{words} `")),
                "{kind:?} {text}: {told}"
            );
        }
    }
}

#[test]
fn messages_are_found_where_the_guild_has_them() {
    let one = |text| match parse(vec![required("a", OptionKind::Message)], text) {
        Ok(list) => match &list[0] {
            Argument::Object(_, message) => message.str("channel_id").unwrap_or("?").to_owned(),
            other => format!("{other:?}"),
        },
        Err(error) => error.sentence,
    };
    let id = "400000000000000001";
    assert_eq!(one(id), "200000000000000001");
    assert_eq!(
        one("200000000000000003-400000000000000001"),
        "200000000000000003"
    );
    let link = "https://ptb.discord.com/channels/1/200000000000000003/400000000000000001";
    assert_eq!(one(link), "200000000000000003");
    // The guild in the link is a lie.
    let foreign = "https://discord.com/channels/1/200000000000000009/400000000000000001";
    assert!(one(foreign).starts_with("I cannot find"));
    assert!(one("https://evil.com/channels/1/2/3").contains("is not a link"));
    assert!(one("hello").contains("is not a link"));
}

#[test]
fn a_reply_stands_for_a_message() {
    let reply = json(&serde_json::json!({ "id": "7" }));
    let context = ParseContext {
        replied_to: Some(reply.view()),
        ..context("pin")
    };
    let options = || vec![required("message", OptionKind::Message), reason()];
    let parsed = parse_in(options(), "well said", &context).unwrap();
    assert_eq!(
        parsed[0],
        Argument::Object(OptionKind::Message, reply.clone())
    );
    assert_eq!(parsed[1], string("well said"));
    let parsed = parse_in(options(), "", &context).unwrap();
    assert_eq!(parsed[1], Argument::Missing);
}

#[test]
fn attachments_take_files_and_no_words() {
    let files = json(&serde_json::json!([{ "id": "1" }, { "id": "2" }]));
    let context = ParseContext {
        attachments: files.items(),
        ..context("x")
    };
    let options = || vec![required("file", OptionKind::Attachment), reason()];
    let parsed = parse_in(options(), "look at this", &context).unwrap();
    assert_eq!(id(&parsed[0]), "attachment 1");
    assert_eq!(parsed[1], string("look at this"));
    insta::assert_snapshot!(answer(options(), "look"), @"
    A file for `file` is missing: attach it to the message.
    Usage: `!x <file> [reason…]`
    ```
    !x look
            ^
    ```
    ");
}

#[test]
fn mentions_end_where_they_end() {
    let two = || {
        vec![
            required("a", OptionKind::Member),
            required("b", OptionKind::Member),
        ]
    };
    let (anna, max) = ("<@100000000000000001>", "<@!100000000000000002>");
    for between in ["", ",", ", ", ";", " ", "!?"] {
        let line = format!("{anna}{between}{max}");
        let parsed = parse(two(), &line).map_err(|error| error.sentence);
        let ids = parsed.map(|list| list.iter().map(id).collect::<Vec<_>>());
        let expected = ["member 100000000000000001", "member 100000000000000002"];
        assert_eq!(
            ids.as_deref(),
            Ok(&expected.map(str::to_owned)[..]),
            "{line}"
        );
    }
    let ban = || vec![required("who", OptionKind::Member), reason()];
    for (line, rest) in [
        (format!("{anna}, spam"), "spam"),
        (format!("{anna}: <@5>, spam"), "<@5>, spam"),
        (format!("{anna}spam"), "spam"),
        ("100000000000000001, spam".to_owned(), "spam"),
    ] {
        let parsed = parse(ban(), &line).map_err(|error| error.sentence);
        let parsed = parsed.map(|list| (id(&list[0]), list[1].clone()));
        let expected = ("member 100000000000000001".to_owned(), string(rest));
        assert_eq!(parsed, Ok(expected), "{line}");
    }
    // As the only option, as the rest, and as one of many.
    for (rest, many) in [(false, false), (true, false), (false, true)] {
        let option = OptionDefinition {
            rest,
            many,
            ..required("who", OptionKind::Member)
        };
        for end in ["", ",", "."] {
            assert!(
                parse(vec![option.clone()], &format!("{anna}{end}")).is_ok(),
                "{rest} {many} {end}"
            );
        }
    }
    let roles = OptionDefinition {
        many: true,
        ..required("roles", OptionKind::Role)
    };
    let parsed = parse(vec![roles], "<@&300000000000000001><@&300000000000000001>,").unwrap();
    assert!(matches!(&parsed[0], Argument::List(list) if list.len() == 2));
    // A text keeps what is written with it.
    let words = || vec![required("a", OptionKind::String)];
    assert_eq!(parse(words(), "<@5>'s,"), Ok(vec![string("<@5>'s,")]));
    assert_eq!(parse(words(), "<@5>,"), Ok(vec![string("<@5>,")]));
}

#[test]
fn several_emoji_need_no_space() {
    let emoji = OptionDefinition {
        many: true,
        ..required("e", OptionKind::Emoji)
    };
    let names = |line: &str| match parse(vec![emoji.clone()], line).unwrap().remove(0) {
        Argument::List(list) => list
            .into_iter()
            .map(|it| match it {
                Argument::Emoji(emoji) => emoji.name,
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(names("😀❤👨‍👩‍👧‍👦, 🇮🇩🇺🇸"), ["😀", "❤️", "👨‍👩‍👧‍👦", "🇮🇩", "🇺🇸"]);
    assert_eq!(names("<:ab:1><a:cd:2>😀"), ["ab", "cd", "😀"]);
    assert!(parse(vec![required("e", OptionKind::Emoji)], "😀x").is_err());
    assert_eq!(
        parse(vec![optional("e", OptionKind::Emoji), reason()], "😀x"),
        Ok(vec![Argument::Missing, string("😀x")])
    );
}

#[test]
fn choices_go_by_name_and_value_in_any_letter_case() {
    let color = || {
        let choice = |name: &str, value: &str| Choice {
            name: name.into(),
            value: ChoiceValue::String(value.into()),
        };
        let mut option = required("color", OptionKind::String);
        option.choices = vec![choice("Red", "#f00"), choice("Dark Blue", "#008")];
        option
    };
    assert_eq!(parse(vec![color()], "red"), Ok(vec![string("#f00")]));
    assert_eq!(parse(vec![color()], "#F00"), Ok(vec![string("#f00")]));
    assert_eq!(
        parse(vec![color(), reason()], "dark blue like night"),
        Ok(vec![string("#008"), string("like night")])
    );
    insta::assert_snapshot!(answer(vec![color()], "rde"), @"
    `rde` is not one of the choices for `color`: `Red`, `Dark Blue`. Did you mean `Red`?
    Usage: `!x <color>`
    ```
    !x rde
       ^^^
    ```
    ");
}

#[test]
fn text_that_the_cog_converts_arrives_unread() {
    let option = OptionDefinition {
        converts: true,
        ..required("card", OptionKind::Integer)
    };
    let parsed = parse(vec![option.clone()], "\"queen of hearts\"").unwrap();
    let [Argument::Unread { text, span }] = parsed.as_slice() else {
        panic!("{parsed:?}");
    };
    assert_eq!(text, "queen of hearts");
    let mut definition = CommandDefinition::new("x");
    definition.options = vec![option];
    let line = "!x \"queen of hearts\"";
    let error = UsageError::refused(
        &definition,
        &definition.options[0],
        "I know no such card.",
        line,
        span.clone(),
        &context("x"),
    );
    insta::assert_snapshot!(error.render(), @r#"
    I know no such card.
    Usage: `!x <card>`
    ```
    !x "queen of hearts"
       ^^^^^^^^^^^^^^^^^
    ```
    "#);
}
