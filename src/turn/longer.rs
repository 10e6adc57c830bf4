//! What takes longer or asks for more, and is done only where somebody wants it: data at the rate of media, an allocation
//! that is held, and peers that no stranger should reach.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures::future::{Either, join, select};

use super::data::Data;
use super::model::{AuditRow, Cause, Load, StepName};
use super::step::{Trouble, milliseconds};
use crate::plan::IpScope;
use crate::stun::{Auth, Client, Failure, LinkError, Method, Outside, attribute};
use crate::world::World;

/// A packet of video every 10 ms and one of audio every 20 ms: about 1 Mbit/s, as a call has it.
const TICK: Duration = Duration::from_millis(10);
const VIDEO: usize = 1100;
const AUDIO: usize = 160;

/// How long the last packets may be on their way.
const GRACE: Duration = Duration::from_millis(500);

/// A lifetime that every server grants (RFC 8656 §7.2).
const LIFETIME: Duration = Duration::from_secs(600);

/// Sends over the channel `number` to a peer outside, which sends back what comes, for `duration`.
pub(super) async fn load(
    world: &dyn World,
    client: &mut Client,
    peer: &Outside,
    (relayed, number): (SocketAddr, u16),
    duration: Duration,
) -> Result<Load, Trouble> {
    let start = world.now();
    let end = start + duration;
    client.clear();
    let sending = there_and_back(world, client, number, (start, end));
    let echoing = async {
        while let Some((payload, _)) = peer.receive(end + GRACE).await? {
            peer.send(&payload, relayed).await;
        }
        Ok::<_, Trouble>(())
    };
    let (sent, echoed) = join(sending, echoing).await;
    echoed?;
    let (sent, took) = sent?;
    Ok(Load::of(sent, took))
}

impl Load {
    /// `took` has the round trips in the order in which they ended.
    fn of(sent: usize, mut took: Vec<f64>) -> Self {
        let changes = took.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f64>();
        let jitter_ms = (!took.is_empty()).then(|| changes / took.len() as f64);
        took.sort_by(f64::total_cmp);
        let at = |share: usize| took.get(took.len().saturating_sub(1) * share / 100).copied();
        let loss_percent = 100.0 * (sent - took.len()) as f64 / sent.max(1) as f64;
        let (round_trip_ms, round_trip_p95_ms) = (at(50), at(95));
        Self {
            sent,
            loss_percent,
            round_trip_ms,
            round_trip_p95_ms,
            jitter_ms,
            largest_payload: None,
            in_one_piece: false,
        }
    }

    /// In words; a failure if more was lost than `limit` percent.
    pub(super) fn judged(&self, limit: Option<f64>) -> Result<String, Trouble> {
        let Self { sent, loss_percent, .. } = self;
        let (Some(middle), Some(p95), Some(jitter)) =
            (self.round_trip_ms, self.round_trip_p95_ms, self.jitter_ms)
        else {
            return Err(Trouble::failed(
                Cause::Lost,
                format!("0 of {sent} packets came back at the rate of media"),
            ));
        };
        let said = format!(
            "{loss_percent:.1} % of {sent} packets lost there and back, round trip {middle:.1} ms (p95 {p95:.1}), \
             jitter {jitter:.1} ms"
        );
        let said = match self.largest_payload {
            Some(size) if self.in_one_piece => format!("{said}, largest payload {size} bytes in one piece"),
            Some(size) => format!("{said}, largest payload {size} bytes, maybe in fragments"),
            None => said,
        };
        match limit.filter(|limit| loss_percent > limit) {
            Some(limit) => Err(Trouble::failed(Cause::Lost, format!("{said}; more than {limit} %"))),
            None => Ok(said),
        }
    }
}

/// Payloads from the largest that an Ethernet carries in one datagram down to what every network carries (RFC 1122 §3.3.3).
const SIZES: [usize; 8] = [1472, 1444, 1400, 1300, 1200, 1100, 1000, 548];

/// How often each of them is sent.
const TIMES: usize = 3;

/// Marks a payload whose size is tried.
const SIZED: &[u8] = b"callcheck-size";

/// The largest of `SIZES` that comes back from the peer outside; none if none does. And whether it came in one
/// piece between here and the server, since the system was forbidden to make fragments.
pub(super) async fn largest(
    world: &dyn World,
    client: &mut Client,
    peer: &Outside,
    over: (SocketAddr, u16),
) -> Result<(Option<usize>, bool), Trouble> {
    let whole = [client.forbid_fragments(true), peer.forbid_fragments(true)] == [true, true];
    let found = largest_of(world, client, peer, over).await;
    client.forbid_fragments(false);
    peer.forbid_fragments(false);
    Ok((found?, whole))
}

async fn largest_of(
    world: &dyn World,
    client: &mut Client,
    peer: &Outside,
    (relayed, number): (SocketAddr, u16),
) -> Result<Option<usize>, Trouble> {
    client.clear();
    let end = world.now() + 2 * GRACE;
    let sending = async {
        for _ in 0..TIMES {
            for size in SIZES {
                let mut payload = SIZED.to_vec();
                payload.resize(size, 0xcc);
                let mut sent = client.over_channel(number, &payload).await;
                // What a router said of the one before is told of this one, which was not sent.
                if let Err(LinkError::Io(_)) = sent {
                    sent = client.over_channel(number, &payload).await;
                }
                match sent {
                    // The system refuses what is too large.
                    Ok(()) | Err(LinkError::Io(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let mut arrived = SIZES.map(|_| false);
        while arrived.contains(&false) {
            let incoming = match client.incoming(end).await {
                Ok(Some(incoming)) => incoming,
                Ok(None) => break,
                // A router says that something was too large.
                Err(LinkError::Io(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            let size = SIZES.iter().position(|size| *size == incoming.payload.len());
            if let Some(index) = size.filter(|_| incoming.payload.starts_with(SIZED)) {
                arrived[index] = true;
            }
        }
        let largest = SIZES.iter().zip(arrived).filter(|(_, arrived)| *arrived).map(|(size, _)| *size).max();
        Ok::<_, Trouble>(largest)
    };
    let echoing = async {
        while let Some((payload, _)) = peer.receive(end).await? {
            peer.send(&payload, relayed).await;
        }
        Ok::<_, Trouble>(())
    };
    match select(Box::pin(sending), Box::pin(echoing)).await {
        Either::Left((largest, _)) => largest,
        Either::Right((echoed, sending)) => {
            echoed?;
            sending.await
        }
    }
}

/// How many were sent, and the times in milliseconds of those that came back.
async fn there_and_back(
    world: &dyn World,
    client: &mut Client,
    number: u16,
    (start, end): (Instant, Instant),
) -> Result<(usize, Vec<f64>), Trouble> {
    let (mut sent, mut took): (Vec<Option<Instant>>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut next = start;
    let mut tick = 0_u32;
    loop {
        let now = world.now();
        if now < end && now >= next {
            let sizes: &[usize] = if tick.is_multiple_of(2) { &[VIDEO, AUDIO] } else { &[VIDEO] };
            for size in sizes {
                let mut payload = (sent.len() as u64).to_be_bytes().to_vec();
                payload.resize(*size, 0xcc);
                client.over_channel(number, &payload).await?;
                sent.push(Some(world.now()));
            }
            (tick, next) = (tick + 1, next + TICK);
            continue;
        }
        let until = if now < end { next } else { end + GRACE };
        if now >= end + GRACE || (now >= end && took.len() == sent.len()) {
            return Ok((sent.len(), took));
        }
        let Some(incoming) = client.incoming(until).await? else { continue };
        let index = incoming.payload.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        let slot = index.and_then(|index| sent.get_mut(usize::try_from(index).ok()?));
        // Taken, so that a packet that comes twice counts once.
        if let Some(at) = slot.and_then(Option::take) {
            took.push(milliseconds(world.now() - at));
        }
    }
}

impl Data<'_> {
    /// Keeps the allocation for `time`, and renews it as clients do.
    pub(super) async fn hold(&mut self, time: Duration) -> Result<(), Trouble> {
        let start = self.shared.world.now();
        let result = self.held(start + time).await;
        let result = result.map(|(renewed, nonces)| {
            ((), Some(format!("renewed {renewed} times, {nonces} times with a new nonce (438)")))
        });
        match self.steps.write(StepName::Hold, start, result) {
            Err(Trouble::Stopped) => Err(Trouble::Stopped),
            // What cannot be renewed is gone.
            other => other,
        }
    }

    async fn held(&mut self, end: Instant) -> Result<(u32, u32), Trouble> {
        let mut lifetime = self.path.lifetime_s.map_or(LIFETIME, Duration::from_secs);
        let (mut renewed, mut nonces) = (0, 0);
        let seconds = u32::try_from(LIFETIME.as_secs()).unwrap_or(u32::MAX);
        loop {
            let left = end.saturating_duration_since(self.shared.world.now());
            let pause = self.shared.world.sleep(left.min(lifetime / 2).max(Duration::from_millis(100)));
            self.stop.unless(pause).await.ok_or(Trouble::Stopped)?;
            let ask = [attribute::lifetime(seconds)];
            let answer = match self.client.request(Method::Refresh, &ask, Auth::OnceOnly).await {
                Err(Failure::Refused { code: 438, reply, .. }) => {
                    nonces += 1;
                    self.client.take_challenge(&reply);
                    self.client.request(Method::Refresh, &ask, Auth::OnceOnly).await?
                }
                other => other?,
            };
            renewed += 1;
            lifetime = answer.reply.lifetime().unwrap_or(lifetime);
            if self.shared.world.now() >= end {
                return Ok((renewed, nonces));
            }
        }
    }

    /// Asks for permissions that a careful server refuses. Nothing is sent to these peers.
    pub(super) async fn audit(&mut self) -> Result<(), Trouble> {
        let private_server = IpScope::of(self.row.address.ip()) == Some(IpScope::Private);
        for (peer, what) in PEERS {
            if private_server && what == "private" {
                continue;
            }
            let address = SocketAddr::new(IpAddr::V4(peer), 9);
            let asked = self
                .client
                .request(Method::CreatePermission, &[attribute::peer(address)], Auth::LongTerm)
                .await;
            let (allowed, code) = match asked {
                Ok(_) => (true, None),
                Err(Failure::Refused { code, .. }) => (false, Some(code)),
                Err(failure) => return Err(failure.into()),
            };
            self.path.audit.push(AuditRow { peer: peer.to_string(), what, allowed, code });
        }
        Ok(())
    }
}

const PEERS: [(Ipv4Addr, &str); 8] = [
    (Ipv4Addr::LOCALHOST, "loopback"),
    (Ipv4Addr::UNSPECIFIED, "unspecified"),
    (Ipv4Addr::new(10, 0, 0, 1), "private"),
    (Ipv4Addr::new(172, 16, 0, 1), "private"),
    (Ipv4Addr::new(192, 168, 0, 1), "private"),
    (Ipv4Addr::new(169, 254, 1, 1), "link-local"),
    (Ipv4Addr::new(169, 254, 169, 254), "the metadata service of clouds"),
    (Ipv4Addr::new(224, 0, 0, 1), "multicast"),
];
