//! The files and sockets that the process may have open at once, and who may have how many of them.
//!
//! The system's usual limit is 1,024, and whoever has no descriptor left can read no file, open no database and
//! accept no connection. So the limit is raised as far as the system allows, each server has a bounded part of it,
//! and a reserve stays free for reloads, the state and the gateway.

/// A bot with less than this is told to ask for more.
#[cfg(unix)]
const ENOUGH: u64 = 1_024;
/// More than anybody needs; macOS refuses to go beyond its `OPEN_MAX`.
#[cfg(unix)]
const MOST: u64 = if cfg!(target_vendor = "apple") {
    10_240
} else {
    1 << 20
};
/// Descriptors that servers leave free for everything else, or an eighth of all.
const RESERVE: usize = 64;

/// Raises the limit as far as the system allows, and warns when that is little.
#[cfg(unix)]
pub fn raise() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let wanted = before.maximum.map_or(MOST, |most| most.min(MOST));
    if before.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            ..before
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => tracing::debug!(
                limit = wanted,
                before = before.current,
                "Raised the number of files and sockets that may be open at once"
            ),
            Err(error) => tracing::debug!(%error, "The number of open files could not be raised"),
        }
    }
    let limit = limit();
    if u64::try_from(limit).is_ok_and(|limit| limit < ENOUGH) {
        tracing::warn!(
            limit,
            "The system lets the bot open few files and sockets at once. Raise it to 65536, with LimitNOFILE= in its systemd unit or `ulimit -n` in the shell that starts it"
        );
    }
}

/// There is no such limit here.
#[cfg(not(unix))]
pub fn raise() {}

/// How many may be open at once.
#[cfg(unix)]
pub fn limit() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let current = limit.current.and_then(|it| usize::try_from(it).ok());
    current.unwrap_or(usize::MAX)
}

/// How many may be open at once.
#[cfg(not(unix))]
pub fn limit() -> usize {
    usize::MAX
}

/// So many connections, or so many parts in a thousand of all descriptors if that is less.
pub fn share(most: usize, per_mille: usize) -> usize {
    most.min(limit() / 1_000 * per_mille + limit() % 1_000 * per_mille / 1_000)
        .max(1)
}

/// Whether so few are left that a server should do without this socket: systems give out the lowest number that is
/// free, so that all below it are open.
#[cfg(unix)]
pub fn are_scarce(socket: &impl std::os::fd::AsRawFd) -> bool {
    let limit = limit();
    let number = usize::try_from(socket.as_raw_fd()).unwrap_or_default();
    number >= limit - RESERVE.min(limit / 8)
}

/// There is no such limit here.
#[cfg(not(unix))]
pub fn are_scarce<S>(_socket: &S) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_part_of_the_limit_and_never_nothing() {
        assert_eq!(share(1, 1_000), 1);
        assert_eq!(share(usize::MAX, 0), 1);
        assert_eq!(share(usize::MAX, 1_000), limit());
    }
}
