//! `cogsmith sim`: what it prints, what it refuses, what it records, and that bots and programs reach it.

use super::cli::{cogsmith, folder};
use crate::support::process::Process;
use insta::assert_snapshot;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use tempfile::TempDir;

/// A simulator that runs, at a free port.
struct Started {
    process: Process,
    url: String,
    tokens: Vec<String>,
    http: Client,
    folder: TempDir,
}

impl Started {
    fn with(folder: TempDir, arguments: &[&str]) -> Self {
        let mut all = vec!["sim", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        let mut process = Process::start(folder.path(), &all, &[]);
        let line = process.until("The simulator is at");
        let url = line.split_whitespace().nth(4).unwrap().to_owned();
        process.until("Ctrl-C stops it.");
        let tokens = process.printed.lines();
        let tokens = tokens.filter_map(|line| line.trim().strip_prefix("DISCORD_TOKEN="));
        let tokens = tokens.map(str::to_owned).collect();
        Self {
            process,
            url,
            tokens,
            http: Client::builder().no_proxy().build().unwrap(),
            folder,
        }
    }

    fn start(arguments: &[&str]) -> Self {
        Self::with(folder(&[]), arguments)
    }

    async fn get(&self, path: &str, token: usize) -> Response {
        let url = format!("{}/api/v10{path}", self.url);
        let token = format!("Bot {}", self.tokens[token]);
        let request = self.http.get(url).header("authorization", token);
        request.send().await.unwrap()
    }

    async fn json(&self, path: &str, token: usize) -> Value {
        self.get(path, token).await.json().await.unwrap()
    }

    async fn look(&self, path: &str) -> Value {
        let url = format!("{}/control/{path}", self.url);
        let response = self.http.get(url).send().await.unwrap();
        response.json().await.unwrap()
    }

    async fn control(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let url = format!("{}/control/{path}", self.url);
        let response = self.http.post(url).json(body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }
}

#[test]
fn the_command_line_explains_itself() {
    let here = folder(&[]);
    assert_snapshot!(cogsmith(here.path(), &["sim", "-h"], &[]), @r"
    exit 0
    -- stdout
    Run a Discord on this machine for bots of any kind and language, and a page to talk in it

    Usage: cogsmith sim [OPTIONS]

    Options:
          --listen <ADDRESS>     Where REST, the gateway and the page are: an address of this machine's own, with port 0 for any free one [default: 127.0.0.1:7880]
          --world <PRESET|FILE>  What there is at the start: `default`, `community`, `empty`, `large`, or a JSON file: a world as `cogsmith schema --world` describes it, or a saved one [default: default]
          --bot <NAME[=TOKEN]>   A bot that can connect, instead of the world's own; give it again for more bots
          --token <TOKEN>        The first bot's token; otherwise a new one is made and printed. The id in it becomes the application's
          --seed <NUMBER>        Make the same tokens at each start with this number, as the ids of the world are in any case
          --no-limits            Take as many requests as come; otherwise there are rate limits like Discord's
          --faults <FAULT|FILE>  Let requests fail: `POST /channels/{channel_id}/messages 503 x3`, or a file with one fault a line
          --save <FILE>          Save the whole world into this file, also at the end; `--world FILE` goes on with it
          --record <FILE>        Write all requests and events into this file, each as a line of JSON, without tokens
          --replay <FILE>        Play a recorded conversation again as soon as a bot is connected, tell what is different, and end: with 0 if it goes as recorded, 1 if not, 2 for a file that is none. Give it again for more conversations
          --update               With --replay: write what is answered now into the files
          --pauses               With --replay: wait between steps as long as it took in the recording
          --config <PATH>        The configuration file, or the folder of its config.json; lua/ and var/ are beside it
      -v, --verbose...           Log more; give it twice for even more (`RUST_LOG` overrides this)
      -h, --help                 Print help
    -- stderr
    ");
}

#[tokio::test]
async fn it_prints_where_it_is_and_how_clients_come_there() {
    let started = Started::start(&["--seed", "7"]);
    let port = started.url.rsplit(':').next().unwrap().to_owned();
    let bot = started.json("/users/@me", 0).await;
    assert_eq!(bot["username"], "cogsmith");
    let gateway = started.json("/gateway/bot", 0).await;
    assert_eq!(gateway["session_start_limit"]["max_concurrency"], 1);
    assert_eq!(gateway["url"], started.url.replace("http", "ws"));
    // The page is at the same address.
    let page = started.http.get(&started.url).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("<title>Cogsmith"));
    let (code, printed) = started.process.stopped();
    assert_eq!(code, 0);
    let greeting = printed
        .split("Ctrl-C")
        .next()
        .unwrap()
        .replace(&port, "PORT");
    assert_snapshot!(greeting, @r#"
    The simulator is at http://127.0.0.1:PORT (REST http://127.0.0.1:PORT/api/v10, gateway ws://127.0.0.1:PORT).
    Talk in it at http://127.0.0.1:PORT

    cogsmith, application 1323802873036800001:
      DISCORD_TOKEN=MTMyMzgwMjg3MzAzNjgwMDAwMQ.AAAAAA.2iEeamY703MRqr7Lhr7aP_bQwjOhxMt3_r4C

    How a bot comes here instead of to Discord:
      discord.js
        new Client({ intents, rest: { api: "http://127.0.0.1:PORT/api" } })
      discord.py
        discord.http.Route.BASE = "http://127.0.0.1:PORT/api/v10"
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL("ws://127.0.0.1:PORT")
      serenity
        let http = HttpBuilder::new(token).proxy("http://127.0.0.1:PORT").ratelimiter_disabled(true).build();
        ClientBuilder::new_with_http(http, intents)
      JDA
        JDABuilder.createDefault(token).setRestConfig(new RestConfig().setBaseUrl("http://127.0.0.1:PORT/api/v10/"))
      hikari
        hikari.GatewayBot(token, rest_url="http://127.0.0.1:PORT/api/v10")
    "#);
}

#[tokio::test]
async fn a_seed_makes_the_tokens_the_same() {
    let tokens = |seed| Started::start(&["--seed", seed, "--bot", "one", "--bot", "two"]).tokens;
    let (first, again, other) = (tokens("7"), tokens("7"), tokens("8"));
    assert_eq!(first.len(), 2);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test]
async fn bots_have_their_names_tokens_and_the_ids_in_these() {
    let token = "MTAwMDAwMDAwMDAwMDAwMDAx.aaaaaa.abcdefghijklmnopqrstuvwxyz0";
    let started = Started::start(&["--bot", &format!("one={token}"), "--bot", "two"]);
    assert_eq!(started.tokens[0], token);
    let me = started.json("/users/@me", 0).await;
    assert_eq!(
        (&me["id"], &me["username"]),
        (&json!("100000000000000001"), &json!("one"))
    );
    let other = started.json("/users/@me", 1).await;
    assert_eq!(other["username"], "two");
    let guilds = started.json("/users/@me/guilds", 1).await;
    assert_eq!(guilds[0]["name"], "Cogsmith");
}

#[tokio::test]
async fn rate_limits_are_discords_unless_they_are_taken_off() {
    let limited = Started::start(&[]);
    let free = Started::start(&["--no-limits"]);
    let mut answers = Vec::new();
    for started in [&limited, &free] {
        let mut refused = None;
        for _ in 0..60 {
            let response = started.get("/users/@me", 0).await;
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                refused = Some(response);
                break;
            }
        }
        answers.push(refused);
    }
    assert!(answers[1].is_none());
    let refused = answers[0].take().unwrap();
    assert_eq!(refused.headers()["x-ratelimit-scope"], "user");
    for name in ["via", "retry-after", "x-ratelimit-bucket"] {
        assert!(refused.headers().contains_key(name), "{name}");
    }
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["message"], "You are being rate limited.");
}

#[tokio::test]
async fn a_world_of_a_file_is_there() {
    let world = json!({
        "bots": [{"name": "keeper", "permissions": ["view_channel"]}],
        "users": [{"name": "rin", "display_name": "Rin"}, {"name": "kai"}],
        "guilds": [{
            "name": "Tea", "owner": "kai", "roles": [{"name": "brewers", "color": 255}],
            "members": [{"user": "rin", "nick": "R", "roles": ["brewers"]}],
            "channels": [
                {"name": "Rooms", "type": "category"},
                {
                    "name": "hall", "category": "Rooms", "topic": "Tea",
                    "messages": [{"author": "rin", "content": "hello"}],
                    "overwrites": [{"role": "brewers", "deny": ["add_reactions"]}],
                },
                {"name": "help", "type": "forum", "tags": ["green"]},
            ],
        }],
    });
    let here = folder(&[("tea.json", &world.to_string())]);
    let started = Started::with(here, &["--world", "tea.json"]);
    let guild = started.json("/users/@me/guilds", 0).await[0]["id"].clone();
    let guild = guild.as_str().unwrap().to_owned();
    let channels = started.json(&format!("/guilds/{guild}/channels"), 0).await;
    let named = |name: &str| {
        let mut channels = channels.as_array().unwrap().iter();
        channels.find(|one| one["name"] == name).unwrap().clone()
    };
    assert_eq!(named("hall")["topic"], "Tea");
    assert_eq!(named("hall")["parent_id"], named("Rooms")["id"]);
    assert_eq!(named("help")["available_tags"][0]["name"], "green");
    assert_eq!(named("hall")["permission_overwrites"][0]["deny"], "64");
    let hall = named("hall")["id"].as_str().unwrap().to_owned();
    let messages = started.json(&format!("/channels/{hall}/messages"), 0).await;
    assert_eq!(messages[0]["content"], "hello");
    assert_eq!(messages[0]["author"]["global_name"], "Rin");
}

#[test]
fn a_wrong_world_says_what_and_where() {
    let here = folder(&[
        (
            "shape.json",
            "{\n  \"user\": [],\n  \"guilds\": [\n    { \"name\": \"A\", \"channels\": [{ \"name\": \"x\", \"type\": \"forums\" }] }\n  ]\n}\n",
        ),
        (
            "names.json",
            "{\n  \"users\": [{ \"name\": \"anna\" }],\n  \"guilds\": [{\n    \"name\": \"A\",\n    \"members\": [{ \"user\": \"ana\" }],\n    \"roles\": [{ \"name\": \"r\", \"permissions\": [\"kick_member\"] }]\n  }]\n}\n",
        ),
        ("broken.json", "{ \"guilds\": [ }"),
    ]);
    let told = |world: &str| cogsmith(here.path(), &["sim", "--world", world], &[]);
    assert_snapshot!(told("shape.json"), @r#"
    exit 2
    -- stdout
    -- stderr
    The world has 2 problems:
      shape.json:2: unknown key `user`, did you mean `users`?
      shape.json:4: `guilds[0].channels[0].type` must be "text" or "voice" or "category" or "announcement" or "stage" or "forum" or "media", but is "forums"
    "#);
    assert_snapshot!(told("names.json"), @r#"
    exit 2
    -- stdout
    -- stderr
    The world has 2 problems:
      names.json:5: `guilds[0].members[0].user`: there is no person "ana", did you mean "anna"?
      names.json:6: `guilds[0].roles[0].permissions[0]`: there is no permission "kick_member", did you mean "kick_members"?
    "#);
    assert_snapshot!(told("broken.json"), @r#"
    exit 2
    -- stdout
    -- stderr
    The world has a problem:
      broken.json:1: not JSON in column 15: expected value
        1 | { "guilds": [ }
          |               ^
    "#);
    assert_snapshot!(told("defualt"), @r#"
    exit 2
    -- stdout
    -- stderr
    --world: there is no file defualt. Did you mean "default"?
    "#);
    assert_snapshot!(told("tea.json"), @r"
    exit 2
    -- stdout
    -- stderr
    --world: there is no file tea.json. Name a file, or one of the worlds default, community, empty or large.
    ");
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let here = folder(&[("faults.txt", "# none\n\nGET /users/@me 999\n")]);
    let told = |arguments: &[&str]| {
        let mut all = vec!["sim"];
        all.extend(arguments);
        cogsmith(here.path(), &all, &[])
    };
    assert_snapshot!(told(&["--listen", "0.0.0.0:7880"]), @r"
    exit 2
    -- stdout
    -- stderr
    --listen 0.0.0.0:7880: whoever reaches the simulator acts as everybody in it, so it listens on this machine only, such as at 127.0.0.1:7880.
    ");
    assert_snapshot!(told(&["--faults", "faults.txt"]), @r#"
    exit 2
    -- stdout
    -- stderr
    faults.txt:3: The fault "GET /users/@me 999" is none: "999" is not what happens: a status such as 503, 429:2 (with seconds to wait), drop, drop-answer, or delay:200 (milliseconds).
    "#);
    assert_snapshot!(told(&["--faults", "gateway drop"]), @r#"
    exit 2
    -- stdout
    -- stderr
    --faults: "gateway drop" happens to bots that are connected, and at the start there are none. Send it to /control/fault when they are.
    "#);
    assert_snapshot!(told(&["--bot", "one", "--bot", "one"]), @r#"
    exit 2
    -- stdout
    -- stderr
    The world with the bots of --bot: `bots[1]` has the name "one" of another.
    "#);
    assert_snapshot!(told(&["--bot", "one="]), @r"
    exit 2
    -- stdout
    -- stderr
    --bot one=: there is no token after the equals sign.
    ");
    assert_snapshot!(told(&["--record", "missing/file.jsonl"]), @r"
    exit 1
    -- stdout
    -- stderr
    missing/file.jsonl cannot be written: No such file or directory (os error 2).
    ");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = address.rsplit(':').next().unwrap();
    assert_snapshot!(told(&["--listen", &address]).replace(port, "PORT"), @r"
    exit 1
    -- stdout
    -- stderr
    The address 127.0.0.1:PORT is in use by another program, perhaps by another simulator. Stop it, or give another one with --listen; 127.0.0.1:0 takes any free port.
    ");
}

#[tokio::test]
async fn the_schema_describes_a_world() {
    let here = folder(&[]);
    let told = cogsmith(here.path(), &["schema", "--world"], &[]);
    let text = told.split("-- stdout\n").nth(1).unwrap();
    let schema: Value = serde_json::from_str(text.split("-- stderr").next().unwrap()).unwrap();
    assert_eq!(schema["title"], "A world for cogsmith sim");
    assert!(schema["properties"]["guilds"]["items"]["properties"]["channels"].is_object());
}

#[tokio::test]
async fn faults_hit_as_often_as_they_say() {
    let started = Started::start(&["--faults", "GET /users/@me 503 x2"]);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(started.get("/users/@me", 0).await.status().as_u16());
    }
    assert_eq!(statuses, [503, 503, 200]);
    let body = json!({"fault": "GET /users/@me 500"});
    assert_eq!(started.control("fault", &body).await.0, StatusCode::OK);
    assert_eq!(started.get("/users/@me", 0).await.status().as_u16(), 500);
    let (status, told) = started
        .control("fault", &json!({"fault": "nonsense"}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        told["error"]
            .as_str()
            .unwrap()
            .contains("\"nonsense\" is none")
    );
}

#[tokio::test]
async fn people_act_from_outside_by_their_names() {
    let started = Started::start(&["--no-limits"]);
    let body = json!({"user": "anna", "channel": "general", "content": "hello"});
    let (status, said) = started.control("say", &body).await;
    assert_eq!(
        (status, &said["content"]),
        (StatusCode::OK, &json!("hello"))
    );
    let seen = started.look("messages/general").await;
    assert_eq!(seen[0]["content"], "hello");
    let world = started.look("world").await;
    assert_eq!(world["bots"].as_array().unwrap().len(), 1);
    let guild = world["guilds"][0]["id"].as_str().unwrap();
    let call = json!({
        "user": "owner", "method": "PATCH", "path": format!("/guilds/{guild}"),
        "body": {"name": "Renamed"},
    });
    assert_eq!(started.control("call", &call).await.0, StatusCode::OK);
    let guilds = started.json("/users/@me/guilds", 0).await;
    assert_eq!(guilds[0]["name"], "Renamed");
    let unknown = json!({"user": "nobody", "channel": "general", "content": "x"});
    let (status, told) = started.control("say", &unknown).await;
    assert_eq!(
        (status, &told["error"]),
        (StatusCode::BAD_REQUEST, &json!("Unknown User"))
    );
    // It is guarded as the page is.
    let url = format!("{}/control/say", started.url);
    let foreign = started
        .http
        .post(url)
        .header("origin", "http://evil.example");
    let refused = foreign.json(&body).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn bots_come_and_go_from_outside() {
    let mut started = Started::start(&["--record", "all.jsonl"]);
    let (status, made) = started.control("add-bot", &json!({"name": "music"})).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let token = made["token"].as_str().unwrap().to_owned();
    started.tokens.push(token.clone());
    let me = started.json("/users/@me", 1).await;
    assert_eq!((&me["id"], &me["username"]), (&made["id"], &json!("music")));
    let listed = started.look("bots").await;
    assert_eq!(listed["bots"][1]["token"], token.as_str());
    assert_eq!(listed["bots"][1]["connected"], false);
    assert!(
        listed["clients"][0]["lines"][0]
            .as_str()
            .unwrap()
            .contains(&started.url)
    );
    let (status, told) = started.control("add-bot", &json!({"name": "music"})).await;
    assert_eq!(
        (status, &told["error"]),
        (
            StatusCode::BAD_REQUEST,
            &json!("Somebody is called \"music\" already.")
        )
    );
    let wrong = started.control("add-bot", &json!({"nam": "music"})).await;
    assert_eq!(wrong.0, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = started
        .control("remove-bot", &json!({"bot": "music"}))
        .await;
    assert_eq!(gone.0, StatusCode::OK);
    assert_eq!(started.get("/users/@me", 1).await.status().as_u16(), 401);
    let first = started
        .control("remove-bot", &json!({"bot": "cogsmith"}))
        .await;
    assert_eq!(first.0, StatusCode::BAD_REQUEST);
    let folder = started.folder.path().to_owned();
    assert_eq!(started.process.stopped().0, 0);
    let text = std::fs::read_to_string(folder.join("all.jsonl")).unwrap();
    assert!(!text.contains(&token));
}

#[tokio::test]
async fn a_recording_has_requests_and_events_and_no_token() {
    let started = Started::start(&["--record", "all.jsonl"]);
    started.json("/users/@me", 0).await;
    let body = json!({"user": "anna", "channel": "general", "content": "hello"});
    started.control("say", &body).await;
    let folder = started.folder.path().to_owned();
    let tokens = started.tokens.clone();
    let (url, token) = (started.url.clone(), started.tokens[0].clone());
    // A webhook's answer has a token of its own.
    let general = started.control("say", &body).await.1["channel_id"].clone();
    let hooks = format!(
        "{url}/api/v10/channels/{}/webhooks",
        general.as_str().unwrap()
    );
    let hook = started
        .http
        .post(hooks)
        .header("authorization", format!("Bot {token}"));
    let hook = hook.json(&json!({"name": "x"})).send().await.unwrap();
    let hook: Value = hook.json().await.unwrap();
    let secret = hook["token"].as_str().unwrap().to_owned();
    assert_eq!(started.process.stopped().0, 0);
    let text = std::fs::read_to_string(Path::new(&folder).join("all.jsonl"));
    let text = text.unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let request = lines.iter().find(|line| line["kind"] == "request").unwrap();
    assert_eq!(
        (&request["method"], &request["path"], &request["status"]),
        (&json!("GET"), &json!("/users/@me"), &json!(200))
    );
    let event = lines
        .iter()
        .find(|line| line["name"] == "MESSAGE_CREATE")
        .unwrap();
    assert_eq!(event["data"]["content"], "hello");
    assert!(text.contains("/webhooks"));
    for hidden in tokens.iter().chain([&secret]) {
        assert!(!text.contains(hidden.as_str()));
    }
}

#[tokio::test]
async fn a_saved_world_goes_on() {
    let started = Started::start(&["--save", "tea.json", "--bot", "keeper"]);
    let tokens = started.tokens.clone();
    let body = json!({"user": "anna", "channel": "general", "content": "hello"});
    let said = started.control("say", &body).await.1;
    // It can be had at any time, too.
    let url = format!("{}/control/saved-world", started.url);
    let had = started.http.get(url).send().await.unwrap();
    assert_eq!(
        had.headers()["content-disposition"],
        "attachment; filename=\"world.json\""
    );
    assert!(had.text().await.unwrap().contains("\"hello\""));
    let Started {
        process, folder, ..
    } = started;
    assert_eq!(process.stopped().0, 0);

    let arguments = ["--world", "tea.json", "--save", "tea.json"];
    let again = Started::with(folder, &arguments);
    assert_eq!(again.tokens, tokens);
    let path = format!(
        "/channels/{}/messages",
        said["channel_id"].as_str().unwrap()
    );
    let messages = again.json(&path, 0).await;
    assert_eq!(
        (&messages[0]["id"], &messages[0]["content"]),
        (&said["id"], &json!("hello"))
    );
    let Started {
        process, folder, ..
    } = again;
    assert_eq!(process.stopped().0, 0);

    let told = |arguments: &[&str]| {
        let mut all = vec!["sim", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        cogsmith(folder.path(), &all, &[])
    };
    assert_snapshot!(told(&["--world", "tea.json", "--bot", "other"]), @r"
    exit 2
    -- stdout
    -- stderr
    --bot: a saved world has its bots. Add another one on the page, or with /control/add-bot.
    ");
    std::fs::write(folder.path().join("mine.json"), "{\"guilds\": []}").unwrap();
    assert_snapshot!(told(&["--save", "mine.json"]), @r"
    exit 2
    -- stdout
    -- stderr
    --save mine.json: what is in that file is no saved world, and would be lost. Name another file.
    ");
    std::fs::write(folder.path().join("old.json"), "{\"saved_by\": \"x\"}").unwrap();
    assert_snapshot!(told(&["--world", "old.json"]), @r"
    exit 2
    -- stdout
    -- stderr
    --world old.json: this version cannot go on with that saved world: missing field `tokens` at line 1 column 17.
    ");
}

/// The block of the manual below a heading that begins with these backticks.
fn shown(heading: &str, fence: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/simulator.md");
    let text = std::fs::read_to_string(page).unwrap();
    let section = text.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let block = section.split(&format!("\n```{fence}\n")).nth(1).unwrap();
    block.split("\n```").next().unwrap().to_owned()
}

#[tokio::test]
async fn the_manual_shows_a_world_and_faults_that_there_are() {
    let here = folder(&[
        ("tea.json", &shown("Worlds", "json")),
        ("faults.txt", &shown("Faults", "text")),
    ]);
    let arguments = ["--world", "tea.json", "--faults", "faults.txt"];
    let started = Started::with(here, &arguments);
    let guilds = started.get("/users/@me/guilds", 0).await;
    assert_eq!(guilds.status(), StatusCode::OK);
    let guilds: Value = guilds.json().await.unwrap();
    assert_eq!(guilds[0]["name"], "Tea");
}
