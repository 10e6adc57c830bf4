//! The way to a server: which of its addresses answers, whatever carries the messages.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use super::session::{response, transaction};
use crate::stun::{Connection, LinkError};
use crate::trust::Trust;
use crate::world::{World, timeout};

/// A server must have answered within this time. It ends before gathering does, so that the reason comes first.
const PATIENCE: Duration = Duration::from_secs(4);
/// RFC 8305 §5: so long the next address waits for those before it.
const STAGGER: Duration = Duration::from_millis(250);
/// More addresses are not tried.
const MOST_ADDRESSES: usize = 8;
/// RFC 8489 §6.2.1: after this a request is sent again over what is not reliable; then after twice as long.
const RESEND: Duration = Duration::from_millis(500);

/// What carries the messages to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Upstream {
    Udp,
    Tcp,
    Tls,
    Dtls,
}

/// A server and how to reach it.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) upstream: Upstream,
    /// Where it may be, the best first.
    pub(super) remotes: Vec<SocketAddr>,
    /// Whom the certificate must name.
    pub(super) host: String,
    pub(super) trust: Arc<Trust>,
}

/// A connection, and the answer to what was sent first.
pub(super) struct Reached {
    pub(super) connection: Connection,
    pub(super) answer: Vec<u8>,
}

/// Sends `first` to one address after the other, without waiting long for any, until one answers. Over UDP it leaves
/// from that one of `own` whose family fits.
///
/// # Errors
/// None does; why, for people.
pub(super) async fn reach(
    world: &Arc<dyn World>,
    way: &Way,
    own: &[IpAddr],
    first: &[u8],
) -> Result<Reached, String> {
    let until = world.now() + PATIENCE;
    let mut waiting = way.remotes.iter().take(MOST_ADDRESSES);
    let mut tried = FuturesUnordered::new();
    let mut reasons = Vec::new();
    loop {
        match waiting.next() {
            Some(remote) => tried.push(attempt(world, way, *remote, own, first, until)),
            None if tried.is_empty() => return Err(told(&reasons)),
            None => {}
        }
        match timeout(&**world, STAGGER, tried.next()).await {
            Ok(Some(Ok(reached))) => return Ok(reached),
            Ok(Some(Err(why))) => reasons.push(why),
            // It waits still, and the next one may begin.
            Ok(None) | Err(_) => {}
        }
    }
}

/// One reason stands for itself; several say whose they are.
fn told(reasons: &[(SocketAddr, String)]) -> String {
    match reasons {
        [] => "it has no address".to_owned(),
        [(_, why)] => why.clone(),
        several => {
            let each = several.iter().map(|(address, why)| format!("{address}: {why}"));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

async fn attempt(
    world: &Arc<dyn World>,
    way: &Way,
    remote: SocketAddr,
    own: &[IpAddr],
    first: &[u8],
    until: Instant,
) -> Result<Reached, (SocketAddr, String)> {
    let left = || until.saturating_duration_since(world.now());
    let failed = |why: LinkError| (remote, why.to_string());
    let seconds = PATIENCE.as_secs();
    let connection = timeout(&**world, left(), connect(world, way, remote, own)).await;
    let late = || (remote, format!("no connection within {seconds} s"));
    let mut connection = connection.map_err(|_| late())?.map_err(failed)?;
    let asking = timeout(&**world, left(), ask(&**world, &mut connection, first));
    let silent = match way.upstream {
        Upstream::Udp => format!("no answer over UDP within {seconds} s"),
        _ => format!("connected, and no answer within {seconds} s"),
    };
    let answer = asking.await.map_err(|_| (remote, silent))?.map_err(failed)?;
    Ok(Reached { connection, answer })
}

async fn connect(
    world: &Arc<dyn World>,
    way: &Way,
    remote: SocketAddr,
    own: &[IpAddr],
) -> Result<Connection, LinkError> {
    let plain: BoxFuture<'_, Result<Connection, LinkError>> = match way.upstream {
        Upstream::Udp => {
            let local = own.iter().find(|ip| ip.is_ipv4() == remote.is_ipv4());
            Box::pin(Connection::udp_from(local.copied(), remote))
        }
        Upstream::Dtls => Box::pin(Connection::udp(remote)),
        Upstream::Tcp | Upstream::Tls => Box::pin(Connection::tcp(remote)),
    };
    let plain = plain.await?;
    match way.upstream {
        Upstream::Udp | Upstream::Tcp => Ok(plain),
        Upstream::Tls | Upstream::Dtls => plain.secured(world, &way.trust, &way.host).await.0,
    }
}

/// Sends it until an answer comes. Anything else that comes is no answer.
async fn ask(world: &dyn World, connection: &mut Connection, first: &[u8]) -> Result<Vec<u8>, LinkError> {
    let mut patience = RESEND;
    connection.send(first).await?;
    loop {
        match timeout(world, patience, answer(connection, first)).await {
            Ok(answer) => return answer,
            Err(_) if connection.is_reliable() => {}
            Err(_) => connection.send(first).await?,
        }
        patience *= 2;
    }
}

async fn answer(connection: &mut Connection, first: &[u8]) -> Result<Vec<u8>, LinkError> {
    loop {
        let message = connection.receive().await?;
        if response(&message).is_some() && transaction(&message) == transaction(first) {
            return Ok(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;
    use crate::world::Live;

    fn first() -> Vec<u8> {
        [&[0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat()
    }

    fn way(upstream: Upstream, remotes: Vec<SocketAddr>) -> Way {
        let trust = Arc::new(Trust::new(None, true).unwrap());
        Way { upstream, remotes, host: "localhost".to_owned(), trust }
    }

    async fn silent() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    #[tokio::test]
    async fn a_dead_address_and_a_mute_one_do_not_hide_the_one_that_answers() {
        let world: Arc<dyn World> = Arc::new(Live::new(1));
        let (good, address) = silent().await;
        let (dead, refusing) = silent().await;
        drop(dead);
        let (_mute, mute) = silent().await;
        let answering = async {
            let mut buffer = [0; 64];
            let (length, from) = good.recv_from(&mut buffer).await.unwrap();
            assert_eq!(buffer[..length], first());
            // Something else first.
            good.send_to(b"hello", from).await.unwrap();
            buffer[0] = 1;
            buffer[1] = 0x13;
            good.send_to(&buffer[..length], from).await.unwrap();
        };
        let (way, own) = (way(Upstream::Udp, vec![refusing, mute, address]), ["127.0.0.1".parse().unwrap()]);
        let first = first();
        let (reached, ()) = futures::join!(reach(&world, &way, &own, &first), answering);
        let reached = reached.map_err(drop).unwrap();
        assert_eq!(reached.answer[1], 0x13, "only the good one answers so");
    }

    #[tokio::test]
    async fn each_address_says_why_it_cannot_be_used() {
        let world: Arc<dyn World> = Arc::new(Live::new(1));
        let (one, first_dead) = silent().await;
        let (two, second_dead) = silent().await;
        drop((one, two));
        let own = ["127.0.0.1".parse().unwrap()];
        for upstream in [Upstream::Udp, Upstream::Tcp] {
            let single = reach(&world, &way(upstream, vec![first_dead]), &own, &first()).await;
            assert_eq!(single.err().as_deref(), Some("connection refused"));
            let both = reach(&world, &way(upstream, vec![first_dead, second_dead]), &own, &first()).await;
            let expected = format!("{first_dead}: connection refused; {second_dead}: connection refused");
            assert_eq!(both.err(), Some(expected));
        }
    }
}
