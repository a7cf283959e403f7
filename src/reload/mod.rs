//! From a saved file to new code that answers:
//!
//! ```text
//! watch (files that changed) ─ sources (an immutable snapshot) ─ plan (pure) ─ prepare (stage) ─ commit (swap) ─ report
//! ```

pub mod report;
