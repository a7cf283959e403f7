//! From an event to the mailboxes of the cogs that asked for it. Runs on the gateway's own threads, so it
//! never waits and never enters a VM.

use super::allowed;
use super::lines::{self, Unknown};
use crate::admin::{self, Admin, AdminCall, AdminForm};
use crate::api::declarations::Use;
use crate::api::expected::Expectation;
use crate::api::interaction::Interaction;
use crate::cogs::command::{CallForm, WaitingCall};
use crate::cogs::handle::CogHandle;
use crate::cogs::host::{ADMIN_COMMANDS, Cogs};
use crate::cogs::live::Offer;
use crate::cogs::mailbox::Work;
use crate::cogs::routes::Here;
use crate::commands::conflicts::Claim;
use crate::commands::custom_id::first_part;
use crate::commands::name_key::name_key;
use crate::commands::parse::{after_prefix, first_letter, may_call, split_name, strip_prefix};
use crate::commands::slash::{is_called, walk_slash};
use crate::commands::text::Text;
use crate::discord::event::{Event, InteractionPeek, MessagePeek};
use crate::guild_settings::Verdict;
use crate::host_tasks::{self, Task};
use crate::lock::lock;
use crate::supervisor::{Consumer, Deliveries, Ticket, deliveries};
use std::cell::LazyCell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

// Discord's types of interactions: a command was called, a component was used, an option of a command is being typed, a
// modal was submitted.
const COMMAND: u64 = 2;
const COMPONENT: u64 = 3;
const COMPLETION: u64 = 4;
const SUBMISSION: u64 = 5;

/// Commands that the configured prefix calls in every server, whatever it has set: nobody can lock themselves out.
const ALWAYS: [&str; 2] = ["settings", "help"];

/// Events with data that the cache keeps. Messages are left out: their members are learned when a cog asks for the
/// message. What is done to a member who is named in an interaction may depend on their roles.
fn is_cached(name: &str) -> bool {
    [
        "guild_",
        "channel_",
        "thread_",
        "user_",
        "interaction_",
        "ready",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

/// Routes events.
#[derive(Clone, Debug)]
pub(super) struct Router {
    cogs: Arc<Cogs>,
    admin: Admin,
    deliveries: Option<&'static Deliveries>,
    seen: Arc<Mutex<Seen>>,
}

/// How many interactions are remembered: a session that is resumed repeats the last ones at most.
const REMEMBERED: usize = 1_000;

/// The last interactions: each is handled once, also if Discord sends it again.
#[derive(Debug, Default)]
struct Seen(VecDeque<u64>);

impl Seen {
    /// Whether an interaction comes for the first time.
    fn is_new(&mut self, id: u64) -> bool {
        if self.0.contains(&id) {
            return false;
        }
        self.0.push_back(id);
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
        true
    }
}

/// How a command is called, or a component is used.
enum Called {
    Admin(AdminCall),
    /// With the ids of the channel and of the message.
    Cog(Arc<CogHandle>, Box<WaitingCall>, (String, String), Claim),
    /// With the ids of the channel and of the message. Nobody has the command.
    Unknown(Box<Unknown>, (String, String)),
    /// With the ids of the channel and of the message or interaction. No cog gets the call: nobody has the command, or it
    /// may not be used there.
    Untaken(CallForm, (String, String), Text<'static>),
    /// With the ids of the channel and of the interaction. Somebody waits for it as for any event, and cannot answer it.
    Awaited(Arc<Interaction>, (String, String)),
    /// The same, and a handler waits for just this.
    Expected(Arc<Expectation>, Arc<Interaction>, (String, String)),
}

impl Router {
    /// Routes to `cogs` and, for the bot's own commands, to `admin`.
    pub(super) fn new(cogs: Arc<Cogs>, admin: Admin) -> Self {
        Self {
            cogs,
            admin,
            deliveries: deliveries(),
            seen: Arc::default(),
        }
    }

    /// Takes one event. If one step fails, the others are still carried out.
    pub(super) fn route(&self, event: &Arc<Event>) {
        // Whoever waits for the bot to settle is woken by this.
        let _busy = self.cogs.services.activity.begin();
        let name = event.name.as_ref();
        if is_cached(name) {
            let services = &self.cogs.services;
            host_tasks::caught_now(Task::Router, || services.cache.hear(event));
        }
        let is_awaited =
            host_tasks::caught_now(Task::Router, || self.cogs.services.waits.hear(event));
        let is_awaited = is_awaited.unwrap_or(false);
        host_tasks::caught_now(Task::Router, || {
            self.cogs.services.member_requests.hear(event);
        });
        let interaction = (name == "interaction_create").then(|| event.peek_interaction());
        let interaction = interaction.flatten();
        if interaction.as_ref().is_some_and(|it| self.is_repeated(it)) {
            return;
        }
        let routes = self.cogs.routes();
        let called = host_tasks::caught_now(Task::Router, || match (name, &interaction) {
            ("message_create", _) => self.called(event),
            (_, Some(peek)) => self.used(event, peek, is_awaited),
            _ => None,
        });
        let called = called.flatten().map(|called| {
            let ticket = self.claim(event, called.consumer());
            (called, ticket)
        });
        let here = routes.here(event);
        if name == "guild_delete" && !event.data().is_true("unavailable") {
            end_trials(&self.cogs, here);
        }
        let listeners = here.listeners(name);
        // A cog that is off in a server hears nothing of it.
        let settings = LazyCell::new(|| allowed::settings(&self.cogs, event));
        let is_off = |cog: &str| settings.as_ref().is_some_and(|it| it.is_cog_off(cog));
        let listeners = listeners.filter(|cog| !is_off(&cog.name));
        let listeners = listeners.map(|cog| {
            let ticket = self.claim(event, Consumer::Listener(&cog.name));
            (cog, ticket)
        });
        let listeners: Vec<_> = listeners.collect();
        // Whatever happens to the process from here on, each of them handles the event once.
        if let (Some(deliveries), Some(sequence)) = (self.deliveries, event.sequence) {
            deliveries.reached(event.shard, sequence);
        }
        if let Some((called, Some(ticket))) = called {
            host_tasks::caught_now(Task::Router, || self.call(called, ticket));
        }
        for (cog, ticket) in listeners {
            if let Some(ticket) = ticket {
                // Events for a cog that was unloaded meanwhile are dropped.
                let post = || cog.post(Work::Event(Arc::clone(event), ticket)).is_some();
                host_tasks::caught_now(Task::Router, post);
            }
        }
    }

    /// Whether this interaction has been handled already.
    fn is_repeated(&self, peek: &InteractionPeek<'_>) -> bool {
        let id = peek.id.parse();
        id.is_ok_and(|id| !lock(&self.seen).is_new(id))
    }

    /// A ticket for a consumer of an event. None if the consumer handled it before the process died.
    fn claim(&self, event: &Event, consumer: Consumer<'_>) -> Option<Ticket> {
        match (self.deliveries, event.sequence) {
            (Some(deliveries), Some(sequence)) => deliveries.claim(event.shard, sequence, consumer),
            // An event without a number cannot come again after a crash.
            _ => Some(Ticket::default()),
        }
    }

    /// Looks whether a message calls a command, without parsing more of it than that needs.
    fn called(&self, event: &Arc<Event>) -> Option<Called> {
        let services = &self.cogs.services;
        let config = services.config.load();
        let own = first_letter(&config.bot.prefix);
        let is_first = |it| Some(it) == own || services.guilds.is_first_of_a_prefix(it);
        if !event.any_content(|start| may_call(start, is_first)) {
            return None;
        }
        let peek = event.peek_message()?;
        if !peek.is_said() {
            return None;
        }
        let identity = services.identity.load();
        let settings = services.guilds.of(peek.guild_id);
        let chosen = settings.as_ref().and_then(|it| it.prefix.as_deref());
        let prefix = chosen.unwrap_or(&config.bot.prefix);
        let rest = strip_prefix(peek.content, prefix, identity.id()).or_else(|| {
            let rest = after_prefix(peek.content, &config.bot.prefix)?;
            let key = name_key(split_name(rest).0);
            ALWAYS.contains(&key.as_str()).then_some(rest)
        })?;
        let (name, arguments) = split_name(rest);
        let key = name_key(name);
        let is_admin = ADMIN_COMMANDS.contains(&key.as_str());
        let routes = self.cogs.routes();
        let claim = Claim::Typed(key);
        let here = routes.here(event);
        let cog = here.owner(&claim);
        let is_unknown = !is_admin && cog.is_none();
        // Whoever types `!!` or `!?` calls nothing.
        let is_wanted = name.chars().any(char::is_alphanumeric)
            && (config.bot.suggest_commands || here.asked_of_unknown().next().is_some());
        if is_unknown && !is_wanted {
            return None;
        }
        // From here on a user waits for an answer.
        let read = host_tasks::caught_now(Task::Router, || {
            host_tasks::point(Task::Router);
            services.cache.apply("message_create", event.data());
            if is_admin {
                return Some(admin_call(event, &peek, &claim, arguments));
            }
            let ids = (peek.channel_id.to_owned(), peek.id.to_owned());
            let arguments = peek.content.len() - arguments.len();
            if is_unknown {
                let unknown = Unknown {
                    event: Arc::clone(event),
                    name: name.to_owned(),
                    arguments,
                    prefix: prefix.to_owned(),
                };
                return Some(Called::Unknown(Box::new(unknown), ids));
            }
            let typed = WaitingCall {
                event: Arc::clone(event),
                form: CallForm::Typed {
                    name: name.to_owned(),
                    arguments,
                    prefix: prefix.to_owned(),
                },
            };
            match allowed::verdict(&self.cogs, cog?, &claim, event) {
                Verdict::Usable => {}
                Verdict::OtherRole => {
                    let form = typed.form;
                    return Some(Called::Untaken(form, ids, Text::WithOtherRoles {}));
                }
                // Where a server does not want a command, an answer would be one message more.
                Verdict::OtherChannel | Verdict::Off => return None,
            }
            Some(Called::Cog(Arc::clone(cog?), Box::new(typed), ids, claim))
        });
        if read.is_none() {
            self.apologise(&peek);
        }
        read.flatten()
    }

    /// Looks whether an interaction calls a slash command or one of a context menu, completes an option, or uses a
    /// component.
    fn used(
        &self,
        event: &Arc<Event>,
        peek: &InteractionPeek<'_>,
        is_awaited: bool,
    ) -> Option<Called> {
        let data = peek.data.as_ref()?;
        let claim = match peek.kind {
            COMPONENT | SUBMISSION => {
                let new = || Arc::new(Interaction::new(event, peek, &self.cogs.services));
                if let Some(call) = AdminCall::of_component(new, event) {
                    return Some(Called::Admin(call));
                }
                let user = event.origin().user;
                let expected = &self.cogs.services.expected;
                if let Some(expectation) = expected.find(&data.custom_id, user) {
                    let ids = peek.ids();
                    let interaction = Interaction::new(event, peek, &self.cogs.services);
                    return Some(Called::Expected(expectation, Arc::new(interaction), ids));
                }
                Claim::Component(first_part(&data.custom_id).to_owned())
            }
            _ => Claim::listed(data.kind, &data.name)?,
        };
        let services = &self.cogs.services;
        let new = || Arc::new(Interaction::new(event, peek, services));
        if let Claim::Slash(name) = &claim
            && ADMIN_COMMANDS.contains(&name.as_str())
            && matches!(peek.kind, COMMAND | COMPLETION)
        {
            let form = match peek.kind {
                COMMAND => AdminForm::Slash,
                _ => AdminForm::Completion,
            };
            let call = AdminCall::of_interaction(name.clone(), new(), form);
            return Some(Called::Admin(call));
        }
        let form = match peek.kind {
            COMMAND => CallForm::Slash(new()),
            COMPLETION => CallForm::Completion(new()),
            COMPONENT => CallForm::Component(Use::Component, new()),
            SUBMISSION => CallForm::Component(Use::Modal, new()),
            _ => return None,
        };
        let ids = peek.ids();
        let routes = self.cogs.routes();
        let here = routes.here(event);
        Some(match here.owner(&claim) {
            Some(cog) => {
                let verdict = allowed::verdict(&self.cogs, cog, &claim, event);
                if let Some(refusal) = allowed::refusal(verdict) {
                    return Some(Called::Untaken(form, ids, refusal));
                }
                let cog = Arc::clone(cog);
                let event = Arc::clone(event);
                Called::Cog(cog, Box::new(WaitingCall { event, form }), ids, claim)
            }
            None => match form {
                CallForm::Component(_, interaction) if is_awaited => {
                    Called::Awaited(interaction, ids)
                }
                form if here.lacks(&claim) => Called::Untaken(form, ids, Text::NotInTrial {}),
                form => Called::Untaken(form, ids, Text::CommandGone {}),
            },
        })
    }

    /// Gives an interaction to the handler that waits for it, if it is from the user whom that has asked.
    fn give(&self, expectation: &Arc<Expectation>, interaction: Arc<Interaction>) {
        if !expectation.is_of(interaction.user()) {
            let services = Arc::clone(&self.cogs.services);
            self.cogs
                .services
                .errand(async move { interaction.tell(&services, Text::NotYours {}).await });
            return;
        }
        let is_alone = expectation.is_alone;
        interaction.defer_in_time(&self.cogs.services, move || is_alone);
        if !expectation.give(Arc::clone(&interaction) as _) {
            self.accept(interaction);
        }
    }

    /// Tells Discord that an interaction has arrived for which somebody waits.
    fn accept(&self, interaction: Arc<Interaction>) {
        let services = Arc::clone(&self.cogs.services);
        self.cogs
            .services
            .errand(async move { interaction.accept(&services).await });
    }

    /// Tells a user why no cog gets their call.
    fn tell_untaken(&self, form: CallForm, ids: (String, String), why: Text<'static>) {
        let services = Arc::clone(&self.cogs.services);
        self.cogs.services.errand(async move {
            let why = form.wording(why);
            match form {
                CallForm::Slash(interaction) | CallForm::Component(_, interaction) => {
                    interaction.tell(&services, why).await;
                }
                CallForm::Completion(interaction) => {
                    interaction.offer(&services, serde_json::json!([])).await;
                }
                CallForm::Typed { .. } => {
                    let (channel, message) = ids;
                    admin::tell(&services, &channel, &message, why).await;
                }
                CallForm::Run(_) | CallForm::Unknown(_) => {}
            }
        });
    }

    fn apologise(&self, peek: &MessagePeek<'_>) {
        let services = Arc::clone(&self.cogs.services);
        let (channel, message) = (peek.channel_id.to_owned(), peek.id.to_owned());
        self.cogs.services.errand(async move {
            admin::tell(&services, &channel, &message, Text::BotFailed {}).await;
        });
    }

    fn call(&self, called: Called, ticket: Ticket) {
        match called {
            Called::Admin(call) => {
                if let AdminForm::Slash(interaction) = &call.form {
                    interaction.defer_in_time(&self.cogs.services, || true);
                }
                self.admin.call(call, ticket);
            }
            Called::Untaken(form, ids, why) => self.tell_untaken(form, ids, why),
            Called::Unknown(unknown, _) => {
                let cogs = Arc::clone(&self.cogs);
                let busy = cogs.services.activity.begin();
                host_tasks::errand(async move {
                    lines::offer(&cogs, &unknown, ticket, busy).await;
                });
            }
            Called::Awaited(interaction, _) => self.accept(interaction),
            Called::Expected(expectation, interaction, _) => {
                self.give(&expectation, interaction);
            }
            Called::Cog(cog, call, ids, claim) => {
                match &call.form {
                    CallForm::Slash(interaction) => {
                        let guild = call.event.origin().guild;
                        self.defer_in_time(interaction, &claim, guild);
                    }
                    CallForm::Component(_, interaction) => {
                        interaction.defer_in_time(&self.cogs.services, || false);
                    }
                    _ => {}
                }
                let guild = call.event.origin().guild;
                let mut unloaded = cog.post(Work::Command(call, ticket));
                // The routes changed at this very moment: another cog may have the command now.
                if let Some(work) = unloaded.take()
                    && let Some(cog) = self.cogs.routes().in_guild(guild).owner(&claim)
                {
                    unloaded = cog.post(work);
                }
                if let Some(Work::Command(call, _)) = unloaded
                    && !matches!(call.form, CallForm::Typed { .. })
                {
                    self.tell_untaken(call.form, ids, Text::CommandGone {});
                }
            }
        }
    }

    /// Puts the answer to a slash command off when it does not come in time, whatever its cog is doing then.
    fn defer_in_time(&self, interaction: &Arc<Interaction>, claim: &Claim, guild: u64) {
        let (cogs, claim) = (Arc::clone(&self.cogs), claim.clone());
        let called = Arc::clone(interaction);
        interaction.defer_in_time(&self.cogs.services, move || {
            let routes = cogs.routes();
            let cog = routes.in_guild(guild).owner(&claim);
            cog.is_some_and(|cog| cog.peek_in(Some(guild), |offer| answers_alone(offer, &called)))
        });
    }
}

/// The bot is no longer in a guild: nothing is tried there any more.
fn end_trials(cogs: &Cogs, here: Here<'_>) {
    for cog in here.on_trial() {
        let why = "the bot has left the server".to_owned();
        cogs.services.ended_trials.add(&cog.name, why);
    }
}

/// Whether the answer to a slash command is for its caller alone.
fn answers_alone(offer: &Offer, interaction: &Interaction) -> bool {
    let data = interaction.data();
    let mut definitions = offer.commands.iter().map(|command| &command.definition);
    let definition = definitions.find(|it| is_called(it, data));
    let called = definition.and_then(|definition| walk_slash(definition, data));
    let last = called.and_then(|called| called.path.last().copied());
    last.is_some_and(|definition| definition.ephemeral)
}

fn admin_call(
    event: &Arc<Event>,
    peek: &MessagePeek<'_>,
    claim: &Claim,
    arguments: &str,
) -> Called {
    Called::Admin(AdminCall {
        name: claim.name().to_owned(),
        arguments: arguments.trim().to_owned(),
        channel_id: peek.channel_id.to_owned(),
        author_id: peek.author_id.to_owned(),
        guild_id: peek.guild_id.map(str::to_owned),
        form: AdminForm::Typed(Arc::clone(event)),
    })
}

impl Called {
    fn consumer(&self) -> Consumer<'static> {
        let id = |text: &str| text.parse().unwrap_or(0);
        let (channel, message) = match self {
            Self::Admin(call) => (id(&call.channel_id), id(call.form.id())),
            Self::Cog(_, _, (channel, message), _)
            | Self::Unknown(_, (channel, message))
            | Self::Awaited(_, (channel, message))
            | Self::Expected(_, _, (channel, message))
            | Self::Untaken(_, (channel, message), _) => (id(channel), id(message)),
        };
        Consumer::Command { channel, message }
    }
}
