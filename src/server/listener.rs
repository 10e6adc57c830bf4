//! The rooms on a TCP port.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Hub, ServerConfig};
use crate::world::World;

/// A room server that owns its port.
#[derive(Debug)]
pub struct Server {
    _hub: Hub,
}

/// Why a room server could not take its port.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A callcheck room has it already.
    #[error("a callcheck room already runs at {0}; join it, or choose another port")]
    RoomRuns(SocketAddr),
    /// Another program has it.
    #[error("port {} at {} is taken by another program{said}; stop it, or choose another port", .address.port(), .address.ip())]
    PortTaken {
        /// Where.
        address: SocketAddr,
        /// ` (it answered ...)`, or nothing if it did not answer.
        said: String,
    },
    /// The operating system refused for another reason.
    #[error("cannot listen at {address}: {reason}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// What it said.
        reason: String,
    },
}

impl Server {
    /// Takes the port; nobody is served before [`Server::run`].
    ///
    /// # Errors
    /// [`BindError`] tells whether a callcheck room or another program has the port.
    pub async fn bind(
        _world: Arc<dyn World>,
        _address: SocketAddr,
        _config: ServerConfig,
    ) -> Result<Self, BindError> {
        todo!()
    }

    /// Where it listens, with the real port if port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        todo!()
    }

    /// The rooms, for clients in the same process and to know when nobody needs them any more.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self._hub
    }

    /// Serves until `shutdown` is ready, then closes every connection.
    pub async fn run(self, _shutdown: impl Future<Output = ()> + Send) {
        todo!()
    }
}
