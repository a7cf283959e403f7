//! The operations of Discord's API that a bot may call.

use super::facts::OPERATIONS;
pub use super::facts::Operation;
use crate::nearest::nearest;

/// The operation called `id`.
pub fn operation(id: &str) -> Option<&'static Operation> {
    OPERATIONS.by_id.get(id)
}

/// All operations, in the order of their paths.
pub fn operations() -> impl ExactSizeIterator<Item = &'static Operation> {
    OPERATIONS.by_id.values()
}

/// The operation open to cogs whose name is most like `id`, if one is like it at all.
pub fn nearest_operation(id: &str) -> Option<&'static str> {
    let open = operations().filter(|operation| operation.open_to_cogs());
    nearest(id, open.map(|operation| operation.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_by_its_name() {
        let create = operation("create_message").unwrap();
        assert_eq!(create.capability, "messages.send");
        assert_eq!(create.path, "/channels/{channel_id}/messages");
        assert_eq!(create.body, Some("MessageCreateRequest"));
        assert_eq!(create.returns, Some("MessageResponse"));
        assert!(create.multipart && !create.form_only);
        assert!(operation("create_guild_sticker").unwrap().form_only);
        assert_eq!(nearest_operation("creat_mesage"), Some("create_message"));
        assert_eq!(nearest_operation("zzzz"), None);
        let open = operations().filter(|operation| operation.open_to_cogs());
        assert_eq!(open.count(), 196);
    }
}
