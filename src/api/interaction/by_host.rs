//! What the host itself answers to an interaction: calls of the bot's own commands.

use super::{Interaction, Progress, call, without_flags_of_new_messages};
use crate::api::services::Services;
use crate::discord::outbound::CallError;
use serde_json::{Map, Value};

impl Interaction {
    /// Answers in the host's own name. `response` is a first answer as Discord has it: `type` and `data`. If the
    /// answer was put off, the data fills it; after another answer it is a follow-up.
    pub async fn respond_by_host(
        &self,
        services: &Services,
        response: &Value,
    ) -> Result<(), CallError> {
        let mut data = match &response["data"] {
            Value::Object(data) => data.clone(),
            _ => Map::new(),
        };
        // An empty list would take files from a message that is edited.
        data.retain(|name, value| name != "attachments" || value != &Value::Array(Vec::new()));
        let mut progress = self.progress.lock().await;
        let (operation, arguments) = match *progress {
            Progress::Waiting => {
                let mut first = self.first(0);
                first.insert("type".to_owned(), response["type"].clone());
                first.insert("data".to_owned(), data.into());
                ("create_interaction_response", first)
            }
            Progress::Deferred { .. } => {
                without_flags_of_new_messages(&mut data);
                self.webhook(&mut data);
                ("update_original_webhook_message", data)
            }
            Progress::Updated | Progress::Answered => {
                self.webhook(&mut data);
                ("execute_webhook", data)
            }
        };
        call(services, operation, arguments).await?;
        let after = progress.after_message();
        self.note(&mut progress, after);
        Ok(())
    }
}
