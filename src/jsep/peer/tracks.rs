//! What a description does to the remote tracks: `track`, mute, removal, end (W3C webrtc §4.4.1.5, §5.1.1).

use super::{Direction, Peer, PeerEvent};

/// Events that are fired together once the description is set, in the order of the specification.
#[derive(Debug, Default)]
pub(super) struct Changes {
    muted: Vec<PeerEvent>,
    removed: Vec<PeerEvent>,
    added: Vec<PeerEvent>,
    ended: Vec<usize>,
}

impl Peer {
    /// Sets `[[FiredDirection]]` to `direction`, the section's as we see it. `track` fires where we newly receive; a
    /// transceiver that is stopping fires it no more.
    pub(super) fn process_remote_track(
        &mut self,
        index: usize,
        direction: Direction,
        streams: &[String],
        changes: &mut Changes,
    ) {
        if !direction.receives() {
            return self.stop_receiving(index, direction, changes);
        }
        let received = self.transceivers[index].fired.is_some_and(Direction::receives);
        if self.transceivers[index].stopping && !received {
            return;
        }
        self.set_receiver_streams(index, streams, changes);
        let transceiver = &mut self.transceivers[index];
        transceiver.fired = Some(direction);
        if !received {
            let mid = transceiver.mid.clone().unwrap_or_default();
            changes.added.push(PeerEvent::Track {
                transceiver: transceiver.id,
                mid,
                kind: transceiver.kind,
                streams: transceiver.receiver_streams.clone(),
            });
        }
    }

    /// "Process the removal of a remote track" where we received before.
    pub(super) fn stop_receiving(&mut self, index: usize, direction: Direction, changes: &mut Changes) {
        let transceiver = &mut self.transceivers[index];
        if transceiver.fired.replace(direction).is_some_and(Direction::receives) {
            let (id, mid, kind) = (transceiver.id, transceiver.mid.clone(), transceiver.kind);
            changes.muted.push(PeerEvent::Muted { transceiver: id, mid, kind });
            self.set_receiver_streams(index, &[], changes);
        }
    }

    /// Stops a transceiver whose section is rejected.
    pub(super) fn reject(&mut self, index: usize, changes: &mut Changes) {
        self.stop_receiving(index, Direction::Inactive, changes);
        self.transceivers[index].stopped = true;
        changes.ended.push(index);
    }

    /// Fires what happened, after the signaling state.
    pub(super) fn fire(&mut self, changes: Changes) {
        for index in changes.ended {
            self.end(index);
        }
        self.events.extend(changes.muted);
        self.events.extend(changes.removed);
        self.events.extend(changes.added);
    }

    /// "Set the associated remote streams": the track leaves those that are no longer named.
    fn set_receiver_streams(&mut self, index: usize, streams: &[String], changes: &mut Changes) {
        let transceiver = &mut self.transceivers[index];
        let before = std::mem::replace(&mut transceiver.receiver_streams, streams.to_vec());
        let left: Vec<String> = before.into_iter().filter(|stream| !streams.contains(stream)).collect();
        if !left.is_empty() {
            changes.removed.push(PeerEvent::Removed {
                transceiver: transceiver.id,
                mid: transceiver.mid.clone(),
                kind: transceiver.kind,
                streams: left,
            });
        }
    }
}
