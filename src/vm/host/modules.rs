//! The modules under `@cogsmith`. Each is made when code of the VM first requires it, and stays as it is then: most cogs
//! require few of them, and memory for all of them in each of many VMs would be several times what the cogs take.
//!
//! A module is made in the middle of an author's code, but none of an author's runs in it: by then the libraries that it
//! is made with are read-only.

use crate::lock::lock;
use mlua::{Lua, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

type Make = Box<dyn Fn(&Lua) -> mlua::Result<Value> + Send + Sync>;

/// The modules under `@cogsmith` of one VM.
#[derive(Default)]
pub struct HostModules {
    makers: BTreeMap<&'static str, Make>,
    made: Mutex<BTreeMap<&'static str, Value>>,
}

impl fmt::Debug for HostModules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.makers.keys()).finish()
    }
}

impl HostModules {
    /// One more module, and how it is made. If that fails it is tried again with the next `require`.
    #[must_use]
    pub fn with(
        mut self,
        name: &'static str,
        make: impl Fn(&Lua) -> mlua::Result<Value> + Send + Sync + 'static,
    ) -> Self {
        self.makers.insert(name, Box::new(make));
        self
    }

    /// The names of all of them.
    pub(in crate::vm) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.makers.keys().copied()
    }

    /// The module of this name, or nothing if there is none.
    pub(in crate::vm) fn get(&self, lua: &Lua, name: &str) -> mlua::Result<Option<Value>> {
        if let Some(module) = lock(&self.made).get(name) {
            return Ok(Some(module.clone()));
        }
        let Some((name, make)) = self.makers.get_key_value(name) else {
            return Ok(None);
        };
        let module = make(lua)?;
        lock(&self.made).insert(name, module.clone());
        Ok(Some(module))
    }
}
