//! Descriptions and candidates.

use std::sync::Arc;

use webrtc::peer_connection::{RTCIceCandidateInit, RTCSdpType, RTCSessionDescription};

use super::translate::{EngineSdp, IceTarget, Section, SetupRole, WireSdp, sections, to_wire};
use super::{Engine, EngineError, EngineEvent, transport};
use crate::jsep::{MediaKind, SdpType};
use crate::world::spawn;

/// A description was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The engine's text where it differs from the wire's.
    pub engine_sdp: Option<String>,
}

/// What is remembered between descriptions.
#[derive(Debug, Default)]
pub(super) struct Negotiation {
    /// What was created last, as it goes over the wire and as the engine has it.
    created: Option<(WireSdp, EngineSdp)>,
    role: SetupRole,
    /// For candidates of the peer.
    target: Option<IceTarget>,
    /// The m-sections of the description that was applied last.
    sections: Vec<Section>,
    /// Our description that is in force.
    local: Option<SdpType>,
}

impl Negotiation {
    pub(super) fn kind(&self, mid: &str) -> Option<MediaKind> {
        self.sections.iter().find(|section| section.mid == mid)?.kind
    }

    /// The engine's text for one of ours; a text that somebody has changed is given to the engine as it is.
    fn engine_text(&self, wire: &str) -> EngineSdp {
        match &self.created {
            Some((created, engine)) if created.0 == wire => engine.clone(),
            _ => EngineSdp(wire.to_owned()),
        }
    }
}

impl Engine {
    /// The text to send as an offer.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Closed`], [`EngineError::Failed`].
    pub async fn create_offer(&mut self) -> Result<String, EngineError> {
        let offer = self.connection.create_offer(None).await?;
        Ok(self.created(SdpType::Offer, offer))
    }

    /// The text to send as an answer.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Closed`], [`EngineError::Failed`].
    pub async fn create_answer(&mut self) -> Result<String, EngineError> {
        let answer = self.connection.create_answer(None).await?;
        Ok(self.created(SdpType::Answer, answer))
    }

    /// Applies our own description, given as it goes over the wire. For a rollback the text is not read.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Description`], [`EngineError::Closed`].
    pub async fn set_local(&mut self, sdp_type: SdpType, wire: &str) -> Result<Applied, EngineError> {
        let engine = self.negotiation.engine_text(wire);
        let sections = sections(&engine.0);
        let description = description(sdp_type, engine.0.clone())?;
        let before = sections.first().filter(|_| sdp_type != SdpType::Rollback).map(|first| {
            let ufrag = first.ufrag.as_deref().unwrap_or_default();
            self.shared.gathering().arm(ufrag, &first.mid)
        });
        if let Err(error) = self.connection.set_local_description(description).await {
            before.into_iter().for_each(|before| self.shared.gathering().disarm(before));
            return Err(refused(error));
        }
        if sdp_type == SdpType::Rollback {
            self.shared.gathering().roll_back();
        } else {
            self.begin_gathering();
        }
        let ours = WireSdp(wire.to_owned());
        self.applied(sdp_type, &sections, Some(&ours)).await;
        Ok(Applied { engine_sdp: (sdp_type != SdpType::Rollback && engine.0 != wire).then_some(engine.0) })
    }

    /// Applies the peer's description, given as it came over the wire. For a rollback the text is not read.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Description`], [`EngineError::Closed`].
    pub async fn set_remote(&mut self, sdp_type: SdpType, wire: &str) -> Result<Applied, EngineError> {
        let sections = sections(wire);
        let description = description(sdp_type, wire.to_owned())?;
        if let Err(error) = self.connection.set_remote_description(description).await {
            return Err(self.refused_remote(error));
        }
        if sdp_type != SdpType::Rollback {
            self.negotiation.target = Some(IceTarget::new(sections.clone()));
        }
        self.applied(sdp_type, &sections, None).await;
        Ok(Applied::default())
    }

    /// Our description in force with the candidates gathered so far, as it goes over the wire: what is sent without
    /// trickling.
    pub async fn local_description(&self) -> Option<(SdpType, String)> {
        let sdp_type = self.negotiation.local?;
        let engine = EngineSdp(self.connection.local_description().await?.sdp);
        Some((sdp_type, to_wire(&engine, sdp_type, self.negotiation.role).0))
    }

    /// Adds a candidate of the peer. An empty text is the end of its candidates.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`] without a remote description, [`EngineError::UnknownMid`],
    /// [`EngineError::UnknownUfrag`], [`EngineError::Candidate`], [`EngineError::Closed`].
    pub async fn add_candidate(
        &mut self,
        candidate: &str,
        mid: Option<&str>,
        index: Option<u16>,
        ufrag: Option<&str>,
    ) -> Result<(), EngineError> {
        let Some(target) = &self.negotiation.target else {
            return Err(EngineError::InvalidState("there is no remote description yet".to_owned()));
        };
        // The engine takes candidates of any m-section and of any generation.
        target.check(mid, index, ufrag)?;
        let text = candidate.trim().trim_start_matches("a=");
        if text.trim_start_matches("candidate:").is_empty() || text == "end-of-candidates" {
            return Ok(());
        }
        if transport::knows_as_peer_reflexive(&*self.connection, text).await {
            return Ok(());
        }
        let init = RTCIceCandidateInit { candidate: text.to_owned(), ..RTCIceCandidateInit::default() };
        self.connection
            .add_ice_candidate(init)
            .await
            .map_err(|error| EngineError::Candidate(error.to_string()))?;
        // The engine queues a check for it and wakes nobody.
        self.shared.pace.kick();
        Ok(())
    }

    /// The engine starts its transports with the first offer, does not stop them when that offer is rolled back, and
    /// refuses to start them again.
    fn refused_remote(&self, error: webrtc::error::Error) -> EngineError {
        if error != webrtc::error::Error::ErrICETransportNotInNew {
            return refused(error);
        }
        let detail = format!("an offer after a first offer that was rolled back: {error}");
        self.shared.emit(EngineEvent::Limit { limit: "rollback-of-first-offer", detail });
        EngineError::from(error)
    }

    fn created(&mut self, sdp_type: SdpType, description: RTCSessionDescription) -> String {
        let engine = EngineSdp(description.sdp);
        let wire = to_wire(&engine, sdp_type, self.negotiation.role);
        let text = wire.0.clone();
        self.negotiation.created = Some((wire, engine));
        text
    }

    /// Something was applied: the transport may have started, and roles, mids and directions may have changed.
    async fn applied(&mut self, sdp_type: SdpType, sections: &[Section], ours: Option<&WireSdp>) {
        self.shared.set_pace();
        if sdp_type != SdpType::Rollback {
            self.negotiation.sections = sections.to_vec();
            if ours.is_some() {
                self.negotiation.local = Some(sdp_type);
            }
        }
        if sdp_type == SdpType::Answer {
            self.shared.gathering().establish();
            let setup = |sections: &[Section]| sections.iter().find_map(|section| section.setup.clone());
            let ours = ours.map(|wire| super::translate::sections(&wire.0));
            let theirs = if ours.is_none() { setup(sections) } else { None };
            let ours = ours.and_then(|sections| setup(&sections));
            self.negotiation.role = self.negotiation.role.after(theirs.as_deref(), ours.as_deref());
        }
        self.refresh().await;
    }

    /// Reports that gathering began, and sets the deadline that the engine does not have.
    fn begin_gathering(&self) {
        let (events, generation) = self.shared.gathering().begin();
        self.shared.emit_all(events);
        let Some(ufrag) = generation else { return };
        let (shared, patience) = (Arc::downgrade(&self.shared), self.gathering_timeout);
        let sleep = self.shared.world.sleep(patience);
        let deadline = async move {
            sleep.await;
            let Some(shared) = shared.upgrade() else { return };
            let events = shared.gathering().give_up(&ufrag);
            shared.emit_all(events);
        };
        self.shared.own(spawn(&*self.shared.world, deadline));
    }
}

fn description(sdp_type: SdpType, sdp: String) -> Result<RTCSessionDescription, EngineError> {
    let made = match sdp_type {
        SdpType::Offer => RTCSessionDescription::offer(sdp),
        SdpType::Pranswer => RTCSessionDescription::pranswer(sdp),
        SdpType::Answer => RTCSessionDescription::answer(sdp),
        SdpType::Rollback => {
            let mut rollback = RTCSessionDescription::default();
            rollback.sdp_type = RTCSdpType::Rollback;
            return Ok(rollback);
        }
    };
    made.map_err(|error| EngineError::Description(error.to_string()))
}

/// What the engine says of a description that it refuses: its state, or the text.
fn refused(error: webrtc::error::Error) -> EngineError {
    match EngineError::from(error) {
        EngineError::Failed(text) => EngineError::Description(text),
        other => other,
    }
}
