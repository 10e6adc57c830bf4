//! The operations on tracks and transceivers (W3C webrtc §5.1 to §5.4).

use super::{Direction, MediaKind, Peer, PeerEvent, Transceiver, TransceiverId, TransceiverInit};
use super::{W3cError, invalid_access, invalid_state};
use crate::jsep::ErrorName;

impl Peer {
    /// addTrack (W3C webrtc §5.1). Returns the transceiver whose sender has the track: a new one, or the first of
    /// that kind whose sender has no track and has never been used to send.
    ///
    /// # Errors
    /// InvalidStateError after close; InvalidAccessError if a sender has the track already.
    pub fn add_track(
        &mut self,
        kind: MediaKind,
        track: &str,
        streams: &[String],
    ) -> Result<TransceiverId, W3cError> {
        self.open()?;
        if self.transceivers().any(|transceiver| transceiver.sender_track() == Some(track)) {
            return Err(invalid_access(format!("a sender has track {track} already")));
        }
        let reusable = |transceiver: &Transceiver| {
            transceiver.listed
                && transceiver.kind == kind
                && transceiver.sender_track.is_none()
                && !transceiver.stopping
                && !transceiver.has_sent
        };
        let index = match self.transceivers.iter().position(reusable) {
            Some(index) => {
                let transceiver = &mut self.transceivers[index];
                transceiver.direction = Direction::new(true, transceiver.direction.receives());
                transceiver.taken_by_add_track = true;
                index
            }
            None => {
                let index = self.new_transceiver(kind, Direction::Sendrecv);
                self.transceivers[index].made_by_add_track = true;
                self.name_sender(index, track);
                index
            }
        };
        let transceiver = &mut self.transceivers[index];
        transceiver.sender_track = Some(track.to_owned());
        transceiver.sender_streams = each_once(streams);
        let id = transceiver.id;
        self.update_needed();
        Ok(id)
    }

    /// addTransceiver (W3C webrtc §5.1), with the id of a track or by kind alone.
    ///
    /// # Errors
    /// InvalidStateError after close; TypeError for the direction `stopped`.
    pub fn add_transceiver(
        &mut self,
        kind: MediaKind,
        track: Option<&str>,
        init: TransceiverInit,
    ) -> Result<TransceiverId, W3cError> {
        self.open()?;
        if init.direction == Direction::Stopped {
            return Err(W3cError::new(ErrorName::TypeError, "no transceiver begins as stopped"));
        }
        let index = self.new_transceiver(kind, init.direction);
        if let Some(track) = track {
            self.name_sender(index, track);
        }
        let transceiver = &mut self.transceivers[index];
        transceiver.sender_track = track.map(str::to_owned);
        transceiver.sender_streams = each_once(&init.streams);
        let id = transceiver.id;
        self.update_needed();
        Ok(id)
    }

    /// Sets `transceiver.direction` (W3C webrtc §5.4.1).
    ///
    /// # Errors
    /// InvalidStateError once it is stopping; TypeError for `stopped`; InvalidAccessError for a foreign one.
    pub fn set_direction(&mut self, id: TransceiverId, direction: Direction) -> Result<(), W3cError> {
        let index = self.running(id)?;
        if direction == Direction::Stopped {
            return Err(W3cError::new(
                ErrorName::TypeError,
                "a direction is not set to stopped; stop() does it",
            ));
        }
        let transceiver = &mut self.transceivers[index];
        if std::mem::replace(&mut transceiver.direction, direction) != direction {
            self.update_needed();
        }
        Ok(())
    }

    /// sender.replaceTrack (W3C webrtc §5.2): changes no direction and needs no negotiation.
    ///
    /// # Errors
    /// TypeError for a track of another kind; InvalidStateError once it is stopping or the connection closed;
    /// InvalidAccessError for a foreign transceiver.
    pub fn replace_track(
        &mut self,
        id: TransceiverId,
        track: Option<(MediaKind, &str)>,
    ) -> Result<(), W3cError> {
        let index = self.known(id)?;
        let kind = self.transceivers[index].kind;
        if let Some((other, _)) = track
            && other != kind
        {
            return Err(W3cError::new(ErrorName::TypeError, format!("a sender of {kind} sends no {other}")));
        }
        self.running(id)?;
        self.transceivers[index].sender_track = track.map(|(_, track)| track.to_owned());
        Ok(())
    }

    /// sender.setStreams (W3C webrtc §5.2).
    ///
    /// # Errors
    /// InvalidStateError after close; InvalidAccessError for a foreign transceiver.
    pub fn set_streams(&mut self, id: TransceiverId, streams: &[String]) -> Result<(), W3cError> {
        self.open()?;
        let index = self.known(id)?;
        self.transceivers[index].sender_streams = each_once(streams);
        self.update_needed();
        Ok(())
    }

    /// removeTrack (W3C webrtc §5.1) of the transceiver's sender. Does nothing where it has no track or is stopping.
    ///
    /// # Errors
    /// InvalidStateError after close; InvalidAccessError for a foreign sender.
    pub fn remove_track(&mut self, id: TransceiverId) -> Result<(), W3cError> {
        self.open()?;
        let index = self.known(id)?;
        let transceiver = &mut self.transceivers[index];
        if !transceiver.stopping && transceiver.sender_track.take().is_some() {
            transceiver.direction = Direction::new(false, transceiver.direction.receives());
            self.update_needed();
        }
        Ok(())
    }

    /// transceiver.stop (W3C webrtc §5.4.2). Its section is rejected by our next offer. Does nothing the second time.
    ///
    /// # Errors
    /// InvalidStateError after close; InvalidAccessError for a foreign transceiver.
    pub fn stop(&mut self, id: TransceiverId) -> Result<(), W3cError> {
        self.open()?;
        let index = self.known(id)?;
        if self.end(index) {
            self.update_needed();
        }
        Ok(())
    }

    /// Stops sending and receiving, once, with its event.
    pub(super) fn end(&mut self, index: usize) -> bool {
        let transceiver = &mut self.transceivers[index];
        let first = transceiver.stop_sending_and_receiving();
        if first {
            let (mid, kind) = (transceiver.mid.clone(), transceiver.kind);
            self.events.push(PeerEvent::Ended { transceiver: transceiver.id, mid, kind });
        }
        first
    }

    pub(super) fn new_transceiver(&mut self, kind: MediaKind, direction: Direction) -> usize {
        let index = self.transceivers.len();
        let id = TransceiverId(u32::try_from(index).expect("fewer than 2^32 transceivers fit in memory"));
        self.transceivers.push(Transceiver::new(id, kind, direction));
        index
    }

    /// A sender is named after its first track, unless another one bears that name.
    fn name_sender(&mut self, index: usize, track: &str) {
        if !self.transceivers.iter().any(|transceiver| transceiver.sender_id == track) {
            self.transceivers[index].sender_id = track.to_owned();
        }
    }

    /// The index of a transceiver of ours.
    fn known(&self, id: TransceiverId) -> Result<usize, W3cError> {
        let index = id.0 as usize;
        if index < self.transceivers.len() {
            Ok(index)
        } else {
            Err(invalid_access("the transceiver is not of this connection"))
        }
    }

    /// The index of a transceiver of ours that is not stopping.
    fn running(&self, id: TransceiverId) -> Result<usize, W3cError> {
        self.open()?;
        let index = self.known(id)?;
        if self.transceivers[index].stopping {
            return Err(invalid_state("the transceiver is stopped"));
        }
        Ok(index)
    }
}

fn each_once(streams: &[String]) -> Vec<String> {
    let mut once: Vec<String> = Vec::with_capacity(streams.len());
    for stream in streams {
        if !once.contains(stream) {
            once.push(stream.clone());
        }
    }
    once
}
