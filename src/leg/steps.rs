//! What the application does when a step of the plan says so, in the middle of the call.

use crate::connection::{LocalTrack, W3cError};
use crate::jsep::MediaKind;
use crate::jsep::{ErrorName, SignalingState};
use crate::media;
use crate::plan::{OWN_STREAM, Operation, SendPlan, SourcePlan};

use crate::timeline::Signal;

use super::Leg;
use super::operations::operate;

impl Leg {
    /// Does an operation on the connection. What it makes necessary is negotiated if the application does that by itself,
    /// as always.
    ///
    /// # Errors
    /// As the W3C rejects it.
    pub async fn operate(&mut self, operation: &Operation) -> Result<(), W3cError> {
        match operation {
            // Whether or not one is needed.
            Operation::Offer => {
                self.refuse_if_closed().await?;
                self.offer_once_more().await;
                Ok(())
            }
            // If one is needed, whether or not it listens to negotiationneeded.
            Operation::Negotiate => {
                self.refuse_if_closed().await?;
                self.negotiate().await;
                Ok(())
            }
            local => {
                let track = match local.new_track() {
                    Some(kind) => Some(self.new_track(kind)?),
                    None => None,
                };
                let (role, own) = (self.plan.role, self.stream());
                let stream = |label: &str| match label {
                    OWN_STREAM => own.clone(),
                    label => format!("{role}-{label}"),
                };
                operate(&self.connection, &stream, local, track).await
            }
        }
    }

    /// Holds the call and negotiates that.
    pub async fn hold_now(&mut self) {
        self.hold().await;
        self.negotiate().await;
    }

    /// Resumes the call and negotiates that.
    pub async fn resume_now(&mut self) {
        self.resume().await;
        self.negotiate().await;
    }

    /// No negotiation is under way, and none is due that the application makes by itself.
    pub async fn has_negotiated(&self) -> bool {
        let is_stable = self.connection.signaling_state().await == SignalingState::Stable;
        let makes_them = self.plan.habits.renegotiate && self.negotiation.completed;
        is_stable && !self.owes() && !(makes_them && self.connection.negotiation_needed().await)
    }

    /// What is ready to be sent.
    pub async fn ready(&mut self) -> Vec<Signal> {
        self.send_gathered().await;
        self.outbox.drain(..).collect()
    }

    async fn refuse_if_closed(&self) -> Result<(), W3cError> {
        match self.connection.signaling_state().await {
            SignalingState::Closed => {
                Err(W3cError::new(ErrorName::InvalidStateError, "the connection is closed"))
            }
            _ => Ok(()),
        }
    }

    fn new_track(&mut self, kind: MediaKind) -> Result<LocalTrack, W3cError> {
        let source = if kind == MediaKind::Audio { SourcePlan::Tone } else { SourcePlan::Bars };
        let planned = SendPlan { kind, source };
        let identity = media::Identity { peer: self.number, stream: self.tracks };
        let source = self.faults.open(&planned, identity, self.peer);
        let source = source.map_err(|error| W3cError::new(ErrorName::OperationError, error.to_string()))?;
        self.tracks = self.tracks.saturating_add(1);
        Ok(LocalTrack { id: format!("{}-{kind}-{}", self.stream(), self.tracks), source })
    }
}
