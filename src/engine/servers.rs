//! STUN and TURN servers, resolved before the engine sees them.
//!
//! The engine resolves names inside its driver and stands still meanwhile, says nothing about a name that does not
//! resolve, and skips `turns:` and TCP with a line in its log.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;
use rtc::peer_connection::configuration::RTCIceServer;

use super::{EngineEvent, IceServer};
use crate::network::Network;
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
}

/// The servers for the engine, with what became of each.
#[derive(Debug, Default)]
pub(super) struct Servers {
    pub(super) engine: Vec<RTCIceServer>,
    pub(super) used: Vec<UsedServer>,
    pub(super) skipped: Vec<EngineEvent>,
}

/// Resolves all URLs at the same time; what cannot be used is left out and reported.
pub(super) async fn resolve(
    world: &dyn World,
    network: &dyn Network,
    servers: &[IceServer],
    bind: &[IpAddr],
) -> Servers {
    let urls = servers.iter().flat_map(|server| server.urls.iter().map(move |url| (server, url)));
    let urls: Vec<(&IceServer, &String)> = urls.collect();
    let lookups = urls.iter().map(|(server, url)| resolve_url(world, network, server, url, bind));
    let outcomes = join_all(lookups).await;
    let mut all = Servers::default();
    for ((server, url), outcome) in urls.into_iter().zip(outcomes) {
        match outcome {
            Ok(resolved) => all.add(server, url, resolved),
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

    fn add(&mut self, server: &IceServer, given: &str, resolved: String) {
        self.used.push(UsedServer { given: given.to_owned(), resolved: resolved.clone() });
        self.engine.push(RTCIceServer {
            urls: vec![resolved],
            username: server.username.clone().unwrap_or_default(),
            credential: server.credential.clone().unwrap_or_default(),
        });
    }
}

/// The URL with an address in place of the name, or why it cannot be used.
async fn resolve_url(
    world: &dyn World,
    network: &dyn Network,
    server: &IceServer,
    url: &str,
    bind: &[IpAddr],
) -> Result<String, String> {
    let uri = Uri::parse(url)?;
    if uri.scheme == "turn" && (server.username.is_none() || server.credential.is_none()) {
        return Err("a TURN server needs a username and a credential".to_owned());
    }
    let addresses = match uri.host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, uri.port)],
        Err(_) => lookup(world, network, uri.host, uri.port).await?,
    };
    let usable = |address: &&SocketAddr| bind.iter().any(|ip| ip.is_ipv4() == address.is_ipv4());
    let address = addresses.iter().find(usable);
    let address = address.ok_or_else(|| format!("{} has no address of a family that we use", uri.host))?;
    Ok(format!("{}:{address}{}", uri.scheme, if uri.scheme == "turn" { "?transport=udp" } else { "" }))
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
}

impl<'a> Uri<'a> {
    fn parse(url: &'a str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once(':').ok_or("it has no scheme such as stun: or turn:")?;
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        match scheme {
            "stun" | "turn" => {}
            "stuns" | "turns" => {
                return Err("the engine speaks to servers over UDP only, not over TLS".to_owned());
            }
            other => return Err(format!("{other}: is not the scheme of a STUN or TURN server")),
        }
        match query {
            "" | "transport=udp" => {}
            "transport=tcp" => {
                return Err("the engine speaks to servers over UDP only, not over TCP".to_owned());
            }
            other => return Err(format!("{other:?} is not understood; transport=udp is")),
        }
        let (host, port) = host_and_port(authority)?;
        Ok(Self { scheme, host, port })
    }
}

/// `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; 3478 by default (RFC 8489 §8.1).
fn host_and_port(authority: &str) -> Result<(&str, u16), String> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err("it names no host".to_owned());
    }
    let port = port.map_or(Ok(3478), |port| port.parse().map_err(|_| format!("{port:?} is not a port")))?;
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
            ("turns:a", Err("over TLS")),
            ("turn:a?transport=tcp", Err("over TCP")),
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
