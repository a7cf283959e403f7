//! `cogsmith history`: what the cogs have run.

use super::cli::{cogsmith, folder};
use cogsmith::history::{Cause, FailedLoad, History, NewVersion};
use cogsmith::vm::resolve::{ModuleId, Source};
use insta::assert_snapshot;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn record(folder: &Path) {
    let history = History::open(&folder.join("var/history.db")).unwrap();
    let version = |at: f64, cause: Cause, texts: &[(&str, &str)]| {
        let modules = texts.iter().map(|(stem, text)| {
            let id = ModuleId::new(stem);
            Arc::new(Source::new(id, *text))
        });
        NewVersion {
            cog: "ping".into(),
            at,
            cause,
            entry: ModuleId::new("cogs/ping"),
            modules: modules.collect(),
            aliases: BTreeMap::new(),
            of: None,
            former: (7, 2),
        }
    };
    let first = "local cog = 1\n\nreturn cog\n";
    history.record(version(0.0, Cause::Start {}, &[("cogs/ping", first)]));
    let files = vec!["lua/cogs/ping.luau".to_owned()];
    history.record(version(
        60.0,
        Cause::Files { files },
        &[
            ("cogs/ping", "local cog = 2\n\nreturn cog\n"),
            ("services/words", "return 1\n"),
        ],
    ));
    let failed = FailedLoad {
        at: 120.0,
        cause: Cause::Command {
            by: "anna (1)\u{1b}[2J".into(),
        },
        problem: "lua/cogs/ping.luau:3: it broke".into(),
    };
    history.failed("ping", failed);
    let by = "ben (2)".to_owned();
    history.record(NewVersion {
        of: Some(1),
        ..version(180.0, Cause::Undo { by }, &[("cogs/ping", first)])
    });
}

#[test]
fn the_versions_of_a_cog_and_what_differs_between_two() {
    let here = folder(&[("config.json", "{}")]);
    assert_snapshot!(cogsmith(here.path(), &["history", "ping"], &[]), @r#"
    exit 2
    -- stdout
    -- stderr
    There is no FOLDER/var/history.db: the bot writes it when it loads its cogs.
    "#);
    record(here.path());
    assert_snapshot!(cogsmith(here.path(), &["history"], &[]), @r#"
    exit 0
    -- stdout
    ping
    -- stderr
    "#);
    assert_snapshot!(cogsmith(here.path(), &["history", "ping"], &[]), @r#"
    exit 0
    -- stdout
       3  1970-01-01 00:03:00Z  version 1 put back by ben (2)  (the last one)
          changed  lua/cogs/ping.luau
          removed  lua/services/words.luau
       2  1970-01-01 00:01:00Z  saved: lua/cogs/ping.luau
          changed  lua/cogs/ping.luau
          added    lua/services/words.luau
          handlers 7, failed 2
       1  1970-01-01 00:00:00Z  the bot started
          added    lua/cogs/ping.luau
          handlers 7, failed 2
    Could not be loaded:
          1970-01-01 00:02:00Z  reloaded by anna (1)\u{1b}[2J: lua/cogs/ping.luau:3: it broke
    -- stderr
    "#);
    assert_snapshot!(cogsmith(here.path(), &["history", "ping", "--diff", "1", "2"], &[]), @r#"
    exit 0
    -- stdout
    --- lua/cogs/ping.luau (version 1)
    +++ lua/cogs/ping.luau (version 2)
    @@ -1,3 +1,3 @@
    -local cog = 1
    +local cog = 2
     
     return cog
    --- /dev/null
    +++ lua/services/words.luau (version 2)
    @@ -0,0 +1 @@
    +return 1

    -- stderr
    "#);
    assert_snapshot!(cogsmith(here.path(), &["history", "ping", "--diff", "1", "3"], &[]), @r#"
    exit 0
    -- stdout
    The two say the same.
    -- stderr
    "#);
    assert_snapshot!(cogsmith(here.path(), &["history", "ping", "--diff", "1", "9"], &[]), @r#"
    exit 2
    -- stdout
    -- stderr
    Version 9 of the cog "ping" is not kept; kept are 1, 2, 3.
    "#);
    assert_snapshot!(cogsmith(here.path(), &["history", "pnig"], &[]), @r#"
    exit 2
    -- stdout
    -- stderr
    There is no history of a cog "pnig". Did you mean ping?
    "#);
}
