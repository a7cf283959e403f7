//! Sends commands on the shards, for those who do not hold the gateway.

use super::GatewayError;
use super::shard_state::ShardState;
use super::shared::GatewayShared;
use super::task::Command;
use crate::lock::lock;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, Weak};
use tokio::sync::{mpsc, watch};

/// Sends commands on the shards. It does not keep the gateway alive.
#[derive(Clone)]
pub struct GatewaySender {
    shared: Weak<GatewayShared>,
    commands: Vec<mpsc::WeakSender<Command>>,
    states: watch::Receiver<Vec<ShardState>>,
}

impl fmt::Debug for GatewaySender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GatewaySender({} shards)", self.shards())
    }
}

impl GatewaySender {
    pub(super) fn new(shared: &Arc<GatewayShared>, commands: &[mpsc::Sender<Command>]) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            commands: commands.iter().map(mpsc::Sender::downgrade).collect(),
            states: shared.states.subscribe(),
        }
    }

    /// The number of shards.
    pub fn shards(&self) -> u32 {
        u32::try_from(self.commands.len()).unwrap_or(u32::MAX)
    }

    /// The shard that a guild is on.
    pub fn shard_of(&self, guild: u64) -> u32 {
        let shard = (guild >> 22) % u64::from(self.shards().max(1));
        u32::try_from(shard).unwrap_or(0)
    }

    /// What each shard does, by its number.
    pub fn states(&self) -> watch::Receiver<Vec<ShardState>> {
        self.states.clone()
    }

    /// Sends a command (presence, voice state, guild members, …) on a shard, within Discord's limit of
    /// 120 a minute.
    ///
    /// # Errors
    /// If the shard is not connected, or the text is not a command that a bot may send by itself.
    pub fn send(&self, shard: u32, json: String) -> Result<(), GatewayError> {
        #[derive(Deserialize)]
        struct Operation {
            op: u8,
        }
        match serde_json::from_str(&json) {
            Ok(Operation {
                op: 3 | 4 | 8 | 31 | 43,
            }) => {}
            _ => return Err(GatewayError::NotACommand),
        }
        let index = usize::try_from(shard).unwrap_or(usize::MAX);
        let ready = self.states.borrow().get(index) == Some(&ShardState::Ready);
        let command = self.commands.get(index).filter(|_| ready);
        command
            .and_then(mpsc::WeakSender::upgrade)
            .and_then(|command| command.try_send(Command::Send(json)).ok())
            .ok_or(GatewayError::NotConnected { shard })
    }

    /// Every session that is opened from now on begins with this presence (the data of operation 3). A presence
    /// that Discord does not know is left out.
    pub fn begin_with(&self, presence: &Value) {
        if let Some(shared) = self.shared.upgrade() {
            *lock(&shared.presence) = serde_json::from_value(presence.clone()).ok();
        }
    }
}
