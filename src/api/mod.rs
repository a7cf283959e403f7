//! The host's modules, one file each: what a cog can `require` under `@cogsmith`.
