//! After an operation: what has changed in the model is told, and media may flow where the negotiation says so.

use std::sync::Arc;

use super::ConnectionEvent;
use super::actor::Actor;
use crate::jsep::{Direction, PeerEvent};
use crate::timeline::Kind;

impl Actor {
    /// Tells what the model's events say, in their order, and opens and closes the gates.
    pub(super) fn settle(&mut self) {
        for event in self.peer.take_events() {
            self.peer_event(event);
        }
        self.update_gates();
    }

    fn peer_event(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::SignalingState(state) => {
                self.record(Kind::SignalingState(state));
                self.tell(ConnectionEvent::Signaling(state));
            }
            PeerEvent::Track { transceiver, mid, kind, streams } => {
                self.receiving.add(&mid, kind);
                self.record(Kind::Track { mid: mid.clone(), kind, streams: streams.clone() });
                self.tell(ConnectionEvent::Track { transceiver, mid, kind, streams });
            }
            PeerEvent::Muted { mid, kind, .. } => self.record(Kind::TrackMuted { mid, kind }),
            PeerEvent::Removed { mid, kind, streams, .. } => {
                self.record(Kind::TrackRemoved { mid, kind, streams });
            }
            PeerEvent::Ended { mid, kind, .. } => self.record(Kind::TrackEnded { mid, kind }),
            PeerEvent::NegotiationNeeded => {
                self.record(Kind::NegotiationNeeded);
                self.tell(ConnectionEvent::NegotiationNeeded);
            }
        }
    }

    /// Media may flow where the current direction says so and once it can be encrypted.
    pub(super) fn update_gates(&mut self) {
        let Some(engine) = &self.engine else { return };
        let peer = &self.peer;
        self.sending.retain(|sending| peer.transceivers().any(|known| known.id() == sending.transceiver));
        for transceiver in peer.transceivers() {
            let usable = !transceiver.is_stopping() && !transceiver.is_stopped();
            let current = transceiver.current_direction().filter(|_| usable && transceiver.mid().is_some());
            let sends = current.is_some_and(Direction::sends);
            if let Some(mid) = transceiver.mid() {
                let receives = current.is_some_and(Direction::receives);
                engine.set_may_send(mid, sends);
                engine.set_may_receive(mid, receives);
                self.receiving.set_receiving(mid, receives);
            }
            let of_this = self.sending.iter().filter(|sending| sending.transceiver == transceiver.id());
            for sending in of_this {
                let writer = transceiver.mid().and_then(|mid| engine.writer(mid));
                sending.bind(writer.map(|writer| {
                    let line = Arc::clone(self.lines.entry(writer.ssrc()).or_default());
                    (writer, line)
                }));
                sending.set_open(sends && self.secured);
            }
        }
    }
}
