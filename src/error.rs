//! The errors that stop the bot. What hurts only one cog lives in `vm::trace` and `reload::report`.

use crate::config::{ConfigErrors, TOKEN_ADVICE};

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

    /// Discord answered 401 or code 40001, or closed the gateway with code 4004.
    #[error("Discord refused the token. {}.", TOKEN_ADVICE)]
    TokenRefused,

    /// Discord closed the gateway with code 4014.
    #[error(transparent)]
    DisallowedIntents(#[from] DisallowedIntents),

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

    /// The server of `DISCORD_API_URL` answers, but not as Discord would.
    #[error(
        "The server at {address} does not answer as Discord's API does: {reason}. Check \
         DISCORD_API_URL: it is the address without a path, such as http://127.0.0.1:8080, and the server there must offer Discord's API."
    )]
    NotDiscord {
        /// The address, without credentials.
        address: String,
        /// `GET /users/@me is answered with status 404 (Not Found)`
        reason: String,
    },

    /// The gateway cannot be used, for a reason that no new attempt fixes.
    #[error("{0}.")]
    Gateway(String),

    /// A server of ours cannot listen because another program does.
    #[error(
        "The address {address} is in use by another program, perhaps by this bot in another window. \
         Stop it, or set {key} in config.json to another port."
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

    /// The state database cannot be used; the sentence names it and says what to do.
    #[error("{0}.")]
    StateUnavailable(String),

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

    /// `check` found something, in files or types or the schema; what has been printed already.
    #[error("{0}")]
    CheckFailed(String),

    /// `spec` found something; it has been printed already.
    #[error("{failed} of {total} specs failed.")]
    SpecsFailed {
        /// Tests that failed.
        failed: usize,
        /// All tests that ran.
        total: usize,
    },

    /// `sim` cannot start; the sentences say what to do.
    #[error("{0}")]
    Simulator(String),

    /// The system gave no threads, timers or signals.
    #[error("The bot cannot start: {0}.")]
    System(String),
}

impl StartError {
    /// What the process exits with: 2 where the command line, the configuration or the environment
    /// must be changed, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Usage(_)
            | Self::TokenMissing { .. }
            | Self::NotDiscord { .. } => 2,
            _ => 1,
        }
    }
}

/// Privileged intents that Discord does not let the bot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Discord does not let this bot use {}. Switch {} on at \
     https://discord.com/developers/applications (the application, Bot, Privileged Gateway Intents), \
     or take {} out of what asks for {}.",
    list(intents.iter().map(RefusedIntent::told), ", and "),
    self.pronoun(),
    self.pronoun(),
    self.pronoun()
)]
pub struct DisallowedIntents {
    /// Which, and who wants them; at least one.
    pub intents: Vec<RefusedIntent>,
}

/// One privileged intent that the bot may not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedIntent {
    /// As in `cog.info`: `message_content`, `guild_members`, `guild_presences`.
    pub name: String,
    /// The cogs that ask for it; nobody if only the bot's own commands need it.
    pub cogs: Vec<String>,
}

impl DisallowedIntents {
    fn pronoun(&self) -> &'static str {
        if self.intents.len() == 1 {
            "it"
        } else {
            "them"
        }
    }
}

impl RefusedIntent {
    /// The intent under the name of its switch in the developer portal, and who asks for it.
    fn told(&self) -> String {
        let switch = match self.name.as_str() {
            "message_content" => "Message Content Intent",
            "guild_members" => "Server Members Intent",
            "guild_presences" => "Presence Intent",
            _ => "intent",
        };
        let cogs = list(self.cogs.iter().map(|cog| format!("\"{cog}\"")), " and ");
        let who = match self.cogs.len() {
            0 => "commands in messages need".to_owned(),
            1 => format!("the cog {cogs} asks for"),
            _ => format!("the cogs {cogs} ask for"),
        };
        format!("the {switch} ({}), which {who}", self.name)
    }
}

/// `a, b and c`
fn list(items: impl Iterator<Item = String>, and: &str) -> String {
    let items: Vec<String> = items.collect();
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{}{and}{last}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_intents_are_named_as_their_switches_are() {
        let refused = |name: &str, cogs: &[&str]| RefusedIntent {
            name: name.into(),
            cogs: cogs.iter().map(|cog| (*cog).to_owned()).collect(),
        };
        let error = StartError::from(DisallowedIntents {
            intents: vec![
                refused("guild_members", &["greet", "fun.roles"]),
                refused("message_content", &[]),
            ],
        });
        insta::assert_snapshot!(error, @r#"Discord does not let this bot use the Server Members Intent (guild_members), which the cogs "greet" and "fun.roles" ask for, and the Message Content Intent (message_content), which commands in messages need. Switch them on at https://discord.com/developers/applications (the application, Bot, Privileged Gateway Intents), or take them out of what asks for them."#);
        assert_eq!(error.exit_code(), 1);
        let error = DisallowedIntents {
            intents: vec![refused("guild_presences", &["watch"])],
        };
        insta::assert_snapshot!(error, @r#"Discord does not let this bot use the Presence Intent (guild_presences), which the cog "watch" asks for. Switch it on at https://discord.com/developers/applications (the application, Bot, Privileged Gateway Intents), or take it out of what asks for it."#);
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
