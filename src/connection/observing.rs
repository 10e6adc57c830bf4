//! What the engine reports, turned into timeline events and into events for the application.

use std::time::Instant;

use super::actor::Actor;
use super::sending::Sending;
use super::{CandidateInit, ConnectionEvent, Outcome};
use crate::engine::{Engine, EngineEvent, RtpIn};
use crate::jsep::DtlsState;
use crate::timeline::{IceCandidate, Kind};

impl Actor {
    pub(super) fn engine_event(&mut self, (at, event): (Instant, EngineEvent)) {
        match event {
            EngineEvent::GatheringState(state) => self.recorder.record(at, Kind::GatheringState(state)),
            EngineEvent::IceState(state) => {
                self.recorder.record(at, Kind::IceState(state));
                self.paired = state.is_up();
                self.record_checks(at);
                self.tell(ConnectionEvent::Ice(state));
            }
            EngineEvent::DtlsState(state) => {
                self.secured = state == DtlsState::Connected;
                self.update_gates();
                self.recorder.record(at, Kind::DtlsState(state));
                self.tell(ConnectionEvent::Dtls(state));
            }
            EngineEvent::DtlsError(error) => self.recorder.record(at, Kind::DtlsError(error)),
            // close() changes the state without an event (W3C webrtc §4.4.2).
            EngineEvent::ConnectionState(_) if self.engine.is_none() => {}
            EngineEvent::ConnectionState(state) => {
                self.recorder.record(at, Kind::ConnectionState(state));
                self.tell(ConnectionEvent::Connection(state));
            }
            EngineEvent::Candidate { candidate, mid, index, ufrag } => {
                self.gathered(at, *candidate, mid, index, ufrag);
            }
            EngineEvent::EndOfCandidates { ufrag } => {
                self.descriptions.gathering_ended(&ufrag);
                self.tell(ConnectionEvent::EndOfCandidates { username_fragment: Some(ufrag) });
            }
            EngineEvent::ServerSkipped { url, reason } => {
                self.recorder.record(at, Kind::Note(format!("the ICE server {url} was not used: {reason}")));
            }
            EngineEvent::ServerError(error) => self.recorder.record(at, Kind::ServerError(error)),
            EngineEvent::SelectedPair(pair) => self.recorder.record(at, Kind::SelectedPair(*pair)),
            EngineEvent::Rtp { mid, packet, .. } => self.rtp(at, &mid, packet),
            EngineEvent::UnboundRtp(unbound) => self.recorder.record(at, Kind::UnboundRtp(unbound)),
            EngineEvent::DataChannel(state) => self.recorder.record(at, Kind::DataChannel(state)),
            EngineEvent::KeyFrameRequested { mid } => {
                let on_mid = |sending: &&Sending| self.mid_of(sending) == Some(mid.as_str());
                self.sending.iter().filter(on_mid).for_each(Sending::request_key_frame);
            }
            EngineEvent::Limit { limit, detail } => {
                self.recorder.record(at, Kind::EngineLimit { limit: limit.to_owned(), detail });
            }
        }
    }

    /// Counts the media; `pair` also notes what is of interest at the end of something: the selected pair with its
    /// round-trip time, the checks, and what belonged to no m-section.
    pub(super) async fn sample_media(&mut self, pair: bool) {
        if pair || !self.paired {
            self.record_checks(self.world.now());
        }
        let Some(engine) = &self.engine else { return };
        let stats = engine.stats();
        let sent = |sending: &Sending| Some(sending.snapshot(self.mid_of(sending)?, &stats));
        let outbound = self.sending.iter().filter_map(sent).collect();
        let inbound = self.receiving.snapshot(self.world.now(), &stats);
        if pair {
            engine.take_unbound().into_iter().for_each(|unbound| self.record(Kind::UnboundRtp(unbound)));
            if let Some(pair) = engine.selected_pair().await {
                self.record(Kind::SelectedPair(pair));
            }
        }
        self.record(Kind::Media { outbound, inbound });
        if let Some(impaired) = engine.impairment() {
            self.record(Kind::Impairment(impaired));
        }
    }

    /// Writes down how the connectivity checks went, if they went on.
    fn record_checks(&mut self, at: Instant) {
        let Some(checks) = self.engine.as_ref().map(Engine::checks).filter(|checks| *checks != self.checks)
        else {
            return;
        };
        self.checks = checks;
        self.recorder.record(at, Kind::IceChecks(checks));
    }

    fn mid_of(&self, sending: &Sending) -> Option<&str> {
        self.peer.transceiver(sending.transceiver)?.mid()
    }

    fn gathered(&mut self, at: Instant, candidate: IceCandidate, mid: String, index: u16, ufrag: String) {
        self.descriptions.gathered(&ufrag, &candidate.candidate);
        let init = CandidateInit {
            candidate: candidate.candidate.clone(),
            sdp_mid: Some(mid),
            sdp_m_line_index: Some(index),
            username_fragment: Some(ufrag),
        };
        self.recorder.record(at, Kind::CandidateGathered(candidate));
        self.tell(ConnectionEvent::Candidate(init));
    }

    pub(super) fn request_key_frames(&mut self) -> Outcome<()> {
        let mids: Vec<String> =
            self.peer.transceivers().filter_map(|transceiver| Some(transceiver.mid()?.to_owned())).collect();
        let engine = self.engine()?;
        mids.iter().for_each(|mid| engine.request_key_frame(mid));
        Ok(())
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
        if let Some(engine) = self.engine.as_ref().filter(|_| wants_key_frame) {
            engine.request_key_frame(mid);
        }
    }
}
