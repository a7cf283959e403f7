//! Spans of time and moments, which may have several words.

use super::*;

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
