//! Files that cannot be taken, and what is told of them.

use crate::support::{answering, cogs_of, command, problems_of, setup};
use cogsmith::reload::report::CogOutcome;
use std::fs;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn two_files_for_one_cog_are_an_error_that_names_both_and_the_running_one_stays() {
    for second in ["cogs/a/init.luau", "cogs/a.lua"] {
        let mut stage = setup(&[("cogs/a.luau", &answering("a", "first"))])
            .start()
            .await;
        stage.save(second, &answering("a", "second"));
        let report = stage.failed().await;
        let text = problems_of(&report);
        assert!(text.contains("lua/cogs/a.luau"), "{text}");
        assert!(text.contains(&format!("lua/{second}")), "{text}");
        assert_eq!(stage.ask("!a").await, "first");
        let told = stage.ask("!reload cog a").await;
        assert!(told.contains("lua/cogs/a.luau"), "{told}");
        stage.failed().await;
        assert_eq!(stage.ask("!a").await, "first");
        stage.delete("cogs/a.luau");
        stage.applied().await;
        assert_eq!(stage.ask("!a").await, "second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_modules_are_reported_and_hurt_nothing_changed() {
    let mut stage = setup(&[
        ("cogs/ping.luau", &answering("ping", "pong")),
        ("cogs/other.luau", &answering("other", "other")),
    ])
    .start()
    .await;
    let long = vec![b' '; 50 << 20];
    let wide: Vec<u8> = answering("ping", "wide")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = [b"\xff\xfe", &wide[..]].concat();
    let cases: [(&[u8], &str); 6] = [
        (&wide, "is UTF-16 text; save it as UTF-8"),
        (&marked, "UTF-16 text"),
        (b"return \"\xff\xfe\"", "UTF-8"),
        (&long, "bytes"),
        (b"\x06\x01\x02 bytecode", "bytecode"),
        (b"return 1\0", "zero byte"),
    ];
    for (bytes, wanted) in cases {
        // By rename, so that a long one is noticed once.
        fs::write(stage.path("made"), bytes).unwrap();
        fs::rename(stage.path("made"), stage.path("cogs/ping.luau")).unwrap();
        let report = stage.failed().await;
        let text = problems_of(&report);
        assert!(
            text.contains("lua/cogs/ping.luau") && text.contains(wanted),
            "{text}"
        );
        assert_eq!(stage.ask("!ping").await, "pong");
        stage.save("cogs/other.luau", &answering("other", wanted));
        let report = stage.applied().await;
        assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["other"]);
        stage.save("cogs/ping.luau", &answering("ping", "pong"));
        let report = stage.applied().await;
        assert_eq!(
            report.changed,
            ["lua/cogs/ping.luau"],
            "the banner is cleared"
        );
        assert!(report.cogs.is_empty(), "it is just what runs");
    }
    fs::create_dir(stage.path("cogs/folder.luau")).unwrap();
    let text = problems_of(&*stage.failed().await);
    assert!(text.contains("lua/cogs/folder.luau is a folder"), "{text}");
    assert_eq!(stage.ask("!other").await, "zero byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_to_what_cannot_be_written_is_told_with_what_to_write_instead() {
    let mut stage = setup(&[("utils/shared.luau", "return { list = {} }")])
        .start()
        .await;
    for (code, wanted) in [
        (
            "state.coins = 5",
            "`state.coins` cannot be set; nothing can be stored in the state itself: write to a part of it, such as state.global.coins",
        ),
        (
            "state.session.x = 1",
            "`state.session.x` cannot be set; nothing can be stored in the session itself",
        ),
        (
            "state.user.x = 1",
            "`state.user` is a function: say whose part of the state you mean, as in state.user(user_id).x",
        ),
        (
            "cog.name = \"other\"",
            "`cog.name` cannot be set; a cog is named after its file",
        ),
        (
            "cog.mine = 1",
            "`cog.mine` cannot be set; objects of the host",
        ),
        (
            "string.format = nil",
            "`string.format` cannot be set; Luau's libraries",
        ),
        (
            "shared.list[1] = 2",
            "`shared.list[1]` cannot be set; what a module returns is frozen",
        ),
        (
            "table.insert(shared.list, 2)",
            "`shared.list[…]` cannot be set; what a module returns is frozen",
        ),
    ] {
        let head = "-- A cog.
local state = require(\"@cogsmith/state\")
local cog = require(\"@cogsmith/cog\")
local shared = require(\"../utils/shared\")";
        stage.save("cogs/bad.luau", &format!("{head}\n{code}\n"));
        let report = stage.failed().await;
        let problem = &report.problems[0];
        assert!(
            problem.message.contains(wanted),
            "{code}: {}",
            problem.message
        );
        let place = problem.place.as_ref().unwrap();
        assert_eq!(
            (place.file.as_str(), place.line),
            ("lua/cogs/bad.luau", 5),
            "{code}"
        );
    }
}

/// Set for a run of a test that has given up the administrator's right to read everything.
#[cfg(target_os = "linux")]
const WITHOUT_RIGHTS: &str = "COGSMITH_TEST_WITHOUT_RIGHTS";

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_file_is_reported_and_nothing_else_is_affected() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut stage = setup(&[
        ("cogs/ping.luau", &answering("ping", "pong")),
        ("cogs/other.luau", &answering("other", "one")),
    ])
    .start()
    .await;
    let made = stage.path("made");
    fs::write(&made, answering("ping", "locked")).unwrap();
    fs::set_permissions(&made, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&made).is_ok() {
        // The system's administrator may read everything: the same again without that right.
        assert!(std::env::var_os(WITHOUT_RIGHTS).is_none());
        let rights = "-dac_override,-dac_read_search";
        let (_program, module) = module_path!().split_once("::").unwrap();
        let own = format!("{module}::an_unreadable_file_is_reported_and_nothing_else_is_affected");
        let again = Command::new("setpriv")
            .arg(format!("--bounding-set={rights}"))
            .arg(format!("--inh-caps={rights}"))
            .arg(std::env::current_exe().unwrap())
            .args([own.as_str(), "--exact"])
            .env(WITHOUT_RIGHTS, "1")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success(), "{told}");
        assert!(told.contains("1 passed"), "{told}");
        return;
    }
    fs::rename(&made, stage.path("cogs/ping.luau")).unwrap();
    let text = problems_of(&*stage.failed().await);
    assert!(text.contains("lua/cogs/ping.luau cannot be read"), "{text}");
    assert_eq!(stage.ask("!ping").await, "pong");
    stage.save("cogs/other.luau", &answering("other", "two"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["other"]);
    assert_eq!(stage.ask("!other").await, "two");
    let cog = stage.path("cogs/ping.luau");
    fs::set_permissions(cog, fs::Permissions::from_mode(0o600)).unwrap();
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "locked");
}

/// A cog that uses a file which cannot be taken waits with its other edits, too, and the report says so.
#[tokio::test(flavor = "multi_thread")]
async fn edits_of_a_cog_that_uses_a_file_which_cannot_be_taken_wait_and_are_told() {
    let user = |text: &str| {
        let body = format!("ctx:reply(text .. \" {text}\")");
        "local text = require(\"../utils/text\")\n".to_owned() + &command("a", &body)
    };
    let mut stage = setup(&[
        ("utils/text.luau", "return \"first\""),
        ("cogs/a.luau", &user("1")),
    ])
    .start()
    .await;
    stage.save("utils/text.lua", "return \"second\"");
    stage.failed().await;
    for text in ["2", "3"] {
        stage.save("cogs/a.luau", &user(text));
        let told = problems_of(&*stage.failed().await);
        assert!(told.contains("lua/cogs/a.luau is not taken yet"), "{told}");
        assert!(told.contains("lua/utils/text.luau"), "{told}");
        assert!(told.contains("lua/utils/text.lua"), "{told}");
        assert_eq!(stage.ask("!a").await, "first 1");
    }
    stage.delete("utils/text.lua");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a"]);
    assert_eq!(stage.ask("!a").await, "first 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_for_one_module_are_an_error_that_names_both_and_the_running_one_stays() {
    let user =
        "local text = require(\"../utils/text\")\n".to_owned() + &command("a", "ctx:reply(text)");
    for second in ["utils/text/init.luau", "utils/text.lua"] {
        let mut stage = setup(&[
            ("utils/text.luau", "return \"first\""),
            ("cogs/a.luau", &user),
        ])
        .start()
        .await;
        stage.save(second, "return \"second\"");
        let text = problems_of(&*stage.failed().await);
        assert!(text.contains("lua/utils/text.luau"), "{text}");
        assert!(text.contains(&format!("lua/{second}")), "{text}");
        assert_eq!(stage.ask("!a").await, "first");
        assert_eq!(stage.version("a"), 1);
        stage.delete("utils/text.luau");
        let report = stage.applied().await;
        assert_eq!(
            cogs_of(&report, CogOutcome::Reloaded),
            ["a"],
            "{second}: {report:#?}"
        );
        assert_eq!(stage.ask("!a").await, "second");
    }
}
