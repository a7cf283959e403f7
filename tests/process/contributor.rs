//! The way of somebody who contributes a cog, as docs/contributing-a-cog.md tells it: each file on it is written, each
//! edit made and each command run, with the real program, while a bot runs beside it.
//!
//! - `luau PATH` is a whole file, and `diff PATH` an edit of it;
//! - `console` is a command behind `$`, and lines that it prints, among others; `&` leaves it running;
//! - `log` is lines that the running bot logs after the edit before, in this order.
//!
//! `…` stands for anything.

use crate::support::process::Process;
use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = "docs/contributing-a-cog.md";

struct Block {
    info: String,
    lines: Vec<String>,
    /// Where it begins on the page.
    at: usize,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(info) if !is_open => blocks.push(Block {
                info: info.to_owned(),
                lines: Vec::new(),
                at: index + 1,
            }),
            None if is_open => blocks.last_mut().unwrap().lines.push(line.to_owned()),
            _ => {}
        }
        is_open ^= line.starts_with("```");
    }
    blocks
}

/// Whether a line has the parts of a pattern, in their order.
fn fits(pattern: &str, line: &str) -> bool {
    let mut rest = line;
    pattern
        .split('…')
        .map(str::trim)
        .all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
}

/// The text with the lines of the edit behind `-` and a space replaced by those behind `+` and a space.
fn edited(text: &str, edit: &[String], at: usize) -> String {
    let side = |sign: char| {
        let lines = edit.iter().filter(|line| line.starts_with([sign, ' ']));
        lines.fold(String::new(), |text, line| text + &line[1..] + "\n")
    };
    let (before, after) = (side('-'), side('+'));
    assert_eq!(
        text.matches(&before).count(),
        1,
        "{PAGE}:{at}: not once in\n{text}"
    );
    text.replace(&before, &after)
}

/// What `cogsmith` prints with these words, and what it exits with.
fn run(folder: &Path, command: &str, variables: &[(&str, &str)]) -> (String, i32) {
    let words = command
        .strip_prefix("cogsmith ")
        .unwrap_or_else(|| panic!("{PAGE}: {command}"));
    let output = Command::new(env!("CARGO_BIN_EXE_cogsmith"))
        .args(words.split(' '))
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let printed = text(&output.stdout) + &text(&output.stderr);
    (printed, output.status.code().unwrap())
}

#[test]
fn a_cog_is_made_broken_mended_tested_and_handed_in() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap();
    let here = tempfile::tempdir().unwrap();
    let folder = here.path();
    fs::write(folder.join("config.json"), "{}").unwrap();
    let mut bot: Option<Process> = None;
    let (mut commands, mut edits, mut logged, mut steps) = (0, 0, 0, 0);
    for Block { info, lines, at } in blocks(&page) {
        let (kind, path) = info.split_once(' ').unwrap_or((&info, ""));
        match kind {
            "luau" => {
                fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
                fs::write(folder.join(path), lines.join("\n") + "\n").unwrap();
                edits += 1;
            }
            "diff" => {
                let before = fs::read_to_string(folder.join(path)).unwrap();
                fs::write(folder.join(path), edited(&before, &lines, at)).unwrap();
                edits += 1;
            }
            "console" => {
                commands += 1;
                let (command, expected) = lines.split_first().unwrap();
                let command = command.strip_prefix("$ ").unwrap();
                if command == "cogsmith --offline &" {
                    let free = [("COGSMITH_STUDIO__LISTEN", "127.0.0.1:0")];
                    let mut started = Process::start(folder, &["--offline"], &free);
                    for line in expected {
                        started.until(line.trim_matches('…').trim());
                    }
                    bot = Some(started);
                    continue;
                }
                let (printed, code) = run(folder, command, &[]);
                for line in expected {
                    let is_printed = printed.lines().any(|printed| fits(line, printed));
                    assert!(is_printed, "{PAGE}:{at}: no {line:?} in:\n{printed}");
                }
                let is_wrong = expected.iter().any(|line| line.contains("would"));
                assert_eq!(code, i32::from(is_wrong), "{PAGE}:{at}: {printed}");
            }
            "log" => {
                logged += 1;
                let bot = bot.as_mut().expect("it runs by now");
                for line in &lines {
                    let line = line.trim_matches('…').trim();
                    let parts: Vec<&str> = line.split('…').map(str::trim).collect();
                    let found = bot.until(parts[0]);
                    assert!(fits(line, &found), "{PAGE}:{at}: {found}");
                }
            }
            // What runs for a pull request.
            "yaml" => {
                for line in lines {
                    steps += 1;
                    let command = line.strip_prefix("- run: ").unwrap();
                    let (printed, code) = run(folder, command, &[("CI", "true")]);
                    assert_eq!(code, 0, "{PAGE}:{at}: {printed}");
                }
            }
            "sh" => {}
            other => panic!("{PAGE}:{at}: a block of an unknown kind, {other}"),
        }
    }
    assert_eq!(
        (commands, edits, logged, steps),
        (6, 8, 2, 2),
        "{PAGE} has lost a step"
    );
    let (code, printed) = bot.unwrap().stopped();
    assert_eq!(code, 0, "{printed}");
}
