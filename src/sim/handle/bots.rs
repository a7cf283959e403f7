//! Bots that can connect come and go while the simulator runs.

use super::Sim;
use crate::sim::blueprint::{Blueprint, BotBlueprint};
use crate::sim::errors::{SimError, UNKNOWN_APPLICATION};
use crate::sim::hub::SimState;
use crate::sim::ids::Id;
use crate::sim::token;

/// How many bots there can be.
const MOST: usize = 100;

impl Sim {
    /// All bots that can connect: their users' ids, which are the applications', and their tokens.
    pub fn bots(&self) -> Vec<(Id, String)> {
        self.hub().look(|state| {
            let tokens = state.tokens.iter();
            tokens.map(|(token, id)| (*id, token.clone())).collect()
        })
    }

    /// The names of those bots, in the same order.
    pub fn bot_names(&self) -> Vec<String> {
        self.hub().look(|state| {
            let ids = state.tokens.iter().map(|(_, id)| id);
            let users = ids.filter_map(|id| state.world.users.get(id));
            users.map(|user| user.name.clone()).collect()
        })
    }

    /// A new bot that can connect; it joins every guild, with a role of its own. Returns its id, which is its
    /// application's, and its token.
    ///
    /// # Errors
    ///
    /// When its name or its token is somebody's already, when there are too many bots, or when a permission has another
    /// name.
    pub fn install_bot(&self, bot: &BotBlueprint) -> Result<(Id, String), SimError> {
        let alone = Blueprint {
            bots: vec![bot.clone()],
            ..Blueprint::default()
        };
        if let Some((_, fault)) = alone.faults().into_iter().next() {
            return Err(SimError::World(fault));
        }
        self.hub().change(|state| {
            check(state, bot)?;
            let made = state.world.clock.now().as_secs();
            let id = state.world.add_bot(bot, &self.hub().options);
            let token = match &bot.token {
                Some(token) => token.clone(),
                None => token::new(id, made, &mut state.secrets)?,
            };
            state.records.hide(&token);
            state.tokens.push((token.clone(), id));
            Ok((id, token))
        })
    }

    /// Takes a bot away: its sessions end with Discord's code 4004, its token is that of nobody any more. It leaves all
    /// guilds; its commands and webhooks go with it, and what it wrote stays.
    ///
    /// # Errors
    ///
    /// When there is no such bot, or it is the first, through which the page and tests see the world.
    pub fn uninstall_bot(&self, id: Id) -> Result<(), SimError> {
        self.hub().change(|state| {
            if !state.world.is_application(id) {
                return Err(UNKNOWN_APPLICATION.into());
            }
            if id == state.world.bot {
                let sentence = "The first bot stays as long as the simulator runs.";
                return Err(SimError::World(sentence.to_owned()));
            }
            state.tokens.retain(|(_, application)| *application != id);
            state.sessions.end_all_of(id);
            state.world.remove_bot(id);
            Ok(())
        })
    }
}

/// Whether a bot can be added to what is there.
fn check(state: &SimState, bot: &BotBlueprint) -> Result<(), SimError> {
    let refuse = |sentence: String| Err(SimError::World(sentence));
    let mut users = state.world.users.values();
    if users.any(|user| user.name == bot.name) {
        return refuse(format!("Somebody is called \"{}\" already.", bot.name));
    }
    if let Some(token) = &bot.token {
        if token.is_empty() || token.chars().any(char::is_whitespace) {
            return refuse("A token has no spaces in it.".to_owned());
        }
        if state.tokens.iter().any(|(known, _)| known == token) {
            return refuse("Another bot has this token already.".to_owned());
        }
    }
    if state.tokens.len() >= MOST {
        return refuse(format!("There are {MOST} bots, and can be no more."));
    }
    Ok(())
}
