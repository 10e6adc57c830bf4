//! The network of this machine: the kernel's sockets, the system's resolver.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use super::{Datagrams, Network, Socket};
use crate::world::BoxFuture;

/// The network of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineNetwork;

impl Network for MachineNetwork {
    fn udp(&self, socket: std::net::UdpSocket) -> io::Result<Socket> {
        Ok(Socket::System(socket))
    }

    fn is_machine(&self) -> bool {
        true
    }

    fn resolve(&self, host: &str, port: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// A socket of the machine, one datagram at a time.
#[derive(Debug)]
pub(super) struct MachineSocket(UdpSocket);

impl MachineSocket {
    /// # Errors
    /// When Tokio cannot watch the socket.
    pub(super) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        Ok(Self(UdpSocket::from_std(socket)?))
    }
}

impl Datagrams for MachineSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, datagram: &[u8], to: SocketAddr) -> Poll<io::Result<()>> {
        self.0.poll_send_to(cx, datagram, to).map_ok(|_| ())
    }

    fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buffer = ReadBuf::new(buffer);
        let from = ready!(self.0.poll_recv_from(cx, &mut buffer))?;
        Poll::Ready(Ok((buffer.filled().len(), from)))
    }
}
