//! From the words after a command to the options' values.

use super::super::directory::Directory;
use super::{Calling, sub_path};
use crate::api::declarations::Command;
use crate::api::invocation::Invocation;
use crate::commands::argument::{Argument, ParseContext};
use crate::commands::definition::CommandDefinition;
use crate::commands::parse::Called;
use crate::commands::reader::parse_arguments;
use crate::commands::slash_values::{Given, slash_arguments};
use crate::commands::text::Text;
use crate::commands::usage::UsageError;
use crate::json::JsonRef;
use crate::vm::trace::Fault;
use jiff::tz::TimeZone;
use mlua::{Function, Value};
use std::sync::Arc;

impl Calling<'_> {
    /// What Discord knows, as far as the caller may see it.
    pub(super) fn directory(&self) -> Directory<'_> {
        Directory::new(
            &self.cog.services,
            self.author_id,
            self.guild_id,
            self.channel_id,
        )
    }

    /// What there is to know when the text of an option of the command with this name is read.
    pub(super) fn reading<'a>(&'a self, name: &'a str) -> ParseContext<'a> {
        let names = ["attachments", "referenced_message"];
        let [attachments, replied_to] = self.call.caller.view().pick(names);
        ParseContext {
            guild_id: self.guild_id,
            channel_id: self.channel_id,
            now: self.cog.services.clock.now(),
            timezone: TimeZone::UTC,
            language: self.language,
            prefix: self.call.prefix(),
            command: name,
            attachments: attachments.unwrap_or(JsonRef::NULL).items(),
            replied_to: replied_to.filter(|it| !it.is_null()),
        }
    }

    /// Reads the arguments into the options' values: from the line, or from what a slash command has `given`. The error is the whole answer.
    pub(super) async fn arguments(
        &self,
        command: &Command,
        called: &Called<'_, '_>,
        given: Option<&Given<'_>>,
        definition: &CommandDefinition,
        context: &Arc<Invocation>,
    ) -> Result<(), String> {
        let directory = self.directory();
        let name = called.name();
        let parsing = self.reading(&name);
        let parsed = match given {
            None => parse_arguments(definition, called.line, &directory, &parsing)
                .await
                .map_err(|error| error.render())?,
            Some(given) => {
                let reading = slash_arguments(definition, given, &directory, &parsing);
                Box::pin(reading).await?
            }
        };
        let path = sub_path(&called.path);
        let mut values = Vec::new();
        for (option, argument) in parsed {
            let functions = command.options.get(&(path.clone(), option.clone()));
            let value = match (&argument, functions) {
                (Argument::Missing, Some(functions)) => {
                    Box::pin(self.default(functions.default.as_ref(), context)).await
                }
                (Argument::Unread { text, span }, Some(functions)) => {
                    let convert = functions.convert.as_ref();
                    let converted = Box::pin(self.convert(convert, text, context)).await;
                    converted.map_err(|sentence| {
                        let known = definition.options.iter().find(|it| it.name == option);
                        let known = known.filter(|_| given.is_none());
                        known.map_or_else(
                            || sentence.clone(),
                            |known| {
                                UsageError::refused(
                                    definition,
                                    known,
                                    &sentence,
                                    called.line.content,
                                    span.clone(),
                                    &parsing,
                                )
                                .render()
                            },
                        )
                    })
                }
                _ => match context.to_lua(self.live.vm.lua(), &argument) {
                    Ok(value) => Ok(value),
                    Err(failure) => {
                        let fault = Fault::of_host(&failure);
                        Err(Box::pin(self.explain(&fault, context))
                            .await
                            .unwrap_or_default())
                    }
                },
            }?;
            values.push((option, argument, value));
        }
        context.set_options(values);
        Ok(())
    }

    /// A default is a value, or a function of `ctx`.
    async fn default(
        &self,
        default: Option<&Value>,
        context: &Arc<Invocation>,
    ) -> Result<Value, String> {
        match default {
            Some(Value::Function(function)) => {
                let results = self.call_with_context(function, context, ()).await;
                match results {
                    Ok(mut values) => Ok(values.pop_front().unwrap_or(Value::Nil)),
                    Err(text) => Err(text.unwrap_or_default()),
                }
            }
            Some(value) => Ok(value.clone()),
            None => Ok(Value::Nil),
        }
    }

    /// `convert(ctx, text)` returns a value, or nil and a sentence.
    async fn convert(
        &self,
        convert: Option<&Function>,
        text: &str,
        context: &Arc<Invocation>,
    ) -> Result<Value, String> {
        let Some(convert) = convert else {
            return Ok(Value::Nil);
        };
        match self.call_with_context(convert, context, text).await {
            Ok(mut values) => match values.pop_front() {
                None | Some(Value::Nil) => Err(match values.pop_front() {
                    Some(Value::String(sentence)) => sentence.to_string_lossy(),
                    _ => Text::NotAllowed {}.say(self.language),
                }),
                Some(value) => Ok(value),
            },
            Err(text) => Err(text.unwrap_or_default()),
        }
    }
}
