//! Whatever is typed: no line breaks it, no answer mentions anybody, none takes long.

use super::*;

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
