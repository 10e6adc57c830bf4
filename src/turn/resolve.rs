//! Where a server is: SRV where the URL names no port (RFC 5928 §3), then A and AAAA.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::{Resolver, TokioResolver};

use super::model::{Cause, StepName};
use super::step::{Note, Steps, Trouble};
use super::{Config, Target};
use crate::diagnostic::escaped;
use crate::plan::{IceTransport, IceUrl};
use crate::world::{World, timeout};

/// How long names are looked up.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long SRV records are looked up; most names have none.
const SRV_PATIENCE: Duration = Duration::from_secs(2);

/// More addresses of a name than this are not tried.
pub(super) const ADDRESSES: usize = 6;

/// All addresses of a server, written down as steps.
pub(super) async fn find(
    world: &Arc<dyn World>,
    config: &Config,
    target: &Target,
    steps: &mut Steps,
) -> Result<Vec<SocketAddr>, Trouble> {
    let url = &target.url;
    if let Ok(ip) = url.host.parse::<IpAddr>() {
        let literal = async { Ok(((), Some("it is an address".to_owned()))) };
        steps.take(StepName::Resolve, literal).await?;
        return Ok(vec![SocketAddr::new(ip, url.port)]);
    }
    let mut hosts = vec![(url.host.clone(), url.port)];
    if !url.states_port && may_have_services(&url.host) {
        // Without an answer the name itself is the server, at the port of the scheme (RFC 5928 §3).
        if let Ok(found) = steps.take(StepName::Srv, services(world, config, url)).await {
            hosts = found;
        }
    }
    steps.take(StepName::Resolve, addresses(world, config, &hosts)).await
}

/// Names of this machine and of this link are in no zone, and a name without a dot is no domain.
fn may_have_services(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.contains('.') && ![".localhost", ".local"].iter().any(|end| host.ends_with(end))
}

/// The SRV record of a URL (RFC 5928 §3, RFC 8489 §8.1; DTLS by RFC 7350 §4).
fn service(url: &IceUrl) -> String {
    let scheme = if url.turn { "turn" } else { "stun" };
    let secure = if url.transport.is_secure() { "s" } else { "" };
    let carrier = if url.transport.is_datagram() { "udp" } else { "tcp" };
    format!("_{scheme}{secure}._{carrier}.{}.", url.host.trim_end_matches('.'))
}

type Hosts = Vec<(String, u16)>;

async fn services(world: &Arc<dyn World>, config: &Config, url: &IceUrl) -> Result<(Hosts, Note), Trouble> {
    let name = service(url);
    let none = |why: String| Trouble::skipped(format!("no {name}: {why}; the name itself is taken"));
    let resolver = resolver(config.resolver).map_err(|error| none(said(&error)))?;
    let answer = match timeout(&**world, SRV_PATIENCE, resolver.srv_lookup(name.as_str())).await {
        Err(_) => return Err(none(format!("no answer in {} s", SRV_PATIENCE.as_secs()))),
        Ok(Err(error)) if error.is_no_records_found() => return Err(none("there is no such record".into())),
        Ok(Err(error)) => return Err(none(said(&error))),
        Ok(Ok(answer)) => answer,
    };
    let records = answer.answers().iter().filter_map(|record| match &record.data {
        RData::SRV(service) => Some(service),
        _ => None,
    });
    let hosts = in_order(records.collect());
    if hosts.is_empty() {
        // A single record whose target is the root (RFC 2782).
        return Err(none("it says that there is no such service".to_owned()));
    }
    let listed: Vec<String> = hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
    let note = format!("{name} is {}; browsers look up no SRV records", listed.join(", "));
    Ok((hosts, Some(note)))
}

/// By priority, then the heavier ones first (RFC 2782).
fn in_order(mut records: Vec<&SRV>) -> Hosts {
    records.sort_by_key(|record| (record.priority, std::cmp::Reverse(record.weight)));
    let hosts = records.into_iter().filter(|record| !record.target.is_root());
    let host = |record: &SRV| escaped(record.target.to_ascii().trim_end_matches('.').as_bytes());
    hosts.map(|record| (host(record), record.port)).collect()
}

async fn addresses(
    world: &Arc<dyn World>,
    config: &Config,
    hosts: &[(String, u16)],
) -> Result<(Vec<SocketAddr>, Note), Trouble> {
    let mut found: Vec<SocketAddr> = Vec::new();
    let mut missing = Vec::new();
    let all = async {
        for (host, port) in hosts {
            match looked_up(config, host, *port).await {
                Ok(addresses) if addresses.is_empty() => {
                    missing.push((host, "the answer is empty".to_owned()))
                }
                Ok(addresses) => {
                    let new = addresses.into_iter().filter(|address| !found.contains(address));
                    let mut new: Vec<SocketAddr> = new.collect();
                    new.dedup();
                    found.extend(new);
                }
                Err(why) => missing.push((host, why)),
            }
        }
    };
    let in_time = timeout(&**world, PATIENCE, all).await.is_ok();
    if found.is_empty() {
        let (host, why) = match missing.into_iter().next() {
            Some((host, why)) if in_time => (host.as_str(), why),
            _ => (
                hosts.first().map_or("", |host| host.0.as_str()),
                format!("no answer in {} s", PATIENCE.as_secs()),
            ),
        };
        return Err(Trouble::failed(Cause::Unresolved, format!("`{host}` has no address: {why}")));
    }
    let mut listed: Vec<String> = Vec::new();
    for ip in found.iter().map(|address| address.ip().to_string()) {
        if !listed.contains(&ip) {
            listed.push(ip);
        }
    }
    found.truncate(ADDRESSES);
    Ok((found, Some(listed.join(", "))))
}

/// By the system, which reads its files too, unless a name server is given.
async fn looked_up(config: &Config, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    if config.resolver.is_none() {
        let found = tokio::net::lookup_host((host, port)).await;
        return found.map(Iterator::collect).map_err(|error| looked_up_in_vain(&error));
    }
    let resolver = resolver(config.resolver).map_err(|error| said(&error))?;
    let found = resolver.lookup_ip(format!("{}.", host.trim_end_matches('.'))).await;
    let found = found.map_err(|error| said(&error))?;
    Ok(found.iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

fn resolver(names: Option<SocketAddr>) -> Result<TokioResolver, NetError> {
    let mut builder = match names {
        Some(address) => {
            let mut server = NameServerConfig::udp_and_tcp(address.ip());
            server.connections.iter_mut().for_each(|connection| connection.port = address.port());
            let config = ResolverConfig::from_name_servers(vec![server]);
            Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
        None => TokioResolver::builder_tokio()?,
    };
    builder.options_mut().timeout = SRV_PATIENCE / 2;
    builder.build()
}

fn said(error: &NetError) -> String {
    escaped(error.to_string().as_bytes())
}

/// What the resolver says, without what it says of itself.
fn looked_up_in_vain(error: &std::io::Error) -> String {
    let text = escaped(error.to_string().as_bytes());
    text.trim_start_matches("failed to lookup address information: ").to_owned()
}

/// Where the server may answer a Binding over UDP.
pub(super) fn datagrams(url: &IceUrl, addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut unique: Vec<SocketAddr> = Vec::new();
    let plain = |port| super::dial::port_of(IceTransport::Udp, url.transport, port);
    let ports = |address: &SocketAddr| [plain(address.port()), address.port(), 3478];
    for place in 0..3 {
        for address in addresses {
            let address = SocketAddr::new(address.ip(), ports(address)[place]);
            if !unique.contains(&address) {
                unique.push(address);
            }
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::Name;

    use super::*;
    use crate::plan::parse_ice_url;

    #[test]
    fn a_url_has_its_service() {
        for (url, name) in [
            ("turn:a.test", "_turn._udp.a.test."),
            ("turn:a.test?transport=tcp", "_turn._tcp.a.test."),
            ("turns:a.test", "_turns._tcp.a.test."),
            ("turns:a.test?transport=udp", "_turns._udp.a.test."),
            ("stun:a.test", "_stun._udp.a.test."),
        ] {
            assert_eq!(service(&parse_ice_url(url).unwrap()), name);
        }
        for (host, may) in [("a.test", true), ("localhost", false), ("x.local", false), ("nas", false)] {
            assert_eq!(may_have_services(host), may, "{host}");
        }
    }

    #[test]
    fn services_come_by_priority_and_weight() {
        let record = |priority, weight, port, target: &str| {
            SRV::new(priority, weight, port, Name::from_ascii(target).unwrap())
        };
        let records =
            [record(20, 9, 1, "c."), record(10, 1, 2, "b."), record(10, 5, 3, "a."), record(1, 1, 1, ".")];
        let hosts = in_order(records.iter().collect());
        assert_eq!(hosts, [("a".to_owned(), 3), ("b".to_owned(), 2), ("c".to_owned(), 1)]);
    }
}
