//! Discord in facts and calls: the operation table, argument checks, outbound requests, the cache, permissions.
