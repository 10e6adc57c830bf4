//! The rooms themselves.

use std::sync::Arc;

use super::ServerConfig;
use crate::world::World;

/// All rooms of a server. Clones share them. Needs no Tokio: time comes from the [`World`].
#[derive(Clone, Debug)]
pub struct Hub {
    _world: Arc<dyn World>,
    _config: Arc<ServerConfig>,
}

impl Hub {
    /// A hub without rooms.
    #[must_use]
    pub fn new(world: Arc<dyn World>, config: ServerConfig) -> Self {
        Self { _world: world, _config: Arc::new(config) }
    }

    /// How many rooms have a peer in them.
    #[must_use]
    pub fn rooms_in_use(&self) -> usize {
        todo!()
    }

    /// Waits until no room has a peer in it; at once if that is so now.
    pub async fn empty(&self) {
        todo!()
    }
}
