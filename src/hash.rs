//! Hash maps with a quick hash function, for what is looked up with each event and each call. It is seeded for each
//! process, so nobody can choose keys in advance that collide; it is no cryptographic one.

use foldhash::fast::RandomState;

/// [`std::collections::HashMap`].
pub type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
/// [`std::collections::HashSet`].
pub type HashSet<T> = std::collections::HashSet<T, RandomState>;
/// [`indexmap::IndexMap`].
pub type IndexMap<K, V> = indexmap::IndexMap<K, V, RandomState>;
/// [`rpds::HashTrieMapSync`].
pub type PersistentMap<K, V> = rpds::HashTrieMapSync<K, V, RandomState>;
