//! What a handler asks its caller, and waits for: `ctx:modal`, `ctx:confirm` and `ctx:paginate`.
//!
//! ```text
//! modal:              opened ─ the submission ─ another `ctx`
//! confirm, paginate:  a message with buttons ─ clicks of the caller ─ updates ─ the buttons go, however it ends
//! ```

use super::context_value::this;
use super::{CallOrigin, Invocation};
use crate::api::answer::CallAnswer;
use crate::api::content::Content;
use crate::api::context::CogContext;
use crate::api::convert::{Converter, weight};
use crate::api::deletion::MessagePlace;
use crate::api::expected::Key;
use crate::api::expecting::{Waiting, later};
use crate::api::fields::Fields;
use crate::api::interaction::Interaction;
use crate::api::phase::may_act;
use crate::commands::text::Text;
use crate::discord::composition::IS_COMPONENTS_V2;
use crate::vm::host::{Arguments, Host, HostError, HostResult};
use mlua::{Lua, Table, Value};
use serde_json::{Map, Value as JsonValue, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// One wait lasts at most this long.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// How long buttons wait for a click unless the call says otherwise.
const OF_BUTTONS: Duration = Duration::from_secs(3 * 60);
/// Pages of one call.
const MOST_PAGES: usize = 500;

type Body = Map<String, JsonValue>;

/// Adds the methods.
pub(super) fn install(lua: &Lua, host: &Host, methods: &Table) -> mlua::Result<()> {
    let modal = host.async_function(lua, "ctx:modal", |lua, arguments| {
        let prepared = prepare(&lua, &arguments).and_then(|call| {
            let how = how(&arguments, &["timeout"])?;
            Ok((call, read_modal(&arguments)?, how))
        });
        async move {
            let (call, modal, how) = prepared?;
            let timeout = how.timeout;
            match Box::pin(call.modal(&lua, "ctx:modal", modal, timeout)).await? {
                Some(submitted) => Ok(Value::UserData(submitted.to_ctx(&lua)?)),
                None => Ok(Value::Nil),
            }
        }
    })?;
    methods.raw_set("modal", modal)?;
    let confirm = host.async_function(lua, "ctx:confirm", |lua, arguments| {
        let prepared = prepare(&lua, &arguments).and_then(|call| {
            let how = how(&arguments, &["timeout", "default"])?;
            Ok((call, Content::read(&arguments, 1)?, how))
        });
        async move {
            let (call, question, how) = prepared?;
            Box::pin(call.confirm(&lua, "ctx:confirm", question, how)).await
        }
    })?;
    methods.raw_set("confirm", confirm)?;
    let paginate = host.async_function(lua, "ctx:paginate", |lua, arguments| {
        let prepared = prepare(&lua, &arguments).and_then(|call| {
            let how = how(&arguments, &["timeout"])?;
            Ok((call, read_pages(&arguments)?, how))
        });
        async move {
            let (call, pages, how) = prepared?;
            Box::pin(call.paginate(&lua, "ctx:paginate", pages, how)).await
        }
    })?;
    methods.raw_set("paginate", paginate)
}

fn prepare(lua: &Lua, arguments: &Arguments) -> HostResult<Arc<Invocation>> {
    may_act(lua, arguments.function())?;
    this(arguments)
}

/// `{ timeout?, default? }`
#[derive(Clone, Copy, Debug, Default)]
struct How {
    timeout: Option<Duration>,
    default: bool,
}

fn how(arguments: &Arguments, known: &[&str]) -> HostResult<How> {
    let Some(table) = arguments.optional_table(2, "how")? else {
        return Ok(How::default());
    };
    let fields = Fields::of(arguments.function(), &table);
    fields.only(known)?;
    let timeout = fields.duration("timeout")?;
    if timeout.is_some_and(|timeout| timeout > LONGEST) {
        let function = arguments.function();
        let message = format!(
            "{function}: timeout: a wait lasts at most 15 minutes; for longer use cog.component or cog.modal, and keep in the state what is asked"
        );
        return Err(HostError::new("limit", message).into());
    }
    let default = fields.boolean("default")?.unwrap_or(false);
    Ok(How { timeout, default })
}

/// Discord's own fields of a modal.
fn read_modal(arguments: &Arguments) -> HostResult<Body> {
    let table = arguments.table(1, "the modal")?;
    Fields::of(arguments.function(), &table).only(&["custom_id", "title", "components"])?;
    Converter::default().fields(arguments.function(), "the modal", &table, |_| Ok(true))
}

/// The pages of a message.
fn read_pages(arguments: &Arguments) -> HostResult<Vec<Content>> {
    let function = arguments.function();
    let table = arguments.table(1, "the pages")?;
    let count = table.raw_len();
    if !(1..=MOST_PAGES).contains(&count) {
        let expected = format!("a list of 1 to {MOST_PAGES} pages");
        let got = if count == 0 && !table.is_empty() {
            "a table with fields; one page stands in a list, too".to_owned()
        } else {
            format!("one of {count}")
        };
        return Err(HostError::argument(function, "the pages", &expected, &got).into());
    }
    let mut pages = Vec::with_capacity(count);
    for index in 1..=count {
        let page = Content::of_value(function, &table.raw_get(index)?)?;
        let wrong = if !page.files.is_empty() {
            Some("files: a page cannot have files, as they would stay when it is turned")
        } else if page.delete_after.is_some() {
            Some("delete_after: pages stay")
        } else if index > 1 && page.ephemeral.is_some() {
            Some("ephemeral: only the first page says who sees all of them")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            let message = format!("{function}: page {index}: {wrong}");
            return Err(HostError::new("argument", message).into());
        }
        pages.push(page);
    }
    Ok(pages)
}

impl Invocation {
    fn user(&self) -> u64 {
        let id = self.author.str("id");
        id.and_then(|id| id.parse().ok()).unwrap_or(0)
    }

    /// Opens a modal and waits for what is entered. If `cog.modal` handles its custom id, there is nothing to wait for.
    async fn modal(
        self: &Arc<Self>,
        lua: &Lua,
        function: &'static str,
        mut modal: Body,
        timeout: Option<Duration>,
    ) -> HostResult<Option<Arc<Self>>> {
        let Some(interaction) = self.interaction(function)? else {
            let message = format!(
                "{function}: a typed command cannot open a modal; a slash command and a component can: test ctx.interaction first"
            );
            return Err(HostError::new("phase", message).into());
        };
        let cog = &self.cog;
        let given = modal.get("custom_id").and_then(JsonValue::as_str);
        if given.is_some_and(|id| self.called.handles_modal(id)) {
            self.answered.store(true, Ordering::Relaxed);
            return interaction
                .open_modal(cog, function, modal)
                .await
                .map(|()| None);
        }
        let user = self.user();
        let key = if let Some(id) = given {
            Key::Modal {
                id: id.to_owned(),
                user,
            }
        } else {
            let id = cog.services.expected.new_id(cog.services.clock.now());
            modal.insert("custom_id".to_owned(), id.as_str().into());
            Key::Own(id)
        };
        let waiting = Waiting::begin(lua, cog, key, (user, self.called.ephemeral))?;
        self.answered.store(true, Ordering::Relaxed);
        interaction.open_modal(cog, function, modal).await?;
        let submission = waiting.next(lua, timeout.unwrap_or(LONGEST)).await;
        Ok(submission.map(|submission| {
            interaction.go_on_with(&submission);
            Arc::new(self.continued(submission))
        }))
    }

    /// Asks yes or no.
    async fn confirm(
        self: &Arc<Self>,
        lua: &Lua,
        function: &'static str,
        mut question: Content,
        how: How,
    ) -> HostResult<bool> {
        let language = self.called.language;
        let (yes, no) = (Text::Yes {}.say(language), Text::No {}.say(language));
        let asking = Asking::begin(self, lua, &question.body)?;
        let row = json!([
            button(&asking.id, "yes", &yes, 3),
            button(&asking.id, "no", &no, 2)
        ]);
        add_row(&mut question.body, &row);
        let mut buttons = asking.send(function, question).await?;
        let timeout = how.timeout.unwrap_or(OF_BUTTONS);
        let Some(click) = buttons.waiting.next(lua, timeout).await else {
            buttons.remove().await;
            return Ok(how.default);
        };
        let body = Map::from_iter([("components".to_owned(), buttons.rest())]);
        buttons.turn_to(function, &click, body, true).await;
        Ok(what(&click) == "yes")
    }

    /// Shows one page, and turns to others.
    async fn paginate(
        self: &Arc<Self>,
        lua: &Lua,
        function: &'static str,
        pages: Vec<Content>,
        how: How,
    ) -> HostResult<()> {
        let weights = pages
            .iter()
            .map(|page| page.body.values().map(weight).sum::<usize>());
        let _charge = self.cog.charges.of_bytes(lua, weights.sum())?;
        let count = pages.len();
        let mut pages = pages.into_iter();
        let Some(mut first) = pages.next() else {
            return Ok(());
        };
        if count == 1 {
            self.reply(function, first).await?;
            return Ok(());
        }
        let asking = Asking::begin(self, lua, &first.body)?;
        let mut bodies = vec![first.body.clone()];
        bodies.extend(pages.map(|page| page.body));
        add_row(&mut first.body, &turning(&asking.id, 0, count));
        let mut buttons = asking.send(function, first).await?;
        let timeout = how.timeout.unwrap_or(OF_BUTTONS);
        let mut at: usize = 0;
        while let Some(click) = buttons.waiting.next(lua, timeout).await {
            at = match what(&click) {
                "next" => (at + 1).min(count - 1),
                "back" => at.saturating_sub(1),
                _ => at,
            };
            let Some(page) = bodies.get(at) else { break };
            buttons.kept = page.get("components").cloned();
            let mut body = in_place_of_another(page.clone());
            add_row(&mut body, &turning(&buttons.id, at, count));
            if !buttons.turn_to(function, &click, body, false).await {
                return Ok(());
            }
        }
        buttons.remove().await;
        Ok(())
    }
}

/// What was clicked: the last part of the custom id.
fn what(click: &Interaction) -> &str {
    let id = click.data().str("custom_id").unwrap_or_default();
    id.rsplit_once(':').map_or("", |(_, what)| what)
}

fn button(id: &str, what: &str, label: &str, style: u8) -> JsonValue {
    json!({ "type": 2, "style": style, "label": label, "custom_id": format!("{id}:{what}") })
}

/// The buttons below a page.
fn turning(id: &str, at: usize, count: usize) -> JsonValue {
    let with = |mut button: JsonValue, is_disabled: bool| {
        button["disabled"] = is_disabled.into();
        button
    };
    let place = format!("{} / {count}", at + 1);
    json!([
        with(button(id, "back", "◀", 2), at == 0),
        with(button(id, "at", &place, 2), true),
        with(button(id, "next", "▶", 2), at + 1 >= count),
    ])
}

/// Adds a row of buttons to a message.
fn add_row(body: &mut Body, buttons: &JsonValue) {
    let components = body.entry("components").or_insert_with(|| json!([]));
    // Whatever else it is, the check refuses it.
    if let JsonValue::Array(rows) = components {
        rows.push(json!({ "type": 1, "components": buttons }));
    }
}

/// A page that takes the place of another one: what it does not have goes.
fn in_place_of_another(mut page: Body) -> Body {
    let flags = page.get("flags").and_then(JsonValue::as_u64).unwrap_or(0);
    if flags & IS_COMPONENTS_V2 == 0 {
        page.entry("content").or_insert_with(|| "".into());
        page.entry("embeds").or_insert_with(|| json!([]));
    }
    page
}

/// Something that is about to be asked.
struct Asking {
    call: Arc<Invocation>,
    waiting: Waiting,
    id: String,
    /// The components that the author's message has.
    kept: Option<JsonValue>,
}

impl Asking {
    fn begin(call: &Arc<Invocation>, lua: &Lua, body: &Body) -> HostResult<Self> {
        let services = &call.cog.services;
        let id = services.expected.new_id(services.clock.now());
        let whose = (call.user(), false);
        let waiting = Waiting::begin(lua, &call.cog, Key::Own(id.clone()), whose)?;
        Ok(Self {
            call: Arc::clone(call),
            waiting,
            id,
            kept: body.get("components").cloned(),
        })
    }

    async fn send(self, function: &'static str, content: Content) -> HostResult<Buttons> {
        let message = self.call.reply(function, content).await?;
        let ids = message.as_ref().and_then(CallAnswer::place);
        let place = ids.map(|ids| match &self.call.origin {
            CallOrigin::Interaction(interaction) => MessagePlace::of_answer(ids, interaction),
            CallOrigin::Message(_) | CallOrigin::Completion(_) => MessagePlace::of(ids),
        });
        Ok(Buttons {
            cog: Arc::clone(&self.call.cog),
            waiting: self.waiting,
            id: self.id,
            kept: self.kept,
            place,
        })
    }
}

/// Buttons of the bot's own on a message. They go when this is dropped: also when the handler is stopped.
struct Buttons {
    cog: Arc<CogContext>,
    waiting: Waiting,
    id: String,
    kept: Option<JsonValue>,
    /// Where they are, as long as they are there.
    place: Option<MessagePlace>,
}

impl Buttons {
    /// The message's components without them.
    fn rest(&self) -> JsonValue {
        self.kept.clone().unwrap_or_else(|| json!([]))
    }

    /// Answers a click with an edit. Returns whether the message is still there.
    async fn turn_to(
        &mut self,
        function: &'static str,
        click: &Arc<Interaction>,
        body: Body,
        is_last: bool,
    ) -> bool {
        if let Ok(place) = click.update(&self.cog, function, (body, Vec::new())).await {
            self.place = place.filter(|_| !is_last);
            return true;
        }
        // It was deleted, or Discord has no time for it.
        click.accept(&self.cog.services).await;
        let is_there = !is_last && click.message().is_some_and(|it| it.str("id").is_some());
        if !is_there {
            self.place = None;
        }
        is_there
    }

    /// Takes them away.
    async fn remove(mut self) {
        if let Some(place) = self.place.take() {
            without_buttons(&self.cog, place, self.rest()).await;
        }
    }
}

impl Drop for Buttons {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let (cog, rest) = (Arc::clone(&self.cog), self.rest());
            later(&self.cog, async move {
                without_buttons(&cog, place, rest).await;
            });
        }
    }
}

/// Edits a message so that it has these components and no others. It may be gone.
async fn without_buttons(cog: &CogContext, place: MessagePlace, rest: JsonValue) {
    for place in [Some(place.clone()), place.in_channel()]
        .into_iter()
        .flatten()
    {
        let body = Map::from_iter([("components".to_owned(), rest.clone())]);
        if place.edit(cog, "ctx:confirm", body).await.is_ok() {
            return;
        }
    }
}
