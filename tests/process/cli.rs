//! The `cogsmith` command as its user meets it: what it prints and what it exits with.

use insta::assert_snapshot;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A folder with these files.
pub(super) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Runs the command in `folder` and tells its exit code, stdout and stderr. Nothing of this process's
/// environment is passed on, and the folder's path is written as FOLDER.
pub(super) fn cogsmith(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_cogsmith"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.replace(&folder.display().to_string(), "FOLDER")
    };
    let code = output.status.code().expect("it ends by itself");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    format!("exit {code}\n-- stdout\n{out}-- stderr\n{err}")
}

#[test]
fn help_tells_what_there_is() {
    let here = folder(&[]);
    assert_snapshot!(cogsmith(here.path(), &["--help"], &[]), @r"
    exit 0
    -- stdout
    A Discord bot whose features are written in Luau while it runs.

    Without a subcommand the bot starts: with a token in `DISCORD_TOKEN` on Discord, without one in a simulator on this machine.

    Usage: cogsmith [OPTIONS] [COMMAND]

    Commands:
      run      Start the bot; this is also what happens without a subcommand
      check    Check config.json, compile all Luau files, load all cogs and look for what is probably wrong, without starting the bot
      new      Create a cog from a template
      spec     Run the specs below spec/, each with its own simulator and the cogs that it names
      history  Show what a cog has run, or in what two of its versions differ
      sim      Run a Discord on this machine for bots of any kind and language, and a page to talk in it
      schema   Print the JSON schema of config.json, or of a world for `cogsmith sim`
      types    Check whether the Luau types in types/ are up to date, or write them
      help     Print this message or the help of the given subcommand(s)

    Options:
          --offline
              Talk to the bot in a simulator on this machine, even if there is a token

          --online
              Join Discord; without a token this is an error instead of a simulator

          --no-supervisor
              Run in this process, which nothing starts again when it dies: for service managers that do it themselves

          --config <PATH>
              The configuration file, or the folder of its config.json; lua/ and var/ are beside it

      -v, --verbose...
              Log more; give it twice for even more (`RUST_LOG` overrides this)

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    -- stderr
    ");
    assert_snapshot!(cogsmith(here.path(), &["new", "-h"], &[]), @r"
    exit 0
    -- stdout
    Create a cog from a template

    Usage: cogsmith new [OPTIONS] <NAME>

    Arguments:
      <NAME>  The cog's name: `ping`, or `fun.dice` for dice in the folder fun

    Options:
          --config <PATH>  The configuration file, or the folder of its config.json; lua/ and var/ are beside it
      -v, --verbose...     Log more; give it twice for even more (`RUST_LOG` overrides this)
      -h, --help           Print help
    -- stderr
    ");
    assert!(cogsmith(here.path(), &["--version"], &[]).contains("\ncogsmith 0."));
}

#[test]
fn arguments_that_do_not_belong_together_are_refused() {
    let here = folder(&[]);
    assert_snapshot!(cogsmith(here.path(), &["--offline", "--online"], &[]), @r"
    exit 2
    -- stdout
    -- stderr
    error: the argument '--offline' cannot be used with '--online'

    Usage: cogsmith --offline

    For more information, try '--help'.
    ");
    assert_snapshot!(cogsmith(here.path(), &["--offline", "run", "--online"], &[]), @r"
    exit 2
    -- stdout
    -- stderr
    Give either --offline or --online, not both.
    ");
    assert_snapshot!(cogsmith(here.path(), &["--offline", "check"], &[]), @r"
    exit 2
    -- stdout
    -- stderr
    error: --offline, --online and --no-supervisor only work with `cogsmith run`

    Usage: cogsmith [OPTIONS] [COMMAND]

    For more information, try '--help'.
    ");
    assert_snapshot!(cogsmith(here.path(), &["--config", "away.json"], &[]), @r"
    exit 2
    -- stdout
    -- stderr
    There is no file away.json, which --config names. Name one that exists, or its folder.
    ");
}

#[test]
fn a_wrong_configuration_stops_every_start() {
    let here = folder(&[
        ("config.json", "{\n  \"bot\": { \"prefx\": \"!\" }\n}\n"),
        (".env", "DISCORD_API_URL=discord.com\n"),
    ]);
    let variables = [("COGSMITH_LIMITS__CPU_MS", "0")];
    assert_snapshot!(cogsmith(here.path(), &[], &variables), @r"
    exit 2
    -- stdout
    -- stderr
    The configuration has 3 problems:
      config.json:2: unknown key `bot.prefx`, did you mean `bot.prefix`?
      COGSMITH_LIMITS__CPU_MS: `limits.cpu_ms` must be a whole number from 1 to 60000, but is 0
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it does not begin with http:// or https://
    ");
    let run = cogsmith(here.path(), &["run"], &variables);
    assert_eq!(run, cogsmith(here.path(), &["check"], &variables));
}

#[test]
fn online_needs_a_token() {
    let here = folder(&[("config.json", "{}"), ("lua/cogs/ping.luau", "")]);
    assert_snapshot!(cogsmith(here.path(), &["--online"], &[]), @r"
    exit 2
    -- stdout
    -- stderr
    --online needs the bot's token. Set DISCORD_TOKEN in the environment, or write DISCORD_TOKEN=... into FOLDER/.env. Without a token, --offline runs the bot in a simulator.
    ");
}

#[test]
fn a_bot_without_cogs_says_how_to_begin() {
    let here = folder(&[("config.json", "{}")]);
    assert_snapshot!(cogsmith(here.path(), &["check"], &[]), @r"
    exit 1
    -- stdout
    -- stderr
    There is no folder FOLDER/lua, where the cogs belong. Create a first cog with `cogsmith new ping`, or name another configuration with --config.
    ");
}

#[test]
fn a_missing_configuration_is_said_and_no_error() {
    let here = folder(&[("lua/cogs/ping.luau", "")]);
    let text = cogsmith(here.path(), &["check"], &[]);
    assert!(text.starts_with("exit 0\n"), "{text}");
    assert!(
        text.contains("INFO No configuration file, so the defaults apply path=config.json"),
        "{text}"
    );
    let json = cogsmith(here.path(), &["check"], &[("COGSMITH_LOG", "json")]);
    let line = json.lines().last().unwrap();
    let line: serde_json::Value = serde_json::from_str(line).expect(line);
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["path"], "config.json");
    let quiet = cogsmith(here.path(), &["check"], &[("RUST_LOG", "error")]);
    assert!(quiet.ends_with("-- stderr\n"), "{quiet}");
}

#[test]
fn new_creates_a_cog_that_check_accepts() {
    let here = folder(&[("config.json", "{}")]);
    assert_snapshot!(cogsmith(here.path(), &["new", "fun.dice"], &[]), @r"
    exit 0
    -- stdout
    Created lua/cogs/fun/dice.luau, the cog fun.dice.
    -- stderr
    ");
    let source = fs::read_to_string(here.path().join("lua/cogs/fun/dice.luau")).unwrap();
    assert_snapshot!(source, @r#"
    --!strict
    -- fun.dice: say here, in a sentence, what it is for.
    local cog = require("@cogsmith/cog")

    cog.info {
        description = "What fun.dice does, as !help shows it",
    }

    cog.command {
        name = "dice",
        description = "Says hello",
        run = function(ctx)
            ctx:reply(`Hello {ctx.author.username}, this is fun.dice.`)
        end,
    }
    "#);
    assert!(cogsmith(here.path(), &["check"], &[]).starts_with("exit 0\n"));

    assert_snapshot!(cogsmith(here.path(), &["new", "fun.dice"], &[]), @r"
    exit 2
    -- stdout
    -- stderr
    The cog fun.dice exists already in lua/cogs/fun/dice.luau. Choose another name, or remove that file first.
    ");
    assert_snapshot!(cogsmith(here.path(), &["new", "../evil"], &[]), @r#"
    exit 2
    -- stdout
    -- stderr
    "../evil" cannot be a cog's name. A name consists of lower-case letters (a to z), digits and underscores, begins with a letter and has at most 32 characters; a dot makes a folder: ping, fun.dice.
    "#);
    fs::write(here.path().join("lua/cogs/fun/init.luau"), "").unwrap();
    assert_snapshot!(cogsmith(here.path(), &["new", "fun.cards"], &[]), @r"
    exit 2
    -- stdout
    -- stderr
    lua/cogs/fun/init.luau makes its folder one cog, so fun.cards would be a module of that cog and not a cog. Choose another name.
    ");
}

#[test]
fn schema_is_printed_or_written() {
    let here = folder(&[]);
    let text = cogsmith(here.path(), &["schema"], &[]);
    assert!(text.starts_with("exit 0\n-- stdout\n{\n"), "{text}");
    assert_snapshot!(cogsmith(here.path(), &["schema", "--write"], &[]), @r"
    exit 0
    -- stdout
    Wrote config.schema.json
    -- stderr
    ");
    let written = fs::read_to_string(here.path().join("config.schema.json")).unwrap();
    assert!(text.contains(&written));
}

#[test]
fn types_are_told_or_written() {
    let here = folder(&[("lua/cogs/ping.luau", "")]);
    for arguments in [&["types"][..], &["types", "--check"]] {
        let text = cogsmith(here.path(), arguments, &[]);
        assert!(text.starts_with("exit 1\n"), "{text}");
        assert!(
            text.contains("types/cog.luau cannot be read")
                && text.contains("run `cogsmith types --write`"),
            "{text}"
        );
    }
    assert_snapshot!(cogsmith(here.path(), &["types", "--write"], &[]), @r"
    exit 0
    -- stdout
    Wrote cog.luau, discord.luau, http.luau, json.luau, log.luau, model.luau, spec.luau, state.luau, task.luau, time.luau, ui.luau to types/
    Wrote lua/.luaurc
    -- stderr
    ");
    assert_snapshot!(cogsmith(here.path(), &["types", "--check"], &[]), @r"
    exit 0
    -- stdout
    All files of types/ are up to date.
    -- stderr
    ");
    assert!(cogsmith(here.path(), &["check"], &[]).starts_with("exit 0\n"));
    fs::write(here.path().join("types/task.luau"), "return {}").unwrap();
    assert_snapshot!(cogsmith(here.path(), &["types"], &[]), @r"
    exit 1
    -- stdout
    -- stderr
    types/task.luau is out of date: run `cogsmith types --write`
    ");
}

#[test]
fn what_is_generated_is_current() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for arguments in [["types", "--check"], ["schema", "--check"]] {
        let text = cogsmith(here, &arguments, &[]);
        assert!(text.starts_with("exit 0\n"), "{text}");
    }
    let stale = folder(&[("config.schema.json", "{}")]);
    assert_snapshot!(cogsmith(stale.path(), &["schema", "--check"], &[]), @r"
    exit 1
    -- stdout
    -- stderr
    config.schema.json is out of date: run `cogsmith schema --write`.
    ");
}

#[test]
fn specs_are_run_and_told_one_by_one() {
    let cog = "local cog = require(\"@cogsmith/cog\")
cog.command { name = \"hi\", run = function(ctx) ctx:reply(\"hello\") end }
";
    let spec = "local spec = require(\"@cogsmith/spec\")
spec.cogs { \"hi\" }
spec.it(\"greets\", function(world)
    spec.expect(world:user():says(\"!hi\").content):equals(\"hello\")
end)
";
    let folder = folder(&[
        ("lua/cogs/hi.luau", cog),
        ("spec/hi_spec.luau", spec),
        (
            "spec/sum_spec.luau",
            "local spec = require(\"@cogsmith/spec\")\nspec.it(\"adds\", function()\n    spec.expect(1 + 1):equals(3)\nend)\n",
        ),
    ]);
    let met = cogsmith(folder.path(), &["spec", "hi"], &[]);
    assert!(met.contains("ok      hi: greets"), "{met}");
    assert!(met.contains("All specs passed (1 in "), "{met}");
    let failed = cogsmith(folder.path(), &["spec"], &[]);
    for part in [
        "FAILED  sum: adds",
        "spec/sum_spec.luau:3: expected 3, got 2",
        "1 of 2 specs failed.",
    ] {
        assert!(failed.contains(part), "no {part:?} in:\n{failed}");
    }
    let none = cogsmith(folder.path(), &["spec", "nothing"], &[]);
    assert!(
        none.contains("No spec's name contains \"nothing\"."),
        "{none}"
    );
}
