//! `cogsmith spec`: snapshots, coverage, and runs that begin again with each change.

use super::cli::{cogsmith, folder};
use insta::assert_snapshot;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

const COG: &str = r#"local cog = require("@cogsmith/cog")
local greeting = require("../utils/greeting")
cog.command {
    name = "hi",
    run = function(ctx)
        if ctx.author.username == "nobody" then
            ctx:reply("never")
        end
        ctx:reply { content = greeting.to(ctx.author), embeds = { { title = "Rules", description = "Be kind" } } }
    end,
}
"#;
const GREETING: &str = r#"local greeting = {}
function greeting.to(user: any): string
    return `Hello <@{user.id}>,\nwelcome!`
end
function greeting.unused()
    return 1
end
return greeting
"#;
const SPEC: &str = r#"local spec = require("@cogsmith/spec")
spec.cogs { "hi" }
spec.describe("hi", function()
    spec.it("greets", function(world)
        local anna = world:user { name = "anna" }
        spec.expect(anna:says("!hi")):matches_snapshot()
        spec.expect(anna:says("!hi").embeds[1].title):matches_snapshot("title")
    end)
end)
"#;

/// A project with a cog, a module of it, another that nobody requires, and a spec.
fn project() -> TempDir {
    folder(&[
        ("config.json", "{}"),
        ("lua/cogs/hi.luau", COG),
        ("lua/utils/greeting.luau", GREETING),
        (
            "lua/utils/never.luau",
            "local function f()\n    return 1\nend\nreturn f\n",
        ),
        ("spec/hi_spec.luau", SPEC),
    ])
}

fn write(here: &TempDir, path: &str, text: &str) {
    fs::write(here.path().join(path), text).unwrap();
}

fn snapshots(here: &TempDir) -> String {
    fs::read_to_string(here.path().join("spec/hi_spec.snap")).unwrap_or_default()
}

/// What the command says, without the time that it took.
fn spec(here: &TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let arguments: Vec<&str> = ["spec"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    let told = cogsmith(here.path(), &arguments, variables);
    let Some((before, after)) = told.split_once(" in ") else {
        return told;
    };
    match after.split_once(" s)") {
        Some((_, after)) => format!("{before} in … s){after}"),
        None => told,
    }
}

#[test]
fn a_snapshot_is_written_by_the_first_run_and_compared_by_the_next() {
    let here = project();
    assert_snapshot!(spec(&here, &[], &[]), @r"
    exit 0
    -- stdout
    ok      hi: hi: greets

    spec/hi_spec.snap: 2 snapshots written.

    All specs passed (1 in … s).
    -- stderr
    ");
    assert_snapshot!(snapshots(&here), @r"
    # Written by `cogsmith spec`, and anew by `cogsmith spec --update-snapshots`.

    == hi: greets
        content: |
          Hello <@{anna}>,
          welcome!
        embeds:
          - description: Be kind
            title: Rules
            type: rich

    == hi: greets (title)
        Rules
    ");
    let again = spec(&here, &[], &[]);
    assert!(
        again.starts_with("exit 0\n") && !again.contains("written"),
        "{again}"
    );

    write(
        &here,
        "lua/utils/greeting.luau",
        &GREETING.replace("welcome", "be welcome"),
    );
    let failed = spec(&here, &[], &[]);
    let told = failed.split("\nWhat happened").next().unwrap();
    assert_snapshot!(told, @r#"
    exit 1
    -- stdout
    FAILED  hi: hi: greets

    hi: hi: greets
    spec/hi_spec.luau:6: matches_snapshot: it is not as the snapshot "hi: greets" in spec/hi_spec.snap has it
        4 |     spec.it("greets", function(world)
        5 |         local anna = world:user { name = "anna" }
      > 6 |         spec.expect(anna:says("!hi")):matches_snapshot()
        7 |         spec.expect(anna:says("!hi").embeds[1].title):matches_snapshot("title")
        8 |     end)
      in the top level at spec/hi_spec.luau:6
    - spec/hi_spec.snap
    + now
      content: |
        Hello <@{anna}>,
    -   welcome!
    +   be welcome!
      embeds:
        - description: Be kind
    If it is right now: `cogsmith spec --update-snapshots`.
    "#);
    let updated = spec(&here, &["--update-snapshots"], &[]);
    assert!(
        updated.contains("spec/hi_spec.snap: 1 snapshot written."),
        "{updated}"
    );
    assert!(spec(&here, &[], &[]).starts_with("exit 0\n"));
}

#[test]
fn a_missing_snapshot_fails_where_nobody_would_keep_it() {
    let here = project();
    let told = spec(&here, &[], &[("CI", "true")]);
    assert!(told.starts_with("exit 1\n"), "{told}");
    for part in [
        "spec/hi_spec.luau:6: matches_snapshot: there is no snapshot \"hi: greets\" in spec/hi_spec.snap; run `cogsmith spec` and add the file to the repository",
        "+ content: |\n+   Hello <@{anna}>,\n+   welcome!\n",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert_eq!(snapshots(&here), "");
    assert!(spec(&here, &[], &[("CI", "false")]).starts_with("exit 0\n"));
}

#[test]
fn snapshots_that_nothing_uses_are_told_and_taken_out() {
    let here = project();
    spec(&here, &[], &[]);
    write(&here, "spec/gone_spec.snap", "== a\n    b\n");
    write(
        &here,
        "spec/hi_spec.luau",
        &SPEC.replace("\"title\"", "\"the title\""),
    );
    let told = spec(&here, &[], &[]);
    for part in [
        "spec/hi_spec.snap: 1 snapshot written.",
        "spec/hi_spec.snap: no test uses \"hi: greets (title)\"; `cogsmith spec --update-snapshots` takes them out.",
        "spec/gone_spec.snap: its spec is gone; `cogsmith spec --update-snapshots` removes it.",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let told = spec(&here, &["--update-snapshots"], &[]);
    assert!(
        told.contains("1 snapshot taken out: \"hi: greets (title)\"."),
        "{told}"
    );
    assert!(!snapshots(&here).contains("(title)"));
    assert!(!here.path().join("spec/gone_spec.snap").exists());
    assert!(!spec(&here, &[], &[]).contains(".snap"));
}

#[test]
fn coverage_shows_which_lines_of_the_cogs_were_run() {
    let here = project();
    spec(&here, &[], &[]);
    assert_snapshot!(spec(&here, &["--coverage"], &[]), @r"
    exit 0
    -- stdout
    ok      hi: hi: greets

    Lines that the specs have run:
      cog hi                       6 of     7   85 %  not run: 7
      lua/utils/greeting.luau      5 of     6   83 %  not run: 6
      lua/utils/never.luau         0 of     3    0 %  not run: 1-4
      all                         11 of    16   68 %
      Written to coverage.lcov.

    All specs passed (1 in … s).
    -- stderr
    ");
    assert_snapshot!(fs::read_to_string(here.path().join("coverage.lcov")).unwrap(), @r"
    SF:lua/cogs/hi.luau
    FN:5,run
    FNDA:2,run
    FNF:1
    FNH:1
    DA:1,1
    DA:2,1
    DA:3,1
    DA:5,1
    DA:6,2
    DA:7,0
    DA:9,2
    LF:7
    LH:6
    end_of_record
    SF:lua/utils/greeting.luau
    FN:2,to
    FN:5,unused
    FNDA:2,to
    FNDA:0,unused
    FNF:2
    FNH:1
    DA:1,1
    DA:2,1
    DA:3,2
    DA:5,1
    DA:6,0
    DA:8,1
    LF:6
    LH:5
    end_of_record
    SF:lua/utils/never.luau
    FN:1,f
    FNDA:0,f
    FNF:1
    FNH:0
    DA:1,0
    DA:2,0
    DA:4,0
    LF:3
    LH:0
    end_of_record
    ");
    // Many tests at once: each run of a line is counted.
    let many = "local spec = require(\"@cogsmith/spec\")\nspec.cogs { \"hi\" }\nfor number = 1, 12 do\n    spec.it(`{number}`, function(world)\n        local anna = world:user()\n        for _ = 1, 5 do anna:says(\"!hi\") end\n    end)\nend\n";
    write(&here, "spec/many_spec.luau", many);
    let told = spec(&here, &["many", "--coverage"], &[]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    let lcov = fs::read_to_string(here.path().join("coverage.lcov")).unwrap();
    assert!(
        lcov.contains("FNDA:60,run\n") && lcov.contains("\nDA:9,60\n"),
        "{lcov}"
    );
    // What a former version of a cog has run counts, too; files that no chosen spec loads are left out.
    let more = SPEC.replace("    end)\nend)", "        world:restart()\n        anna:says(\"!hi\")\n        world:reload(\"hi\")\n    end)\nend)");
    write(&here, "spec/hi_spec.luau", &more);
    let told = spec(&here, &["--coverage", "hi"], &[]);
    assert!(
        told.contains("cog hi") && !told.contains("never.luau"),
        "{told}"
    );
    let lcov = fs::read_to_string(here.path().join("coverage.lcov")).unwrap();
    assert!(lcov.contains("\nDA:3,3\n"), "{lcov}");
}

/// `cogsmith spec --watch`, and the lines that it says.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn begin(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cogsmith"))
            .args(["spec", "--watch"])
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
                .ok()
        });
        Self { child, lines }
    }

    /// The lines up to the one that waits for changes.
    fn round(&self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60)).unwrap();
            if line.contains("Waiting for changes") {
                lines.push(line);
                return lines;
            }
            if !line.is_empty() {
                lines.push(line);
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _gone = self.child.kill().is_ok();
        let _ended = self.child.wait().is_ok();
    }
}

#[cfg(unix)]
#[test]
fn specs_are_run_again_with_each_change_the_affected_ones_first() {
    let other = r#"local spec = require("@cogsmith/spec")
spec.cogs { "other" }
for number = 1, 6 do
    spec.it(`{number}`, function(world)
        world:user():says("!other")
    end)
end
"#;
    let here = project();
    write(&here, "lua/cogs/other.luau", "");
    write(&here, "spec/a_spec.luau", other);
    let mut watching = Watching::begin(here.path(), &[]);
    let first = watching.round();
    assert!(first[0].starts_with("ok      a: "), "{first:?}");
    assert!(first.contains(&"All is well. Waiting for changes; Ctrl-C ends this.".to_owned()));

    // A module of the cog `hi`, which one spec uses: that is begun first.
    write(
        &here,
        "lua/utils/greeting.luau",
        &GREETING.replace("welcome", "be welcome"),
    );
    let second = watching.round();
    assert_eq!(
        second[0],
        "── lua/utils/greeting.luau changed: 1 of 7 specs ──"
    );
    assert!(
        second.contains(&"FAILED  hi: hi: greets".to_owned()),
        "{second:?}"
    );
    assert!(
        second.contains(&"1 of 7 specs failed.".to_owned()),
        "{second:?}"
    );
    assert!(
        second.last().unwrap().starts_with("Something is wrong."),
        "{second:?}"
    );

    // A new spec in a new folder.
    fs::create_dir_all(here.path().join("spec/deep")).unwrap();
    write(
        &here,
        "spec/deep/new_spec.luau",
        "require(\"@cogsmith/spec\").it(\"new\", function() end)",
    );
    let third = watching.round();
    assert!(
        third.contains(&"ok      deep.new: new".to_owned()),
        "{third:?}"
    );

    // What keeps them from running is told, and the next change mends it.
    write(&here, "config.json", "{");
    write(&here, "lua/utils/greeting.luau", GREETING);
    assert_eq!(watching.round().len(), 2);
    write(&here, "config.json", "{}");
    write(&here, "lua/utils/never.luau", "return 2");
    assert!(watching.round().last().unwrap().starts_with("All is well."));

    let process = rustix::process::Pid::from_child(&watching.child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));
}
