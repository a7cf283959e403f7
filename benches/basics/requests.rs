//! A cog's request to another server, beside a client alone.

use super::stage::cog_vm::Cog;
use super::stage::setup;
use super::{Sizes, Table};
use axum::Router;
use axum::routing::get;
use cogsmith::vm::build::VmLimits;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

const HOST: &str = "bench.test";
const CONFIG: &str =
    r#"{ "http": { "allow": ["bench.test"] }, "limits": { "http_calls_per_10s": 10000 } }"#;
const COG: &str = r#"local cog = require("@cogsmith/cog")
cog.info { capabilities = { "http" } }
"#;

pub(super) fn measure(sizes: Sizes, table: &mut Table) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/", get(|| async { r#"{ "ok": true }"# }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let fresh = bare(port, 0, sizes.requests).await;
        let kept = bare(port, 8, sizes.requests).await;
        let ours = of_a_cog(port, sizes.requests).await;
        let what = "a request of a cog to another server: us";
        table.add(what, ours, (fresh, "a client; a connection each"), "");
        table.add(what, ours, (kept, "a client that keeps its connection"), "");
    });
}

/// Microseconds for each of so many requests in a row, after some that do not count.
async fn each<F: Future<Output = ()>>(requests: u32, run: impl Fn(u32) -> F) -> f64 {
    run(requests / 10).await;
    let since = Instant::now();
    run(requests).await;
    micros(since.elapsed() / requests)
}

pub(super) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A client that keeps up to so many connections.
async fn bare(port: u16, kept: usize, requests: u32) -> f64 {
    let client = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(kept);
    let (client, url) = (client.build().unwrap(), format!("http://127.0.0.1:{port}/"));
    let (client, url) = (&client, &url);
    each(requests, |count| async move {
        for _ in 0..count {
            let response = client.get(url).send().await.unwrap();
            assert_eq!(response.bytes().await.unwrap().len(), 14);
        }
    })
    .await
}

async fn of_a_cog(port: u16, requests: u32) -> f64 {
    let stage = setup(&[("cogs/t.luau", COG)])
        .config(CONFIG)
        .local_host(HOST)
        .start()
        .await;
    let context = &stage.bot.cogs.get("t").unwrap().context;
    let cog = |count: u32| {
        let source = format!(
            "local http = require(\"@cogsmith/http\")
            return function()
                for _ = 1, {count} do
                    assert(#http.get(\"http://{HOST}:{port}/\").body == 14)
                end
            end"
        );
        Cog::new(&Arc::clone(context), VmLimits::default(), &source)
    };
    each(requests, |count| {
        let cog = cog(count);
        async move {
            let ran = cog.run().await;
            ran.unwrap_or_else(|fault| panic!("{fault}"));
        }
    })
    .await
}
