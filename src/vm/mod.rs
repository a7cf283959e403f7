//! A Luau VM for each cog: build, limits, require, trace.
