//! Which words go to which option, and what is told of those that do not fit.

use super::*;

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
