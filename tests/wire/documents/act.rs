//! Acts a document out: its files are saved beside a running bot, its conversations happen, its specs pass.

use super::blocks::{Block, blocks, document, taken_as_given};
use crate::fake_http::serve;
use crate::support::{Stage, setup};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use cogsmith::commands::examples::misunderstood;
use cogsmith::config::Config;
use cogsmith::spec::{RunOptions, SnapshotMode, Specs};

/// The one server that cogs of the documents may ask.
const SERVER: &str = "https://api.example.com";

/// Starts a bot with the files of a document, and has its conversations.
pub(super) async fn act_out(name: String) {
    let text = document(&name);
    let blocks = blocks(&text);
    for block in blocks.iter().filter(|block| block.info.starts_with("luau")) {
        let compiled = mlua::chunk::Compiler::new().compile(&block.text);
        let line = block.line;
        assert!(compiled.is_ok(), "{name}, line {line}: {compiled:?}");
    }
    let acts = |block: &Block| block.file().is_some() || block.info == "chat";
    if !blocks
        .iter()
        .any(|block| acts(block) || block.spec().is_some())
    {
        return;
    }
    let server = serve(server(&blocks)).await;
    let here = format!("http://api.example.com:{}", server.port());
    let setup = setup(&[]).local_host("api.example.com");
    let mut stage = setup
        .config(r#"{ "http": { "allow": ["api.example.com"] } }"#)
        .start()
        .await;
    if let Some(given) = taken_as_given(&name, &text) {
        let of_given = self::blocks(&document(&given));
        for block in &of_given {
            save(&mut stage, &given, &of_given, block, &here).await;
        }
    }
    for block in &blocks {
        save(&mut stage, &name, &blocks, block, &here).await;
        if let Some(file) = block.spec() {
            crate::support::write(&stage.folder.path().join("spec").join(file), &block.text);
        } else if block.info == "chat" {
            talk(&stage, &name, block).await;
        }
    }
    for cog in stage.bot.cogs.all() {
        assert!(cog.has_version(), "{name}: {} does not run", cog.name);
    }
    let folder = stage.stop().await;
    let config = Config::default_at(folder.path().to_owned());
    // As the first run of a spec: what a snapshot says is new.
    let options = RunOptions {
        snapshots: SnapshotMode::Write,
        coverage: false,
    };
    let specs = Specs::find(&config, options).unwrap().cases;
    // Each spec has a runtime of its own.
    tokio::task::block_in_place(|| {
        for case in specs {
            let result = case.run();
            assert!(
                result.is_ok(),
                "{name}, the spec {}: {}",
                case.name,
                result.unwrap_err()
            );
        }
    });
}

/// Saves the file that a block is, and waits for the reload.
async fn save(stage: &mut Stage, name: &str, blocks: &[Block], block: &Block, here: &str) {
    let Some(file) = block.file() else { return };
    let text = |block: &Block| block.text.replace(SERVER, here);
    if let Some(folder) = file.strip_suffix("/init.luau") {
        // Without its init.luau, what is in the folder would be cogs: it comes as a whole.
        let staged = stage.folder.path().join("staged");
        for block in blocks {
            let inside = block.file().and_then(|file| file.strip_prefix(folder));
            if let Some(inside) = inside.and_then(|rest| rest.strip_prefix('/')) {
                crate::support::write(&staged.join(inside), &text(block));
            }
        }
        std::fs::rename(staged, stage.path(folder)).unwrap();
    } else if blocks.iter().any(|other| is_inside(file, other)) {
        return;
    } else {
        stage.save(file, &text(block));
    }
    if file.starts_with("cogs/") {
        let report = stage.report().await;
        let line = block.line;
        assert!(
            report.problems.is_empty(),
            "{name}, line {line}: {report:#?}"
        );
        examples_are_calls(name, block, stage).await;
    }
}

/// Whether a file is one of the modules of a cog that is a folder.
fn is_inside(file: &str, cog: &Block) -> bool {
    let folder = cog.file().and_then(|file| file.strip_suffix("/init.luau"));
    folder.is_some_and(|folder| file.starts_with(&format!("{folder}/")))
}

/// What answers in place of `api.example.com`: each path as a block of the page shows it.
fn server(blocks: &[Block]) -> Router {
    let mut router = Router::new();
    for block in blocks {
        if let Some(path) = block.answered_path() {
            let body = block.text.clone();
            let answer = move || async move { ([(CONTENT_TYPE, "application/json")], body) };
            router = router.route(path, get(answer.clone()).post(answer));
        }
    }
    router
}

/// Looks whether the examples of all cogs are calls of their commands.
async fn examples_are_calls(name: &str, block: &Block, stage: &Stage) {
    for cog in stage.bot.cogs.all() {
        for command in &cog.status().offer.commands {
            let wrong = misunderstood(&command.definition).await;
            assert!(wrong.is_empty(), "{name}, line {}: {wrong:#?}", block.line);
        }
    }
}

async fn talk(stage: &Stage, name: &str, block: &Block) {
    let turns = block.turns();
    let mut turns = turns.iter().peekable();
    while let Some((who, text)) = turns.next() {
        let answers = stage.says(who, text).await;
        let answers: Vec<&str> = answers
            .iter()
            .filter_map(|it| it["content"].as_str())
            .collect();
        let mut shown = Vec::new();
        while let Some((_, text)) = turns.next_if(|(who, _)| who == "cogsmith") {
            shown.push(text.as_str());
        }
        let same = shown.len() == answers.len()
            && shown
                .iter()
                .zip(&answers)
                .all(|(shown, text)| fits(shown, text));
        assert!(
            same,
            "{name}, line {}: after {who}: {text:?} the document shows {shown:#?}, and the bot said {answers:#?}",
            block.line
        );
    }
}

/// Whether `text` is what `shown` says; `…` in it stands for anything.
fn fits(shown: &str, text: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}
