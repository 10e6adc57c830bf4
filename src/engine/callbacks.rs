//! The engine's callbacks. It awaits them on its driver, so they stamp the time, push, and never wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionIceEvent,
    RTCPeerConnectionState,
};

use super::shared::Shared;
use super::{EngineEvent, candidates, channels, words};
use crate::jsep::DtlsState;

pub(super) struct Callbacks(pub(super) Arc<Shared>);

#[async_trait]
impl PeerConnectionEventHandler for Callbacks {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let url = event.candidate.url.as_deref().or(Some(&event.url));
        if let Some(candidate) = candidates::from_engine(&event.candidate, url) {
            let candidate = candidates::as_seen(candidate, &*self.0.network);
            let events = self.0.gathering().candidate(candidate);
            self.0.emit_all(events);
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        if state == RTCIceConnectionState::Connected {
            // The first DTLS flight was made just now and waits for the driver's next wake.
            self.0.pace.kick();
        }
        if let Some(state) = words::ice_state(state) {
            self.0.emit(EngineEvent::IceState(state));
        }
        self.0.trace.nudge();
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let events = self.0.gathering().complete();
            self.0.emit_all(events);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let connected = state == RTCPeerConnectionState::Connected;
        if connected {
            self.0.dtls_is(DtlsState::Connected);
        }
        // A short disconnection does not close the way; consent expiry will (RFC 7675 §5.1).
        if connected || matches!(state, RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed) {
            self.0.connected.store(connected && !self.0.is_closing(), Ordering::Release);
            self.0.set_pace();
        }
        if let Some(state) = words::connection_state(state) {
            self.0.emit(EngineEvent::ConnectionState(state));
        }
        self.0.trace.nudge();
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        channels::follow_theirs(&self.0, channel);
    }
}
