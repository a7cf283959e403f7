//! The table that Rust owns: tree, journal, SQLite.
