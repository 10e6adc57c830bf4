//! Descriptions: what the wire says. The engine follows in rounds of its own.

use std::sync::atomic::Ordering;

use rand::RngExt;

use super::gathering::Point;
use super::repeatable::canonical;
use super::rounds::Stage;
use super::translate::{
    Agreed, Composed, ComposedSection, EngineSdp, Facts, Remote, SetupRole, answers, compose, shared_formats,
    with_candidates,
};
use super::{Engine, EngineError, EngineEvent};
use crate::jsep::{LocalDescription, SdpType, SectionMedia, Side};
use crate::world::{Clock, World};

/// A description was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// What the engine saw instead, if it saw anything: its own text of ours, or the peer's made for it.
    pub engine_sdp: Option<String>,
}

/// What is remembered between descriptions.
#[derive(Debug)]
pub(super) struct Negotiation {
    session: u64,
    version: u64,
    cname: String,
    role: SetupRole,
    pub(super) agreed: Agreed,
    /// What was composed last.
    created: Option<Local>,
    pub(super) pending_local: Option<Local>,
    pub(super) pending_remote: Option<Remote>,
    /// The descriptions of the last negotiation that came to an answer.
    pub(super) current: Option<(Local, Remote)>,
    /// Candidates of the peer's description that the engine has not seen yet.
    pub(super) queue: Vec<String>,
}

/// A description of ours.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) ours: LocalDescription,
    wire: String,
    pub(super) sections: Vec<ComposedSection>,
    ufrag: String,
}

impl Negotiation {
    pub(super) fn new(world: &dyn World, label: &str) -> Self {
        let mut rng = world.rng(&format!("{label}/session"));
        Self {
            // RFC 9429 §5.2.1: a 63 bit number.
            session: rng.random::<u64>() >> 1,
            version: 0,
            cname: format!("{:016x}", rng.random::<u64>()),
            role: SetupRole::default(),
            agreed: Agreed::default(),
            created: None,
            pending_local: None,
            pending_remote: None,
            current: None,
            queue: Vec::new(),
        }
    }

    pub(super) fn current_remote(&self) -> Option<&Remote> {
        self.current.as_ref().map(|(_, remote)| remote)
    }

    fn local(&self) -> Option<&Local> {
        self.pending_local.as_ref().or_else(|| self.current.as_ref().map(|(local, _)| local))
    }
}

impl Local {
    /// The m-section that the transport belongs to.
    fn point(&self) -> Option<Point> {
        let live = |section: &ComposedSection| !matches!(section, ComposedSection::Rejected { .. });
        let index = self.sections.iter().position(live)?;
        Some(Point { mid: self.ours.sections.get(index)?.mid.clone(), index: u16::try_from(index).ok()? })
    }

    pub(super) fn lives(&self, mid: &str) -> bool {
        let mut sections = self.ours.sections.iter().zip(&self.sections);
        sections.any(|(section, composed)| {
            section.mid == mid && matches!(composed, ComposedSection::Media { .. })
        })
    }
}

impl Engine {
    fn applied(&self, seen: Option<EngineSdp>) -> Applied {
        let repeatable = self.shared.world.clock() == Clock::Virtual;
        let text = |seen: EngineSdp| if repeatable { canonical(&seen.0) } else { seen.0 };
        Applied { engine_sdp: seen.map(text) }
    }

    /// The text to send as an offer.
    ///
    /// # Errors
    /// [`EngineError::Closed`], [`EngineError::Failed`].
    pub async fn create_offer(&mut self, ours: &LocalDescription) -> Result<String, EngineError> {
        if ours.sections.iter().any(|section| section.media == SectionMedia::Data && !section.rejected) {
            self.want_data().await?;
        }
        self.create(ours, None).await
    }

    /// The text to send as an answer to the offer that was applied last.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`] without an offer, [`EngineError::Closed`], [`EngineError::Failed`].
    pub async fn create_answer(&mut self, ours: &LocalDescription) -> Result<String, EngineError> {
        let Some(offer) = self.negotiation.pending_remote.clone() else {
            return Err(EngineError::InvalidState("there is no remote offer to answer".to_owned()));
        };
        self.create(ours, Some(&offer)).await
    }

    /// Applies our own description, given as it goes over the wire: a text that was created, or one that somebody has
    /// changed.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Description`], [`EngineError::Closed`].
    pub async fn set_local(&mut self, ours: &LocalDescription, wire: &str) -> Result<Applied, EngineError> {
        // An answer may be applied as a provisional one.
        let same = |created: &Local| created.ours.sections == ours.sections;
        let Some(mut local) = self.negotiation.created.clone().filter(same) else {
            return Err(EngineError::InvalidState("that description was not created here".to_owned()));
        };
        wire.clone_into(&mut local.wire);
        local.ours.sdp_type = ours.sdp_type;
        let engine_sdp = if answers(ours.sdp_type) {
            let Some(remote) = self.negotiation.pending_remote.clone() else {
                return Err(EngineError::InvalidState("there is no remote offer to answer".to_owned()));
            };
            self.set_answer(local, remote).await?
        } else {
            self.set_offer(local).await?
        };
        Ok(self.applied(engine_sdp))
    }

    /// Applies the peer's description, given as it came over the wire. An offer reaches the engine with our answer.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Description`], [`EngineError::Closed`].
    pub async fn set_remote(&mut self, sdp_type: SdpType, wire: &str) -> Result<Applied, EngineError> {
        if self.shared.is_closing() {
            return Err(EngineError::Closed);
        }
        let remote = Remote::read(sdp_type, wire)?;
        if let Some(apart) = remote.unbundled() {
            let detail =
                format!("m-section {:?} is not bundled, and the engine has one transport", apart.mid);
            self.shared.emit(EngineEvent::Limit { limit: "no-bundle", detail });
        }
        if !answers(sdp_type) {
            if self.negotiation.pending_local.is_some() {
                // W3C webrtc §4.4.1.5: an offer takes ours back.
                self.rollback(Side::Local).await?;
            }
            self.negotiation.pending_remote = Some(remote);
            self.negotiation.queue.clear();
            return Ok(Applied::default());
        }
        let Some(local) = self.negotiation.pending_local.clone() else {
            return Err(EngineError::InvalidState("there is no offer of ours to answer".to_owned()));
        };
        let agreed = self.learned(&remote);
        let mut shown = None;
        if self.rounds.stage == Stage::Offered {
            shown = self.round_answered(&remote, &agreed).await.map_err(refused)?;
        }
        if self.rounds.stage == Stage::Established
            && let Some((_, theirs)) = self.round_again(&remote, &agreed).await.map_err(refused)?
        {
            shown = Some(theirs);
        }
        let setup = remote.transport().and_then(|section| section.setup.clone());
        self.complete(local, remote, agreed, setup.as_deref(), false).await;
        Ok(self.applied(shown))
    }

    /// Takes a description back: ours or the peer's that is not answered yet.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`] when there is none, [`EngineError::Closed`], [`EngineError::Failed`].
    pub async fn rollback(&mut self, side: Side) -> Result<(), EngineError> {
        let negotiation = &mut self.negotiation;
        match side {
            Side::Local if negotiation.pending_local.is_some() => {
                self.round_rollback().await?;
                self.negotiation.pending_local = None;
            }
            Side::Remote if negotiation.pending_remote.is_some() => {
                negotiation.pending_remote = None;
                negotiation.queue.clear();
            }
            _ => return Err(EngineError::InvalidState("there is nothing to roll back".to_owned())),
        }
        self.release_sections();
        self.refresh().await;
        Ok(())
    }

    /// Our description in force with the candidates gathered so far, as it goes over the wire: what is sent without
    /// trickling.
    pub async fn local_description(&self) -> Option<(SdpType, String)> {
        let local = self.negotiation.local()?;
        let point = local.point();
        let (candidates, complete) = self.shared.gathering().gathered_for(&local.ufrag);
        let text = match point {
            Some(point) => with_candidates(&local.wire, point.index, &candidates, complete),
            None => local.wire.clone(),
        };
        Some((local.ours.sdp_type, text))
    }

    async fn create(
        &mut self,
        ours: &LocalDescription,
        offer: Option<&Remote>,
    ) -> Result<String, EngineError> {
        if self.shared.is_closing() {
            return Err(EngineError::Closed);
        }
        let data = self.rounds.stage == Stage::Fresh || self.rounds.data;
        let restart = ours.ice_restart || offer.is_some_and(|offer| self.restarts(offer));
        if offer.is_some() && !restart && self.rounds.restart_staged {
            let detail = "an ICE restart was offered and taken back, and the engine cannot forget its new \
                          credentials: this answer restarts ICE although the offer does not"
                .to_owned();
            self.shared.emit(EngineEvent::Limit { limit: "ice-restart-taken-back", detail });
        }
        let mut facts = Facts { data, ..Facts::default() };
        for section in ours.sections.iter().filter(|section| !section.rejected) {
            match section.media {
                SectionMedia::Track(kind) => {
                    let takes = offer.and_then(|offer| offer.section(&section.mid));
                    if takes.is_some_and(|offered| shared_formats(offered).is_empty()) {
                        continue;
                    }
                    let (connection, shared) = (&*self.connection, &*self.shared);
                    self.sections.bind(&section.mid, kind, connection, shared, &self.label).await?;
                }
                SectionMedia::Data if !data => self.limit_of_late_data(&section.mid),
                SectionMedia::Data | SectionMedia::Unknown { .. } => {}
            }
        }
        let bound =
            self.sections.iter().filter_map(|section| Some((section.wire_mid.clone()?, section.ssrc)));
        facts.ssrcs = bound.collect();
        if ours.bundle().next().is_some() {
            self.sections.at_least_one(&*self.connection, &self.shared, &self.label).await?;
            let transport = self.own_transport(restart).await?;
            let (candidates, complete) = self.shared.gathering().gathered_for(&transport.ice.ufrag);
            (facts.ufrag, facts.pwd) = (transport.ice.ufrag, transport.ice.pwd);
            facts.fingerprints = transport.fingerprints;
            (facts.candidates, facts.end_of_candidates) = (candidates, complete);
        }
        let negotiation = &mut self.negotiation;
        negotiation.version += 1;
        facts.setup = negotiation.role.attribute(ours.sdp_type, offer);
        (facts.session, facts.version) = (negotiation.session, negotiation.version);
        facts.cname.clone_from(&negotiation.cname);
        let Composed { wire, sections } = compose(ours, &facts, &negotiation.agreed, offer);
        negotiation.created =
            Some(Local { ours: ours.clone(), wire: wire.0.clone(), sections, ufrag: facts.ufrag });
        Ok(wire.0)
    }

    async fn set_offer(&mut self, local: Local) -> Result<Option<EngineSdp>, EngineError> {
        if self.negotiation.pending_remote.is_some() {
            return Err(EngineError::InvalidState("there is an offer of the peer".to_owned()));
        }
        let mut engine = None;
        let before = local.point().map(|point| self.shared.gathering().arm(&local.ufrag, point));
        if self.rounds.stage == Stage::Fresh && before.is_some() {
            match self.round_offer().await {
                Ok(text) => engine = Some(text),
                Err(error) => {
                    before.into_iter().for_each(|before| self.shared.gathering().disarm(before));
                    return Err(refused(error));
                }
            }
        }
        self.begin_gathering();
        self.set_pace(&local.ufrag);
        self.negotiation.pending_local = Some(local);
        self.refresh().await;
        Ok(engine)
    }

    async fn set_answer(&mut self, local: Local, remote: Remote) -> Result<Option<EngineSdp>, EngineError> {
        let agreed = self.learned(&remote);
        let before = local.point().map(|point| self.shared.gathering().arm(&local.ufrag, point));
        let round = match self.rounds.stage {
            Stage::Established => {
                self.round_again(&remote, &agreed).await.map(|round| round.map(|(ours, _)| ours))
            }
            _ if before.is_none() => Ok(None),
            _ => {
                let data =
                    local.sections.iter().any(|section| matches!(section, ComposedSection::Data { .. }));
                self.round_answer(&remote, &agreed, data).await
            }
        };
        let engine = match round {
            Ok(engine) => engine,
            Err(error) => {
                before.into_iter().for_each(|before| self.shared.gathering().disarm(before));
                return Err(refused(error));
            }
        };
        self.begin_gathering();
        let setup = self.negotiation.role.attribute(local.ours.sdp_type, Some(&remote));
        self.complete(local, remote, agreed, Some(setup), true).await;
        Ok(engine)
    }

    /// The driver is in a hurry while the transport is made, or made again; a round that leaves it alone changes nothing.
    fn set_pace(&self, ufrag: &str) {
        let known = self.negotiation.current.as_ref().is_some_and(|(ours, _)| ours.ufrag == ufrag);
        if !known || !self.shared.connected.load(Ordering::Acquire) {
            self.shared.set_pace();
        }
    }

    /// A negotiation came to an answer.
    async fn complete(
        &mut self,
        local: Local,
        remote: Remote,
        agreed: Agreed,
        setup: Option<&str>,
        we_answer: bool,
    ) {
        let sdp_type = if we_answer { local.ours.sdp_type } else { remote.sdp_type };
        if self.rounds.stage == Stage::Established {
            self.shared.gathering().establish();
        }
        self.set_pace(&local.ufrag);
        let ours = local.sections.iter().any(|section| matches!(section, ComposedSection::Data { .. }));
        if ours && remote.sections.iter().any(|section| section.is_data() && !section.rejected) {
            self.begin_data();
        }
        let candidates: Vec<String> =
            remote.sections.iter().flat_map(|section| section.candidates.clone()).collect();
        if let Some(transport) = remote.transport() {
            self.shared.trace.expect(&transport.fingerprints);
        }
        let negotiation = &mut self.negotiation;
        negotiation.role = negotiation.role.after(setup, we_answer);
        negotiation.agreed = agreed;
        negotiation.current = Some((local, remote));
        // After a provisional answer the offer waits for the final one.
        if sdp_type == SdpType::Answer {
            negotiation.pending_local = None;
            negotiation.pending_remote = None;
        }
        self.release_sections();
        self.sections.spend();
        self.refresh().await;
        self.feed(candidates).await;
    }

    fn learned(&self, remote: &Remote) -> Agreed {
        let mut agreed = self.negotiation.agreed.clone();
        agreed.learn(remote);
        agreed
    }

    /// The peer's description has other ICE credentials than its last one (RFC 8839 §4.4.1.1.1).
    pub(super) fn restarts(&self, remote: &Remote) -> bool {
        let ice = |remote: &Remote| remote.transport().and_then(|section| section.ice.clone());
        let last = self.negotiation.current_remote().and_then(ice);
        last.is_some() && ice(remote).is_some_and(|ice| Some(ice) != last)
    }

    fn limit_of_late_data(&self, mid: &str) {
        let detail = format!(
            "m-section {mid:?} wants data channels, but the call began without; the engine opens no data channel then, \
             so the m-section is rejected"
        );
        self.shared.emit(EngineEvent::Limit { limit: "late-data-channel", detail });
    }
}

/// What the engine says of a description that it refuses: its state, or the text.
fn refused(error: EngineError) -> EngineError {
    match error {
        EngineError::Failed(text) => EngineError::Description(text),
        other => other,
    }
}
