//! One file that is checked, and what its names mean of the host's.

use super::scopes::{Scopes, Variable};
use super::syntax::{Block, Call, Expression, Name, each};

/// The alias of the host's modules.
const HOST: &str = "@cogsmith/";

/// A file with its variables.
#[derive(Debug)]
pub(super) struct Source<'a> {
    /// `lua/cogs/ping.luau`
    pub(super) path: &'a str,
    pub(super) block: &'a Block,
    pub(super) scopes: Scopes<'a>,
}

/// `cog.wait.message_create`: a module of the host's, and the fields behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPath<'a> {
    /// `cog`
    pub(super) module: &'a str,
    /// `wait`, `message_create`
    pub(super) fields: Vec<&'a Name>,
}

impl HostPath<'_> {
    /// Whether it is this one: `cog.wait`.
    pub(super) fn is(&self, path: &str) -> bool {
        let own = self.fields.iter().map(|field| field.text.as_str());
        std::iter::once(self.module).chain(own).eq(path.split('.'))
    }
}

/// What is required.
#[derive(Clone, Copy, Debug)]
pub(super) enum Required<'a> {
    /// The module with this text.
    Written(&'a Name),
    /// One whose text is not written out.
    Computed,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a str, block: &'a Block) -> Self {
        Self {
            path,
            block,
            scopes: Scopes::of(block),
        }
    }

    /// What a variable was declared with, if nothing else says what it means.
    pub(super) fn variable(&self, name: &Name) -> Option<&Variable<'a>> {
        self.scopes.variable(name)
    }

    /// What a call requires, if it requires something.
    pub(super) fn required(&self, expression: &'a Expression) -> Option<Required<'a>> {
        let Expression::Call(call) = expression else {
            return None;
        };
        let Expression::Variable(name) = &call.callee else {
            return None;
        };
        if name.text != "require" || self.variable(name).is_some() || call.method.is_some() {
            return None;
        }
        let path = call.arguments.first().and_then(Expression::text);
        Some(path.map_or(Required::Computed, Required::Written))
    }

    /// What an expression means of the host's: `cog.fail` where `cog` is `require("@cogsmith/cog")`.
    pub(super) fn host_path(&self, expression: &'a Expression) -> Option<HostPath<'a>> {
        match expression {
            Expression::Variable(name) => self.host_path(self.variable(name)?.value?),
            Expression::Field(of, field) => {
                let mut path = self.host_path(of)?;
                path.fields.push(field);
                Some(path)
            }
            call @ Expression::Call(_) => {
                let Required::Written(path) = self.required(call)? else {
                    return None;
                };
                let module = path.text.strip_prefix(HOST)?;
                Some(HostPath {
                    module,
                    fields: Vec::new(),
                })
            }
            _ => None,
        }
    }

    /// Whether a call is one of this function of the host's.
    pub(super) fn calls(&self, call: &'a Call, path: &str) -> bool {
        call.method.is_none() && self.host_path(&call.callee).is_some_and(|it| it.is(path))
    }

    /// Calls `look` with every expression of the file.
    pub(super) fn each(&self, mut look: impl FnMut(&'a Expression)) {
        each(self.block, &mut look);
    }

    /// Calls `look` with every call of the file.
    pub(super) fn each_call(&self, mut look: impl FnMut(&'a Call)) {
        self.each(|expression| {
            if let Expression::Call(call) = expression {
                look(call);
            }
        });
    }
}
