//! What can go wrong with state, explained to the author of a cog or the operator of the bot.

/// An error of the state store. Paths are rendered as authors write them.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StateError {
    /// A scope was asked for with the wrong number of ids.
    #[error("{function}: expected {expected}, got {got} argument(s)")]
    Ids {
        /// `state.member`
        function: String,
        /// `guild_id, user_id`
        expected: String,
        /// How many came.
        got: usize,
    },
    /// An id is not one.
    #[error("{function}: {field} {problem}")]
    Id {
        /// `state.member`
        function: String,
        /// `user_id`
        field: String,
        /// `is "abc"; an id is a string of digits`
        problem: String,
    },
    /// A write below something that is not a table, or no longer.
    #[error("{path} cannot be written: {parent} is not a table (was it removed?)")]
    MissingParent {
        /// What was to be written.
        path: String,
        /// The nearest thing above it that is missing or not a table.
        parent: String,
    },
    /// A scope is a table and nothing else.
    #[error("{path} is a table; only a table can take its place")]
    Root {
        /// The scope.
        path: String,
    },
    /// NaN cannot be stored: it would not be found again.
    #[error("{path}: NaN cannot be stored")]
    NotANumber {
        /// Where it was to go.
        path: String,
    },
    /// Tables are nested too deep.
    #[error("{path}: tables are nested deeper than the limit of {limit}")]
    Depth {
        /// The first entry that is too deep.
        path: String,
        /// In keys below the scope.
        limit: usize,
    },
    /// A key is too long.
    #[error("{path}: a key of {got} bytes is longer than the limit of {limit}")]
    KeyLength {
        /// The entry.
        path: String,
        /// In bytes.
        limit: usize,
        /// In bytes.
        got: usize,
    },
    /// The keys on the way to an entry are too long together.
    #[error(
        "{path}: the keys up to here are {got} bytes together, which is more than the limit of {limit}"
    )]
    PathLength {
        /// The entry.
        path: String,
        /// In bytes.
        limit: usize,
        /// In bytes.
        got: usize,
    },
    /// One value is too large.
    #[error(
        "{path}: a value of {got} bytes is larger than the limit of {limit} (limits.state_value_kb); split it over several keys"
    )]
    ValueSize {
        /// The entry.
        path: String,
        /// In bytes.
        limit: usize,
        /// In bytes.
        got: usize,
    },
    /// A namespace is full, or a cog has used up its room in all shared ones.
    #[error(
        "{path}: with this {what} would have {got} bytes, more than the limit of {limit} (limits.state_mb); remove what is no longer needed"
    )]
    NamespaceSize {
        /// The entry.
        path: String,
        /// `the state of cog:leveling`
        what: String,
        /// In bytes.
        limit: usize,
        /// In bytes.
        got: usize,
    },
    /// A transaction or an `on_load` changes too much.
    #[error("{path}: more than {limit} changes in one transaction; split it into several")]
    Changes {
        /// The entry that was one too many.
        path: String,
        /// In entries.
        limit: usize,
    },
    /// Two calls of `state.defaults` disagree.
    #[error(
        "{path} has two different defaults; the calls of state.defaults and state.rows in a cog and its services must agree"
    )]
    DefaultConflict {
        /// `state.member.xp`
        path: String,
    },
    /// A transaction has read more scopes than can be tracked. Nothing was written.
    #[error(
        "the transaction was not applied: it looks at more than {limit} scopes; split it into several"
    )]
    Looks {
        /// In scopes.
        limit: usize,
    },
    /// Somebody else changed what a transaction had read. Nothing was written.
    #[error(
        "the transaction was not applied: {path} was changed by somebody else meanwhile; try it again"
    )]
    Conflict {
        /// The scope.
        path: String,
    },
    /// A transaction was ended that had not begun.
    #[error("no transaction has begun")]
    NoTransaction,
    /// The database is open elsewhere.
    #[error(
        "the state database {path} is in use by another process; stop the other bot, or give this one a folder of its own"
    )]
    InUse {
        /// The database file.
        path: String,
    },
    /// The database is from the future.
    #[error(
        "the state database {path} has format {found}, and this version knows {known}; run the newer version, or restore a backup"
    )]
    Newer {
        /// The database file.
        path: String,
        /// Its format.
        found: i64,
        /// The newest format that is understood here.
        known: i64,
    },
    /// Something else has this name.
    #[error("{path} is not a state database of Cogsmith; name another file in state.url")]
    Foreign {
        /// The file.
        path: String,
    },
    /// The database cannot be read.
    #[error("the state database {path} is damaged ({reason}); restore a backup, or move it away")]
    Damaged {
        /// The database file.
        path: String,
        /// What was found.
        reason: String,
    },
    /// The database cannot be opened.
    #[error("the state database {path} cannot be opened: {reason}")]
    Open {
        /// The database file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The database cannot be written now. Nothing is lost in memory, and writing is tried again.
    #[error(
        "the state could not be saved to {path}: {reason}; it is kept in memory and saving is tried again"
    )]
    Disk {
        /// The database file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The bot itself failed. Nothing is lost in memory, and writing is tried again.
    #[error(
        "the state could not be saved, because the bot itself failed while it wrote; it is kept in memory and saving is tried again"
    )]
    Failed,
    /// The store has been closed.
    #[error("the state store is closed; nothing is saved any more")]
    Closed,
}
