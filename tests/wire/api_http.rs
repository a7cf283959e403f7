//! `@cogsmith/http` against a real server: what is sent, what comes back, and where no cog gets.

use crate::fake_http::serve;
use crate::support::{Setup, Stage, nobody, setup};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get};
use cogsmith::api::limit_view::limits_of;
use cogsmith::api::limits::Limit;
use cogsmith::clock::Clock;
use cogsmith::requests::MOST_OF_A_COG;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

const HOST: &str = "api.example.com";

/// A server on this machine.
struct Server {
    address: SocketAddr,
    /// While true, `/slow` does not answer.
    hold: watch::Sender<bool>,
    /// How often `/slow` was asked.
    asked: watch::Sender<usize>,
    /// How many of these were open at once.
    most: Arc<Mutex<usize>>,
    /// The headers of the last request to `/headers`.
    seen: Arc<Mutex<HeaderMap>>,
}

impl Server {
    async fn start() -> Self {
        let (hold, asked) = (watch::Sender::new(false), watch::Sender::new(0));
        let seen: Arc<Mutex<HeaderMap>> = Arc::default();
        let (gate, counted, headers) = (hold.clone(), asked.clone(), Arc::clone(&seen));
        let most: Arc<Mutex<usize>> = Arc::default();
        let (open, highest) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&most));
        let slow = move || async move {
            let now = open.fetch_add(1, Ordering::Relaxed) + 1;
            let before = *highest.lock().unwrap();
            *highest.lock().unwrap() = before.max(now);
            counted.send_modify(|count| *count += 1);
            gate.subscribe().wait_for(|hold| !hold).await.unwrap();
            open.fetch_sub(1, Ordering::Relaxed);
            "slow"
        };
        let leads = |Path(target): Path<String>, request: Request| async move {
            let query = request.uri().query().unwrap_or_default().to_owned();
            Redirect::temporary(&format!("{target}?{query}")).into_response()
        };
        let noted = move |method: Method, mut given: HeaderMap| async move {
            given.insert("x-method-was", method.as_str().parse().unwrap());
            *headers.lock().unwrap() = given;
        };
        let redirects = |Path((status, target)): Path<(u16, String)>| async move {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("location", target)])
        };
        let router = Router::new()
            .route("/echo", any(echo))
            .route("/slow", get(slow))
            .route("/headers", any(noted))
            .route("/long", get(|| async { "x".repeat(3 << 10) }))
            .route("/loop", get(|| async { Redirect::permanent("/loop") }))
            .route("/see", any(|| async { Redirect::to("/echo?seen=1") }))
            .route("/to/{*target}", any(leads))
            .route("/redirect/{status}/{*target}", any(redirects))
            .route(
                "/teapot",
                get(|| async { (StatusCode::IM_A_TEAPOT, "short and stout") }),
            );
        Self {
            address: serve(router).await,
            hold,
            asked,
            most,
            seen,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{HOST}:{}{path}", self.address.port())
    }
}

async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let header = |name: &str| {
        let value = headers.get(name).map(|it| it.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    let told = serde_json::json!({
        "method": method.as_str(), "query": uri.query(), "body": String::from_utf8_lossy(&body),
        "kind": header("content-type"), "key": header("x-key"), "agent": header("user-agent"),
    });
    ([("x-Answer", "yes")], axum::Json(told))
}

/// A cog whose `!t` answers with what `body` returns, or with the error that it raises.
fn cog(capabilities: &str, body: &str) -> String {
    format!(
        r#"local cog = require("@cogsmith/cog")
local http = require("@cogsmith/http")
cog.info {{ capabilities = {{ {capabilities} }} }}
cog.command {{ name = "t", run = function(ctx)
    local ok, result = pcall(function() {body} end)
    ctx:reply(if ok then tostring(result) else `{{result.kind}} {{result.line}} {{result.message}}`)
end }}
"#
    )
}

fn with_hosts(source: &str, allow: &str, limits: &str) -> Setup {
    setup(&[("cogs/t.luau", source)])
        .config(&format!(
            r#"{{ "http": {{ "allow": [{allow}] }}, "limits": {{ {limits} }} }}"#
        ))
        .local_host(HOST)
        .local_host("other.example.com")
}

async fn stage(body: &str) -> Stage {
    let allow = format!("\"{HOST}\"");
    with_hosts(&cog("\"http\"", body), &allow, "").start().await
}

async fn answer(body: &str) -> String {
    stage(body).await.ask("!t").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sends_what_it_is_told_to() {
    let server = Server::start().await;
    let url = server.url("/echo?a=1");
    let get = format!(
        r#"local r = http.get("{url}", {{ query = {{ q = "x y&z", n = 3, b = true }}, headers = {{ ["X-Key"] = "k" }} }})
        local told = r:json()
        return `{{r.ok}} {{r.status}} {{r.headers["x-answer"]}} {{told.method}} {{told.key}} {{told.query}} {{told.agent}}`"#
    );
    let told = answer(&get).await;
    assert!(told.starts_with("true 200 yes GET k a=1&"), "{told}");
    for part in ["q=x+y%26z", "n=3", "b=true", "cogsmith/"] {
        assert!(told.contains(part), "{told}");
    }
    let post = format!(
        r#"local told = http.post("{url}", {{ json = {{ list = {{ 1, "two" }} }} }}):json()
        return `{{told.method}} {{told.kind}} {{told.body}}`"#
    );
    let sent = r#"POST application/json {"list":[1,"two"]}"#;
    assert_eq!(answer(&post).await, sent);
    let put = format!(
        r#"local told = http.request {{ url = "{url}", method = "put", body = "raw\0\1", headers = {{ ["content-type"] = "text/x" }} }}:json()
        return `{{told.method}} {{told.kind}} {{#told.body}}`"#
    );
    assert_eq!(answer(&put).await, "PUT text/x 5");
    let teapot = server.url("/teapot");
    let refused =
        format!(r#"local r = http.get("{teapot}") return `{{r.ok}} {{r.status}} {{r.body}}`"#);
    assert_eq!(answer(&refused).await, "false 418 short and stout");
    let no_json = format!(r#"return http.get("{teapot}"):json()"#);
    let told = answer(&no_json).await;
    assert!(
        told.starts_with("argument 5 response:json: the body is not JSON"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_hosts_of_the_configuration_are_reached() {
    let server = Server::start().await;
    let other = format!("http://other.example.com:{}/echo", server.address.port());
    let words = "http.get: config.json does not allow the host \"other.example.com\" (http.allow)";
    let told = answer(&format!(r#"return http.get("{other}")"#)).await;
    assert_eq!(told, format!("capability 5 {words}"));
    // Nor by way of another.
    let led = server.url(&format!("/to/{other}"));
    let told = answer(&format!(r#"return http.get("{led}")"#)).await;
    assert_eq!(told, format!("capability 5 {words}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_reached_under_no_name() {
    let server = Server::start().await;
    let port = server.address.port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "169.254.169.254",
        "127.0.0.1.",
    ];
    let list = hosts.map(|host| format!("\"{host}\"")).join(", ");
    let body = format!(
        r#"local all = {{}}
        for _, host in {{ {list} }} do
            local ok, err = pcall(http.get, `http://{{host}}:{port}/echo`, {{ timeout = 5 }})
            table.insert(all, if ok then `{{host}} was reached` else err.kind)
        end
        return table.concat(all, " ")"#
    );
    let stage = with_hosts(&cog("\"http\"", &body), "\"*\"", "")
        .start()
        .await;
    let told = stage.ask("!t").await;
    assert_eq!(told, ["capability"; 11].join(" "));
    let led = server.url(&format!("/to/http://127.0.0.1:{port}/echo"));
    let source = cog("\"http\"", &format!(r#"return http.get("{led}")"#));
    let stage = with_hosts(&source, "\"*\"", "").start().await;
    let words =
        "capability 5 http.get: \"127.0.0.1\" is at a private address, which no cog may reach";
    assert_eq!(stage.ask("!t").await, words);
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_and_keep_what_is_meant_for_one_server() {
    let server = Server::start().await;
    let see = server.url("/see");
    let body = format!(
        r#"local told = http.post("{see}", {{ body = "x" }}):json() return `{{told.method}} {{told.query}} {{#told.body}}`"#
    );
    assert_eq!(answer(&body).await, "GET seen=1 0");
    let round = server.url("/loop");
    let told = answer(&format!(r#"return http.get("{round}")"#)).await;
    assert_eq!(told, "http 5 http.get: more than 5 redirects");
}

/// Headers that an author may mean for one server alone.
const SECRETS: [&str; 5] = ["authorization", "cookie", "x-api-key", "x-key", "accept"];

#[tokio::test(flavor = "multi_thread")]
async fn what_an_author_sends_to_one_server_is_not_shown_to_another() {
    let (server, other) = (Server::start().await, Server::start().await);
    let secrets = SECRETS
        .map(|name| format!("[\"{name}\"] = \"secret\""))
        .join(", ");
    let post = |led: &str| {
        format!(
            r#"return http.post("{led}", {{ body = "b", headers = {{ {secrets}, ["content-type"] = "text/x" }} }}).status"#
        )
    };
    // Another host, another port, and back to where it came from.
    let by_host = format!("http://other.example.com:{}/headers", server.address.port());
    let by_port = other.url("/headers");
    let back = other.url(&format!("/to/{}", server.url("/headers")));
    for target in [by_host, by_port, back] {
        for status in [301, 302, 303, 307, 308] {
            let led = server.url(&format!("/redirect/{status}/{target}"));
            let allow = "\"*.example.com\"";
            let stage = with_hosts(&cog("\"http\"", &post(&led)), allow, "");
            assert_eq!(stage.start().await.ask("!t").await, "200", "{led}");
            let seen = [&server, &other].map(|it| std::mem::take(&mut *it.seen.lock().unwrap()));
            let [seen, of_other] = seen;
            let seen = if seen.is_empty() { of_other } else { seen };
            let value = |name: &str| seen.get(name).map(|it| it.to_str().unwrap());
            for name in SECRETS {
                assert_ne!(value(name), Some("secret"), "{name} at {led}");
            }
            // What kind the body is of goes where the body goes.
            let kind = (status >= 307).then_some("text/x");
            assert_eq!(value("content-type"), kind, "{led}");
            let method = if status >= 307 { "POST" } else { "GET" };
            assert_eq!(value("x-method-was"), Some(method), "{led}");
        }
    }
    // On the same server all of it stays.
    let led = server.url(&format!("/redirect/307/{}", server.url("/headers")));
    assert_eq!(answer(&post(&led)).await, "200");
    let seen = server.seen.lock().unwrap().clone();
    for name in SECRETS {
        assert_eq!(seen.get(name).unwrap(), "secret", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_has_so_many_requests_open_and_the_rest_wait() {
    let server = Server::start().await;
    server.hold.send_replace(true);
    let url = server.url("/slow");
    let body = format!(
        r#"local all = 0
        for i = 1, 15 do
            task.spawn(function() http.get("{url}") all += 1 end)
        end
        while all < 15 do task.wait("0.01s") end
        return all"#
    );
    let source = cog("\"http\"", &body).replace(
        "cog.info",
        "local task = require(\"@cogsmith/task\")\ncog.info",
    );
    let allow = format!("\"{HOST}\"");
    let stage = with_hosts(&source, &allow, "").start().await;
    let owner = stage.sim.user("owner").unwrap();
    stage.sim.say(owner, stage.general(), "!t").unwrap();
    let mut asked = server.asked.subscribe();
    asked
        .wait_for(|asked| *asked == MOST_OF_A_COG)
        .await
        .unwrap();
    server.hold.send_replace(false);
    asked.wait_for(|asked| *asked == 15).await.unwrap();
    stage.settled().await;
    assert!(*server.most.lock().unwrap() <= MOST_OF_A_COG);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_told_before() {
    for (call, words) in [
        (
            "http.get()",
            "argument 5 http.get: the address: expected a string",
        ),
        (
            "http.get('x')",
            "argument 5 http.get: \"x\" is not a URL: relative URL without a base",
        ),
        (
            "http.get('file:///etc/passwd')",
            "argument 5 http.get: the address must begin with https:// or http://",
        ),
        (
            "http.get('http://u:p@api.example.com')",
            "argument 5 http.get: the address must be without user and password",
        ),
        (
            "http.get('http://api.example.com', { headers = { Host = 'x' } })",
            "argument 5 http.get: the header \"Host\" cannot be sent",
        ),
        (
            "http.get('http://api.example.com', { headers = { a = 'x\\r\\ny: z' } })",
            "argument 5 http.get: the header \"a\" cannot be sent",
        ),
        (
            "http.get('http://api.example.com', { headers = { a = 1 } })",
            "argument 5 http.get: headers.a: expected a string",
        ),
        (
            "http.get('http://api.example.com', { qurey = {} })",
            "argument 5 http.get: there is no field \"qurey\"; did you mean \"query\"?",
        ),
        (
            "http.post('http://api.example.com', { body = 'x', json = 1 })",
            "argument 5 http.post: give either body or json, not both",
        ),
        (
            "http.get('http://api.example.com', { timeout = 31 })",
            "argument 5 http.get: timeout must be more than 0 s and at most 30 s",
        ),
        (
            "http.request { url = 'http://api.example.com', method = 'CONNECT' }",
            "argument 5 http.request: method: expected one of GET",
        ),
        (
            "http.get('http://nobody.invalid')",
            "capability 5 http.get: config.json does not allow",
        ),
    ] {
        let told = answer(&format!("return {call}")).await;
        assert!(told.starts_with(words), "{call}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_a_capability_and_a_cog_that_has_loaded() {
    let source = cog("", &format!("return http.get('http://{HOST}')"));
    let stage = with_hosts(&source, "\"*\"", "").start().await;
    let words = "capability 5 http.get: needs the capability \"http\": add it to cog.info";
    let told = stage.ask("!t").await;
    assert!(told.starts_with(words), "{told}");
    let mut stage = stage;
    let loading = format!("{}http.get(\"http://{HOST}\")", cog("\"http\"", ""));
    stage.save("cogs/t.luau", &loading);
    let report = stage.failed().await;
    let problem = crate::support::problems_of(&report);
    assert!(
        problem.contains("http.get: not while loading: move this into cog.on_ready"),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_what_they_bring_are_limited() {
    let server = Server::start().await;
    let (echo, long) = (server.url("/echo"), server.url("/long"));
    let met = |stage: &Stage, limit: Limit| {
        let cog = stage.bot.cogs.get("t").unwrap();
        let views = limits_of(&cog.context);
        views.iter().find(|it| it.key == limit.key()).unwrap().met
    };
    let limits = r#""http_calls_per_10s": 2, "http_kb": 2"#;
    let many = format!(r#"for i = 1, 3 do http.get("{echo}") end"#);
    let stage = with_hosts(&cog("\"http\"", &many), "\"*\"", limits)
        .clock(Clock::paused(1_700_000_000))
        .start()
        .await;
    let words = "limit 5 http.get: this cog has used up its 2 requests for these 10 seconds (limits.http_calls_per_10s)";
    assert_eq!(stage.ask("!t").await, words);
    assert_eq!(met(&stage, Limit::HttpCalls), 1);
    let answer = format!(r#"return http.get("{long}")"#);
    let stage = with_hosts(&cog("\"http\"", &answer), "\"*\"", limits)
        .start()
        .await;
    let words = "limit 5 http.get: the answer is longer than 2 KB (limits.http_kb)";
    assert_eq!(stage.ask("!t").await, words);
    assert_eq!(met(&stage, Limit::HttpSize), 1);
    let body = format!(r#"return http.post("{echo}", {{ body = string.rep("x", 3000) }})"#);
    let stage = with_hosts(&cog("\"http\"", &body), "\"*\"", limits)
        .start()
        .await;
    let words = "limit 5 http.post: the body is longer than 2 KB (limits.http_kb)";
    assert_eq!(stage.ask("!t").await, words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_waited_for_as_long_as_it_is_said() {
    let server = Server::start().await;
    server.hold.send_replace(true);
    let slow = server.url("/slow");
    let body = format!(r#"return http.get("{slow}", {{ timeout = 0.2 }})"#);
    let told = answer(&body).await;
    assert_eq!(told, "http 5 http.get: there was no answer within 0.2 s");
    drop(server);
    let port = nobody().port();
    let told = answer(&format!(r#"return http.get("http://{HOST}:{port}/")"#)).await;
    assert!(
        told.starts_with("http 5 http.get: no answer from \"api.example.com\": "),
        "{told}"
    );
    assert!(!told.contains("127.0.0.1"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_waiting_in_http_while_its_cog_reloads_finishes_on_the_old_code() {
    let server = Server::start().await;
    server.hold.send_replace(true);
    let slow = server.url("/slow");
    let version = |version: &str| {
        cog(
            "\"http\"",
            &format!(r#"return http.get("{slow}").body .. " {version}""#),
        )
    };
    let allow = format!("\"{HOST}\"");
    let mut stage = with_hosts(&version("old"), &allow, "").start().await;
    let (owner, general) = (stage.sim.owner(), stage.general());
    stage.sim.say(owner, general, "!t").unwrap();
    server
        .asked
        .subscribe()
        .wait_for(|asked| *asked == 1)
        .await
        .unwrap();
    stage.save("cogs/t.luau", &version("new"));
    let report = stage.applied().await;
    assert_eq!(report.cogs[0].version, 2);
    assert!(stage.written().is_empty(), "the handler still waits");
    server.hold.send_replace(false);
    stage.settled().await;
    assert_eq!(stage.written(), ["slow old"]);
    assert_eq!(stage.ask("!t").await, "slow new");
}
