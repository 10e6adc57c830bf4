//! createOffer, createAnswer, setLocalDescription, setRemoteDescription and addIceCandidate: the model checks and
//! decides first, then the engine obeys; if it cannot, the model takes its step back.

use super::actor::Actor;
use super::error::from_engine;
use super::{CandidateInit, ErrorName, Outcome, W3cError};
use crate::engine::EngineError;
use crate::jsep::{LocalDescription, SdpFacts, SdpType, SectionMedia, Side, SignalingState};
use crate::timeline::{IceCandidate, Kind};

/// Our descriptions, and the candidates that belong to them.
#[derive(Debug, Default)]
pub(super) struct Descriptions {
    /// The last offer and the last answer that were made, each until one of its type is made again.
    created: Vec<Created>,
    /// currentLocalDescription.
    current: Option<(SdpType, String)>,
    /// pendingLocalDescription.
    pending: Option<(SdpType, String)>,
    /// The remote offer that is, or was last, to be answered.
    offer: Option<SdpFacts>,
    /// Every candidate so far, with its generation.
    gathered: Vec<(String, String)>,
    /// The generations that have ended.
    ended: Vec<String>,
}

/// What createOffer or createAnswer gave.
#[derive(Clone, Debug)]
struct Created {
    ours: LocalDescription,
    wire: String,
}

impl Descriptions {
    pub(super) fn gathered(&mut self, ufrag: &str, candidate: &str) {
        self.gathered.push((ufrag.to_owned(), candidate.to_owned()));
    }

    pub(super) fn gathering_ended(&mut self, ufrag: &str) {
        self.ended.push(ufrag.to_owned());
    }

    /// A description was set on `side`; `text` is ours.
    fn set(&mut self, side: Side, sdp_type: SdpType, text: &str) {
        let ours = || Some((sdp_type, text.to_owned()));
        match (side, sdp_type) {
            (_, SdpType::Rollback) => self.pending = None,
            (Side::Local, SdpType::Offer | SdpType::Pranswer) => self.pending = ours(),
            (Side::Local, SdpType::Answer) => (self.current, self.pending) = (ours(), None),
            (Side::Remote, SdpType::Offer | SdpType::Pranswer) => {}
            (Side::Remote, SdpType::Answer) => {
                self.current = self.pending.take().or_else(|| self.current.take())
            }
        }
    }

    fn local(&self) -> Option<(SdpType, String)> {
        let (sdp_type, sdp) = self.pending.as_ref().or(self.current.as_ref())?;
        let facts = SdpFacts::parse(sdp);
        let Some(section) = facts.sections.iter().position(|section| !section.is_rejected()) else {
            // Nothing is left that candidates could be for.
            return Some((*sdp_type, sdp.clone()));
        };
        let ufrag = facts.sections[section].ice_ufrag.as_deref().unwrap_or_default();
        let of_this = self.gathered.iter().filter(|(generation, _)| generation == ufrag);
        let candidates: Vec<&str> = of_this.map(|(_, candidate)| candidate.as_str()).collect();
        let complete = self.ended.iter().any(|generation| generation == ufrag);
        Some((*sdp_type, with_candidates(sdp, section, &candidates, complete)))
    }
}

impl Actor {
    /// createOffer or createAnswer (W3C webrtc §4.4.2).
    pub(super) async fn create(&mut self, sdp_type: SdpType) -> Outcome<String> {
        let (name, ours) = match sdp_type {
            SdpType::Offer => ("createOffer", self.peer.create_offer()),
            _ => ("createAnswer", self.peer.create_answer()),
        };
        // The zero of the phase timings, so it is recorded when it begins.
        self.operation(name, String::new(), ours.as_ref().err());
        let ours = ours?;
        let engine = self.engine()?;
        let text = match sdp_type {
            SdpType::Offer => engine.create_offer(&ours).await,
            _ => engine.create_answer(&ours).await,
        };
        let wire = text.map_err(|error| {
            let error = from_engine(&error);
            self.operation(name, String::new(), Some(&error));
            error
        })?;
        self.compare(&ours, &wire);
        let wire = self.faults.describe(sdp_type, wire);
        self.descriptions.created.retain(|created| created.ours.sdp_type != sdp_type);
        self.descriptions.created.push(Created { ours, wire: wire.clone() });
        Ok(wire)
    }

    /// setLocalDescription and setRemoteDescription (W3C webrtc §4.4.1.4).
    pub(super) async fn set_description(
        &mut self,
        side: Side,
        sdp_type: SdpType,
        sdp: String,
    ) -> Outcome<()> {
        let set = match (side, sdp_type) {
            (_, SdpType::Rollback) => self.roll_back(side).await,
            (Side::Local, _) => self.set_local(sdp_type, &sdp).await,
            (Side::Remote, _) => self.set_remote(sdp_type, &sdp).await,
        };
        match &set {
            Ok(engine_sdp) => {
                let engine_sdp = engine_sdp.clone();
                self.descriptions.set(side, sdp_type, &sdp);
                self.record(Kind::DescriptionSet { side, sdp_type, sdp, engine_sdp });
                self.settle();
                self.record_transceivers();
            }
            Err(error) => {
                self.record(Kind::DescriptionRejected { side, sdp_type, sdp, error: error.to_string() });
            }
        }
        set.map(drop)
    }

    async fn set_local(&mut self, sdp_type: SdpType, sdp: &str) -> Outcome<Option<String>> {
        let created = self.created(sdp_type, sdp)?;
        let ours = LocalDescription { sdp_type, ..created.ours };
        let before = self.peer.clone();
        self.peer.set_local_description(&ours)?;
        match self.engine()?.set_local(&ours, sdp).await {
            Ok(applied) => Ok(applied.engine_sdp),
            Err(error) => {
                self.peer = before;
                Err(from_engine(&error))
            }
        }
    }

    async fn set_remote(&mut self, sdp_type: SdpType, sdp: &str) -> Outcome<Option<String>> {
        let before = self.peer.clone();
        let facts = SdpFacts::parse(sdp);
        if let Err(error) = self.peer.set_remote_description(sdp_type, &facts) {
            // The implicit rollback goes with the offer that caused it.
            self.peer = before;
            return Err(error);
        }
        let collides =
            sdp_type == SdpType::Offer && before.signaling_state() == SignalingState::HaveLocalOffer;
        let engine = self.engine()?;
        let set = async {
            if collides {
                // Implicit rollback (RFC 9429 §4.1.10.2); the engine knows the explicit one only.
                engine.rollback(Side::Local).await?;
            }
            engine.set_remote(sdp_type, sdp).await
        };
        match set.await {
            Ok(applied) => {
                if collides {
                    self.descriptions.set(Side::Local, SdpType::Rollback, "");
                }
                if sdp_type == SdpType::Offer {
                    self.descriptions.offer = Some(facts);
                }
                Ok(applied.engine_sdp)
            }
            Err(error) => {
                self.peer = before;
                if collides {
                    // Our offer was taken back before theirs turned out to be unusable.
                    self.peer.rollback(Side::Local)?;
                    self.descriptions.set(Side::Local, SdpType::Rollback, "");
                    self.settle();
                }
                Err(from_engine(&error))
            }
        }
    }

    async fn roll_back(&mut self, side: Side) -> Outcome<Option<String>> {
        let before = self.peer.clone();
        self.peer.rollback(side)?;
        match self.engine()?.rollback(side).await {
            Ok(()) => Ok(None),
            Err(error) => {
                self.peer = before;
                Err(from_engine(&error))
            }
        }
    }

    /// What was created as that text (W3C webrtc §4.4.1.5: a description of ours is set as it was created).
    fn created(&self, sdp_type: SdpType, sdp: &str) -> Outcome<Created> {
        let is_answer = sdp_type != SdpType::Offer;
        let fits = |created: &&Created| {
            (created.ours.sdp_type != SdpType::Offer) == is_answer && created.wire == sdp
        };
        if let Some(created) = self.descriptions.created.iter().find(fits) {
            return Ok(created.clone());
        }
        let state = self.peer.signaling_state();
        let may = match state {
            SignalingState::Stable | SignalingState::HaveLocalOffer => !is_answer,
            SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer => is_answer,
            SignalingState::HaveRemotePranswer | SignalingState::Closed => false,
        };
        let (name, message) = if may {
            let changed = format!("the {sdp_type} is not the one that was created last");
            (ErrorName::InvalidModificationError, changed)
        } else {
            let state = format!("a local {sdp_type} cannot be set in the state {state}");
            (ErrorName::InvalidStateError, state)
        };
        Err(W3cError::new(name, message))
    }

    /// Holds the text for the wire against the model.
    fn compare(&self, ours: &LocalDescription, wire: &str) {
        let wire = SdpFacts::parse(wire);
        let offer = self.descriptions.offer.as_ref().filter(|_| ours.sdp_type != SdpType::Offer);
        let mut ours = ours.clone();
        for (section, written) in ours.sections.iter_mut().zip(&wire.sections) {
            // A data channel that the engine cannot have any more is reported as its limit.
            section.rejected |= section.media == SectionMedia::Data && written.is_rejected();
        }
        for (expected, observed) in ours.differences(&wire, offer) {
            let what = format!("our {} differs from the model", ours.sdp_type);
            self.record(Kind::TesterDefect { what, expected, observed });
        }
    }

    /// addIceCandidate (W3C webrtc §4.4.2).
    pub(super) async fn add_candidate(&mut self, init: &CandidateInit) -> Outcome<()> {
        let (mid, index) = (init.sdp_mid.as_deref(), init.sdp_m_line_index);
        let ufrag = init.username_fragment.as_deref();
        let added = match self.engine() {
            Ok(engine) => {
                engine.add_candidate(&init.candidate, mid, index, ufrag).await.map_err(|error| match &error {
                    EngineError::InvalidState(why) => W3cError::new(ErrorName::InvalidStateError, why),
                    other => from_engine(other),
                })
            }
            Err(closed) => Err(closed),
        };
        match &added {
            Ok(()) if init.candidate.is_empty() => {}
            Ok(()) => self.record(Kind::CandidateAdded(IceCandidate::parse(&init.candidate))),
            Err(error) => self.record(Kind::CandidateRefused {
                candidate: init.candidate.clone(),
                error: error.to_string(),
            }),
        }
        added
    }

    /// localDescription with the candidates gathered so far.
    pub(super) fn local_description(&self) -> Option<(SdpType, String)> {
        self.descriptions.local()
    }
}

/// Puts candidates at the end of the m-section with that index: everything is bundled with it.
fn with_candidates(sdp: &str, section: usize, candidates: &[&str], complete: bool) -> String {
    let mut lines: Vec<String> = sdp.lines().map(str::to_owned).collect();
    let mut starts =
        lines.iter().enumerate().filter(|(_, line)| line.starts_with("m=")).map(|(index, _)| index);
    let end = starts.nth(section + 1).unwrap_or(lines.len());
    let ended = complete.then(|| "a=end-of-candidates".to_owned());
    let attributes = candidates.iter().map(|candidate| format!("a={candidate}")).chain(ended);
    lines.splice(end..end, attributes);
    lines.join("\r\n") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_go_to_the_end_of_their_m_section() {
        let sdp = "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\nm=video 9 x 96\r\na=mid:1\r\n";
        let first = "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\na=candidate:1\r\na=end-of-candidates\r\nm=video 9 x 96\r\na=mid:1\r\n";
        let second = "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\nm=video 9 x 96\r\na=mid:1\r\na=candidate:1\r\n";
        assert_eq!(with_candidates(sdp, 0, &["candidate:1"], true), first);
        assert_eq!(with_candidates(sdp, 1, &["candidate:1"], false), second);
        assert_eq!(with_candidates("v=0\r\n", 0, &[], false), "v=0\r\n");
    }

    #[test]
    fn a_rolled_back_offer_leaves_the_description_before_it() {
        let mut descriptions = Descriptions::default();
        descriptions.set(Side::Local, SdpType::Offer, "first");
        descriptions.set(Side::Remote, SdpType::Answer, "theirs");
        descriptions.set(Side::Local, SdpType::Offer, "second");
        assert_eq!(descriptions.pending, Some((SdpType::Offer, "second".to_owned())));
        descriptions.set(Side::Local, SdpType::Rollback, "");
        assert_eq!(descriptions.pending, None);
        assert_eq!(descriptions.current, Some((SdpType::Offer, "first".to_owned())));
    }
}
