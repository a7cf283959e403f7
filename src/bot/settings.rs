//! Applies edits of `config.json` while the bot runs, as far as possible at once; a broken edit changes nothing.

use super::state_limits;
use crate::cogs::host::Cogs;
use crate::config::{Config, ConfigErrors, Follower, Origin};
use crate::escape::one_line;
use crate::host_tasks::{self, Task};
use crate::problem::{Problem, SourceLocation};
use crate::reload::controller::{Ask, ConfigEdit, Reload};
use crate::reload::sources::Rules;
use std::sync::Arc;
use tracing::{debug, error, info, warn};

/// Limits that a VM is built with: cogs have them from the next time they are rebuilt.
const OF_NEW_VMS: [&str; 4] = [
    "limits.call_depth",
    "limits.cpu_ms",
    "limits.cpu_seconds_per_minute",
    "limits.memory_mb",
];

/// Follows the configuration file.
pub(super) struct Settings {
    follower: Follower,
    cogs: Arc<Cogs>,
    reload: Reload,
    /// The last valid content of the file. The applied configuration differs from it in keys that need a restart.
    wanted: Config,
    is_broken: bool,
}

/// The configuration, if hot reload can work with it.
fn with_usable_rules(config: Config) -> Result<Config, ConfigErrors> {
    let hot = &config.hot_reload;
    let rules = Rules::of(hot);
    match rules {
        Ok(_) => Ok(config),
        Err(error) => Err(ConfigErrors::of_file("config.json", error.to_string())),
    }
}

impl Settings {
    pub(super) fn new(follower: Follower, cogs: Arc<Cogs>, reload: Reload) -> Self {
        let wanted = Config::clone(&cogs.services.config.load());
        Self {
            follower,
            cogs,
            reload,
            wanted,
            is_broken: false,
        }
    }

    /// Applies every edit of the file, until it is aborted. `again`: an edit may have been taken half-way before.
    pub(super) async fn follow(&mut self, again: bool) {
        if again {
            self.follower.look_again();
        }
        loop {
            let edit = self.follower.edited().await;
            let _busy = self.cogs.services.activity.begin();
            host_tasks::point(Task::ConfigFile);
            match edit.and_then(with_usable_rules) {
                Ok(config) => self.apply(config).await,
                Err(errors) => {
                    let text = self.follower.text().to_owned();
                    self.refuse(&errors, &text).await;
                }
            }
        }
    }

    async fn apply(&mut self, newer: Config) {
        let services = &self.cogs.services;
        let current = services.config.load_full();
        let (applied, waiting) = current.changed_keys(&newer);
        let (_, edited) = self.wanted.changed_keys(&newer);
        // A key that waits for the restart is said once, not with every edit until then.
        let waiting: Vec<String> = waiting
            .into_iter()
            .filter(|key| edited.contains(key))
            .collect();
        self.wanted = newer.clone();
        let was_broken = std::mem::replace(&mut self.is_broken, false);
        let is_changed = !applied.is_empty() || !waiting.is_empty();
        if is_changed {
            info!("config.json was edited: {}", told(&applied, &waiting));
        } else if was_broken {
            info!("config.json is valid again, and changes no setting");
        } else {
            debug!("config.json was saved, and changes no setting");
            return;
        }
        let effective = Config {
            state: current.state.clone(),
            studio: current.studio.clone(),
            metrics: current.metrics.clone(),
            ..newer
        };
        services.store.set_limits(state_limits(&effective));
        services.config.store(Arc::new(effective));
        services.presence.changed.notify_one();
        if applied.iter().any(|key| key == "bot.dev_guilds") {
            self.cogs.note_commands();
        }
        if applied.iter().any(|key| key == "bot.reconnect_for_intents") {
            services.reconnect_changed.notify_one();
        }
        self.warn_of_excess();
        let may_help =
            |key: &String| key.starts_with("capabilities") || OF_NEW_VMS.contains(&key.as_str());
        let try_failed = applied.iter().any(may_help);
        self.tell(ConfigEdit::Applied { try_failed }).await;
    }

    async fn refuse(&mut self, errors: &ConfigErrors, text: &str) {
        self.is_broken = true;
        error!(
            "config.json was edited, but changes nothing until its mistakes are fixed. {errors}"
        );
        let problems = errors.problems.iter().map(|it| problem(it, text));
        self.tell(ConfigEdit::Broken(problems.collect())).await;
    }

    async fn tell(&self, edit: ConfigEdit) {
        // Refused only when the bot is going down.
        let _taken = self.reload.ask(Ask::Configure(edit)).await.is_ok();
    }

    /// Names the cogs that have more capabilities than they would be granted now.
    fn warn_of_excess(&self) {
        let config = self.cogs.services.config.load();
        for cog in self.cogs.all() {
            let granted = cog.context.capabilities.granted();
            let excess: Vec<&str> = granted
                .iter()
                .filter(|capability| !config.grants(&cog.name, capability))
                .map(String::as_str)
                .collect();
            if !excess.is_empty() {
                warn!(
                    cog = %cog.name,
                    capabilities = excess.join(", "),
                    "A cog has capabilities that config.json no longer grants it: calls that need them are refused, and its next reload will fail"
                );
            }
        }
    }
}

/// What applies now, what applies to new VMs, and what needs a restart.
fn told(applied: &[String], waiting: &[String]) -> String {
    let (later, now): (Vec<&str>, Vec<&str>) = applied
        .iter()
        .map(String::as_str)
        .partition(|key| OF_NEW_VMS.contains(key));
    let waiting: Vec<&str> = waiting.iter().map(String::as_str).collect();
    let part = |keys: &[&str], one: &str, many: &str| {
        let verb = if keys.len() == 1 { one } else { many };
        (!keys.is_empty()).then(|| format!("{} {verb}", keys.join(", ")))
    };
    let parts = [
        part(&now, "applies now", "apply now"),
        part(
            &later,
            "applies to cogs when they are rebuilt (`!reload all`)",
            "apply to cogs when they are rebuilt (`!reload all`)",
        ),
        part(&waiting, "needs a restart", "need a restart"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// A problem of the configuration as the reports show it. Source lines are shown only where the text is not
/// JSON, as they are at the start: values may be secret.
fn problem(problem: &crate::config::Problem, text: &str) -> Problem {
    let place = match &problem.origin {
        Origin::File(file, Some(line)) => {
            let mut place = SourceLocation {
                file: file.clone(),
                line: u32::try_from(*line).unwrap_or(u32::MAX),
                ..SourceLocation::default()
            };
            if !problem.excerpt.is_empty() {
                place.add_excerpt(text);
            }
            Some(place)
        }
        Origin::File(_, None) | Origin::Variable(_) => None,
    };
    Problem {
        message: match &place {
            Some(_) => one_line(&problem.message).into_owned(),
            None => problem.to_string(),
        },
        place,
        ..Problem::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_told_in_one_sentence() {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let applied = keys(&["bot.admins", "bot.prefix", "limits.memory_mb"]);
        insta::assert_snapshot!(
            told(&applied, &keys(&["state.url"])),
            @"bot.admins, bot.prefix apply now; limits.memory_mb applies to cogs when they are rebuilt (`!reload all`); state.url needs a restart"
        );
        insta::assert_snapshot!(told(&keys(&["bot.locale"]), &[]), @"bot.locale applies now");
    }
}
