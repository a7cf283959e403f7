//! What a process died of, in words.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// The exit code of Rust after a panic of the main thread.
const PANIC: i32 = 101;

/// What a process died of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The number of a signal.
    Signal(i32),
    /// The exit code of a panic.
    Panic,
}

impl Cause {
    /// What the process died of; none if it ended by itself in an orderly way.
    pub(super) fn of(status: ExitStatus) -> Option<Self> {
        match (status.signal(), status.code()) {
            (Some(signal), _) => Some(Self::Signal(signal)),
            (None, Some(PANIC)) => Some(Self::Panic),
            (None, _) => None,
        }
    }

    /// What a shell reports for such an end.
    pub(super) fn exit_code(self) -> i32 {
        match self {
            Self::Signal(signal) => 128 + signal,
            Self::Panic => PANIC,
        }
    }

    /// A signal that asks a process to end, whoever sent it.
    pub(super) fn is_request(self) -> bool {
        matches!(
            self,
            Self::Signal(libc::SIGINT | libc::SIGTERM | libc::SIGHUP | libc::SIGQUIT)
        )
    }

    pub(super) fn to_word(self) -> u64 {
        match self {
            Self::Signal(signal) => u64::from(signal.unsigned_abs()),
            Self::Panic => 0,
        }
    }

    pub(super) fn from_word(word: u64) -> Self {
        match i32::try_from(word) {
            Ok(signal) if signal > 0 => Self::Signal(signal),
            _ => Self::Panic,
        }
    }
}

/// `signal 11 (SIGSEGV)`
impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Signal(signal) = self else {
            return formatter.write_str("a panic of its main thread");
        };
        let name = match *signal {
            libc::SIGABRT => "SIGABRT",
            libc::SIGBUS => "SIGBUS",
            libc::SIGFPE => "SIGFPE",
            libc::SIGHUP => "SIGHUP",
            libc::SIGILL => "SIGILL",
            libc::SIGINT => "SIGINT",
            libc::SIGKILL => "SIGKILL",
            libc::SIGQUIT => "SIGQUIT",
            libc::SIGSEGV => "SIGSEGV",
            libc::SIGTERM => "SIGTERM",
            libc::SIGTRAP => "SIGTRAP",
            _ => return write!(formatter, "signal {signal}"),
        };
        write!(formatter, "signal {signal} ({name})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_no_death_and_a_signal_is() {
        let ended = |status| Cause::of(ExitStatus::from_raw(status));
        assert_eq!(ended(0), None);
        assert_eq!(ended(2 << 8), None);
        assert_eq!(ended(PANIC << 8), Some(Cause::Panic));
        let killed = ended(libc::SIGKILL).unwrap();
        assert_eq!(killed.to_string(), "signal 9 (SIGKILL)");
        assert_eq!(killed.exit_code(), 137);
        assert_eq!(Cause::from_word(killed.to_word()), killed);
        assert_eq!(Cause::from_word(Cause::Panic.to_word()), Cause::Panic);
    }
}
