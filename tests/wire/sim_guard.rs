//! Web pages from elsewhere reach nothing of the simulator: neither under another name (DNS rebinding) nor with
//! their own address as origin, and they could not know the token.
use cogsmith::sim::{Sim, SimOptions};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, http};

async fn start() -> (Sim, String) {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let port = sim.url().rsplit(':').next().unwrap().to_owned();
    (sim, port)
}

/// Asks for the bot's user as the bot, with one header more.
async fn ask(sim: &Sim, method: Method, path: &str, header: (&str, &str)) -> StatusCode {
    let request = Client::new().request(method, format!("{}{path}", sim.url()));
    let request = request.header("authorization", format!("Bot {}", sim.token()));
    let response = request.header(header.0, header.1).send().await.unwrap();
    let told = |name: &http::HeaderName| name.as_str().starts_with("access-control");
    assert!(!response.headers().keys().any(told), "{path}: {header:?}");
    response.status()
}

const USER: &str = "/api/v10/users/@me";

#[tokio::test]
async fn it_answers_to_its_own_names_only() {
    let (sim, port) = start().await;
    for name in ["127.0.0.1", "localhost", "LocalHost", "[::1]"] {
        let host = format!("{name}:{port}");
        assert_eq!(
            ask(&sim, Method::GET, USER, ("host", &host)).await,
            200,
            "{host}"
        );
    }
    let rebound = format!("rebound.example:{port}");
    let below = format!("127.0.0.1.rebound.example:{port}");
    let elsewhere = format!("192.168.0.1:{port}");
    for host in [
        &rebound,
        &below,
        &elsewhere,
        "rebound.example",
        "127.0.0.1",
        "127.0.0.1:1",
    ] {
        for path in [USER, "/api/v10/gateway", "/attachments/1/2/x.png", "/"] {
            let status = ask(&sim, Method::GET, path, ("host", host)).await;
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{host}{path}");
        }
    }
    assert!(sim.requests().iter().all(|it| it.status == 200));
}

#[tokio::test]
async fn no_other_page_is_answered() {
    let (sim, port) = start().await;
    let neighbour = format!("http://127.0.0.1:{}", port.parse::<u16>().unwrap() - 1);
    for origin in [
        "https://evil.example",
        "null",
        "",
        "http://localhost",
        &neighbour,
    ] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            for path in [
                USER,
                "/api/v10/channels/1/messages",
                "/attachments/1/2/x.png",
            ] {
                let status = ask(&sim, method.clone(), path, ("origin", origin)).await;
                assert_eq!(status, StatusCode::FORBIDDEN, "{origin} {path}");
            }
        }
    }
    for site in ["cross-site", "same-site"] {
        let status = ask(&sim, Method::GET, USER, ("sec-fetch-site", site)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{site}");
        // The page shows pictures from here, and may have been opened under the other name.
        let picture = "/attachments/1/2/x.png";
        let status = ask(&sim, Method::GET, picture, ("sec-fetch-site", site)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{site}");
    }
    assert!(sim.requests().is_empty());
}

#[tokio::test]
async fn its_gateway_opens_for_programs_of_this_machine_only() {
    let (sim, port) = start().await;
    let address = format!("{}/?v=10&encoding=json", sim.url().replace("http", "ws"));
    let rebound = format!("rebound.example:{port}");
    let refused = [
        ("origin", "https://evil.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("host", &rebound, StatusCode::MISDIRECTED_REQUEST),
    ];
    for (name, value, status) in refused {
        let mut request = address.as_str().into_client_request().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        match tokio_tungstenite::connect_async(request).await {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), status.as_u16()),
            other => panic!("{name}: {value}: {other:?}"),
        }
    }
    tokio_tungstenite::connect_async(&address).await.unwrap();
}

#[tokio::test]
async fn each_start_has_another_token() {
    let ((one, _), (other, _)) = (start().await, start().await);
    assert_ne!(one.token(), other.token());
    for token in [other.token(), "sim", ""] {
        let request = Client::new().get(format!("{}{USER}", one.url()));
        let request = request.header("authorization", format!("Bot {token}"));
        assert_eq!(request.send().await.unwrap().status(), 401, "{token}");
    }
}

#[tokio::test]
async fn a_file_from_a_message_is_no_page_of_the_simulators() {
    let (sim, _) = start().await;
    let channel = sim.channel("general").unwrap();
    let files = json!([{ "filename": "page.html", "content": "<script>alert(1)</script>" }]);
    let body = json!({ "content": "a page", "files": files });
    let sent = sim.send_as(sim.owner(), channel, body).unwrap();
    let url = sent["attachments"][0]["url"].as_str().unwrap();
    let response = Client::new().get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let policy = &response.headers()["content-security-policy"];
    assert_eq!(policy, "default-src 'none'; sandbox");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
}
