//! RTCRtpTransceiver with its sender and receiver, as data.

use crate::jsep::{Direction, MediaKind, TransceiverId};

/// One transceiver (W3C webrtc §5.4). Its fields are the W3C's internal slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transceiver {
    pub(super) id: TransceiverId,
    pub(super) mid: Option<String>,
    pub(super) kind: MediaKind,
    /// `[[Direction]]`: the wish; inactive once stop() was called.
    pub(super) direction: Direction,
    /// `[[CurrentDirection]]`.
    pub(super) current: Option<Direction>,
    /// `[[FiredDirection]]`.
    pub(super) fired: Option<Direction>,
    /// `[[Stopping]]`.
    pub(super) stopping: bool,
    /// `[[Stopped]]`.
    pub(super) stopped: bool,
    /// In the connection's set of transceivers.
    pub(super) listed: bool,
    pub(super) sender_id: String,
    pub(super) sender_track: Option<String>,
    /// `[[AssociatedMediaStreamIds]]`.
    pub(super) sender_streams: Vec<String>,
    /// The current direction once was one that sends: addTrack leaves such a sender alone.
    pub(super) has_sent: bool,
    /// The streams that the receiver's track is in.
    pub(super) receiver_streams: Vec<String>,
    /// addTrack made it: an offered section may take it (RFC 9429 §5.10).
    pub(super) made_by_add_track: bool,
    /// addTrack gave its sender a track: a rollback keeps it.
    pub(super) taken_by_add_track: bool,
    /// A remote offer made it.
    pub(super) made_by_offer: bool,
}

impl Transceiver {
    pub(super) fn new(id: TransceiverId, kind: MediaKind, direction: Direction) -> Self {
        Self {
            id,
            mid: None,
            kind,
            direction,
            current: None,
            fired: None,
            stopping: false,
            stopped: false,
            listed: true,
            sender_id: format!("sender-{}", id.0),
            sender_track: None,
            sender_streams: Vec::new(),
            has_sent: false,
            receiver_streams: Vec::new(),
            made_by_add_track: false,
            taken_by_add_track: false,
            made_by_offer: false,
        }
    }

    /// Its name within the peer.
    #[must_use]
    pub const fn id(&self) -> TransceiverId {
        self.id
    }

    /// The mid of its m-section; null while it has none.
    #[must_use]
    pub fn mid(&self) -> Option<&str> {
        self.mid.as_deref()
    }

    /// The kind of its tracks.
    #[must_use]
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// `direction`: the wish, and `stopped` from stop() on.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        if self.stopping { Direction::Stopped } else { self.direction }
    }

    /// `currentDirection`: what was negotiated; null before, `stopped` for good.
    #[must_use]
    pub const fn current_direction(&self) -> Option<Direction> {
        if self.stopped { Some(Direction::Stopped) } else { self.current }
    }

    /// The id of the sender's track.
    #[must_use]
    pub fn sender_track(&self) -> Option<&str> {
        self.sender_track.as_deref()
    }

    /// The streams that the sender's track is in.
    #[must_use]
    pub fn sender_streams(&self) -> &[String] {
        &self.sender_streams
    }

    /// Whether the descriptions mute the receiver's track. A browser keeps it muted until media comes.
    #[must_use]
    pub fn receiver_muted(&self) -> bool {
        !self.fired.is_some_and(Direction::receives)
    }

    /// Whether the receiver's track has ended.
    #[must_use]
    pub const fn receiver_ended(&self) -> bool {
        self.stopping
    }

    /// Whether stop() was called, or the section was rejected.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Whether it is stopped for good: its section was rejected, or the connection closed.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    pub(super) const fn is_listed(&self) -> bool {
        self.listed
    }

    /// Whether an m-section may become its own.
    pub(super) fn is_free(&self) -> bool {
        self.mid.is_none() && !self.stopping && self.listed
    }

    /// "Stop sending and receiving" (W3C webrtc §5.4.1). False if that was done before.
    pub(super) fn stop_sending_and_receiving(&mut self) -> bool {
        self.direction = Direction::Inactive;
        !std::mem::replace(&mut self.stopping, true)
    }

    pub(super) fn set_current(&mut self, direction: Direction) {
        self.current = Some(direction);
        self.has_sent |= direction.sends();
    }

    pub(super) fn close(&mut self) {
        self.stop_sending_and_receiving();
        self.stopped = true;
        self.mid = None;
    }
}
