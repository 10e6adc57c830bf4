//! Reads what servers answer that the engine speaks to over UDP by itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use super::exchange::{Exchange, Refusal};
use crate::engine::EngineEvent;
use crate::engine::shared::Events;
use crate::timeline::ServerError;
use crate::world::World;

/// The servers of one engine that are reached over UDP.
#[derive(Debug, Default)]
pub(in crate::engine) struct ServerWatch {
    servers: Vec<Server>,
    tell: OnceLock<Tell>,
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    /// The URL as it was given.
    url: String,
    exchange: Mutex<Exchange>,
}

struct Tell {
    world: Arc<dyn World>,
    events: Events,
}

impl std::fmt::Debug for Tell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tell").finish_non_exhaustive()
    }
}

impl ServerWatch {
    /// Watches these TURN servers: their addresses, and their URLs as they were given.
    pub(in crate::engine) fn new(servers: impl IntoIterator<Item = (SocketAddr, String)>) -> Self {
        let server = |(address, url)| Server { address, url, exchange: Mutex::default() };
        Self { servers: servers.into_iter().map(server).collect(), tell: OnceLock::new() }
    }

    /// Tells of errors from now on.
    pub(in crate::engine) fn tell(&self, world: Arc<dyn World>, events: Events) {
        // Nobody else sets it.
        let _ = self.tell.set(Tell { world, events });
    }

    /// Whether the server of that URL has said anything; none if it is not watched.
    pub(in crate::engine) fn has_heard(&self, url: &str) -> Option<bool> {
        let server = self.servers.iter().find(|server| server.url == url)?;
        Some(server.exchange().heard)
    }

    /// A datagram leaves.
    pub(in crate::engine) fn sent(&self, to: SocketAddr, datagram: &[u8]) {
        if let Some(server) = self.server(to) {
            let _ = server.exchange().asked(datagram);
        }
    }

    /// A datagram has come.
    pub(in crate::engine) fn received(&self, from: SocketAddr, datagram: &[u8]) {
        let Some(server) = self.server(from) else { return };
        let refusal = server.exchange().told(datagram);
        if let (Some(refusal), Some(tell)) = (refusal, self.tell.get()) {
            let error = refusal.of(&server.url);
            let _ = tell.events.unbounded_send((tell.world.now(), EngineEvent::ServerError(error)));
        }
    }

    fn server(&self, address: SocketAddr) -> Option<&Server> {
        self.servers.iter().find(|server| server.address == address)
    }
}

impl Server {
    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().expect("no panic while an exchange is held")
    }
}

impl Refusal {
    /// As an application is told of it.
    pub(super) fn of(self, url: &str) -> ServerError {
        let Self { code, text, authenticated, peer } = self;
        let peer = peer.map(|peer| peer.to_string());
        ServerError { url: url.to_owned(), code, text, authenticated, peer }
    }
}
