//! Worlds and networks for tests of the engine.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use crate::network::{Datagrams, Network, Socket};
use crate::world::{BoxFuture, World};

/// A world whose clock moves only when told; nothing runs in it.
#[derive(Debug)]
pub(in crate::engine) struct StillWorld(Mutex<Instant>);

impl StillWorld {
    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    pub(in crate::engine) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(in crate::engine) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl World for StillWorld {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }

    fn spawn_detached(&self, _: BoxFuture<()>) {}

    fn seed(&self) -> u64 {
        7
    }
}

/// Which datagrams arrive: the datagram, and where it goes.
type Passes = Arc<dyn Fn(&[u8], SocketAddr) -> bool + Send + Sync>;

/// A network that loses what a test wants to be lost.
pub(super) struct Sieve {
    inner: Arc<dyn Network>,
    passes: Passes,
}

impl Sieve {
    pub(super) fn new(
        inner: Arc<dyn Network>,
        passes: impl Fn(&[u8], SocketAddr) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { inner, passes: Arc::new(passes) }
    }
}

impl std::fmt::Debug for Sieve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sieve")
    }
}

impl Network for Sieve {
    fn udp(&self, socket: std::net::UdpSocket) -> io::Result<Socket> {
        let Socket::Datagrams(inner) = self.inner.udp(socket)? else { panic!("a simulated network") };
        Ok(Socket::Datagrams(Arc::new(SieveSocket { inner, passes: self.passes.clone() })))
    }

    fn seen_as(&self, address: SocketAddr) -> SocketAddr {
        self.inner.seen_as(address)
    }
}

struct SieveSocket {
    inner: Arc<dyn Datagrams>,
    passes: Passes,
}

impl std::fmt::Debug for SieveSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SieveSocket")
    }
}

impl Datagrams for SieveSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, datagram: &[u8], to: SocketAddr) -> Poll<io::Result<()>> {
        if (self.passes)(datagram, to) {
            return self.inner.poll_send(cx, datagram, to);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.inner.poll_recv(cx, buffer)
    }
}
