//! What an allocation is good for: data from a peer outside, data to it, data between two relayed addresses, and a nonce that
//! goes stale.
//!
//! An echo between two relayed addresses stays inside the server: it passes with the relayed ports closed in either
//! direction, and with a relayed address that nobody can reach. Only a peer outside finds these.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rand::RngExt;

use super::Config;
use super::chain::{RELEASE, Row, Shared};
use super::model::{Cause, Path, StepName};
use super::peer::Peer;
use super::sane::is_misplaced;
use super::step::{Note, Steps, Trouble, said};
use super::volley::{self, Volley};
use super::{dial, longer};
use crate::plan::IpScope;
use crate::stun::{Auth, Client, Failure, Incoming, Method, Stop, attribute};

/// The first channel (RFC 8656 §12).
const CHANNEL: u16 = 0x4000;

/// A lifetime that every server grants (RFC 8656 §7.2).
const LIFETIME: u32 = 600;

/// What is said where the server has one allocation for us and no more.
pub(super) const ONE_ALONE: &str = "a second allocation beside the first is refused";

/// Why the rate of media is not measured with another machine.
const FAR: &str = "the peer outside is on another machine, which tells of each datagram through the room: too slow to \
                   measure by; leave out --outside";

/// An allocation, and whom it is tried with.
pub(super) struct Data<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) row: Row,
    pub(super) stop: &'a Stop,
    pub(super) steps: &'a mut Steps,
    pub(super) path: &'a mut Path,
    pub(super) client: &'a mut Client,
    pub(super) relayed: SocketAddr,
}

/// Another allocation, and its relayed address.
struct Second {
    client: Client,
    relayed: SocketAddr,
}

impl Data<'_> {
    /// All tests of data. Data that is lost is written down, and the next test is taken all the same.
    pub(super) async fn flow(&mut self) -> Result<(), Trouble> {
        let outside = Peer::find(self.shared, self.row, self.path, self.relayed, self.stop).await?;
        let second = self.second().await;
        let (done, second) = match second {
            Ok(mut second) => {
                let done = self.with(outside, Ok(&mut second)).await;
                (done, Some(second))
            }
            Err(Trouble::Stopped) => (Err(Trouble::Stopped), None),
            Err(Trouble::Failed { reason, .. } | Trouble::Skipped { reason }) => {
                (self.with(outside, Err(reason)).await, None)
            }
        };
        if let Some(second) = second {
            put_away(second).await;
        }
        done
    }

    async fn with(
        &mut self,
        outside: Result<Peer, String>,
        mut second: Result<&mut Second, String>,
    ) -> Result<(), Trouble> {
        let to = match (&outside, &second) {
            (Ok(peer), _) => peer.mapped(),
            (Err(_), Ok(second)) => second.relayed,
            (Err(why), Err(other)) => {
                let why = format!("there is no peer to test with: {why}; {other}");
                self.steps.skip_rest(&DATA, &why);
                return Ok(());
            }
        };
        let permitted = self.permission(to).await;
        match (permitted, outside) {
            (Ok(()), Ok(mut peer)) => self.through(&mut peer).await?,
            (Ok(()), Err(why)) => {
                self.steps.skip(StepName::Inbound, why.clone());
                self.steps.skip(StepName::Outbound, why);
                self.channel(to).await?;
            }
            (Err(Trouble::Skipped { reason }), _) => {
                self.steps.skip_rest(&[StepName::Inbound, StepName::Channel, StepName::Outbound], &reason);
            }
            (Err(trouble), _) => return Err(trouble),
        }
        let start = self.shared.world.now();
        let echo = match &mut second {
            Ok(second) => self.echo(second).await,
            Err(why) => Err(Trouble::skipped(why.clone())),
        };
        unless_broken(self.steps.write(StepName::Echo, start, echo))
    }

    async fn second(&mut self) -> Result<Second, Trouble> {
        let mut client = dial::again(self.shared, self.row, self.stop, "second").await?;
        let transport = [attribute::requested_udp()];
        match client.request(Method::Allocate, &transport, Auth::Anonymous).await {
            Err(Failure::Refused { code: 401, reply, .. }) => drop(client.take_challenge(&reply)),
            Err(failure) => return Err(failure.into()),
            Ok(_) => {}
        }
        let answer = match client.request(Method::Allocate, &transport, Auth::LongTerm).await {
            Ok(answer) => answer,
            Err(Failure::Refused { code: code @ (486 | 508), reason, .. }) => {
                let said = said(code, &reason);
                return Err(Trouble::skipped(format!("{ONE_ALONE}: {said}")));
            }
            Err(failure) => return Err(failure.into()),
        };
        let relayed = answer.reply.address(attribute::RELAYED);
        relayed
            .map(|relayed| Second { client, relayed })
            .ok_or_else(|| Trouble::skipped("it has no relayed address"))
    }

    async fn permission(&mut self, peer: SocketAddr) -> Result<(), Trouble> {
        let start = self.shared.world.now();
        let result = permit(self.client, peer).await.map(|()| ((), Some(format!("for {}", peer.ip()))));
        let result = result.map_err(|trouble| self.forgiven(trouble, peer.ip()));
        self.steps.write(StepName::Permission, start, result)
    }

    /// A server that keeps strangers from private addresses is a good one.
    fn forgiven(&self, trouble: Trouble, peer: IpAddr) -> Trouble {
        let scope = match IpScope::of(peer) {
            Some(scope) => scope.as_str().to_owned(),
            None if peer == self.relayed.ip() || peer == self.row.address.ip() => {
                "the server's own".to_owned()
            }
            None => return trouble,
        };
        match &trouble {
            Trouble::Failed { code: Some(403), reason, .. } => Trouble::skipped(format!(
                "{reason}: the server relays nothing to {peer}, which is {scope}, as a public server should not; \
                 test from a network with a public address"
            )),
            _ => trouble,
        }
    }

    /// Data both ways between the relay and a peer outside. Inbound first, and back to where it was seen to come from: so
    /// it passes every NAT.
    async fn through(&mut self, peer: &mut Peer) -> Result<(), Trouble> {
        let start = self.shared.world.now();
        let inbound = self.inbound(peer).await;
        let seen = unless_broken_with(self.steps.write(StepName::Inbound, start, inbound))?;
        let to = seen.unwrap_or_else(|| peer.mapped());
        // Of another machine it says nothing of the network that we are in.
        let ours = matches!(peer, Peer::Ours { .. });
        self.path.peer_seen = seen.filter(|_| ours).map(|seen| (peer.mapped(), seen));
        let channel = self.channel(to).await?;
        let start = self.shared.world.now();
        let outbound = self.outbound(peer, to, channel).await;
        unless_broken(self.steps.write(StepName::Outbound, start, outbound))?;
        match self.shared.config.duration.filter(|_| self.row.counts()) {
            Some(duration) if channel => self.load(peer, duration).await,
            Some(_) => {
                self.steps.skip(StepName::Load, "there is no channel to send over");
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn load(&mut self, peer: &mut Peer, duration: Duration) -> Result<(), Trouble> {
        let Peer::Ours { socket, .. } = peer else {
            self.steps.skip(StepName::Load, FAR);
            return Ok(());
        };
        let start = self.shared.world.now();
        let over = (self.relayed, CHANNEL);
        let world = &*self.shared.world;
        let mut measured = longer::load(world, self.client, socket, over, duration).await;
        // Where much is lost, what is missing says nothing of its size.
        if let Ok(load) = &mut measured
            && load.loss_percent <= Config::LOSS_LIMIT
        {
            (load.largest_payload, load.in_one_piece) =
                longer::largest(world, self.client, socket, over).await?;
        }
        let limit = self.shared.config.loss_limit;
        let result = measured.and_then(|load| {
            let said = load.judged(limit);
            self.path.load = Some(load);
            said.map(|note| ((), Some(note)))
        });
        unless_broken(self.steps.write(StepName::Load, start, result))
    }

    async fn inbound(&mut self, peer: &mut Peer) -> Result<(SocketAddr, Note), Trouble> {
        let mut volley = self.volley("inbound");
        self.client.clear();
        peer.send(self.shared, self.stop, &volley.payloads, self.relayed).await?;
        let mut seen = None;
        while !volley.all() {
            match self.client.incoming(volley.until()).await? {
                Some(incoming) => {
                    if volley.mark(&incoming.payload) {
                        seen = incoming.from.or(seen);
                    }
                }
                None if volley.again(self.shared.world.now()) => {
                    peer.send(self.shared, self.stop, &volley.payloads, self.relayed).await?;
                }
                None => break,
            }
        }
        let note = volley.judged("from the peer")?;
        seen.map(|seen| (seen, note.or_else(|| peer.note())))
            .ok_or_else(|| Trouble::failed(Cause::Nonsense, "it does not say from whom"))
    }

    /// Binds a channel; whether it is bound.
    async fn channel(&mut self, peer: SocketAddr) -> Result<bool, Trouble> {
        let start = self.shared.world.now();
        let attributes = [attribute::channel(CHANNEL), attribute::peer(peer)];
        let result = self.client.request(Method::ChannelBind, &attributes, Auth::LongTerm).await;
        let result = result.map(|_| ((), None)).map_err(Trouble::from);
        let written = self.steps.write(StepName::Channel, start, result);
        let bound = written.is_ok();
        unless_broken(written).map(|()| bound)
    }

    async fn outbound(
        &mut self,
        peer: &mut Peer,
        to: SocketAddr,
        channel: bool,
    ) -> Result<((), Note), Trouble> {
        let mut volley = self.volley("outbound");
        self.send(to, channel, &volley.payloads).await?;
        let (mut stranger, mut asked) = (None, false);
        while !volley.all() {
            match peer.receive(self.shared, self.stop, volley.until()).await? {
                Some((payload, from)) if volley.mark(&payload) && from != self.relayed => {
                    stranger = Some(from);
                }
                Some(_) => {}
                None if volley.again(self.shared.world.now()) => {
                    self.send(to, channel, &volley.payloads).await?;
                }
                // Another machine may be slow to tell: its answer comes after all that arrived there.
                None if !asked && !volley.any() => {
                    asked = true;
                    peer.send(self.shared, self.stop, &[], self.relayed).await?;
                }
                None => break,
            }
        }
        let note = volley.judged("at the peer")?;
        let odd = stranger.map(|from| format!("it comes from {from} and not from the relayed address"));
        Ok(((), odd.or(note)))
    }

    async fn send(&mut self, to: SocketAddr, channel: bool, payloads: &[Vec<u8>]) -> Result<(), Trouble> {
        for payload in payloads {
            match channel {
                true => self.client.over_channel(CHANNEL, payload).await?,
                false => self.client.indicate(to, payload).await?,
            }
        }
        Ok(())
    }

    async fn echo(&mut self, second: &mut Second) -> Result<((), Note), Trouble> {
        permit(self.client, second.relayed)
            .await
            .map_err(|trouble| self.forgiven(trouble, second.relayed.ip()))?;
        let back = permit(&mut second.client, self.relayed).await;
        back.map_err(|trouble| self.forgiven(trouble, self.relayed.ip()))?;
        let (mut back, patience) = (self.volley("echo"), self.client.patience());
        self.client.clear();
        loop {
            self.send(second.relayed, false, &back.payloads).await?;
            let mut there = Volley::new(back.payloads.clone(), self.shared.world.now(), patience);
            while let Some(incoming) = match there.all() {
                true => None,
                false => second.client.incoming(there.until()).await?,
            } {
                if there.mark(&incoming.payload) {
                    second.client.indicate(self.relayed, &incoming.payload).await?;
                }
            }
            let until = self.shared.world.now() + patience;
            while back.count() < there.count() {
                let Some(Incoming { payload, .. }) = self.client.incoming(until).await? else { break };
                back.mark(&payload);
            }
            if !back.again(self.shared.world.now()) {
                return Ok(((), back.judged("there and back")?));
            }
        }
    }

    /// A Refresh with a nonce that the server cannot know: it must say 438 and give a new one.
    pub(super) async fn stale_nonce(&mut self) -> Result<(), Trouble> {
        let start = self.shared.world.now();
        self.client.spoil_nonce();
        let refresh = [attribute::lifetime(LIFETIME)];
        let result = match self.client.request(Method::Refresh, &refresh, Auth::OnceOnly).await {
            Ok(_) => Ok(((), Some("the server takes any nonce".to_owned()))),
            Err(Failure::Refused { code: code @ (438 | 401), reason, reply }) => {
                self.client.take_challenge(&reply);
                let again = self.client.request(Method::Refresh, &refresh, Auth::OnceOnly).await;
                let note = format!("{}, then renewed", said(code, &reason));
                again.map(|_| ((), Some(note))).map_err(Trouble::from)
            }
            Err(failure) => Err(failure.into()),
        };
        unless_broken(self.steps.write(StepName::StaleNonce, start, result))
    }

    /// Whether the server relays IPv6. It need not.
    pub(super) async fn allocate_v6(&mut self) -> Result<(), Trouble> {
        let start = self.shared.world.now();
        let result = self.try_v6().await;
        let result = match result {
            Err(Trouble::Failed { reason, .. }) => Err(Trouble::skipped(format!("no IPv6 relay: {reason}"))),
            other => other,
        };
        match self.steps.write(StepName::AllocateV6, start, result) {
            Err(Trouble::Stopped) => Err(Trouble::Stopped),
            _ => Ok(()),
        }
    }

    async fn try_v6(&mut self) -> Result<((), Note), Trouble> {
        let mut client = dial::again(self.shared, self.row, self.stop, "v6").await?;
        let attributes = [attribute::requested_udp(), attribute::requested_ipv6()];
        match client.request(Method::Allocate, &attributes, Auth::Anonymous).await {
            Err(Failure::Refused { code: 401, reply, .. }) => drop(client.take_challenge(&reply)),
            Err(failure) => return Err(failure.into()),
            Ok(_) => {}
        }
        let answer = client.request(Method::Allocate, &attributes, Auth::LongTerm).await?;
        let relayed = answer.reply.address(attribute::RELAYED);
        let note = relayed.map(|relayed| match is_misplaced(relayed.ip(), self.row.address.ip()) {
            true => format!("relayed as {relayed}, which nobody outside can reach"),
            false => format!("relayed as {relayed}"),
        });
        let relayed = relayed.unwrap_or(self.relayed);
        put_away(Second { client, relayed }).await;
        Ok(((), note))
    }

    /// Datagrams that nobody else can have sent.
    fn volley(&self, label: &str) -> Volley {
        let world = &self.shared.world;
        let mut rng = world.rng(&format!("{label} {} {}", self.row.transport.as_str(), self.relayed));
        let stamp = self.shared.config.vantage.as_ref().map_or(&b"callcheck"[..], |vantage| vantage.stamp());
        let payloads = (0..volley::SIZE).map(|_| [stamp, &rng.random::<[u8; 12]>()].concat()).collect();
        Volley::new(payloads, world.now(), self.client.patience())
    }
}

const DATA: [StepName; 5] =
    [StepName::Permission, StepName::Inbound, StepName::Channel, StepName::Outbound, StepName::Echo];

async fn permit(client: &mut Client, peer: SocketAddr) -> Result<(), Trouble> {
    client.request(Method::CreatePermission, &[attribute::peer(peer)], Auth::LongTerm).await?;
    Ok(())
}

async fn put_away(mut second: Second) {
    // Kept until the end, so that it never stops.
    let (_never, stop) = Stop::pair();
    second.client.go_on_until(stop, RELEASE);
    // What is not put away ends by itself with its lifetime.
    drop(second.client.request(Method::Refresh, &[attribute::lifetime(0)], Auth::LongTerm).await);
}

/// A test that came out badly is told by its step; only a connection that is gone ends the path.
fn unless_broken(result: Result<(), Trouble>) -> Result<(), Trouble> {
    unless_broken_with(result).map(drop)
}

fn unless_broken_with<T>(result: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    let broken = |cause: &Cause| matches!(cause, Cause::Reset | Cause::Closed | Cause::NotStun);
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Trouble::Failed { ref cause, .. }) if broken(cause) => result.map(Some),
        Err(Trouble::Stopped) => Err(Trouble::Stopped),
        Err(Trouble::Failed { .. } | Trouble::Skipped { .. }) => Ok(None),
    }
}
