//! `ctx` in Luau.

use super::context_value::{Context, this};
use super::{CallOrigin, Invocation};
use super::{dialogs, fields, resolved};
use crate::api::answer::CallAnswer;
use crate::api::content::Content;
use crate::api::context::CogContext;
use crate::api::fields::Fields;
use crate::api::object;
use crate::api::phase::may_act;
use crate::api::readonly;
use crate::api::texts;
use crate::json::Json;
use crate::vm::host::{Arguments, Host, HostChunk, HostError, HostFailure, HostResult, one};
use mlua::{Function, Lua, MetaMethod, Table, UserDataRegistry, Value};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Characters of a line for `ctx:run`: nobody can type a longer one.
const LONGEST_LINE: usize = 4_000;

/// The half that is Luau: methods are looked up often.
static CHUNK: HostChunk = HostChunk::new("ctx", include_str!("ctx.luau"));

/// Makes the type and its methods known to the VM.
pub(in crate::api) fn install(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<()> {
    let methods = lua.create_table()?;
    install_answers(lua, host, &methods)?;
    install_rest(lua, host, &methods)?;
    dialogs::install(lua, host, &methods)?;
    methods.set_readonly(true);
    let owner = Arc::clone(cog);
    let field = host.function(lua, "ctx", move |lua, arguments| {
        field(lua, &owner, arguments)
    })?;
    let index: Function = CHUNK.load(lua, (methods, field))?;
    let refuse_write = readonly::of_context(lua, host)?;
    lua.register_userdata_type::<Context>(move |registry: &mut UserDataRegistry<Context>| {
        use mlua::{UserDataFields, UserDataMethods};
        registry.add_meta_field("__type", "ctx");
        registry.add_meta_field_with(MetaMethod::NewIndex.name(), move |_| Ok(refuse_write));
        registry.add_meta_field_with(MetaMethod::Index.name(), move |_| Ok(index));
        registry.add_meta_method(MetaMethod::ToString.name(), |_, this, ()| {
            Ok(format!("ctx of {}", this.0.called.name))
        });
    })
}

/// A field of `ctx`.
fn field(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let context = this(arguments)?;
    let name = arguments.string(1, "the field")?;
    let object = |json: &Json, schema| {
        let charge = cog.charges.of_json(lua, json)?;
        Ok(object::to_lua(lua, json.view(), Some(schema), &charge)?)
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
        "message" => match &context.origin {
            CallOrigin::Message(message) => object(message, "MessageResponse"),
            CallOrigin::Interaction(interaction) => match interaction.message() {
                Some(message) => {
                    let charge = cog.charges.of_json(lua, interaction.event())?;
                    Ok(object::to_lua(
                        lua,
                        message,
                        Some("MessageResponse"),
                        &charge,
                    )?)
                }
                None => Ok(Value::Nil),
            },
            CallOrigin::Completion(_) => Ok(Value::Nil),
        },
        "interaction" => match &context.origin {
            CallOrigin::Message(_) => Ok(Value::Nil),
            CallOrigin::Interaction(interaction) | CallOrigin::Completion(interaction) => {
                let schema = crate::discord::event("interaction_create");
                let json = interaction.event();
                let charge = cog.charges.of_json(lua, json)?;
                let schema = schema.map(|event| event.gateway_name);
                Ok(object::to_lua(lua, json.view(), schema, &charge)?)
            }
        },
        "command" => one(lua, context.called.name.as_str()),
        "prefix" => one(lua, context.called.prefix.as_deref()),
        "locale" => one(lua, context.called.locale.as_str()),
        "options" => {
            let options = lua.create_table()?;
            for name in context.option_names() {
                let value = context.value(lua, &name)?;
                options.raw_set(name, value)?;
            }
            options.set_readonly(true);
            one(lua, options)
        }
        "values" => one(lua, resolved::values(lua, &context)?),
        "resolved" => one(lua, resolved::resolved(lua, cog, &context)?),
        "fields" => one(lua, fields::fields(lua, cog, &context)?),
        _ => Ok(Value::Nil),
    }
}

type Answering = Pin<Box<dyn Future<Output = HostResult<Option<CallAnswer>>> + Send>>;
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
            let prepared = may_act(&lua, name)
                .and_then(|_| this(&arguments))
                .and_then(|context| Ok((context, Content::read(&arguments, 1)?)));
            async move {
                let (call, content) = prepared?;
                let cog = Arc::clone(&call.cog);
                match answer(call, name, content).await? {
                    Some(answer) => {
                        object::receive_answer(&lua, &cog, answer, Some("MessageResponse"))
                    }
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
        let prepared = may_act(&lua, "ctx:delete").and_then(|_| this(&arguments));
        async move { prepared?.delete("ctx:delete").await }
    })?;
    methods.raw_set("delete", delete_answer)?;
    let typing = host.async_function(lua, "ctx:typing", |lua, arguments| {
        let prepared = may_act(&lua, "ctx:typing").and_then(|_| this(&arguments));
        async move { prepared?.typing("ctx:typing").await }
    })?;
    methods.raw_set("typing", typing)?;
    let help = host.async_function(lua, "ctx:help", |lua, arguments| {
        let prepared = may_act(&lua, "ctx:help").and_then(|_| this(&arguments));
        async move {
            let call = prepared?;
            let content = Content::of_text(&call.called.help());
            call.reply("ctx:help", content).await?;
            Ok(())
        }
    })?;
    methods.raw_set("help", help)?;
    methods.raw_set("get", host.function(lua, "ctx:get", get)?)?;
    let update = host.async_function(lua, "ctx:update", |lua, arguments| {
        let prepared = may_act(&lua, "ctx:update")
            .and_then(|_| this(&arguments))
            .and_then(|context| Ok((context, Content::read(&arguments, 1)?)));
        async move {
            let (call, content) = prepared?;
            call.update("ctx:update", content).await
        }
    })?;
    methods.raw_set("update", update)?;
    let defer = host.async_function(lua, "ctx:defer", |lua, arguments| {
        let prepared = may_act(&lua, "ctx:defer")
            .and_then(|_| this(&arguments))
            .and_then(|context| Ok((context, how_to_defer(&arguments)?)));
        async move {
            let (call, ephemeral) = prepared?;
            call.defer("ctx:defer", ephemeral).await
        }
    })?;
    methods.raw_set("defer", defer)?;
    let finally = host.function(lua, "ctx:finally", |_, arguments| {
        let context = this(arguments)?;
        let function = arguments.callback(1, "the function")?;
        context.add_finally(function)
    })?;
    methods.raw_set("finally", finally)?;
    let run = host.async_function(lua, "ctx:run", |lua, arguments| {
        let prepared = may_act(&lua, "ctx:run").and_then(|_| {
            let context = this(&arguments)?;
            let line = arguments.short_string(1, "the line", LONGEST_LINE)?;
            Ok((context, line))
        });
        async move {
            let (call, line) = prepared?;
            call.run(&lua, "ctx:run", &line).await
        }
    })?;
    methods.raw_set("run", run)?;
    let refund = host.function(lua, "ctx:refund", |_, arguments| {
        this(arguments)?.refund();
        Ok(())
    })?;
    methods.raw_set("refund", refund)?;
    let translate = host.function(lua, "ctx:t", |lua, arguments| {
        let context = this(arguments)?;
        let locale = context.called.locale.as_str();
        one(lua, texts::translate(lua, &context.cog, locale, arguments)?)
    })?;
    methods.raw_set("t", translate)
}

/// `{ ephemeral? }`
fn how_to_defer(arguments: &Arguments) -> HostResult<Option<bool>> {
    if arguments.value(1).is_nil() {
        return Ok(None);
    }
    let table = arguments.table(1, "how")?;
    let fields = Fields::of("ctx:defer", &table);
    fields.only(&["ephemeral"])?;
    fields.boolean("ephemeral")
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
        context.called.name
    );
    Err(HostError::new("argument", message).into())
}
