//! The engine's own negotiations. Only the first has the wire's roles, since ICE and DTLS take theirs from it; in each
//! later one our engine offers, and is shown an answer that says what the peer says on the wire. So the engine knows no
//! glare, no rollback of a peer's offer and no pairing.

use std::sync::Arc;

use rtc::peer_connection::configuration::RTCOfferOptions;
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{RTCSdpType, RTCSessionDescription};

use super::translate::{
    Agreed, Credentials, EngineSdp, EngineSection, Remote, engine_sections, for_engine, sections,
};
use super::{Engine, EngineError, channels};
use crate::jsep::SdpType;

/// The role is settled, and the engine does not read it any more.
const LATER_SETUP: Option<&str> = Some("active");

/// How far the engine has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has no description.
    #[default]
    Fresh,
    /// Our first offer is applied.
    Offered,
    /// The transports have started.
    Established,
}

/// What the engine was told.
#[derive(Default)]
pub(super) struct Rounds {
    pub(super) stage: Stage,
    /// A data section is part of the engine's descriptions.
    pub(super) data: bool,
    /// New ICE credentials are made and not applied.
    pub(super) restart_staged: bool,
    /// What our data channel is called.
    pub(super) label: Option<String>,
    /// Keeps our data channel open.
    channel: Option<Arc<dyn DataChannel>>,
    /// It is followed.
    followed: bool,
    /// The peer's description that the engine was shown last, as a later round would show it.
    shown: Option<EngineSdp>,
}

/// What the engine's text says of its transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnTransport {
    pub(super) ice: Credentials,
    pub(super) fingerprints: Vec<String>,
}

impl Engine {
    /// The credentials and the fingerprint of the next description of ours, read from a text that is not applied.
    pub(super) async fn own_transport(&mut self, restart: bool) -> Result<OwnTransport, EngineError> {
        let restart = restart && self.rounds.stage == Stage::Established && !self.rounds.restart_staged;
        let options = restart.then_some(RTCOfferOptions { ice_restart: true });
        let text = EngineSdp(self.connection.create_offer(options).await?.sdp);
        self.rounds.restart_staged |= restart;
        let section = sections(&text.0).into_iter().find(|section| section.ufrag.is_some());
        let section = section.ok_or_else(|| EngineError::Failed("an engine without a section".to_owned()))?;
        let ice = section.ufrag.zip(section.pwd).map(|(ufrag, pwd)| Credentials { ufrag, pwd });
        let ice = ice.ok_or_else(|| EngineError::Failed("an engine without ICE credentials".to_owned()))?;
        self.shared.checks.know(&ice);
        Ok(OwnTransport { ice, fingerprints: section.fingerprints })
    }

    /// Makes a data channel, so that the engine's first offer has a data section.
    pub(super) async fn want_data(&mut self) -> Result<(), EngineError> {
        if self.rounds.stage == Stage::Fresh && self.rounds.channel.is_none() {
            let label = self.rounds.label.as_deref().unwrap_or("callcheck");
            self.rounds.channel = Some(self.connection.create_data_channel(label, None).await?);
        }
        Ok(())
    }

    /// Both sides have taken the m-section of data channels: ours begins to connect.
    pub(super) fn begin_data(&mut self) {
        if let Some(channel) = self.rounds.channel.clone().filter(|_| !self.rounds.followed) {
            self.rounds.followed = true;
            channels::follow_ours(&self.shared, channel);
        }
    }

    /// Our first offer.
    pub(super) async fn round_offer(&mut self) -> Result<EngineSdp, EngineError> {
        let text = self.connection.create_offer(None).await?.sdp;
        self.connection.set_local_description(description(SdpType::Offer, text.clone())?).await?;
        self.rounds.stage = Stage::Offered;
        self.rounds.data = self.rounds.channel.is_some();
        Ok(EngineSdp(text))
    }

    /// Our first offer is taken back.
    pub(super) async fn round_rollback(&mut self) -> Result<(), EngineError> {
        if self.rounds.stage == Stage::Offered {
            self.connection.set_local_description(rollback()).await?;
            self.rounds.stage = Stage::Fresh;
            self.rounds.data = false;
            self.shared.gathering().roll_back();
        }
        Ok(())
    }

    /// The peer's first answer to our first offer. Returns what the engine was shown.
    pub(super) async fn round_answered(
        &mut self,
        remote: &Remote,
        agreed: &Agreed,
    ) -> Result<Option<EngineSdp>, EngineError> {
        let Some(local) = self.connection.local_description().await else { return Ok(None) };
        let sections = self.mapped(engine_sections(&EngineSdp(local.sdp))).await;
        let Some(theirs) = for_engine(remote, agreed, &sections, None) else {
            self.round_rollback().await?;
            return Ok(None);
        };
        self.connection.set_remote_description(description(SdpType::Answer, theirs.0.clone())?).await?;
        self.rounds.stage = Stage::Established;
        self.rounds.shown = for_engine(remote, agreed, &sections, LATER_SETUP);
        Ok(Some(theirs))
    }

    /// Our first answer to the peer's first offer. Returns the engine's own text.
    pub(super) async fn round_answer(
        &mut self,
        remote: &Remote,
        agreed: &Agreed,
        data: bool,
    ) -> Result<Option<EngineSdp>, EngineError> {
        // Gives every section a mid, by which the offer names it.
        let ours = EngineSdp(self.connection.create_offer(None).await?.sdp);
        let mut own = engine_sections(&ours);
        own.retain(|section| section.kind.is_some());
        own.extend(data.then(|| EngineSection { mid: "data".to_owned(), kind: None }));
        let sections = self.mapped(own).await;
        let Some(theirs) = for_engine(remote, agreed, &sections, None) else { return Ok(None) };
        self.connection.set_remote_description(description(SdpType::Offer, theirs.0.clone())?).await?;
        let answer = self.connection.create_answer(None).await?.sdp;
        self.connection.set_local_description(description(SdpType::Answer, answer.clone())?).await?;
        self.rounds.stage = Stage::Established;
        self.rounds.data = data;
        self.rounds.shown = for_engine(remote, agreed, &sections, LATER_SETUP);
        Ok(Some(EngineSdp(answer)))
    }

    /// A later round, if anything changed. Returns the engine's own text and what it was shown.
    pub(super) async fn round_again(
        &mut self,
        remote: &Remote,
        agreed: &Agreed,
    ) -> Result<Option<(EngineSdp, EngineSdp)>, EngineError> {
        let ours = EngineSdp(self.connection.create_offer(None).await?.sdp);
        let sections = self.mapped(engine_sections(&ours)).await;
        let Some(theirs) = for_engine(remote, agreed, &sections, LATER_SETUP) else { return Ok(None) };
        if self.rounds.shown.as_ref() == Some(&theirs) && !self.rounds.restart_staged {
            return Ok(None);
        }
        self.connection.set_local_description(description(SdpType::Offer, ours.0.clone())?).await?;
        self.rounds.restart_staged = false;
        let answer = description(SdpType::Answer, theirs.0.clone())?;
        if let Err(error) = self.connection.set_remote_description(answer).await {
            // Ready for the next round; what the error says counts more than what a rollback could.
            let _ = self.connection.set_local_description(rollback()).await;
            return Err(error.into());
        }
        self.rounds.shown = Some(theirs.clone());
        Ok(Some((ours, theirs)))
    }

    /// Each of the engine's sections with the mid on the wire of who uses it.
    async fn mapped(&self, sections: Vec<EngineSection>) -> Vec<(EngineSection, Option<String>)> {
        let mut users = Vec::new();
        for section in self.sections.iter() {
            users.push((section.engine_mid().await, section.wire_mid.clone()));
        }
        let user = |mid: &str| users.iter().find(|(own, _)| own.as_deref() == Some(mid))?.1.clone();
        sections.into_iter().map(|section| (section.clone(), user(&section.mid))).collect()
    }
}

fn description(sdp_type: SdpType, sdp: String) -> Result<RTCSessionDescription, EngineError> {
    let made = match sdp_type {
        SdpType::Offer => RTCSessionDescription::offer(sdp),
        _ => RTCSessionDescription::answer(sdp),
    };
    made.map_err(|error| EngineError::Description(error.to_string()))
}

fn rollback() -> RTCSessionDescription {
    let mut rollback = RTCSessionDescription::default();
    rollback.sdp_type = RTCSdpType::Rollback;
    rollback
}
