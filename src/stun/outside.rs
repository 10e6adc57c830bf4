//! A peer outside the relay: a plain socket of ours that sends to a relayed address and hears what comes from it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;

use super::message::{self, attribute};
use super::stop::{Stop, Waited};
use super::{Attribute, LinkError, Method, Reply, fragments};
use crate::world::{Rng, World};

/// How often a server is asked how it sees this socket.
const TRIES: u32 = 6;

/// A socket that is connected to nobody.
pub struct Outside {
    world: Arc<dyn World>,
    socket: UdpSocket,
    rng: Rng,
    stop: Stop,
}

impl Outside {
    /// A socket of the family of `like`.
    ///
    /// # Errors
    /// The system gives none.
    pub async fn open(
        world: &Arc<dyn World>,
        like: SocketAddr,
        label: &str,
        stop: Stop,
    ) -> Result<Self, LinkError> {
        let any: SocketAddr = match like {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        Ok(Self { world: Arc::clone(world), socket, rng: world.rng(label), stop })
    }

    /// How `server` sees this socket; None if it does not answer over UDP.
    ///
    /// # Errors
    /// We are stopped.
    pub async fn mapped(
        &mut self,
        server: SocketAddr,
        wait: Duration,
    ) -> Result<Option<SocketAddr>, LinkError> {
        let answer = self.binding(server, &[], wait).await?;
        Ok(answer.filter(|(_, from)| *from == server).and_then(|(reply, _)| reply.address(attribute::MAPPED)))
    }

    /// The success of a Binding, and where it came from; None if there is none.
    ///
    /// # Errors
    /// We are stopped.
    pub async fn binding(
        &mut self,
        server: SocketAddr,
        attributes: &[Attribute],
        wait: Duration,
    ) -> Result<Option<(Reply, SocketAddr)>, LinkError> {
        let written = message::request(&mut self.rng, Method::Binding, attributes, None);
        let written = written.map_err(LinkError::Io)?;
        for _ in 0..TRIES {
            if self.socket.send_to(&written.bytes, server).await.is_err() {
                return Ok(None);
            }
            let until = self.world.now() + wait;
            while let Some((packet, from)) = self.receive(until).await? {
                let reply = Reply::read(&packet).filter(|reply| reply.answers(Method::Binding, &written.id));
                if let Some(reply) = reply {
                    return Ok(reply.is_success().then_some((reply, from)));
                }
            }
        }
        Ok(None)
    }

    /// The port of ours that it has.
    ///
    /// # Errors
    /// The system does not say.
    pub fn port(&self) -> Result<u16, LinkError> {
        Ok(self.socket.local_addr()?.port())
    }

    /// As [`super::Connection::forbid_fragments`].
    pub fn forbid_fragments(&self, forbid: bool) -> bool {
        fragments::forbid(&self.socket, forbid)
    }

    /// Sends a datagram. What the system does not take is lost, as on any network.
    pub async fn send(&self, payload: &[u8], to: SocketAddr) {
        drop(self.socket.send_to(payload, to).await);
    }

    /// A datagram that has come, or comes before `until`.
    ///
    /// # Errors
    /// We are stopped.
    pub async fn receive(&self, until: Instant) -> Result<Option<(Vec<u8>, SocketAddr)>, LinkError> {
        let mut buffer = vec![0; 4096];
        loop {
            let left = until.saturating_duration_since(self.world.now());
            if left.is_zero() {
                return Ok(None);
            }
            match self.stop.within(&*self.world, left, self.socket.recv_from(&mut buffer)).await {
                Waited::Done(Ok((length, from))) => return Ok(Some((buffer[..length].to_vec(), from))),
                // An ICMP error for something that was sent before.
                Waited::Done(Err(_)) => {}
                Waited::TooLong => return Ok(None),
                Waited::Stopped => return Err(LinkError::Stopped),
            }
        }
    }
}
