//! `ctx`: one call of a command, and the answers to it.
//!
//! `author, member, guild_id, in_guild, channel_id, message, command, options, prefix, locale;
//! get, reply, send, edit, delete, typing, defer, finally, refund, help`

use super::call::{call, known, make, open_direct_channel, prepare};
use super::content::Content;
use super::context::CogContext;
use super::deletion::{Deletion, MessagePlace, delete, delete_later};
use super::object::{self, Charge, Object};
use super::readonly;
use crate::commands::argument::Argument;
use crate::commands::cooldown::{Cooldowns, Taken};
use crate::commands::definition::OptionKind;
use crate::discord::complete;
use crate::discord::reply_to;
use crate::json::Json;
use crate::lock::lock;
use crate::vm::host::{Arguments, Host, HostError, HostFailure, HostResult, describe, one};
use mlua::{Function, Lua, MetaMethod, Table, UserDataRegistry, Value};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Functions that `ctx:finally` takes in one call, also from each other.
const MOST_FINALLY: usize = 100;

/// One call of a command.
#[derive(Debug)]
pub struct Invocation {
    /// Whose command it is.
    pub cog: Arc<CogContext>,
    /// Who called.
    pub author: Json,
    /// The caller as a member, with `user` and `guild_id`; nothing in a DM.
    pub member: Option<Json>,
    /// Where it was called.
    pub guild_id: Option<String>,
    /// Where it was called.
    pub channel_id: String,
    /// The message that called.
    pub message: Option<Json>,
    /// The words that call the command (`tag add`).
    pub command: String,
    /// What was typed before them.
    pub prefix: Option<String>,
    /// The language of the bot's own sentences.
    pub locale: &'static str,
    /// How the command is used, for `ctx:help()`.
    pub help: String,
    /// Whether answers are for the caller alone unless they say otherwise.
    pub ephemeral: bool,
    /// The uses that the call took from the command's cooldowns.
    pub taken: Mutex<Option<(Arc<Cooldowns>, Taken)>>,
    /// The options' values.
    pub values: Mutex<BTreeMap<String, OptionValue>>,
    /// What runs when the handler has ended, however it did.
    pub finally: Mutex<Vec<Function>>,
    /// Whether the call is over.
    pub ended: AtomicBool,
    /// How many such functions there have been.
    pub finally_count: AtomicUsize,
    /// Whether the one answer that does not count against the limit of calls has been given.
    pub answered: AtomicBool,
    /// Our last answer: its channel and id.
    pub answer: Mutex<Option<MessagePlace>>,
}

/// What the caller has given for an option.
#[derive(Clone, Debug)]
pub enum OptionValue {
    /// As the handler has it.
    Value(Value),
    /// The same for a list, and what it was made of.
    List(Value, Argument),
    /// What a list was made of whose call is over.
    Ended(Argument),
}

impl OptionValue {
    /// What became of an argument; `value` is how the handler has it.
    pub fn of(argument: Argument, value: Value) -> Self {
        match argument {
            Argument::List(_) => Self::List(value, argument),
            _ => Self::Value(value),
        }
    }

    /// What is left once the call is over: nothing that the cog's code has made, or may have changed.
    fn ended(self) -> Option<Self> {
        match self {
            Self::Value(Value::UserData(data)) if !data.is::<Object>() => None,
            Self::Value(Value::Table(_) | Value::Function(_) | Value::Thread(_)) => None,
            Self::List(_, list) => Some(Self::Ended(list)),
            other => Some(other),
        }
    }
}

/// `ctx` in Luau.
#[derive(Clone, Debug)]
pub struct Context(pub Arc<Invocation>);

struct ContextMethods(Table);

impl Invocation {
    /// The value of an option as its handler sees it.
    #[allow(clippy::cast_precision_loss, reason = "integers are within ±2^53")]
    pub fn to_lua(&self, lua: &Lua, argument: &Argument) -> HostResult<Value> {
        Ok(match argument {
            Argument::String(text) | Argument::Unread { text, .. } => {
                Value::String(lua.create_string(text)?)
            }
            Argument::Integer(number) => Value::Number(*number as f64),
            Argument::Number(number) | Argument::Duration(number) | Argument::Time(number) => {
                Value::Number(*number)
            }
            Argument::Boolean(value) => Value::Boolean(*value),
            Argument::Object(kind, json) => {
                let json = self.with_guild(*kind, json);
                object::receive(lua, &self.cog, &json, schema_of(*kind))?
            }
            Argument::Emoji(emoji) => {
                let json = Json::from(&json!({
                    "id": emoji.id, "name": emoji.name, "animated": emoji.animated,
                }));
                object::receive(lua, &self.cog, &json, Some("EmojiResponse"))?
            }
            Argument::List(items) => {
                let list = lua.create_table()?;
                for item in items {
                    list.raw_push(self.to_lua(lua, item)?)?;
                }
                Value::Table(list)
            }
            Argument::Missing => Value::Nil,
        })
    }

    /// Members and roles say which guild they are of, so that their methods work.
    fn with_guild(&self, kind: OptionKind, json: &Json) -> Json {
        match (kind, &self.guild_id) {
            (OptionKind::Member | OptionKind::Role, Some(guild)) => {
                complete::with_guild(json, guild)
            }
            _ => json.clone(),
        }
    }

    /// Answers the call: in the channel, as a reply to the caller's message, or to the caller alone.
    pub async fn reply(
        self: &Arc<Self>,
        function: &'static str,
        mut content: Content,
    ) -> HostResult<Option<Json>> {
        if let Some(id) = self.caller_message()
            && !self.goes_to_caller(&content)
            && lock(&self.answer).is_none()
        {
            let reference = content.body.entry("message_reference");
            reference.or_insert_with(|| reply_to(id));
        }
        self.send(function, content).await
    }

    /// Whether a message is for the caller alone, and the call came from where others read.
    fn goes_to_caller(&self, content: &Content) -> bool {
        content.ephemeral.unwrap_or(self.ephemeral) && self.guild_id.is_some()
    }

    /// Sends a message to where the call came from, or to the caller alone.
    async fn send(
        self: &Arc<Self>,
        function: &'static str,
        content: Content,
    ) -> HostResult<Option<Json>> {
        let cog = &self.cog;
        let to_caller = self.goes_to_caller(&content);
        let deletion = Deletion::of(cog, function, content.delete_after)?;
        let mut body = content.body;
        body.insert("channel_id".to_owned(), self.channel_id.as_str().into());
        let operation = known("create_message")?;
        // What is wrong with it is found before a channel is opened for it.
        let mut call = prepare(
            cog,
            function,
            operation,
            body.clone(),
            content.files.clone(),
            self.caller_message(),
        )?
        .needing(None);
        // Every call of a command is owed one answer, however many users call at once.
        let is_first = !self.answered.swap(true, Ordering::Relaxed);
        if !is_first {
            cog.wait_to_call(function).await?;
        }
        if to_caller {
            let channel = open_direct_channel(
                cog,
                function,
                self.author.str("id").unwrap_or_default().into(),
            )
            .await?;
            body.insert("channel_id".to_owned(), channel.into());
            drop(call);
            let heard = self.caller_message();
            call = prepare(cog, function, operation, body, content.files, heard)?.needing(None);
        }
        let message = make(cog, call).await?;
        if let Some(answer) = message.as_ref().and_then(MessagePlace::of) {
            *lock(&self.answer) = Some(answer.clone());
            delete_later(cog, answer, deletion);
        }
        Ok(message)
    }

    /// The id of the message that called.
    fn caller_message(&self) -> Option<&str> {
        self.message.as_ref()?.str("id")
    }

    /// Edits the last answer.
    async fn edit(
        self: &Arc<Self>,
        function: &'static str,
        content: Content,
    ) -> HostResult<Option<Json>> {
        let answer = self.last_answer(function)?;
        let deletion = Deletion::of(&self.cog, function, content.delete_after)?;
        let mut body = content.body;
        answer.add_to(&mut body);
        let edited = call(&self.cog, function, "update_message", body, content.files).await?;
        delete_later(&self.cog, answer, deletion);
        Ok(edited)
    }

    /// Ends the call: lets go of what the cog's code has made, which may hold the call in turn, so that
    /// neither would ever be freed. What the caller has given stays for tasks that go on.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        let finally = std::mem::take(&mut *lock(&self.finally));
        drop(finally);
        let mut values = lock(&self.values);
        let ended = std::mem::take(&mut *values).into_iter();
        let ended = ended.filter_map(|(name, value)| Some((name, value.ended()?)));
        *values = ended.collect();
    }

    /// The value of an option; nothing if there is none (any more).
    fn value(&self, lua: &Lua, name: &str) -> HostResult<Option<Value>> {
        let value = lock(&self.values).get(name).cloned();
        Ok(match value {
            None => None,
            Some(OptionValue::Value(value) | OptionValue::List(value, _)) => Some(value),
            Some(OptionValue::Ended(list)) => Some(self.to_lua(lua, &list)?),
        })
    }

    /// Refuses once the call is over.
    fn still_on(&self, function: &str) -> HostResult<()> {
        if self.ended.load(Ordering::Relaxed) {
            let message = format!("{function}: the call of the command has ended");
            return Err(HostError::new("phase", message).into());
        }
        Ok(())
    }

    fn last_answer(&self, function: &str) -> HostResult<MessagePlace> {
        lock(&self.answer).clone().ok_or_else(|| {
            let message = format!("{function}: there is no answer yet; call ctx:reply first");
            HostError::new("argument", message).into()
        })
    }
}

fn schema_of(kind: OptionKind) -> Option<&'static str> {
    Some(match kind {
        OptionKind::User => "UserResponse",
        OptionKind::Member => "GuildMemberResponse",
        OptionKind::Channel => "GuildChannelResponse",
        OptionKind::Role => "GuildRoleResponse",
        OptionKind::Message => "MessageResponse",
        OptionKind::Attachment => "MessageAttachmentResponse",
        _ => return None,
    })
}

/// Makes the type and its methods known to the VM.
pub fn install(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<()> {
    let methods = lua.create_table()?;
    install_answers(lua, host, &methods)?;
    install_rest(lua, host, &methods)?;
    lua.set_app_data(ContextMethods(methods));
    let owner = Arc::clone(cog);
    let index = host.function(lua, "ctx", move |lua, arguments| {
        index(lua, &owner, arguments)
    })?;
    let refuse_write = readonly::of_context(lua, host)?;
    lua.register_userdata_type::<Context>(move |registry: &mut UserDataRegistry<Context>| {
        use mlua::{UserDataFields, UserDataMethods};
        registry.add_meta_field("__type", "ctx");
        registry.add_meta_field_with(MetaMethod::NewIndex.name(), move |_| Ok(refuse_write));
        registry.add_meta_field_with(MetaMethod::Index.name(), move |_| Ok(index));
        registry.add_meta_method(MetaMethod::ToString.name(), |_, this, ()| {
            Ok(format!("ctx of {}", this.0.command))
        });
    })
}

fn this(arguments: &Arguments) -> HostResult<Arc<Invocation>> {
    let value = arguments.value(0);
    let wrong = || -> HostFailure {
        let name = arguments.function();
        let got = describe(&value);
        let message = format!("{name}: called on {got}; write a colon, as in `{name}(…)`");
        HostError::new("argument", message).into()
    };
    let Value::UserData(data) = &value else {
        return Err(wrong());
    };
    data.borrow::<Context>()
        .map(|context| Arc::clone(&context.0))
        .map_err(|_| wrong())
}

/// A field of `ctx`, or a method.
fn index(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let context = this(arguments)?;
    let name = arguments.string(1, "the field")?;
    let object = |json: &Json, schema| {
        let charge = Charge::new(lua, cog, json)?;
        Ok(object::to_lua(lua, json, Some(schema), &charge)?)
    };
    let only_in_guild = || -> HostFailure {
        let message =
            format!("ctx.{name}: this call comes from a direct message; test ctx.in_guild first");
        HostError::new("argument", message).into()
    };
    match name.as_str() {
        "author" => object(&context.author, "UserResponse"),
        "member" => match &context.member {
            Some(member) => object(member, "GuildMemberResponse"),
            None => Err(only_in_guild()),
        },
        "guild_id" => match &context.guild_id {
            Some(id) => one(lua, id.as_str()),
            None => Err(only_in_guild()),
        },
        "in_guild" => one(lua, context.guild_id.is_some()),
        "channel_id" => one(lua, context.channel_id.as_str()),
        "message" => match &context.message {
            Some(message) => object(message, "MessageResponse"),
            None => Ok(Value::Nil),
        },
        "command" => one(lua, context.command.as_str()),
        "prefix" => one(lua, context.prefix.as_deref()),
        "locale" => one(lua, context.locale),
        "options" => {
            let options = lua.create_table()?;
            let names: Vec<_> = lock(&context.values).keys().cloned().collect();
            for name in names {
                let value = context.value(lua, &name)?;
                options.raw_set(name, value)?;
            }
            options.set_readonly(true);
            one(lua, options)
        }
        "values" | "fields" => one(lua, lua.create_table()?),
        method => {
            let methods = lua.app_data_ref::<ContextMethods>();
            match methods {
                Some(methods) => Ok(methods.0.raw_get(method)?),
                None => Ok(Value::Nil),
            }
        }
    }
}

type Answering = Pin<Box<dyn Future<Output = HostResult<Option<Json>>> + Send>>;
type AnswerMethod = fn(Arc<Invocation>, &'static str, Content) -> Answering;

fn install_answers(lua: &Lua, host: &Host, methods: &Table) -> mlua::Result<()> {
    let answers: [(&str, &'static str, AnswerMethod); 3] = [
        ("reply", "ctx:reply", |call, name, content| {
            Box::pin(async move { call.reply(name, content).await })
        }),
        ("send", "ctx:send", |call, name, content| {
            Box::pin(async move { call.send(name, content).await })
        }),
        ("edit", "ctx:edit", |call, name, content| {
            Box::pin(async move { call.edit(name, content).await })
        }),
    ];
    for (key, name, answer) in answers {
        let method = host.async_function(lua, name, move |lua, arguments| {
            let prepared = CogContext::may_act(&lua, name)
                .and_then(|_| this(&arguments))
                .and_then(|context| Ok((context, Content::read(&arguments, 1)?)));
            async move {
                let (call, content) = prepared?;
                let cog = Arc::clone(&call.cog);
                match answer(call, name, content).await? {
                    Some(json) => object::receive(&lua, &cog, &json, Some("MessageResponse")),
                    None => Ok(Value::Nil),
                }
            }
        })?;
        methods.raw_set(key, method)?;
    }
    Ok(())
}

fn install_rest(lua: &Lua, host: &Host, methods: &Table) -> mlua::Result<()> {
    let delete_answer = host.async_function(lua, "ctx:delete", |lua, arguments| {
        let prepared = CogContext::may_act(&lua, "ctx:delete").and_then(|_| this(&arguments));
        async move {
            let context = prepared?;
            let answer = context.last_answer("ctx:delete")?;
            delete(&context.cog, "ctx:delete", &answer).await?;
            lock(&context.answer).take();
            Ok(())
        }
    })?;
    methods.raw_set("delete", delete_answer)?;
    let typing = host.async_function(lua, "ctx:typing", |lua, arguments| {
        let prepared = CogContext::may_act(&lua, "ctx:typing").and_then(|_| this(&arguments));
        async move {
            let context = prepared?;
            let channel = [("channel_id".to_owned(), context.channel_id.as_str().into())];
            let channel = Map::from_iter(channel);
            call(
                &context.cog,
                "ctx:typing",
                "trigger_typing_indicator",
                channel,
                Vec::new(),
            )
            .await?;
            Ok(())
        }
    })?;
    methods.raw_set("typing", typing)?;
    let help = host.async_function(lua, "ctx:help", |lua, arguments| {
        let prepared = CogContext::may_act(&lua, "ctx:help").and_then(|_| this(&arguments));
        async move {
            let call = prepared?;
            let content = Content::of_text(&call.help);
            call.reply("ctx:help", content).await?;
            Ok(())
        }
    })?;
    methods.raw_set("help", help)?;
    methods.raw_set("get", host.function(lua, "ctx:get", get)?)?;
    // A typed command has no deadline for its answer, so there is nothing to put off.
    let defer = host.function(lua, "ctx:defer", |_, arguments| this(arguments).map(|_| ()))?;
    methods.raw_set("defer", defer)?;
    let finally = host.function(lua, "ctx:finally", |_, arguments| {
        let context = this(arguments)?;
        let function = arguments.callback(1, "the function")?;
        if context.finally_count.fetch_add(1, Ordering::Relaxed) >= MOST_FINALLY {
            let message = format!("ctx:finally: at most {MOST_FINALLY} functions in one call");
            return Err(HostError::new("limit", message).into());
        }
        let mut finally = lock(&context.finally);
        context.still_on("ctx:finally")?;
        finally.push(function);
        Ok(())
    })?;
    methods.raw_set("finally", finally)?;
    let refund = host.function(lua, "ctx:refund", |_, arguments| {
        if let Some((cooldowns, taken)) = lock(&this(arguments)?.taken).take() {
            cooldowns.refund(taken);
        }
        Ok(())
    })?;
    methods.raw_set("refund", refund)
}

/// `ctx:get(option)`: the value of an option that the command declares.
fn get(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let context = this(arguments)?;
    let option = arguments.value(1);
    let name = match &option {
        Value::Table(table) => match table.raw_get::<Value>("name")? {
            Value::String(name) => name.to_string_lossy(),
            _ => return Err(arguments.wrong("the option", "an option", &option)),
        },
        Value::String(name) => name.to_string_lossy(),
        other => return Err(arguments.wrong("the option", "an option", other)),
    };
    if let Some(value) = context.value(lua, &name)? {
        return Ok(value);
    }
    context.still_on("ctx:get")?;
    let message = format!(
        "ctx:get: the command \"{}\" has no option \"{name}\"; list it in its options",
        context.command
    );
    Err(HostError::new("argument", message).into())
}
