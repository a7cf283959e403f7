//! A dispatch event, as the facts describe it.

use super::schema::Fields;

/// One dispatch event.
#[derive(Debug)]
pub struct EventDefinition {
    /// Its name in cogs (`message_create`).
    pub name: &'static str,
    /// Its name on the wire (`MESSAGE_CREATE`), which also names the schema of all its fields.
    pub gateway_name: &'static str,
    /// The intents that let it through: any one of them does. Empty: it always comes.
    pub intents: Vec<&'static str>,
    /// The schema whose fields its data has.
    pub schema: Option<&'static str>,
    /// The fields that its data has besides.
    pub fields: Fields,
}
