//! One task a cog: it owns the cog's VM, takes work from the mailbox and runs handlers until they end.
//! Handlers of one cog begin in the order in which their work came, and interleave only where they wait.

use super::command::{self, Call};
use super::fault;
use super::handler;
use super::live::{Live, Offer};
use super::prepare::{self, Refusal, Request};
use super::timers::Timers;
use crate::activity::Busy;
use crate::api::context::{CogContext, Spawn};
use crate::api::declarations::{Hook, Staged, Timer};
use crate::api::object;
use crate::api::usage::TaskPlace;
use crate::clock::Woken;
use crate::commands::text::Text;
use crate::discord::events::event;
use crate::gateway::event::Event;
use crate::host_tasks;
use crate::json::Json;
use crate::supervisor::Ticket;
use crate::vm::build::Vm;
use crate::vm::slice::Run;
use crate::vm::trace::Fault;
use crate::vm::turn::Errand;
use futures_util::future::AbortHandle;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use mlua::{Function, MultiValue, Thread};
use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Handlers of one version that may be under way at once; more work waits in the mailbox. What is left of older
/// versions is bounded by `api::versions`.
const MOST_RUNNING: usize = 1_000;
/// `cog.on_unload` has this long.
const UNLOAD_LIMIT: Duration = Duration::from_secs(5);

/// Something for a cog to do.
#[derive(Debug)]
pub enum Work {
    /// An event that it listens to.
    Event(Arc<Event>, Ticket),
    /// A call of one of its commands.
    Command(Box<Call>, Ticket),
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
    Unload(&'static str, Busy, oneshot::Sender<()>),
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
    /// What the next commit swaps in, and why.
    prepared: Option<(Live, &'static str)>,
    /// What each generation declared whose code may still run, by its number.
    declared: Vec<(u64, Weak<Staged>)>,
    /// Counts prepared generations.
    generations: u64,
    timers: Timers,
    running: FuturesUnordered<Running>,
    /// Stops spawned functions, by numbers in order.
    spawned: BTreeMap<u64, Spawned>,
    /// The number of the last one.
    last_spawned: u64,
    /// Held by each refusal that is under way.
    refusals: Arc<()>,
    /// Held until what the last turn led to is under way, or has its place on the clock.
    turn: Option<Busy>,
    /// Answered when nothing runs any more.
    unloading: Option<oneshot::Sender<()>>,
    /// Whether the host itself failed in this task, and no version was committed since.
    has_failed: bool,
}

/// A function that was spawned and has not ended.
struct Spawned {
    /// The address of its coroutine, which may be delayed several times.
    thread: usize,
    abort: AbortHandle,
    /// Whether its delay is over.
    has_begun: Arc<AtomicBool>,
}

/// The ends of an actor that the actor itself holds.
pub struct Inbox {
    /// Work, with the sign that the bot is busy with it.
    pub mailbox: mpsc::UnboundedReceiver<(Work, Busy)>,
    /// Requests of the host's.
    pub control: mpsc::UnboundedReceiver<(Control, Errand)>,
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
            declared: Vec::new(),
            generations: 0,
            timers: Timers::default(),
            running: FuturesUnordered::new(),
            spawned: BTreeMap::new(),
            last_spawned: 0,
            refusals: Arc::default(),
            turn: None,
            unloading: None,
            has_failed: false,
        }
    }

    /// Runs until the cog is unloaded and its last handler has ended, or the host is gone.
    pub async fn run(&mut self, inbox: &mut Inbox) {
        let cog = Arc::clone(&self.cog);
        let mut alarm: Option<Alarm> = None;
        loop {
            host_tasks::point(host_tasks::Task::Cog);
            if self.running.is_empty()
                && inbox.spawns.is_empty()
                && let Some(done) = self.unloading.take()
            {
                // Whoever waits for the end may have given up.
                let _told = done.send(()).is_ok();
                return;
            }
            let takes_work = self.takes_work();
            // What comes in must not keep its thread for ever: others wait for a turn.
            if cog.turn.is_over() && !cog.turn.has_errand() {
                tokio::task::yield_now().await;
            }
            let due = self.timers.next_due();
            if alarm.as_ref().map(|alarm| alarm.due) != due {
                alarm = due.map(|due| Alarm::new(Arc::clone(&cog), due));
            }
            tokio::select! {
                biased;
                control = inbox.control.recv() => match control {
                    Some((control, _errand)) => self.control(control, inbox),
                    None => return,
                },
                // Before handlers that end, so that what one of them spawned is not left behind by an end.
                Some(spawn) = inbox.spawns.recv() => self.spawn(spawn),
                Some(ended) = self.running.next(), if !self.running.is_empty() => {
                    ended(self);
                    self.collect_ended();
                }
                () = cog.cancel_notice.notified() => self.stop_cancelled(),
                () = cog.quarantine.begun.notified() => self.keep_away(),
                () = cog.budget.pressed.notified() => self.give_way(),
                woken = ring(alarm.as_mut()), if alarm.is_some() => {
                    alarm = None;
                    self.run_timers(woken);
                }
                Some((work, busy)) = inbox.mailbox.recv(), if takes_work => self.take(work, busy),
                // All that the last turn led to is under way now, or has its place on the clock.
                () = std::future::ready(()), if self.turn.is_some() => self.turn = None,
            }
        }
    }

    /// Whether there is room for one more handler. Tasks have a limit of their own: a cog with many of them still
    /// answers.
    fn takes_work(&self) -> bool {
        if let Some(live) = &self.current {
            return live.generation.life.handlers() < MOST_RUNNING;
        }
        let refusals = Arc::strong_count(&self.refusals) - 1;
        (self.has_failed || self.cog.quarantine.is_on()) && refusals < MOST_RUNNING
    }

    fn control(&mut self, control: Control, inbox: &mut Inbox) {
        self.turn = Some(self.cog.services.activity.begin());
        // An answer that nobody waits for any more is dropped.
        match control {
            Control::Prepare(request, answer) => {
                self.generations += 1;
                let prepared = self.prepare(&request);
                let _told = answer
                    .send(prepared.map(|(live, offer)| {
                        self.prepared = Some((live, request.reason));
                        offer
                    }))
                    .is_ok();
            }
            Control::Commit(answer) => {
                if let Some((live, reason)) = self.prepared.take() {
                    self.commit(&live, reason);
                    let _told = answer.send(Committed { live }).is_ok();
                }
            }
            Control::Abort(answer) => {
                if self.prepared.take().is_some() {
                    self.cog.discard_state();
                }
                let _told = answer.send(()).is_ok();
            }
            Control::Unload(reason, _busy_until_it_is_taken, answer) => {
                self.unload(reason, inbox);
                self.unloading = Some(answer);
            }
        }
    }

    /// Makes the next generation; a panic of the host's fails the attempt and no more.
    fn prepare(&mut self, request: &Request) -> Result<(Live, Offer), Refusal> {
        let (cog, current, number) = (&self.cog, self.current.as_ref(), self.generations);
        let attempt = || prepare::prepare(cog, current, number, request);
        catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| {
            cog.discard_state();
            cog.take_declarations();
            Err(Refusal {
                fault: Fault::Panic,
                edges: BTreeMap::new(),
                read: BTreeMap::new(),
            })
        })
    }

    /// Adds work that is polled with the rest. A panic of the host's ends it, and nothing else of the cog.
    fn enlist(&mut self, work: impl Future<Output = Ended> + Send + 'static) {
        let name = Arc::clone(&self.cog.name);
        let work = host_tasks::caught(host_tasks::Task::Cog, work).map(move |ended| {
            ended.unwrap_or_else(|| {
                tracing::error!(cog = %name, "The host failed while it worked for this cog");
                Box::new(|_: &mut Self| {})
            })
        });
        self.running.push(Box::pin(work));
    }

    /// Swaps: from here on the new version answers.
    fn commit(&mut self, live: &Live, reason: &'static str) {
        live.generation.go_live();
        self.cog.commit_state();
        self.cog.grant(live.info.capabilities.clone());
        self.cog.end_quarantine();
        self.has_failed = false;
        self.cog.begin_version(&live.generation, &live.vm);
        let _shown = live.vm.loader().publish(&live.generation).is_ok();
        let now = self.cog.services.clock.now();
        self.timers
            .replace(live.declarations.timers().cloned().collect(), now);
        self.cog.set_timers(self.timers.len());
        self.declared
            .retain(|(_, declared)| declared.strong_count() > 0);
        self.declared
            .push((live.generation.number, Arc::downgrade(&live.declarations)));
        self.end_delays();
        if let Some(old) = self.current.replace(live.clone()) {
            old.generation.retire(now);
            self.run_hooks(&old, Hook::Unload, "reload", UNLOAD_LIMIT);
        }
        self.cog.note_memory(&live.vm);
        let limit = self.handler_limit();
        self.run_hooks(live, Hook::Ready, reason, limit);
    }

    /// Begins what is already in the mailbox, as nobody else would answer it, and nothing after that.
    fn unload(&mut self, reason: &'static str, inbox: &mut Inbox) {
        inbox.mailbox.close();
        while let Ok((work, busy)) = inbox.mailbox.try_recv() {
            self.take(work, busy);
        }
        // Handlers finish, tasks do not: some wait for minutes.
        self.end_all_but_handlers();
        if let Some(live) = self.current.take() {
            live.generation.retire(self.cog.services.clock.now());
            self.run_hooks(&live, Hook::Unload, reason, UNLOAD_LIMIT);
        }
    }

    /// Runs nothing any more until another version is committed: the cog is in quarantine.
    fn keep_away(&mut self) {
        // Another version may have come first.
        if !self.cog.quarantine.is_on() {
            return;
        }
        self.end_version();
    }

    /// After a panic of the host's in this task: what is known of the version that ran may be wrong, so nothing of
    /// it begins any more, and the host builds the cog in a fresh VM. Handlers that are under way end by
    /// themselves.
    pub fn give_up(&mut self) {
        self.has_failed = true;
        self.prepared = None;
        self.cog.discard_state();
        self.cog.take_declarations();
        self.end_version();
        if self.unloading.is_none() {
            self.cog.services.failed_cogs.add(&self.cog.name);
        }
    }

    fn end_version(&mut self) {
        self.end_all_but_handlers();
        if let Some(live) = self.current.take() {
            live.generation.retire(self.cog.services.clock.now());
        }
    }

    /// What was ended before its time has left its garbage in the VM that goes on.
    fn collect_ended(&self) {
        let versions = &self.cog.budget.versions;
        if versions.have_ended() {
            if let Some(live) = &self.current {
                live.vm.collect();
            }
            versions.forget_ended();
        }
    }

    /// All cogs together need too much memory, and this one has most: what is garbage goes, and if it still has
    /// most after that it is kept away.
    fn give_way(&mut self) {
        let Some(live) = self.current.clone() else {
            return;
        };
        live.vm.collect();
        live.vm.note_memory();
        let services = &self.cog.services;
        let limit = services.config.load().limits.total_memory();
        if let Some(share) = services.budgets.share_passed_by(&self.cog.budget, limit) {
            fault::give_way(&self.cog, &live, limit, share);
            self.keep_away();
        }
    }

    /// Ends timers and tasks. Handlers that are under way come to their own end.
    fn end_all_but_handlers(&mut self) {
        self.timers = Timers::default();
        self.cog.set_timers(0);
        for spawned in self.spawned.values() {
            spawned.abort.abort();
        }
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
        let run = Run::new(&cog.services.activity);
        let under_way = live.generation.life.begin();
        self.enlist(async move {
            let _under_way = under_way;
            let result = handler::run_as(&run, &cog, &live, &function, arguments, limit).await;
            let failed = result.is_err();
            if let Err(fault) = result {
                fault::report(&cog, &live, &fault, None).await;
            }
            Box::new(move |actor: &mut Self| {
                then(actor, failed);
                actor.turn = Some(actor.cog.services.activity.begin());
                drop(run);
            }) as Ended
        });
    }

    fn take(&mut self, work: Work, busy: Busy) {
        self.cog.dequeue();
        let Some(live) = self.current.clone() else {
            if let Work::Command(call, ticket) = work {
                self.refuse(*call, ticket, busy);
            }
            return;
        };
        match work {
            Work::Event(event, ticket) => self.handle_event(&live, &event, ticket, busy),
            Work::Command(call, ticket) => {
                let cog = Arc::clone(&self.cog);
                let limit = self.handler_limit();
                let under_way = live.generation.life.begin();
                self.enlist(async move {
                    ticket.begin();
                    command::run(&cog, live, under_way, *call, limit, busy).await;
                    drop(ticket);
                    Box::new(|_: &mut Self| {}) as Ended
                });
            }
        }
    }

    /// Tells a user that a command's cog is in quarantine, or is being built anew.
    fn refuse(&mut self, call: Call, ticket: Ticket, busy: Busy) {
        let cog = Arc::clone(&self.cog);
        let under_way = Arc::clone(&self.refusals);
        let has_failed = self.has_failed;
        self.enlist(async move {
            let why = if has_failed {
                Text::BotFailed {}
            } else {
                Text::OutOfOrder {}
            };
            command::refuse(&cog, &call, why).await;
            drop((ticket, busy, under_way));
            Box::new(|_: &mut Self| {}) as Ended
        });
    }

    fn handle_event(&mut self, live: &Live, event: &Arc<Event>, ticket: Ticket, busy: Busy) {
        // It may have waited in the mailbox until there was no time left.
        if self.cog.pauses() {
            return;
        }
        ticket.begin();
        let ticket = Arc::new(ticket);
        let data = complete(&event.name, event.data());
        let limit = self.handler_limit();
        // The tables know an event's object by its name on the wire.
        let schema = crate::discord::event(&event.name).map(|event| event.gateway_name);
        // One object for all listeners: nobody can change it.
        if let Ok(object) = object::receive(live.vm.lua(), &self.cog, &data, schema) {
            for handler in live.declarations.listeners_to(&event.name) {
                let ticket = Arc::clone(&ticket);
                let object = object.clone();
                self.start(live, handler.clone(), object, limit, |_, _| drop(ticket));
            }
        } else if self.cog.may_log(|| None, || []).is_some() {
            tracing::warn!(
                cog = %self.cog.name, event = %event.name,
                "An event was dropped: the cog holds too many of Discord's objects"
            );
        }
        drop(busy);
    }

    fn run_timers(&mut self, _until_they_are_busy: Woken) {
        let Some(live) = self.current.clone() else {
            return;
        };
        let now = self.cog.services.clock.now();
        let limit = self.handler_limit();
        for Timer { name, handler, .. } in self.timers.take_due(now) {
            if self.cog.pauses() {
                self.timers.ended(&name, false, now);
                continue;
            }
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
        self.turn = Some(spawn.busy);
        // Delayed functions end with their version, also those that it delays later.
        if spawn.generation.is_retired() && !spawn.after.is_zero() {
            return;
        }
        let Ok(vm) = Vm::of_thread(&spawn.thread) else {
            return;
        };
        let generation = spawn.generation.number;
        let mut declared = self.declared.iter().filter(|(of, _)| *of == generation);
        let live = Live {
            vm,
            generation: spawn.generation,
            declarations: declared
                .find_map(|(_, declared)| declared.upgrade())
                .unwrap_or_default(),
            info: Arc::default(),
        };
        let address = spawn.thread.to_pointer() as usize;
        let limit = self.handler_limit();
        let cog = Arc::clone(&self.cog);
        let (function, arguments, after) = (spawn.function, spawn.arguments, spawn.after);
        let (thread, place) = (spawn.thread, spawn.place);
        let begun = after.is_zero().then(|| Run::new(&cog.services.activity));
        // The time counts from here on, not from the first look at it.
        let alarm = cog.services.clock.alarm(after);
        let has_begun = Arc::new(AtomicBool::new(after.is_zero()));
        let beginning = Arc::clone(&has_begun);
        let (work, abort) = futures_util::future::abortable(async move {
            // Dropped after the coroutine, which is then garbage.
            let mut leftovers = handler::Leftovers::of(&cog, &live);
            let mut task = Task {
                vm: live.vm.clone(),
                thread,
                is_over: false,
                _place: place,
            };
            let run = if let Some(run) = begun {
                run
            } else {
                let woken = alarm.await;
                beginning.store(true, Ordering::Relaxed);
                let run = Run::new(&cog.services.activity);
                drop(woken);
                run
            };
            let result = handler::run_as(&run, &cog, &live, &function, arguments, limit).await;
            leftovers.note(&result);
            task.is_over = matches!(result, Ok(_) | Err(Fault::Raised(_)));
            if let Err(fault) = result {
                fault::report(&cog, &live, &fault, None).await;
            }
        });
        self.last_spawned += 1;
        let number = self.last_spawned;
        let spawned = Spawned {
            thread: address,
            abort,
            has_begun,
        };
        self.spawned.insert(number, spawned);
        self.enlist(async move {
            let _finished = host_tasks::caught(host_tasks::Task::Cog, work)
                .await
                .is_some();
            Box::new(move |actor: &mut Self| {
                actor.spawned.remove(&number);
            }) as Ended
        });
    }

    /// The old version's delayed functions end with it, unless they have begun.
    fn end_delays(&self) {
        let delayed = self.spawned.values();
        for spawned in delayed.filter(|it| !it.has_begun.load(Ordering::Relaxed)) {
            spawned.abort.abort();
        }
    }

    fn stop_cancelled(&mut self) {
        let threads: HashSet<usize> = self.cog.take_cancelled().into_iter().collect();
        self.spawned.retain(|_, spawned| {
            let is_cancelled = threads.contains(&spawned.thread);
            if is_cancelled {
                spawned.abort.abort();
            }
            !is_cancelled
        });
    }
}

/// A task's coroutine, kept to the end, so that no other one comes to have its address. One that is stopped
/// from outside is ended, and with it what it waits for.
struct Task {
    vm: Vm,
    thread: Thread,
    /// Whether it has come to its end, or waits for its author.
    is_over: bool,
    _place: TaskPlace,
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.is_over {
            self.vm.abandon(&self.thread);
        }
    }
}

/// The next timer's place on the clock. It is kept while other work comes and goes.
struct Alarm {
    due: Duration,
    ringing: Pin<Box<dyn Future<Output = Woken> + Send>>,
}

impl Alarm {
    fn new(cog: Arc<CogContext>, due: Duration) -> Self {
        let ringing = Box::pin(async move {
            let clock = &cog.services.clock;
            clock.alarm(due.saturating_sub(clock.now())).await
        });
        Self { due, ringing }
    }
}

/// Returns when the alarm goes off.
async fn ring(alarm: Option<&mut Alarm>) -> Woken {
    match alarm {
        Some(alarm) => alarm.ringing.as_mut().await,
        None => std::future::pending().await,
    }
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
