//! A message before it is made.

use crate::sim::ids::Id;
use crate::sim::world::{Interaction, Upload};
use serde_json::Value;

/// A message to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft<'a> {
    pub(super) author: Id,
    pub(super) channel: Id,
    pub(super) body: &'a Value,
    pub(super) files: &'a [Upload],
    /// Discord's message type, unless it is a reply.
    pub(super) kind: u64,
    /// The flags that are not the body's to set.
    pub(super) flags: u64,
    pub(super) webhook: Option<Id>,
    /// The interaction that it answers.
    pub(super) interaction: Option<&'a Interaction>,
    pub(super) only_for: Option<Id>,
    /// The id of a message that does not get a new one: the first of a forum's post has that of its thread.
    pub(super) id: Option<Id>,
}

impl<'a> Draft<'a> {
    /// A plain message of a user.
    pub(super) fn plain(author: Id, channel: Id, body: &'a Value, files: &'a [Upload]) -> Self {
        Self {
            author,
            channel,
            body,
            files,
            kind: 0,
            flags: 0,
            webhook: None,
            interaction: None,
            only_for: None,
            id: None,
        }
    }
}
