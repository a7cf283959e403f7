//! One task a cog: it owns the cog's VM, takes work from the mailbox and runs handlers until they end.
//! Handlers of one cog begin in the order in which their work came, and interleave only where they wait.

use super::command::{self, Call};
use super::handler;
use super::live::{Live, Offer};
use super::prepare::{self, Refusal, Request};
use super::timers::Timers;
use crate::activity::Busy;
use crate::api::context::{CogContext, Spawn};
use crate::api::declarations::{Hook, Timer};
use crate::api::object;
use crate::discord::events::event;
use crate::gateway::event::Event;
use crate::json::Json;
use futures_util::StreamExt;
use futures_util::future::AbortHandle;
use futures_util::stream::FuturesUnordered;
use mlua::{Function, MultiValue};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Handlers of one cog that may be under way at once; more wait in the mailbox.
const MOST_RUNNING: usize = 1_000;
/// `cog.on_unload` has this long.
const UNLOAD_LIMIT: Duration = Duration::from_secs(5);

/// Something for a cog to do.
#[derive(Debug)]
pub enum Work {
    /// An event that it listens to.
    Event(Arc<Event>),
    /// A call of one of its commands.
    Command(Box<Call>),
}

/// What the host asks of an actor.
pub enum Control {
    /// Make the next generation, and keep it ready.
    Prepare(Box<Request>, oneshot::Sender<Result<Offer, Refusal>>),
    /// Run what was prepared from now on.
    Commit(oneshot::Sender<Committed>),
    /// Forget what was prepared.
    Abort(oneshot::Sender<()>),
    /// Run nothing any more; ends when the handlers that are under way have.
    Unload(&'static str, oneshot::Sender<()>),
}

/// What runs after a commit.
#[derive(Debug)]
pub struct Committed {
    /// What is running.
    pub live: Live,
}

type Ended = Box<dyn FnOnce(&mut Actor) + Send>;
type Running = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// A cog's task.
pub struct Actor {
    cog: Arc<CogContext>,
    current: Option<Live>,
    prepared: Option<Live>,
    /// Counts prepared generations.
    generations: u64,
    timers: Timers,
    running: FuturesUnordered<Running>,
    /// Stops spawned functions, by the address of their coroutine.
    aborts: HashMap<usize, AbortHandle>,
    /// Answered when nothing runs any more.
    unloading: Option<oneshot::Sender<()>>,
}

/// The ends of an actor that the actor itself holds.
pub struct Inbox {
    /// Work, with the sign that the bot is busy with it.
    pub mailbox: mpsc::Receiver<(Work, Busy)>,
    /// Requests of the host's.
    pub control: mpsc::UnboundedReceiver<Control>,
    /// Functions that the cog wants run.
    pub spawns: mpsc::UnboundedReceiver<Spawn>,
}

impl Actor {
    /// An actor that has loaded nothing yet.
    pub fn new(cog: Arc<CogContext>) -> Self {
        Self {
            cog,
            current: None,
            prepared: None,
            generations: 0,
            timers: Timers::default(),
            running: FuturesUnordered::new(),
            aborts: HashMap::new(),
            unloading: None,
        }
    }

    /// Runs until the cog is unloaded and its last handler has ended, or the host is gone.
    pub async fn run(mut self, mut inbox: Inbox) {
        loop {
            if self.running.is_empty()
                && let Some(done) = self.unloading.take()
            {
                // Whoever waits for the end may have given up.
                let _told = done.send(()).is_ok();
                return;
            }
            let cog = Arc::clone(&self.cog);
            let takes_work = self.current.is_some() && self.running.len() < MOST_RUNNING;
            let due = self.timers.next_due();
            tokio::select! {
                biased;
                control = inbox.control.recv() => match control {
                    Some(control) => self.control(control, &mut inbox),
                    None => return,
                },
                Some(ended) = self.running.next(), if !self.running.is_empty() => ended(&mut self),
                () = cog.cancel_notice.notified() => self.stop_cancelled(),
                Some(spawn) = inbox.spawns.recv() => self.spawn(spawn),
                () = until(&cog, due), if due.is_some() => self.run_timers(),
                Some((work, busy)) = inbox.mailbox.recv(), if takes_work => self.take(work, busy),
            }
        }
    }

    fn control(&mut self, control: Control, inbox: &mut Inbox) {
        // An answer that nobody waits for any more is dropped.
        match control {
            Control::Prepare(request, answer) => {
                self.generations += 1;
                let prepared =
                    prepare::prepare(&self.cog, self.current.as_ref(), self.generations, &request);
                let _told = answer
                    .send(prepared.map(|(live, offer)| {
                        self.prepared = Some(live);
                        offer
                    }))
                    .is_ok();
            }
            Control::Commit(answer) => {
                if let Some(live) = self.prepared.take() {
                    self.commit(&live);
                    let _told = answer.send(Committed { live }).is_ok();
                }
            }
            Control::Abort(answer) => {
                if self.prepared.take().is_some() {
                    self.cog.discard_state();
                }
                let _told = answer.send(()).is_ok();
            }
            Control::Unload(reason, answer) => {
                inbox.mailbox.close();
                self.timers = Timers::default();
                if let Some(live) = self.current.take() {
                    self.run_hooks(&live, Hook::Unload, reason, UNLOAD_LIMIT);
                }
                self.unloading = Some(answer);
            }
        }
    }

    /// Swaps: from here on the new version answers.
    fn commit(&mut self, live: &Live) {
        live.generation.go_live();
        self.cog.commit_state();
        self.cog.grant(live.info.capabilities.clone());
        let _shown = live.vm.loader().publish(&live.generation).is_ok();
        let now = self.cog.services.clock.now();
        self.timers
            .replace(live.declarations.timers().cloned().collect(), now);
        let old = self.current.replace(live.clone());
        let reason = match old {
            Some(old) => {
                self.run_hooks(&old, Hook::Unload, "reload", UNLOAD_LIMIT);
                "reload"
            }
            None => "start",
        };
        let limit = self.handler_limit();
        self.run_hooks(live, Hook::Ready, reason, limit);
    }

    fn handler_limit(&self) -> Duration {
        let seconds = self.cog.services.config.load().limits.handler_seconds;
        Duration::from_secs(seconds.into())
    }

    fn run_hooks(&mut self, live: &Live, hook: Hook, reason: &'static str, limit: Duration) {
        for function in live.hooks(hook) {
            self.start(live, function, reason, limit, |_, _| {});
        }
    }

    /// Begins a run of a function; `then` is told whether it failed.
    fn start(
        &mut self,
        live: &Live,
        function: Function,
        arguments: impl mlua::IntoLuaMulti + Send + 'static,
        limit: Duration,
        then: impl FnOnce(&mut Self, bool) + Send + 'static,
    ) {
        let (cog, live) = (Arc::clone(&self.cog), live.clone());
        self.running.push(Box::pin(async move {
            let result = handler::run(&cog, &live, &function, arguments, limit).await;
            let failed = result.is_err();
            if let Err(fault) = result {
                command::report_fault(&cog, &live, &fault, None).await;
            }
            Box::new(move |actor: &mut Self| then(actor, failed)) as Ended
        }));
    }

    fn take(&mut self, work: Work, busy: Busy) {
        let Some(live) = self.current.clone() else {
            return;
        };
        match work {
            Work::Event(event) => self.handle_event(&live, &event, busy),
            Work::Command(call) => {
                let cog = Arc::clone(&self.cog);
                let limit = self.handler_limit();
                self.running.push(Box::pin(async move {
                    command::run(&cog, &live, *call, limit, busy).await;
                    Box::new(|_: &mut Self| {}) as Ended
                }));
            }
        }
    }

    fn handle_event(&mut self, live: &Live, event: &Arc<Event>, busy: Busy) {
        let data = complete(&event.name, event.data());
        let limit = self.handler_limit();
        let listeners: Vec<_> = live
            .declarations
            .listeners()
            .filter(|listener| listener.event == event.name.as_ref())
            .cloned()
            .collect();
        // The tables know an event's object by its name on the wire.
        let schema = crate::discord::event(&event.name).map(|event| event.gateway_name);
        for listener in listeners {
            if let Ok(object) = object::receive(live.vm.lua(), &self.cog, &data, schema) {
                self.start(live, listener.handler, object, limit, |_, _| {});
            } else {
                tracing::warn!(
                    cog = %self.cog.name, event = listener.event,
                    "An event was dropped: the cog holds too many of Discord's objects"
                );
            }
        }
        drop(busy);
    }

    fn run_timers(&mut self) {
        let Some(live) = self.current.clone() else {
            return;
        };
        let now = self.cog.services.clock.now();
        let limit = self.handler_limit();
        for Timer { name, handler, .. } in self.timers.take_due(now) {
            self.start(
                &live,
                handler,
                MultiValue::new(),
                limit,
                move |actor, failed| {
                    let now = actor.cog.services.clock.now();
                    actor.timers.ended(&name, failed, now);
                },
            );
        }
    }

    /// A function that the cog wants run by itself. It ends with the last handler of its generation's VM.
    fn spawn(&mut self, spawn: Spawn) {
        let Some(current) = self.current.as_ref() else {
            return;
        };
        let Ok(vm) = crate::vm::build::Vm::of_thread(&spawn.thread) else {
            return;
        };
        let live = Live {
            vm,
            generation: spawn.generation,
            ..current.clone()
        };
        let key = spawn.thread.to_pointer() as usize;
        let limit = self.handler_limit();
        let cog = Arc::clone(&self.cog);
        let (function, arguments, after) = (spawn.function, spawn.arguments, spawn.after);
        let busy = after.is_zero().then(|| cog.services.activity.begin());
        let (work, abort) = futures_util::future::abortable(async move {
            if !after.is_zero() {
                cog.services.clock.sleep(after).await;
            }
            let result = handler::run(&cog, &live, &function, arguments, limit).await;
            drop(busy);
            if let Err(fault) = result {
                command::report_fault(&cog, &live, &fault, None).await;
            }
        });
        self.aborts.insert(key, abort);
        self.running.push(Box::pin(async move {
            let _finished = work.await.is_ok();
            Box::new(move |actor: &mut Self| {
                actor.aborts.remove(&key);
            }) as Ended
        }));
    }

    fn stop_cancelled(&mut self) {
        for key in self.cog.take_cancelled() {
            if let Some(abort) = self.aborts.remove(&key) {
                abort.abort();
            }
        }
    }
}

/// Returns when the clock has reached `due`.
async fn until(cog: &CogContext, due: Option<Duration>) {
    let clock = &cog.services.clock;
    let left = due.unwrap_or_default().saturating_sub(clock.now());
    clock.sleep(left).await;
}

/// What Discord leaves out of an event and authors may rely on: `member.user` and `member.guild_id`.
pub fn complete(name: &str, data: &Json) -> Json {
    let Some(member) = data.get("member") else {
        return data.clone();
    };
    if event(name).is_none() || !matches!(member, Json::Object(_)) {
        return data.clone();
    }
    let user = member.get("user").or_else(|| data.get("author")).cloned();
    let mut member = member.clone();
    if let Some(user) = user {
        member = member.with("user", user);
    }
    if let Some(guild) = data.get("guild_id") {
        member = member.with("guild_id", guild.clone());
    }
    data.with("member", member)
}
