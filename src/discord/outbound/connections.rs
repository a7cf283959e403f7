//! The connections to the one server. They are kept open for the next requests.
//!
//! A connection has no task of its own: the call that uses it drives it, so that neither has to wake the other for each
//! request and each answer. One that nobody uses stands still; the next call sees whether the server has closed it.

use super::OutboundError;
use super::answer::{ApiResponse, Broken, Unread, in_time};
use crate::charge::Charge;
use crate::host_tasks;
use crate::lock::lock;
use crate::requests;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Uri};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Intercept;
use rustls::ClientConfig;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};
use tower_service::Service;

/// A connection that is not there by then never will be.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection is closed after it was idle for so long: others on the way forget it sooner or later, without a word.
const LONGEST_IDLE: Duration = Duration::from_secs(90);

/// Connections that are kept for the next requests: as many as cogs may use at once, so that none of theirs is closed
/// only to be opened again. Each takes about 20 KB.
const MOST_IDLE: usize = requests::MOST_OF_ALL;

/// The system asks so often whether the other end is still there, and gives up after three times without an answer.
const PROBED_EVERY: Duration = Duration::from_secs(15);

/// What was sent must have arrived by then.
#[cfg(target_os = "linux")]
const LONGEST_UNACKNOWLEDGED: Duration = Duration::from_secs(30);

pub(super) type Body = Full<Bytes>;

type Cause = Box<dyn Error + Send + Sync>;

/// Opens connections to one server, keeps them and sends requests over them.
pub(super) struct Connections {
    open: Box<dyn Fn() -> Opening + Send + Sync>,
    idle: Arc<Mutex<Idle>>,
}

type Opening = Pin<Box<dyn Future<Output = Result<Box<dyn Stream>, Cause>> + Send>>;

/// What bytes go over: a socket, with TLS or without.
trait Stream: hyper::rt::Read + hyper::rt::Write + Send + Unpin {}

impl<S: hyper::rt::Read + hyper::rt::Write + Send + Unpin> Stream for S {}

/// Those that nobody uses, with the time since when: the longest first.
#[derive(Default)]
struct Idle {
    connections: Vec<(Box<Connection>, Instant)>,
    /// Whether a task closes them when their time has come.
    is_watched: bool,
}

struct Connection {
    requests: http1::SendRequest<Body>,
    driver: http1::Connection<Box<dyn Stream>, Body>,
    has_ended: bool,
    /// Whether it has been used before: then it may be closed just when it is used again.
    is_used: bool,
}

impl Connections {
    /// Connections to `server`, through `proxy` if that is secure. Connects nothing yet.
    pub(super) fn new(server: Uri, proxy: Option<Intercept>) -> Result<Self, OutboundError> {
        let is_secure = server.scheme_str() == Some("https");
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_keepalive(Some(PROBED_EVERY));
        tcp.set_keepalive_interval(Some(PROBED_EVERY));
        tcp.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(LONGEST_UNACKNOWLEDGED));
        let open = match (is_secure, proxy) {
            (false, _) => opening(tcp, server),
            (true, None) => opening(HttpsConnector::from((tcp, for_http(tls()?))), server),
            (true, Some(proxy)) => {
                let tls = tls()?;
                let to_proxy = HttpsConnector::from((tcp, tls.clone()));
                let tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
                let tunnel = match proxy.basic_auth() {
                    Some(password) => tunnel.with_auth(password.clone()),
                    None => tunnel,
                };
                opening(HttpsConnector::from((tunnel, for_http(tls))), server)
            }
        };
        Ok(Self {
            open,
            idle: Arc::default(),
        })
    }

    /// Sends a request once, and reads its answer, which must have come by `until`. `charge` grows by what of that is
    /// held.
    pub(super) async fn send(
        &self,
        request: &Request<Body>,
        until: tokio::time::Instant,
        charge: &mut Charge,
    ) -> Result<ApiResponse, Unread> {
        loop {
            let mut connection = in_time(until, self.take()).await??;
            let sent = connection.requests.try_send_request(request.clone());
            let mut sent = pin!(in_time(until, sent));
            let mut exchange = pin!(async {
                match sent.as_mut().await {
                    Ok(Ok(response)) => Ok(ApiResponse::read(response, until, charge).await),
                    Ok(Err(unsent)) => Err(unsent),
                    Err(late) => Ok(Err(late)),
                }
            });
            match connection.drive(exchange.as_mut()).await {
                Ok(answer) => {
                    self.keep(connection);
                    return answer;
                }
                Err(mut unsent) => {
                    // The server has closed the connection before any of the request was written.
                    let is_unwritten = unsent.take_message().is_some();
                    if !(is_unwritten && connection.is_used) {
                        return Err(Unread::Broken(Broken::Lost(unsent.into_error())));
                    }
                }
            }
        }
    }

    /// The connection that was used last, or a new one.
    async fn take(&self) -> Result<Box<Connection>, Unread> {
        loop {
            let Some((mut connection, _)) = lock(&self.idle).connections.pop() else {
                // In a box: hardly any request has to wait for that.
                let opened = Box::pin(self.open()).await;
                return opened.map_err(|cause| Unread::Broken(Broken::NoConnection(cause)));
            };
            if connection.is_ready() {
                return Ok(connection);
            }
        }
    }

    async fn open(&self) -> Result<Box<Connection>, Cause> {
        let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "operation timed out");
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, (self.open)()).await;
        let (requests, driver) = http1::handshake(stream.map_err(|_| late())??).await?;
        Ok(Box::new(Connection {
            requests,
            driver,
            has_ended: false,
            is_used: false,
        }))
    }

    /// Keeps a connection for the next request, if it can be used again.
    fn keep(&self, mut connection: Box<Connection>) {
        if !connection.is_ready() {
            return;
        }
        connection.is_used = true;
        let mut idle = lock(&self.idle);
        if idle.connections.len() >= MOST_IDLE {
            return;
        }
        idle.connections.push((connection, Instant::now()));
        if !std::mem::replace(&mut idle.is_watched, true) {
            drop(idle);
            host_tasks::errand(close_old_ones(Arc::clone(&self.idle)));
        }
    }
}

impl Connection {
    /// Writes and reads what can be written and read now.
    fn advance(&mut self, context: &mut Context<'_>) {
        if !self.has_ended {
            self.has_ended = Pin::new(&mut self.driver).poll(context).is_ready();
        }
    }

    /// The outcome of an exchange over this connection, which advances only while this is polled.
    async fn drive<T>(&mut self, mut exchange: Pin<&mut impl Future<Output = T>>) -> T {
        poll_fn(|context| {
            self.advance(context);
            exchange.as_mut().poll(context)
        })
        .await
    }

    /// Whether it can take a request. Reads what the server has sent meanwhile: nothing, or its end. Whoever drove it
    /// before is not woken by it any more.
    fn is_ready(&mut self) -> bool {
        self.advance(&mut Context::from_waker(Waker::noop()));
        !self.has_ended && self.requests.is_ready()
    }
}

/// Closes connections that were idle for long, until there are none.
async fn close_old_ones(idle: Arc<Mutex<Idle>>) {
    loop {
        tokio::time::sleep(LONGEST_IDLE).await;
        let mut idle = lock(&idle);
        let connections = &mut idle.connections;
        connections.retain(|(_, since)| since.elapsed() < LONGEST_IDLE);
        if connections.is_empty() {
            idle.is_watched = false;
            return;
        }
    }
}

/// What opens a connection to `server`.
fn opening<C>(connector: C, server: Uri) -> Box<dyn Fn() -> Opening + Send + Sync>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Stream + 'static,
    C::Error: Into<Cause>,
    C::Future: Send,
{
    Box::new(move || {
        let (mut connector, server) = (connector.clone(), server.clone());
        Box::pin(async move {
            poll_fn(|context| connector.poll_ready(context))
                .await
                .map_err(Into::into)?;
            let stream = connector.call(server).await.map_err(Into::into)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    })
}

fn tls() -> Result<ClientConfig, OutboundError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.map_err(|error| OutboundError::Client(error.to_string()))?;
    Ok(tls.with_webpki_roots().with_no_client_auth())
}

/// The same for a server to which HTTP/1.1 is spoken.
fn for_http(mut tls: ClientConfig) -> ClientConfig {
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    tls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge::Allowance;
    use hyper_util::client::proxy::matcher::Matcher;
    use std::net::SocketAddr;
    use std::task::Poll;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn to(address: &str, proxy: Option<Intercept>) -> Connections {
        Connections::new(address.parse().unwrap(), proxy).unwrap()
    }

    async fn send(connections: &Connections) -> Result<ApiResponse, Unread> {
        let mut request = Request::new(Body::default());
        let host = hyper::header::HeaderValue::from_static("localhost");
        request.headers_mut().insert(hyper::header::HOST, host);
        let mut charge = Allowance::alone(1 << 20).take(0).unwrap();
        let until = tokio::time::Instant::now() + Duration::from_secs(20);
        connections.send(&request, until, &mut charge).await
    }

    /// What comes up to an empty line.
    async fn head(stream: &mut TcpStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    async fn answer(stream: &mut TcpStream) {
        head(stream).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer).await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_is_used_again_until_the_server_closes_it() {
        let (listener, address) = listener().await;
        let connections = to(&format!("http://{address}/"), None);
        let (mut first, _) = tokio::join!(
            async {
                let mut first = listener.accept().await.unwrap().0;
                answer(&mut first).await;
                first
            },
            async { send(&connections).await.unwrap() }
        );
        tokio::join!(answer(&mut first), async {
            send(&connections).await.unwrap();
        });
        drop(first);
        // Its end has arrived when this has seen it.
        let (mut idle, since) = lock(&connections.idle).connections.pop().unwrap();
        poll_fn(|context| {
            idle.advance(context);
            if idle.has_ended {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        lock(&connections.idle).connections.push((idle, since));
        tokio::join!(
            async { answer(&mut listener.accept().await.unwrap().0).await },
            async { send(&connections).await.unwrap() }
        );
    }

    #[tokio::test]
    async fn one_whose_answer_was_not_read_to_its_end_is_not_used_again() {
        let (listener, address) = listener().await;
        let connections = to(&format!("http://{address}/"), None);
        let (_first, sent) = tokio::join!(
            async {
                let mut first = listener.accept().await.unwrap().0;
                head(&mut first).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n";
                first.write_all(answer).await.unwrap();
                // More than the caller may hold.
                let _closed = first.write_all(&vec![b' '; 2_000_000]).await;
                first
            },
            send(&connections)
        );
        assert!(matches!(sent, Err(Unread::Full)));
        assert!(lock(&connections.idle).connections.is_empty());
    }

    #[tokio::test]
    async fn a_secure_server_is_reached_through_the_proxy() {
        let (listener, address) = listener().await;
        let proxies = Matcher::builder().https(format!("http://me:pw@{address}"));
        let server = "https://discord.test/";
        let proxy = proxies.build().intercept(&server.parse().unwrap());
        let connections = to(server, proxy);
        let proxy = async {
            let mut stream = listener.accept().await.unwrap().0;
            let asked = head(&mut stream).await;
            assert!(asked.starts_with("CONNECT discord.test:443 "), "{asked}");
            assert!(asked.contains("Basic bWU6cHc="), "{asked}");
            let answer = b"HTTP/1.1 200 OK\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            // A greeting of TLS.
            assert_eq!(stream.read_u8().await.unwrap(), 22);
        };
        let ((), sent) = tokio::join!(proxy, send(&connections));
        assert!(matches!(sent, Err(Unread::Broken(Broken::NoConnection(_)))));
    }
}
