//! The engine's words in ours.

use rtc::peer_connection::transport::RTCDtlsTransportState;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use webrtc::peer_connection::{RTCIceConnectionState, RTCPeerConnectionState, RTCSignalingState};
use webrtc::rtp_transceiver::RTCRtpTransceiverDirection;

use crate::jsep::{ConnectionState, Direction, DtlsState, IceState, MediaKind, SignalingState};

pub(super) fn signaling_state(state: RTCSignalingState) -> Option<SignalingState> {
    state.to_string().parse().ok()
}

pub(super) fn ice_state(state: RTCIceConnectionState) -> Option<IceState> {
    state.to_string().parse().ok()
}

pub(super) fn connection_state(state: RTCPeerConnectionState) -> Option<ConnectionState> {
    state.to_string().parse().ok()
}

pub(super) fn dtls_state(state: RTCDtlsTransportState) -> Option<DtlsState> {
    state.to_string().parse().ok()
}

/// None for `Unspecified`, which is nobody's direction.
pub(super) fn direction(direction: RTCRtpTransceiverDirection) -> Option<Direction> {
    match direction {
        RTCRtpTransceiverDirection::Sendrecv => Some(Direction::Sendrecv),
        RTCRtpTransceiverDirection::Sendonly => Some(Direction::Sendonly),
        RTCRtpTransceiverDirection::Recvonly => Some(Direction::Recvonly),
        RTCRtpTransceiverDirection::Inactive => Some(Direction::Inactive),
        _ => None,
    }
}

pub(super) fn engine_direction(direction: Direction) -> RTCRtpTransceiverDirection {
    match direction {
        Direction::Sendrecv => RTCRtpTransceiverDirection::Sendrecv,
        Direction::Sendonly => RTCRtpTransceiverDirection::Sendonly,
        Direction::Recvonly => RTCRtpTransceiverDirection::Recvonly,
        Direction::Inactive | Direction::Stopped => RTCRtpTransceiverDirection::Inactive,
    }
}

pub(super) fn engine_kind(kind: MediaKind) -> RtpCodecKind {
    match kind {
        MediaKind::Audio => RtpCodecKind::Audio,
        MediaKind::Video => RtpCodecKind::Video,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_the_engine_has_a_w3c_word() {
        use RTCIceConnectionState as Ice;
        for state in [
            Ice::New,
            Ice::Checking,
            Ice::Connected,
            Ice::Completed,
            Ice::Disconnected,
            Ice::Failed,
            Ice::Closed,
        ] {
            assert!(ice_state(state).is_some(), "{state}");
        }
        use RTCPeerConnectionState as Connection;
        for state in [
            Connection::New,
            Connection::Connecting,
            Connection::Connected,
            Connection::Disconnected,
            Connection::Failed,
            Connection::Closed,
        ] {
            assert!(connection_state(state).is_some(), "{state}");
        }
        use RTCDtlsTransportState as Dtls;
        for state in [Dtls::New, Dtls::Connecting, Dtls::Connected, Dtls::Closed, Dtls::Failed] {
            assert!(dtls_state(state).is_some(), "{state}");
        }
        use RTCSignalingState as Signaling;
        for state in [
            Signaling::Stable,
            Signaling::HaveLocalOffer,
            Signaling::HaveRemoteOffer,
            Signaling::HaveLocalPranswer,
            Signaling::HaveRemotePranswer,
            Signaling::Closed,
        ] {
            assert!(signaling_state(state).is_some(), "{state}");
        }
    }
}
