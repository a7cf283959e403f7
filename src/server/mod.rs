//! An HTTP server that cannot be exhausted: it has few connections, and closes idle ones.
//!
//! ```text
//! accept ─ connections (is there room, whose place is taken, who is overdue?) ─ stream (what moves) ─ the router
//! ```
//!
//! `limits` says how many and how long. Both ports that the process opens, the page's and the simulator's, are
//! served by [`serve`].

mod body;
mod connections;
mod limits;
mod stream;
#[cfg(test)]
mod tests;

pub use limits::Limits;

use crate::descriptors;
use axum::Router;
use axum::body::Body;
use axum::http::header::UPGRADE;
use axum::http::{Request, Response, StatusCode};
use body::Noted;
use connections::Connections;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stream::{Progress, Watched};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

/// The pause after a connection that could not be accepted: without one, a system that has no descriptors left
/// would keep a processor busy.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// How often the log says that connections cannot be accepted.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Serves until `shutdown` is done and the requests that are running have ended. `open` makes of a connection what
/// is read and written, and what answers it.
pub async fn serve<Io: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    listener: TcpListener,
    limits: Limits,
    open: impl FnMut(TcpStream) -> (Io, Router),
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopping) = watch::channel(false);
    let mut server = Server {
        open,
        upgrades: Arc::new(Semaphore::new(limits.upgraded)),
        connections: Connections::new(limits),
        stopping,
        complained: None,
    };
    server.accept(listener, limits, shutdown).await;
    // A connection that is gone has nothing to end.
    let _told = stop.send(true).is_ok();
    server.finish(limits).await;
}

struct Server<F> {
    open: F,
    /// Places for web sockets, which stay open.
    upgrades: Arc<Semaphore>,
    connections: Connections,
    stopping: watch::Receiver<bool>,
    complained: Option<Instant>,
}

impl<Io, F> Server<F>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: FnMut(TcpStream) -> (Io, Router),
{
    async fn accept(
        &mut self,
        listener: TcpListener,
        limits: Limits,
        shutdown: impl Future<Output = ()>,
    ) {
        let mut shutdown = pin!(shutdown);
        let mut sweep = interval(limits.sweep());
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                () = self.connections.ended() => {}
                _ = sweep.tick() => self.connections.end_overdue(),
                accepted = listener.accept(), if self.connections.have_room() => match accepted {
                    Ok((stream, _)) => self.take(stream),
                    Err(error) => {
                        self.complain(&error);
                        tokio::time::sleep(AFTER_FAILURE).await;
                    }
                },
            }
        }
    }

    fn take(&mut self, stream: TcpStream) {
        let has_room = self.connections.make_room();
        if !has_room || descriptors::are_scarce(&stream) && !self.connections.end_one() {
            return;
        }
        // Without this, small answers wait for acknowledgements; a socket that refuses is slower, not wrong.
        let _set = stream.set_nodelay(true).is_ok();
        let (io, router) = (self.open)(stream);
        let progress = Arc::new(Progress::default());
        let io = Watched::new(io, Arc::clone(&progress));
        let upgrades = Arc::clone(&self.upgrades);
        let connection = connection(
            io,
            router,
            Arc::clone(&progress),
            upgrades,
            self.stopping.clone(),
        );
        self.connections.add(connection, progress);
    }

    /// Nothing is accepted without a descriptor: a connection that does nothing gives its own.
    fn complain(&mut self, error: &io::Error) {
        self.connections.end_one();
        if self
            .complained
            .is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY)
        {
            warn!(%error, "A connection could not be accepted; trying again");
            self.complained = Some(Instant::now());
        }
    }

    async fn finish(&mut self, limits: Limits) {
        let mut sweep = interval(limits.sweep());
        while !self.connections.are_none() {
            tokio::select! {
                () = self.connections.ended() => {}
                _ = sweep.tick() => self.connections.end_overdue(),
            }
        }
    }
}

/// Serves one connection to its end, or until it is upgraded.
async fn connection<Io: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    io: Watched<Io>,
    router: Router,
    progress: Arc<Progress>,
    upgrades: Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let serving = progress.begin();
        let wants_upgrade = request.headers().contains_key(UPGRADE);
        let has_place = !wants_upgrade || progress.upgrade(&upgrades);
        let request = request.map(|body| Noted::new(body, Arc::clone(&progress)));
        let answer = has_place.then(|| router.call(request));
        async move {
            let _serving = serving;
            match answer {
                Some(answer) => answer.await,
                None => Ok::<_, Infallible>(full()),
            }
        }
    });
    let connection = http1::Builder::new()
        // `Connections` looks after it, and knows a connection that is idle from a request that never ends.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let told_to_stop = async {
        // A server that is gone says nothing more.
        let _told = stopping.wait_for(|stopping| *stopping).await.is_ok();
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to_stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "A connection ended early");
    }
}

/// The answer when there are as many web sockets as there may be.
fn full() -> Response<Body> {
    let mut response = Response::new(Body::from("Too many WebSockets are open: close some."));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}
