//! The facts of a call: those of its two peers, and those that belong to neither.

use std::collections::BTreeSet;

use super::peer::PeerFacts;
use crate::jsep::Role;
use crate::timeline::{Event, Kind, PeerInfo, Signal};

/// Everything that is known so far.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Which side recorded the timeline.
    pub own: Role,
    /// What is known of the caller.
    pub caller: PeerFacts,
    /// What is known of the callee.
    pub callee: PeerFacts,
    /// The call's id, once the room has given one.
    pub call: Option<String>,
    /// The first sign that the call is being ended in an orderly way.
    pub hang_up: Option<HangUp>,
    /// The room is gone.
    pub room_lost: Option<Loss>,
    /// What the room refused.
    pub room_errors: Vec<RoomRefusal>,
    /// The peer closed DTLS before anybody hung up.
    pub dtls_closed_by_peer: Option<Loss>,
    /// Known faults of the engine that showed.
    pub engine_limits: Vec<TesterFault>,
    /// Where callcheck did not do what its model says.
    pub tester_defects: Vec<TesterFault>,
    /// Things worth knowing.
    pub notes: Vec<String>,
    /// What our own side did wrong on purpose, by the names of failure modes.
    pub mistakes: BTreeSet<String>,
    /// Our side has offered once more only to learn what the other side does.
    pub reoffered: bool,
    /// When somebody interrupted the run.
    pub interrupted: Option<u64>,
    /// When and why the call was over.
    pub ended: Option<Loss>,
    /// The peer's clock minus ours and the error of that, in microseconds.
    pub clock_offset: Option<(i64, u64)>,
    /// The time of the latest event, in microseconds.
    pub last_us: u64,
    /// Our wall clock at `at_us` 0, where it is known.
    epoch_us: Option<u64>,
}

/// Something that ended, with the event that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The event.
    pub id: String,
    /// When, in microseconds.
    pub at_us: u64,
    /// Why, in words for people.
    pub reason: String,
}

/// Who hung up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HangUp {
    /// The event.
    pub id: String,
    /// When, in microseconds.
    pub at_us: u64,
    /// Who said so.
    pub by: Role,
    /// Why, in words for people.
    pub reason: String,
}

/// Something that the room refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRefusal {
    /// The event.
    pub id: String,
    /// When, in microseconds.
    pub at_us: u64,
    /// A code of the room protocol, such as `peer-absent`.
    pub code: String,
    /// In words for people.
    pub message: String,
}

/// A fault of callcheck or of its engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TesterFault {
    /// The event.
    pub id: String,
    /// Whose callcheck.
    pub by: Role,
    /// Which one: the limit's name, or what differs.
    pub what: String,
    /// What showed it.
    pub detail: String,
}

impl Facts {
    /// Nothing is known yet of the call whose timeline `own` records.
    #[must_use]
    pub fn new(own: Role) -> Self {
        let mut facts = Self {
            own,
            caller: PeerFacts::new(Role::Caller),
            callee: PeerFacts::new(Role::Callee),
            call: None,
            hang_up: None,
            room_lost: None,
            room_errors: Vec::new(),
            dtls_closed_by_peer: None,
            engine_limits: Vec::new(),
            tester_defects: Vec::new(),
            notes: Vec::new(),
            mistakes: BTreeSet::new(),
            reoffered: false,
            interrupted: None,
            ended: None,
            clock_offset: None,
            last_us: 0,
            epoch_us: None,
        };
        facts.peer_mut(own).known = true;
        facts
    }

    /// The same, with our wall clock at `at_us` 0 (from the timeline's header), so that the peer's times can be
    /// mapped onto ours.
    #[must_use]
    pub fn with_epoch(mut self, epoch_us: u64) -> Self {
        self.epoch_us = Some(epoch_us);
        self
    }

    /// The facts of one side.
    #[must_use]
    pub fn peer(&self, role: Role) -> &PeerFacts {
        match role {
            Role::Caller => &self.caller,
            Role::Callee => &self.callee,
        }
    }

    /// The side that recorded.
    #[must_use]
    pub fn own(&self) -> &PeerFacts {
        self.peer(self.own)
    }

    /// The other side.
    #[must_use]
    pub fn other(&self) -> &PeerFacts {
        self.peer(self.own.other())
    }

    /// The other side was there at some time.
    #[must_use]
    pub fn both_met(&self) -> bool {
        self.other().presence.joined_us.is_some()
    }

    /// Our side has set an offer and its answer.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.own().negotiations > 0
    }

    /// The other side left, or its connection broke, before anybody had hung up.
    #[must_use]
    pub fn vanished(&self) -> Option<&Loss> {
        let left = self.other().presence.left.as_ref()?;
        let announced = self.hang_up.as_ref().is_some_and(|hang_up| hang_up.at_us <= left.at_us);
        (!announced && self.ended.as_ref().is_none_or(|ended| left.at_us <= ended.at_us)).then_some(left)
    }

    /// Learns from one event of the own timeline, in the order in which they were recorded.
    pub fn apply(&mut self, event: &Event) {
        self.last_us = self.last_us.max(event.at_us);
        match &event.kind {
            Kind::PeerJoined(peer) => self.meet(event, peer),
            Kind::CallStarted { call, peer } => {
                self.call = Some(call.clone());
                self.meet(event, peer);
            }
            Kind::PeerLeft { name, reason } => self.leave(event, name, reason),
            Kind::ClockOffset { offset_us, error_us } => self.clock_offset = Some((*offset_us, *error_us)),
            Kind::RoomError { code, message } => self.room_errors.push(RoomRefusal {
                id: event.id.clone(),
                at_us: event.at_us,
                code: code.clone(),
                message: message.clone(),
            }),
            Kind::RoomLost { reason } => {
                self.room_lost.get_or_insert_with(|| loss(event, reason));
            }
            Kind::SignalSent { signal: Signal::HangUp { reason }, .. } => {
                self.hang_up(event, self.own, reason)
            }
            Kind::SignalReceived { signal: Signal::Done, .. } => self.peer_mut(self.own.other()).done = true,
            Kind::SignalReceived { signal: Signal::HangUp { reason }, .. } => {
                self.hang_up(event, self.own.other(), reason);
            }
            Kind::PeerReport { role, epoch_us, events } => self.report(*role, *epoch_us, events),
            Kind::Fault { id } => drop(self.mistakes.insert(id.clone())),
            Kind::Reoffered => self.reoffered = true,
            Kind::Note(note) => self.notes.push(note.clone()),
            Kind::Interrupted => {
                self.interrupted.get_or_insert(event.at_us);
                self.peer_mut(self.own).begin_hang_up();
            }
            Kind::Ended { reason } => {
                self.ended.get_or_insert_with(|| loss(event, reason));
                self.peer_mut(self.own).begin_hang_up();
            }
            _ => {}
        }
        self.dtls_close(event);
        self.faults(self.own, event);
        let own = self.own;
        self.peer_mut(own).apply(event);
    }

    fn peer_mut(&mut self, role: Role) -> &mut PeerFacts {
        match role {
            Role::Caller => &mut self.caller,
            Role::Callee => &mut self.callee,
        }
    }

    fn meet(&mut self, event: &Event, info: &PeerInfo) {
        // In a room with more than two peers, somebody of our own role is not the other side.
        if info.role.is_some_and(|role| role == self.own) {
            return;
        }
        let other = self.peer_mut(self.own.other());
        other.meet(event.at_us, info);
    }

    fn leave(&mut self, event: &Event, name: &str, reason: &str) {
        let own = self.own;
        let announces = self.other().announces_end();
        let other = self.peer_mut(own.other());
        if other.name.as_deref() != Some(name) {
            return;
        }
        other.presence.left.get_or_insert_with(|| loss(event, reason));
        // A peer that cannot announce its hang-up hangs up by leaving.
        if !announces {
            self.peer_mut(own).begin_hang_up();
        }
    }

    fn hang_up(&mut self, event: &Event, by: Role, reason: &str) {
        self.hang_up.get_or_insert_with(|| HangUp {
            id: event.id.clone(),
            at_us: event.at_us,
            by,
            reason: reason.to_owned(),
        });
        self.peer_mut(self.own).begin_hang_up();
    }

    /// DTLS that closes before we end the call was closed by the other side (RFC 8446 §6.1, close_notify).
    fn dtls_close(&mut self, event: &Event) {
        use crate::jsep::DtlsState;
        if event.kind == Kind::DtlsState(DtlsState::Closed) && !self.own().hanging_up {
            self.dtls_closed_by_peer.get_or_insert_with(|| loss(event, "DTLS was closed by the other side"));
            self.peer_mut(self.own).begin_hang_up();
        }
    }

    /// What the other side saw. A second report may repeat the events of the first.
    fn report(&mut self, role: Role, epoch_us: u64, events: &[Event]) {
        if role == self.own {
            return;
        }
        let shift = self.shift(epoch_us);
        let other = self.peer_mut(role);
        (other.known, other.shift_us) = (true, shift);
        for event in events {
            // A report inside a report would be about ourselves.
            if matches!(event.kind, Kind::PeerReport { .. }) || !self.peer_mut(role).is_news(&event.id) {
                continue;
            }
            if ends_call(&event.kind) {
                self.peer_mut(role).begin_hang_up();
            }
            self.faults(role, event);
            self.peer_mut(role).apply(event);
        }
    }

    /// What to add to the peer's times to get ours.
    fn shift(&self, peer_epoch_us: u64) -> Option<i64> {
        let (offset, _) = self.clock_offset?;
        let ours = i64::try_from(self.epoch_us?).ok()?;
        i64::try_from(peer_epoch_us).ok()?.checked_sub(ours)?.checked_sub(offset)
    }

    fn faults(&mut self, by: Role, event: &Event) {
        let fault = |what: &str, detail: String| TesterFault {
            id: event.id.clone(),
            by,
            what: what.to_owned(),
            detail,
        };
        match &event.kind {
            Kind::EngineLimit { limit, detail } => self.engine_limits.push(fault(limit, detail.clone())),
            Kind::TesterDefect { what, expected, observed } => {
                self.tester_defects.push(fault(what, format!("by the model {expected}, in fact {observed}")))
            }
            _ => {}
        }
    }
}

/// In a report of the other side: from here on its states say nothing about the call.
fn ends_call(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::SignalSent { signal: Signal::HangUp { .. }, .. }
            | Kind::SignalReceived { signal: Signal::HangUp { .. }, .. }
            | Kind::Ended { .. }
            | Kind::Interrupted
    )
}

fn loss(event: &Event, reason: &str) -> Loss {
    Loss { id: event.id.clone(), at_us: event.at_us, reason: reason.to_owned() }
}
