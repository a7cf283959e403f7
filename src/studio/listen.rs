//! The page's address: `studio.listen`, the one it had before, or in the simulator any other that is free.

use super::StudioError;
use crate::config::Config;
use crate::error::StartError;
use crate::supervisor::{self, Record};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tracing::warn;

/// How long a process that was killed may take to be gone.
const LEAVING: Duration = Duration::from_secs(1);

/// Takes the page's address. With `any_port`, as in the simulator, another port will do where that one is in use: the
/// link is printed.
pub async fn listen(config: &Config, any_port: bool) -> Result<TcpListener, StartError> {
    let mut listen = config.studio.listen;
    // Whoever has the page open finds it again where it was before the process died.
    if let Some(port) = supervisor::record()
        .map(Record::page_port)
        .filter(|it| *it != 0)
        && any_port
    {
        listen.set_port(port);
    }
    let bound = if any_port {
        bind(listen).await
    } else {
        bind_patiently(listen).await
    };
    match bound {
        Ok(listener) => Ok(listener),
        Err(error) if any_port => {
            warn!("The page uses another port than studio.listen: {error}");
            let any = SocketAddr::new(listen.ip(), 0);
            bind(any)
                .await
                .map_err(|error| StartError::System(error.to_string()))
        }
        Err(StudioError::PortTaken(_)) => Err(StartError::PortTaken {
            address: listen.to_string(),
            key: "studio.listen".to_owned(),
        }),
        Err(StudioError::Listen { source, .. }) => Err(StartError::CannotListen {
            address: listen.to_string(),
            key: "studio.listen".to_owned(),
            reason: source.to_string(),
        }),
        Err(error) => Err(StartError::System(error.to_string())),
    }
}

/// Takes a port, which a bot that was killed a moment ago may be about to leave: it ends a little later than its
/// supervisor.
async fn bind_patiently(listen: SocketAddr) -> Result<TcpListener, StudioError> {
    let until = Instant::now() + LEAVING;
    loop {
        match bind(listen).await {
            Err(StudioError::PortTaken(_)) if Instant::now() < until => {
                tokio::time::sleep(LEAVING / 20).await;
            }
            bound => return bound,
        }
    }
}

/// Listens on `listen`, which must be a loopback address; port 0 takes any free one.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener, StudioError> {
    if !listen.ip().is_loopback() {
        return Err(StudioError::NotLoopback(listen));
    }
    TcpListener::bind(listen)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StudioError::PortTaken(listen),
            _ => StudioError::Listen { listen, source },
        })
}
