//! Starts handlers: of events, commands, timers and hooks.

use super::{Actor, Ended};
use crate::activity::Busy;
use crate::api::declarations::{EVERY_EVENT, Timer};
use crate::api::jobs;
use crate::api::object;
use crate::clock::Woken;
use crate::cogs::command::{self, WaitingCall};
use crate::cogs::jobs::Jobs;
use crate::cogs::live::Live;
use crate::cogs::mailbox::Work;
use crate::cogs::watched::{self, name_of_listener};
use crate::cogs::{fault, handler};
use crate::commands::text::Text;
use crate::discord::event::Event;
use crate::guard::HandlerKind;
use crate::supervisor::Ticket;
use crate::vm::run::Run;
use crate::vm::trace::Fault;
use mlua::{Function, MultiValue, Value};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

impl Actor {
    /// Starts a function; `then` is called with why it failed, if it did. `handler` is what the guard knows it by, if it
    /// is one.
    pub(super) fn start(
        &mut self,
        live: &Live,
        handler: Option<(HandlerKind, Cow<'static, str>)>,
        function: Function,
        arguments: impl mlua::IntoLuaMulti + Send + 'static,
        limit: Duration,
        then: impl FnOnce(&mut Self, Option<Fault>) + Send + 'static,
    ) {
        let (cog, live) = (Arc::clone(&self.cog), live.clone());
        let run = Run::new(&cog.services.activity);
        let under_way = live.generation.life.begin();
        let version = Arc::clone(&live.generation.life);
        let turn = Some(version.turn());
        self.enlist(Some(&version), async move {
            let _under_way = under_way;
            let result =
                handler::run_in_turn(turn, &run, &cog, &live, &function, arguments, limit).await;
            let fault = result.err();
            if let Some((kind, name)) = &handler {
                watched::handled(&cog, &live, (*kind, name), fault.as_ref());
            }
            if let Some(fault) = &fault {
                fault::report(&cog, &live, fault, None).await;
            }
            Box::new(move |actor: &mut Self| {
                then(actor, fault);
                actor.turn = Some(actor.cog.services.activity.begin());
                drop(run);
            }) as Ended
        });
    }

    pub(super) fn take(&mut self, work: Work, busy: Busy) {
        let Some(live) = self.version_for(&work) else {
            if let Work::Command(call, ticket) = work {
                self.refuse(&call, ticket, busy);
            }
            return;
        };
        if Self::is_too_much(&live) {
            return self.shed(work, busy);
        }
        match work {
            Work::Event(event, ticket) => self.handle_event(&live, &event, ticket, busy),
            Work::Command(call, ticket) => {
                let cog = Arc::clone(&self.cog);
                let limit = self.handler_limit();
                let under_way = live.generation.life.begin();
                let version = Arc::clone(&live.generation.life);
                self.enlist(Some(&version), async move {
                    ticket.begin();
                    let call = call.call();
                    let busy = command::run(&cog, live, under_way, call, limit, busy).await;
                    drop(ticket);
                    Box::new(move |actor: &mut Self| {
                        // It may have scheduled a job, for which the clock is not set yet.
                        actor.turn = Some(actor.cog.services.activity.begin());
                        drop(busy);
                    }) as Ended
                });
            }
        }
    }

    /// Tells a user that a command's cog is in quarantine, is being built again, or has too much to do.
    pub(super) fn refuse(&mut self, waiting: &WaitingCall, ticket: Ticket, busy: Busy) {
        let cog = Arc::clone(&self.cog);
        let under_way = Arc::clone(&self.refusals);
        let (has_failed, is_away) = (self.has_failed, self.current.is_none());
        let call = waiting.call();
        self.enlist(None, async move {
            let why = match (has_failed, is_away) {
                (true, _) => Text::BotFailed {},
                (false, true) => Text::OutOfOrder {},
                (false, false) => Text::TooBusy {},
            };
            command::refuse(&cog, &call, why).await;
            drop((ticket, busy, under_way));
            Box::new(|_: &mut Self| {}) as Ended
        });
    }

    fn handle_event(&mut self, live: &Live, event: &Arc<Event>, ticket: Ticket, busy: Busy) {
        // It may have waited in the mailbox until there was no time left.
        if self.cog.limits.pauses() {
            return;
        }
        ticket.begin();
        let ticket = Arc::new(ticket);
        let limit = self.handler_limit();
        // The tables know an event's object by its name on the wire.
        let schema = crate::discord::event(&event.name).map(|event| event.gateway_name);
        // One object for all listeners: nobody can change it.
        if let Ok(object) = object::receive(live.vm.lua(), &self.cog, event.data(), schema) {
            let listeners = live.declarations.listeners_to(&event.name);
            for (place, listener) in listeners.enumerate() {
                let ticket = Arc::clone(&ticket);
                let handler = listener.handler.clone();
                let mut arguments = MultiValue::from_iter([object.clone()]);
                if listener.event == EVERY_EVENT
                    && let Ok(name) = live.vm.lua().create_string(event.name.as_ref())
                {
                    arguments.push_front(Value::String(name));
                }
                let name = name_of_listener(listener.event, listener.name.as_ref(), place);
                let of = Some((HandlerKind::Event, name));
                self.start(live, of, handler, arguments, limit, |_, _| drop(ticket));
            }
        } else if self.cog.limits.may_log(|| None, || []).is_some() {
            tracing::warn!(
                cog = %self.cog.name, event = %event.name,
                "An event was dropped: the cog holds too many Discord objects"
            );
        }
        drop(busy);
    }

    /// When the next timer or job is due, since the Unix epoch.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let live = self.current.as_ref();
        let job = live.and_then(|live| self.jobs.next_due(&self.cog, &live.declarations));
        self.timers.next_due().into_iter().chain(job).min()
    }

    /// Begins the jobs that are due.
    pub(super) fn run_jobs(&mut self) {
        let Some(live) = self.current.clone() else {
            return;
        };
        let now = self.cog.services.clock.now();
        let limit = self.handler_limit();
        while let Some((job, function, under_way)) =
            self.jobs.begin(&self.cog, &live.declarations, now)
        {
            self.cog.state.flush();
            match jobs::arguments_of(live.vm.lua(), &job) {
                Ok(arguments) => {
                    let handler = function.handler.clone();
                    let of = Some((HandlerKind::Job, function.name.to_string().into()));
                    self.start(&live, of, handler, arguments, limit, move |actor, fault| {
                        let now = actor.cog.services.clock.now();
                        Jobs::ended(&actor.cog, &under_way.id, fault.as_ref(), now);
                    });
                }
                // There is no room for it in the VM.
                Err(error) => {
                    tracing::warn!(cog = %self.cog.name, %error, "A job could not be begun");
                    Jobs::ended(&self.cog, &under_way.id, Some(&Fault::Panic), now);
                }
            }
        }
    }

    pub(super) fn run_timers(&mut self, _until_they_are_busy: Woken) {
        let Some(live) = self.current.clone() else {
            return;
        };
        let now = self.cog.services.clock.now();
        let limit = self.handler_limit();
        for (number, Timer { name, handler, .. }) in self.timers.take_due(now) {
            if self.cog.limits.pauses() {
                self.timers.ended(&name, number, false, now);
                continue;
            }
            self.start(
                &live,
                Some((HandlerKind::Timer, name.clone().into())),
                handler,
                MultiValue::new(),
                limit,
                move |actor, fault| {
                    let now = actor.cog.services.clock.now();
                    actor.timers.ended(&name, number, fault.is_some(), now);
                },
            );
        }
    }
}
