//! How a fatal signal reached the child, as a word of the record.

/// How a fatal signal reached the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalOrigin {
    /// Another process sent it, to no thread in particular.
    FromOutside,
    /// A thread that runs no cogs.
    OtherThread,
    /// The thread with this slot in the record.
    Thread(usize),
}

impl SignalOrigin {
    pub(super) fn to_word(self) -> u64 {
        match self {
            Self::FromOutside => 1,
            Self::OtherThread => 2,
            Self::Thread(place) => place as u64 + 3,
        }
    }

    pub(super) fn from_word(word: u64) -> Option<Self> {
        match word {
            0 => None,
            1 => Some(Self::FromOutside),
            2 => Some(Self::OtherThread),
            more => usize::try_from(more - 3).ok().map(Self::Thread),
        }
    }
}
