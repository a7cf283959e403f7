//! The world of a simulator, saved and gone on with.

use crate::sim_gateway::Client;
use crate::support::conformity::Conforming;
use cogsmith::sim::{BotBlueprint, Id, InteractionRequest, SavedWorld, Sim, SimOptions};
use proptest::prelude::*;
use reqwest::Client as Http;
use serde_json::{Value, json};

fn saved(sim: &Sim) -> Value {
    serde_json::from_str(&sim.save().unwrap()).unwrap()
}

/// Another simulator that goes on with the world of this one.
async fn resumed(sim: &Sim) -> Conforming {
    let world = SavedWorld::read(&sim.save().unwrap()).unwrap();
    let options = SimOptions {
        checks_conformity: true,
        ..SimOptions::default()
    };
    Conforming(Sim::resume(options, world).await.unwrap())
}

/// A world without the address that it was served at.
fn at_no_address(sim: &Sim) -> Value {
    let text = saved(sim).to_string().replace(&sim.url(), "ADDRESS");
    serde_json::from_str(&text).unwrap()
}

const PIXEL: &str = "data:image/png;base64,iVBORw0KGgotLS0t";

/// What somebody does, by numbers: which of these, and how.
fn act(sim: &Sim, kind: u8, number: u8, text: &str) {
    let guild = sim.guild();
    let owner = sim.owner();
    let people = ["owner", "anna", "ben"];
    let user = sim.user(people[usize::from(number) % 3]).unwrap();
    let channel = sim.channel("general").unwrap();
    let newest = sim.messages(channel).last().cloned();
    let message = newest.and_then(|it| it["id"].as_str()?.parse::<Id>().ok());
    let call = |method: &str, path: String, body: Value| {
        // What Discord refuses changes nothing, which is as good.
        let _done = sim.call_as(owner, method, &path, body).is_ok();
    };
    let messages = format!("/channels/{channel}/messages");
    match kind {
        0 => drop(sim.say(user, channel, text)),
        1 => drop(sim.join(guild, sim.add_user(&format!("user{number}")))),
        2 => drop(sim.add_role(guild, text, u64::from(number))),
        3 => drop(sim.add_channel(
            guild,
            &format!("c{number}"),
            [0, 2, 4, 5, 13, 15][usize::from(number) % 6],
        )),
        4 => {
            if let Some(message) = message {
                drop(sim.react_as(user, channel, message, "👍"));
            }
        }
        5 => call(
            "POST",
            format!("/channels/{channel}/threads"),
            json!({"name": "t", "type": 11}),
        ),
        6 => call(
            "POST",
            format!("/channels/{channel}/invites"),
            json!({"max_age": 0, "max_uses": number}),
        ),
        7 => call(
            "POST",
            format!("/channels/{channel}/webhooks"),
            json!({"name": "hook"}),
        ),
        8 => call(
            "POST",
            messages,
            json!({"poll": {
                "question": {"text": "tea?"}, "answers": [{"poll_media": {"text": "yes"}}], "duration": 1 + u64::from(number),
            }}),
        ),
        9 => call(
            "POST",
            format!("/guilds/{guild}/emojis"),
            json!({"name": format!("e{number}"), "image": PIXEL}),
        ),
        10 => call("PUT", format!("/guilds/{guild}/bans/{user}"), Value::Null),
        11 => call(
            "PATCH",
            format!("/guilds/{guild}"),
            json!({"name": format!("Guild {number}")}),
        ),
        12 => call(
            "POST",
            format!("/guilds/{guild}/auto-moderation/rules"),
            json!({
                "name": "words", "event_type": 1, "trigger_type": 1, "enabled": true,
                "trigger_metadata": {"keyword_filter": ["bad"]}, "actions": [{"type": 1}],
            }),
        ),
        13 => drop(sim.set_presence(user, "idle", &[])),
        14 => drop(sim.join_voice(user, sim.channel("Voice").unwrap())),
        15 => drop(sim.add_guild(&format!("Other {number}"), user)),
        16 => drop(sim.direct_channel(user)),
        17 => drop(sim.install_bot(&BotBlueprint {
            name: format!("bot{number}"),
            ..BotBlueprint::default()
        })),
        18 => {
            if let Some(message) = message {
                call("PUT", format!("{messages}/pins/{message}"), Value::Null);
            }
        }
        19 => call(
            "POST",
            format!("/guilds/{guild}/scheduled-events"),
            json!({
                "name": "event", "privacy_level": 2, "scheduled_start_time": "2100-01-01T00:00:00Z",
                "scheduled_end_time": "2100-01-02T00:00:00Z", "entity_type": 3, "entity_metadata": {"location": "x"},
            }),
        ),
        20 => {
            let upload = sim.upload(user, "a.txt", None, text.to_owned().into());
            let body = json!({"content": "file"});
            let _sent = upload.and_then(|file| sim.send_uploaded(user, channel, body, &[file]));
        }
        _ => {
            if let Some(message) = message {
                call("DELETE", format!("{messages}/{message}"), Value::Null);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_world_that_is_saved_and_read_again_is_the_same(
        acts in prop::collection::vec((0_u8..22, any::<u8>(), "\\PC{1,40}"), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let sim = Conforming::start(SimOptions::default()).await;
            for (kind, number, text) in &acts {
                act(&sim, *kind, *number, text);
            }
            let again = resumed(&sim).await;
            assert_eq!(at_no_address(&again), at_no_address(&sim));
            // What people and bots see of it, too; files are at the new address.
            let shown = |sim: &Sim| {
                let general = sim.channel("general").unwrap();
                let seen = json!([sim.world(), sim.messages(general), sim.all_commands()]);
                seen.to_string().replace(&sim.url(), "ADDRESS")
            };
            assert_eq!(shown(&again), shown(&sim));
            assert_eq!(again.bots(), sim.bots());
            // And it goes on: ids are new ones.
            let (anna, general) = (again.user("anna").unwrap(), again.channel("playground").unwrap());
            let before = again.message_count(general);
            let was_said = again.say(anna, general, "on").is_ok();
            assert_eq!(again.message_count(general), before + usize::from(was_said));
        });
    }
}

#[tokio::test]
async fn bots_go_on_with_their_tokens_commands_files_and_webhooks() {
    let sim = Conforming::start(SimOptions::default()).await;
    let http = Http::builder().no_proxy().build().unwrap();
    let general = sim.channel("general").unwrap();
    let anna = sim.user("anna").unwrap();
    let (_, second) = sim
        .install_bot(&BotBlueprint {
            name: "second".into(),
            ..BotBlueprint::default()
        })
        .unwrap();
    let upload = sim.upload(anna, "a.txt", None, "kept".into()).unwrap();
    let message = sim
        .send_uploaded(anna, general, json!({"content": "file"}), &[upload])
        .unwrap();
    let message: Id = message["id"].as_str().unwrap().parse().unwrap();
    let post = async |sim: &Sim, path: &str, body: Value| -> Value {
        let request = http.post(format!("{}/api/v10{path}", sim.url()));
        let request = request.header("authorization", format!("Bot {}", sim.token()));
        request
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    let commands = format!("/applications/{}/commands", sim.bot_user());
    post(
        &sim,
        &commands,
        json!({"name": "tea", "description": "Makes tea"}),
    )
    .await;
    let hooks = format!("/channels/{general}/webhooks");
    let hook = post(&sim, &hooks, json!({"name": "x"})).await;

    let again = resumed(&sim).await;
    sim.shutdown().await;
    assert_eq!(again.token(), sim.token());
    let mut client = Client::identified_as(&again, &second, 1 << 9).await;
    assert_eq!(client.payload().await["d"]["user"]["username"], "second");
    let mut first = Client::identified_as(&again, again.token(), 1).await;
    first.dispatch("GUILD_CREATE").await;
    let request = InteractionRequest::Slash {
        name: "tea".into(),
        options: json!({}),
    };
    again.interact(anna, general, request).unwrap();
    assert_eq!(
        first.dispatch("INTERACTION_CREATE").await["d"]["data"]["name"],
        "tea"
    );
    let shown = again.message(general, message).unwrap();
    let url = shown["attachments"][0]["url"].as_str().unwrap();
    assert!(url.starts_with(&again.url()), "{url}");
    let file = http.get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(file, "kept");
    let run = format!(
        "/webhooks/{}/{}?wait=true",
        hook["id"].as_str().unwrap(),
        hook["token"].as_str().unwrap()
    );
    let sent = post(&again, &run, json!({"content": "by the hook"})).await;
    assert_eq!(sent["content"], "by the hook", "{sent}");
}

#[test]
fn what_is_no_saved_world_is_refused_in_words() {
    assert!(SavedWorld::is_one(" {\n \"saved_by\": 1}"));
    assert!(!SavedWorld::is_one("{\"guilds\": []}"));
    assert!(!SavedWorld::is_one(""));
    let error = SavedWorld::read("{\"saved_by\": \"x\", \"tokens\": []}").unwrap_err();
    assert!(error.contains("missing field `world`"), "{error}");
}
