//! Who is let in, and with which headers.

use super::harness::{PATIENCE, Page, Studio, error_of};
use cogsmith::studio::{self, StudioError};
use reqwest::StatusCode;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;

#[tokio::test]
async fn only_loopback_addresses_are_taken() {
    let error = studio::bind("0.0.0.0:0".parse().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, StudioError::NotLoopback(_)));
    assert!(error.to_string().contains("studio.listen"), "{error}");

    let first = studio::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let taken = first.local_addr().unwrap();
    let error = studio::bind(taken).await.unwrap_err();
    assert!(matches!(error, StudioError::PortTaken(_)));
    assert!(
        error
            .to_string()
            .contains(&format!("port {} is taken", taken.port()))
    );
}

#[tokio::test]
async fn the_page_comes_with_its_headers() {
    let studio = Studio::start(None).await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/js/main.js", "text/javascript; charset=utf-8"),
        ("/css/base.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let response = studio.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(header("content-type"), kind);
        assert_eq!(header("cache-control"), "no-cache");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    let missing = studio.get("/../Cargo.toml").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(missing.headers().contains_key("content-security-policy"));
}

#[tokio::test]
async fn the_page_names_no_other_host_and_holds_nothing_inline() {
    let studio = Studio::start(None).await;
    let page = studio.get("/").await.text().await.unwrap();
    for forbidden in [
        "http:", "https:", "//", "style=", "onclick", "<style", "<script>",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_everywhere() {
    let studio = Studio::start(None).await;
    let port = studio.address.port();
    let say = json!({"user": "1", "channel": "2", "content": "!reload all"});
    for path in ["/", "/js/main.js", "/control/say", "/control/live"] {
        for (name, value, status) in [
            (
                "host",
                format!("evil.example:{port}"),
                StatusCode::MISDIRECTED_REQUEST,
            ),
            (
                "host",
                "127.0.0.1:1".to_owned(),
                StatusCode::MISDIRECTED_REQUEST,
            ),
            (
                "origin",
                "https://evil.example".to_owned(),
                StatusCode::FORBIDDEN,
            ),
            (
                "origin",
                "http://127.0.0.1:1".to_owned(),
                StatusCode::FORBIDDEN,
            ),
            (
                "origin",
                format!("https://127.0.0.1:{port}"),
                StatusCode::FORBIDDEN,
            ),
            ("origin", "null".to_owned(), StatusCode::FORBIDDEN),
            (
                "sec-fetch-site",
                "cross-site".to_owned(),
                StatusCode::FORBIDDEN,
            ),
        ] {
            for request in [
                studio.client.get(studio.url(path)),
                studio.client.post(studio.url(path)).json(&say),
            ] {
                let response = request.header(name, &value).send().await.unwrap();
                assert_eq!(response.status(), status, "{path} {name}: {value}");
                assert!(error_of(response).await.ends_with('.'));
            }
        }
    }
    for (header, value, status) in [
        ("host", "evil.example", 421),
        ("origin", "http://evil.example", 403),
    ] {
        match Page::open(studio.address, &[(header, value)]).await {
            Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), status),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("the feed was opened for {header}: {value}"),
        }
    }
}

#[tokio::test]
async fn every_own_name_is_let_in() {
    let studio = Studio::start(None).await;
    let port = studio.address.port();
    for name in ["localhost", "127.0.0.1", "[::1]"] {
        let own = format!("{name}:{port}");
        let request = studio.client.get(studio.url("/")).header("host", &own);
        let response = request
            .header("origin", format!("http://{own}"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{own}");
        let origin = format!("http://{own}");
        let mut page = Page::open(studio.address, &[("host", &own), ("origin", &origin)])
            .await
            .unwrap();
        page.next("hello").await;
    }
    // A link from anywhere to the page itself is welcome.
    let request = studio
        .client
        .get(studio.url("/"))
        .header("sec-fetch-site", "cross-site");
    let response = request
        .header("sec-fetch-mode", "navigate")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn bodies_are_limited_in_size_and_must_be_json() {
    let studio = Studio::start(None).await;
    let large = json!({"user": "1", "channel": "2", "content": "x".repeat(100_000)});
    let response = studio.post("/control/say", &large).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(error_of(response).await.contains("too large"));

    let form = studio
        .client
        .post(studio.url("/control/say"))
        .body("user=1");
    let response = form
        .header("content-type", "text/plain")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);

    let response = studio.post("/control/say", &json!({"user": 1})).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(error_of(response).await.ends_with('.'));
    let response = studio.client.put(studio.url("/")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn an_open_page_does_not_keep_the_bot_from_stopping() {
    let studio = Studio::start(None).await;
    let mut page = studio.page().await;
    page.next("hello").await;
    let mut half = TcpStream::connect(studio.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut half, b"POST /control/say HTTP/1.1\r\n")
        .await
        .unwrap();
    studio.stop.send(()).unwrap();
    let served = timeout(PATIENCE, studio.served)
        .await
        .expect("the studio did not stop");
    served.unwrap().unwrap();
}
