//! The listener: one port for REST, attachments and the gateway.

use super::errors::{ANOTHER_HOST, ANOTHER_PAGE, Known};
use super::hub::Hub;
use super::rest::{ATTACHMENTS, LARGEST_REQUEST, is_picture};
use super::{gateway, rest};
use crate::host_tasks::{self, Task};
use crate::loopback::is_part_of_another_page;
use crate::server::{self, Limits};
use axum::extract::{DefaultBodyLimit, Request, State, WebSocketUpgrade};
use axum::http::header::UPGRADE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower_service::Service as _;
use tracing::warn;

/// Serves until the hub stops.
pub(crate) async fn run(hub: &Arc<Hub>, listener: &std::net::TcpListener) {
    let hub = Arc::clone(hub);
    let listener = match host_tasks::listener_of(listener) {
        Ok(listener) => listener,
        Err(error) => {
            warn!(%error, "The simulator's server cannot start");
            return;
        }
    };
    let (mut stop, pages) = (hub.stop.subscribe(), Arc::clone(&hub));
    let router = Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .with_state(hub);
    let open = move |stream| {
        let kill = Kill::default();
        let discord = router.clone().layer(Extension(kill.clone()));
        let router = match pages.page.get() {
            Some(page) => Router::new()
                .fallback(apart)
                .with_state((page.clone(), discord)),
            None => discord,
        };
        (KillableStream { stream, kill }, router)
    };
    let shutdown = async move {
        // The sender lives in the hub; its end is a stop, too.
        let _stopped = stop.wait_for(|stop| *stop).await.is_ok();
    };
    server::serve(listener, Limits::simulator(), open, shutdown).await;
}

/// Tells Discord's API, its files and its gateway from the page that is served beside them.
async fn apart(State((page, discord)): State<(Router, Router)>, request: Request) -> Response {
    let path = request.uri().path();
    let is_gateway = path == "/" && request.headers().contains_key(UPGRADE);
    let is_discords = is_gateway || path.starts_with("/api/") || is_file(path);
    let mut router = if is_discords { discord } else { page };
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Whether a path is that of a file or a picture.
fn is_file(path: &str) -> bool {
    path.starts_with(ATTACHMENTS) || is_picture(path)
}

/// Why a request is not from a program on this machine. Only the page shows pictures from here.
fn refusal(hub: &Hub, request: &Request) -> Option<Known> {
    let (uri, headers) = (request.uri(), request.headers());
    let is_file = is_file(uri.path());
    if !hub.own.are_meant(uri, headers) {
        Some(ANOTHER_HOST)
    } else if hub.own.are_not_the_origin(headers) || (!is_file && is_part_of_another_page(headers))
    {
        Some(ANOTHER_PAGE)
    } else {
        None
    }
}

async fn answer(
    State(hub): State<Arc<Hub>>,
    Extension(kill): Extension<Kill>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    if let Some(refusal) = refusal(&hub, &request) {
        return rest::respond(&Err(refusal.into()), None);
    }
    if let Ok(upgrade) = upgrade {
        let query = request.uri().query().unwrap_or_default().to_owned();
        return upgrade.on_upgrade(move |socket| async move {
            let serving = gateway::serve(hub, socket, query, kill);
            // A client whose connection breaks opens another.
            host_tasks::caught(Task::SimulatorGateway, serving).await;
        });
    }
    let answering = async {
        host_tasks::point(Task::Simulator);
        rest::answer(hub, request).await
    };
    match host_tasks::caught(Task::Simulator, answering).await {
        Some(Some(response)) => return response,
        Some(None) => {}
        None => return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
    kill.kill();
    axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Breaks one connection: its next write fails, and nothing of the answer leaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kill(Arc<AtomicBool>);

impl Kill {
    /// Breaks the connection at its next write.
    pub(crate) fn kill(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

struct KillableStream {
    stream: TcpStream,
    kill: Kill,
}

impl AsyncRead for KillableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.kill.check()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for KillableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.kill.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.kill.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.kill.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
