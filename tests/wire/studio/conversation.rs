//! A conversation is recorded, kept and played again over the page's routes.

use super::harness::{PATIENCE, Studio, error_of};
use cogsmith::sim::{Id, Sim, SimOptions};
use cogsmith::studio::Project;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

struct Kept {
    studio: Studio,
    chat: Sim,
    folder: TempDir,
}

impl Kept {
    async fn start() -> Self {
        let chat = Sim::start(SimOptions::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let project = Project {
            specs: folder.path().join("spec"),
            author: Arc::new(|_| None),
        };
        let studio = Studio::start_in(Some(chat.clone()), Some(project)).await;
        Self {
            studio,
            chat,
            folder,
        }
    }

    async fn ask(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let path = format!("/control/conversation/{path}");
        let response = self.studio.post(&path, &body).await;
        (response.status(), response.json().await.unwrap())
    }

    /// A conversation of one message, to which nobody answers.
    async fn recorded(&self) -> Value {
        self.ask("record", json!({})).await;
        let general = self.chat.channel("general").unwrap();
        self.chat.say(self.chat.owner(), general, "hello").unwrap();
        self.ask("stop", json!({})).await.1["conversation"].clone()
    }
}

#[tokio::test]
async fn a_recording_is_shown_to_all_pages_and_ends_once() {
    let kept = Kept::start().await;
    let mut page = kept.studio.page().await;
    assert_eq!(kept.ask("record", json!({})).await.0, StatusCode::OK);
    let again = kept.ask("record", json!({})).await;
    assert_eq!(again.0, StatusCode::CONFLICT);
    assert_eq!(page.next("recording").await["recording"]["steps"], 0);
    assert_eq!(kept.ask("discard", json!({})).await.0, StatusCode::OK);
    assert_eq!(page.next("recording").await["recording"], Value::Null);
    let ended = kept.ask("stop", json!({})).await;
    assert_eq!(ended.1["error"], "Nothing is being recorded.");
}

#[tokio::test]
async fn it_is_of_one_server() {
    let kept = Kept::start().await;
    let (chat, owner) = (&kept.chat, kept.chat.owner());
    let other = chat.add_guild("Other", owner).unwrap();
    let is_there = |channel: &Id| chat.place_of(*channel).unwrap().0 == Some(other);
    let there = chat.channels().into_iter().find(is_there).unwrap();
    let unknown = kept.ask("record", json!({ "guild": "Nowhere" })).await;
    assert_eq!(unknown.0, StatusCode::BAD_REQUEST, "{}", unknown.1);
    kept.ask("record", json!({ "guild": other.to_string() }))
        .await;
    chat.say(owner, chat.channel("general").unwrap(), "here")
        .unwrap();
    chat.say(owner, there, "there").unwrap();
    let stopped = kept.ask("stop", json!({})).await.1;
    assert_eq!(stopped["steps"].as_array().unwrap().len(), 1, "{stopped}");
    assert!(
        stopped["steps"][0].as_str().unwrap().ends_with("there"),
        "{stopped}"
    );
}

#[tokio::test]
async fn it_is_saved_among_the_specs_and_nowhere_else() {
    let kept = Kept::start().await;
    let conversation = kept.recorded().await;
    let save = |name: &str, kind: &str, overwrite: bool| {
        let body = json!({
            "conversation": conversation, "name": name, "kind": kind, "pauses": true, "overwrite": overwrite,
        });
        kept.ask("save", body)
    };
    for name in ["../out", "a/b", "", "A", "a.b", "..\\a"] {
        let (status, answer) = save(name, "spec", true).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name} {answer}");
    }
    let saved = save("greeting", "spec", false).await;
    assert_eq!(saved.1, json!({ "file": "spec/greeting_spec.luau" }));
    let (status, again) = save("greeting", "spec", false).await;
    assert_eq!(
        (status, &again["exists"]),
        (StatusCode::CONFLICT, &json!(true))
    );
    assert_eq!(save("greeting", "spec", true).await.0, StatusCode::OK);
    save("greeting", "json", false).await;
    let text = fs::read_to_string(kept.folder.path().join("spec/greeting_spec.luau")).unwrap();
    assert!(
        text.contains("spec.expect(owner:says(\"hello\")):is_nil()"),
        "{text}"
    );
    let listed = kept.studio.get("/control/conversation/saved").await;
    let listed: Value = listed.json().await.unwrap();
    assert_eq!(listed, json!({ "names": ["greeting"], "can_save": true }));
    let one = kept
        .studio
        .get("/control/conversation/saved/greeting")
        .await;
    let one: Value = one.json().await.unwrap();
    assert_eq!(one["steps"], conversation["steps"]);
    let other = kept
        .studio
        .get("/control/conversation/saved/..%2Fconfig")
        .await;
    assert_eq!(other.status(), StatusCode::BAD_REQUEST);
    let files = fs::read_dir(kept.folder.path()).unwrap().count();
    assert_eq!(files, 1);
}

#[tokio::test]
async fn other_pages_and_bots_on_discord_save_nothing() {
    let kept = Kept::start().await;
    let conversation = kept.recorded().await;
    let body = json!({ "conversation": conversation, "name": "a", "kind": "spec" });
    let request = kept
        .studio
        .client
        .post(kept.studio.url("/control/conversation/save"));
    let request = request.header("origin", "http://evil.example").json(&body);
    assert_eq!(
        request.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    assert!(!kept.folder.path().join("spec").exists());
    let project = Project {
        specs: kept.folder.path().join("spec"),
        author: Arc::new(|_| None),
    };
    let online = Studio::start_in(None, Some(project)).await;
    let refused = online.post("/control/conversation/save", &body).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused = online
        .post("/control/conversation/record", &json!({}))
        .await;
    assert!(
        error_of(refused)
            .await
            .starts_with("The bot is on Discord itself")
    );
    assert!(!kept.folder.path().join("spec").exists());
}

#[tokio::test]
async fn it_is_played_step_by_step_and_what_is_no_conversation_is_refused() {
    let kept = Kept::start().await;
    let conversation = kept.recorded().await;
    for wrong in [
        json!({}),
        json!([]),
        json!({ "conversation": 2 }),
        json!("x"),
    ] {
        let (status, answer) = kept.ask("replay", json!({ "conversation": wrong })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let why = answer["error"].as_str().unwrap();
        assert!(why.starts_with("This is no recorded conversation"), "{why}");
    }
    let begun = kept
        .ask("replay", json!({ "conversation": conversation }))
        .await
        .1;
    assert_eq!(begun["steps"], json!(["owner: hello"]));
    let which = json!({ "replay": begun["replay"] });
    let played = tokio::time::timeout(PATIENCE, kept.ask("replay/step", which.clone()));
    assert_eq!(played.await.unwrap().1["outcome"]["state"], "same");
    assert_eq!(
        kept.ask("replay/step", which.clone()).await.1["outcome"],
        Value::Null
    );
    assert_eq!(kept.chat.world()["guilds"].as_array().unwrap().len(), 2);
    let ended = kept.ask("replay/end", which.clone()).await.1;
    assert_eq!(ended["conversation"]["steps"], conversation["steps"]);
    assert_eq!(kept.chat.world()["guilds"].as_array().unwrap().len(), 1);
    assert_eq!(kept.ask("replay/step", which).await.0, StatusCode::CONFLICT);
}
