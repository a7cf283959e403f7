//! The cogs that run: host (name → handle), actor (one task and mailbox a cog), manifest.
