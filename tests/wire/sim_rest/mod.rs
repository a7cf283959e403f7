//! The simulator's REST side, over real HTTP.

mod application;
mod as_discord;
mod audit;
mod automod;
mod every_operation;
mod expressions;
mod guild;
mod guild_settings;
mod interactions;
mod invite_targets;
mod listener;
mod messages;
mod pictures;
mod polls;
mod requests;
mod scheduled_events;
mod stages;
mod threads;
mod voice;
mod webhooks;

use crate::support::conformity::Conforming;
use cogsmith::sim::{Id, SimOptions};
use reqwest::{Client, Method, Response};
use serde_json::Value;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

struct Bot {
    sim: Conforming,
    http: Client,
}

impl Bot {
    async fn start() -> Self {
        Self::with(SimOptions::default()).await
    }

    async fn with(options: SimOptions) -> Self {
        Self {
            sim: Conforming::start(options).await,
            http: Client::new(),
        }
    }

    fn authorization(&self) -> String {
        format!("Bot {}", self.sim.token())
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let url = format!("{}/api/v10{path}", self.sim.url());
        let mut request = self.http.request(method, url);
        request = request.header("authorization", self.authorization());
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let body = (!body.is_null()).then_some(body);
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PUT, path, body).await
    }

    async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PATCH, path, body).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(Method::DELETE, path, Value::Null).await
    }

    fn general(&self) -> Id {
        self.sim.channel("general").unwrap()
    }

    fn user(&self, name: &str) -> Id {
        self.sim.user(name).unwrap()
    }
}

fn id(value: &Value) -> Id {
    value["id"].as_str().unwrap().parse().unwrap()
}
