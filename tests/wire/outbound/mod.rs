//! Calls to Discord's API over real HTTP, against a server that answers what each test wants.

mod answers;
mod failures;
mod limits;
mod requests;

use cogsmith::activity::Activity;
use cogsmith::charge::Allowance;
use cogsmith::clock::Clock;
use cogsmith::discord::outbound::{CallError, CogCaller, Outbound, OutboundOptions, Token};
use cogsmith::discord::{operation, prepare};
use cogsmith::json::Json;
use cogsmith::requests::OpenOfCog;
use serde_json::{Value, json};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(20);

fn client(address: &str, clock: Clock) -> Outbound {
    client_of(address, clock, Activity::new())
}

fn client_of(address: &str, clock: Clock, activity: Activity) -> Outbound {
    Outbound::new(OutboundOptions {
        token: Token::new("secret"),
        api_url: Some(address.to_owned()),
        clock,
        activity,
    })
    .unwrap()
}

async fn call(client: &Outbound, id: &str, arguments: Value) -> Result<Option<Json>, CallError> {
    let operation = operation(id).unwrap();
    client.call(operation, arguments, DEADLINE).await
}

fn message() -> Value {
    json!({ "channel_id": "5", "content": "hi" })
}

/// A cog that may hold so many bytes of answers.
fn caller(name: &str, bytes: usize) -> CogCaller {
    CogCaller {
        name: name.into(),
        allowance: Allowance::alone(bytes),
        version: 1,
        open: OpenOfCog::default(),
    }
}

/// A message of one cog, or of the bot itself.
fn send_for(
    client: &Outbound,
    cog: Option<&str>,
    text: &str,
) -> impl Future<Output = Result<Option<Json>, CallError>> + use<> {
    let arguments = json!({ "channel_id": "5", "content": text });
    let prepared = prepare(operation("create_message").unwrap(), arguments).unwrap();
    let (client, cog) = (client.clone(), cog.map(|name| caller(name, 1 << 20)));
    async move { Ok(client.send(prepared, cog, DEADLINE).await?.body.into_json()) }
}
