//! The W3C operations, as the actor runs them: the state check of the specification first, then the engine, then what
//! the specification says has changed.

use super::actor::{Actor, Description};
use super::error::from_engine;
use super::sending::Sending;
use super::{CandidateInit, ErrorName, W3cError};
use crate::engine::EngineError;
use crate::jsep::{Direction, MediaKind, SdpFacts, SdpType, Side, SignalingState};
use crate::media::Source;
use crate::timeline::{IceCandidate, Kind};

impl Actor {
    pub(super) async fn add_track(&mut self, source: Box<dyn Source>, stream: &str) -> Result<(), W3cError> {
        let kind = source.kind();
        let track = format!("{stream}-{kind}-{}", self.sending.len());
        let added = self.engine.add_track(kind, Some(stream), &track).await;
        let arguments = format!("{kind} ({}), stream {stream}", source.description());
        self.operation("addTrack", arguments, added.as_ref().err());
        let sender = added.map_err(|error| from_engine(&error))?;
        let Some(writer) = self.engine.writer(sender) else {
            return Err(W3cError::new(ErrorName::OperationError, "the engine has lost the new sender"));
        };
        self.sending.push(Sending::start(&self.world, source, sender, writer));
        self.sync(Direction::Sendrecv).await;
        Ok(())
    }

    pub(super) async fn add_receiver(&mut self, kind: MediaKind) -> Result<(), W3cError> {
        let added = self.engine.add_transceiver(kind, Direction::Recvonly).await;
        self.operation("addTransceiver", format!("{kind}, recvonly"), added.as_ref().err());
        added.map_err(|error| from_engine(&error))?;
        self.sync(Direction::Recvonly).await;
        Ok(())
    }

    pub(super) async fn create_offer(&mut self) -> Result<String, W3cError> {
        self.check("createOffer", &[SignalingState::Stable, SignalingState::HaveLocalOffer])?;
        // The zero of the phase timings, so it is recorded when it begins.
        self.operation("createOffer", String::new(), None);
        let offer = async {
            // Answers have overwritten the engine's directions; an offer asks for the application's wishes.
            for (transceiver, wish) in self.transceivers.wishes() {
                self.engine.set_transceiver_direction(transceiver, wish).await?;
            }
            self.engine.create_offer().await
        };
        offer.await.map_err(|error| self.failed("createOffer", &error))
    }

    pub(super) async fn create_answer(&mut self) -> Result<String, W3cError> {
        self.check("createAnswer", &[SignalingState::HaveRemoteOffer, SignalingState::HaveLocalPranswer])?;
        self.operation("createAnswer", String::new(), None);
        let answers = self.remote.as_ref().map(|offer| self.transceivers.answers(&offer.facts));
        let answer = async {
            for (mid, direction) in answers.unwrap_or_default() {
                self.engine.set_direction(&mid, direction).await?;
            }
            self.engine.create_answer().await
        };
        answer.await.map_err(|error| self.failed("createAnswer", &error))
    }

    /// setLocalDescription and setRemoteDescription (W3C webrtc §4.4.1.4).
    pub(super) async fn set_description(
        &mut self,
        side: Side,
        sdp_type: SdpType,
        sdp: String,
    ) -> Result<(), W3cError> {
        let set = self.try_set_description(side, sdp_type, &sdp).await;
        if let Err(error) = &set {
            self.record(Kind::DescriptionRejected { side, sdp_type, sdp, error: error.to_string() });
        }
        set
    }

    async fn try_set_description(
        &mut self,
        side: Side,
        sdp_type: SdpType,
        sdp: &str,
    ) -> Result<(), W3cError> {
        if side == Side::Remote
            && sdp_type == SdpType::Offer
            && self.signaling == SignalingState::HaveLocalOffer
        {
            // Implicit rollback (RFC 9429 §4.1.10.2); the engine knows the explicit one only.
            self.apply(Side::Local, SdpType::Rollback, "").await?;
        }
        self.apply(side, sdp_type, sdp).await
    }

    async fn apply(&mut self, side: Side, sdp_type: SdpType, sdp: &str) -> Result<(), W3cError> {
        let next = next_state(self.signaling, side, sdp_type).ok_or_else(|| {
            let what = format!("a {side} {sdp_type} cannot be set in the state {}", self.signaling);
            W3cError::new(ErrorName::InvalidStateError, what)
        })?;
        let applied = match side {
            Side::Local => self.engine.set_local(sdp_type, sdp).await,
            Side::Remote => self.engine.set_remote(sdp_type, sdp).await,
        };
        let applied = applied.map_err(|error| from_engine(&error))?;
        let (sdp, engine_sdp) = (sdp.to_owned(), applied.engine_sdp);
        self.record(Kind::DescriptionSet { side, sdp_type, sdp: sdp.clone(), engine_sdp });
        self.sync(Direction::Recvonly).await;
        let facts = SdpFacts::parse(&sdp);
        self.take_over(side, Description { sdp_type, sdp, facts });
        self.set_signaling(next);
        self.record(Kind::Transceivers(self.transceivers.rows()));
        self.update_gates();
        Ok(())
    }

    /// What a description that is now set has changed.
    fn take_over(&mut self, side: Side, description: Description) {
        if description.sdp_type == SdpType::Rollback {
            return;
        }
        if side == Side::Remote {
            let is_answer = description.sdp_type != SdpType::Offer;
            let offer = self.local.as_ref().filter(|_| is_answer).map(|offer| &offer.facts);
            let tracks = self.transceivers.fire(&description.facts, offer);
            for track in tracks {
                self.receiving.add(&track.mid, track.kind);
                self.track(track);
            }
        }
        if description.sdp_type == SdpType::Answer {
            self.transceivers.answered(side, &description.facts);
        }
        match side {
            Side::Local => self.local = Some(description),
            Side::Remote => self.remote = Some(description),
        }
    }

    fn set_signaling(&mut self, next: SignalingState) {
        if self.signaling != next {
            self.signaling = next;
            self.record(Kind::SignalingState(next));
        }
    }

    /// addIceCandidate (W3C webrtc §4.4.1.10).
    pub(super) async fn add_candidate(&mut self, init: &CandidateInit) -> Result<(), W3cError> {
        let (mid, index) = (init.sdp_mid.as_deref(), init.sdp_m_line_index);
        let added =
            self.engine.add_candidate(&init.candidate, mid, index, init.username_fragment.as_deref()).await;
        let refused = added.map_err(|error| match &error {
            EngineError::InvalidState(why) => W3cError::new(ErrorName::InvalidStateError, why),
            other => from_engine(other),
        });
        match &refused {
            Ok(()) if init.candidate.is_empty() => {}
            Ok(()) => self.record(Kind::CandidateAdded(IceCandidate::parse(&init.candidate))),
            Err(error) => self.record(Kind::CandidateRefused {
                candidate: init.candidate.clone(),
                error: error.to_string(),
            }),
        }
        refused
    }

    /// The local description with the candidates gathered so far, in the first m-section: all are bundled.
    pub(super) fn local_description(&self) -> Option<(SdpType, String)> {
        let description = self.local.as_ref()?;
        let candidates: Vec<&str> =
            self.gathered.iter().map(|candidate| candidate.candidate.as_str()).collect();
        let sdp = with_candidates(&description.sdp, &candidates, self.gathering_complete);
        Some((description.sdp_type, sdp))
    }

    /// Takes over what the engine's transceivers have become; `new` is the wish of new ones.
    async fn sync(&mut self, new: Direction) {
        let rows = self.engine.transceivers().await;
        self.transceivers.sync(&rows, new);
    }

    fn check(&self, operation: &str, allowed: &[SignalingState]) -> Result<(), W3cError> {
        if allowed.contains(&self.signaling) {
            return Ok(());
        }
        let what = format!("{operation} is not possible in the state {}", self.signaling);
        let error = W3cError::new(ErrorName::InvalidStateError, what);
        self.record(Kind::Operation {
            name: operation.to_owned(),
            arguments: String::new(),
            error: Some(error.to_string()),
        });
        Err(error)
    }

    fn failed(&self, operation: &str, error: &EngineError) -> W3cError {
        self.operation(operation, String::new(), Some(error));
        from_engine(error)
    }

    fn operation(&self, name: &str, arguments: String, error: Option<&EngineError>) {
        let error = error.map(|error| from_engine(error).to_string());
        self.record(Kind::Operation { name: name.to_owned(), arguments, error });
    }
}

/// The signaling state machine (W3C webrtc §4.3.1, RFC 9429 §3.2); none where the transition does not exist.
fn next_state(now: SignalingState, side: Side, sdp_type: SdpType) -> Option<SignalingState> {
    use SignalingState::{HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, HaveRemotePranswer, Stable};
    match (now, side, sdp_type) {
        (Stable | HaveLocalOffer, Side::Local, SdpType::Offer) => Some(HaveLocalOffer),
        (Stable | HaveRemoteOffer, Side::Remote, SdpType::Offer) => Some(HaveRemoteOffer),
        (HaveRemoteOffer | HaveLocalPranswer, Side::Local, SdpType::Answer)
        | (HaveLocalOffer | HaveRemotePranswer, Side::Remote, SdpType::Answer)
        | (HaveLocalOffer | HaveLocalPranswer, Side::Local, SdpType::Rollback)
        | (HaveRemoteOffer | HaveRemotePranswer, Side::Remote, SdpType::Rollback) => Some(Stable),
        (HaveRemoteOffer | HaveLocalPranswer, Side::Local, SdpType::Pranswer) => Some(HaveLocalPranswer),
        (HaveLocalOffer | HaveRemotePranswer, Side::Remote, SdpType::Pranswer) => Some(HaveRemotePranswer),
        _ => None,
    }
}

/// Puts candidates at the end of the first m-section.
fn with_candidates(sdp: &str, candidates: &[&str], complete: bool) -> String {
    let mut lines: Vec<String> = sdp.lines().map(str::to_owned).collect();
    let mut starts =
        lines.iter().enumerate().filter(|(_, line)| line.starts_with("m=")).map(|(index, _)| index);
    let end = starts.nth(1).unwrap_or(lines.len());
    let ended = complete.then(|| "a=end-of-candidates".to_owned());
    let attributes = candidates.iter().map(|candidate| format!("a={candidate}")).chain(ended);
    lines.splice(end..end, attributes);
    lines.join("\r\n") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_an_offer_and_a_second_answer_are_refused() {
        use SignalingState::{HaveLocalOffer, Stable};
        assert_eq!(next_state(Stable, Side::Remote, SdpType::Answer), None);
        assert_eq!(next_state(HaveLocalOffer, Side::Remote, SdpType::Answer), Some(Stable));
        assert_eq!(next_state(Stable, Side::Local, SdpType::Rollback), None);
        assert_eq!(next_state(SignalingState::Closed, Side::Local, SdpType::Offer), None);
    }

    #[test]
    fn candidates_go_to_the_end_of_the_first_m_section() {
        let sdp = "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\nm=video 9 x 96\r\na=mid:1\r\n";
        let lines = "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\na=candidate:1\r\na=end-of-candidates\r\nm=video 9 x 96\r\na=mid:1\r\n";
        assert_eq!(with_candidates(sdp, &["candidate:1"], true), lines);
        assert_eq!(with_candidates("v=0\r\n", &[], false), "v=0\r\n");
    }
}
