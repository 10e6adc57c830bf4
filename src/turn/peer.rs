//! The peer outside the relay that data is tested with: a socket of ours, or one of another machine.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::chain::{Row, Shared};
use super::model::Path;
use super::step::Trouble;
use super::vantage::Seat;
use crate::stun::{Outside, Stop};

/// How long a server may take to say how it sees the peer outside, each time it is asked.
const MAPPING: Duration = Duration::from_millis(175);

/// Why there is no peer outside.
const UNREACHED: &str = "UDP does not pass between here and the server, or it serves TCP alone, so that no peer outside can \
                         be played from here; test from another network, with a second machine (--outside), or against a \
                         server that answers over UDP too";

/// The same where UDP does pass.
const UNMAPPED: &str = "the server answers no Binding without credentials, so that it is not known how a NAT shows a peer of \
                        ours; test from a machine without a NAT, or with a second machine (--outside)";

/// A peer outside, and how the server sees it.
pub(super) enum Peer {
    /// A plain socket of ours.
    Ours { socket: Box<Outside>, mapped: SocketAddr },
    /// One of the machine that plays the outside.
    Theirs(Seat),
}

impl Peer {
    /// One that can be reached from where `relayed` is, or why there is none.
    pub(super) async fn find(
        shared: &Shared<'_>,
        row: Row,
        path: &Path,
        relayed: SocketAddr,
        stop: &Stop,
    ) -> Result<Result<Self, String>, Trouble> {
        let family = relayed.is_ipv4();
        let mut servers: Vec<SocketAddr> = shared.datagrams.clone();
        if row.transport.is_datagram() {
            servers.insert(0, row.address);
        }
        servers.retain(|server| server.is_ipv4() == family);
        servers.dedup();
        if servers.is_empty() {
            return Ok(Err("the server has no address of the family that it relays".to_owned()));
        }
        servers.truncate(2);
        if let Some(vantage) = &shared.config.vantage {
            return Ok(vantage.open(&*shared.world, stop, servers).await?.map(Self::Theirs));
        }
        let label = format!("outside {} {}", row.transport.as_str(), row.address);
        let opened = Outside::open(&shared.world, relayed, &label, stop.clone()).await;
        let mut socket = match opened {
            Ok(socket) => Box::new(socket),
            Err(error) => return Ok(Err(format!("no socket for a peer outside: {error}"))),
        };
        for server in servers {
            if let Some(mapped) = socket.mapped(server, MAPPING).await? {
                return Ok(Ok(Self::Ours { socket, mapped }));
            }
        }
        // Where nothing translates addresses, it has the same outside as here.
        if let Some(local) =
            path.local.filter(|local| path.mapped.is_some_and(|mapped| mapped.ip() == local.ip()))
            && row.transport.is_datagram()
        {
            let mapped = SocketAddr::new(local.ip(), socket.port()?);
            return Ok(Ok(Self::Ours { socket, mapped }));
        }
        Ok(Err(if row.transport.is_datagram() { UNMAPPED } else { UNREACHED }.to_owned()))
    }

    /// How the server sees it.
    pub(super) const fn mapped(&self) -> SocketAddr {
        match self {
            Self::Ours { mapped, .. } => *mapped,
            Self::Theirs(seat) => seat.mapped(),
        }
    }

    /// Who plays it, where it is none of ours.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Self::Ours { .. } => None,
            Self::Theirs(seat) => Some(format!("the peer is on another machine, seen as {}", seat.mapped())),
        }
    }

    /// Sends a datagram for each payload. Of another machine, what arrived there by then is known afterwards.
    pub(super) async fn send(
        &mut self,
        shared: &Shared<'_>,
        stop: &Stop,
        payloads: &[Vec<u8>],
        to: SocketAddr,
    ) -> Result<(), Trouble> {
        match self {
            Self::Ours { socket, .. } => {
                for payload in payloads {
                    socket.send(payload, to).await;
                }
                Ok(())
            }
            Self::Theirs(seat) => match seat.send(&*shared.world, stop, payloads, to).await? {
                None => Ok(()),
                Some(why) => Err(Trouble::skipped(why)),
            },
        }
    }

    /// A datagram that has come, or comes before `until`.
    pub(super) async fn receive(
        &mut self,
        shared: &Shared<'_>,
        stop: &Stop,
        until: Instant,
    ) -> Result<Option<(Vec<u8>, SocketAddr)>, Trouble> {
        Ok(match self {
            Self::Ours { socket, .. } => socket.receive(until).await?,
            Self::Theirs(seat) => seat.receive(&*shared.world, stop, until).await?,
        })
    }
}
