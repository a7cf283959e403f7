use super::*;
use crate::commands::arguments::parse_value;
use crate::commands::definition::{Choice, ChoiceValue};
use crate::commands::directory::Told;
use crate::commands::duration::UNITS;
use crate::commands::text::Language;
use crate::commands::tokens::quote;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::time::Duration;

const NOW: Duration = Duration::from_secs(1_709_208_000);

/// A guild with two members called Max, a role of two words, and channels of two kinds.
struct Guild;

fn json(value: &serde_json::Value) -> Json {
    Json::from(value)
}

fn members() -> Vec<Json> {
    let member = |id: &str, username: &str, global: Option<&str>, nick: Option<&str>| {
        json(&serde_json::json!({
            "user": { "id": id, "username": username, "global_name": global, "discriminator": "0" },
            "nick": nick,
        }))
    };
    vec![
        member("100000000000000001", "anna", Some("Anna Bell"), None),
        member("100000000000000002", "max", None, None),
        member("100000000000000003", "maxine", None, Some("Max")),
        member(
            "100000000000000004",
            "bob`s @everyone",
            None,
            Some("The Boss"),
        ),
    ]
}

fn named(id: &str, name: &str, kind: u8, guild: &str) -> Json {
    json(&serde_json::json!({ "id": id, "name": name, "type": kind, "guild_id": guild }))
}

fn channels() -> Vec<Json> {
    vec![
        named("200000000000000001", "general", 0, "1"),
        named("200000000000000002", "General", 2, "1"),
        named("200000000000000003", "news", 5, "1"),
        named("200000000000000009", "secret", 0, "9"),
    ]
}

fn with_id(objects: Vec<Json>, id: &str) -> Option<Json> {
    objects.into_iter().find(|object| {
        object.str("id") == Some(id)
            || object.at(&["user", "id"]).and_then(Json::as_str) == Some(id)
    })
}

impl Directory for Guild {
    async fn user(&self, id: &str) -> Told<Option<Json>> {
        Ok(with_id(members(), id).and_then(|member| member.get("user").cloned()))
    }
    async fn member(&self, _: &str, id: &str) -> Told<Option<Json>> {
        Ok(with_id(members(), id))
    }
    async fn member_by_name(&self, _: &str, _: &str) -> Told<Vec<Json>> {
        Ok(members())
    }
    async fn channel(&self, id: &str) -> Told<Option<Json>> {
        Ok(with_id(channels(), id))
    }
    async fn channel_by_name(&self, guild: &str, _: &str) -> Told<Vec<Json>> {
        let mut channels = channels();
        channels.retain(|channel| channel.str("guild_id") == Some(guild));
        Ok(channels)
    }
    async fn role(&self, _: &str, id: &str) -> Told<Option<Json>> {
        Ok((id == "300000000000000001").then(|| named(id, "Cool People", 0, "1")))
    }
    async fn role_by_name(&self, _: &str, _: &str) -> Told<Vec<Json>> {
        Ok(vec![named("300000000000000001", "Cool People", 0, "1")])
    }
    async fn emoji_by_name(&self, _: &str, _: &str) -> Told<Vec<Json>> {
        Ok(vec![
            named("500000000000000001", "wave", 0, "1"),
            named("500000000000000002", "party", 0, "1"),
            named("500000000000000003", "party", 0, "1"),
        ])
    }
    async fn message(&self, channel: &str, id: &str) -> Told<Option<Json>> {
        Ok(Some(json(
            &serde_json::json!({ "id": id, "channel_id": channel }),
        )))
    }
}

fn context(command: &str) -> ParseContext<'_> {
    ParseContext {
        guild_id: Some("1"),
        channel_id: "200000000000000001",
        now: NOW,
        timezone: TimeZone::UTC,
        language: Language::English,
        prefix: "!",
        command,
        attachments: &[],
        replied_to: None,
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

/// Reads `!x` and the arguments.
fn parse_in(
    options: Vec<OptionDefinition>,
    arguments: &str,
    context: &ParseContext<'_>,
) -> Result<Vec<Argument>, UsageError> {
    let mut definition = CommandDefinition::new(context.command);
    definition.options = options;
    let typed = format!("!{} {arguments}", context.command);
    let line = Line {
        content: &typed,
        arguments: 1 + context.command.len(),
    };
    let parsed = block_on(parse_arguments(&definition, line, &Guild, context))?;
    Ok(parsed.into_iter().map(|(_, argument)| argument).collect())
}

fn parse(options: Vec<OptionDefinition>, arguments: &str) -> Result<Vec<Argument>, UsageError> {
    parse_in(options, arguments, &context("x"))
}

fn answer(options: Vec<OptionDefinition>, arguments: &str) -> String {
    parse(options, arguments).expect_err("an error").render()
}

fn required(name: &str, kind: OptionKind) -> OptionDefinition {
    OptionDefinition::new(name, kind)
}

fn optional(name: &str, kind: OptionKind) -> OptionDefinition {
    OptionDefinition {
        required: false,
        ..OptionDefinition::new(name, kind)
    }
}

fn reason() -> OptionDefinition {
    OptionDefinition {
        rest: true,
        ..optional("reason", OptionKind::String)
    }
}

fn id(argument: &Argument) -> String {
    match argument {
        Argument::Object(kind, object) => {
            let id = object
                .str("id")
                .or(object.at(&["user", "id"]).and_then(Json::as_str));
            format!("{} {}", kind.name(), id.unwrap_or("?"))
        }
        other => format!("{other:?}"),
    }
}

fn string(text: &str) -> Argument {
    Argument::String(text.into())
}

#[test]
fn futures_can_move_between_threads() {
    fn send<T: Send>(_: T) {}
    let definition = CommandDefinition::new("x");
    let context = context("x");
    let line = Line {
        content: "!x",
        arguments: 2,
    };
    send(parse_arguments(&definition, line, &Guild, &context));
}

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
        replied_to: Some(&reply),
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
    let files = [
        json(&serde_json::json!({ "id": "1" })),
        json(&serde_json::json!({ "id": "2" })),
    ];
    let context = ParseContext {
        attachments: &files,
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
fn optional_options_are_skipped_by_the_rule() {
    let ban = || {
        vec![
            required("member", OptionKind::Member),
            optional("duration", OptionKind::Duration),
            reason(),
        ]
    };
    let parsed = parse(ban(), "anna being  \"rude\"").unwrap();
    assert_eq!(parsed[1..], [Argument::Missing, string("being  \"rude\"")]);
    let parsed = parse(ban(), "anna 2h").unwrap();
    assert_eq!(
        parsed[1..],
        [Argument::Duration(7_200.0), Argument::Missing]
    );

    // The required option behind it needs the only word.
    let purge = || {
        vec![
            optional("times", OptionKind::Integer),
            required("count", OptionKind::Integer),
        ]
    };
    assert_eq!(
        parse(purge(), "5"),
        Ok(vec![Argument::Missing, Argument::Integer(5)])
    );
    assert_eq!(
        parse(purge(), "2 5"),
        Ok(vec![Argument::Integer(2), Argument::Integer(5)])
    );

    // Of its kind and not allowed: never skipped.
    let mut sides = optional("sides", OptionKind::Integer);
    sides.max = Some(100.0);
    assert!(parse(vec![sides, reason()], "1000").is_err());
    assert!(
        parse(
            vec![optional("member", OptionKind::Member), reason()],
            "MAX is rude"
        )
        .is_err()
    );
    assert!(
        parse(
            vec![optional("member", OptionKind::Member), reason()],
            "<@5> is rude"
        )
        .is_err()
    );

    // A default makes a required option one that need not be given.
    let mut amount = required("amount", OptionKind::Integer);
    amount.default = true;
    assert_eq!(parse(vec![amount], ""), Ok(vec![Argument::Missing]));
}

#[test]
fn rest_and_many_take_what_follows() {
    let many = |kind| OptionDefinition {
        many: true,
        ..required("a", kind)
    };
    let parsed = parse(vec![many(OptionKind::Integer)], "1 2 3").unwrap();
    let numbers = [1, 2, 3].map(Argument::Integer).to_vec();
    assert_eq!(parsed, [Argument::List(numbers)]);
    let parsed = parse(vec![many(OptionKind::String)], "a \"b c\"").unwrap();
    assert_eq!(parsed, [Argument::List(vec![string("a"), string("b c")])]);
    assert!(parse(vec![many(OptionKind::Integer)], "").is_err());
    assert!(parse(vec![many(OptionKind::Integer)], &"1 ".repeat(101)).is_err());

    let rest = |kind| OptionDefinition {
        rest: true,
        ..required("a", kind)
    };
    assert_eq!(
        parse(vec![rest(OptionKind::String)], "\"a b\""),
        Ok(vec![string("a b")])
    );
    assert_eq!(
        parse(vec![rest(OptionKind::Duration)], "1h 30m"),
        Ok(vec![Argument::Duration(5_400.0)])
    );
}

#[test]
fn a_span_or_time_takes_its_longest_run_of_words() {
    let remind = |kind| vec![required("when", kind), reason()];
    let read = |kind, line: &str| parse(remind(kind), line).map_err(|error| error.sentence);
    for (line, seconds, rest) in [
        ("2 days spamming", 172_800.0, "spamming"),
        ("1h 30m spamming", 5_400.0, "spamming"),
        ("10 minutes 5 apples", 600.0, "5 apples"),
        ("1 month, and tea", 2_592_000.0, "and tea"),
        ("1 jam dan 30 menit teh", 5_400.0, "teh"),
        ("1 hour and then tea", 3_600.0, "and then tea"),
        ("10m 20m", 600.0, "20m"),
        ("10 minutes: tea", 600.0, "tea"),
        ("2 days - spamming", 172_800.0, "- spamming"),
        ("half an hour tea", 1_800.0, "tea"),
        ("in 10 minutes tea", 600.0, "tea"),
        ("10 minutes a day of tea", 600.0, "a day of tea"),
        ("2 secret teas", 2.0, "secret teas"),
        ("2 hours 5 days-old bread", 7_200.0, "5 days-old bread"),
        ("a second opinion", 1.0, "opinion"),
        ("10 \"minutes\"", 10.0, "minutes"),
        ("\"10\" minutes", 10.0, "minutes"),
        ("90 spamming", 90.0, "spamming"),
    ] {
        let expected = Ok(vec![Argument::Duration(seconds), string(rest)]);
        assert_eq!(read(OptionKind::Duration, line), expected, "{line}");
    }
    let now = NOW.as_secs_f64();
    for (line, moment, rest) in [
        ("in 1 hour 30 minutes tea", now + 5_400.0, "tea"),
        ("dalam 2 hari teh", now + 172_800.0, "teh"),
        ("2 hours tea", now + 7_200.0, "tea"),
        ("2024-02-29 12:00 tea", now, "tea"),
        ("12:01 2 teas", now + 60.0, "2 teas"),
        ("tomorrow at 9 tea", now + 75_600.0, "tea"),
        ("besok jam 9 teh", now + 75_600.0, "teh"),
        ("2024-02-29 9:00 tea", now - 10_800.0, "tea"),
        ("6:00 pm tea", now + 21_600.0, "tea"),
        ("2 hours from now tea", now + 7_200.0, "tea"),
        ("2024-03-01 tea at 9:00", now + 43_200.0, "tea at 9:00"),
    ] {
        let expected = Ok(vec![Argument::Time(moment), string(rest)]);
        assert_eq!(read(OptionKind::Time, line), expected, "{line}");
    }
    // What says more than is understood is refused as a whole.
    for (kind, line) in [
        (OptionKind::Duration, "5 days-old bread"),
        (OptionKind::Duration, "2 or 3 days of tea"),
        (OptionKind::Duration, "1 000 seconds of tea"),
        (OptionKind::Time, "6:00 in the evening tea"),
        (OptionKind::Time, "18:00 PST tea"),
        (OptionKind::Time, "2024-02-29 25:00 tea"),
        (OptionKind::Time, "tomorrow 9 tea"),
        (OptionKind::Time, "in 2 days at 9 tea"),
        (OptionKind::Time, "2 hours ago tea"),
    ] {
        let whole = line
            .replace(" tea", "")
            .replace(" of", "")
            .replace(" bread", "");
        let refused = read(kind, line)
            .is_err_and(|sentence| sentence.starts_with(&format!("`{whole}` is not")));
        assert!(refused, "{line}");
    }
    // Each value of several has its run.
    let many = OptionDefinition {
        many: true,
        ..required("a", OptionKind::Duration)
    };
    let list = [600.0, 5_405.0].map(Argument::Duration).to_vec();
    let line = "10 minutes 30m 1 hour 5s";
    let expected = Argument::List(list);
    assert_eq!(parse(vec![many.clone()], line), Ok(vec![expected.clone()]));
    let slash = block_on(parse_value(&many, line, &Guild, &context("x")));
    assert_eq!(slash, Ok(expected));
    let no_words = parse(vec![required("when", OptionKind::Duration)], "1 hour tea");
    assert!(no_words.is_err_and(|error| error.sentence.contains("`tea`")));
}

#[test]
fn a_span_with_which_a_sentence_may_begin_is_no_optional_one() {
    let note = |kind| vec![optional("when", kind), reason()];
    for (kind, line) in [
        (OptionKind::Duration, "a day in the life"),
        (OptionKind::Duration, "one day I will"),
        (OptionKind::Time, "tomorrow never dies"),
    ] {
        let expected = Ok(vec![Argument::Missing, string(line)]);
        assert_eq!(parse(note(kind), line), expected, "{line}");
    }
    for (line, seconds) in [("\"a day\" off", 86_400.0), ("half a day off", 43_200.0)] {
        let expected = Ok(vec![Argument::Duration(seconds), string("off")]);
        assert_eq!(parse(note(OptionKind::Duration), line), expected, "{line}");
    }
    let last = parse(vec![optional("when", OptionKind::Duration)], "a day");
    assert_eq!(last, Ok(vec![Argument::Duration(86_400.0)]));
}

#[test]
fn a_mistyped_unit_is_told_and_never_left_out() {
    let ban = |kind| vec![optional("for", kind), reason()];
    insta::assert_snapshot!(answer(ban(OptionKind::Duration), "10 minuts spam"), @"
    `10 minuts` is not a duration such as `90s`, `1h30m` or `2 days`, which `for` must be. Did you mean `10 minutes`?
    Usage: `!x [for] [reason…]`
    ```
    !x 10 minuts spam
       ^^^^^^^^^
    ```
    ");
    for (line, meant) in [
        ("1h 30 mintues spam", "`1h 30 minutes`"),
        ("2dyas spam", "`2days`"),
        ("3 mingguu", "`3 minggu`"),
    ] {
        let answer = answer(ban(OptionKind::Duration), line);
        assert!(
            answer.contains(&format!("Did you mean {meant}?")),
            "{answer}"
        );
    }
    let answer = answer(ban(OptionKind::Time), "in 2 horus spam");
    assert!(answer.contains("Did you mean `in 2 hours`?"), "{answer}");
}

#[test]
fn a_short_number_is_no_time() {
    let when = || vec![required("when", OptionKind::Time), reason()];
    insta::assert_snapshot!(answer(when(), "18 tea"), @"
    `18` alone is not a time, which `when` must be. It could be written as `18:00`, `in 18m` or `in 18h`.
    Usage: `!x <when> [reason…]`
    ```
    !x 18 tea
       ^^
    ```
    ");
    let parsed = parse(when(), "1700000000 tea");
    assert_eq!(
        parsed,
        Ok(vec![Argument::Time(1_700_000_000.0), string("tea")])
    );
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

#[test]
fn answers_point_at_the_bad_part() {
    let mut count = required("count", OptionKind::Integer);
    (count.min, count.max) = (Some(1.0), Some(100.0));
    let purge = || vec![count.clone(), optional("member", OptionKind::Member)];
    insta::assert_snapshot!(answer(purge(), "many"), @"
    `many` is not a whole number, which `count` must be.
    Usage: `!x <count> [member]`
    ```
    !x many
       ^^^^
    ```
    ");
    insta::assert_snapshot!(answer(purge(), "500 anna"), @"
    `count` must be at most 100.
    Usage: `!x <count> [member]`
    ```
    !x 500 anna
       ^^^
    ```
    ");
    insta::assert_snapshot!(answer(purge(), ""), @"
    `count` is missing.
    Usage: `!x <count> [member]`
    ```
    !x
       ^
    ```
    ");
    insta::assert_snapshot!(answer(purge(), "5 <@100000000000000001> now please"), @"
    There are too many arguments: the command does not take `now` or anything after it.
    Usage: `!x <count> [member]`
    ```
    !x 5 <\u{200b}@\u{200b}100000000000000001> now please
                               ^^^^^^^^^^
    ```
    ");
    insta::assert_snapshot!(answer(purge(), "5 MAX"), @"
    `MAX` fits more than one; mention it or give the id: `max` (`100000000000000002`), `maxine` (`100000000000000003`).
    Usage: `!x <count> [member]`
    ```
    !x 5 MAX
         ^^^
    ```
    ");
    insta::assert_snapshot!(answer(vec![], "\"hello world"), @r#"
    A quote is opened here and never closed.
    Usage: `!x`
    ```
    !x "hello world
       ^
    ```
    "#);
    let mut title = required("title", OptionKind::String);
    title.max_length = Some(5);
    insta::assert_snapshot!(answer(vec![title], "😀😀😀😀😀😀"), @"
    `title` must have at most 5 characters and has 6.
    Usage: `!x <title>`
    ```
    !x 😀😀😀😀😀😀
       ^^^^^^^^^^^^
    ```
    ");
    let mut wait = required("wait", OptionKind::Duration);
    wait.max = Some(86_400.0);
    insta::assert_snapshot!(answer(vec![wait], "2d"), @"
    `wait` must be at most 1 day.
    Usage: `!x <wait>`
    ```
    !x 2d
       ^^
    ```
    ");
    let mut channel = required("where", OptionKind::Channel);
    channel.channel_types = vec![0, 15];
    insta::assert_snapshot!(answer(vec![channel], "#news"), @"
    `#news` is not the kind of channel that `where` takes: text channel, forum.
    Usage: `!x <where>`
    ```
    !x #news
       ^^^^^
    ```
    ");
    let indonesian = ParseContext {
        language: Language::Indonesian,
        ..context("hapus")
    };
    insta::assert_snapshot!(parse_in(purge(), "banyak", &indonesian).unwrap_err().render(), @"
    `banyak` bukan bilangan bulat, padahal `count` harus bilangan bulat.
    Cara pakai: `!hapus <count> [member]`
    ```
    !hapus banyak
           ^^^^^^
    ```
    ");
}

#[test]
fn what_a_slash_command_gives_as_text_is_read_alike() {
    let give = |option: OptionDefinition, text| {
        assert_eq!(option.slash_type(), 3);
        block_on(parse_value(&option, text, &Guild, &context("x")))
    };
    let wait = required("wait", OptionKind::Duration);
    assert_eq!(
        give(wait.clone(), "1h 30m"),
        Ok(Argument::Duration(5_400.0))
    );
    assert!(give(wait, "long").is_err_and(|sentence| sentence.contains("`long` is not")));
    let numbers = OptionDefinition {
        many: true,
        ..required("numbers", OptionKind::Integer)
    };
    let list = [1, 2].map(Argument::Integer).to_vec();
    assert_eq!(give(numbers, "1 2"), Ok(Argument::List(list)));
    let card = OptionDefinition {
        converts: true,
        ..required("card", OptionKind::Member)
    };
    let (text, span) = ("queen of hearts".to_owned(), 0..15);
    assert_eq!(
        give(card, "queen of hearts"),
        Ok(Argument::Unread { text, span })
    );
}

#[test]
fn a_line_made_to_be_slow_is_not() {
    let started = std::time::Instant::now();
    let many = OptionDefinition {
        many: true,
        ..required("a", OptionKind::String)
    };
    for hostile in ["„ ", "\"\\", "“a\\”", "\u{200b} ", "a\u{301}"] {
        let line = hostile.repeat(4_000 / hostile.chars().count());
        let parsed = parse(vec![many.clone()], &line).map_err(|error| error.render());
        assert!(parsed.is_ok() || parsed.is_err_and(|answer| answer.len() < 4_000));
    }
    assert!(started.elapsed() < Duration::from_secs(5));
}

fn any_option() -> impl Strategy<Value = OptionDefinition> {
    let kinds: Vec<_> = OptionKind::names()
        .filter_map(OptionKind::of_name)
        .collect();
    let kind = proptest::sample::select(kinds);
    ("[a-z]{1,32}", kind, any::<bool>(), 0..4_u8, any::<bool>()).prop_map(
        |(name, kind, required, takes, limited)| OptionDefinition {
            required,
            rest: takes == 1,
            many: takes == 2,
            converts: takes == 3,
            min: limited.then_some(3.0),
            min_length: limited.then_some(3),
            ..OptionDefinition::new(name, kind)
        },
    )
}

/// Whether Discord would find somebody or something in a text.
fn mentions(text: &str) -> bool {
    text.contains("@everyone")
        || text.contains("@here")
        || ["<@", "<#", "</", "<:", "<a:", "<t:", "<id:"]
            .iter()
            .any(|mark| text.contains(mark))
}

/// A span in words and how many seconds it has: some of the units, each once, the way that one
/// person writes them.
fn any_span() -> impl Strategy<Value = (String, f64)> {
    let units = proptest::sample::subsequence(UNITS.to_vec(), 1..=UNITS.len()).prop_shuffle();
    let spaces = (
        any::<bool>(),
        proptest::sample::select(vec![" ", ", ", " and ", " dan "]),
    );
    let seeds =
        proptest::collection::vec((any::<proptest::sample::Index>(), 0..100_u32), UNITS.len());
    (units, spaces, seeds).prop_map(|(units, (space, between), seeds)| {
        let (mut parts, mut seconds) = (Vec::new(), 0.0);
        for ((unit, names), (name, count)) in units.iter().zip(seeds) {
            let space = if space { " " } else { "" };
            parts.push(format!("{count}{space}{}", name.get(names)));
            seconds += f64::from(count) * unit;
        }
        (parts.join(between), seconds)
    })
}

proptest! {
    #[test]
    fn a_span_is_taken_whole_whatever_follows(
        (span, seconds) in any_span(),
        rest in "(tea|5 apples|and so on|[xqz]{3,8}|spamming, 2 times|\"10m\" later)",
        kind in proptest::sample::select(vec![OptionKind::Duration, OptionKind::Time]),
    ) {
        for (line, expected) in [(span.clone(), None), (format!("{span} {rest}"), Some(rest.as_str()))] {
            let parsed = parse(vec![required("a", kind), reason()], &line);
            let parsed = parsed.map_err(|error| error.sentence);
            let (value, text) = parsed.map(|mut list| (list.remove(0), list.remove(0))).map_err(TestCaseError::fail)?;
            match value {
                Argument::Duration(read) => prop_assert!((read - seconds).abs() < 1e-3, "{}", line),
                Argument::Time(read) => {
                    prop_assert!((read - NOW.as_secs_f64() - seconds).abs() < 1e-3, "{}", line);
                }
                other => prop_assert!(false, "{} is {:?}", line, other),
            }
            prop_assert_eq!(text, expected.map_or(Argument::Missing, string), "{}", line);
        }
    }

    #[test]
    fn no_line_breaks_it_and_no_answer_mentions(
        options in proptest::collection::vec(any_option(), 0..5),
        line in "(\\PC|[\"“” \n`<@#&>\\\\]|@everyone|<@100000000000000001>|max| 1|\u{301}|1h |10 minuts |in |😀|<:ab:1>){0,200}",
    ) {
        if let Err(error) = parse(options, &line) {
            let answer = error.render();
            prop_assert!(answer.chars().count() <= 1_900);
            prop_assert!(!mentions(&answer), "{}", answer);
            prop_assert!(error.line.get(error.span.clone()).is_some());
            // One code block, opened and closed.
            prop_assert_eq!(answer.matches("```").count(), 2);
            prop_assert!(answer.ends_with("\n```"));
        }
    }

    #[test]
    fn a_quoted_text_arrives_as_it_is(text in "\\PC{1,60}") {
        let parsed = parse(vec![required("a", OptionKind::String)], &quote(&text));
        prop_assert_eq!(parsed, Ok(vec![string(&text)]));
    }
}
