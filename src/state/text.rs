//! Bytes of a key, a string or a path. Most are short, and short ones need no memory of their own.

use super::memory::allocation;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// As many bytes as there is room for in a [`Text`] itself.
const SHORTEST_SHARED: usize = 23;

/// Bytes that do not change. Up to 22 of them are kept in place; clones of a longer one share it.
#[derive(Clone)]
pub struct Text(Storage);

#[derive(Clone)]
enum Storage {
    Inline(u8, [u8; SHORTEST_SHARED - 1]),
    Shared(Arc<[u8]>),
}

impl Text {
    /// What it costs in memory besides itself.
    pub(super) fn outside(&self) -> usize {
        match &self.0 {
            Storage::Inline(..) => 0,
            Storage::Shared(bytes) => allocation(16 + bytes.len()),
        }
    }

    fn here(bytes: &[u8]) -> Option<Self> {
        let mut place = [0; SHORTEST_SHARED - 1];
        place.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let length = u8::try_from(bytes.len()).ok()?;
        Some(Self(Storage::Inline(length, place)))
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Storage::Inline(length, place) => place.get(..usize::from(*length)).unwrap_or(place),
            Storage::Shared(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self::here(bytes).unwrap_or_else(|| Self(Storage::Shared(bytes.into())))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self::here(&bytes).unwrap_or_else(|| Self(Storage::Shared(bytes.into())))
    }
}

impl From<Arc<[u8]>> for Text {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::here(&bytes).unwrap_or(Self(Storage::Shared(bytes)))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(self).fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts_and_compares_as_its_bytes(
            one in prop::collection::vec(any::<u8>(), 0..40),
            two in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let (first, second) = (Text::from(&*one), Text::from(two.clone()));
            prop_assert_eq!(first.cmp(&second), one.cmp(&two));
            prop_assert_eq!(first == second, one == two);
            prop_assert_eq!(&*first, &*one);
            prop_assert_eq!(first.outside() == 0, one.len() < SHORTEST_SHARED);
        }
    }

    #[test]
    fn is_no_larger_than_a_vector() {
        assert_eq!(size_of::<Text>(), 24);
        assert_eq!(size_of::<crate::state::Key>(), 24);
        assert_eq!(size_of::<crate::state::Value>(), 24);
        assert_eq!(size_of::<crate::state::StateTable>(), 40);
    }
}
