//! A typed command that nobody has: the cog may know what to do with it.

use super::super::fault::report;
use super::{Calling, EndOfCall, invocation};
use crate::api::declarations::Hook;
use crate::api::lines::Line;
use crate::api::own_messages::Tie;
use crate::vm::trace::Fault;
use mlua::{MultiValue, Value};
use std::sync::Arc;

impl Calling<'_> {
    /// Calls the `cog.on_unknown_command` functions until one returns true, or has something to tell with `cog.fail`.
    pub(super) async fn ask_of_unknown(&self, line: &Line) -> Result<(), Option<String>> {
        let context = invocation(
            self.cog,
            self.call,
            (self.locale, self.language),
            &line.name,
            None,
        );
        let context = Arc::new(context);
        let _end = EndOfCall(&context);
        let own_messages = &self.cog.services.own_messages;
        own_messages.note(&self.cog.name, self.message_id, Tie::Called);
        let rest = self.call.line();
        let rest = rest.content.get(rest.arguments..).unwrap_or_default();
        let mut taken = Err(None);
        for hook in self.live.hooks(Hook::Unknown) {
            let arguments = context
                .to_ctx(self.live.vm.lua())
                .map(|context| (context, line.name.clone(), rest.trim().to_owned()));
            let returned = match arguments {
                Ok(arguments) => self.call_handler(&hook, arguments).await,
                Err(_) => Err(Fault::Panic),
            };
            taken = match returned {
                Ok(values) if is_true(&values) => Ok(()),
                Ok(_) => Err(None),
                Err(fault) => {
                    let told = fault.told_to_user().map(str::to_owned);
                    if told.is_none() {
                        report(self.cog, self.live, &fault, None).await;
                    }
                    Err(told)
                }
            };
            if taken != Err(None) {
                break;
            }
        }
        self.run_finally(&context).await;
        taken
    }
}

fn is_true(values: &MultiValue) -> bool {
    !matches!(
        values.front(),
        None | Some(Value::Nil | Value::Boolean(false))
    )
}
