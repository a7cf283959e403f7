//! The gateway over a real WebSocket: what reaches the sink when connections, sessions, servers and
//! the process itself come and go.

mod addresses;
mod events;
mod outages;
mod refusals;
mod sessions;
mod sim;

use crate::fake_gateway::{FakeGateway, Seen};
use cogsmith::clock::Clock;
use cogsmith::discord::event::Event;
use cogsmith::gateway::{Gateway, GatewayAddress, GatewayOptions, ShardState, Token};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

const INTENTS: u64 = 1 << 9 | 1 << 15;

/// A gateway and what it handed to its sink.
struct Bot {
    gateway: Gateway,
    events: mpsc::UnboundedReceiver<Arc<Event>>,
}

fn options(url: &str) -> GatewayOptions {
    GatewayOptions {
        token: Token::new("the.secret.token"),
        address: GatewayAddress::single(url),
        refresh: None,
        answers: None,
        intents: INTENTS,
        session_store: None,
        clock: Clock::system(),
    }
}

impl Bot {
    fn start(options: GatewayOptions) -> Self {
        let (sink, events) = mpsc::unbounded_channel();
        let gateway = Gateway::start(options, move |event| drop(sink.send(event))).unwrap();
        Self { gateway, events }
    }

    async fn ready(options: GatewayOptions) -> Self {
        let bot = Self::start(options);
        bot.gateway.ready(PATIENCE).await.unwrap();
        bot
    }

    async fn event(&mut self) -> Arc<Event> {
        let event = tokio::time::timeout(PATIENCE, self.events.recv());
        event
            .await
            .expect("no event came")
            .expect("the gateway ended")
    }

    /// The contents of the messages up to that one; everything else is skipped.
    async fn messages_until(&mut self, last: &str) -> Vec<String> {
        let mut contents = Vec::new();
        loop {
            let event = self.event().await;
            if &*event.name == "message_create" {
                contents.push(event.peek_message().unwrap().content.to_owned());
                if contents.last().unwrap() == last {
                    return contents;
                }
            }
        }
    }

    /// Waits for the shard's next pause, and moves the clock to its end. Returns its length; nothing once the shard
    /// is ready.
    async fn pause(&self, clock: &Clock) -> Option<Duration> {
        let now = clock.now();
        self.until(|states| match states[0] {
            ShardState::Waiting { until, .. } => until > now,
            ref state => *state == ShardState::Ready,
        })
        .await;
        let ShardState::Waiting { until, .. } = self.gateway.state().borrow()[0] else {
            return None;
        };
        while clock.now() < until {
            clock.advance_to_next(until);
            tokio::task::yield_now().await;
        }
        Some(until.saturating_sub(now))
    }

    async fn until(&self, wanted: impl Fn(&[ShardState]) -> bool) {
        let mut states = self.gateway.state();
        let reached = states.wait_for(|states| wanted(states));
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("the state was not reached").unwrap();
    }
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn identified(seen: &Seen) -> bool {
    matches!(seen, Seen::Identify(..))
}

fn resumed(seen: &Seen) -> bool {
    matches!(seen, Seen::Resume(..))
}

/// The names of the events up to the message that says so, messages by their content.
async fn names_until(bot: &mut Bot, last: &str) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let event = bot.event().await;
        let content = event.peek_message().map(|peek| peek.content.to_owned());
        names.push(content.unwrap_or_else(|| event.name.to_string()));
        if names.last().unwrap() == last {
            return names;
        }
    }
}

/// A bot on a paused clock, whose server has gone away.
async fn bot_without_a_server(options: GatewayOptions, server: &FakeGateway) -> (Bot, Clock) {
    let clock = Clock::paused(1_000);
    let bot = Bot::ready(GatewayOptions {
        clock: clock.clone(),
        ..options
    });
    let bot = bot.await;
    server.leave().await;
    bot.until(|states| matches!(states[0], ShardState::Waiting { .. }))
        .await;
    (bot, clock)
}

/// Moves the clock to the end of each pause, until the first shard is in such a state.
async fn after_pauses(bot: &Bot, clock: &Clock, wanted: impl Fn(&ShardState) -> bool) {
    let passes = |state: &ShardState| matches!(state, ShardState::Waiting { .. });
    passing_time(bot, clock, passes, wanted).await;
}

/// The same, and to the end of what a server without an answer has to give one.
async fn after_silence(bot: &Bot, clock: &Clock, wanted: impl Fn(&ShardState) -> bool) {
    passing_time(bot, clock, |_| true, wanted).await;
}

/// Moves the clock on while a shard is in a state in which it passes.
async fn passing_time(
    bot: &Bot,
    clock: &Clock,
    passes: impl Fn(&ShardState) -> bool,
    wanted: impl Fn(&ShardState) -> bool,
) {
    let states = bot.gateway.state();
    let mut look = tokio::time::interval(Duration::from_millis(1));
    let passing = async {
        while !wanted(&states.borrow()[0]) {
            if clock.sleepers() > 0 && states.borrow().iter().any(&passes) {
                clock.advance_to_next(clock.now() + Duration::from_secs(60));
            }
            look.tick().await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, passing).await;
    reached.expect("the state was not reached");
}
