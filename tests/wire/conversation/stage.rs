//! A bot with a cog that answers to everything, and somebody who talks to it while it is recorded.

use crate::support::{Id, Stage, setup, until};
use cogsmith::config::{Environment, load};
use cogsmith::conversation::{Conversation, Recorder, SpecOptions, spec};
use cogsmith::sim::InteractionRequest;
use serde_json::{Value, json};
use std::fs;

pub(crate) const COG: &str = include_str!("try.luau");

/// What is said while it is recorded: no part of it may become code.
pub(crate) const HOSTILE: &str =
    "]] `{world:now()}` \"\\ \u{200b} --[[ 'x' %d+ 👍\nend) error(\"no\")";

/// Somebody who talks to the bot.
pub(crate) struct Talk {
    pub(crate) stage: Stage,
    pub(crate) guild: Id,
    pub(crate) general: Id,
    pub(crate) anna: Id,
    pub(crate) ben: Id,
    pub(crate) owner: Id,
}

impl Talk {
    pub(crate) async fn start(cog: &str) -> Self {
        let stage = setup(&[("cogs/try.luau", cog)]).start().await;
        let sim = &stage.sim;
        let commands = || sim.all_commands().into_iter();
        if cog == COG {
            until(|| commands().any(|one| one["name"] == "Quote")).await;
        }
        Self {
            guild: sim.guild(),
            general: sim.channel("general").unwrap(),
            anna: sim.user("anna").unwrap(),
            ben: sim.user("ben").unwrap(),
            owner: sim.owner(),
            stage,
        }
    }

    pub(crate) async fn says(&self, user: Id, text: &str) -> Value {
        let said = self.stage.sim.say(user, self.general, text).unwrap();
        self.stage.settled().await;
        said
    }

    pub(crate) async fn uses(&self, user: Id, request: InteractionRequest) {
        let begun = self.stage.sim.interact(user, self.general, request.clone());
        begun.unwrap_or_else(|error| panic!("{request:?}: {error}"));
        self.stage.settled().await;
    }

    pub(crate) async fn runs(&self, user: Id, name: &str, options: Value) {
        let name = name.to_owned();
        self.uses(user, InteractionRequest::Slash { name, options })
            .await;
    }

    /// The newest message of the channel, or the newest of those with this text.
    pub(crate) fn newest(&self, text: &str) -> Value {
        let all = self.stage.sim.messages(self.general).into_iter().rev();
        let mut all = all.filter(|it| it["content"].as_str().unwrap().contains(text));
        all.next().unwrap()
    }

    pub(crate) async fn clicks(&self, user: Id, message: &Value, at: &str, values: &[&str]) {
        let custom_id = message.pointer(at).unwrap().as_str().unwrap();
        let request = InteractionRequest::Component {
            message: id(message),
            custom_id: custom_id.to_owned(),
            values: values.iter().map(|it| (*it).to_owned()).collect(),
        };
        self.uses(user, request).await;
    }

    /// Every kind of step, recorded.
    pub(crate) async fn records(&self) -> Conversation {
        let sim = &self.stage.sim;
        let recorder = Recorder::start(sim, self.guild);
        let said = self.says(self.anna, HOSTILE).await;
        let text = InteractionRequest::Autocomplete {
            name: "greet".into(),
            options: json!({ "what": "he" }),
            focused: "what".into(),
        };
        self.uses(self.anna, text).await;
        let ben = self.ben.to_string();
        self.runs(self.anna, "greet", json!({ "what": HOSTILE, "who": ben }))
            .await;
        self.says(self.anna, &format!("!greet hi <@{ben}>")).await;
        self.runs(self.anna, "secret", json!({})).await;
        self.runs(self.anna, "soon", json!({})).await;
        sim.react_as(self.ben, self.general, id(&said), "👍")
            .unwrap();
        self.stage.settled().await;
        let edited = json!({ "content": "other words" });
        sim.edit_as(self.anna, self.general, id(&said), edited)
            .unwrap();
        self.stage.settled().await;
        self.runs(self.anna, "panel", json!({})).await;
        let panel = self.newest("Choose");
        self.clicks(
            self.anna,
            &panel,
            "/components/0/components/0/custom_id",
            &[],
        )
        .await;
        self.clicks(
            self.ben,
            &panel,
            "/components/1/components/0/custom_id",
            &["blue"],
        )
        .await;
        self.clicks(
            self.ben,
            &panel,
            "/components/0/components/1/custom_id",
            &[],
        )
        .await;
        let open = sim.open_modal(self.ben).unwrap();
        let form = InteractionRequest::Modal {
            custom_id: open["custom_id"].as_str().unwrap().into(),
            fields: vec![("text".into(), "from a form".into())],
        };
        self.uses(self.ben, form).await;
        let quote = InteractionRequest::Message {
            name: "Quote".into(),
            target: id(&said),
        };
        self.uses(self.ben, quote).await;
        let poke = InteractionRequest::User {
            name: "Poke".into(),
            target: self.anna,
        };
        self.uses(self.ben, poke).await;
        self.runs(self.owner, "warn", json!({ "target": ben }))
            .await;
        sim.delete_as(self.anna, self.general, id(&said)).unwrap();
        self.stage.settled().await;
        let rin = sim.add_user("rin");
        sim.join(self.guild, rin).unwrap();
        self.stage.settled().await;
        self.runs(self.owner, "leave", json!({ "target": rin.to_string() }))
            .await;
        let refused = sim.delete_as(self.anna, self.general, id(&panel));
        assert!(refused.is_err());
        sim.join_voice(self.anna, sim.channel("Voice").unwrap())
            .unwrap();
        self.stage.settled().await;
        sim.set_presence(self.anna, "idle", &[]).unwrap();
        self.stage.settled().await;
        self.runs(self.anna, "clear", json!({})).await;
        self.says(self.anna, "!later").await;
        sim.wait_for("a late answer", crate::support::PATIENCE, |sim| {
            let messages = sim.messages(self.general);
            (messages.last()?["content"] == "now").then_some(())
        })
        .await
        .unwrap();
        let end = recorder.finish();
        assert!(!end.is_cut);
        Conversation {
            name: "everything: ]] \" \\".into(),
            cogs: vec!["try".into()],
            ..end.conversation
        }
    }
}

pub(crate) fn id(message: &Value) -> Id {
    message["id"].as_str().unwrap().parse().unwrap()
}

/// How a spec ends that is written for a conversation, with this cog: its text, and why it fails if it does.
pub(crate) async fn spec_of(conversation: &Conversation, cog: &str) -> (String, Option<String>) {
    let text = spec(conversation, SpecOptions { keeps_pauses: true });
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [("lua/cogs/try.luau", cog), ("spec/talk_spec.luau", &text)] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let failure = tokio::task::spawn_blocking(move || {
        let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
        let config = load(&folder.path().join("config.json"), &environment).unwrap();
        let cases = cogsmith::spec::cases(&config).unwrap();
        assert_eq!(cases.len(), 1);
        cases[0].run().err().map(|failure| failure.to_string())
    });
    (text, failure.await.unwrap())
}
