//! What authors are promised about reading, writing, defaults, keys and limits.

use super::*;
use crate::state::{Forgotten, ScopeKind, StateError, StateLimits};
use std::sync::Arc;

#[test]
fn reading_writing_nesting_and_length() {
    let view = cog(&memory());
    set(&view, "xp", 1.0);
    set(&view, "bag", table([("coins", 5.0.into())]));
    set(&view, "bag.gems", 7.0);
    set(
        &view,
        "list",
        table([("1", true.into()), ("2", true.into())]),
    );
    set(&view, "list.3", "three");
    assert_eq!(get(&view, "xp"), Some(1.0.into()));
    assert_eq!(get(&view, "bag.gems"), Some(7.0.into()));
    assert_eq!(get(&view, "bag.none"), None);
    assert_eq!(get(&view, "xp.below"), None);
    assert_eq!(view.len(&HERE, &path("list")), Some(3));
    assert_eq!(view.len(&HERE, &path("xp")), None);
    assert_eq!(view.len(&HERE, &[]), Some(0));
    let other = view.get(&StateScope::Guild(2), &path("xp"));
    assert_eq!(other, None);
}

#[test]
fn a_snapshot_does_not_see_later_writes() {
    let view = cog(&memory());
    set(&view, "bag", table([("coins", 5.0.into())]));
    let before = view.entries(&HERE, &path("bag")).unwrap();
    set(&view, "bag.coins", 6.0);
    assert_eq!(before.get_at(&path("coins")), Some(&5.0.into()));
    assert_eq!(get(&view, "bag.coins"), Some(6.0.into()));
}

#[test]
fn writing_below_a_removed_path_is_an_error_that_names_it() {
    let view = cog(&memory());
    set(&view, "xp", table([]));
    remove(&view, "xp");
    let error = view.set(&HERE, &path("xp.a.b"), Some(1.0.into()));
    let text = error.unwrap_err().to_string();
    assert!(
        text.starts_with(r#"state.guild["1"].xp.a.b cannot be written: state.guild["1"].xp is"#)
    );
    set(&view, "xp", 5.0);
    assert!(view.set(&HERE, &path("xp.a"), Some(1.0.into())).is_err());
    assert_eq!(get(&view, "xp"), Some(5.0.into()));
}

fn with_defaults() -> View {
    let view = cog(&memory());
    let bag = table([("coins", 1.0.into()), ("deep", table([]).into())]);
    let defaults = table([("xp", 0.0.into()), ("bag", bag.into())]);
    view.add_defaults(&DefaultsOf::Scope(ScopeKind::Guild), &defaults)
        .unwrap();
    view
}

#[test]
fn defaults_are_seen_where_nothing_is_stored_and_reading_stores_nothing() {
    let view = with_defaults();
    assert_eq!(get(&view, "xp"), Some(0.0.into()));
    assert_eq!(get(&view, "bag.coins"), Some(1.0.into()));
    assert_eq!(view.entries(&HERE, &[]).unwrap().count(), 2);
    assert_eq!(view.usage(), 0);
    assert!(view.scopes(ScopeKind::Guild, None).is_empty());
    assert_eq!(view.get(&StateScope::User(1), &path("xp")), None);
}

#[test]
fn a_default_table_is_copied_whole_by_the_first_write_below_it() {
    let view = with_defaults();
    set(&view, "bag.deep.x", 2.0);
    let stored = view.stored_scopes(ScopeKind::Guild, Some(1));
    let bag = stored[0].1.get_at(&path("bag")).unwrap().clone();
    let deep = table([("x", 2.0.into())]);
    assert_eq!(
        bag,
        table([("coins", 1.0.into()), ("deep", deep.into())]).into()
    );
    assert_eq!(stored[0].1.count(), 1);
    // What is stored hides the whole default, and removing it brings the default back.
    remove(&view, "bag.coins");
    assert_eq!(get(&view, "bag.coins"), None);
    remove(&view, "bag");
    assert_eq!(get(&view, "bag.coins"), Some(1.0.into()));
    assert_eq!(view.usage(), 0);
}

#[test]
fn removing_below_a_default_copies_it_and_removing_nothing_does_not() {
    let view = with_defaults();
    remove(&view, "bag.nothing");
    remove(&view, "xp");
    assert_eq!(view.usage(), 0);
    remove(&view, "bag.coins");
    assert_eq!(get(&view, "bag.coins"), None);
    assert_eq!(get(&view, "bag.deep"), Some(table([]).into()));
}

#[test]
fn writing_the_default_stores_it_and_a_failed_write_copies_nothing() {
    let view = with_defaults();
    assert!(
        view.set(&HERE, &path("bag.coins.x"), Some(1.0.into()))
            .is_err()
    );
    assert!(view.set(&HERE, &path("xp.x"), Some(1.0.into())).is_err());
    assert_eq!(view.usage(), 0);
    set(&view, "bag.coins", 1.0);
    set(&view, "xp", 0.0);
    assert_eq!(view.stored_scopes(ScopeKind::Guild, None)[0].1.count(), 2);
}

#[test]
fn iteration_shows_what_is_stored_and_defaults_that_are_not() {
    let view = with_defaults();
    set(&view, "name", "anna");
    set(&view, "xp", 9.0);
    for shown in [
        view.entries(&HERE, &[]).unwrap(),
        Arc::clone(&view.scopes(ScopeKind::Guild, None)[0].1),
    ] {
        let names: Vec<Key> = shown.iter().map(|(key, _)| key.to_key()).collect();
        assert_eq!(names, ["bag".into(), "name".into(), "xp".into()]);
        assert_eq!(shown.get_at(&path("xp")), Some(&9.0.into()));
    }
}

#[test]
fn the_length_of_a_scope_counts_defaults() {
    let view = cog(&memory());
    let defaults = table([("2", true.into()), ("3", true.into()), ("5", true.into())]);
    view.add_defaults(&DefaultsOf::Scope(ScopeKind::Guild), &defaults)
        .unwrap();
    assert_eq!(view.len(&HERE, &[]), Some(0));
    set(&view, "1", true);
    assert_eq!(view.len(&HERE, &[]), Some(3));
    set(&view, "4", true);
    assert_eq!(view.len(&HERE, &[]), Some(5));
}

#[test]
fn integers_and_strings_differ_as_keys() {
    let view = cog(&memory());
    view.set(&HERE, &[Key::Int(1)], Some("int".into())).unwrap();
    view.set(&HERE, &["1".into()], Some("str".into())).unwrap();
    assert_eq!(view.get(&HERE, &[Key::Int(1)]), Some("int".into()));
    assert_eq!(view.get(&HERE, &["1".into()]), Some("str".into()));
}

#[test]
fn what_cannot_be_stored_names_its_path() {
    let limits = StateLimits {
        namespace_bytes: 1_000,
        value_bytes: 300,
        key_bytes: 8,
        path_bytes: 24,
        depth: 3,
        ..StateLimits::default()
    };
    let view = cog(&Store::open(StoreOptions { path: None, limits }).unwrap());
    let deep = table([(
        "b",
        table([("c", table([("d", true.into())]).into())]).into(),
    )]);
    let nan = table([("b", Value::Number(f64::NAN))]);
    let long_key = table([("longer than 8", true.into())]);
    for (at, value, says) in [
        (
            "a",
            Value::from(deep),
            r#"state.guild["1"].a.b.c.d: tables are nested deeper than the limit of 3"#,
        ),
        (
            "a",
            nan.into(),
            r#"state.guild["1"].a.b: NaN cannot be stored"#,
        ),
        (
            "a",
            long_key.into(),
            r#"state.guild["1"].a["longer than 8"]: a key of 13 bytes is longer than the limit of 8"#,
        ),
        (
            "abcdefgh",
            table([("ijklmnop", table([("qrst", true.into())]).into())]).into(),
            r#"state.guild["1"].abcdefgh.ijklmnop.qrst: the keys up to here are 26 bytes together, which is more than the limit of 24"#,
        ),
        (
            "a",
            "x".repeat(301).as_str().into(),
            r#"state.guild["1"].a: a value of 301 bytes is larger than the limit of 300 (limits.state_value_kb); split it over several keys"#,
        ),
        (
            "",
            true.into(),
            r#"state.guild["1"] is a table; only a table can take its place"#,
        ),
    ] {
        let error = view.set(&HERE, &path(at), Some(value)).unwrap_err();
        assert_eq!(error.to_string(), says);
    }
    assert_eq!(view.usage(), 0);
}

#[test]
fn a_full_namespace_takes_no_more_and_can_be_emptied() {
    let limits = StateLimits {
        namespace_bytes: 600,
        ..StateLimits::default()
    };
    let view = cog(&Store::open(StoreOptions { path: None, limits }).unwrap());
    let text = "x".repeat(100);
    set(&view, "a", text.as_str());
    set(&view, "b", text.as_str());
    let error = view.set(&HERE, &path("c"), Some(text.as_str().into()));
    assert_eq!(
        error.unwrap_err().to_string(),
        r#"state.guild["1"].c: with this the state of cog:test would have 688 bytes, more than the limit of 600 (limits.state_mb); remove what is no longer needed"#
    );
    set(&view, "a", "shorter");
    set(&view, "c", text.as_str());
    remove(&view, "b");
    let again = cog(&memory());
    set(&again, "a", "shorter");
    set(&again, "c", text.as_str());
    assert_eq!(view.usage(), again.usage());
}

fn small(namespace_bytes: usize) -> StateLimits {
    StateLimits {
        namespace_bytes,
        ..StateLimits::default()
    }
}

fn fill(view: &View) -> StateError {
    let text = Value::from("x".repeat(1_000).as_str());
    let mut keys = 0..;
    let full = keys.find_map(|key| view.set(&HERE, &[Key::Int(key)], Some(text.clone())).err());
    full.unwrap()
}

#[test]
fn a_session_has_no_room_of_its_own() {
    let limits = small(10_000);
    let view = cog(&Store::open(StoreOptions { path: None, limits }).unwrap());
    let session = view.session_beside(&Namespace::cog("test"));
    fill(&view);
    assert!(matches!(
        session.set(&HERE, &path("x"), Some("x".repeat(1_000).as_str().into())),
        Err(StateError::NamespaceSize { .. })
    ));
    assert!(view.used() > 8_000);
    view.forget(&HERE).unwrap();
    fill(&session);
    assert!(matches!(fill(&view), StateError::NamespaceSize { .. }));
    assert_eq!(view.used(), view.usage() + session.usage());
}

#[test]
fn several_shared_states_have_the_room_of_one() {
    let limits = small(10_000);
    let store = Store::open(StoreOptions { path: None, limits }).unwrap();
    let writer = cog(&store);
    let banks = ["a", "b", "c"].map(|name| writer.beside(&Namespace::shared(name)));
    for bank in &banks {
        let error = fill(bank).to_string();
        let of_all = "all that cog:test has written to shared states would have";
        assert!(error.contains(of_all), "{error}");
    }
    let shared: usize = banks.iter().map(View::usage).sum();
    assert!(shared <= 10_000);
    // Its own state has its own room, and other cogs have theirs.
    set(&writer, "x", "x".repeat(1_000).as_str());
    let other = store.view(&Namespace::cog("other"));
    let bank = other.beside(&Namespace::shared("b"));
    let error = fill(&bank).to_string();
    assert!(
        error.contains("the state of shared:b") || error.contains("cog:other"),
        "{error}"
    );
    // Whoever makes room has it, though the first one filled it.
    bank.forget(&HERE).unwrap();
    assert_eq!(other.used(), 0);
    assert_eq!(bank.usage(), 0);
}

#[test]
fn what_is_staged_and_in_transactions_takes_room_in_all_namespaces() {
    let limits = small(10_000);
    let view = cog(&Store::open(StoreOptions { path: None, limits }).unwrap());
    let session = view.session_beside(&Namespace::cog("test"));
    view.begin_transaction();
    fill(&session);
    let text = Value::from("x".repeat(1_000).as_str());
    assert!(view.set(&HERE, &path("x"), Some(text.clone())).is_err());
    view.rollback_transaction();
    view.set(&HERE, &path("x"), Some(text)).unwrap();
}

#[test]
fn forgetting_a_user_reaches_every_namespace_and_session() {
    let store = memory();
    let views = [
        cog(&store),
        store.view(&Namespace::shared("bank")),
        store.session(&Namespace::cog("test")),
    ];
    for view in &views {
        for scope in [
            StateScope::User(7),
            StateScope::Member(1, 7),
            StateScope::Member(1, 8),
        ] {
            view.set(&scope, &path("x"), Some(true.into())).unwrap();
        }
        for (scope, key) in [
            (StateScope::Rows, "7"),
            (StateScope::GuildRows(1), "7"),
            (StateScope::GuildRows(1), "77"),
        ] {
            let path = ["tags".into(), key.into()];
            view.set(&scope, &path, Some(table([]).into())).unwrap();
        }
    }
    let (forgotten, _) = store.forget_user(7);
    let of = |namespace| Forgotten {
        namespace,
        entries: 4,
    };
    let own = of(Namespace::cog("test"));
    assert_eq!(forgotten, [own.clone(), of(Namespace::shared("bank")), own]);
    assert!(store.forget_user(7).0.is_empty());
    for view in &views {
        let rows = |scope| view.count(&scope, &path("tags"));
        assert_eq!(rows(StateScope::Rows), Some(0));
        assert_eq!(rows(StateScope::GuildRows(1)), Some(1));
        for scope in [StateScope::Rows, StateScope::GuildRows(1)] {
            view.set(&scope, &[], None).unwrap();
        }
        let left = view.scopes(ScopeKind::Member, Some(1));
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].0, StateScope::Member(1, 8));
        view.forget(&StateScope::Member(1, 8)).unwrap();
        assert_eq!(view.usage(), 0);
    }
    let names = [Namespace::cog("test"), Namespace::shared("bank")];
    assert_eq!(store.namespaces(), names);
}

/// What goes with each kind of scope, directly and in a transaction that is rolled back first.
#[test]
fn what_is_forgotten_is_all_that_belongs_to_it() {
    use StateScope::{Channel, Global, Guild, GuildRows, Member, Role, Rows, User};
    let all = [
        Global,
        Guild(1),
        Channel(1),
        User(7),
        Role(7),
        Member(1, 7),
        Member(2, 7),
        Member(1, 8),
    ];
    let rows = [Rows, GuildRows(1), GuildRows(2)];
    for (forgotten, scopes, of_rows) in [
        (
            User(7),
            vec![User(7), Member(1, 7), Member(2, 7)],
            [1, 1, 1],
        ),
        (
            Guild(1),
            vec![Guild(1), Member(1, 7), Member(1, 8)],
            [2, 0, 2],
        ),
        (Member(1, 7), vec![Member(1, 7)], [2, 1, 2]),
        (Global, vec![Global], [0, 2, 2]),
        (Channel(1), vec![Channel(1)], [2, 2, 2]),
        (Role(7), vec![Role(7)], [2, 2, 2]),
    ] {
        let view = cog(&memory());
        for scope in &all {
            view.set(scope, &path("x"), Some(true.into())).unwrap();
        }
        for (scope, key) in rows.iter().flat_map(|scope| [(scope, "7"), (scope, "8")]) {
            let path = ["tags".into(), key.into()];
            view.set(scope, &path, Some(table([]).into())).unwrap();
        }
        let is_there = |scope: &StateScope| view.get(scope, &path("x")).is_some();
        let counted = || rows.map(|scope| view.count(&scope, &path("tags")).unwrap_or(0));
        view.begin_transaction();
        view.forget(&forgotten).unwrap();
        assert_eq!(counted(), of_rows, "{forgotten}");
        view.rollback_transaction();
        assert_eq!(counted(), [2, 2, 2]);
        view.forget(&forgotten).unwrap();
        let gone: Vec<_> = all.into_iter().filter(|it| !is_there(it)).collect();
        let is_same = gone.iter().all(|it| scopes.contains(it)) && gone.len() == scopes.len();
        assert!(is_same, "{forgotten}: {gone:?}");
        assert_eq!(counted(), of_rows, "{forgotten}");
    }
}

#[test]
fn scopes_are_listed_by_kind_and_guild_in_order() {
    let view = cog(&memory());
    for scope in [
        StateScope::Member(2, 1),
        StateScope::Member(1, 9),
        StateScope::Member(1, 3),
        StateScope::Guild(1),
    ] {
        view.set(&scope, &path("x"), Some(true.into())).unwrap();
    }
    let listed = |guild| -> Vec<StateScope> {
        let scopes = view.scopes(ScopeKind::Member, guild);
        scopes.into_iter().map(|(scope, _)| scope).collect()
    };
    assert_eq!(
        listed(Some(1)),
        [StateScope::Member(1, 3), StateScope::Member(1, 9)]
    );
    assert_eq!(listed(None).len(), 3);
}

#[test]
fn ending_a_transaction_that_never_began_is_an_error() {
    let view = cog(&memory());
    assert_eq!(view.commit_transaction(), Err(StateError::NoTransaction));
    view.rollback_transaction();
    view.discard();
    view.commit();
}
