//! The bridge to a TURN server by itself, as the engine has one for each of its servers.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::channel::mpsc;

use super::servers::{Ways, bridged};
use super::turn::OpenBridge;
use super::{EngineError, IceServer, Trusting};
use crate::network::Network;
use crate::world::World;

/// A UDP socket of this machine that stands for a TURN server, whatever carries the messages to it. Ends when it is
/// dropped.
pub struct TurnBridge {
    address: SocketAddr,
    open: OpenBridge,
}

impl fmt::Debug for TurnBridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnBridge").field("address", &self.address).finish_non_exhaustive()
    }
}

impl TurnBridge {
    /// The bridge to that URL of a server, for sockets bound to one of `own`. The server is reached once something was
    /// sent.
    ///
    /// # Errors
    /// [`EngineError::NoRelay`] when the URL cannot be used or no socket can be had.
    pub async fn open(
        world: &Arc<dyn World>,
        network: &dyn Network,
        server: &IceServer,
        url: &str,
        own: &[IpAddr],
    ) -> Result<Self, EngineError> {
        let (events, _) = mpsc::unbounded();
        let trusting = Trusting::default();
        let ways = Ways { world, network, events: &events, bind: own, trusting: &trusting };
        let (address, open) = bridged(&ways, server, url).await.map_err(EngineError::NoRelay)?;
        Ok(Self { address, open })
    }

    /// Where the socket is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives back the allocations that are held, and ends.
    pub async fn release(self) {
        self.open.release().await;
    }
}
