//! `!forget @user`: what cogs have stored for a user goes, whatever state the cogs are in.

use crate::support::setup;

/// Stores something of each kind for its caller, and tells how much there is for the user with an id.
const KEEPS: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
cog.info { capabilities = { "shared:bank" } }
local bank = state.shared("bank")
local tags = state.rows("tags", {}, "guild")
local later = cog.job("later", function() end)
cog.command { name = "keep_NAME", run = function(ctx)
    local id = ctx.author.id
    state.user(id).x = 1
    state.member(ctx.guild_id, id).x = 1
    state.session.user(id).x = 1
    bank.user(id).coins = 1
    tags(ctx.guild_id):set(id, {})
    tags(ctx.guild_id):set("other", {})
    later:after("1h", { user = id })
    later:after("1h", "nobody")
    ctx:reply("kept")
end }
cog.command { name = "count_NAME", run = function(ctx)
    local users = #state.entries("user") + #state.session.user("1") + #bank.entries("user")
    ctx:reply(`{users} {#state.entries("member")} {tags(ctx.guild_id):count()} {#later:list()}`)
end }
"#;

fn keeps(name: &str) -> String {
    KEEPS.replace("NAME", name)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_deletes_what_all_cogs_have_of_a_user_and_says_how_much() {
    let mut stage = setup(&[
        ("cogs/one.luau", &keeps("one")),
        ("cogs/two.luau", &keeps("two")),
        ("cogs/gone.luau", &keeps("gone")),
    ])
    .stored()
    .start()
    .await;
    for name in ["one", "two", "gone"] {
        stage.ask(&format!("!keep_{name}")).await;
        stage.says("anna", &format!("!keep_{name}")).await;
    }
    assert_eq!(stage.ask("!count_one").await, "4 2 3 4");
    // One is broken at its next start, and one is not there any more.
    stage.delete("cogs/gone.luau");
    stage.applied().await;
    stage.save("cogs/two.luau", "local x = nil + 1");
    stage.failed().await;
    let folder = stage.stop().await;
    let stage = setup(&[]).folder(folder).stored().start().await;
    let anna = stage.sim.user("anna").unwrap();
    let told = stage.ask(&format!("!forget <@{anna}>")).await;
    let expected = format!(
        "✅ Deleted what was stored for <@{anna}> (`{anna}`), 13 in all:\n\
         `gone`: 3 of its state, 1 scheduled\n\
         `one`: 3 of its state, 1 scheduled\n\
         `shared:bank`: 1 of its state\n\
         `two`: 3 of its state, 1 scheduled"
    );
    assert_eq!(told, expected);
    assert_eq!(stage.ask("!count_one").await, "2 1 2 3");
    let again = stage.ask(&format!("!forget {anna}")).await;
    assert_eq!(
        again,
        format!("Nothing is stored for <@{anna}> (`{anna}`).")
    );
    // It is gone from the disk, too.
    let folder = stage.stop().await;
    let stage = setup(&[]).folder(folder).stored().start().await;
    assert_eq!(stage.ask("!count_one").await, "2 1 2 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_for_admins_and_asks_whose_data_is_meant() {
    let stage = setup(&[("cogs/one.luau", &keeps("one"))]).start().await;
    stage.ask("!keep_one").await;
    let owner = stage.sim.owner();
    let told = stage.says("anna", &format!("!forget <@{owner}>")).await;
    let told = told[0]["content"].as_str().unwrap();
    assert!(
        told.starts_with("This command is for the bot's admins"),
        "{told}"
    );
    for wrong in [
        "",
        " anna",
        " <#1>",
        " <@&80351110224678912>",
        " all",
        " 12",
    ] {
        let told = stage.ask(&format!("!forget{wrong}")).await;
        assert!(
            told.starts_with("Whose data? `!forget @user`"),
            "{wrong}: {told}"
        );
    }
    assert_eq!(stage.ask("!count_one").await, "2 1 2 2");
    // Somebody of whom nobody here has heard.
    let told = stage.ask("!forget 80351110224678912").await;
    assert_eq!(
        told,
        "Nothing is stored for <@80351110224678912> (`80351110224678912`)."
    );
    // The session goes as well.
    let told = stage.ask(&format!("!forget <@!{owner}>")).await;
    assert!(
        told.contains("`one`: 4 of its state, 1 scheduled\n`shared:bank`: 1"),
        "{told}"
    );
}
