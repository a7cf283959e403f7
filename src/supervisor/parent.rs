//! The parent: starts the child and follows it, until the child ends by itself or is asked to end.

use super::backoff::Backoff;
use super::cause::Cause;
use super::child::VARIABLE;
use super::memory;
use super::raw::{self, Received, Signals};
use super::record::Record;
use super::signal_origin::SignalOrigin;
use super::verdict::{Death, History, Thread};
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// This process's binary, under whatever name.
const OWN_BINARY: &str = "/proc/self/exe";

/// For how many milliseconds mimalloc keeps freed memory before the system gets it back, and the bot's value for it.
/// Less takes more processor time in a burst, as the same memory is soon needed again; more takes more memory, up to a
/// quarter (docs/performance.md).
const PURGE_DELAY: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "100");

/// Runs the bot in a child and starts it again whenever it dies. Returns the exit code. `log` is called before the
/// first line is logged.
///
/// # Errors
/// When there can be no supervisor on this system; nothing was started then.
pub fn supervise(log: &dyn Fn()) -> io::Result<u8> {
    let supervisor = Supervisor::new()?;
    let child = supervisor
        .start()
        .inspect_err(|_| raw::let_signals_come())?;
    Ok(supervisor.run(child, log))
}

struct Supervisor {
    signals: Signals,
    record: Record,
    file: OwnedFd,
}

/// The signals that the parent has received.
#[derive(Debug, Default)]
struct Asked {
    /// The last signal that asks the bot to end.
    signal: Option<i32>,
    /// How many SIGINT came from processes.
    interrupts: u32,
}

impl Supervisor {
    fn new() -> io::Result<Self> {
        std::fs::metadata(OWN_BINARY)?;
        let (file, record) = Record::create()?;
        let signals = Signals::hold(
            &[libc::SIGCHLD, libc::SIGINT, libc::SIGTERM],
            &[libc::SIGHUP, libc::SIGQUIT],
        )?;
        Ok(Self {
            signals,
            record,
            file,
        })
    }

    /// Starts this binary once more, with the same arguments.
    fn start(&self) -> io::Result<Child> {
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_else(|| "cogsmith".into());
        let handed = format!("{}:{}", self.file.as_raw_fd(), std::process::id());
        let mut child = Command::new(binary());
        child.arg0(name).args(arguments).env(VARIABLE, handed);
        let (variable, delay) = PURGE_DELAY;
        if std::env::var_os(variable).is_none() {
            child.env(variable, delay);
        }
        child.spawn()
    }

    fn run(&self, child: Child, log: &dyn Fn()) -> u8 {
        let mut asked = Asked::default();
        let (mut history, mut backoff) = (History::default(), Backoff::default());
        let born = Instant::now();
        let mut child = Some(child);
        loop {
            let began = Instant::now();
            if let Some(child) = child.as_mut() {
                let cause = match self.follow(child, &mut asked) {
                    Ok(code) => return code,
                    Err(cause) => cause,
                };
                log();
                let pause = self.bury(cause, &mut history, born, |is_explained| {
                    backoff.pause(began.elapsed(), is_explained)
                });
                if let Some(code) = self.pause(pause, &mut asked) {
                    return code;
                }
            } else {
                // The system cannot start a process at the moment.
                let pause = backoff.pause(Duration::ZERO, false);
                if let Some(code) = self.pause(pause, &mut asked) {
                    return code;
                }
            }
            child = self
                .start()
                .inspect_err(|error| tracing::error!(%error, "The bot cannot be started again"))
                .ok();
        }
    }

    /// Passes signals on until the child has ended. Returns the exit code if the child has ended by itself or because
    /// it was asked to; otherwise the cause of its death.
    fn follow(&self, child: &mut Child, asked: &mut Asked) -> Result<u8, Cause> {
        // SIGCHLD waits like the others, so that an end before this is not missed.
        let status = loop {
            if let Some(received) = self.signals.next_without(&memory::release()) {
                asked.take(received, child);
            }
            if let Ok(Some(status)) = child.try_wait() {
                break status;
            }
        };
        // Signals that came together with the end.
        while let Some(received) = self.signals.next(Some(Duration::ZERO)) {
            asked.note(received);
        }
        match Cause::of(status) {
            None => Ok(exit_code(status.code().unwrap_or(1))),
            Some(cause) if asked.signal.is_some() || cause.is_request() => {
                Ok(exit_code(cause.exit_code()))
            }
            Some(cause) => Err(cause),
        }
    }

    /// Decides which cog caused the death, logs it, and returns how long to pause.
    fn bury(
        &self,
        cause: Cause,
        history: &mut History,
        born: Instant,
        pause: impl FnOnce(bool) -> Duration,
    ) -> Duration {
        let blamed = history.judge(&self.death(cause, born.elapsed()));
        self.record.note_death(cause);
        let mut is_explained = false;
        for (cog, rule) in blamed {
            is_explained |= self.record.put_into_quarantine(cog, rule, cause);
        }
        let pause = pause(is_explained);
        if !pause.is_zero() {
            let seconds = pause.as_secs();
            tracing::error!(
                "The bot died of {cause}, once more without a cog that is known to be the cause; it starts again in {seconds} s"
            );
        } else if is_explained {
            tracing::error!(
                "The bot died of {cause} while a cog ran, which is put into quarantine; it starts again"
            );
        } else {
            tracing::error!("The bot died of {cause}; it starts again");
        }
        pause
    }

    fn death(&self, cause: Cause, at: Duration) -> Death {
        let thread = match self.record.fault() {
            None | Some(SignalOrigin::FromOutside) => Thread::Unknown,
            Some(SignalOrigin::OtherThread) => Thread::Host,
            Some(SignalOrigin::Thread(place)) => {
                let cog = self.record.running_on(place);
                cog.map_or(Thread::Host, Thread::Cog)
            }
        };
        Death {
            cause,
            thread,
            busy: self.record.busy(),
            at,
        }
    }

    /// Waits before the next start; returns the exit code if it is asked to end meanwhile.
    fn pause(&self, pause: Duration, asked: &mut Asked) -> Option<u8> {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if let Some(received) = self.signals.next(Some(left)) {
                asked.note(received);
            } else if left.is_zero() {
                return None;
            }
            match asked.signal {
                Some(libc::SIGINT | libc::SIGTERM) => return Some(0),
                Some(signal) => return Some(exit_code(Cause::Signal(signal).exit_code())),
                None => {}
            }
        }
    }
}

impl Asked {
    /// Notes a signal, and passes it on. Those of the terminal reach the child by themselves.
    fn take(&mut self, received: Received, child: &Child) {
        self.note(received);
        if !received.is_from_process {
            return;
        }
        let signal = match received.signal {
            libc::SIGHUP => Signal::HUP,
            libc::SIGQUIT => Signal::QUIT,
            libc::SIGTERM => Signal::TERM,
            // A signal to the whole process group has reached the child, too, and a second SIGINT would end the child
            // at once. SIGTERM means the same as a first SIGINT, however often it comes.
            libc::SIGINT if self.interrupts <= 1 => Signal::TERM,
            libc::SIGINT => Signal::INT,
            _ => return,
        };
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        // Nobody has waited for it yet, so no other process can have its process id.
        let _gone = id.is_none_or(|id| kill_process(id, signal).is_err());
    }

    fn note(&mut self, received: Received) {
        if received.signal == libc::SIGCHLD {
            return;
        }
        self.signal = Some(received.signal);
        if received.signal == libc::SIGINT && received.is_from_process {
            self.interrupts += 1;
        }
    }
}

/// The path of this process's binary: its own name, so that the child is found by it, unless something else is
/// there by now. Parent and child must be the same version.
fn binary() -> PathBuf {
    let own = Path::new(OWN_BINARY);
    let place = |path: &Path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.dev(), found.ino()))
    };
    match std::env::current_exe() {
        Ok(path) if place(&path).is_some_and(|it| Some(it) == place(own)) => path,
        _ => own.to_owned(),
    }
}

fn exit_code(code: i32) -> u8 {
    u8::try_from(code & 0xff).unwrap_or(1)
}
