//! A client that listens to the simulator's gateway.

use super::{Bot, SOON};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use twilight_gateway::Intents;

pub struct Listener {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Bot {
    /// Hears everything, once the guild is there.
    pub async fn listen(&self) -> Listener {
        let mut listener = self.listen_with(Intents::all().bits()).await;
        listener.next("GUILD_CREATE").await;
        listener
    }

    pub async fn listen_with(&self, intents: u64) -> Listener {
        let url = format!(
            "{}/?v=10&encoding=json",
            self.sim.url().replace("http", "ws")
        );
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut listener = Listener { socket };
        let data = json!({"token": self.sim.token(), "intents": intents, "properties": {}});
        listener.send(2, data).await;
        listener
    }
}

impl Listener {
    pub async fn send(&mut self, operation: u64, data: Value) {
        let message = Message::text(json!({"op": operation, "d": data}).to_string());
        self.socket.send(message).await.unwrap();
    }

    /// The next event, whatever it is: its name and its data.
    pub async fn any(&mut self) -> (String, Value) {
        self.soon().await.expect("an event in time")
    }

    /// The next event, if one comes in time.
    pub async fn soon(&mut self) -> Option<(String, Value)> {
        loop {
            let next = tokio::time::timeout(SOON, self.socket.next()).await;
            let Some(Ok(Message::Text(text))) = next.ok()? else {
                panic!("the gateway is closed");
            };
            let mut payload: Value = serde_json::from_str(&text).unwrap();
            if payload["op"] == 0 {
                let name = payload["t"].as_str().unwrap().to_owned();
                return Some((name, payload["d"].take()));
            }
        }
    }

    /// The data of the next event of this name; others are passed over.
    pub async fn next(&mut self, name: &str) -> Value {
        loop {
            let (found, data) = self.any().await;
            if found == name {
                return data;
            }
        }
    }
}
