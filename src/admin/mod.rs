//! `!reload` and its kin: in Rust, so that they work when every cog is broken.
