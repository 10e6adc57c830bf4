//! STUN and TURN servers, resolved before the engine sees them.
//!
//! The engine resolves names inside its driver and stands still meanwhile, and says nothing about a name that does not
//! resolve. TURN is bridged (see `turn`).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use rtc::peer_connection::configuration::RTCIceServer;

use super::shared::Events;
use super::turn::{Bridge, OpenBridge, Upstream, bridge};
use super::{EngineEvent, IceServer, Trusting};
use crate::network::Network;
use crate::plan::{IceTransport, IceUrl, check_ice_url, parse_ice_url};
use crate::trust::Trust;
use crate::world::{World, timeout};

/// A name must resolve within this time.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);

/// A server that the engine uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UsedServer {
    /// The URL as it was given.
    pub(super) given: String,
    /// The URL that the engine knows.
    pub(super) resolved: String,
    /// `relayProtocol` of its candidates, where that is not UDP (W3C webrtc §4.8.1).
    pub(super) protocol: Option<&'static str>,
}

/// The servers for the engine, with what became of each.
#[derive(Debug, Default)]
pub(super) struct Servers {
    pub(super) engine: Vec<RTCIceServer>,
    pub(super) used: Vec<UsedServer>,
    pub(super) skipped: Vec<EngineEvent>,
    /// TURN servers that are not bridged, with their URLs as they were given.
    pub(super) watched: Vec<(SocketAddr, String)>,
    /// What carries the others.
    pub(super) bridges: Vec<OpenBridge>,
}

/// What is needed to reach them.
pub(super) struct Ways<'a> {
    pub(super) world: &'a Arc<dyn World>,
    pub(super) network: &'a dyn Network,
    pub(super) events: &'a Events,
    pub(super) bind: &'a [IpAddr],
    pub(super) trusting: &'a Trusting,
}

/// Resolves all URLs at the same time; what cannot be used is left out and reported.
pub(super) async fn resolve(servers: &[IceServer], ways: &Ways<'_>) -> Servers {
    let urls = servers.iter().flat_map(|server| server.urls.iter().map(move |url| (server, url)));
    let urls: Vec<(&IceServer, &String)> = urls.collect();
    let lookups = urls.iter().map(|(server, url)| resolve_url(ways, server, url));
    let outcomes = join_all(lookups).await;
    let mut all = Servers::default();
    for ((server, url), outcome) in urls.into_iter().zip(outcomes) {
        let used = outcome.and_then(|far| all.reach(ways, server, url, far));
        match used {
            Ok((resolved, protocol)) => all.add(server, url, resolved, protocol),
            Err(reason) => all.skipped.push(EngineEvent::ServerSkipped { url: url.clone(), reason }),
        }
    }
    all
}

impl Servers {
    /// Whether there is a TURN server among them.
    pub(super) fn can_relay(&self) -> bool {
        self.used.iter().any(|server| server.resolved.starts_with("turn:"))
    }

    /// Why servers were left out, in words.
    pub(super) fn reasons(&self) -> String {
        let reason = |event: &EngineEvent| match event {
            EngineEvent::ServerSkipped { url, reason } => Some(format!("{url}: {reason}")),
            _ => None,
        };
        let reasons: Vec<String> = self.skipped.iter().filter_map(reason).collect();
        if reasons.is_empty() { "none is given".to_owned() } else { reasons.join("; ") }
    }

    /// The URL for the engine, and the protocol below it where that is not UDP.
    fn reach(
        &mut self,
        ways: &Ways<'_>,
        server: &IceServer,
        given: &str,
        far: Far,
    ) -> Result<(String, Option<&'static str>), String> {
        let Far { read, addresses } = far;
        let Some(address) = addresses.first() else { return Err(format!("{} has no address", read.host)) };
        if !read.turn {
            return Ok((format!("stun:{address}"), None));
        }
        if !ways.network.is_machine() && read.transport == IceTransport::Udp {
            self.watched.push((*address, given.to_owned()));
            return Ok((format!("turn:{address}?transport=udp"), None));
        }
        let protocol = match upstream(&read) {
            Upstream::Tcp => Some("tcp"),
            Upstream::Tls => Some("tls"),
            Upstream::Udp | Upstream::Dtls => None,
        };
        let (local, open) = open(ways, server, given, Far { read, addresses })?;
        self.bridges.push(open);
        Ok((format!("turn:{local}?transport=udp"), protocol))
    }

    fn add(&mut self, server: &IceServer, given: &str, resolved: String, protocol: Option<&'static str>) {
        // The engine writes an address of IPv6 that is nowhere shortened without its brackets.
        let written =
            if resolved.contains("::") { resolved.clone() } else { resolved.replace(['[', ']'], "") };
        self.used.push(UsedServer { given: given.to_owned(), resolved: written, protocol });
        self.engine.push(RTCIceServer {
            urls: vec![resolved],
            username: server.username.clone().unwrap_or_default(),
            credential: server.credential.clone().unwrap_or_default(),
        });
    }
}

/// The bridge to one TURN server.
///
/// # Errors
/// Why it cannot be used, for people.
pub(super) async fn bridged(
    ways: &Ways<'_>,
    server: &IceServer,
    url: &str,
) -> Result<(SocketAddr, OpenBridge), String> {
    let far = resolve_url(ways, server, url).await?;
    open(ways, server, url, far)
}

fn open(
    ways: &Ways<'_>,
    server: &IceServer,
    given: &str,
    far: Far,
) -> Result<(SocketAddr, OpenBridge), String> {
    let Far { read, addresses } = far;
    if !ways.network.is_machine() {
        return Err("there is no TCP and no TLS on simulated time".to_owned());
    }
    let Trusting { authorities, insecure } = ways.trusting;
    let trust = Trust::new(authorities.as_deref(), *insecure).map_err(|error| error.to_string())?;
    let far = Bridge {
        upstream: upstream(&read),
        remotes: addresses,
        host: read.host,
        url: given.to_owned(),
        trust: Arc::new(trust),
        password: server.credential.clone().unwrap_or_default(),
    };
    bridge(ways.world, ways.events, ways.bind, far)
        .map_err(|error| format!("no socket can be had for it: {error}"))
}

/// A server and where it is.
struct Far {
    read: IceUrl,
    /// Those that can be used, the best first.
    addresses: Vec<SocketAddr>,
}

/// Where the server is, or why it cannot be used.
async fn resolve_url(ways: &Ways<'_>, server: &IceServer, given: &str) -> Result<Far, String> {
    let read = usable_url(given)?;
    if read.turn && (server.username.is_none() || server.credential.is_none()) {
        return Err("a TURN server needs a username and a credential".to_owned());
    }
    let addresses = match read.host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, read.port)],
        Err(_) => lookup(&**ways.world, ways.network, &read.host, read.port).await?,
    };
    // Streams and DTLS have sockets of their own, of whatever family.
    let any_family = read.transport != IceTransport::Udp;
    let usable =
        |address: &SocketAddr| any_family || ways.bind.iter().any(|ip| ip.is_ipv4() == address.is_ipv4());
    let addresses: Vec<SocketAddr> = addresses.into_iter().filter(usable).collect();
    if addresses.is_empty() {
        return Err(format!("{} has no address of a family that we use", read.host));
    }
    Ok(Far { read, addresses })
}

async fn lookup(
    world: &dyn World,
    network: &dyn Network,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, String> {
    match timeout(world, RESOLVE_TIMEOUT, network.resolve(host, port)).await {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(format!("{host} does not resolve: {error}")),
        Err(_) => Err(format!("{host} did not resolve within {} s", RESOLVE_TIMEOUT.as_secs())),
    }
}

/// A URL that the engine can use.
fn usable_url(url: &str) -> Result<IceUrl, String> {
    check_ice_url(url).and_then(|_| parse_ice_url(url)).map_err(|error| error.title)
}

/// What carries the messages to the server.
const fn upstream(url: &IceUrl) -> Upstream {
    match url.transport {
        IceTransport::Udp => Upstream::Udp,
        IceTransport::Tcp => Upstream::Tcp,
        IceTransport::Tls => Upstream::Tls,
        IceTransport::Dtls => Upstream::Dtls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_what_carries_it() {
        for (url, carried) in [
            ("stun:a", Some(Upstream::Udp)),
            ("turn:a?transport=udp", Some(Upstream::Udp)),
            ("turn:a?transport=tcp", Some(Upstream::Tcp)),
            ("turns:a:443?transport=tcp", Some(Upstream::Tls)),
            ("turns:a?transport=udp", Some(Upstream::Dtls)),
            ("stuns:a", None),
            ("turn:a?x=y", None),
        ] {
            assert_eq!(usable_url(url).ok().map(|url| upstream(&url)), carried, "{url}");
        }
    }
}
