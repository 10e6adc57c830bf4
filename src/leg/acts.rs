//! What the application does in the course of the call: hold, resume, restart ICE.

use std::time::{Duration, Instant};

use crate::fault;
use crate::jsep::{Direction, MediaKind, SdpType, TransceiverInit};
use crate::plan::{Act, Later};

use super::Leg;

impl Leg {
    /// When the next act is due; none before the first answer, and none if there is none left.
    pub(super) fn next_act_at(&self) -> Option<Instant> {
        let Later { after, .. } = self.later.front()?;
        Some(self.answered_at? + *after)
    }

    /// How long it is until the next act.
    pub(super) fn until_next_act(&self) -> Option<Duration> {
        Some(self.next_act_at()?.saturating_duration_since(self.world.now()))
    }

    pub(super) async fn act(&mut self) {
        let Some(Later { act, .. }) = self.later.pop_front() else { return };
        match act {
            Act::Hold => self.hold().await,
            Act::Resume => self.resume().await,
            // The timeline holds the error.
            Act::RestartIce => drop(self.connection.restart_ice().await),
        }
        // The application knows that it has to negotiate now, whether or not it listens to negotiationneeded.
        self.negotiate().await;
    }

    /// Every transceiver becomes inactive; what it wished before is kept.
    pub(super) async fn hold(&mut self) {
        for state in self.connection.transceivers().await {
            let wish = state.row.direction;
            let is_held = self.held.iter().any(|(id, _)| *id == state.id);
            if !is_held
                && wish != Direction::Stopped
                && self.connection.set_direction(state.id, Direction::Inactive).await.is_ok()
            {
                self.held.push((state.id, wish));
            }
        }
    }

    pub(super) async fn resume(&mut self) {
        // What comes from now on is told from what came before.
        self.connection.sample().await;
        for (id, wish) in std::mem::take(&mut self.held) {
            // It may have been stopped meanwhile; the timeline holds the error.
            let _ = self.connection.set_direction(id, wish).await;
        }
    }

    /// Does what only a faulty application does. The timeline holds the errors.
    pub async fn misbehave(&mut self, act: fault::Act) {
        let connection = &self.connection;
        match act {
            // Whether or not one is needed.
            fault::Act::Offer => self.offer_once_more().await,
            fault::Act::RollBack => {
                drop(connection.set_local_description(SdpType::Rollback, String::new()).await);
            }
            fault::Act::AddTransceiver => {
                let init = TransceiverInit { direction: Direction::Inactive, ..TransceiverInit::default() };
                drop(connection.add_transceiver(MediaKind::Video, None, init).await);
            }
            fault::Act::CreateDataChannel => drop(connection.create_data_channel("faulty").await),
            fault::Act::RequestKeyFrame => connection.request_key_frames().await,
            // What is asked of it afterwards is still answered.
            fault::Act::CloseConnection => connection.close_in_place().await,
            // Those are no acts of an application on its connection.
            fault::Act::Repeat(_)
            | fault::Act::RepeatCandidate
            | fault::Act::Say(_)
            | fault::Act::LeaveRoom
            | fault::Act::Vanish
            | fault::Act::HangUp
            | fault::Act::StopMedia => {}
        }
    }

    /// Whether this side holds the call at the moment.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether the plan has more to do in this call, or a negotiation of it is still under way.
    #[must_use]
    pub fn has_more_to_do(&self) -> bool {
        !self.later.is_empty()
    }

    /// The plan has an ICE restart still to come.
    #[must_use]
    pub fn means_to_restart(&self) -> bool {
        self.later.iter().any(|later| later.act == Act::RestartIce)
    }
}
