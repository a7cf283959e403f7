//! Somebody has used a button, a menu or a modal: finds what handles its custom id, and calls it.
//!
//! ```text
//! the most exact template ─ its checks ─ handler ─ finally
//! ```

use super::{Calling, EndOfCall};
use crate::api::declarations::Use;
use crate::api::interaction::Interaction;
use crate::api::invocation::{self, CallOrigin, Invocation};
use crate::commands::checks::Verdict;
use crate::commands::text::Text;
use crate::vm::trace::Fault;
use mlua::Lua;
use std::sync::Arc;

impl Calling<'_> {
    /// The error is the message for the user, unless the handler has sent one.
    pub(super) async fn use_component(
        &self,
        used: Use,
        interaction: &Arc<Interaction>,
    ) -> Result<(), Option<String>> {
        let id = interaction.data().str("custom_id").unwrap_or_default();
        let Some((component, values)) = self.live.declarations.component(used, id) else {
            // The part before the first colon is this cog's, and no template is like the rest.
            return Err(Some(self.say(Text::CommandGone {})));
        };
        let called = invocation::Called {
            name: component.template.text().to_owned(),
            command: None,
            prefix: None,
            locale: self.call.locale(self.cog),
            is_run: false,
            language: self.language,
            ephemeral: false,
            declared: Arc::downgrade(&self.live.declarations),
        };
        let origin = CallOrigin::Interaction(Arc::clone(interaction));
        let context = Invocation::of_call(self.cog, &self.call.caller, origin, called);
        let context = Arc::new(context);
        let _end = EndOfCall(&context);
        let checks: Vec<_> = component.checks.checks.iter().collect();
        let verdict = self.decide(&checks, &component.checks.functions, &context);
        if let Verdict::Denied { kind, message } = verdict.await? {
            return Box::pin(self.deny(&context, kind, message)).await;
        }
        let lua = self.live.vm.lua();
        let arguments = context.to_ctx(lua).and_then(|context| {
            let values = arguments(lua, values)?;
            Ok((context, values))
        });
        let result = match arguments {
            Ok(arguments) => self.call_handler(&component.handler, arguments).await,
            Err(_) => Err(Fault::Panic),
        };
        let result = self.end_of_handler(result, &context).await;
        self.run_finally(&context).await;
        result
    }
}

/// The values in a custom id, as the handler has them.
fn arguments(lua: &Lua, values: Vec<(&str, String)>) -> mlua::Result<mlua::Table> {
    let arguments = lua.create_table()?;
    for (name, value) in values {
        arguments.raw_set(name, value)?;
    }
    arguments.set_readonly(true);
    Ok(arguments)
}
