//! A migration of the state in the real binary goes on after `kill -9`, and no entry is migrated twice.

use crate::support::process::Running;
use crate::support::{PATIENCE, ask, simulator, write};
use cogsmith::sim::{Sim, SimOptions};
use cogsmith::state::{Namespace, ScopeKind, Store, StoreOptions, Value};
use std::path::Path;
use tempfile::TempDir;

const ENTRIES: usize = 1_500;

const FIRST: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
cog.command { name = "fill", run = function(ctx)
    for index = 1, 1500 do
        state.user(tostring(index)).x = index
    end
    ctx:reply("filled")
end }
cog.command { name = "shown", run = function(ctx) ctx:reply("first") end }
"#;

/// Its steps take their time, so that the process ends in the middle.
const SECOND: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
state.migrate(2, { user = function(old)
    for _ = 1, 2000 do
        old.spun = math.sqrt(2)
    end
    return { y = old.x, times = (old.times or 0) + 1 }
end })
cog.command { name = "shown", run = function(ctx) ctx:reply("second") end }
cog.command { name = "whole", run = function(ctx)
    ctx:reply(`{#state.entries("user", { where = { times = 1, y = { above = 0 } } })}`)
end }
"#;

async fn connect(folder: &Path, sim: &Sim) -> Running {
    let url = sim.url();
    let variables = [("DISCORD_TOKEN", sim.token()), ("DISCORD_API_URL", &*url)];
    let mut command = Running::command(folder, &variables);
    let running = Running(command.arg("--no-supervisor").spawn().unwrap());
    sim.connected(PATIENCE).await.unwrap();
    running
}

async fn until_shown(sim: &Sim, wanted: &str) {
    let asking = async { while ask(sim, "!shown").await != wanted {} };
    let came = tokio::time::timeout(PATIENCE, asking).await.is_ok();
    assert!(came, "{wanted:?} does not come about");
}

/// How many entries are of the new version; each is whole, old or new.
fn migrated(folder: &Path) -> usize {
    let path = Some(folder.join("var/state.db"));
    let store = Store::open(StoreOptions {
        path,
        ..StoreOptions::default()
    })
    .unwrap();
    let entries = store
        .view(&Namespace::cog("t"))
        .stored_scopes(ScopeKind::User, None);
    assert_eq!(entries.len(), ENTRIES);
    let is_new = entries.iter().filter(|(_, entry)| {
        let has = |name: &str| {
            entry
                .iter()
                .find(|(key, _)| *key == cogsmith::state::Key::from(name).as_ref())
        };
        let times = has("times").map(|(_, value)| value.clone());
        assert_eq!(times, (entry.version() == 2).then(|| Value::from(1.0)));
        assert_eq!(has("x").is_some(), entry.version() == 0);
        entry.version() == 2
    });
    is_new.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_kill_9_and_no_entry_is_migrated_twice() {
    let folder = TempDir::new().unwrap();
    let config = r#"{ "studio": { "listen": "127.0.0.1:0" } }"#;
    write(&folder.path().join("config.json"), config);
    let cog = folder.path().join("lua/cogs/t.luau");
    write(&cog, FIRST);
    let sim = simulator(SimOptions::default()).await;
    let running = connect(folder.path(), &sim).await;
    assert_eq!(ask(&sim, "!fill").await, "filled");
    write(&cog, SECOND);
    until_shown(&sim, "second").await;
    running.signal("KILL");
    assert!(!running.ended().await.success());
    sim.shutdown().await;
    let mut before = migrated(folder.path());
    // Killed again and again, it comes to its end.
    for _ in 0..2 {
        let sim = simulator(SimOptions::default()).await;
        let running = connect(folder.path(), &sim).await;
        running.signal("KILL");
        assert!(!running.ended().await.success());
        sim.shutdown().await;
        let now = migrated(folder.path());
        assert!(now >= before, "{now} of {before} are left");
        before = now;
    }
    let sim = simulator(SimOptions::default()).await;
    let running = connect(folder.path(), &sim).await;
    assert_eq!(ask(&sim, "!whole").await, ENTRIES.to_string());
    running.signal("TERM");
    assert_eq!(running.ended().await.code(), Some(0));
    sim.shutdown().await;
    assert_eq!(migrated(folder.path()), ENTRIES);
}
