//! `!forget @user`: deletes what cogs have stored for a user, also cogs that are broken or not loaded.

use super::Answering;
use super::text::Say;
use crate::api::job_store::JobStore;
use crate::commands::references::user_id;
use crate::state::{Namespace, StateError};
use std::collections::BTreeMap;

/// What a cog, or a state that cogs share, had of a user.
#[derive(Clone, Copy, Default)]
struct Had {
    entries: usize,
    jobs: usize,
}

impl Answering {
    /// Answers `!forget <user>`.
    pub(super) async fn forget(&self, arguments: &str) -> String {
        let language = self.language;
        let Some(user) = user_id(arguments) else {
            let command = &format!("{}forget", self.shown_prefix());
            return Say::ForgetWhom { command }.say(language);
        };
        let who = &format!("<@{user}> (`{user}`)");
        match self.delete_state_of(user).await {
            Ok(had) if had.is_empty() => Say::NothingToForget { who }.say(language),
            Ok(had) => {
                tracing::info!(
                    user,
                    cogs = had.len(),
                    "What was stored for a user has been deleted"
                );
                let count = had.values().map(|it| it.entries + it.jobs).sum::<usize>();
                let list = had.iter().map(|(name, had)| self.line_of(name, *had));
                let (count, list) = (&count.to_string(), &list.collect::<Vec<_>>().join("\n"));
                Say::Forgotten { count, list, who }.say(language)
            }
            Err(error) => {
                tracing::warn!(user, %error, "What was deleted for a user is not on the disk yet");
                Say::ForgetFailed { who }.say(language)
            }
        }
    }

    /// Returns when it is gone from the disk, too.
    async fn delete_state_of(&self, user: u64) -> Result<BTreeMap<String, Had>, StateError> {
        let store = &self.cogs.services.store;
        let mut had: BTreeMap<String, Had> = BTreeMap::new();
        // First what could write again.
        for namespace in store.namespaces() {
            if let Some(cog) = namespace.jobs_of() {
                let jobs = JobStore::new(store.view(&namespace)).forget_user(user)?;
                if jobs > 0 {
                    had.entry(cog.to_owned()).or_default().jobs += jobs;
                }
            }
        }
        let (forgotten, deleted) = store.forget_user(user);
        for it in forgotten {
            had.entry(name_of(&it.namespace)).or_default().entries += it.entries;
        }
        deleted.committed().await?;
        Ok(had)
    }

    fn line_of(&self, name: &str, had: Had) -> String {
        let (entries, jobs) = (&had.entries.to_string(), &had.jobs.to_string());
        let what = [
            (had.entries > 0).then(|| Say::ForgottenEntries { entries }.say(self.language)),
            (had.jobs > 0).then(|| Say::ForgottenJobs { jobs }.say(self.language)),
        ];
        let what: Vec<_> = what.into_iter().flatten().collect();
        format!("`{name}`: {}", what.join(", "))
    }
}

/// How admins know it: a cog by its name, a shared state as `shared:bank`.
fn name_of(namespace: &Namespace) -> String {
    let name = namespace.as_str();
    name.strip_prefix("cog:").unwrap_or(name).to_owned()
}
