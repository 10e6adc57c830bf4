//! Two model peers, and a script that drives them.

use callcheck::jsep::{
    Association, ErrorName, LocalDescription, MediaKind, Peer, PeerEvent, Role, SdpFacts, SdpType,
    SignalingState, Transceiver, TransceiverId, TransceiverInit, W3cError,
};
use callcheck::plan::{Operation, Step};

use crate::cases::wpt::{Checkpoint, Rejected};
use crate::cases::{Row, TrackRow};
use crate::render::render;

/// One side, with what it has seen.
pub(crate) struct End {
    role: Role,
    pub(crate) peer: Peer,
    kept_answer: Option<LocalDescription>,
    /// Lines that its descriptions lose on their way.
    lost_lines: Vec<String>,
    /// Of its ICE credentials.
    generation: u32,
    pub(crate) ontrack: Vec<TrackRow>,
    pub(crate) negotiationneeded: usize,
    pub(crate) signaling_states: Vec<SignalingState>,
    pub(crate) events: Vec<PeerEvent>,
}

/// Both sides and the script's record.
pub(crate) struct Driver {
    pub(crate) caller: End,
    pub(crate) callee: End,
    tracks: u32,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) checkpoints: Vec<Checkpoint>,
}

type Done = Result<(), W3cError>;

impl Driver {
    pub(crate) fn new(association: Association) -> Self {
        Self {
            caller: End::new(Role::Caller, association),
            callee: End::new(Role::Callee, association),
            tracks: 0,
            rejected: Vec::new(),
            checkpoints: Vec::new(),
        }
    }

    /// Runs a whole script; a refused step is noted, and the next one runs.
    pub(crate) fn run(&mut self, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            if let Err(error) = self.step(step) {
                self.rejected.push(Rejected { step: index, error: error.name.to_string() });
            }
        }
    }

    pub(crate) fn step(&mut self, step: &Step) -> Done {
        match (&step.operation, step.who) {
            // No time passes here, and nothing but descriptions travels.
            (Operation::Wait(_) | Operation::WaitIceConnected, _) => Ok(()),
            (Operation::Checkpoint, _) => {
                let (caller, callee) = (rows(&self.caller.peer), rows(&self.callee.peer));
                self.checkpoints.push(Checkpoint { caller, callee });
                Ok(())
            }
            (operation, Some(who)) => self.act(who, operation),
            (operation, None) => panic!("{operation:?} needs somebody"),
        }
    }

    fn act(&mut self, who: Role, operation: &Operation) -> Done {
        match operation {
            Operation::Deliver => self.deliver(who),
            Operation::Offer => {
                self.end(who).set_local_offer()?;
                self.deliver(who)
            }
            Operation::ApplyKeptAnswer => {
                self.end(who).apply_kept_answer()?;
                self.deliver(who)
            }
            Operation::Answer => self.answer(who),
            Operation::Negotiate => {
                self.end(who).set_local_offer()?;
                self.deliver(who)?;
                self.answer(who.other())
            }
            other => {
                self.tracks += 1;
                let track = format!("track-{}", self.tracks);
                let end = self.end(who);
                let done = end.alone(other, &track);
                end.note();
                done
            }
        }
    }

    fn answer(&mut self, who: Role) -> Done {
        self.end(who).create_answer()?;
        self.end(who).apply_kept_answer()?;
        self.deliver(who)
    }

    /// The other side sets our local description.
    fn deliver(&mut self, who: Role) -> Done {
        let (sdp_type, text) = self.end(who).local_text()?;
        let other = self.end(who.other());
        let done = other.peer.set_remote_description(sdp_type, &SdpFacts::parse(&text));
        other.note();
        done
    }

    pub(crate) fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Caller => &mut self.caller,
            Role::Callee => &mut self.callee,
        }
    }
}

impl End {
    pub(crate) fn new(role: Role, association: Association) -> Self {
        Self {
            role,
            peer: Peer::new(association),
            kept_answer: None,
            lost_lines: Vec::new(),
            generation: 1,
            ontrack: Vec::new(),
            negotiationneeded: 0,
            signaling_states: Vec::new(),
            events: Vec::new(),
        }
    }

    /// What needs no other side.
    fn alone(&mut self, operation: &Operation, track: &str) -> Done {
        match operation {
            Operation::AddTrack { kind, streams } => {
                let streams = self.labels(streams);
                self.peer.add_track(*kind, track, &streams).map(drop)
            }
            Operation::AddTransceiver { kind, with_track, direction, streams } => {
                let mut init =
                    TransceiverInit { streams: self.labels(streams), ..TransceiverInit::default() };
                init.direction = direction.unwrap_or(init.direction);
                self.peer.add_transceiver(*kind, with_track.then_some(track), init).map(drop)
            }
            Operation::SetDirection { transceiver, direction } => {
                self.peer.set_direction(self.id(*transceiver)?, *direction)
            }
            Operation::ReplaceTrack { transceiver, track: kind } => {
                self.peer.replace_track(self.id(*transceiver)?, kind.map(|kind: MediaKind| (kind, track)))
            }
            Operation::SetStreams { transceiver, streams } => {
                let streams = self.labels(streams);
                self.peer.set_streams(self.id(*transceiver)?, &streams)
            }
            Operation::RemoveTrack { sender } => {
                // getSenders() leaves out what is stopped (W3C webrtc §5.1).
                let id = self
                    .peer
                    .transceivers()
                    .filter(|transceiver| !transceiver.is_stopped())
                    .nth(*sender)
                    .map(Transceiver::id);
                self.peer.remove_track(id.ok_or_else(nothing_there)?)
            }
            Operation::Stop { transceiver } => self.peer.stop(self.id(*transceiver)?),
            Operation::CreateDataChannel => self.peer.create_data_channel(),
            Operation::RestartIce => self.peer.restart_ice(),
            Operation::SetLocalOffer => self.set_local_offer(),
            Operation::CreateAnswer => self.create_answer(),
            Operation::Rollback { side } => self.peer.rollback(*side),
            Operation::EditNextSdp { remove_lines_starting_with } => {
                self.lost_lines.clone_from(remove_lines_starting_with);
                Ok(())
            }
            Operation::Close => {
                self.peer.close();
                Ok(())
            }
            other => panic!("{other:?} concerns both sides"),
        }
    }

    pub(crate) fn set_local_offer(&mut self) -> Done {
        let offer = self.peer.create_offer()?;
        self.set_local(&offer)
    }

    fn create_answer(&mut self) -> Done {
        self.kept_answer = Some(self.peer.create_answer()?);
        Ok(())
    }

    fn apply_kept_answer(&mut self) -> Done {
        let answer = self.kept_answer.take().ok_or_else(nothing_there)?;
        self.set_local(&answer)
    }

    fn set_local(&mut self, description: &LocalDescription) -> Done {
        let done = self.peer.set_local_description(description);
        self.generation += u32::from(done.is_ok() && description.ice_restart);
        self.note();
        done
    }

    /// Our local description as it arrives at the other side.
    fn local_text(&self) -> Result<(SdpType, String), W3cError> {
        let description = self.peer.local_description().ok_or_else(nothing_there)?;
        let text = render(description, self.role.as_str(), self.generation);
        let is_lost = |line: &&str| self.lost_lines.iter().any(|start| line.starts_with(start));
        let kept: Vec<&str> = text.split_inclusive('\n').filter(|line| !is_lost(line)).collect();
        Ok((description.sdp_type, kept.concat()))
    }

    /// Takes note of what has happened.
    pub(crate) fn note(&mut self) {
        for event in self.peer.take_events() {
            match &event {
                PeerEvent::SignalingState(state) => self.signaling_states.push(*state),
                PeerEvent::NegotiationNeeded => self.negotiationneeded += 1,
                PeerEvent::Track { transceiver, mid, kind, streams } => {
                    let index = self.peer.transceivers().position(|listed| listed.id() == *transceiver);
                    self.ontrack.push(TrackRow {
                        kind: *kind,
                        mid: mid.clone(),
                        transceiver: index,
                        streams: streams.len(),
                    });
                }
                _ => {}
            }
            self.events.push(event);
        }
    }

    /// The transceiver that getTransceivers() lists there.
    fn id(&self, index: usize) -> Result<TransceiverId, W3cError> {
        self.peer.transceivers().nth(index).map(Transceiver::id).ok_or_else(nothing_there)
    }

    fn labels(&self, streams: &[String]) -> Vec<String> {
        streams.iter().map(|stream| format!("{}-{stream}", self.role)).collect()
    }
}

/// getTransceivers() of a peer.
pub(crate) fn rows(peer: &Peer) -> Vec<Row> {
    let row = |transceiver: &Transceiver| Row {
        mid: transceiver.mid().map(str::to_owned),
        kind: transceiver.kind(),
        direction: transceiver.direction(),
        current_direction: transceiver.current_direction(),
        sender_track: transceiver.sender_track().is_some(),
        receiver_track_ended: transceiver.receiver_ended(),
        receiver_muted: None,
    };
    peer.transceivers().map(row).collect()
}

/// What a script's `undefined` leads to.
fn nothing_there() -> W3cError {
    W3cError::new(ErrorName::TypeError, "nothing is there")
}
