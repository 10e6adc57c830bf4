//! What the engine reports, turned into timeline events and into events for the application.

use std::time::Instant;

use super::actor::Actor;
use super::transceivers::NewTrack;
use super::{CandidateInit, ConnectionEvent};
use crate::engine::{EngineEvent, RtpIn};
use crate::jsep::{DtlsState, GatheringState};
use crate::timeline::{IceCandidate, Kind};

impl Actor {
    pub(super) fn engine_event(&mut self, (at, event): (Instant, EngineEvent)) {
        match event {
            // `connection` keeps the signaling state itself: the engine's skips states on a rollback.
            EngineEvent::SignalingState(_) => {}
            EngineEvent::GatheringState(state) => {
                self.gathering_complete = state == GatheringState::Complete;
                self.recorder.record(at, Kind::GatheringState(state));
            }
            EngineEvent::IceState(state) => {
                self.recorder.record(at, Kind::IceState(state));
                self.tell(ConnectionEvent::Ice(state));
            }
            EngineEvent::DtlsState(state) => {
                self.secured = state == DtlsState::Connected;
                self.update_gates();
                self.recorder.record(at, Kind::DtlsState(state));
                self.tell(ConnectionEvent::Dtls(state));
            }
            EngineEvent::ConnectionState(state) => {
                self.recorder.record(at, Kind::ConnectionState(state));
                self.tell(ConnectionEvent::Connection(state));
            }
            EngineEvent::Candidate { candidate, mid, index, ufrag } => {
                self.gathered(at, *candidate, mid, index, ufrag);
            }
            EngineEvent::EndOfCandidates { ufrag } => {
                self.tell(ConnectionEvent::EndOfCandidates { username_fragment: Some(ufrag) });
            }
            EngineEvent::ServerSkipped { url, reason } => {
                self.recorder.record(at, Kind::Note(format!("the ICE server {url} was not used: {reason}")));
            }
            // The engine fires it at other moments than a browser would, such as with an offer open.
            EngineEvent::NegotiationNeeded => {}
            EngineEvent::SelectedPair(pair) => self.recorder.record(at, Kind::SelectedPair(*pair)),
            EngineEvent::Rtp { mid, packet, .. } => self.rtp(at, &mid, packet),
            EngineEvent::KeyFrameRequested { sender, .. } => {
                let asked = self.sending.iter().filter(|sending| sending.sender == sender);
                asked.for_each(super::sending::Sending::request_key_frame);
            }
            EngineEvent::Limit { limit, detail } => {
                self.recorder.record(at, Kind::EngineLimit { limit: limit.to_owned(), detail });
            }
        }
    }

    /// Media may flow where the negotiation says so and once it can be encrypted.
    pub(super) fn update_gates(&mut self) {
        for transceiver in self.transceivers.iter() {
            let current = transceiver.current_direction.filter(|_| transceiver.mid.is_some());
            let sends = current.is_some_and(|direction| direction.sends());
            if let Some(sender) = transceiver.sender {
                self.engine.set_may_send(sender, sends);
                for sending in self.sending.iter().filter(|sending| sending.sender == sender) {
                    sending.set_open(sends && self.secured);
                }
            }
            if let Some(mid) = &transceiver.mid {
                let receives = current.is_some_and(|direction| direction.receives());
                self.engine.set_may_receive(mid, receives);
                self.receiving.set_receiving(mid, receives);
            }
        }
    }

    pub(super) fn track(&self, track: NewTrack) {
        let NewTrack { mid, kind, streams } = track;
        self.record(Kind::Track { mid: mid.clone(), kind, streams });
        self.tell(ConnectionEvent::Track { mid, kind });
    }

    /// Counts the media; `pair` also notes the selected pair with its round-trip time.
    pub(super) async fn sample_media(&self, pair: bool) {
        let stats = self.engine.stats().await;
        let sent = |sending: &super::sending::Sending| {
            Some(sending.snapshot(self.transceivers.mid_of(sending.sender)?, &stats))
        };
        let outbound = self.sending.iter().filter_map(sent).collect();
        let inbound = self.receiving.snapshot(self.world.now());
        if let Some(pair) = stats.selected_pair.filter(|_| pair) {
            self.record(Kind::SelectedPair(pair));
        }
        self.record(Kind::Media { outbound, inbound });
    }

    pub(super) fn record(&self, kind: Kind) {
        self.recorder.record(self.world.now(), kind);
    }

    fn gathered(&mut self, at: Instant, candidate: IceCandidate, mid: String, index: u16, ufrag: String) {
        let init = CandidateInit {
            candidate: candidate.candidate.clone(),
            sdp_mid: Some(mid),
            sdp_m_line_index: Some(index),
            username_fragment: Some(ufrag),
        };
        self.gathered.push(candidate.clone());
        self.recorder.record(at, Kind::CandidateGathered(candidate));
        self.tell(ConnectionEvent::Candidate(init));
    }

    fn rtp(&mut self, at: Instant, mid: &str, packet: RtpIn) {
        let (news, wants_key_frame) = self.receiving.push(mid, packet, at, self.world.wall());
        for kind in news {
            let proven = match &kind {
                Kind::MediaProven { mid, kind, .. } => {
                    Some(ConnectionEvent::Proven { mid: mid.clone(), kind: *kind })
                }
                _ => None,
            };
            self.recorder.record(at, kind);
            proven.into_iter().for_each(|event| self.tell(event));
        }
        if wants_key_frame {
            self.engine.request_key_frame(mid);
        }
    }

    fn tell(&self, event: ConnectionEvent) {
        // The application may have stopped to listen; the timeline has it all the same.
        let _ = self.events.unbounded_send(event);
    }
}
