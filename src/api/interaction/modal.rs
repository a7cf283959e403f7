//! `ctx:modal`: a modal is the first answer, or it cannot be opened.

use super::{ANSWERED_ALREADY, Interaction, MODAL, Progress};
use crate::api::call::{call_error, known, prepare, send};
use crate::api::context::CogContext;
use crate::discord::outbound::CallError;
use crate::vm::host::{HostError, HostFailure, HostResult};
use serde_json::{Map, Value};

impl Interaction {
    /// Opens a modal in front of the user.
    pub(in crate::api) async fn open_modal(
        &self,
        cog: &CogContext,
        function: &'static str,
        modal: Map<String, Value>,
    ) -> HostResult<()> {
        if self.is_submission {
            let why = "a modal cannot open another one, which Discord does not allow; reply with a button, and open the next one from there";
            return Err(HostError::new("phase", format!("{function}: {why}")).into());
        }
        let mut first = self.first(MODAL);
        first.insert("data".to_owned(), modal.into());
        let operation = known("create_interaction_response")?;
        let call = prepare(cog, function, operation, first, Vec::new(), None);
        let call = call.map_err(|failure| in_modal(function, failure))?;
        cog.state.writes_committed().await?;
        let mut progress = self.progress.lock().await;
        if *progress != Progress::Waiting {
            let why = "this call has been answered or put off already (the host puts an answer off after 2 s): open modals first";
            return Err(HostError::new("phase", format!("{function}: {why}")).into());
        }
        match send(cog, call.needing(None)).await? {
            Ok(_) => {}
            // An attempt that seemed to fail had come through.
            Err(CallError::Discord(error)) if error.code == ANSWERED_ALREADY => {}
            Err(error) => return Err(call_error(cog, function, &error)),
        }
        self.note(&mut progress, Progress::Answered);
        Ok(())
    }
}

/// What is wrong with a modal, without where it is in the request.
fn in_modal(function: &str, failure: HostFailure) -> HostFailure {
    match failure {
        HostFailure::Host(mut error) => {
            let inside = format!("{function}: data.");
            if let Some(rest) = error.message.strip_prefix(&inside) {
                error.message = format!("{function}: {rest}");
            }
            HostFailure::Host(error)
        }
        error @ HostFailure::Vm(_) => error,
    }
}
