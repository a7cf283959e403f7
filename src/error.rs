//! The errors that stop the bot. What hurts only one cog lives in `vm::trace` and `reload::report`.

use crate::config::ConfigErrors;

/// Why the bot, or another subcommand, cannot go on: each a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration has problems.
    #[error(transparent)]
    Config(#[from] ConfigErrors),

    /// The command line asks for something that cannot be; the sentence says what instead.
    #[error("{0}")]
    Usage(String),

    /// `--online` without a token; `env_file` is where it may be written.
    #[error(
        "--online needs the bot's token. Set DISCORD_TOKEN in the environment, or write \
         DISCORD_TOKEN=... into {env_file}. Without a token, --offline runs the bot in a simulator."
    )]
    TokenMissing {
        /// The path of the `.env` file beside the configuration.
        env_file: String,
    },

    /// Discord answered 401, or closed the gateway with code 4004.
    #[error(
        "Discord refused the token. Open https://discord.com/developers/applications, choose the \
         application, then Bot and Reset Token, and set DISCORD_TOKEN to the new token."
    )]
    TokenRefused,

    /// Discord closed the gateway with code 4014; the intents are named as in `cog.info`.
    #[error(
        "Discord does not let this bot use {}. Switch that on at \
         https://discord.com/developers/applications (the application, Bot, Privileged Gateway \
         Intents), or remove it from the cogs that ask for it.",
        intent_list(intents)
    )]
    DisallowedIntents {
        /// Privileged intents that the cogs ask for: `message_content`, `guild_members`,
        /// `guild_presences`.
        intents: Vec<String>,
    },

    /// No answer from Discord or the server of `DISCORD_API_URL`.
    #[error(
        "{address} cannot be reached: {reason}. Check the network, a proxy, and DISCORD_API_URL if \
         it is set."
    )]
    Unreachable {
        /// The address that was tried, without credentials.
        address: String,
        /// What the network said.
        reason: String,
    },

    /// A server of ours cannot listen because another program does.
    #[error(
        "The address {address} is in use by another program, perhaps by this bot in another window. \
         End that, or set {key} in config.json to another port."
    )]
    PortTaken {
        /// `127.0.0.1:7878`
        address: String,
        /// The key that sets it: `studio.listen`.
        key: String,
    },

    /// A server of ours cannot listen for another reason.
    #[error(
        "The bot cannot listen at {address}: {reason}. Set {key} in config.json to an address of this machine."
    )]
    CannotListen {
        /// `127.0.0.1:7878`
        address: String,
        /// The key that sets it: `studio.listen`.
        key: String,
        /// What the system said.
        reason: String,
    },

    /// There is nothing to run.
    #[error(
        "There is no folder {path}, where the cogs belong. Create a first cog with `cogsmith new \
         ping`, or name another configuration with --config."
    )]
    LuaFolderMissing {
        /// The folder `lua` beside the configuration.
        path: String,
    },

    /// The state database cannot be used.
    #[error(
        "The state database {path} cannot be opened: {reason}. Check that its folder exists and can \
         be written to and that no other bot uses it, or set state.url in config.json to another file."
    )]
    StateUnavailable {
        /// The database's file.
        path: String,
        /// What SQLite or the system said.
        reason: String,
    },

    /// The VM does not keep its promises on this machine, so no cog may run in it.
    #[error(
        "The self-test of the Luau VM failed: {what}. No cog would be safe to run, so the bot does \
         not start. Build it again with the versions in Cargo.lock (`cargo build --locked`)."
    )]
    SelfTestFailed {
        /// The promise that was not kept.
        what: String,
    },

    /// A file cannot be read or written.
    #[error("{path} cannot be {action}: {reason}.")]
    File {
        /// The file or folder.
        path: String,
        /// `read`, `written`, `created`.
        action: &'static str,
        /// What the system said.
        reason: String,
    },

    /// `check` found something; it has been printed already.
    #[error("{problems} of {files} Luau files cannot be compiled.")]
    CheckFailed {
        /// Files with a problem.
        problems: usize,
        /// All files that were looked at.
        files: usize,
    },

    /// The system gave no threads, timers or signals.
    #[error("The bot cannot start: {0}.")]
    System(String),
}

impl StartError {
    /// What the process exits with: 2 where the command line, the configuration or the environment
    /// must be changed, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) | Self::TokenMissing { .. } => 2,
            _ => 1,
        }
    }
}

/// The intents under the names of their switches in the developer portal.
fn intent_list(intents: &[String]) -> String {
    let names: Vec<String> = intents
        .iter()
        .map(|intent| match intent.as_str() {
            "message_content" => "the Message Content Intent (message_content)".to_owned(),
            "guild_members" => "the Server Members Intent (guild_members)".to_owned(),
            "guild_presences" => "the Presence Intent (guild_presences)".to_owned(),
            other => format!("the intent {other}"),
        })
        .collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => "its intents".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_intents_are_named_as_their_switches_are() {
        let error = StartError::DisallowedIntents {
            intents: vec!["message_content".into(), "guild_members".into()],
        };
        insta::assert_snapshot!(error, @"Discord does not let this bot use the Message Content Intent (message_content) and the Server Members Intent (guild_members). Switch that on at https://discord.com/developers/applications (the application, Bot, Privileged Gateway Intents), or remove it from the cogs that ask for it.");
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn what_the_operator_must_change_exits_with_2() {
        let error = StartError::TokenMissing {
            env_file: "/srv/bot/.env".into(),
        };
        insta::assert_snapshot!(error, @"--online needs the bot's token. Set DISCORD_TOKEN in the environment, or write DISCORD_TOKEN=... into /srv/bot/.env. Without a token, --offline runs the bot in a simulator.");
        assert_eq!(error.exit_code(), 2);
    }
}
