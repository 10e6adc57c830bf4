//! The engine's runtime over our world and network; one for each engine.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{AbortHandle, abortable};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use super::dtls::DtlsTrace;
use super::pace::{Pace, PacedSleep};
use super::socket::{DatagramSocket, TracedSocket};
use super::stun::CheckTrace;
use super::turn::ServerWatch;
use crate::network::{Network, Socket};
use crate::world::{BoxFuture, World};

/// Called when the driver has ended.
type OnExit = Box<dyn Fn() + Send + Sync>;

/// Time and tasks from the world, sockets from the network, sleeps as [`Pace`] allows.
pub(super) struct EngineRuntime {
    pub(super) world: Arc<dyn World>,
    pub(super) network: Arc<dyn Network>,
    pub(super) pace: Arc<Pace>,
    pub(super) trace: Arc<DtlsTrace>,
    pub(super) checks: Arc<CheckTrace>,
    pub(super) servers: Arc<ServerWatch>,
    pub(super) driver: Arc<Driver>,
}

/// The task that the engine spawns to drive its protocols.
#[derive(Default)]
pub(super) struct Driver {
    abort: Mutex<Option<AbortHandle>>,
    on_exit: Mutex<Option<OnExit>>,
}

impl Driver {
    /// Calls `on_exit` when the driver ends, for whatever reason.
    pub(super) fn on_exit(&self, on_exit: impl Fn() + Send + Sync + 'static) {
        *self.on_exit.lock().expect("no panic while held") = Some(Box::new(on_exit));
    }

    /// Stops the driver where it stands. For one that does not stop when asked.
    pub(super) fn abort(&self) {
        if let Some(abort) = self.abort.lock().expect("no panic while held").as_ref() {
            abort.abort();
        }
    }

    fn exited(&self) {
        if let Some(on_exit) = self.on_exit.lock().expect("no panic while held").take() {
            on_exit();
        }
    }
}

impl std::fmt::Debug for EngineRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineRuntime").field("network", &self.network).finish_non_exhaustive()
    }
}

impl Runtime for EngineRuntime {
    fn now(&self) -> Instant {
        self.world.now()
    }

    fn spawn(&self, future: BoxFuture<()>) -> Box<dyn JoinHandle> {
        let (body, abort) = abortable(future);
        let finished = Arc::new(AtomicBool::new(false));
        let first = self.claim_driver(&abort);
        let (driver, told) = (self.driver.clone(), finished.clone());
        self.world.spawn_detached(Box::pin(body.map(move |_| {
            told.store(true, Ordering::Release);
            if first {
                driver.exited();
            }
        })));
        Box::new(Spawned { abort, finished })
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let socket = match self.network.udp(socket)? {
            // The engine's own socket reads and writes in batches; a detour through ours would lose them.
            Socket::System(socket) => TokioRuntime.wrap_udp_socket(socket)?,
            Socket::Datagrams(socket) => Arc::new(DatagramSocket(socket)),
        };
        Ok(Arc::new(TracedSocket {
            socket,
            trace: self.trace.clone(),
            checks: self.checks.clone(),
            servers: self.servers.clone(),
        }))
    }

    fn wrap_tcp_listener(&self, _: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn connect_tcp<'a>(
        &'a self,
        _: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        // ICE-TCP is not offered, so a peer's passive TCP candidate leads nowhere.
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        // The driver waits for the resolver, host candidates included, so names were resolved before it started.
        let address = literal(host).ok_or_else(|| io::ErrorKind::Unsupported.into());
        Box::pin(async move { address.map(|address| vec![address]) })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let limited = self.pace.limit(duration, self.world.now());
        Box::pin(PacedSleep { sleep: self.world.sleep(limited), pace: self.pace.clone() })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        Box::new(Interval { world: self.world.clone(), period, first: true })
    }

    fn block_on(&self, _: Pin<Box<dyn Future<Output = ()> + '_>>) {
        unreachable!("only programs call block_on, and we are none of the engine's")
    }

    fn name(&self) -> &'static str {
        "callcheck"
    }
}

impl EngineRuntime {
    /// The engine spawns its driver first.
    fn claim_driver(&self, abort: &AbortHandle) -> bool {
        let mut slot = self.driver.abort.lock().expect("no panic while held");
        let first = slot.is_none();
        slot.get_or_insert_with(|| abort.clone());
        first
    }
}

/// The engine asks for TURN servers of IPv6 without brackets around the address.
fn literal(host: &str) -> Option<SocketAddr> {
    let bare = || {
        let (ip, port) = host.rsplit_once(':')?;
        Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
    };
    host.parse().ok().or_else(bare)
}

struct Spawned {
    abort: AbortHandle,
    finished: Arc<AtomicBool>,
}

impl JoinHandle for Spawned {
    fn detach(&self) {
        // Dropping the handle leaves the task alone already.
    }

    fn abort(&self) {
        self.abort.abort();
    }

    fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }
}

struct Interval {
    world: Arc<dyn World>,
    period: Duration,
    first: bool,
}

impl AsyncInterval for Interval {
    fn tick(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let first = std::mem::replace(&mut self.first, false);
        self.world.sleep(if first { Duration::ZERO } else { self.period })
    }
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn addresses_are_known_with_and_without_brackets() {
        for (host, address) in [
            ("127.0.0.1:3478", Some("127.0.0.1:3478")),
            ("[::1]:3478", Some("[::1]:3478")),
            ("::1:3478", Some("[::1]:3478")),
            ("2001:db8:1:2:3:4:5:6:99", Some("[2001:db8:1:2:3:4:5:6]:99")),
            ("example.org:3478", None),
            ("::1", None),
        ] {
            assert_eq!(literal(host), address.map(|address| address.parse().unwrap()), "{host}");
        }
    }
}
