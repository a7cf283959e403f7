//! The page: chat, reload feed, error overlay.
