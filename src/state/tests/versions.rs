//! Versions of entries, which `state.migrate` goes by.

use super::*;
use crate::state::{MemoryBackend, Outdated, ScopeKind, StateLimits};
use std::sync::Arc;

const ROWS: StateScope = StateScope::GuildRows(1);

fn version(view: &View, scope: &StateScope, at: &str) -> u32 {
    let entry = view.entries(scope, &path(at));
    entry.map_or(99, |entry| entry.version())
}

fn outdated(view: &View) -> Vec<Outdated> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (found, next) = view.outdated_after(after.as_ref(), &|_, _| true);
        all.extend(found);
        let Some(next) = next else {
            return all;
        };
        after = Some(next);
    }
}

#[tokio::test]
async fn an_entry_has_the_version_of_the_code_with_which_it_began_also_on_the_disk() {
    let backend = MemoryBackend::default();
    let open = || Store::with_backend(backend.clone(), StateLimits::default());
    let store = open().await.unwrap();
    let old = cog(&store);
    let new = old.clone().at_version(2);
    let write = |view: &View, scope: &StateScope, at: &str| {
        view.set(scope, &path(at), Some(1.0.into())).unwrap();
    };
    write(&old, &StateScope::User(1), "x");
    write(&new, &StateScope::User(2), "x");
    // Written into, an entry stays what it is; written as a whole, it is the writer's.
    write(&new, &StateScope::User(1), "y");
    write(&old, &StateScope::User(2), "y");
    for (view, key) in [(&old, "a"), (&new, "b")] {
        view.set(&ROWS, &path(&format!("tags.{key}")), Some(table([]).into()))
            .unwrap();
    }
    new.set(
        &StateScope::User(3),
        &[],
        Some(table([("x", 1.0.into())]).into()),
    )
    .unwrap();
    // One that was emptied begins anew.
    write(&new, &StateScope::User(4), "x");
    new.flush().committed().await.unwrap();
    new.set(&StateScope::User(4), &path("x"), None).unwrap();
    write(&old, &StateScope::User(4), "z");
    // In a transaction as well.
    new.begin_transaction();
    write(&new, &StateScope::User(5), "x");
    new.commit_transaction().unwrap();
    let check = |view: &View| {
        let of = |user| version(view, &StateScope::User(user), "");
        assert_eq!([of(1), of(2), of(3), of(4), of(5)], [0, 2, 2, 0, 2]);
        assert_eq!(version(view, &ROWS, "tags.a"), 0);
        assert_eq!(version(view, &ROWS, "tags.b"), 2);
        assert_eq!(outdated(&view.clone().at_version(2)).len(), 3);
        assert!(outdated(&view.clone()).is_empty());
    };
    check(&old);
    let usage = old.usage();
    store.close().await.unwrap();
    let reopened = cog(&open().await.unwrap());
    check(&reopened);
    assert_eq!(reopened.usage(), usage);
    assert_eq!(reopened.get(&StateScope::User(4), &path("x")), None);
}

#[test]
fn an_entry_that_has_changed_meanwhile_is_not_replaced() {
    let store = memory();
    let old = cog(&store);
    let new = cog(&store).at_version(1);
    let scope = StateScope::User(1);
    old.set(&scope, &path("x"), Some(1.0.into())).unwrap();
    let seen = new.outdated(&scope, &path("x.y")).unwrap();
    old.set(&scope, &path("x"), Some(2.0.into())).unwrap();
    assert!(!new.migrate(&seen, table([])).unwrap());
    let seen = new.outdated(&scope, &[]).unwrap();
    assert!(new.migrate(&seen, table([("y", 2.0.into())])).unwrap());
    assert!(!new.migrate(&seen, table([])).unwrap(), "not twice");
    assert!(new.outdated(&scope, &[]).is_none());
    assert_eq!(new.get(&scope, &path("y")), Some(2.0.into()));
}

/// What a generation looked at while it was prepared is no write, and what it wrote is.
#[test]
fn a_stage_keeps_no_entry_that_was_only_looked_at_and_has_changed() {
    let store = memory();
    let old = cog(&store);
    let scopes = [1, 2, 3].map(StateScope::User);
    for scope in &scopes {
        old.set(scope, &path("x"), Some(1.0.into())).unwrap();
    }
    let new = cog(&store).at_version(1);
    new.stage();
    for scope in &scopes {
        let seen = new.outdated(scope, &[]).unwrap();
        new.migrate(&seen, table([("y", 1.0.into())])).unwrap();
        assert_eq!(version(&old, scope, ""), 0, "only the stage sees it");
    }
    new.set(&scopes[2], &path("z"), Some(1.0.into())).unwrap();
    // The old version goes on.
    for scope in &scopes[1..] {
        old.set(scope, &path("x"), Some(5.0.into())).unwrap();
    }
    let again = new.outdated(&scopes[1], &[]).unwrap();
    assert_eq!(again.table.get(path("x")[0].as_ref()), Some(&5.0.into()));
    new.commit();
    let shown = scopes.map(|scope| {
        let entry = old.entries(&scope, &[]).unwrap();
        let names = entry
            .iter()
            .map(|(key, _)| key.to_key())
            .collect::<Vec<_>>();
        (entry.version(), names)
    });
    let keys = |names: &[&str]| names.iter().map(|it| Key::from(*it)).collect::<Vec<_>>();
    assert_eq!(shown[0], (1, keys(&["y"])));
    assert_eq!(
        shown[1],
        (0, keys(&["x"])),
        "it is migrated when its turn comes"
    );
    assert_eq!(
        shown[2],
        (1, keys(&["y", "z"])),
        "what was written is kept whole"
    );
}

#[test]
fn what_is_outdated_is_found_piece_by_piece() {
    let store = memory();
    let old = cog(&store);
    for number in 0..2_500_u64 {
        old.set(&StateScope::User(number), &path("x"), Some(1.0.into()))
            .unwrap();
        let row = [
            Key::from("tags"),
            Key::from(format!("{number:04}").as_str()),
        ];
        old.set(&ROWS, &row, Some(table([]).into())).unwrap();
    }
    let new = old.at_version(1);
    let found = outdated(&new);
    assert_eq!(found.len(), 5_000);
    let (first, next) = new.outdated_after(None, &|kind, _| kind == ScopeKind::GuildRows);
    assert_eq!(first.len(), 1_000);
    let place = first.last().map(|it| (it.scope, it.path.clone()));
    assert_eq!(next, place);
    for entry in found {
        let same = Arc::unwrap_or_clone(entry.table.clone());
        assert!(new.migrate(&entry, same).unwrap());
    }
    assert!(outdated(&new).is_empty());
}
