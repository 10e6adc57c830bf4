//! Sets descriptions in a model of each browser: what it would have done with them, and the timeline of that.

mod browser;

use crate::facts::Facts;
use crate::jsep::{Role, SdpType, Side, SignalingState};
use crate::timeline::{Event, Kind, Signal};

use super::authors::Authored;
use browser::Model;
pub use browser::{Browser, Fired, Refused, Row};

/// Between two descriptions, so that their order is in the times as well.
const STEP_US: u64 = 1000;

/// What came of it.
pub(super) struct Played {
    pub(super) facts: Facts,
    /// Caller first.
    pub(super) browsers: Vec<Browser>,
}

/// Plays descriptions in order. The facts are those of the caller's side.
pub(super) fn play(list: &[Authored]) -> Played {
    let mut play = Play {
        models: [Model::new(Role::Caller, list), Model::new(Role::Callee, list)],
        facts: Facts::new(OWN),
        lost: Vec::new(),
        step: 0,
    };
    // Offers that a side has not read yet when it makes its own.
    let mut held: Vec<&Authored> = Vec::new();
    for (number, described) in list.iter().enumerate() {
        play.send(number, described);
        let (ready, waiting) =
            held.into_iter().partition(|offer: &&Authored| offer.author != described.author);
        held = waiting;
        let ready: Vec<&Authored> = ready;
        ready.into_iter().for_each(|offer| play.receive(offer));
        let mut of_reader = list[number + 1..].iter().filter(|later| later.author != described.author);
        let crosses = described.sdp_type == SdpType::Offer
            && of_reader.next().is_some_and(|later| later.sdp_type == SdpType::Offer && !later.delivered);
        match (described.delivered, crosses) {
            (false, _) => {}
            (true, true) => held.push(described),
            (true, false) => play.receive(described),
        }
    }
    held.into_iter().for_each(|offer| play.receive(offer));
    play.finish()
}

/// Whose side the facts are of.
const OWN: Role = Role::Caller;

struct Play<'a> {
    models: [Model<'a>; 2],
    facts: Facts,
    /// What the callee sent and the caller never got.
    lost: Vec<Event>,
    step: u64,
}

impl Play<'_> {
    fn event(&mut self, name: &str, kind: Kind) -> Event {
        self.step += 1;
        Event { id: name.to_owned(), at_us: self.step * STEP_US, kind }
    }

    fn apply(&mut self, name: &str, kind: Kind) {
        let event = self.event(name, kind);
        self.facts.apply(&event);
    }

    /// The author sets it and sends it.
    fn send(&mut self, number: usize, described: &Authored) {
        self.models[usize::from(described.author != OWN)].local(number, described);
        let signal = Signal::Description { sdp_type: described.sdp_type, sdp: described.text.clone() };
        let (name, seq) = (&described.name, number as u64);
        if described.author != OWN {
            if !described.delivered {
                let event = self.event(name, Kind::SignalSent { seq, signal });
                self.lost.push(event);
            }
            return;
        }
        self.apply(name, set(Side::Local, described));
        self.apply(name, Kind::SignalSent { seq, signal });
        self.state(described);
    }

    /// The other side gets it and sets it, unless it refuses.
    fn receive(&mut self, described: &Authored) {
        let refused = self.models[usize::from(described.author == OWN)].remote(described);
        if described.author == OWN {
            return;
        }
        let signal = Signal::Description { sdp_type: described.sdp_type, sdp: described.text.clone() };
        let from = described.author.to_string();
        self.apply(&described.name, Kind::SignalReceived { from, seq: None, signal });
        let kind = match refused {
            None => set(Side::Remote, described),
            Some(error) => Kind::DescriptionRejected {
                side: Side::Remote,
                sdp_type: described.sdp_type,
                sdp: described.text.clone(),
                error,
            },
        };
        self.apply(&described.name, kind);
        self.state(described);
    }

    fn state(&mut self, described: &Authored) {
        let state = next(&self.facts, described);
        self.apply(&described.name, Kind::SignalingState(state));
    }

    fn finish(mut self) -> Played {
        if !self.lost.is_empty() {
            let events = std::mem::take(&mut self.lost);
            let report = Kind::PeerReport { role: OWN.other(), epoch_us: 0, events };
            self.apply("undelivered", report);
            // What never arrived is all that the report tells.
            self.facts.callee.known = false;
        }
        let browsers = self.models.into_iter().map(Model::finish).collect();
        Played { facts: self.facts, browsers }
    }
}

fn set(side: Side, described: &Authored) -> Kind {
    Kind::DescriptionSet { side, sdp_type: described.sdp_type, sdp: described.text.clone(), engine_sdp: None }
}

/// The own side's signaling state after a description.
fn next(facts: &Facts, described: &Authored) -> SignalingState {
    let last = facts.own().history.descriptions.last();
    let refused = last.is_some_and(|known| known.rejected.is_some());
    let before = facts.own().states.signaling.last().map_or(SignalingState::Stable, |reached| reached.state);
    if refused {
        return before;
    }
    match (described.sdp_type, described.author == OWN) {
        (SdpType::Offer, true) => SignalingState::HaveLocalOffer,
        (SdpType::Offer, false) => SignalingState::HaveRemoteOffer,
        (SdpType::Pranswer, true) => SignalingState::HaveLocalPranswer,
        (SdpType::Pranswer, false) => SignalingState::HaveRemotePranswer,
        (SdpType::Answer | SdpType::Rollback, _) => SignalingState::Stable,
    }
}
