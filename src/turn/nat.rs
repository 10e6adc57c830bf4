//! How the network between us and a server maps and filters (RFC 5780 §4.3, §4.4), where the server has a second address to
//! test with; and what can be inferred where it has none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::model::{Dependence, NatBehavior, Path};
use crate::stun::{LinkError, Outside, Reply, Stop, attribute};
use crate::world::World;

/// How long each of six datagrams may take.
const WAIT: Duration = Duration::from_millis(175);

/// Measures it with the server that answers first at one of these addresses. None if it does not offer a second one.
pub(super) async fn measured(
    world: &Arc<dyn World>,
    servers: &[SocketAddr],
    stop: &Stop,
) -> Option<NatBehavior> {
    let mut asked: FuturesUnordered<_> = servers.iter().map(|server| with(world, *server, stop)).collect();
    while let Some(ended) = asked.next().await {
        // Whoever stops us wants no answer.
        if let Ok(Asked::Answered(found)) = ended {
            return found;
        }
    }
    None
}

/// What came of asking at one address.
enum Asked {
    Silent,
    Answered(Option<NatBehavior>),
}

async fn with(world: &Arc<dyn World>, server: SocketAddr, stop: &Stop) -> Result<Asked, LinkError> {
    let mut socket = Outside::open(world, server, &format!("nat {server}"), stop.clone()).await?;
    let Some((reply, _)) = socket.binding(server, &[], WAIT).await? else { return Ok(Asked::Silent) };
    behind(world, server, &mut socket, &reply, stop).await.map(Asked::Answered)
}

/// By the server that said `reply`, with the socket that it was said to.
async fn behind(
    world: &Arc<dyn World>,
    server: SocketAddr,
    socket: &mut Outside,
    reply: &Reply,
    stop: &Stop,
) -> Result<Option<NatBehavior>, LinkError> {
    let (Some(first), Some(other)) =
        (reply.address(attribute::MAPPED), reply.plain_address(attribute::OTHER_ADDRESS))
    else {
        return Ok(None);
    };
    let another = |address: SocketAddr| address.ip() != server.ip() && address.port() != server.port();
    if !another(other) || other.is_ipv4() != server.is_ipv4() {
        return Ok(None);
    }
    let Some(second) = socket.mapped(SocketAddr::new(other.ip(), server.port()), WAIT).await? else {
        return Ok(None);
    };
    let mapping = if second == first {
        Dependence::EndpointIndependent
    } else {
        match socket.mapped(other, WAIT).await? {
            Some(third) if third == second => Dependence::AddressDependent,
            Some(_) => Dependence::AddressAndPortDependent,
            None => return Ok(None),
        }
    };
    // A new socket, that has sent nothing to the second address.
    let label = format!("nat filtering {server}");
    let mut socket = Outside::open(world, server, &label, stop.clone()).await?;
    let filtering = filtering(&mut socket, server).await?;
    Ok(Some(NatBehavior { mapping, filtering, measured: true }))
}

/// Who is let in. None if the server does not do as it is asked.
async fn filtering(socket: &mut Outside, server: SocketAddr) -> Result<Option<Dependence>, LinkError> {
    for (address, found) in [(true, Dependence::EndpointIndependent), (false, Dependence::AddressDependent)] {
        match socket.binding(server, &[attribute::answer_from_another(address)], WAIT).await? {
            Some((_, from)) if from == server => return Ok(None),
            Some(_) => return Ok(Some(found)),
            None => {}
        }
    }
    // Both were silent: so are servers that refuse the request, and only an answer to a plain one tells that it goes on.
    let lives = socket.binding(server, &[], WAIT).await?.is_some();
    Ok(lives.then_some(Dependence::AddressAndPortDependent))
}

/// What the server and its relay saw of one socket.
pub(super) fn inferred(path: &Path) -> Option<NatBehavior> {
    let ((mapped, seen), server, relay) = (path.peer_seen?, path.address?, path.relayed?);
    let mapping = match (mapped == seen, server.ip() == relay.ip()) {
        (true, false) => Dependence::EndpointIndependent,
        (false, true) => Dependence::AddressAndPortDependent,
        // The same for two ports of one address, or another for another address: that leaves two kinds each.
        _ => return None,
    };
    Some(NatBehavior { mapping, filtering: None, measured: false })
}

impl NatBehavior {
    /// In words.
    pub(super) fn told(self) -> String {
        let mapping = self.mapping.as_str();
        let filtering = self.filtering.map(|kind| format!(", filtering {}", kind.as_str()));
        let how = if self.measured { "RFC 5780" } else { "inferred" };
        format!("mapping {mapping}{} ({how})", filtering.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{Row, blank};
    use super::*;
    use crate::plan::IceTransport;

    #[test]
    fn what_can_be_inferred_is_said_to_be() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let address = at("203.0.113.1:3478");
        let (one, other) = (at("198.51.100.7:1000"), at("198.51.100.7:1001"));
        for (relayed, seen, mapping) in [
            ("203.0.113.1:50000", one, None),
            ("203.0.113.2:50000", one, Some("endpoint-independent")),
            ("203.0.113.1:50000", other, Some("address-and-port-dependent")),
            ("203.0.113.2:50000", other, None),
        ] {
            let row = Row { transport: IceTransport::Udp, address, required: true, demanded: false };
            let mut path = blank(row);
            (path.relayed, path.peer_seen) = (Some(at(relayed)), Some((one, seen)));
            let found = inferred(&path);
            assert_eq!(found.map(|found| found.mapping.as_str()), mapping, "{relayed} {seen}");
            assert!(found.is_none_or(|found| !found.measured && found.told().ends_with("(inferred)")));
        }
    }
}
