//! Conversations: recorded, written as specs that pass and fail, and played again.

mod recorded;
mod replayed;
mod stage;
