//! The socket: shards, events, the router. No other folder sees it.
