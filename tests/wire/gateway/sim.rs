//! The gateway with the simulator behind it, as the bot runs offline.

use super::{Bot, PATIENCE, identified, resumed};
use crate::fake_gateway::FakeGateway;
use crate::support::{bot_options, folder};
use cogsmith::bot::{Bot as WholeBot, BotOptions};
use cogsmith::clock::Clock;
use cogsmith::config::Config;
use cogsmith::gateway::{GatewayAddress, GatewayError, GatewayOptions, ShardState, Token};
use cogsmith::sim::{GatewayFaultKind, InjectedFault, Sim, SimOptions};
use serde_json::Value;

/// Guilds, guild messages, message content.
const INTENTS: u64 = 1 | 1 << 9 | 1 << 15;

async fn options(sim: &Sim) -> GatewayOptions {
    let request = reqwest::Client::new()
        .get(format!("{}/api/v10/gateway/bot", sim.url()))
        .header("Authorization", format!("Bot {}", sim.token()));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    // Nobody waits five seconds here to identify again.
    let address = GatewayAddress {
        shards: answer["shards"].as_u64().unwrap().try_into().unwrap(),
        ..GatewayAddress::single(answer["url"].as_str().unwrap())
    };
    GatewayOptions {
        token: Token::new(sim.token()),
        address,
        refresh: None,
        answers: None,
        intents: INTENTS,
        session_store: None,
        clock: Clock::system(),
    }
}

fn say(sim: &Sim, content: &str) {
    let channel = sim.channel("general").unwrap();
    sim.say(sim.owner(), channel, content).unwrap();
}

#[tokio::test]
async fn every_fault_of_a_connection_is_survived_without_a_loss() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let mut bot = Bot::ready(options(&sim).await).await;
    let faults = [
        GatewayFaultKind::Drop,
        GatewayFaultKind::Reconnect,
        GatewayFaultKind::Close(4000),
    ];
    for (round, fault) in (1..).zip(faults) {
        say(&sim, "before");
        sim.fault(InjectedFault::gateway(fault));
        say(&sim, "meanwhile");
        while sim.sessions()[0].resumes < round {
            tokio::task::yield_now().await;
        }
        say(&sim, "after");
        let messages = bot.messages_until("after").await;
        assert_eq!(messages, ["before", "meanwhile", "after"]);
    }
    assert_eq!(sim.sessions().len(), 1);
}

#[tokio::test]
async fn a_lost_session_is_replaced() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let mut bot = Bot::ready(options(&sim).await).await;
    let mut former = sim.sessions()[0].id.clone();
    let refused = GatewayFaultKind::InvalidSession { resumable: false };
    for fault in [GatewayFaultKind::LoseSession, refused] {
        sim.fault(InjectedFault::gateway(fault));
        let connected = |session: &cogsmith::sim::SessionView| {
            session.connected && session.id != former && session.written > 0
        };
        while !sim.sessions().iter().any(connected) {
            tokio::task::yield_now().await;
        }
        former = sim.sessions()[0].id.clone();
        say(&sim, "after");
        assert_eq!(bot.messages_until("after").await, ["after"]);
    }
}

#[tokio::test]
async fn swallowed_heartbeats_are_noticed() {
    let sim = Sim::start(SimOptions {
        heartbeat_interval_ms: 50,
        ..SimOptions::default()
    });
    let sim = sim.await.unwrap();
    let mut bot = Bot::ready(options(&sim).await).await;
    sim.fault(InjectedFault::gateway(
        GatewayFaultKind::SwallowHeartbeatAcks(100),
    ));
    while sim.sessions()[0].resumes == 0 {
        tokio::task::yield_now().await;
    }
    say(&sim, "after");
    assert_eq!(bot.messages_until("after").await, ["after"]);
}

#[tokio::test]
async fn what_the_application_may_not_have_is_refused_and_the_rest_goes_on() {
    let sim = Sim::start(SimOptions {
        allowed_privileged_intents: 1 << 15,
        ..SimOptions::default()
    });
    let sim = sim.await.unwrap();
    let mut bot = Bot::ready(options(&sim).await).await;
    let refusal = bot.gateway.set_intents(INTENTS | 1 << 1).await;
    assert!(matches!(
        refusal,
        Err(GatewayError::DisallowedIntents { .. })
    ));
    say(&sim, "still there");
    assert_eq!(bot.messages_until("still there").await, ["still there"]);

    bot.gateway.set_intents(INTENTS | 1 << 12).await.unwrap();
    say(&sim, "with more");
    assert_eq!(bot.messages_until("with more").await, ["with more"]);

    let wrong = GatewayOptions {
        token: Token::new("wrong"),
        ..options(&sim).await
    };
    let refused = Bot::start(wrong).gateway.ready(PATIENCE).await;
    assert_eq!(refused, Err(GatewayError::TokenRefused));
}

#[tokio::test]
async fn a_simulator_that_comes_back_at_the_same_address_is_found() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let options = options(&sim).await;
    let mut bot = Bot::ready(options.clone()).await;
    let token = sim.token().to_owned();
    sim.shutdown().await;
    bot.until(|states| matches!(states[0], ShardState::Waiting { .. }))
        .await;
    let listen = options
        .address
        .url
        .trim_start_matches("ws://")
        .trim_end_matches('/');
    let sim = Sim::start(SimOptions {
        listen: listen.parse().unwrap(),
        token,
        ..SimOptions::default()
    });
    let sim = sim.await.unwrap();
    bot.gateway.ready(PATIENCE).await.unwrap();
    say(&sim, "again");
    assert_eq!(bot.messages_until("again").await, ["again"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_gateway_takes_the_place_of_the_one_that_the_server_names() {
    let (sim, server) = (
        Sim::start(SimOptions::default()).await.unwrap(),
        FakeGateway::start().await,
    );
    let elsewhere = sim.url().replacen("http", "ws", 1);
    server.behave(|behaviour| behaviour.resume_url = Some(elsewhere));
    let folder = folder(&[]);
    let config = Config::default_at(folder.path().to_owned());
    let bot = WholeBot::start(BotOptions {
        gateway_url: Some(server.url.clone()),
        ..bot_options(&sim, config)
    });
    let bot = bot.await.unwrap();
    bot.ready(PATIENCE).await.unwrap();
    assert_eq!(server.count(identified), 1);
    // Once right after READY, which has named another address, and once for the lost connection.
    server.wait_for(1, resumed).await;
    server.drop_all();
    server.wait_for(2, resumed).await;
    assert_eq!(sim.sent_sequences(), []);
    bot.stop().await;
    sim.shutdown().await;
}
