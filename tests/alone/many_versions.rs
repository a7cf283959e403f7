//! Many versions of a cog, with the history on: six hundred, or with `COGSMITH_LONG_TESTS` ten thousand. What the
//! process and `var/` hold is what they held after the first hundred.

use crate::allocated::allocated;
use crate::support::{Stage, setup, times};
use crate::turn;
use cogsmith::history::MOST_VERSIONS;
use cogsmith::reload::controller::Ask;
use cogsmith::reload::report::Outcome;
use std::fmt::Write as _;
use std::path::Path;

/// After so many of them memory and files are measured for the first time.
const EARLY: usize = 100;

/// Has a timer of a name of its own in each version, and words that compress badly.
fn cog(version: usize) -> String {
    let mut noise = String::new();
    let mut number = version as u64 + 1;
    for _ in 0..60 {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let _always = write!(noise, "{:x}", number >> 20);
    }
    format!(
        r#"local cog = require("@cogsmith/cog")
local words = require("../utils/words")
-- {noise}
cog.command {{ name = "word", run = function(ctx) ctx:reply(words.word) end }}
cog.every("1h", function() end, {{ name = "timer {version}" }})
cog.on.message_create(function() end)
"#
    )
}

fn words(version: usize) -> String {
    format!("return {{ word = \"{}\" }}\n", version / 7)
}

/// Bytes of all files of a folder.
fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

#[derive(Debug)]
struct Standing {
    /// Bytes that the process has allocated, Luau's heap among them.
    allocated: usize,
    /// Bytes of `var/`.
    files: u64,
}

async fn standing(stage: &Stage) -> Standing {
    stage.bot.cogs.history.flush().await;
    stage.settled().await;
    Standing {
        allocated: allocated(),
        files: size(&stage.folder.path().join("var")),
    }
}

/// Saves a version and loads it, and sometimes goes back to the one before.
async fn make(stage: &Stage, version: usize) {
    stage.save("cogs/x.luau", &cog(version));
    if version.is_multiple_of(7) {
        stage.save("utils/words.luau", &words(version));
    }
    let ask = |ask| async move {
        let report = stage.bot.reload.ask(ask).await.unwrap().unwrap();
        assert_eq!(report.outcome, Outcome::Applied, "{report:#?}");
    };
    ask(Ask::Cog("x".to_owned())).await;
    if version.is_multiple_of(25) {
        ask(Ask::Undo("x".to_owned(), None)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_versions_leave_memory_and_files_as_they_were() {
    let _alone = turn().await;
    let versions = times(600, 10_000);
    let stage = setup(&[("cogs/x.luau", &cog(0)), ("utils/words.luau", &words(0))])
        .config(r#"{ "hot_reload": { "auto_reload_cogs": false, "log_reloads": false } }"#)
        .stored()
        .start()
        .await;
    for version in 1..=EARLY {
        make(&stage, version).await;
    }
    let early = standing(&stage).await;
    for version in EARLY + 1..=versions {
        make(&stage, version).await;
    }
    let late = standing(&stage).await;
    if std::env::var("COGSMITH_TEST_LOG").is_ok() {
        eprintln!("after {EARLY}: {early:?}");
        eprintln!("after {versions}: {late:?}");
    }
    let history = stage.bot.cogs.history.of("x").await.unwrap();
    assert_eq!(
        history.versions.len(),
        usize::try_from(MOST_VERSIONS).unwrap()
    );
    assert!(
        late.allocated * 100 <= early.allocated * 105,
        "{early:?} {late:?}"
    );
    // SQLite's log grows to its bound, and is overwritten then.
    assert!(late.files <= early.files + (5 << 20), "{early:?} {late:?}");
    stage.stop().await;
}
