//! The operations on tracks, senders and transceivers: the model decides, and sources begin or end to play.

use super::actor::Actor;
use super::sending::Sending;
use super::{LocalTrack, Outcome, TransceiverId, TransceiverInit};
use crate::jsep::{Direction, MediaKind};

impl Actor {
    pub(super) fn add_track(&mut self, track: LocalTrack, streams: &[String]) -> Outcome<TransceiverId> {
        let arguments =
            with_streams(format!("{} ({})", track.source.kind(), track.source.description()), streams);
        let added = self.peer.add_track(track.source.kind(), &track.id, streams);
        self.operation("addTrack", arguments, added.as_ref().err());
        let transceiver = added?;
        self.play(transceiver, Some(track));
        self.settle();
        Ok(transceiver)
    }

    pub(super) fn add_transceiver(
        &mut self,
        kind: MediaKind,
        track: Option<LocalTrack>,
        init: TransceiverInit,
    ) -> Outcome<TransceiverId> {
        let what = track
            .as_ref()
            .map_or_else(|| kind.to_string(), |track| format!("{kind} ({})", track.source.description()));
        let arguments = with_streams(format!("{what}, {}", init.direction), &init.streams);
        let id = track.as_ref().map(|track| track.id.clone());
        let added = self.peer.add_transceiver(kind, id.as_deref(), init);
        self.operation("addTransceiver", arguments, added.as_ref().err());
        let transceiver = added?;
        if track.is_some() {
            self.play(transceiver, track);
        }
        self.settle();
        Ok(transceiver)
    }

    pub(super) fn set_direction(&mut self, id: TransceiverId, direction: Direction) -> Outcome<()> {
        let set = self.peer.set_direction(id, direction);
        self.done("direction", format!("{}, {direction}", self.name(id)), set)
    }

    pub(super) fn replace_track(&mut self, id: TransceiverId, track: Option<LocalTrack>) -> Outcome<()> {
        let with = track.as_ref().map(|track| (track.source.kind(), track.id.as_str()));
        let replaced = self.peer.replace_track(id, with);
        let what = track.as_ref().map_or_else(|| "null".to_owned(), |track| track.source.description());
        let arguments = format!("{}, {what}", self.name(id));
        if replaced.is_ok() {
            self.play(id, track);
        }
        self.done("replaceTrack", arguments, replaced)
    }

    pub(super) fn set_streams(&mut self, id: TransceiverId, streams: &[String]) -> Outcome<()> {
        let set = self.peer.set_streams(id, streams);
        self.done("setStreams", with_streams(self.name(id), streams), set)
    }

    pub(super) fn remove_track(&mut self, id: TransceiverId) -> Outcome<()> {
        let removed = self.peer.remove_track(id);
        if removed.is_ok() {
            self.play(id, None);
        }
        self.done("removeTrack", self.name(id), removed)
    }

    pub(super) fn stop(&mut self, id: TransceiverId) -> Outcome<()> {
        let name = self.name(id);
        let stopped = self.peer.stop(id);
        if stopped.is_ok() {
            self.play(id, None);
        }
        self.done("stop", name, stopped)
    }

    pub(super) fn create_data_channel(&mut self, label: &str) -> Outcome<()> {
        let created = self.peer.create_data_channel();
        if let Some(engine) = self.engine.as_mut().filter(|_| created.is_ok()) {
            engine.name_data_channel(label);
        }
        self.done("createDataChannel", label.to_owned(), created)
    }

    pub(super) fn restart_ice(&mut self) -> Outcome<()> {
        let restarted = self.peer.restart_ice();
        self.done("restartIce", String::new(), restarted)
    }

    fn done(&mut self, name: &str, arguments: String, outcome: Outcome<()>) -> Outcome<()> {
        self.operation(name, arguments, outcome.as_ref().err());
        self.settle();
        outcome
    }

    /// What the sender of a transceiver sends from now on. Its counts go on.
    fn play(&mut self, id: TransceiverId, track: Option<LocalTrack>) {
        let source = track.map(|track| track.source);
        if let Some(sending) = self.sending.iter_mut().find(|sending| sending.transceiver == id) {
            return sending.play(&self.world, source);
        }
        let Some(source) = source else { return };
        let mut sending = Sending::new(id, source.kind());
        sending.play(&self.world, Some(source));
        self.sending.push(sending);
    }

    /// A transceiver in words for people: by its mid, or by its place before it has one.
    fn name(&self, id: TransceiverId) -> String {
        let found = self.peer.transceivers().enumerate().find(|(_, transceiver)| transceiver.id() == id);
        match found {
            Some((_, transceiver)) if transceiver.mid().is_some() => {
                format!("{} on mid {}", transceiver.kind(), transceiver.mid().unwrap_or_default())
            }
            Some((index, transceiver)) => format!("{}, transceiver {index}", transceiver.kind()),
            None => "a transceiver that is not of this connection".to_owned(),
        }
    }
}

fn with_streams(what: String, streams: &[String]) -> String {
    match streams {
        [] => format!("{what}, no stream"),
        [stream] => format!("{what}, stream {stream}"),
        streams => format!("{what}, streams {}", streams.join(" ")),
    }
}
