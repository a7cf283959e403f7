//! Handlers by what stays the same from version to version.

use serde::Serialize;

macro_rules! kinds {
    ($($name:ident $words:literal)*) => {
        /// What a handler handles.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum HandlerKind {
            $(#[doc = concat!("A ", $words, ".")] $name,)*
        }

        impl HandlerKind {
            pub(super) const COUNT: usize = [$($words),*].len();

            /// All of them.
            pub(super) const ALL: [Self; Self::COUNT] = [$(Self::$name),*];

            /// In a word.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                }
            }
        }
    };
}

kinds! {
    Command "command"
    Event "event"
    Component "component"
    Modal "modal"
    Timer "timer"
    Job "job"
}

/// A handler by what stays the same from version to version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Handler {
    /// What it handles.
    pub kind: HandlerKind,
    /// The command with its groups (`rank show`), the event with its place among several (`message_create`,
    /// `message_create 2`) or its function's name, the template of the custom id, the name of the timer or job.
    pub name: String,
}
