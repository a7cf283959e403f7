//! The errors that stop the bot. What hurts only one cog lives in `vm::trace` and `reload::report`.
