//! A place in a room, as its owner sees it.

use super::{PeerInfo, RoomError, Signal};

/// A place in a room. The owner sends and awaits events; everything else runs in tasks of the client. Dropping it
/// without [`Room::leave`] shows to the others as a lost connection.
#[derive(Debug)]
pub struct Room {
    me: PeerInfo,
    peers: Vec<PeerInfo>,
}

/// What a room tells its peers.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomEvent {
    /// Somebody else came in.
    PeerJoined(PeerInfo),
    /// Somebody else is gone.
    PeerLeft {
        /// Its name.
        name: String,
        /// `left`, `connection lost`, `no pong`, or why the room closed its connection.
        reason: String,
    },
    /// The room has paired us with a peer, or a pair of peers begins once more.
    CallStarted {
        /// The call's id, the same on both sides.
        call: String,
        /// The other side.
        peer: PeerInfo,
    },
    /// A message of a peer.
    Signal {
        /// The sender's name.
        from: String,
        /// The call that the sender was in when it sent this; none before the first call.
        call: Option<String>,
        /// The sender's count of signals; the room counts for those who do not.
        seq: Option<u64>,
        /// When it was sent, in microseconds since 1970-01-01 UTC by the sender's wall clock, where it says so.
        sent_at_us: Option<u64>,
        /// What it says.
        signal: Signal,
    },
    /// How far the clock of our call's partner is ahead of ours. Comes again when a better figure is found.
    ClockOffset {
        /// The peer's name.
        peer: String,
        /// Its wall clock minus ours.
        offset_us: i64,
        /// The true offset lies within this distance.
        error_us: u64,
    },
    /// The room refused something that we sent, or sent what we could not understand.
    Error(RoomError),
    /// The room is gone; the last event.
    Lost {
        /// Why.
        reason: String,
    },
}

impl Room {
    /// Ourselves, as the room knows us.
    #[must_use]
    pub fn me(&self) -> &PeerInfo {
        &self.me
    }

    /// Who was there when we came. Who comes and goes afterwards is told by events.
    #[must_use]
    pub fn peers(&self) -> &[PeerInfo] {
        &self.peers
    }

    /// Sends `signal` to the peer of that name, or to the other one: our call's partner, else the only other peer.
    /// Never waits: the signal is queued. Gives its number in our count of signals.
    pub fn send(&self, _to: Option<&str>, _signal: Signal) -> u64 {
        todo!()
    }

    /// The next event. Can be dropped while it waits without losing one. Waits for ever after [`RoomEvent::Lost`].
    pub async fn next(&mut self) -> RoomEvent {
        todo!()
    }

    /// Says that we leave, and waits, for two seconds at most, until everything that was sent has reached the room.
    pub async fn leave(self) {
        todo!()
    }
}
