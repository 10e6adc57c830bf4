//! Where sockets come from: this machine ([`MachineNetwork`]) or memory on simulated time ([`SimulatedNetwork`]); and what
//! goes wrong on the way ([`ImpairedNetwork`]), the same over either.

mod impaired;
mod lane;
mod machine;
mod simulated;
mod tampered;

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::timeline::ImpairedPackets;
use crate::world::BoxFuture;

pub use impaired::ImpairedNetwork;
pub use machine::MachineNetwork;
pub use simulated::SimulatedNetwork;
pub use tampered::{Tamper, TamperedNetwork};

/// Sockets and names. Shared as `Arc<dyn Network>`.
pub trait Network: Debug + Send + Sync + 'static {
    /// Makes a socket usable. The engine has bound `socket` to a free port of the machine; a network in memory keeps it
    /// as a name only.
    ///
    /// # Errors
    /// When the socket cannot be used.
    fn udp(&self, socket: std::net::UdpSocket) -> io::Result<Socket>;

    /// The addresses of a host. Literal addresses never come here.
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        let text = format!("this network knows no names: {host}:{port}");
        Box::pin(std::future::ready(Err(io::Error::new(io::ErrorKind::Unsupported, text))))
    }

    /// Its sockets are those of this machine, so that TCP can be had beside them.
    fn is_machine(&self) -> bool {
        false
    }

    /// The address under which others see a socket of ours that the machine knows as `address`.
    fn seen_as(&self, address: SocketAddr) -> SocketAddr {
        address
    }

    /// What was done to the datagrams so far; none where nothing is ever done to any.
    fn impairment(&self) -> Option<Vec<ImpairedPackets>> {
        None
    }
}

/// What a [`Network`] makes of a bound socket.
#[derive(Debug)]
pub enum Socket {
    /// The socket itself, driven by Tokio with the batching that the system offers.
    System(std::net::UdpSocket),
    /// Something else that carries datagrams.
    Datagrams(Arc<dyn Datagrams>),
}

/// A datagram socket of any making.
pub trait Datagrams: Debug + Send + Sync + 'static {
    /// Its own address, as the machine knows it.
    ///
    /// # Errors
    /// When the socket is gone.
    fn local_addr(&self) -> io::Result<SocketAddr>;

    /// Sends one datagram, or asks to be polled again. A datagram that the network loses was sent.
    fn poll_send(&self, cx: &mut Context<'_>, datagram: &[u8], to: SocketAddr) -> Poll<io::Result<()>>;

    /// Receives one datagram into `buffer`: its length and where it came from.
    fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>>;
}

/// A task that panicked has left its own data behind, not ours.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
