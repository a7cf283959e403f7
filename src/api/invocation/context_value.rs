//! What Luau holds of a call.

use super::Invocation;
use crate::vm::host::{Arguments, HostError, HostFailure, HostResult, describe};
use mlua::{AnyUserData, Lua, Value};
use std::sync::Arc;

/// What Luau holds of a call.
#[derive(Clone, Debug)]
pub(super) struct Context(pub(super) Arc<Invocation>);

impl Invocation {
    /// The call as its handlers get it.
    pub fn to_ctx(self: &Arc<Self>, lua: &Lua) -> mlua::Result<AnyUserData> {
        lua.create_any_userdata(Context(Arc::clone(self)))
    }
}

/// The call on which a method is called.
pub(super) fn this(arguments: &Arguments) -> HostResult<Arc<Invocation>> {
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
