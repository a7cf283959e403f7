use super::*;
use crate::reload::sources::Snapshot;
use crate::vm::resolve::{ModuleId, Modules as _};
use std::collections::BTreeMap;

fn source(file: &str, text: &str) -> Arc<Source> {
    let id = ModuleId::named(file);
    Arc::new(Source::new(id, text))
}

fn version(cog: &str, at: f64, modules: &[(&str, &str)]) -> NewVersion {
    let modules: Vec<_> = modules
        .iter()
        .map(|(file, text)| source(file, text))
        .collect();
    NewVersion {
        cog: cog.into(),
        at,
        cause: Cause::Files { files: vec![] },
        entry: modules[0].id.clone(),
        modules,
        aliases: BTreeMap::new(),
        of: None,
        former: (0, 0),
    }
}

fn history() -> (tempfile::TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("var/history.db")).unwrap();
    (folder, history)
}

fn numbers(history: &History, cog: &str) -> Vec<u32> {
    let versions = history.of_now(cog).unwrap().versions;
    versions.iter().map(|version| version.number).collect()
}

fn changes(history: &History, cog: &str) -> Vec<(String, &'static str)> {
    let newest = history.of_now(cog).unwrap().versions.remove(0);
    let differs = newest.differs.into_iter();
    differs.map(|it| (it.file, it.change)).collect()
}

#[test]
fn the_same_again_is_no_new_version() {
    let (_folder, history) = history();
    let both = [("cogs/a.luau", "one"), ("services/s.luau", "s")];
    history.record(version("a", 1.0, &both));
    // Without what handlers had required, and then with it.
    history.record(version("a", 2.0, &both));
    history.add_modules("a", vec![source("services/late.luau", "late")]);
    history.record(version("a", 3.0, &both));
    let with_late = [both[0], both[1], ("services/late.luau", "late")];
    history.record(version("a", 4.0, &with_late));
    assert_eq!(numbers(&history, "a"), [1]);
    assert_eq!(history.of_now("a").unwrap().versions[0].rebuilt, 3);
    assert_eq!(history.sources_now("a", 1).unwrap().modules.len(), 3);
    // What a handler of the version before had required was not removed.
    history.record(version("a", 5.0, &[("cogs/a.luau", "two"), both[1]]));
    assert_eq!(
        changes(&history, "a"),
        [("lua/cogs/a.luau".into(), "changed")]
    );
    history.record(version("a", 6.0, &[("cogs/a.luau", "two")]));
    assert_eq!(
        changes(&history, "a"),
        [("lua/services/s.luau".into(), "removed")]
    );
    history.record(version("a", 7.0, &both));
    let all = [
        ("lua/cogs/a.luau".into(), "changed"),
        ("lua/services/s.luau".into(), "added"),
    ];
    assert_eq!(changes(&history, "a"), all);
    // The same text in another file is another version: errors name the file.
    history.record(version("a", 8.0, &[("cogs/a.lua", "one"), both[1]]));
    assert_eq!(numbers(&history, "a"), [5, 4, 3, 2, 1]);
}

#[test]
fn the_version_before_is_the_last_one_that_said_something_else() {
    let (_folder, history) = history();
    let text = |text| [("cogs/a.luau", text)];
    let before = || {
        let shared = history.shared.as_ref().unwrap();
        shared.write().before("a").map(|kept| kept.number)
    };
    assert_eq!(before(), Err(HistoryError::Unknown("a".into())));
    history.record(version("a", 1.0, &text("one")));
    assert_eq!(before(), Err(HistoryError::NoneBefore("a".into())));
    history.record(version("a", 2.0, &text("two")));
    history.record(version("a", 3.0, &text("one")));
    history.record(version("a", 4.0, &text("two")));
    // 3 says what 1 says: both differ from what runs.
    assert_eq!(before(), Ok(3));
    history.record(NewVersion {
        of: Some(3),
        ..version("a", 5.0, &text("one"))
    });
    assert_eq!(before(), Ok(2));
    history.record(NewVersion {
        of: Some(2),
        ..version("a", 6.0, &text("two"))
    });
    assert_eq!(before(), Ok(1));
}

#[test]
fn old_versions_go_with_the_texts_that_nobody_else_has() {
    let (folder, history) = history();
    let shared = ("services/s.luau", "shared by all");
    for number in 0..30 {
        let text = format!("version {number}");
        history.record(version(
            "a",
            f64::from(number),
            &[("cogs/a.luau", &text), shared],
        ));
        history.failed(
            "a",
            FailedLoad {
                at: f64::from(number),
                cause: Cause::Start {},
                problem: format!("problem {number}"),
            },
        );
    }
    assert_eq!(numbers(&history, "a"), (21..=30).rev().collect::<Vec<_>>());
    let known = history.of_now("a").unwrap();
    assert_eq!(known.failed.len(), MOST_ATTEMPTS as usize);
    assert_eq!(known.failed[0].problem, "problem 29");
    let told = history.sources_now("a", 20).unwrap_err().to_string();
    assert!(
        told.starts_with("version 20 of the cog \"a\" is not kept; kept are 21, 22,"),
        "{told}"
    );
    let kept = history.sources_now("a", 21).unwrap();
    assert_eq!(&*kept.modules[&ModuleId::new("cogs/a")].text, "version 20");
    drop(history);
    let path = folder.path().join("var/history.db");
    let texts: i64 = rusqlite::Connection::open(path)
        .unwrap()
        .query_row("SELECT count(*) FROM texts", [], |row| row.get(0))
        .unwrap();
    assert_eq!(texts, 11);
}

#[test]
fn what_was_undone_is_known_after_a_restart_until_a_file_says_something_else() {
    let (folder, history) = history();
    history.record(version(
        "a",
        1.0,
        &[("cogs/a.luau", "one"), ("services/s.luau", "s")],
    ));
    history.record(version("a", 2.0, &[("cogs/a.luau", "two")]));
    let now = Snapshot::of_texts([("cogs/a.luau", "two"), ("services/s.luau", "s")]);
    let kept = Arc::new(history.sources_now("a", 1).unwrap());
    let files = ["cogs/a", "services/s", "services/none"].map(ModuleId::new);
    let undone = Undone::new(Arc::clone(&kept), (3.0, "anna".into()), files, &now);
    history.record(NewVersion {
        of: Some(1),
        ..version(
            "a",
            3.0,
            &[("cogs/a.luau", "one"), ("services/s.luau", "s")],
        )
    });
    history.undone(undone.record(&now));
    drop(history);
    let history = History::open(&folder.path().join("var/history.db")).unwrap();
    let known = || {
        let shared = history.shared.as_ref().unwrap();
        shared.write().all_undone().unwrap()
    };
    let resumed = known().remove(0).resume(&now).unwrap();
    assert_eq!(
        (resumed.kept.number, resumed.since, resumed.by.as_str()),
        (1, 3.0, "anna")
    );
    let over = KeptSources::over(&resumed.kept, Arc::new(now));
    assert_eq!(&*over.source(&ModuleId::new("cogs/a")).unwrap().text, "one");
    for texts in [
        vec![("cogs/a.luau", "three"), ("services/s.luau", "s")],
        vec![("cogs/a.luau", "two")],
        vec![
            ("cogs/a.luau", "two"),
            ("services/s.luau", "s"),
            ("services/none.luau", ""),
        ],
    ] {
        let later = Snapshot::of_texts(texts.clone());
        assert!(known().remove(0).resume(&later).is_none(), "{texts:?}");
    }
    history.redone("a");
    assert!(known().is_empty());
}

#[test]
fn a_reader_beside_the_bot_sees_what_it_has_written() {
    let (folder, history) = history();
    history.record(version("a", 1.0, &[("cogs/a.luau", "one")]));
    let path = folder.path().join("var/history.db");
    let reader = History::read(&path).unwrap();
    assert_eq!(reader.cogs_now().unwrap(), ["a"]);
    history.record(version("b", 1.0, &[("cogs/b.luau", "one")]));
    assert_eq!(reader.cogs_now().unwrap(), ["a", "b"]);
    assert_eq!(reader.of_now("c"), Err(HistoryError::Unknown("c".into())));
}
