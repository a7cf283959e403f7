//! Memory against the number of cogs, and against the number of keys in the state.

use crate::child::{Child, plain_cog, write_cogs};
use crate::fake_discord::FakeDiscord;
use crate::sheet::{Sheet, cell, real};
use crate::sizes::Sizes;
use cogsmith::state::{Key, Namespace, StateLimits, StateScope, Store, StoreOptions, Value};
use std::path::Path;

/// Room for a million keys in one cog.
const CONFIG: &str = r#"{
    "studio": { "listen": "127.0.0.1:0" },
    "limits": { "state_mb": 1024 }
}"#;
const MEMBERS: u64 = 100;
/// Keys that are handed to the writer at once.
const FLUSH: u64 = 10_000;

const KEEPER: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")

local data = state.defaults { member = { xp = 0 } }

cog.command {
    name = "xp",
    description = "Shows your xp",
    run = function(ctx)
        ctx:reply(`{data.member(ctx.guild_id, ctx.author.id).xp} xp`)
    end,
}
"#;

pub(super) fn measure(sizes: &Sizes) -> Vec<Sheet> {
    let mut by_cogs = Sheet::new("memory_cogs", &["cogs", "MB", "start to first reply; s"]);
    for &cogs in sizes.cogs {
        let running = Running::start(cogs, |_| {});
        by_cogs.add([
            cogs.to_string(),
            cell(running.megabytes),
            cell(running.start),
        ]);
    }
    let header = ["keys", "MB", "database; MB", "start to first reply; s"];
    let mut by_keys = Sheet::new("memory_keys", &header);
    for &keys in sizes.keys {
        let running = Running::start(1, |folder| fill(folder, keys));
        by_keys.add([
            keys.to_string(),
            cell(running.megabytes),
            cell(running.database),
            cell(running.start),
        ]);
    }
    vec![by_cogs, by_keys]
}

struct Running {
    megabytes: f64,
    database: f64,
    /// Seconds from the start of the process.
    start: f64,
}

impl Running {
    /// A bot in a folder that somebody else may have filled as well.
    fn start(cogs: usize, fill: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keeper = ("keeper".to_owned(), KEEPER.to_owned());
        let cogs = (0..cogs).map(plain_cog).chain([keeper]);
        write_cogs(folder.path(), CONFIG, cogs);
        fill(folder.path());
        let discord = FakeDiscord::start(0);
        let child = Child::in_folder(folder, &discord.url());
        let start = discord.first_reply(child.began()).as_secs_f64();
        let database = std::fs::metadata(database(child.folder())).map_or(0, |file| file.len());
        Self {
            megabytes: child.megabytes_at_rest(),
            database: real(database) / 1_048_576.0,
            start,
        }
    }
}

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("var/state.db")
}

/// One number for each of so many members.
fn fill(folder: &Path, keys: u64) {
    let limits = StateLimits {
        namespace_bytes: usize::MAX,
        write_bytes_per_second: usize::MAX,
        ..StateLimits::default()
    };
    let store = Store::open(StoreOptions {
        path: Some(database(folder)),
        limits,
    });
    let store = store.unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let view = store.view(&Namespace::cog("keeper"));
    let path = [Key::from("xp")];
    for key in 0..keys {
        let scope = StateScope::Member(1 + key / MEMBERS, 1 + key % MEMBERS);
        view.set(&scope, &path, Some(Value::from(real(key))))
            .unwrap();
        if key % FLUSH == 0 {
            runtime.block_on(view.flush().committed()).unwrap();
        }
    }
    runtime.block_on(store.close()).unwrap();
}
