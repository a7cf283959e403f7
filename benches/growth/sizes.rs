//! How much is measured.

/// Sizes and durations, from small to large.
pub(super) struct Sizes {
    /// How many cogs there are.
    pub(super) cogs: &'static [usize],
    /// Messages for each measurement with one cog that listens.
    pub(super) messages: u64,
    /// The same when many listen, counted as deliveries to one of them.
    pub(super) deliveries: u64,
    /// Shared modules.
    pub(super) modules: &'static [usize],
    /// Reloads, of which the median counts.
    pub(super) saves: usize,
    /// Keys in the state.
    pub(super) keys: &'static [u64],
    pub(super) shards: &'static [u64],
    /// How long events come to each number of shards.
    pub(super) shards_seconds: u32,
    /// Guilds of the large bot, and its shards: as many as Discord asks for.
    pub(super) guilds: u64,
    pub(super) large_shards: u64,
    /// Events a second.
    pub(super) pace: u32,
    /// How long they come: with presences, and without.
    pub(super) all_seconds: u32,
    pub(super) some_seconds: u32,
}

const FULL: Sizes = Sizes {
    cogs: &[1, 10, 100, 1_000],
    messages: 50_000,
    deliveries: 150_000,
    modules: &[10, 100, 1_000, 5_000],
    saves: 20,
    keys: &[0, 1_000, 10_000, 100_000, 300_000, 1_000_000],
    shards: &[1, 4, 16],
    shards_seconds: 20,
    guilds: 10_000,
    large_shards: 4,
    pace: 5_000,
    all_seconds: 60,
    some_seconds: 240,
};

const QUICK: Sizes = Sizes {
    cogs: &[1, 10, 30],
    messages: 4_000,
    deliveries: 4_000,
    modules: &[10, 100],
    saves: 3,
    keys: &[0, 1_000, 10_000],
    shards: &[1, 4],
    shards_seconds: 3,
    guilds: 100,
    large_shards: 4,
    pace: 1_000,
    all_seconds: 3,
    some_seconds: 6,
};

/// Seconds.
pub(super) const HOUR: u32 = 60 * 60;

impl Sizes {
    pub(super) fn of(is_quick: bool, is_hour: bool) -> Self {
        let sizes = if is_quick { QUICK } else { FULL };
        if !is_hour {
            return sizes;
        }
        Self {
            some_seconds: HOUR,
            ..sizes
        }
    }
}
