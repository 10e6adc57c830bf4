//! Reading the engine's transport: it reports neither its DTLS state nor its selected pair by itself.

use std::net::SocketAddr;
use std::sync::Arc;

use rtc::peer_connection::transport::{RTCDtlsTransportState, RTCIceCandidate, RTCIceCandidatePair};
use webrtc::peer_connection::transport::DtlsTransport;
use webrtc::peer_connection::{PeerConnection, RTCIceCandidateType, StatsSelector};

use super::candidates;
use super::gathering::Gathering;
use super::shared::Shared;
use crate::timeline::{CandidatePair, IceCandidate};

/// The DTLS transport, reached through whichever sender or receiver has it; everything is bundled. None before the
/// first association, and for a peer that only receives until its first packet.
async fn dtls_transport(connection: &dyn PeerConnection) -> Option<Arc<dyn DtlsTransport>> {
    for transceiver in connection.get_transceivers().await {
        if let Ok(Some(sender)) = transceiver.sender().await
            && let Ok(Some(transport)) = sender.transport().await
        {
            return Some(transport);
        }
        if let Ok(Some(receiver)) = transceiver.receiver().await
            && let Ok(Some(transport)) = receiver.transport().await
        {
            return Some(transport);
        }
    }
    None
}

/// The state of the DTLS transport; none while it cannot be reached.
pub(super) async fn dtls_state(connection: &dyn PeerConnection) -> Option<RTCDtlsTransportState> {
    dtls_transport(connection).await?.state().await.ok()
}

/// The selected pair as the engine puts it; cheap to read and to compare.
pub(super) async fn selected_pair(connection: &dyn PeerConnection) -> Option<RTCIceCandidatePair> {
    let transport = dtls_transport(connection).await?;
    transport.ice_transport().get_selected_candidate_pair().await.ok()?
}

/// The pair as the wire knows it, without its round-trip time, which costs more to read.
pub(super) fn described(shared: &Shared, pair: &RTCIceCandidatePair) -> Option<CandidatePair> {
    let local = candidates::from_engine(pair.local(), pair.local().url.as_deref())?;
    let local = candidates::as_seen(local, &*shared.network);
    let local = known(&shared.gathering(), local);
    Some(CandidatePair { local, remote: remote(pair.remote())?, rtt_ms: None })
}

/// Whether the ICE agent already knows a candidate's address as peer-reflexive: a check of the peer overtook the
/// candidate.
///
/// The agent books every answer on the first candidate of an address, so a second one at the same address never
/// succeeds, and as the pair of higher priority it keeps the agent from nominating the first for 200 ms. The two are one
/// candidate (RFC 8838 §10).
pub(super) async fn knows_as_peer_reflexive(connection: &dyn PeerConnection, candidate: &str) -> bool {
    let Some(address) = candidates::transport_address(candidate) else { return false };
    let Some(transport) = dtls_transport(connection).await else { return false };
    let known = transport.ice_transport().get_remote_candidates().await.unwrap_or_default();
    known.iter().any(|known| {
        let ip = known.address.parse().ok();
        known.typ == RTCIceCandidateType::Prflx
            && ip.map(|ip| SocketAddr::new(ip, known.port)) == Some(address)
    })
}

/// The round-trip time of the selected pair, followed by its id: after an ICE restart the old pair stays nominated.
pub(super) async fn round_trip_ms(shared: &Shared, connection: &dyn PeerConnection) -> Option<f64> {
    let report = connection.get_stats(shared.world.now(), StatsSelector::None).await;
    let id = &report.transport()?.selected_candidate_pair_id;
    let pair = report.candidate_pairs().find(|pair| pair.stats.id == *id)?;
    (pair.responses_received > 0).then_some(pair.current_round_trip_time * 1e3)
}

/// The candidate as it was gathered, which names its server; or as it is.
fn known(gathering: &Gathering, candidate: IceCandidate) -> IceCandidate {
    gathering.find(&candidate.address, &candidate.candidate_type).cloned().unwrap_or(candidate)
}

/// The relay protocol of a peer's candidate is the peer's secret.
fn remote(candidate: &RTCIceCandidate) -> Option<IceCandidate> {
    Some(IceCandidate { relay_protocol: None, ..candidates::from_engine(candidate, None)? })
}
