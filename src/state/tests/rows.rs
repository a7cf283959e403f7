//! Rows: many small tables in one scope, each with the defaults of its name.

use super::*;
use crate::state::{MemoryBackend, ScopeKind, StateLimits};

const ROWS: StateScope = StateScope::GuildRows(1);

fn with_shape(store: &Store) -> View {
    let view = cog(store);
    let shape = table([
        ("uses", 0.0.into()),
        ("log", table([("1", 1.0.into())]).into()),
    ]);
    let of = DefaultsOf::Rows(ScopeKind::GuildRows, "tags".into());
    view.add_defaults(&of, &shape).unwrap();
    view
}

fn get(view: &View, at: &str) -> Option<Value> {
    view.get(&ROWS, &path(at))
}

fn set(view: &View, at: &str, value: impl Into<Value>) {
    view.set(&ROWS, &path(at), Some(value.into())).unwrap();
}

#[test]
fn the_first_row_needs_no_table_around_it_and_shows_its_shape() {
    let view = with_shape(&memory());
    assert_eq!(get(&view, "tags.a.uses"), None, "there is no such row");
    assert_eq!(view.count(&ROWS, &path("tags")), None);
    assert_eq!(view.entries(&ROWS, &path("tags.a")), None);
    let early = view.set(&ROWS, &path("tags.a.uses"), Some(1.0.into()));
    assert!(
        early.is_err(),
        "nothing is written below a row that is not there"
    );
    assert_eq!(view.usage(), 0);
    set(&view, "tags.a", table([]));
    assert_eq!(get(&view, "tags.a.uses"), Some(0.0.into()));
    assert_eq!(get(&view, "tags.a.log.1"), Some(1.0.into()));
    assert_eq!(view.count(&ROWS, &path("tags")), Some(1));
    assert_eq!(
        view.count(&ROWS, &path("tags.a")),
        Some(0),
        "reading stores nothing"
    );
    set(&view, "tags.a.log.2", 2.0);
    let log = view.entries(&ROWS, &path("tags.a.log")).unwrap();
    assert_eq!(log.count(), 2, "the default was copied whole");
    view.set(&ROWS, &path("tags.a.log"), None).unwrap();
    assert_eq!(get(&view, "tags.a.log.1"), Some(1.0.into()));
    // Rows of another name, and of another guild, have no such shape.
    set(&view, "other.a", table([]));
    assert_eq!(get(&view, "other.a.uses"), None);
    let elsewhere = StateScope::GuildRows(2);
    view.set(&elsewhere, &path("tags.b"), Some(table([]).into()))
        .unwrap();
    assert_eq!(view.get(&elsewhere, &path("tags.b.uses")), Some(0.0.into()));
    view.set(&ROWS, &path("tags.a"), None).unwrap();
    assert_eq!(get(&view, "tags.a"), None);
    assert_eq!(view.count(&ROWS, &path("tags")), Some(0));
}

#[test]
fn a_snapshot_of_many_rows_stays_as_it_is_while_rows_are_written() {
    let view = with_shape(&memory());
    for number in 0..2_000 {
        set(
            &view,
            &format!("tags.k{number:04}"),
            table([("uses", 1.0.into())]),
        );
    }
    let before = view.entries(&ROWS, &path("tags")).unwrap();
    for number in (0..2_000).step_by(2) {
        view.set(&ROWS, &path(&format!("tags.k{number:04}")), None)
            .unwrap();
    }
    set(&view, "tags.k0001.uses", 2.0);
    assert_eq!(before.count(), 2_000);
    let row = before.get(crate::state::KeyRef::Str(b"k0001")).unwrap();
    assert_eq!(
        row.as_table().unwrap().get(path("uses")[0].as_ref()),
        Some(&1.0.into())
    );
    assert_eq!(view.count(&ROWS, &path("tags")), Some(1_000));
    let page = |backwards| {
        let now = view.entries(&ROWS, &path("tags")).unwrap();
        let names = now
            .named_with(b"k00", backwards)
            .map(|(key, _)| key.to_vec());
        names.take(2).collect::<Vec<_>>()
    };
    assert_eq!(page(false), [b"k0001", b"k0003"]);
    assert_eq!(page(true), [b"k0099", b"k0097"]);
}

#[tokio::test]
async fn rows_and_their_absence_are_on_the_disk() {
    let backend = MemoryBackend::default();
    let open = || Store::with_backend(backend.clone(), StateLimits::default());
    let store = open().await.unwrap();
    let view = with_shape(&store);
    set(&view, "tags.a", table([("uses", 3.0.into())]));
    set(&view, "tags.b", table([]));
    view.flush().committed().await.unwrap();
    view.set(&ROWS, &path("tags.a"), None).unwrap();
    view.begin_transaction();
    set(&view, "tags.c", table([]));
    set(&view, "fresh.d", table([("x", 1.0.into())]));
    view.commit_transaction().unwrap();
    let usage = view.usage();
    store.close().await.unwrap();
    let view = with_shape(&open().await.unwrap());
    assert_eq!(get(&view, "tags.a"), None);
    assert_eq!(get(&view, "tags.b.uses"), Some(0.0.into()));
    assert_eq!(get(&view, "tags.c.uses"), Some(0.0.into()));
    assert_eq!(get(&view, "fresh.d.x"), Some(1.0.into()));
    assert_eq!(view.usage(), usage);
}
