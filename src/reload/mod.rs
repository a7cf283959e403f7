//! From a saved file to new code that answers:
//!
//! ```text
//! watch (files that changed) ─ sources (an immutable snapshot) ─ plan (pure, over graph) ─ transaction (prepare all, commit all or none of each connected part) ─ report
//! ```
//!
//! `watch`, `sources`, `plan`, `transaction` and `report` are these steps in this order. `graph` keeps what each cog has
//! loaded and which cogs are dirty. `controller` runs the steps one reload after the other, whether a file or an admin
//! asked.

pub mod controller;
mod graph;
pub mod plan;
pub mod report;
pub mod sources;
pub mod transaction;
pub mod watch;
