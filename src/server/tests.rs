use super::*;
use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::{get, post};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(20);
const WHOLE: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const UPGRADING: &str = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3_600);

fn limits() -> Limits {
    Limits {
        connections: 4,
        upgraded: 2,
        head: NEVER,
        stalled: NEVER,
        idle: NEVER,
    }
}

struct Running {
    address: SocketAddr,
    /// Tells of each connection that has ended.
    ends: mpsc::UnboundedReceiver<()>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// Tells that a connection has ended.
struct End(mpsc::UnboundedSender<()>);

impl Drop for End {
    fn drop(&mut self) {
        let _heard = self.0.send(()).is_ok();
    }
}

async fn start(limits: Limits) -> Running {
    let socket = |upgrade: WebSocketUpgrade| async {
        upgrade.on_upgrade(|mut socket| async move { while socket.recv().await.is_some() {} })
    };
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/large", get(async || "x".repeat(32 << 20)))
        .route("/body", post(async |body: String| body))
        .route("/socket", get(socket));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let (end, ends) = mpsc::unbounded_channel();
    let served = tokio::spawn(serve(
        listener,
        limits,
        move |stream| {
            let end = Extension(Arc::new(End(end.clone())));
            (stream, router.clone().layer(end))
        },
        async move {
            let _dropped = stopped.await.is_ok();
        },
    ));
    Running {
        address,
        ends,
        stop,
        served,
    }
}

async fn send(server: &Running, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Reads until this text has come.
async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains(text) {
            let mut part = [0; 1_024];
            let count = stream.read(&mut part).await.unwrap();
            assert!(count > 0, "the connection ended before {text:?}");
            read.extend_from_slice(&part[..count]);
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect(text);
    String::from_utf8_lossy(&read).into_owned()
}

/// Waits until the server ends the connection.
async fn ended(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let reading = stream.read_to_end(&mut rest);
    let ended = tokio::time::timeout(PATIENCE, reading).await;
    // A reset is an end, too.
    let _either = ended.expect("the connection stays open").is_ok();
}

#[tokio::test]
async fn requests_that_never_end_and_connections_that_wait_are_ended() {
    let short = Duration::from_millis(40);
    let head = Limits {
        head: short,
        ..limits()
    };
    let server = start(head).await;
    let mut idle = send(&server, WHOLE).await;
    until(&mut idle, "hello").await;
    for part in ["G", "GET / HTTP/1.1\r\nHost:"] {
        ended(send(&server, part).await).await;
    }
    // Who waits for its next request is no request that does not end.
    idle.write_all(WHOLE.as_bytes()).await.unwrap();
    until(&mut idle, "hello").await;

    let stalled = Limits {
        stalled: short,
        ..limits()
    };
    let mut server = start(stalled).await;
    let body = "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nonly this";
    ended(send(&server, body).await).await;
    server.ends.recv().await.unwrap();
    // Nobody reads the answer until it has been given up.
    let mut unread = send(&server, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let given_up = tokio::time::timeout(PATIENCE, server.ends.recv()).await;
    given_up.unwrap().unwrap();
    let mut read = Vec::new();
    let _reset = unread.read_to_end(&mut read).await.is_ok();
    assert!(read.len() < 32 << 20, "{} bytes", read.len());

    let idle = Limits {
        idle: short,
        ..limits()
    };
    let server = start(idle).await;
    let mut silent = send(&server, WHOLE).await;
    until(&mut silent, "hello").await;
    ended(silent).await;
    ended(send(&server, "").await).await;
}

#[tokio::test]
async fn a_new_connection_takes_the_place_of_one_that_does_nothing() {
    let server = start(limits()).await;
    let mut known = send(&server, WHOLE).await;
    until(&mut known, "hello").await;
    let mut unfinished = Vec::new();
    for _ in 0..100 {
        unfinished.push(send(&server, "GET / HTTP/1.1\r\nHost:").await);
    }
    until(&mut send(&server, WHOLE).await, "hello").await;
    // Those that never had a whole request went first.
    known.write_all(WHOLE.as_bytes()).await.unwrap();
    until(&mut known, "hello").await;
    for stream in unfinished.drain(..95) {
        ended(stream).await;
    }
}

/// Their heads are whole, and the rest never comes.
#[tokio::test]
async fn unfinished_bodies_give_way_at_once() {
    let server = start(limits()).await;
    let body = "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
    let mut unfinished = Vec::new();
    for _ in 0..100 {
        unfinished.push(send(&server, body).await);
    }
    let whole = format!("{body}the whole");
    until(&mut send(&server, &whole).await, "the whole").await;
    for stream in unfinished.drain(..95) {
        ended(stream).await;
    }
}

#[tokio::test]
async fn websockets_have_places_of_their_own() {
    let server = start(limits()).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = send(&server, UPGRADING).await;
        until(&mut stream, "101 Switching").await;
        open.push(stream);
    }
    let mut refused = send(&server, UPGRADING).await;
    until(&mut refused, "503").await;
    for _ in 0..10 {
        until(&mut send(&server, WHOLE).await, "hello").await;
    }
    drop(open.pop());
    let opened = async {
        loop {
            let mut stream = send(&server, UPGRADING).await;
            if until(&mut stream, "\r\n\r\n").await.contains("101") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, opened).await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_ends_its_connections() {
    let server = start(limits()).await;
    let mut idle = send(&server, WHOLE).await;
    until(&mut idle, "hello").await;
    drop(server.stop);
    tokio::time::timeout(PATIENCE, server.served)
        .await
        .unwrap()
        .unwrap();
    ended(idle).await;
}
