//! What goes to the version that a server tries, and what to the one that all others run.

use super::{Servers, everywhere};
use crate::support::{Id, setup};
use cogsmith::clock::Clock;
use cogsmith::reload::report::Outcome;
use cogsmith::sim::{InteractionRequest, InteractionView};
use serde_json::json;

/// When the clocks of these tests begin.
const START: u64 = 1_767_268_800;

/// A cog that does a bit of everything, and says which of two it is.
fn version(word: &str, more: &str) -> String {
    everywhere(&format!(
        r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local seen = state.session.global
local function count(what)
    seen[what .. " {word}"] = (seen[what .. " {word}"] or 0) + 1
end
cog.on_ready(function() count("ready") end)
cog.on_unload(function() count("unload") end)
cog.on.message_create(function(message)
    if message.content == "hear" then
        count("heard")
    end
end)
cog.on.guild_update(function() count("updated") end)
cog.on.user_update(function() count("user") end)
cog.every(10, function() count("beat") end)
local job = cog.job("errand", function() count("errand") end)
cog.command {{ name = "errand", run = function(ctx)
    job:after(5, {{}})
    ctx:reply("later")
end }}
cog.command {{ name = "seen", run = function(ctx)
    ctx:reply(tostring(seen[ctx.options.what] or 0))
end, options = {{ cog.option.string {{ name = "what", rest = true }} }} }}
cog.command {{ name = "both", slash = true, run = function(ctx) ctx:reply("both {word}") end }}
cog.command {{ name = "menu", run = function(ctx)
    ctx:reply {{ content = "press", components = {{ {{ type = 1, components = {{
        {{ type = 2, style = 1, label = "Press", custom_id = "press:1" }},
    }} }} }} }}
end }}
cog.component("press:{{n}}", function(ctx) ctx:reply("pressed {word}") end)
cog.command {{ name = "wait", run = function(ctx)
    local said = cog.wait.message_create {{ channel_id = ctx.channel_id, timeout = 60 }}
    ctx:reply(`{word} {{said and said.content}}`)
end }}
{more}
"#
    ))
}

async fn on_trial() -> Servers {
    let old = version(
        "old",
        "cog.command { name = \"former\", slash = true, run = function(ctx) ctx:reply(\"former\") end }",
    );
    let new = version(
        "new",
        "cog.command { name = \"fresh\", slash = true, run = function(ctx) ctx:reply(\"fresh\") end }",
    );
    let setup = setup(&[("cogs/t.luau", &old)]).clock(Clock::paused(START));
    let mut servers = Servers::of(setup).await;
    servers.orders("!reload try t").await;
    assert_eq!(servers.saves("cogs/t.luau", &new).await, Outcome::Applied);
    servers.stage.settled().await;
    servers
}

impl Servers {
    async fn seen(&self, what: &str) -> String {
        self.ask_in(self.direct, &format!("!seen {what}")).await
    }

    async fn uses(&self, channel: Id, request: InteractionRequest) -> InteractionView {
        let owner = self.stage.sim.owner();
        let interaction = self.stage.sim.interact(owner, channel, request).unwrap();
        self.stage.settled().await;
        interaction.state()
    }

    async fn slash(&self, channel: Id, name: &str) -> String {
        let (name, options) = (name.to_owned(), json!([]));
        let view = self
            .uses(channel, InteractionRequest::Slash { name, options })
            .await;
        content(&view)
    }

    async fn press(&self, channel: Id, message: Id) -> String {
        let request = InteractionRequest::Component {
            message,
            custom_id: "press:1".to_owned(),
            values: Vec::new(),
        };
        content(&self.uses(channel, request).await)
    }
}

fn content(view: &InteractionView) -> String {
    let message = view.message.as_ref().unwrap_or_else(|| panic!("{view:?}"));
    message["content"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_and_slash_commands_are_those_of_the_servers_version() {
    let servers = on_trial().await;
    let (here, there) = (servers.stage.general(), servers.other.1);
    assert_eq!(
        servers.ask_all("!both").await,
        ["both new", "both old", "both old"]
    );
    assert_eq!(servers.stage.ask("!fresh").await, "fresh");
    assert!(
        servers.all_in(there, "!fresh").await.is_empty()
            || !servers.ask_in(there, "!fresh").await.contains("fresh\n")
    );
    assert_eq!(servers.ask_in(there, "!former").await, "former");
    let gone = servers.all_in(here, "!former").await;
    assert!(gone.iter().all(|it| it["content"] != "former"), "{gone:#?}");

    assert_eq!(servers.slash(here, "both").await, "both new");
    assert_eq!(servers.slash(there, "both").await, "both old");
    assert_eq!(servers.slash(there, "former").await, "former");
    assert_eq!(
        servers.slash(here, "former").await,
        "This server is trying a version of the bot's code that does not have this."
    );
    // Discord is told of the version that all others run, until the other one is kept.
    let listed = |servers: &Servers| {
        let all = servers.stage.sim.commands(None);
        let names = all.iter().map(|it| it["name"].as_str().unwrap().to_owned());
        names
            .filter(|it| ["both", "former", "fresh"].contains(&it.as_str()))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&servers), ["both", "former"]);
    let help = servers.stage.ask("!help").await;
    assert!(help.contains("fresh") && !help.contains("former"), "{help}");
    servers.stage.ask("!reload keep t").await;
    servers.stage.settled().await;
    assert_eq!(listed(&servers), ["both", "fresh"]);
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_components_of_the_server_go_to_its_version() {
    let servers = on_trial().await;
    let (here, there) = (servers.stage.general(), servers.other.1);
    for channel in [here, there, there, servers.direct] {
        servers.all_in(channel, "hear").await;
    }
    assert_eq!(servers.seen("heard new").await, "1");
    assert_eq!(servers.seen("heard old").await, "3");
    for guild in [servers.stage.sim.guild(), servers.other.0] {
        let data = json!({ "id": guild.to_string(), "name": "named" });
        servers
            .stage
            .sim
            .dispatch("GUILD_UPDATE", Some(guild), data);
    }
    let user = json!({ "id": servers.stage.sim.bot_user().to_string(), "username": "bot" });
    servers.stage.sim.dispatch("USER_UPDATE", None, user);
    servers.stage.settled().await;
    assert_eq!(servers.seen("updated new").await, "1");
    assert_eq!(servers.seen("updated old").await, "1");
    assert_eq!(servers.seen("user new").await, "0");
    assert_eq!(servers.seen("user old").await, "1");

    // Whichever version sent the message.
    for (channel, word) in [(here, "new"), (there, "old"), (servers.direct, "old")] {
        let sent = servers.all_in(channel, "!menu").await;
        let message: Id = sent[0]["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            servers.press(channel, message).await,
            format!("pressed {word}")
        );
        servers.stage.ask("!reload drop t").await;
        assert_eq!(servers.press(channel, message).await, "pressed old");
        servers.stage.ask("!reload try t").await;
        assert_eq!(
            servers.press(channel, message).await,
            format!("pressed {word}")
        );
    }
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_goes_on_with_the_version_that_began() {
    let servers = on_trial().await;
    let owner = servers.stage.sim.owner();
    let (here, there) = (servers.stage.general(), servers.other.1);
    for channel in [here, there] {
        servers.stage.sim.say(owner, channel, "!wait").unwrap();
        servers.stage.settled().await;
    }
    assert_eq!(servers.ask_in(here, "hello").await, "new hello");
    assert_eq!(servers.ask_in(there, "hello").await, "old hello");
    servers.stage.sim.say(owner, here, "!wait").unwrap();
    servers.stage.settled().await;
    servers.ask_in(servers.direct, "!reload drop t").await;
    assert_eq!(servers.ask_in(here, "again").await, "new again");
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_jobs_and_hooks_are_those_of_the_version_that_all_others_run() {
    let servers = on_trial().await;
    assert_eq!(servers.stage.ask("!errand").await, "later");
    servers
        .stage
        .advance(std::time::Duration::from_secs(35))
        .await;
    assert_eq!(servers.seen("beat old").await, "3");
    assert_eq!(servers.seen("beat new").await, "0");
    assert_eq!(servers.seen("errand old").await, "1");
    assert_eq!(servers.seen("errand new").await, "0");
    assert_eq!(servers.seen("ready new").await, "0");
    servers.stage.ask("!reload drop t").await;
    assert_eq!(servers.seen("unload new").await, "0");
    servers.stage.ask("!reload redo t").await;
    servers.stage.ask("!reload cog t").await;
    servers.stage.settled().await;
    servers
        .stage
        .advance(std::time::Duration::from_secs(35))
        .await;
    assert_eq!(servers.seen("beat old").await, "3");
    assert_ne!(servers.seen("beat new").await, "0");
    assert_ne!(servers.seen("ready new").await, "0");
    servers.stage.stop().await;
}
