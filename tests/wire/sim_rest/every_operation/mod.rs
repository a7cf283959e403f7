//! Every operation that works is called, with what Discord takes: its answer and its events are as Discord describes
//! them (`tests/support/conformity.rs`), and it is refused to a bot that may not.
//!
//! The files beside this one are one story, a line a call, in the order of [`STORY`]:
//!
//! - `call`: the operation; `with`: parameters of its path, beside those that are known by their names;
//! - `query`, `body`, `file`, `headers`: what comes with it; `$name` stands for what is known;
//! - `check`: what the answer has at a JSON pointer; `keep`: what of the answer is known from then on;
//! - `events`: what the gateway tells of it, in any order;
//! - `status` and `code`: of an operation that has nothing to find here; otherwise it succeeds;
//! - `without`: the code with which the same call is refused to a bot that has no permissions, made before;
//! - `before`: what somebody does before the call.

use super::Bot;
use super::listener::Listener;
use cogsmith::discord::operation;
use cogsmith::sim::{Blueprint, Id, InteractionRequest, SimOptions};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const STORY: &[(&str, &str)] = &[
    ("application.json", include_str!("application.json")),
    ("channels.json", include_str!("channels.json")),
    ("webhooks.json", include_str!("webhooks.json")),
    ("guild.json", include_str!("guild.json")),
    ("members.json", include_str!("members.json")),
];

/// Where everybody only sees, one bot may do all, and the other one no more than everybody.
fn world() -> Blueprint {
    let channels = [
        ("general", "text"),
        ("news", "announcement"),
        ("forum", "forum"),
        ("voice", "voice"),
        ("stage", "stage"),
    ];
    let channels = channels.map(|(name, kind)| json!({"name": name, "type": kind}));
    let world = json!({
        "bots": [
            {"name": "cogsmith", "permissions": ["administrator"]},
            {"name": "weak", "permissions": []},
        ],
        "users": [{"name": "owner"}, {"name": "anna"}, {"name": "ben"}],
        "guilds": [{
            "name": "Tea", "everyone": ["view_channel", "read_message_history"],
            "features": ["COMMUNITY", "NEWS"],
            "members": [{"user": "anna"}, {"user": "ben"}], "channels": channels,
        }],
    });
    serde_json::from_value(world).unwrap()
}

struct Story {
    bot: Bot,
    known: BTreeMap<String, String>,
}

impl Story {
    async fn begin() -> Self {
        let options = SimOptions {
            world: world(),
            ..SimOptions::default()
        };
        let bot = Bot::with(options).await;
        let other = bot.sim.add_guild("Other", bot.sim.owner()).unwrap();
        let png = "data:image/png;base64,iVBORw0KGgotLS0t";
        let mut known = BTreeMap::from([("png".to_owned(), png.to_owned())]);
        let ids = [
            ("application_id", bot.sim.bot_user()),
            ("weak_id", bot.sim.bots()[1].0),
            ("guild_id", bot.sim.guild()),
            ("other_id", other),
            ("channel_id", bot.general()),
            ("news_id", bot.sim.channel("news").unwrap()),
            ("forum_id", bot.sim.channel("forum").unwrap()),
            ("voice_id", bot.sim.channel("voice").unwrap()),
            ("stage_id", bot.sim.channel("stage").unwrap()),
            ("user_id", bot.user("anna")),
            ("ben_id", bot.user("ben")),
        ];
        known.extend(ids.map(|(name, id)| (name.to_owned(), id.to_string())));
        Self { bot, known }
    }

    fn id(&self, name: &str) -> Id {
        self.known[name].parse().unwrap()
    }

    /// A text in which names stand for what is known.
    fn filled(&self, text: &str) -> String {
        // Longer names first: one may begin with another.
        let mut names: Vec<_> = self.known.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${name}"), value)
        })
    }

    fn fill(&self, value: &Value) -> Value {
        serde_json::from_str(&self.filled(&value.to_string())).unwrap()
    }

    /// The path of a call with its query.
    fn path(&self, template: &str, step: &Value) -> String {
        let with = self.fill(&step["with"]);
        let parts = template.split('/').map(|part| {
            let name = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            let Some(name) = name else {
                return part.to_owned();
            };
            let given = with[name].as_str().map(str::to_owned);
            given.unwrap_or_else(|| {
                let found = self.known.get(name);
                found
                    .unwrap_or_else(|| panic!("{step}: which {name}?"))
                    .clone()
            })
        });
        let path = parts.collect::<Vec<_>>().join("/");
        match step["query"].as_str() {
            Some(query) => format!("{path}?{}", self.filled(query)),
            None => path,
        }
    }

    async fn send(&self, token: &str, step: &Value) -> (u16, Value) {
        let operation = operation(step["call"].as_str().unwrap()).unwrap();
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let path = self.path(operation.path, step);
        let url = format!("{}/api/v10{path}", self.bot.sim.url());
        let request = self.bot.http.request(method, url);
        let mut request = request.header("authorization", format!("Bot {token}"));
        for (name, value) in step["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap());
        }
        let body = self.fill(&step["body"]);
        if let Some(file) = step.get("file") {
            let text = |name: &str| file[name].as_str().unwrap().to_owned();
            let mut form = Form::new();
            for (name, value) in body.as_object().into_iter().flatten() {
                form = form.text(name.clone(), value.as_str().unwrap().to_owned());
            }
            let bytes = match file["text"].as_str().unwrap() {
                "$bytes" => b"\x89PNG\r\n\x1a\n----".to_vec(),
                text => text.as_bytes().to_vec(),
            };
            let part = Part::bytes(bytes).file_name(text("filename"));
            request = request.multipart(form.part(text("name"), part));
        } else if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// What somebody does before a call.
    async fn prepare(&mut self, what: &str, events: &mut Listener) {
        let (anna, bot) = (self.id("user_id"), self.bot.sim.bot_user());
        match what {
            "join voice" | "join stage" => {
                let name = what.trim_start_matches("join ");
                let channel = self.bot.sim.channel(name).unwrap();
                // Nobody else may, and so they are let in.
                let guild = self.bot.sim.guild();
                self.bot
                    .sim
                    .overwrite(channel, guild, (1 << 20, 0))
                    .unwrap();
                for user in [anna, bot] {
                    self.bot.sim.join_voice(user, channel).unwrap();
                }
            }
            "slash" => {
                let request = InteractionRequest::Slash {
                    name: "pour".into(),
                    options: json!({}),
                };
                let general = self.bot.general();
                // Everybody may use commands here from now on.
                let guild = self.bot.sim.guild();
                self.bot
                    .sim
                    .overwrite(general, guild, (1 << 31, 0))
                    .unwrap();
                self.bot.sim.interact(anna, general, request).unwrap();
                let told = events.next("INTERACTION_CREATE").await;
                for (name, field) in [("interaction_id", "id"), ("interaction_token", "token")] {
                    let value = told[field].as_str().unwrap();
                    self.known.insert(name.to_owned(), value.to_owned());
                }
            }
            other => panic!("{other}?"),
        }
    }
}

#[tokio::test]
async fn every_operation_answers_tells_and_is_refused() {
    let mut story = Story::begin().await;
    let weak = story.bot.sim.bots()[1].1.clone();
    let token = story.bot.sim.token().to_owned();
    let mut events = story.bot.listen().await;
    events.next("GUILD_CREATE").await;
    let (mut called, mut wrong) = (BTreeSet::new(), Vec::new());
    for (file, text) in STORY {
        let steps: Vec<Value> =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for step in steps {
            let name = step["call"].as_str().unwrap().to_owned();
            if let Some(what) = step["before"].as_str() {
                story.prepare(what, &mut events).await;
            }
            if let Some(code) = step.get("without") {
                let (status, refused) = story.send(&weak, &step).await;
                if refused["code"] != *code || status < 400 {
                    wrong.push(format!(
                        "{file}: {name} without permission: {status} {refused}"
                    ));
                }
            }
            let (status, answer) = story.send(&token, &step).await;
            let is_right = match step["status"].as_u64() {
                Some(expected) => u64::from(status) == expected && answer["code"] == step["code"],
                None => (200..300).contains(&status),
            };
            if !is_right {
                wrong.push(format!("{file}: {name}: {status} {answer}"));
                continue;
            }
            for (pointer, expected) in step["check"].as_object().into_iter().flatten() {
                let expected = story.fill(expected);
                if answer.pointer(pointer) != Some(&expected) {
                    wrong.push(format!(
                        "{file}: {name}: {pointer} is not {expected}: {answer}"
                    ));
                }
            }
            for (known, pointer) in step["keep"].as_object().into_iter().flatten() {
                let kept = answer.pointer(pointer.as_str().unwrap());
                match kept.and_then(Value::as_str) {
                    Some(kept) => drop(story.known.insert(known.clone(), kept.to_owned())),
                    None => wrong.push(format!("{file}: {name}: no {pointer} in {answer}")),
                }
            }
            // Clients ask for pages until one is empty.
            let pages = operation(&name).unwrap().query.contains_key("after");
            if pages && answer.as_array().is_some_and(|all| !all.is_empty()) {
                let mut last = step.clone();
                last["query"] = json!("after=9223372036854775807");
                let (_, answer) = story.send(&token, &last).await;
                if answer != json!([]) {
                    wrong.push(format!(
                        "{file}: {name}: the page after the last is {answer}"
                    ));
                }
            }
            let told = step["events"].as_array().into_iter().flatten();
            let mut told: Vec<&str> = told.filter_map(Value::as_str).collect();
            while !told.is_empty() {
                let Some((seen, _)) = events.soon().await else {
                    wrong.push(format!("{file}: {name}: no {told:?}"));
                    break;
                };
                if let Some(index) = told.iter().position(|one| *one == seen) {
                    told.remove(index);
                }
            }
            called.insert(name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // What the book says works is what was called.
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/simulator.md");
    let book = std::fs::read_to_string(book).unwrap();
    let works = book.lines().filter(|line| line.ends_with("| works |"));
    let works: BTreeSet<String> = works
        .filter_map(|line| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned()))
        .collect();
    assert!(works.len() > 200);
    let uncalled: Vec<_> = works.difference(&called).collect();
    assert!(uncalled.is_empty(), "nothing calls {uncalled:?}");
    let unknown: Vec<_> = called.difference(&works).collect();
    assert!(unknown.is_empty(), "the book has no {unknown:?}");
}
