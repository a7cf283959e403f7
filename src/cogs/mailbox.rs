//! Work that waits for a cog, in the order in which it came. It is limited in bytes and in number. When it is full,
//! entries are dropped fairly (`mailbox/shedding.rs`): the newest one of the busiest user in the busiest channel of the
//! busiest guild. So a user who floods a cog loses only what they sent themselves.
//!
//! ```text
//! post ─ line of its guild, channel and user ─ (too much: shed) ─ take, oldest first
//! ```
//!
//! What has waited for a version that is replaced is the next one's work, but must not hold it up: when it is much, the
//! next version takes turns between it and what comes then.

mod shedding;

use super::command::{self, WaitingCall};
use crate::activity::Busy;
use crate::api::context::CogContext;
use crate::api::usage::MailboxLimits;
use crate::commands::text::Text;
use crate::discord::event::{Event, Origin};
use crate::host_tasks;
use crate::lock::lock;
use crate::supervisor::Ticket;
use crate::vm::memory::held::Memory;
use shedding::Lines;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Bytes that an entry takes apart from its event's text.
const ENTRY: usize = 512;
/// Up to so many entries that waited for one version are simply handled by the next one, in their order, unless the
/// mailbox is half full.
const FEW: usize = 256;

/// Something for a cog to do.
#[derive(Debug)]
pub enum Work {
    /// An event that it listens to.
    Event(Arc<Event>, Ticket),
    /// A call of one of its commands.
    Command(Box<WaitingCall>, Ticket),
}

impl Work {
    pub(super) fn event(&self) -> &Event {
        match self {
            Self::Event(event, _) => event,
            Self::Command(call, _) => &call.event,
        }
    }

    fn bytes(&self) -> usize {
        self.event().size() + ENTRY
    }
}

/// Work, with the sign that the bot is busy with it.
pub type MailboxEntry = (Work, Busy);

/// A cog's mailbox. The cog's own task takes what the gateway's threads post.
#[derive(Debug)]
pub struct Mailbox {
    cog: Arc<CogContext>,
    waiting: Mutex<MailboxContents>,
    arrivals: Notify,
}

#[derive(Debug)]
struct MailboxContents {
    /// What arrived since the present version is the current one.
    fresh: Lines<MailboxEntry>,
    /// What was waiting for earlier versions.
    backlog: Lines<MailboxEntry>,
    /// Whether it is the backlog's turn.
    is_backlogs_turn: bool,
    /// No more work is accepted: the cog is unloaded.
    is_closed: bool,
    memory: Arc<Memory>,
}

impl MailboxContents {
    fn count(&self) -> usize {
        self.fresh.count() + self.backlog.count()
    }

    fn bytes(&self) -> usize {
        self.fresh.bytes() + self.backlog.bytes()
    }

    fn take(&mut self) -> Option<MailboxEntry> {
        self.is_backlogs_turn = !self.is_backlogs_turn;
        let (first, then) = if self.is_backlogs_turn {
            (&mut self.backlog, &mut self.fresh)
        } else {
            (&mut self.fresh, &mut self.backlog)
        };
        first.take().or_else(|| then.take())
    }

    /// Removes entries that are too many, those of the backlog first.
    fn shed(&mut self, limits: MailboxLimits) -> Vec<(Origin, MailboxEntry)> {
        let mut shed = Vec::new();
        while self.count() > limits.count || self.bytes() > limits.bytes {
            let Some(one) = self.backlog.shed().or_else(|| self.fresh.shed()) else {
                break;
            };
            shed.push(one);
        }
        shed
    }
}

impl Mailbox {
    /// The mailbox of a cog that has loaded nothing yet.
    pub fn new(cog: &Arc<CogContext>) -> Self {
        let memory = cog.services.budgets.memory_of_mailbox(&cog.budget);
        Self {
            cog: Arc::clone(cog),
            waiting: Mutex::new(MailboxContents {
                fresh: Lines::default(),
                backlog: Lines::default(),
                is_backlogs_turn: false,
                is_closed: false,
                memory,
            }),
            arrivals: Notify::new(),
        }
    }

    /// Changes the contents, and publishes how much waits afterwards.
    fn change<R>(&self, change: impl FnOnce(&mut MailboxContents) -> R) -> R {
        let mut waiting = lock(&self.waiting);
        let changed = change(&mut waiting);
        let (count, bytes) = (waiting.count(), waiting.bytes());
        waiting.memory.set_heap(bytes);
        self.cog.limits.note_waiting(count, bytes);
        changed
    }

    /// Adds work, and drops entries if there are too many then. Work of admins is never dropped. If the cog was
    /// unloaded, the work is returned.
    pub fn post(&self, work: Work) -> Option<Work> {
        let busy = self.cog.services.activity.begin();
        let origin = work.event().origin();
        let is_command = matches!(work, Work::Command(..));
        let is_kept = is_command && self.cog.services.is_admin(&origin.user.to_string());
        let limits = self.cog.limits.mailbox_limits();
        let bytes = work.bytes();
        let posted = self.change(|waiting| {
            if waiting.is_closed {
                return Err(work);
            }
            let from = (!is_kept).then_some(origin);
            waiting.fresh.add(from, bytes, (work, busy));
            Ok(waiting.shed(limits))
        });
        match posted {
            Err(work) => return Some(work),
            Ok(shed) => self.tell_of(shed),
        }
        self.arrivals.notify_one();
        None
    }

    fn tell_of(&self, shed: Vec<(Origin, MailboxEntry)>) {
        for (origin, (work, busy)) in shed {
            self.cog
                .limits
                .count_shed(origin.guild, origin.channel, origin.user);
            if let Work::Command(call, ticket) = work
                && self.cog.limits.may_refuse()
            {
                let cog = Arc::clone(&self.cog);
                host_tasks::errand(async move {
                    command::refuse(&cog, &call.call(), Text::TooBusy {}).await;
                    drop((ticket, busy));
                });
            }
        }
    }

    /// The next piece of work, if there is one.
    pub(super) fn try_take(&self) -> Option<MailboxEntry> {
        if lock(&self.waiting).count() == 0 {
            return None;
        }
        self.change(MailboxContents::take)
    }

    /// The next piece of work.
    pub async fn take(&self) -> MailboxEntry {
        loop {
            if let Some(entry) = self.try_take() {
                return entry;
            }
            self.arrivals.notified().await;
        }
    }

    /// Another version is the current one: work that was waiting for the one before does not delay it.
    pub fn begin_version(&self) {
        let limits = self.cog.limits.mailbox_limits();
        self.change(|waiting| {
            let (count, bytes) = (waiting.count(), waiting.bytes());
            if count > FEW.min(limits.count / 2) || bytes > limits.bytes / 2 {
                waiting.backlog.append(std::mem::take(&mut waiting.fresh));
            }
        });
    }

    /// Takes no more work.
    pub fn close(&self) {
        lock(&self.waiting).is_closed = true;
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.change(|waiting| {
            waiting.fresh = Lines::default();
            waiting.backlog = Lines::default();
        });
    }
}
