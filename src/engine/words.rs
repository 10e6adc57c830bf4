//! The engine's words in ours.

use rtc::peer_connection::transport::RTCDtlsTransportState;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use webrtc::peer_connection::{RTCIceConnectionState, RTCPeerConnectionState};

use crate::jsep::{ConnectionState, DtlsState, IceState, MediaKind};

pub(super) fn ice_state(state: RTCIceConnectionState) -> Option<IceState> {
    state.to_string().parse().ok()
}

pub(super) fn connection_state(state: RTCPeerConnectionState) -> Option<ConnectionState> {
    state.to_string().parse().ok()
}

pub(super) fn dtls_state(state: RTCDtlsTransportState) -> Option<DtlsState> {
    state.to_string().parse().ok()
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
    }
}
