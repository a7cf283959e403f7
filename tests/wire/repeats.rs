//! Which calls are made again after which failures, at the wire: against the simulator and its faults.
use cogsmith::activity::Activity;
use cogsmith::charge::Allowance;
use cogsmith::clock::Clock;
use cogsmith::discord::outbound::{
    CallError, CogCaller, Outbound, OutboundOptions, Token, WaitsFor,
};
use cogsmith::discord::{File, operation, prepare, prepare_with};
use cogsmith::json::Json;
use cogsmith::requests::OpenOfCog;
use cogsmith::sim::{Id, InjectedFault, RestFaultKind, Sim, SimOptions};
use serde_json::{Value, json};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

struct World {
    sim: Sim,
    client: Outbound,
    clock: Clock,
    activity: Activity,
    channel: Id,
    /// A message of the bot's.
    message: String,
}

impl World {
    async fn new() -> Self {
        let clock = Clock::paused(1_700_000_000);
        let options = SimOptions {
            clock: clock.clone(),
            ..SimOptions::default()
        };
        let sim = Sim::start(options).await.unwrap();
        let activity = Activity::new();
        let client = Outbound::new(OutboundOptions {
            token: Token::new(sim.token()),
            api_url: Some(sim.url()),
            clock: clock.clone(),
            activity: activity.clone(),
        })
        .unwrap();
        let channel = sim.channel("general").unwrap();
        let mut world = Self {
            sim,
            client,
            clock,
            activity,
            channel,
            message: String::new(),
        };
        let sent = world
            .call("create_message", json!({ "content": "first" }))
            .await;
        world.message = sent.unwrap().unwrap().str("id").unwrap().into();
        world.sim.clear_requests();
        world
    }

    /// Makes a call in the channel, about the message, and moves the clock wherever it waits.
    async fn call(&self, id: &str, more: Value) -> Result<Option<Json>, CallError> {
        self.call_with(id, more, Vec::new()).await
    }

    async fn call_with(
        &self,
        id: &str,
        more: Value,
        files: Vec<File>,
    ) -> Result<Option<Json>, CallError> {
        let operation = operation(id).unwrap();
        let mut arguments = more;
        for (name, value) in [
            ("channel_id", self.channel.to_string()),
            ("message_id", self.message.clone()),
        ] {
            if operation.params.contains_key(name) {
                arguments[name] = value.into();
            }
        }
        let prepared = prepare_with(operation, arguments, files).unwrap();
        let call = self.client.send(prepared, None, DEADLINE);
        let answered = self.while_time_passes(call).await?;
        Ok(answered.body.into_json())
    }

    /// Awaits something while the clock goes on as soon as nothing is under way.
    async fn while_time_passes<T>(&self, future: impl Future<Output = T>) -> T {
        let passing = async {
            loop {
                self.activity.idle().await;
                let soon = self.clock.now() + Duration::from_secs(1);
                if self.clock.sleepers() > 0 {
                    self.clock.advance_to_next(soon);
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            result = future => result,
            () = passing => unreachable!("time never ends"),
        }
    }

    fn fault(&self, id: &str, kind: &RestFaultKind) {
        let fault = InjectedFault::operation(id, kind.clone()).unwrap();
        self.sim.fault(fault);
    }

    /// How often a route was asked for since the last look.
    fn attempts(&self) -> usize {
        let count = self.sim.requests().len();
        self.sim.clear_requests();
        count
    }

    fn texts(&self) -> Vec<String> {
        let messages = self.sim.messages(self.channel);
        let texts = messages.iter().map(|it| it["content"].as_str().unwrap());
        texts.map(str::to_owned).collect()
    }
}

fn proxy(status: u16, done: bool) -> RestFaultKind {
    RestFaultKind::Proxy {
        status,
        done,
        retry_after: None,
    }
}

fn of_discord(status: u16) -> RestFaultKind {
    RestFaultKind::Status {
        status,
        code: 0,
        message: "upstream".to_owned(),
        retry_after: None,
    }
}

/// What leaves it open whether the request was carried out.
fn unsure() -> Vec<RestFaultKind> {
    let statuses = [408, 500, 502, 503, 504, 524];
    let proxies = statuses
        .iter()
        .flat_map(|it| [proxy(*it, false), proxy(*it, true)]);
    let discord = [500, 502, 503].map(of_discord);
    let broken = [RestFaultKind::Drop, RestFaultKind::DropAnswer];
    proxies.chain(discord).chain(broken).collect()
}

#[tokio::test]
async fn a_message_that_was_accepted_before_the_answer_was_lost_is_there_once() {
    let world = World::new().await;
    for (number, kind) in unsure().into_iter().enumerate() {
        let text = format!("message {number}");
        world.fault("create_message", &kind);
        let sent = world
            .call("create_message", json!({ "content": text }))
            .await;
        let sent = sent.unwrap().unwrap();
        assert_eq!(sent.str("content"), Some(text.as_str()), "{kind:?}");
        assert_eq!(world.attempts(), 2, "{kind:?}");
        let texts = world.texts();
        let there = texts.iter().filter(|it| **it == text).count();
        assert_eq!(there, 1, "{kind:?}");
    }
    // Two calls with the same text are two messages.
    for _ in 0..2 {
        let sent = world
            .call("create_message", json!({ "content": "same" }))
            .await;
        sent.unwrap();
    }
    let texts = world.texts();
    assert_eq!(texts.iter().filter(|it| *it == "same").count(), 2);
}

#[tokio::test]
async fn a_nonce_of_the_authors_means_what_the_author_says() {
    let world = World::new().await;
    let enforced = json!({ "content": "once", "nonce": "n", "enforce_nonce": true });
    world.fault("create_message", &proxy(502, true));
    world
        .call("create_message", enforced.clone())
        .await
        .unwrap();
    world.call("create_message", enforced).await.unwrap();
    assert_eq!(world.attempts(), 3);
    assert_eq!(world.texts(), ["first", "once"]);
    let plain = json!({ "content": "twice", "nonce": "m" });
    world.fault("create_message", &proxy(502, true));
    let error = world
        .call("create_message", plain.clone())
        .await
        .unwrap_err();
    assert_eq!(world.attempts(), 1);
    let words = "it may have been carried out, so it was not sent again";
    assert!(error.to_string().contains(words), "{error}");
    world.call("create_message", plain).await.unwrap();
    assert_eq!(world.texts(), ["first", "once", "twice", "twice"]);
}

/// Each with a message of its own, so that what one has done does not change the next.
#[tokio::test]
async fn what_would_happen_twice_is_not_sent_again() {
    let world = World::new().await;
    let thread = || json!({ "name": "t", "type": 11 });
    for kind in unsure() {
        for (id, arguments) in [
            ("create_thread", thread()),
            ("create_channel_invite", json!({})),
            ("create_webhook", json!({ "name": "hook" })),
        ] {
            world.fault(id, &kind);
            let error = world.call(id, arguments).await.unwrap_err();
            assert_eq!(world.attempts(), 1, "{id}: {kind:?}");
            let words = "it may have been carried out, so it was not sent again";
            assert!(error.to_string().contains(words), "{id}: {kind:?}: {error}");
        }
    }
    let file = vec![File::new("a.txt", *b"a")];
    let edit = json!({ "content": "with a file" });
    world.fault("update_message", &proxy(502, true));
    world
        .call_with("update_message", edit, file)
        .await
        .unwrap_err();
    assert_eq!(world.attempts(), 1);
}

#[tokio::test]
async fn what_has_the_same_effect_twice_is_sent_again() {
    let world = World::new().await;
    for kind in unsure() {
        for (id, arguments) in [
            ("get_channel", json!({})),
            ("update_message", json!({ "content": "edited" })),
            ("add_my_message_reaction", json!({ "emoji_name": "👍" })),
            ("delete_my_message_reaction", json!({ "emoji_name": "👍" })),
            ("create_pin", json!({})),
            ("delete_pin", json!({})),
            ("trigger_typing_indicator", json!({})),
            (
                "create_dm",
                json!({ "recipient_id": world.sim.owner().to_string() }),
            ),
        ] {
            world.fault(id, &kind);
            let answer = world.call(id, arguments).await;
            assert!(answer.is_ok(), "{id}: {kind:?}: {answer:?}");
            assert_eq!(world.attempts(), 2, "{id}: {kind:?}");
        }
    }
}

/// What an attempt before has deleted is gone: that is what was asked for.
#[tokio::test]
async fn a_deletion_that_was_done_before_the_answer_was_lost_has_worked() {
    let world = World::new().await;
    world.fault("delete_message", &proxy(502, true));
    world.call("delete_message", json!({})).await.unwrap();
    assert_eq!(world.attempts(), 2);
    let error = world.call("delete_message", json!({})).await.unwrap_err();
    assert!(error.to_string().contains("Unknown Message"), "{error}");
}

#[tokio::test]
async fn what_would_end_the_same_way_is_not_sent_again() {
    let world = World::new().await;
    for status in [400, 401, 403, 404, 409, 501] {
        for id in ["get_channel", "create_message"] {
            world.fault(id, &of_discord(status));
            world
                .call(id, json!({ "content": "x" }).take_for(id))
                .await
                .unwrap_err();
            assert_eq!(world.attempts(), 1, "{id}: {status}");
        }
    }
}

/// Nothing was done, whoever says it.
#[tokio::test]
async fn what_came_too_early_is_sent_again_whatever_it_is() {
    let world = World::new().await;
    for kind in [proxy(429, false), of_discord(429)] {
        for id in ["create_channel_invite", "create_message"] {
            world.fault(id, &kind);
            let content = json!({ "content": "x" }).take_for(id);
            world.call(id, content).await.unwrap();
            assert_eq!(world.attempts(), 2, "{id}: {kind:?}");
        }
    }
}

trait Arguments {
    /// Only those that the operation takes.
    fn take_for(self, id: &str) -> Value;
}

impl Arguments for Value {
    fn take_for(self, id: &str) -> Value {
        if id == "create_message" {
            self
        } else {
            json!({})
        }
    }
}

fn caller(name: &str) -> CogCaller {
    CogCaller {
        name: name.into(),
        version: 0,
        allowance: Allowance::alone(1 << 20),
        open: OpenOfCog::default(),
    }
}

#[tokio::test]
async fn what_waits_while_discord_fails_is_seen_and_gives_up_in_time() {
    let world = World::new().await;
    let fault = InjectedFault::operation("get_channel", of_discord(503)).unwrap();
    world.sim.fault(fault.times(1_000));
    let began = world.clock.now();
    let patience = Duration::from_secs(10);
    let call = || {
        let arguments = json!({ "channel_id": world.channel.to_string() });
        let prepared = prepare(operation("get_channel").unwrap(), arguments).unwrap();
        let (client, cog) = (world.client.clone(), Some(caller("slow")));
        async move {
            client
                .send_with_patience(prepared, cog, DEADLINE, patience)
                .await
        }
    };
    let both = async { tokio::join!(call(), call()) };
    let seen = async {
        loop {
            let waiting = world.client.waiting_of("slow");
            if let [only] = waiting.as_slice()
                && only.count == 2
            {
                return only.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let (ended, seen) = world
        .while_time_passes(async { tokio::join!(both, seen) })
        .await;
    assert_eq!(seen.waits_for, WaitsFor::Discord("503".to_owned()));
    assert!(seen.since >= began && seen.since < began + patience);
    for result in [ended.0, ended.1] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("status 503"), "{error}");
    }
    assert!(world.clock.now() < began + patience);
    assert_eq!(world.client.waiting_of("slow"), []);
    assert_eq!(world.client.waiting_of("other"), []);
}
