//! The engine's candidates in the timeline's terms.

use webrtc::peer_connection::{RTCIceCandidate, RTCIceCandidateType};

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

fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_people_write_them() {
        assert_eq!(address("192.0.2.1", 5000), "192.0.2.1:5000");
        assert_eq!(address("2001:db8::1", 5000), "[2001:db8::1]:5000");
        assert_eq!(address("abc.local", 5000), "abc.local:5000");
    }
}
