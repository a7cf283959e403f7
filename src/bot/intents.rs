//! Makes the gateway's intents follow what the cogs ask for.
//!
//! Intents are fixed when a session is opened, and Discord allows a number of sessions a day. So what is missing is
//! joined until the gateway may change them, and what is no longer needed is given up late: `wishes`. `refusal`
//! knows what Discord does not let the bot use.

mod refusal;
mod wishes;

pub(super) use refusal::{disallowed, granted_by, privileged_of};

use crate::api::services::ConnectionView;
use crate::backoff::Backoff;
use crate::cogs::host::Cogs;
use crate::discord::intents::{bit, names, of};
use crate::gateway::{Gateway, GatewayError};
use crate::host_tasks::{self, Task};
use crate::reload::controller::Reload;
use crate::reload::report::Report;
use refusal::{asking, concerns, granted};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tracing::{error, info, warn};
use wishes::{IntentsChange, Wishes};

/// The pause before intents are asked for again after something else than Discord's refusal.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest such pause.
const MAXIMUM_PAUSE: Duration = Duration::from_secs(300);

/// Guilds, channels and roles are always kept, and the bot's own commands are typed in messages.
fn own() -> u64 {
    let own = [
        "guilds",
        "guild_messages",
        "direct_messages",
        "message_content",
    ];
    of(own).unwrap_or_default()
}

/// What the cogs need, and what the bot itself does.
pub(super) fn with_own(intents: u64) -> u64 {
    intents | own()
}

/// Those of `needed` that Discord would refuse, as far as the server knows what it has `granted`: they are logged, and
/// cost no identify. An intent that a cog asks for must not prevent the start.
pub(super) async fn refused_at_start(cogs: &Cogs, needed: u64, granted: Option<u64>) -> u64 {
    let refused = granted.map_or(0, |granted| privileged_of(needed) & !granted);
    if refused != 0 {
        let refusal = disallowed(cogs, refused).await;
        error!("{refusal} Until then the bot runs without these intents.");
    }
    refused
}

/// The bot stops.
struct Stopped;

/// Requests the intents that the cogs need from the gateway, whenever they change.
pub(super) struct Follower {
    gateway: Arc<Gateway>,
    cogs: Arc<Cogs>,
    wanted: watch::Receiver<u64>,
    reports: broadcast::Receiver<Arc<Report>>,
    wishes: Wishes,
    refused: u64,
    /// After a failure.
    backoff: Backoff,
    retry_at: Duration,
    /// Missing intents that were logged.
    announced: u64,
}

impl Follower {
    /// `refused` is what Discord does not let the bot use: it is logged, with the cogs that ask for it, and left out
    /// until one of them is loaded again.
    pub(super) fn new(
        gateway: Arc<Gateway>,
        cogs: Arc<Cogs>,
        reload: &Reload,
        refused: u64,
    ) -> Self {
        let mut wanted = reload.intents.clone();
        let now = cogs.services.clock.now();
        let needed = with_own(*wanted.borrow_and_update()) & !refused;
        Self {
            wishes: Wishes::new(needed, now),
            reports: reload.reports.subscribe(),
            wanted,
            gateway,
            cogs,
            refused,
            backoff: Backoff::new(FIRST_PAUSE, MAXIMUM_PAUSE),
            retry_at: Duration::ZERO,
            announced: 0,
        }
    }

    /// Follows the cogs until the bot stops.
    pub(super) async fn follow(&mut self) {
        loop {
            host_tasks::point(Task::Intents);
            if self.step().await.is_err() {
                return;
            }
        }
    }

    /// Changes the intents when it is time, or notes what happens before.
    async fn step(&mut self) -> Result<(), Stopped> {
        let next = self.next();
        self.tell(next);
        let clock = self.cogs.services.clock.clone();
        let may = self.may_reconnect();
        let due = async {
            match next {
                Some(IntentsChange { at, .. }) if may => {
                    clock.sleep(at.saturating_sub(clock.now())).await;
                }
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            changed = self.wanted.changed() => {
                changed.map_err(|_| Stopped)?;
                self.need();
                return Ok(());
            }
            report = self.reports.recv() => return self.look_at(report).await,
            // The operator may have changed their mind.
            () = self.cogs.services.reconnect_changed.notified() => return Ok(()),
            () = due => {}
        }
        match next {
            Some(change) => self.change(change).await,
            None => Ok(()),
        }
    }

    /// Whether the operator wants new intents to open a new session.
    fn may_reconnect(&self) -> bool {
        let config = self.cogs.services.config.load();
        config.bot.reconnect_for_intents
    }

    fn next(&self) -> Option<IntentsChange> {
        let free_at = self.gateway.next_change().max(self.retry_at);
        self.wishes.next(self.gateway.intents(), free_at)
    }

    /// Notes which intents the cogs need now.
    fn need(&mut self) {
        let needed = with_own(*self.wanted.borrow_and_update());
        self.refused &= needed;
        let now = self.cogs.services.clock.now();
        self.wishes.need(needed & !self.refused, now);
    }

    /// Publishes what is missing, and logs it if the cogs have to wait for it.
    fn tell(&mut self, next: Option<IntentsChange>) {
        let services = &self.cogs.services;
        services.connection.store(Arc::new(ConnectionView {
            intents: self.gateway.intents() | self.refused,
            refused: self.refused,
            free_at: self.gateway.next_change().max(self.retry_at),
            needs_restart: !self.may_reconnect(),
        }));
        let missing = next.map_or(0, |change| change.missing);
        if !self.may_reconnect() {
            if missing & !self.announced != 0 {
                let names = names(missing).join(", ");
                warn!(
                    "The cogs need intents that the connection does not have: {names}. It gets them when the bot is started again, because bot.reconnect_for_intents is off"
                );
            }
            self.announced = missing;
            return;
        }
        let wait = next.map(|change| change.at.saturating_sub(services.clock.now()));
        if let Some(wait) = wait.filter(|wait| !wait.is_zero())
            && missing & !self.announced != 0
        {
            let wait = humantime::format_duration(Duration::from_secs(wait.as_secs().max(1)));
            let names = names(missing).join(", ");
            info!(
                "The connection gets new intents in {wait}: {names}. The intents have changed often lately, and Discord limits the number of new sessions"
            );
        }
        self.announced = missing;
    }

    async fn change(&mut self, change: IntentsChange) -> Result<(), Stopped> {
        let new = privileged_of(change.missing);
        // Discord counts attempts, so it is asked first whether one has a chance.
        if new != 0
            && let Some(granted) = granted(&self.cogs).await
            && new & !granted != 0
        {
            self.refuse(new & !granted).await;
            return Ok(());
        }
        match self.gateway.set_intents(change.intents).await {
            Ok(()) => {
                self.backoff.reset();
                self.retry_at = Duration::ZERO;
            }
            Err(GatewayError::Stopped) => return Err(Stopped),
            Err(GatewayError::DisallowedIntents { .. }) if new != 0 => self.refuse(new).await,
            Err(GatewayError::DisallowedIntents { .. }) => {
                error!("Discord refuses the bot's intents, which it had allowed before");
                self.try_again_later();
            }
            Err(failure) => {
                warn!("{failure}. Trying again later");
                self.try_again_later();
            }
        }
        Ok(())
    }

    fn try_again_later(&mut self) {
        self.retry_at = self.cogs.services.clock.now() + self.backoff.pause();
    }

    /// Leaves out intents that Discord does not let the bot use.
    async fn refuse(&mut self, refused: u64) {
        let refusal = disallowed(&self.cogs, refused).await;
        error!("{refusal} Until then the bot runs without these intents.");
        let left_out = refusal.intents.iter().filter_map(|it| bit(&it.name));
        self.refused |= left_out.fold(0, |bits, bit| bits | bit);
        self.need();
    }

    /// A cog that was loaded again may ask again for what was refused.
    async fn look_at(&mut self, report: Result<Arc<Report>, RecvError>) -> Result<(), Stopped> {
        match report {
            Ok(report)
                if self.refused != 0 && concerns(&report, &asking(&self.cogs, self.refused)) =>
            {
                if granted(&self.cogs)
                    .await
                    .is_none_or(|granted| granted & self.refused != 0)
                {
                    self.refused = 0;
                    self.need();
                }
                Ok(())
            }
            Ok(_) | Err(RecvError::Lagged(_)) => Ok(()),
            Err(RecvError::Closed) => Err(Stopped),
        }
    }
}
