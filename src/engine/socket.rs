//! The sockets that the engine sees: ours, or the machine's, with an eye on the DTLS records and the
//! connectivity checks that pass.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::dtls::DtlsTrace;
use super::stun::CheckTrace;
use super::turn::ServerWatch;
use crate::network::Datagrams;

/// A socket that reports DTLS records and checks, and otherwise passes everything on, batches included.
#[derive(Debug)]
pub(super) struct TracedSocket {
    pub(super) socket: Arc<dyn AsyncUdpSocket>,
    pub(super) trace: Arc<DtlsTrace>,
    pub(super) checks: Arc<CheckTrace>,
    pub(super) servers: Arc<ServerWatch>,
}

impl AsyncUdpSocket for TracedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let sent = self.socket.poll_send(cx, transmit);
        if sent.is_ready() {
            self.trace.sent(transmit.contents);
            self.checks.sent(transmit.contents);
            self.servers.sent(transmit.destination, transmit.contents);
        }
        sent
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.socket.poll_recv(cx, buffers, meta);
        if let Poll::Ready(Ok(count)) = received {
            for (buffer, meta) in buffers.iter().zip(meta.iter()).take(count) {
                let filled = &buffer[..meta.len.min(buffer.len())];
                for datagram in filled.chunks(meta.stride.max(1)) {
                    self.trace.received(datagram);
                    self.checks.received(datagram);
                    self.servers.received(meta.addr, datagram);
                }
            }
        }
        received
    }

    fn max_gso_segments(&self) -> usize {
        self.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket.max_gro_segments()
    }
}

/// Our [`Datagrams`] in the engine's terms: one datagram at a time.
#[derive(Debug)]
pub(super) struct DatagramSocket(pub(super) Arc<dyn Datagrams>);

impl AsyncUdpSocket for DatagramSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let length = transmit.contents.len();
        self.0.poll_send(cx, transmit.contents, transmit.destination).map_ok(|()| length)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
        };
        self.0.poll_recv(cx, buffer).map_ok(|(length, from)| {
            meta.addr = from;
            meta.len = length;
            // The driver divides by it.
            meta.stride = length.max(1);
            1
        })
    }
}
