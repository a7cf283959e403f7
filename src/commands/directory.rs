//! The questions to Discord that reading an option's text may need; `src/cogs/directory.rs` answers them.

use crate::json::Json;
use std::future::Future;

/// Discord did not answer, so it is unknown whether there is such an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTold;

/// Discord's answer, if there was one.
pub type Told<T> = Result<T, NotTold>;

/// The objects that Discord knows, as far as the caller may see them: the answer for a channel or message that the
/// caller cannot see must be `None`. Ids have at most 20 digits; names come as typed.
pub trait Directory: Sync {
    /// The user with this id.
    fn user(&self, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
    /// The member with this user id, with its `user`.
    fn member(&self, guild: &str, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
    /// All members with this name, and others: which ones fit is decided here.
    fn member_by_name(
        &self,
        guild: &str,
        name: &str,
    ) -> impl Future<Output = Told<Vec<Json>>> + Send;
    /// The channel or thread with this id, with its `guild_id`.
    fn channel(&self, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
    /// The channels of the guild with a name like this one; which ones fit is decided here.
    fn channel_by_name(
        &self,
        guild: &str,
        name: &str,
    ) -> impl Future<Output = Told<Vec<Json>>> + Send;
    /// The role with this id.
    fn role(&self, guild: &str, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
    /// The roles of the guild with a name like this one; which ones fit is decided here.
    fn role_by_name(&self, guild: &str, name: &str)
    -> impl Future<Output = Told<Vec<Json>>> + Send;
    /// The guild's own emoji with a name like this one; which ones fit is decided here.
    fn emoji_by_name(
        &self,
        guild: &str,
        name: &str,
    ) -> impl Future<Output = Told<Vec<Json>>> + Send;
    /// The message with this id.
    fn message(&self, channel: &str, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
}
