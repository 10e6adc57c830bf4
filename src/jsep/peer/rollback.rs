//! Rollback (W3C webrtc §4.4.1.6, RFC 9429 §4.1.10.2): back to the last stable state.

use super::tracks::Changes;
use super::{Direction, Peer, SignalingState, W3cError};
use crate::jsep::Side;

/// What the last stable state looked like.
#[derive(Clone, Debug)]
pub(super) struct Stable {
    /// Of the transceivers that existed then, in their order.
    transceivers: Vec<Before>,
    restart_ice: bool,
    has_data_channels: bool,
}

#[derive(Clone, Debug)]
struct Before {
    mid: Option<String>,
    current: Option<Direction>,
    fired: Option<Direction>,
    receiver_streams: Vec<String>,
}

impl Peer {
    /// setLocalDescription or setRemoteDescription of a rollback.
    ///
    /// # Errors
    /// InvalidStateError where that side has no offer pending.
    pub fn rollback(&mut self, side: Side) -> Result<(), W3cError> {
        self.open()?;
        match (side, self.signaling) {
            (Side::Local, SignalingState::HaveLocalOffer)
            | (Side::Remote, SignalingState::HaveRemoteOffer) => {
                self.take_back();
                self.negotiated();
                Ok(())
            }
            _ => Err(self.wrong_state(&format!("a rollback of the {side} offer"))),
        }
    }

    /// Notes the stable state, once, before it is left.
    pub(super) fn remember_stable(&mut self) {
        if self.stable.is_some() {
            return;
        }
        let transceivers = self.transceivers.iter().map(|transceiver| Before {
            mid: transceiver.mid.clone(),
            current: transceiver.current,
            fired: transceiver.fired,
            receiver_streams: transceiver.receiver_streams.clone(),
        });
        self.stable = Some(Stable {
            transceivers: transceivers.collect(),
            restart_ice: self.restart_ice,
            has_data_channels: self.has_data_channels,
        });
    }

    /// The pending offer never was. Transceivers that it made are gone, unless addTrack took them over. What was
    /// stopped stays stopped.
    pub(super) fn take_back(&mut self) {
        let Some(stable) = self.stable.take() else { return };
        let mut changes = Changes::default();
        for index in 0..self.transceivers.len() {
            match stable.transceivers.get(index) {
                Some(before) => self.restore(index, before, &mut changes),
                None => self.dissociate(index, &mut changes),
            }
        }
        self.restart_ice |= stable.restart_ice;
        self.has_data_channels |= stable.has_data_channels;
        (self.pending_local, self.pending_remote) = (None, None);
        (self.last_offer, self.last_answer) = (None, None);
        self.enter(SignalingState::Stable);
        self.fire(changes);
    }

    fn restore(&mut self, index: usize, before: &Before, changes: &mut Changes) {
        match before.fired {
            Some(fired) if fired.receives() => {
                self.process_remote_track(index, fired, &before.receiver_streams, changes);
            }
            fired => {
                self.stop_receiving(index, fired.unwrap_or(Direction::Inactive), changes);
                self.transceivers[index].fired = fired;
            }
        }
        let transceiver = &mut self.transceivers[index];
        if transceiver.listed {
            transceiver.mid.clone_from(&before.mid);
        }
        transceiver.current = before.current;
    }

    /// A transceiver that the stable state did not know has no section any more.
    fn dissociate(&mut self, index: usize, changes: &mut Changes) {
        self.stop_receiving(index, Direction::Inactive, changes);
        let transceiver = &mut self.transceivers[index];
        (transceiver.mid, transceiver.current, transceiver.fired) = (None, None, None);
        if transceiver.made_by_offer && !transceiver.taken_by_add_track {
            self.reject(index, changes);
            self.transceivers[index].listed = false;
        } else if transceiver.taken_by_add_track {
            // From now on it is as if addTrack had made it.
            transceiver.made_by_add_track |= transceiver.made_by_offer;
        }
    }
}
