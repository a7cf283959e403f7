//! Few descriptors, and a thousand connections that do nothing: the bot goes on.

use crate::support::{PATIENCE, answering, write};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Connections to each of the two ports.
const CONNECTIONS: usize = 1_000;

/// A process that is killed when its test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _already_gone = self.0.kill().is_err();
        let _no_child = self.0.wait().is_err();
    }
}

/// Starts the bot in its simulator with so many descriptors; the address of its page.
async fn start(folder: &TempDir, descriptors: usize) -> (Running, SocketAddr) {
    let script = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
    let mut child = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_cogsmith")])
        .args(["--offline", "--config"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let running = Running(child);
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map(|_| line)
    });
    let line = tokio::time::timeout(PATIENCE, line).await.unwrap().unwrap();
    let line = line.unwrap();
    let (_, address) = line.trim().split_once("http://").unwrap();
    (running, address.parse().unwrap())
}

/// Requests that never come to their end.
async fn unfinished(address: SocketAddr) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for number in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let part = match number % 3 {
            0 => "GET / HTTP/1.1\r\nHost:",
            1 => "POST /control/say HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{",
            _ => "",
        };
        // The bot may have ended it already.
        let _sent = stream.write_all(part.as_bytes()).await.is_ok();
        streams.push(stream);
    }
    streams
}

/// The page, as its reader uses it.
struct Page {
    address: SocketAddr,
    feed: WebSocketStream<MaybeTlsStream<TcpStream>>,
    hello: Value,
}

impl Page {
    async fn open(address: SocketAddr) -> Self {
        let url = format!("ws://{address}/control/live");
        let (feed, _) = connect_async(url).await.unwrap();
        let mut page = Self {
            address,
            feed,
            hello: Value::Null,
        };
        page.hello = page.next("hello").await;
        page
    }

    async fn next(&mut self, kind: &str) -> Value {
        let found = async {
            loop {
                let message = self.feed.next().await.unwrap().unwrap();
                if let Message::Text(text) = message {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["type"] == kind {
                        return frame;
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect(kind)
    }

    fn simulator(&self) -> SocketAddr {
        let url = self.hello["world"]["files"].as_str().unwrap();
        url.trim_start_matches("http://").parse().unwrap()
    }

    /// Has the owner say something in #general; the message.
    async fn say(&mut self, text: &str) -> Value {
        let world = &self.hello["world"];
        let named = |list: &Value, key: &str, name: &str| {
            let mut list = list.as_array().unwrap().iter();
            let one = list.find(|it| it[key] == name).unwrap();
            one["id"].as_str().unwrap().to_owned()
        };
        let channel = named(&world["guilds"][0]["channels"], "name", "general");
        let user = named(&world["users"], "username", "owner");
        let ask = json!({ "open": channel }).to_string();
        self.feed.send(Message::Text(ask.into())).await.unwrap();
        self.next("messages").await;
        let said = reqwest::Client::new()
            .post(format!("http://{}/control/say", self.address))
            .json(&json!({ "user": user, "channel": channel, "content": text }));
        let answer = said.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// What the bot answers to a message.
    async fn answer_to(&mut self, said: &Value) -> String {
        loop {
            let message = self.next("message").await["message"].clone();
            if message["message_reference"]["message_id"] == said["id"] {
                return message["content"].as_str().unwrap().to_owned();
            }
        }
    }

    async fn ask(&mut self, text: &str) -> String {
        let said = self.say(text).await;
        self.answer_to(&said).await
    }

    /// Asks until the bot is connected and answers.
    async fn connected(&mut self) {
        let asking = async {
            loop {
                let said = self.say("!ping").await;
                let answer = self.answer_to(&said);
                if tokio::time::timeout(PATIENCE / 20, answer).await.is_ok() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_unfinished_connections_to_each_port_hold_nothing_up() {
    cogsmith::descriptors::raise();
    let folder = TempDir::new().unwrap();
    let config = r#"{ "studio": { "listen": "127.0.0.1:0" } }"#;
    write(&folder.path().join("config.json"), config);
    let cog = folder.path().join("lua/cogs/ping.luau");
    write(&cog, &answering("ping", "one"));
    let (_running, address) = start(&folder, 256).await;
    let mut page = Page::open(address).await;
    page.connected().await;
    let _to_page = unfinished(address).await;
    let _to_simulator = unfinished(page.simulator()).await;
    assert_eq!(page.ask("!ping").await, "one");
    write(&cog, &answering("ping", "two"));
    page.next("report").await;
    assert_eq!(page.ask("!ping").await, "two");
    assert!(page.ask("!reload status").await.contains("ping"));
    // And so does whoever opens the page now.
    let mut page = Page::open(address).await;
    assert_eq!(page.ask("!ping").await, "two");
}
