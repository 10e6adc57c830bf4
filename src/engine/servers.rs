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
use crate::stun::Trust;
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
        far: Far<'_>,
    ) -> Result<(String, Option<&'static str>), String> {
        let Far { uri, addresses } = far;
        let Some(address) = addresses.first() else { return Err(format!("{} has no address", uri.host)) };
        if uri.scheme == "stun" {
            return Ok((format!("stun:{address}"), None));
        }
        if !ways.network.is_machine() && uri.upstream == Upstream::Udp {
            self.watched.push((*address, given.to_owned()));
            return Ok((format!("turn:{address}?transport=udp"), None));
        }
        let protocol = match uri.upstream {
            Upstream::Tcp => Some("tcp"),
            Upstream::Tls => Some("tls"),
            Upstream::Udp | Upstream::Dtls => None,
        };
        let (local, open) = open(ways, server, given, Far { uri, addresses })?;
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
    far: Far<'_>,
) -> Result<(SocketAddr, OpenBridge), String> {
    let Far { uri, addresses } = far;
    if !ways.network.is_machine() {
        return Err("there is no TCP and no TLS on simulated time".to_owned());
    }
    let Trusting { authorities, insecure } = ways.trusting;
    let trust = Trust::new(authorities.as_deref(), *insecure).map_err(|error| error.to_string())?;
    let far = Bridge {
        upstream: uri.upstream,
        remotes: addresses,
        host: uri.host.to_owned(),
        url: given.to_owned(),
        trust: Arc::new(trust),
        password: server.credential.clone().unwrap_or_default(),
    };
    bridge(ways.world, ways.events, ways.bind, far)
        .map_err(|error| format!("no socket can be had for it: {error}"))
}

/// A server and where it is.
struct Far<'a> {
    uri: Uri<'a>,
    /// Those that can be used, the best first.
    addresses: Vec<SocketAddr>,
}

/// Where the server is, or why it cannot be used.
async fn resolve_url<'a>(ways: &Ways<'_>, server: &IceServer, url: &'a str) -> Result<Far<'a>, String> {
    let uri = Uri::parse(url)?;
    if uri.scheme == "turn" && (server.username.is_none() || server.credential.is_none()) {
        return Err("a TURN server needs a username and a credential".to_owned());
    }
    let addresses = match uri.host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, uri.port)],
        Err(_) => lookup(&**ways.world, ways.network, uri.host, uri.port).await?,
    };
    // Streams and DTLS have sockets of their own, of whatever family.
    let any_family = matches!(uri.upstream, Upstream::Tcp | Upstream::Tls | Upstream::Dtls);
    let usable =
        |address: &SocketAddr| any_family || ways.bind.iter().any(|ip| ip.is_ipv4() == address.is_ipv4());
    let addresses: Vec<SocketAddr> = addresses.into_iter().filter(usable).collect();
    if addresses.is_empty() {
        return Err(format!("{} has no address of a family that we use", uri.host));
    }
    Ok(Far { uri, addresses })
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

/// An RFC 7064 or RFC 7065 URI that the engine can use.
#[derive(Debug, PartialEq, Eq)]
struct Uri<'a> {
    scheme: &'a str,
    host: &'a str,
    port: u16,
    upstream: Upstream,
}

impl<'a> Uri<'a> {
    fn parse(url: &'a str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once(':').ok_or("it has no scheme such as stun: or turn:")?;
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let upstream = match (scheme, query) {
            ("stun" | "turn", "") | ("turn", "transport=udp") => Upstream::Udp,
            ("turn", "transport=tcp") => Upstream::Tcp,
            ("turns", "" | "transport=tcp") => Upstream::Tls,
            ("turns", "transport=udp") => Upstream::Dtls,
            ("stuns", _) => return Err("STUN over TLS brings no candidate that UDP could use".to_owned()),
            ("stun" | "turn" | "turns", other) => {
                return Err(format!("{other:?} is not understood; transport=udp and transport=tcp are"));
            }
            (other, _) => return Err(format!("{other}: is not the scheme of a STUN or TURN server")),
        };
        let secure = scheme == "turns";
        let (host, port) = host_and_port(authority, if secure { 5349 } else { 3478 })?;
        Ok(Self { scheme: if secure { "turn" } else { scheme }, host, port, upstream })
    }
}

/// `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; the default port is that of the scheme (RFC 7065 §3.2).
fn host_and_port(authority: &str, default: u16) -> Result<(&str, u16), String> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err("it names no host".to_owned());
    }
    let port =
        port.map_or(Ok(default), |port| port.parse().map_err(|_| format!("{port:?} is not a port")))?;
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read_as_the_rfcs_write_them() {
        let cases = [
            ("stun:stun.example.org", Ok(("stun", "stun.example.org", 3478))),
            ("stun:stun.example.org:1234", Ok(("stun", "stun.example.org", 1234))),
            ("turn:192.0.2.1?transport=udp", Ok(("turn", "192.0.2.1", 3478))),
            ("turn:[2001:db8::1]:99", Ok(("turn", "2001:db8::1", 99))),
            ("turn:[2001:db8::1]", Ok(("turn", "2001:db8::1", 3478))),
            ("turns:a", Ok(("turn", "a", 5349))),
            ("turns:a:443?transport=tcp", Ok(("turn", "a", 443))),
            ("turn:a?transport=tcp", Ok(("turn", "a", 3478))),
            ("stuns:a", Err("over TLS")),
            ("stun:a?transport=tcp", Err("not understood")),
            ("turn:a?x=y", Err("not understood")),
            ("http://a", Err("not the scheme")),
            ("stun:", Err("no host")),
            ("stun:a:99999", Err("not a port")),
            ("a", Err("no scheme")),
        ];
        for (url, expected) in cases {
            match (Uri::parse(url), expected) {
                (Ok(uri), Ok(expected)) => assert_eq!((uri.scheme, uri.host, uri.port), expected, "{url}"),
                (Err(reason), Err(expected)) => assert!(reason.contains(expected), "{url}: {reason}"),
                (parsed, _) => panic!("{url}: {parsed:?}"),
            }
        }
    }
}
