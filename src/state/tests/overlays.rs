//! Staging, transactions, and several views of one namespace.

use super::*;
use crate::state::{ScopeKind, StateError, StateLimits};

#[test]
fn what_is_staged_is_seen_by_its_view_alone_until_the_commit() {
    let store = memory();
    let (old, new) = (cog(&store), cog(&store));
    set(&old, "xp", 1.0);
    new.stage();
    set(&new, "xp", 2.0);
    set(&new, "name", "new");
    assert_eq!(get(&old, "xp"), Some(1.0.into()));
    assert_eq!(get(&new, "xp"), Some(2.0.into()));
    // What the old code writes meanwhile is seen by the new one, and survives.
    set(&old, "other", true);
    assert_eq!(get(&new, "other"), Some(true.into()));
    assert_eq!(new.entries(&HERE, &[]).unwrap().count(), 3);
    new.commit();
    assert_eq!(get(&old, "xp"), Some(2.0.into()));
    assert_eq!(get(&old, "other"), Some(true.into()));
    assert_eq!(get(&old, "name"), Some("new".into()));
    set(&new, "xp", 3.0);
    assert_eq!(get(&old, "xp"), Some(3.0.into()));
}

#[test]
fn what_is_discarded_has_never_been() {
    let store = memory();
    let (old, new) = (cog(&store), cog(&store));
    set(&old, "xp", 1.0);
    let usage = old.usage();
    new.stage();
    set(&new, "xp", "long text instead");
    set(&new, "more", true);
    new.set_version(3);
    assert!(new.usage() > usage);
    assert_eq!((new.version(), old.version()), (3, 0));
    new.begin_transaction();
    new.discard();
    assert_eq!(new.transactions(), 0);
    assert_eq!(get(&new, "xp"), Some(1.0.into()));
    assert_eq!((new.usage(), new.version()), (usage, 0));
}

#[test]
fn a_staged_default_does_not_cover_what_the_old_code_stores_meanwhile() {
    let store = memory();
    let (old, new) = (cog(&store), cog(&store));
    let defaults = table([("bag", table([("coins", 1.0.into())]).into())]);
    for view in [&old, &new] {
        view.add_defaults(&DefaultsOf::Scope(ScopeKind::Guild), &defaults)
            .unwrap();
    }
    new.stage();
    set(&new, "bag.gems", 5.0);
    set(&old, "bag.coins", 2.0);
    assert_eq!(get(&new, "bag.coins"), Some(2.0.into()));
    new.commit();
    let bag = table([("coins", 2.0.into()), ("gems", 5.0.into())]);
    assert_eq!(get(&old, "bag"), Some(bag.into()));
}

#[test]
fn a_staged_write_into_a_table_that_was_removed_is_dropped() {
    let store = memory();
    let (old, new) = (cog(&store), cog(&store));
    set(&old, "bag", table([]));
    new.stage();
    set(&new, "bag.coins", 1.0);
    set(&new, "xp", 1.0);
    remove(&old, "bag");
    assert_eq!(get(&new, "bag"), None);
    new.commit();
    assert_eq!(get(&old, "bag"), None);
    assert_eq!(get(&old, "xp"), Some(1.0.into()));
}

#[test]
fn transactions_nest_and_roll_back() {
    let view = cog(&memory());
    set(&view, "a", 1.0);
    view.begin_transaction();
    set(&view, "a", 2.0);
    view.begin_transaction();
    set(&view, "a", 3.0);
    set(&view, "b", 3.0);
    view.rollback_transaction();
    assert_eq!(get(&view, "a"), Some(2.0.into()));
    view.begin_transaction();
    set(&view, "c", 4.0);
    assert_eq!(view.transactions(), 2);
    view.commit_transaction().unwrap();
    view.commit_transaction().unwrap();
    assert_eq!(get(&view, "a"), Some(2.0.into()));
    assert_eq!(get(&view, "b"), None);
    assert_eq!(get(&view, "c"), Some(4.0.into()));
    view.begin_transaction();
    remove(&view, "a");
    view.rollback_transaction();
    assert_eq!(get(&view, "a"), Some(2.0.into()));
}

#[test]
fn a_transaction_in_a_stage_goes_with_the_stage() {
    let store = memory();
    let (old, new) = (cog(&store), cog(&store));
    new.stage();
    set(&new, "a", 1.0);
    new.begin_transaction();
    set(&new, "b", 1.0);
    set(&old, "c", 1.0);
    assert_eq!(get(&new, "c"), Some(1.0.into()));
    new.commit_transaction().unwrap();
    assert_eq!(get(&old, "b"), None);
    new.commit();
    assert_eq!(old.entries(&HERE, &[]).unwrap().count(), 3);
}

#[test]
fn a_transaction_is_refused_if_what_it_read_has_changed() {
    let store = memory();
    let bank = Namespace::shared("bank");
    let (one, two) = (store.view(&bank), store.view(&bank));
    set(&one, "balance", 10.0);
    one.begin_transaction();
    assert_eq!(get(&one, "balance"), Some(10.0.into()));
    set(&two, "balance", 0.0);
    // It goes on seeing what it saw first.
    assert_eq!(get(&one, "balance"), Some(10.0.into()));
    set(&one, "balance", 5.0);
    let refused = one.commit_transaction().unwrap_err();
    assert_eq!(
        refused,
        StateError::Conflict {
            path: r#"state.guild["1"]"#.into()
        }
    );
    assert_eq!(get(&one, "balance"), Some(0.0.into()));
    assert_eq!(one.transactions(), 0);
}

#[test]
fn no_money_is_made_by_transfers_on_many_threads() {
    let store = memory();
    let bank = Namespace::shared("bank");
    set(&store.view(&bank), "a", 1_000.0);
    set(&store.view(&bank), "b", 1_000.0);
    let balance = |view: &View, of: &str| match get(view, of) {
        Some(Value::Number(number)) => number,
        _ => f64::NAN,
    };
    std::thread::scope(|scope| {
        for (from, to) in [("a", "b"), ("b", "a"), ("a", "b")] {
            let view = store.view(&bank);
            scope.spawn(move || {
                for _ in 0..200 {
                    loop {
                        view.begin_transaction();
                        set(&view, from, balance(&view, from) - 1.0);
                        set(&view, to, balance(&view, to) + 1.0);
                        if view.commit_transaction().is_ok() {
                            break;
                        }
                    }
                }
            });
        }
    });
    let view = store.view(&bank);
    assert_eq!((balance(&view, "a"), balance(&view, "b")), (800.0, 1_200.0));
}

#[test]
fn transactions_span_the_namespaces_of_one_vm() {
    let store = memory();
    let own = cog(&store);
    let (bank, session) = (
        own.beside(&Namespace::shared("bank")),
        own.session_beside(&Namespace::cog("test")),
    );
    own.begin_transaction();
    for view in [&own, &bank, &session] {
        set(view, "x", 1.0);
    }
    own.rollback_transaction();
    for view in [&own, &bank, &session] {
        assert_eq!(get(view, "x"), None);
    }
    bank.begin_transaction();
    set(&own, "x", 1.0);
    set(&session, "x", 2.0);
    assert_eq!(get(&cog(&store), "x"), None);
    own.commit_transaction().unwrap();
    assert_eq!(get(&cog(&store), "x"), Some(1.0.into()));
    assert_eq!(get(&session, "x"), Some(2.0.into()));
}

#[test]
fn limits_hold_in_overlays_as_well() {
    let limits = StateLimits {
        namespace_bytes: 600,
        changes: 3,
        ..StateLimits::default()
    };
    let view = cog(&Store::open(StoreOptions { path: None, limits }).unwrap());
    let text = Value::from("x".repeat(100).as_str());
    view.begin_transaction();
    set(&view, "a", text.clone());
    view.begin_transaction();
    set(&view, "b", text.clone());
    assert!(matches!(
        view.set(&HERE, &path("c"), Some(text.clone())),
        Err(StateError::NamespaceSize { got: 688, .. })
    ));
    set(&view, "b", 1.0);
    set(&view, "c", 1.0);
    assert!(matches!(
        view.set(&HERE, &path("d"), Some(1.0.into())),
        Err(StateError::Changes { limit: 3, .. })
    ));
    view.commit_transaction().unwrap();
    view.commit_transaction().unwrap();
    assert_eq!(view.entries(&HERE, &[]).unwrap().count(), 3);
    assert_eq!(view.usage(), view.used());
}

#[test]
fn a_transaction_that_looks_at_too_much_is_refused_if_it_writes() {
    let limits = StateLimits {
        changes: 3,
        ..StateLimits::default()
    };
    let view = cog(&Store::open(StoreOptions { path: None, limits }).unwrap());
    for writes in [false, true] {
        view.begin_transaction();
        for id in 0..5 {
            assert_eq!(view.get(&StateScope::User(id), &path("x")), None);
        }
        if writes {
            set(&view, "x", 1.0);
        }
        let expected = if writes {
            Err(StateError::Looks { limit: 3 })
        } else {
            Ok(())
        };
        assert_eq!(view.commit_transaction(), expected);
        assert_eq!(get(&view, "x"), None);
    }
}
