//! What the state counts towards `limits.state_mb` is what it costs.

use crate::allocated::allocated;
use cogsmith::state::{
    Key, MemoryBackend, Namespace, StateLimits, StateScope, StateTable, Store, Value, View,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// How far the count may be from what is allocated, either way.
const MOST_TIMES: usize = 3;
const MOST_TIMES_OF: usize = 2;
/// Differences that do not matter.
const SMALL: usize = 8 << 10;

/// A view that has room for everything, in memory alone.
fn view() -> View {
    let limits = StateLimits {
        namespace_bytes: usize::MAX,
        value_bytes: usize::MAX,
        ..StateLimits::default()
    };
    let options = cogsmith::state::StoreOptions { path: None, limits };
    Store::open(options)
        .unwrap()
        .session(&Namespace::cog("test"))
}

fn set(view: &View, scope: StateScope, path: &[Key], value: impl Into<Value>) {
    view.set(&scope, path, Some(value.into())).unwrap();
}

/// Numbers in no order, always the same.
fn scattered(count: usize) -> impl Iterator<Item = u64> {
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    (0..count).map(move |_| rng.next_u64() >> 12)
}

fn key(number: u64) -> Key {
    Key::Int(number.cast_signed())
}

fn name(text: &str) -> Key {
    Key::from(text)
}

fn within(what: &str, real: usize, counted: usize) {
    let close = |one: usize, two: usize| one * MOST_TIMES_OF <= two * MOST_TIMES + SMALL;
    assert!(
        close(real, counted) && close(counted, real),
        "{what}: {counted} bytes are counted, and {real} are allocated"
    );
}

/// Builds a shape, and compares what it counts with what it allocates.
fn weigh(what: &str, build: impl FnOnce(&View)) {
    let view = view();
    let before = allocated();
    build(&view);
    let real = allocated() - before;
    within(what, real, view.usage());
}

fn scopes_and_fields() {
    weigh("one field for each of many users", |view| {
        for id in scattered(20_000) {
            set(view, StateScope::User(id), &[name("x")], true);
        }
    });
    weigh("the same, in the order of their ids", |view| {
        for id in 0..20_000 {
            set(view, StateScope::Member(1, id), &[name("x")], true);
        }
    });
    weigh("some fields for each of many members", |view| {
        for id in scattered(5_000) {
            for field in ["xp", "level", "last", "a rather long name of a field"] {
                set(view, StateScope::Member(7, id), &[name(field)], 1.0);
            }
        }
    });
    weigh("one scope with many fields", |view| {
        for id in scattered(20_000) {
            set(view, StateScope::Global, &[name(&id.to_string())], true);
        }
    });
    weigh("the same, in order", |view| {
        for id in 1_000_000..1_020_000 {
            set(view, StateScope::Global, &[name(&id.to_string())], true);
        }
    });
}

fn tables_and_texts() {
    weigh("tables within each other", |view| {
        for id in 0..500 {
            let mut path = Vec::new();
            for depth in 0..30 {
                path.push(key(depth));
                set(view, StateScope::Guild(id), &path, StateTable::new());
            }
        }
    });
    weigh("many empty tables", |view| {
        for id in 1..20_000 {
            set(view, StateScope::Global, &[key(id)], StateTable::new());
        }
    });
    for (what, length) in [("short", 3), ("medium", 30), ("long", 20_000)] {
        weigh(&format!("many {what} texts"), |view| {
            for id in 1..2_000 {
                set(
                    view,
                    StateScope::Global,
                    &[key(id)],
                    "x".repeat(length).as_str(),
                );
            }
        });
    }
}

fn numbers() {
    weigh("numbers with holes between them", |view| {
        for id in scattered(20_000) {
            set(view, StateScope::Global, &[key(id)], 1.0);
        }
    });
    weigh("numbers with one hole between each two", |view| {
        for id in 1..20_000 {
            set(view, StateScope::Global, &[key(id * 2)], 1.0);
        }
    });
    weigh("a list", |view| {
        for id in 1..20_000 {
            set(view, StateScope::Global, &[key(id)], 1.0);
        }
    });
}

fn rows() {
    for (what, fields) in [
        ("empty rows", 0),
        ("rows of one field", 1),
        ("rows of some fields", 4),
    ] {
        weigh(what, |view| {
            for id in scattered(5_000) {
                let path = [name("tags"), name(&id.to_string())];
                let row: StateTable = (0..fields)
                    .map(|it| (it.to_string(), 1.0))
                    .map(|(key, value)| (Key::from(key.as_str()), Value::from(value)))
                    .collect();
                set(view, StateScope::GuildRows(1), &path, row);
            }
            for id in scattered(5_000).filter(|id| id % 3 == 0) {
                let path = [name("tags"), name(&id.to_string())];
                view.set(&StateScope::GuildRows(1), &path, None).unwrap();
            }
        });
    }
}

fn few_and_many() {
    for entries in [2, 7, 15, 16, 17, 20, 40] {
        weigh(&format!("tables of {entries} entries"), |view| {
            for id in 0..500 {
                for entry in 0..entries {
                    let path = match id % 3 {
                        0 => key(entry + 1),
                        1 => key(entry * 3),
                        _ => name(&entry.to_string()),
                    };
                    set(view, StateScope::Role(id), &[path], true);
                }
            }
        });
    }
}

fn what_is_left() {
    weigh("a list whose end is taken away", |view| {
        for id in 1..20_000 {
            set(view, StateScope::Global, &[key(id)], 1.0);
        }
        for id in (5_000..20_000).rev() {
            view.set(&StateScope::Global, &[key(id)], None).unwrap();
        }
    });
    weigh("a list whose beginning is taken away", |view| {
        for id in 1..20_000 {
            set(view, StateScope::Global, &[key(id)], 1.0);
        }
        view.set(&StateScope::Global, &[key(1)], None).unwrap();
    });
    weigh("scopes and fields of which few are left", |view| {
        for id in scattered(20_000) {
            set(view, StateScope::User(id), &[name("x")], 1.0);
            set(view, StateScope::Global, &[name(&id.to_string())], 1.0);
            set(view, StateScope::Guild(1), &[key(id)], 1.0);
        }
        for id in scattered(20_000).filter(|id| id % 10 != 0) {
            view.forget(&StateScope::User(id)).unwrap();
            let named = name(&id.to_string());
            view.set(&StateScope::Global, &[named], None).unwrap();
            view.set(&StateScope::Guild(1), &[key(id)], None).unwrap();
        }
    });
}

/// Scopes, entries in each, their keys' kind and their values' kind.
fn random_shape() -> impl Strategy<Value = Vec<(u16, u8, u8, u8)>> {
    prop::collection::vec((1..400_u16, 0..60_u8, 0..4_u8, 0..6_u8), 1..6)
}

fn build(view: &View, shape: &[(u16, u8, u8, u8)]) {
    for (scopes, entries, keys, values) in shape {
        for scope in 0..*scopes {
            for entry in 0..*entries {
                let key = match keys {
                    0 => key(u64::from(entry) + 1),
                    1 => key(u64::from(entry) * 7),
                    2 => name(&format!("{entry}")),
                    _ => name(&format!("{entry}, which has a name that is not short")),
                };
                let value = match values {
                    0 => true.into(),
                    1 => 1.0.into(),
                    2 => "text".into(),
                    3 => "a text that is too long to be kept in place".into(),
                    4 => StateTable::new().into(),
                    _ => Value::from([("a", 1.0), ("b", 2.0)].into_iter().collect::<StateTable>()),
                };
                let scope = StateScope::Member(u64::from(*keys), u64::from(scope) + 1);
                set(view, scope, &[key], value);
            }
        }
    }
}

/// What waits for the disk is at most about as much again as the state.
async fn waiting_for_the_disk() {
    let backend = MemoryBackend::default();
    let limits = StateLimits {
        namespace_bytes: usize::MAX,
        ..StateLimits::default()
    };
    let store = Store::with_backend(backend, limits).await.unwrap();
    let view = store.view(&Namespace::cog("test"));
    let before = allocated();
    for id in scattered(20_000) {
        set(&view, StateScope::User(id), &[name("x")], true);
    }
    let real = allocated() - before;
    assert!(
        real < view.usage() * 5 / 2,
        "{real} bytes are allocated for a state of {}",
        view.usage()
    );
    store.close().await.unwrap();
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn what_is_counted_is_what_it_costs() {
    scopes_and_fields();
    tables_and_texts();
    numbers();
    few_and_many();
    rows();
    what_is_left();
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&random_shape(), |shape| {
        weigh(&format!("{shape:?}"), |view| build(view, &shape));
        Ok(())
    });
    outcome.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(waiting_for_the_disk());
}
