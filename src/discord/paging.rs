//! How Discord pages through long lists: which argument asks for the next page, and where a page says what to ask for.
//!
//! From the documentation of each operation: <https://docs.discord.com/developers/resources>.

/// How the pages of one operation follow each other.
#[derive(Debug)]
pub struct Paging {
    operation: &'static str,
    /// The field of the answer that has the list; empty where the answer is the list.
    pub list: &'static str,
    /// The argument that asks for the next page, unless the caller goes the other way.
    pub cursor: Cursor,
    /// Where an entry has what the cursor is compared with, from the outside to the inside.
    pub key: &'static [&'static str],
    /// The most entries of one page.
    pub most: u32,
}

/// What asks for the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// The least key so far: entries come newest first.
    Before,
    /// The greatest key so far.
    After,
    /// How many entries there were.
    Offset,
}

impl Cursor {
    /// The name of the argument.
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Offset => "offset",
        }
    }
}

const ID: &[&str] = &["id"];
const USER: &[&str] = &["user_id"];
const OF_USER: &[&str] = &["user", "id"];
const ARCHIVED: &[&str] = &["thread_metadata", "archive_timestamp"];

/// All operations that page.
const PAGED: [Paging; 19] = [
    of("get_answer_voters", "users", Cursor::After, ID, 100),
    of("get_entitlements", "", Cursor::After, ID, 100),
    of(
        "get_guild_join_requests",
        "guild_join_requests",
        Cursor::Before,
        ID,
        100,
    ),
    of("get_sku_subscriptions", "", Cursor::After, ID, 100),
    of("guild_search", "messages", Cursor::Offset, &[], 25),
    of(
        "list_guild_audit_log_entries",
        "audit_log_entries",
        Cursor::Before,
        ID,
        100,
    ),
    of("list_guild_bans", "", Cursor::After, OF_USER, 1_000),
    of("list_guild_members", "", Cursor::After, OF_USER, 1_000),
    of(
        "list_guild_scheduled_event_exception_users",
        "",
        Cursor::After,
        USER,
        100,
    ),
    of(
        "list_guild_scheduled_event_users",
        "",
        Cursor::After,
        USER,
        100,
    ),
    of(
        "list_message_reactions_by_emoji",
        "",
        Cursor::After,
        ID,
        100,
    ),
    of("list_messages", "", Cursor::Before, ID, 100),
    of("list_my_guilds", "", Cursor::After, ID, 200),
    of(
        "list_my_private_archived_threads",
        "threads",
        Cursor::Before,
        ID,
        100,
    ),
    of("list_pins", "items", Cursor::Before, &["pinned_at"], 50),
    of(
        "list_private_archived_threads",
        "threads",
        Cursor::Before,
        ARCHIVED,
        100,
    ),
    of(
        "list_public_archived_threads",
        "threads",
        Cursor::Before,
        ARCHIVED,
        100,
    ),
    of("list_thread_members", "", Cursor::After, USER, 100),
    of("thread_search", "threads", Cursor::Offset, &[], 25),
];

const fn of(
    operation: &'static str,
    list: &'static str,
    cursor: Cursor,
    key: &'static [&'static str],
    most: u32,
) -> Paging {
    Paging {
        operation,
        list,
        cursor,
        key,
        most,
    }
}

/// All operations that page.
pub fn paged() -> impl Iterator<Item = &'static Paging> {
    PAGED.iter()
}

/// How the pages of the operation with this id follow each other; nothing if it has no pages.
pub fn paging(operation: &str) -> Option<&'static Paging> {
    PAGED.iter().find(|paging| paging.operation == operation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::operations::{operation, operations};
    use serde_json::{Map, json};

    #[test]
    fn every_operation_with_a_cursor_pages_with_an_argument_that_it_has() {
        let cursors = ["before", "after", "offset"];
        for operation in operations().filter(|operation| operation.open_to_cogs()) {
            let has = |name: &str| operation.query.iter().any(|(field, _)| **field == *name);
            let pages = cursors.into_iter().any(has);
            let paging = paging(operation.id);
            assert_eq!(paging.is_some(), pages, "{}", operation.id);
            if let Some(paging) = paging {
                assert!(
                    has(paging.cursor.name()) && has("limit"),
                    "{}",
                    operation.id
                );
            }
        }
    }

    #[test]
    fn the_largest_page_is_one_that_discord_gives() {
        for paging in &PAGED {
            let operation = operation(paging.operation).unwrap();
            let checked = |limit: u32| {
                let mut arguments: Map<_, _> = operation
                    .params
                    .iter()
                    .map(|(name, _)| ((*name).to_owned(), json!("1")))
                    .collect();
                arguments.insert("limit".to_owned(), json!(limit));
                crate::discord::prepare(operation, arguments.into())
            };
            assert!(checked(paging.most).is_ok(), "{}", paging.operation);
            assert!(checked(paging.most + 1).is_err(), "{}", paging.operation);
        }
    }
}
