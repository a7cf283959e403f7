//! What a user types: prefix parsing, options, checks, cooldowns, help.
