//! The codes with which Discord closes a gateway connection.

/// A close code with Discord's words for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Close(pub(super) u16, pub(super) &'static str);

pub(super) const UNKNOWN_ERROR: Close = Close(4000, "Unknown error.");
pub(super) const UNKNOWN_OPCODE: Close = Close(4001, "Unknown opcode.");
pub(super) const DECODE_ERROR: Close = Close(4002, "Error while decoding payload.");
pub(super) const NOT_AUTHENTICATED: Close = Close(4003, "Not authenticated.");
pub(super) const AUTHENTICATION_FAILED: Close = Close(4004, "Authentication failed.");
pub(super) const ALREADY_AUTHENTICATED: Close = Close(4005, "Already authenticated.");
pub(super) const INVALID_SEQUENCE: Close = Close(4007, "Invalid seq.");
pub(super) const RATE_LIMITED: Close = Close(4008, "Rate limited.");
pub(super) const TIMED_OUT: Close = Close(4009, "Session timed out.");
pub(super) const INVALID_SHARD: Close = Close(4010, "Invalid shard.");
pub(super) const INVALID_VERSION: Close = Close(4012, "Invalid API version.");
pub(super) const INVALID_INTENTS: Close = Close(4013, "Invalid intent(s).");
pub(super) const DISALLOWED_INTENTS: Close = Close(4014, "Disallowed intent(s).");
pub(super) const GOING_AWAY: Close = Close(1001, "Going away.");
