//! Who the bot is, and where its gateway is: asked until the server answers.

use super::{BotOptions, intents};
use crate::api::services::Identity;
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::discord::operation;
use crate::discord::outbound::{CallError, Outbound};
use crate::error::StartError;
use crate::gateway::{GatewayAddress, IdentifiesLeft};
use std::time::Duration;
use tracing::{debug, info, warn};

/// Where Discord is when no other server is configured.
const DISCORD: &str = "https://discord.com";
/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts at a server that has trouble.
const MAXIMUM_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause while there is no network: its outage is over for the bot soon after it is over for others.
const MAXIMUM_UNREACHABLE: Duration = Duration::from_secs(5);

/// What the server has told.
pub(super) struct SignedIn {
    pub(super) identity: Identity,
    pub(super) gateway: GatewayAddress,
    /// The privileged intents that the application has, if the server knows.
    pub(super) granted: Option<u64>,
}

/// Asks until there is an answer. A server that cannot be reached, or has trouble, is asked again with
/// growing pauses; each new kind of trouble is logged once.
pub(super) async fn sign_in(
    outbound: &Outbound,
    clock: &Clock,
    options: &BotOptions,
) -> Result<SignedIn, StartError> {
    let api_url = options.api_url.as_deref();
    let address = api_url.unwrap_or(DISCORD);
    let mut backoff = Backoff::new(FIRST_PAUSE, MAXIMUM_PAUSE);
    let mut told = None;
    loop {
        let error = match ask(outbound, options.gateway_url.as_deref()).await {
            Ok(found) => {
                if told.is_some() {
                    info!("{address} answers");
                }
                return Ok(found);
            }
            Err(error) => error,
        };
        if let Some(fatal) = fatal(&error, address, api_url.is_some()) {
            return Err(fatal);
        }
        let why = reason(&error);
        if told.as_ref() == Some(&why) {
            debug!("{address} cannot be used yet: {why}");
        } else {
            warn!("{address} cannot be used: {why}. Trying again until it answers");
            told = Some(why);
        }
        let maximum = match error {
            CallError::Network { .. } => MAXIMUM_UNREACHABLE,
            _ => MAXIMUM_PAUSE,
        };
        clock.sleep(backoff.pause_within(maximum)).await;
    }
}

async fn ask(outbound: &Outbound, gateway_url: Option<&str>) -> Result<SignedIn, CallError> {
    // Alone, so that a token that is refused is refused once.
    let user = outbound.current_user().await?;
    let application = outbound.current_application();
    let (gateway, application) =
        futures_util::future::join(gateway_address(outbound, gateway_url), application).await;
    let gateway = gateway?;
    let own_id = || user.str("id").unwrap_or_default().to_owned();
    let (application_id, owners, granted) = match application {
        Ok(application) => {
            let granted = intents::granted_by(application.flags);
            (application.id, application.owners, granted)
        }
        Err(error) if error.is_unknown_route() => {
            warn!(
                "The server does not support GET /applications/@me, so the bot does not know its owner: list the users who may use the admin commands in bot.admins of config.json"
            );
            // It is the same, but for the very first bots.
            (own_id(), Vec::new(), None)
        }
        Err(error) => return Err(error),
    };
    let owners = owners.into_iter().collect();
    Ok(SignedIn {
        identity: Identity {
            user,
            application_id,
            owners,
        },
        gateway,
        granted,
    })
}

/// Where the gateway is: at `gateway_url` if that is given, else where the server says.
pub(super) async fn gateway_address(
    outbound: &Outbound,
    gateway_url: Option<&str>,
) -> Result<GatewayAddress, CallError> {
    let bot = match gateway_url {
        Some(url) => outbound.gateway_bot_at(url).await?,
        None => outbound.gateway_bot().await?,
    };
    Ok(GatewayAddress {
        url: bot.url,
        is_fixed: gateway_url.is_some(),
        shards: bot.shards,
        max_concurrency: u16::try_from(bot.max_concurrency).unwrap_or(u16::MAX),
        identifies_left: Some(IdentifiesLeft {
            total: bot.total,
            remaining: bot.remaining,
            reset_after: bot.reset_after,
        }),
    })
}

/// The error that ends the start, if asking again would change nothing.
fn fatal(error: &CallError, address: &str, is_given: bool) -> Option<StartError> {
    let reason = match error {
        CallError::Discord(error) if error.refuses_token() => {
            return Some(StartError::TokenRefused);
        }
        CallError::Discord(error) if error.status < 500 => format!(
            "{} is answered with status {} ({})",
            asked(&error.operation),
            error.status,
            error.message
        ),
        CallError::Foreign { operation, message } => format!("{}: {message}", asked(operation)),
        _ => return None,
    };
    let address = address.to_owned();
    Some(if is_given {
        StartError::NotDiscord { address, reason }
    } else {
        StartError::Unreachable { address, reason }
    })
}

/// An operation as a server's log would show it: `GET /users/@me`.
fn asked(id: &str) -> String {
    operation(id).map_or_else(
        || id.to_owned(),
        |operation| format!("{} {}", operation.method, operation.path),
    )
}

/// What happened, without the operation's name where that says nothing.
fn reason(error: &CallError) -> String {
    match error {
        CallError::Network { message, .. } => message.clone(),
        CallError::Deadline { why, .. } => why.clone(),
        CallError::Discord(error) => format!("status {} ({})", error.status, error.message),
        other => other.to_string(),
    }
}
