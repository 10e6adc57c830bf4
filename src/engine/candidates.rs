//! The engine's candidates in the timeline's terms.

use std::net::SocketAddr;

use webrtc::peer_connection::{RTCIceCandidate, RTCIceCandidateType};

use crate::network::Network;
use crate::timeline::IceCandidate;

/// Translates a candidate of the engine; none if the engine itself cannot write it.
pub(super) fn from_engine(candidate: &RTCIceCandidate, url: Option<&str>) -> Option<IceCandidate> {
    let text = candidate.to_json().ok()?.candidate;
    let relayed = candidate.typ == RTCIceCandidateType::Relay;
    Some(IceCandidate {
        candidate: text,
        candidate_type: candidate.typ.to_string(),
        protocol: candidate.protocol.to_string(),
        address: address(&candidate.address, candidate.port),
        // The engine speaks to TURN servers over UDP only, but does not say so.
        relay_protocol: relayed.then(|| "udp".to_owned()),
        url: url.filter(|url| !url.is_empty()).map(str::to_owned),
    })
}

/// The candidate with the address under which others see the socket.
pub(super) fn as_seen(mut candidate: IceCandidate, network: &dyn Network) -> IceCandidate {
    let Some(own) = transport_address(&candidate.candidate) else { return candidate };
    let seen = network.seen_as(own);
    if seen != own {
        // The fifth and sixth word (RFC 8839 §5.1).
        let words =
            candidate.candidate.split_ascii_whitespace().enumerate().map(|(index, word)| match index {
                4 => seen.ip().to_string(),
                5 => seen.port().to_string(),
                _ => word.to_owned(),
            });
        candidate.candidate = words.collect::<Vec<_>>().join(" ");
        candidate.address = seen.to_string();
    }
    candidate
}

/// The UDP address of a candidate attribute; none for TCP and for names (RFC 8839 §5.1).
pub(super) fn transport_address(candidate: &str) -> Option<SocketAddr> {
    let mut parts = candidate.strip_prefix("candidate:")?.split_ascii_whitespace().skip(2);
    if !parts.next()?.eq_ignore_ascii_case("udp") {
        return None;
    }
    let ip = parts.nth(1)?.parse().ok()?;
    Some(SocketAddr::new(ip, parts.next()?.parse().ok()?))
}

fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transport_addresses_are_read_from_attributes() {
        let cases = [
            ("candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host", Some("192.0.2.1:5000")),
            ("candidate:1 1 UDP 1 2001:db8::1 5000 typ srflx raddr ::1 rport 9", Some("[2001:db8::1]:5000")),
            ("candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", None),
            ("candidate:1 1 udp 1 abc.local 9 typ host", None),
            ("candidate:1 1 udp", None),
            ("garbage", None),
        ];
        for (candidate, expected) in cases {
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(transport_address(candidate), expected, "{candidate}");
        }
    }

    #[test]
    fn addresses_are_written_as_people_write_them() {
        assert_eq!(address("192.0.2.1", 5000), "192.0.2.1:5000");
        assert_eq!(address("2001:db8::1", 5000), "[2001:db8::1]:5000");
        assert_eq!(address("abc.local", 5000), "abc.local:5000");
    }
}
