//! The floor: the gateway's text is searched for the command, and the answer is sent by a bare HTTP client. There
//! is no cache, no rate limit, no heartbeat and no error. The server's address is the first argument.

use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use memchr::memmem;
use tokio_tungstenite::tungstenite::Message;

const IDENTIFY: &str = r#"{"op":2,"d":{"token":"token","intents":33281,"properties":{"os":"linux","browser":"floor","device":"floor"}}}"#;

#[tokio::main]
async fn main() {
    let server = std::env::args().nth(1).expect("the server's address");
    let gateway = format!("{}/gateway?v=10&encoding=json", server.replace("http", "ws"));
    let (mut socket, _) = tokio_tungstenite::connect_async(gateway).await.expect("a gateway");
    socket.send(Message::Text(IDENTIFY.into())).await.expect("an open socket");
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    while let Some(message) = socket.next().await {
        let message = message.expect("a message");
        let Message::Text(text) = message else { continue };
        if memmem::find(text.as_bytes(), b"\"content\":\"!ping\"").is_none() {
            continue;
        }
        let (Some(channel), Some(id)) = (field(&text, "\"channel_id\":\""), field(&text, "\"d\":{\"id\":\"")) else {
            continue;
        };
        let body = format!(r#"{{"content":"Pong!","message_reference":{{"message_id":"{id}"}}}}"#);
        let request = Request::post(format!("{server}/api/v10/channels/{channel}/messages"))
            .header("authorization", "Bot token")
            .header("content-type", "application/json")
            .body(Full::from(body))
            .expect("a request");
        let client = client.clone();
        tokio::spawn(async move {
            if let Ok(answer) = client.request(request).await {
                let _failed = answer.into_body().collect().await.is_err();
            }
        });
    }
}

/// The text from behind this to the next quotation mark.
fn field<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let from = memmem::find(text.as_bytes(), before.as_bytes())? + before.len();
    let rest = text.get(from..)?;
    rest.split('"').next()
}
