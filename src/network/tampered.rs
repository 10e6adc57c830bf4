//! A network in which somebody meddles with the datagrams, over any other one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::machine::MachineSocket;
use super::{Datagrams, Network, Socket};
use crate::timeline::ImpairedPackets;
use crate::world::{BoxFuture, World};

/// Who meddles. Both say whether the datagram, as it is afterwards, goes on.
pub trait Tamper: std::fmt::Debug + Send + Sync + 'static {
    /// One of ours leaves.
    fn sent(&self, now: Instant, datagram: &mut Vec<u8>) -> bool;
    /// One has come.
    fn received(&self, now: Instant, datagram: &mut Vec<u8>) -> bool;
}

/// A network with somebody in it.
#[derive(Debug)]
pub struct TamperedNetwork {
    world: Arc<dyn World>,
    inner: Arc<dyn Network>,
    tamper: Arc<dyn Tamper>,
}

impl TamperedNetwork {
    /// `tamper` sees everything before `inner` and after it.
    #[must_use]
    pub fn new(world: Arc<dyn World>, inner: Arc<dyn Network>, tamper: Arc<dyn Tamper>) -> Self {
        Self { world, inner, tamper }
    }
}

impl Network for TamperedNetwork {
    fn udp(&self, socket: std::net::UdpSocket) -> io::Result<Socket> {
        let inner: Arc<dyn Datagrams> = match self.inner.udp(socket)? {
            Socket::System(socket) => Arc::new(MachineSocket::new(socket)?),
            Socket::Datagrams(socket) => socket,
        };
        let (world, tamper) = (Arc::clone(&self.world), Arc::clone(&self.tamper));
        Ok(Socket::Datagrams(Arc::new(TamperedSocket { world, inner, tamper })))
    }

    fn resolve(&self, host: &str, port: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        self.inner.resolve(host, port)
    }

    fn is_machine(&self) -> bool {
        self.inner.is_machine()
    }

    fn seen_as(&self, address: SocketAddr) -> SocketAddr {
        self.inner.seen_as(address)
    }

    fn impairment(&self) -> Option<Vec<ImpairedPackets>> {
        self.inner.impairment()
    }
}

#[derive(Debug)]
struct TamperedSocket {
    world: Arc<dyn World>,
    inner: Arc<dyn Datagrams>,
    tamper: Arc<dyn Tamper>,
}

impl Datagrams for TamperedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, datagram: &[u8], to: SocketAddr) -> Poll<io::Result<()>> {
        let mut changed = datagram.to_vec();
        match self.tamper.sent(self.world.now(), &mut changed) {
            true => self.inner.poll_send(cx, &changed, to),
            false => Poll::Ready(Ok(())),
        }
    }

    fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        loop {
            let (length, from) = std::task::ready!(self.inner.poll_recv(cx, buffer))?;
            let mut changed = buffer[..length].to_vec();
            if self.tamper.received(self.world.now(), &mut changed) {
                let length = changed.len().min(buffer.len());
                buffer[..length].copy_from_slice(&changed[..length]);
                return Poll::Ready(Ok((length, from)));
            }
        }
    }
}
