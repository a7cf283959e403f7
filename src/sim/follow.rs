//! What happens in a simulator, for whoever follows it: what people do, and what is dispatched, in one order.

use super::errors::ApiError;
use super::handle::InteractionRequest;
use super::ids::Id;
use crate::lock::lock;
use serde_json::Value;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// Something that Discord dispatches, before intents and permissions decide who receives it.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// `MESSAGE_CREATE`
    pub name: String,
    /// The dispatch's `d`.
    pub data: Value,
    /// The guild it happened in.
    pub guild: Option<Id>,
    /// The channel it happened in, where that decides who sees it.
    pub channel: Option<Id>,
    /// Visible to one person only, and never sent to the bot: ephemeral messages.
    pub private: bool,
}

/// How much one follower keeps. What happens after that is lost, and [`Follower::is_full`] says so.
const KEPT: usize = 20_000;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Happened {
    /// When, since the Unix epoch, on the simulator's clock.
    pub at: Duration,
    /// What it was.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A person did something. What is dispatched because of it comes next.
    Action(Box<PersonAction>),
    /// Something was dispatched.
    Dispatch {
        /// What it was.
        dispatch: Arc<Dispatch>,
        /// Whether it came of a person's action, and of no request of a bot.
        by_person: bool,
    },
}

/// Something that a person did, or tried to do.
#[derive(Clone, Debug)]
pub struct PersonAction {
    /// Who did it.
    pub user: Id,
    /// What they did.
    pub kind: ActionKind,
    /// Why Discord refused it, if it did.
    pub refused: Option<ApiError>,
}

/// What a person did.
#[derive(Clone, Debug)]
pub enum ActionKind {
    /// A call of Discord's API: how messages are written and changed.
    Call {
        /// `POST`
        method: String,
        /// Without `/api/v10` and without a query: `/channels/1/messages`.
        path: String,
        /// The JSON body; null without one.
        body: Value,
        /// The files that came with it.
        files: Vec<ActionFile>,
        /// Discord's answer; null if there is none.
        answer: Value,
    },
    /// A command, a button, a menu or a modal.
    Interaction {
        /// Where.
        channel: Id,
        /// What was used.
        request: InteractionRequest,
        /// The interaction, unless it was refused.
        id: Option<Id>,
    },
    /// Came into a guild.
    Join(Id),
    /// Left a guild.
    Leave(Id),
    /// Connected to a voice channel.
    JoinVoice(Id),
    /// Disconnected from voice in a guild.
    LeaveVoice(Id),
    /// Shows a status and activities.
    Presence(String, Vec<Value>),
}

/// A file that a person sent.
#[derive(Clone, Debug)]
pub struct ActionFile {
    /// `notes.txt`
    pub filename: String,
    /// What is in it.
    pub bytes: axum::body::Bytes,
}

#[derive(Debug, Default)]
struct Log {
    happened: Vec<Happened>,
    is_full: bool,
}

/// Follows a simulator from when it was made until it is dropped.
#[derive(Debug)]
pub struct Follower(Arc<Mutex<Log>>);

impl Follower {
    /// What has happened since this was called last.
    pub fn take(&self) -> Vec<Happened> {
        std::mem::take(&mut lock(&self.0).happened)
    }

    /// What has happened and was not taken, without taking it.
    pub fn look<T>(&self, look: impl FnOnce(&[Happened]) -> T) -> T {
        look(&lock(&self.0).happened)
    }

    /// Whether something was lost, as more happened than one follower keeps.
    pub fn is_full(&self) -> bool {
        lock(&self.0).is_full
    }
}

/// Those who follow.
#[derive(Debug, Default)]
pub(crate) struct Followers {
    logs: Vec<Weak<Mutex<Log>>>,
    /// Whether a person acts just now.
    pub(crate) person_acts: bool,
}

impl Followers {
    pub(crate) fn follow(&mut self) -> Follower {
        let log = Arc::default();
        self.logs.push(Arc::downgrade(&log));
        Follower(log)
    }

    /// Whether anybody follows, after those who are gone were forgotten.
    pub(crate) fn are_there(&mut self) -> bool {
        self.logs.retain(|log| log.strong_count() > 0);
        !self.logs.is_empty()
    }

    pub(crate) fn tell(&self, happened: &Happened) {
        for log in self.logs.iter().filter_map(Weak::upgrade) {
            let mut log = lock(&log);
            if log.happened.len() < KEPT {
                log.happened.push(happened.clone());
            } else {
                log.is_full = true;
            }
        }
    }

    /// Tells that a person did something, which is about to be dispatched.
    pub(crate) fn tell_action(&mut self, at: Duration, action: PersonAction) {
        self.person_acts = true;
        if self.are_there() {
            let what = Happening::Action(Box::new(action));
            self.tell(&Happened { at, what });
        }
    }
}
