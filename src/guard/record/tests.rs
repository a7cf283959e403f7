use super::*;

const COMMAND: HandlerKind = HandlerKind::Command;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_000_000 + seconds)
}

fn failed(refused: Option<Refused<'_>>) -> Outcome<'_> {
    Outcome::Failed {
        refused,
        error: &|| "lua/cogs/a.luau:3: no".to_owned(),
    }
}

/// So many calls of one command, each a second later.
fn calls(record: &Record, from: u64, count: u64, outcome: &Outcome<'_>) -> Option<Alarm> {
    let mut alarm = None;
    for second in from..from + count {
        record.ran(at(second));
        let of_cog = match outcome {
            Outcome::Done => None,
            Outcome::Failed { .. } => record.failed(at(second), outcome),
        };
        let of_handler = record.handled(at(second), (COMMAND, "rank"), outcome);
        alarm = alarm.or(of_cog).or(of_handler);
    }
    alarm
}

/// A record of a version that was well.
fn well() -> Record {
    let record = Record::default();
    record.begin(at(0), 1);
    assert_eq!(calls(&record, 0, 30, &Outcome::Done), None);
    record
}

#[test]
fn a_handler_that_begins_to_fail_is_told_of_once() {
    let record = well();
    record.begin(at(100), 2);
    assert_eq!(calls(&record, 100, 2, &failed(None)), None);
    let alarm = calls(&record, 102, 1, &failed(None)).unwrap();
    let handler = alarm.handler.clone().unwrap();
    assert_eq!((handler.kind, &*handler.name), (COMMAND, "rank"));
    assert_eq!(alarm.error.as_deref(), Some("lua/cogs/a.luau:3: no"));
    let (before, now) = alarm.calls().unwrap();
    assert_eq!((before.calls, before.failures), (20, 0));
    assert_eq!((now.calls, now.failures), (3, 3));
    assert_eq!(calls(&record, 103, 50, &failed(None)), None, "once");
}

#[test]
fn a_first_version_is_not_compared_and_the_same_text_is_no_version() {
    let record = Record::default();
    record.begin(at(0), 1);
    assert_eq!(calls(&record, 0, 30, &failed(None)), None);
    let record = well();
    record.begin(at(100), 1);
    assert_eq!(calls(&record, 100, 30, &failed(None)), None);
}

#[test]
fn who_saves_often_is_compared_with_what_was_before() {
    let record = well();
    for number in 2..10 {
        record.begin(at(100 + number), number);
    }
    assert!(calls(&record, 200, 3, &failed(None)).is_some());
}

#[test]
fn what_follows_an_alarm_is_compared_with_what_was_before_it() {
    let record = well();
    record.begin(at(100), 2);
    assert!(calls(&record, 100, 3, &failed(None)).is_some());
    // A first attempt to fix it, which fails as well.
    record.begin(at(200), 3);
    assert!(calls(&record, 200, 3, &failed(None)).is_some());
    // What is restored fails, too: then that is how it is.
    record.begin(at(300), 1);
    let alarm = calls(&record, 300, 3, &failed(None)).unwrap();
    record.accept(alarm.version);
    record.begin(at(400), 4);
    assert_eq!(calls(&record, 400, 10, &failed(None)), None);
}

#[test]
fn a_cog_that_fails_more_often_is_told_of_with_its_worst_handler() {
    let record = well();
    for second in 0..600 {
        record.ran(at(second));
    }
    record.begin(at(600), 2);
    let outcome = failed(None);
    let mut alarms = Vec::new();
    for second in 600..610 {
        record.ran(at(second));
        alarms.extend(record.failed(at(second), &outcome));
        // A handler that was not there before.
        alarms.extend(record.handled(at(second), (HandlerKind::Timer, "sweep"), &outcome));
    }
    let [alarm] = &alarms[..] else {
        panic!("{alarms:?}");
    };
    let Finding::Failures(it) = alarm.finding else {
        panic!("{alarm:?}");
    };
    assert_eq!((it.worst_before, it.now.failures), (0, 5));
    assert_eq!(alarm.handler.as_ref().unwrap().name, "sweep");
}

#[test]
fn after_ten_minutes_only_the_first_calls_are_watched() {
    let record = well();
    record.begin(at(100), 2);
    assert!(calls(&record, 100 + 3_600, 3, &failed(None)).is_some());
    let record = well();
    record.begin(at(100), 2);
    assert_eq!(calls(&record, 100 + 90_000, 30, &failed(None)), None);
}

#[test]
fn refusals_count_if_no_version_before_met_them() {
    let refused = |code| Refused {
        operation: "create_message",
        code: (403, code),
    };
    let record = well();
    record.failed(at(50), &failed(Some(refused(1))));
    record.begin(at(100), 2);
    assert_eq!(calls(&record, 100, 10, &failed(Some(refused(1)))), None);
    record.begin(at(200), 3);
    assert!(calls(&record, 200, 3, &failed(Some(refused(2)))).is_some());
    // The version with the alarm is not what is normal.
    record.begin(at(300), 4);
    assert!(calls(&record, 300, 3, &failed(Some(refused(2)))).is_some());
}

#[test]
fn a_limit_that_was_never_met_is_told_of() {
    let met = |record: &Record, second, limit| {
        let error = || Some("lua/cogs/a.luau:9: too long".to_owned());
        record.met(at(second), (limit, "cpu_ms"), LimitSet(1), error)
    };
    let record = well();
    assert_eq!(met(&record, 10, 3), None, "the first version");
    record.begin(at(100), 2);
    assert_eq!(met(&record, 110, 3), None, "it was met before");
    assert_eq!(met(&record, 110, 0), None, "it was not used for long");
    let alarm = met(&record, 110, 4).unwrap();
    assert_eq!(alarm.limit, Some("cpu_ms"));
    assert_eq!(alarm.error.as_deref(), Some("lua/cogs/a.luau:9: too long"));
    record.begin(at(800), 3);
    assert!(
        met(&record, 900, 4).is_some(),
        "the alarm was not what is normal"
    );
}

#[test]
fn a_cog_with_any_number_of_handlers_takes_little_room() {
    let record = Record::default();
    let long = "ä".repeat(4_000);
    for version in 1..4 {
        record.begin(at(version), version);
        for number in 0..1_000 {
            let name = format!("{version} {number} {long}");
            record.handled(at(version), (COMMAND, &name), &failed(None));
        }
        let calling = lock(&record.0);
        let handlers = &calling.handlers[COMMAND as usize];
        assert_eq!(handlers.len(), MOST_HANDLERS);
        assert!(handlers.keys().all(|name| name.len() <= LONGEST_NAME));
        let errors = handlers.values().filter(|it| it.error.is_some());
        assert!(errors.count() <= MOST_ERRORS);
    }
    for code in 0..1_000 {
        let refused = Refused {
            operation: &long,
            code: (400, code),
        };
        record.failed(at(10), &failed(Some(refused)));
    }
    assert_eq!(lock(&record.0).refusals.len(), MOST_REFUSALS);
}
