//! Gathering as the W3C has it (webrtc §5.6.3): gathering, candidates, end of candidates, complete; once for each ICE
//! generation.
//!
//! The engine never says that it gathers, says complete twice around a rollback, never says it with a dead TURN server,
//! and gives its candidates neither mid nor ufrag.

use super::EngineEvent;
use super::servers::UsedServer;
use crate::jsep::GatheringState;
use crate::timeline::IceCandidate;

/// Where gathering stands.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    generation: Option<Generation>,
    servers: Vec<UsedServer>,
    gathered: Vec<IceCandidate>,
    /// An answer was applied, so a rollback no longer takes the transport away.
    established: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Generation {
    ufrag: String,
    point: Point,
    stage: Stage,
    /// The generation before had found everything. Its sockets are ours still, so there is nothing more to find.
    known: bool,
}

/// The m-section that candidates are named after: the first that is in use, since everything is bundled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) mid: String,
    pub(super) index: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The description is being applied; nothing was reported.
    Armed,
    Gathering,
    Complete,
    /// The description was taken back; what is found now waits for the next one.
    RolledBack,
}

/// What to go back to when the description that armed a generation is refused.
#[derive(Debug)]
pub(super) struct Before(Option<Generation>);

impl Gathering {
    pub(super) fn new(servers: Vec<UsedServer>) -> Self {
        Self { servers, ..Self::default() }
    }

    /// A local description with this ufrag is about to be applied. The engine may report candidates before it returns.
    /// After an ICE restart it reports none: it keeps its sockets, so their candidates are those of the new generation,
    /// too.
    pub(super) fn arm(&mut self, ufrag: &str, point: Point) -> Before {
        let before = Before(self.generation.clone());
        match &mut self.generation {
            Some(generation) if generation.ufrag == ufrag => generation.arm(point),
            last => {
                let known = last.as_ref().is_some_and(|last| last.stage == Stage::Complete);
                *last = Some(Generation { ufrag: ufrag.to_owned(), point, stage: Stage::Armed, known });
            }
        }
        before
    }

    /// The description was refused.
    pub(super) fn disarm(&mut self, before: Before) {
        self.generation = before.0;
    }

    /// An answer was applied.
    pub(super) fn establish(&mut self) {
        self.established = true;
    }

    /// Our first offer was rolled back, and what was gathered for it is void (RFC 9429 §5.7). The next description
    /// has the same ufrag but other mids, and the engine keeps its candidates to itself: they are reported again.
    pub(super) fn roll_back(&mut self) {
        if let Some(generation) = self.generation.as_mut().filter(|_| !self.established) {
            generation.stage = Stage::RolledBack;
        }
    }

    /// The description was applied. With the ufrag if a new generation gathers now.
    pub(super) fn begin(&mut self) -> (Vec<EngineEvent>, Option<String>) {
        let mut events = self.announce();
        if self.generation.as_ref().is_some_and(|generation| generation.known) {
            events.extend(self.complete());
        }
        let gathers = self.generation.as_ref().filter(|generation| generation.stage == Stage::Gathering);
        (events, gathers.map(|generation| generation.ufrag.clone()))
    }

    /// The engine found a candidate.
    pub(super) fn candidate(&mut self, mut candidate: IceCandidate) -> Vec<EngineEvent> {
        let server = self.servers.iter().find(|server| Some(&server.resolved) == candidate.url.as_ref());
        if let Some(server) = server {
            candidate.url = Some(server.given.clone());
            let protocol = server.protocol.map(str::to_owned);
            candidate.relay_protocol = candidate.relay_protocol.map(|udp| protocol.unwrap_or(udp));
        }
        let mut events = self.announce();
        let Some(generation) = &self.generation else { return events };
        // After the end of candidates no more may follow (RFC 8838 §8.2).
        if generation.stage == Stage::Complete || self.gathered.contains(&candidate) {
            return events;
        }
        if generation.stage != Stage::RolledBack {
            events.push(generation.candidate(candidate.clone()));
        }
        self.gathered.push(candidate);
        events
    }

    /// The engine is done.
    pub(super) fn complete(&mut self) -> Vec<EngineEvent> {
        let mut events = self.announce();
        let Some(generation) = &mut self.generation else { return events };
        if generation.stage == Stage::Gathering {
            generation.stage = Stage::Complete;
            events.push(EngineEvent::EndOfCandidates { ufrag: generation.ufrag.clone() });
            events.push(EngineEvent::GatheringState(GatheringState::Complete));
        }
        events
    }

    /// Our own deadline for that generation has passed.
    pub(super) fn give_up(&mut self, ufrag: &str) -> Vec<EngineEvent> {
        let late = self.generation.as_ref();
        if !late.is_some_and(|late| late.ufrag == ufrag && late.stage == Stage::Gathering) {
            return Vec::new();
        }
        let mut events: Vec<EngineEvent> = self.silent_servers().map(server_was_silent).collect();
        events.extend(self.complete());
        events
    }

    /// The candidates of that generation so far, and whether they are all.
    pub(super) fn gathered_for(&self, ufrag: &str) -> (Vec<String>, bool) {
        let generation = self.generation.as_ref().filter(|generation| generation.ufrag == ufrag);
        let Some(generation) = generation.filter(|generation| generation.stage != Stage::RolledBack) else {
            return (Vec::new(), false);
        };
        let texts = self.gathered.iter().map(|candidate| candidate.candidate.clone()).collect();
        (texts, generation.stage == Stage::Complete)
    }

    /// The gathered candidate at that address, which knows its server.
    pub(super) fn find(&self, address: &str, candidate_type: &str) -> Option<&IceCandidate> {
        let same = |candidate: &&IceCandidate| {
            candidate.address == address && candidate.candidate_type == candidate_type
        };
        self.gathered.iter().find(same)
    }

    fn announce(&mut self) -> Vec<EngineEvent> {
        let Some(generation) = self.generation.as_mut().filter(|generation| generation.stage == Stage::Armed)
        else {
            return Vec::new();
        };
        generation.stage = Stage::Gathering;
        let mut events = vec![EngineEvent::GatheringState(GatheringState::Gathering)];
        events.extend(self.gathered.iter().map(|known| generation.candidate(known.clone())));
        events
    }

    fn silent_servers(&self) -> impl Iterator<Item = &UsedServer> {
        self.servers.iter().filter(|server| {
            !self.gathered.iter().any(|candidate| candidate.url.as_deref() == Some(&*server.given))
        })
    }
}

impl Generation {
    fn arm(&mut self, point: Point) {
        self.point = point;
        if self.stage == Stage::RolledBack {
            self.stage = Stage::Armed;
        }
    }

    fn candidate(&self, candidate: IceCandidate) -> EngineEvent {
        EngineEvent::Candidate {
            candidate: Box::new(candidate),
            mid: self.point.mid.clone(),
            index: self.point.index,
            ufrag: self.ufrag.clone(),
        }
    }
}

fn server_was_silent(server: &UsedServer) -> EngineEvent {
    let reason = "it brought no candidate before the gathering deadline".to_owned();
    EngineEvent::ServerSkipped { url: server.given.clone(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(address: &str) -> IceCandidate {
        IceCandidate {
            candidate: format!("candidate:1 1 udp 1 {address} typ host"),
            candidate_type: "host".into(),
            protocol: "udp".into(),
            address: address.into(),
            relay_protocol: None,
            url: None,
        }
    }

    fn at(mid: &str) -> Point {
        Point { mid: mid.into(), index: 0 }
    }

    /// Events in short, so that a test reads as a list.
    fn short(events: &[EngineEvent]) -> Vec<String> {
        events
            .iter()
            .map(|event| match event {
                EngineEvent::GatheringState(state) => state.to_string(),
                EngineEvent::Candidate { candidate, mid, ufrag, .. } => {
                    format!("{} mid {mid} ufrag {ufrag}", candidate.address)
                }
                EngineEvent::EndOfCandidates { ufrag } => format!("end {ufrag}"),
                EngineEvent::ServerSkipped { url, .. } => format!("silent {url}"),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn gathering_comes_before_a_candidate_that_overtakes_the_description() {
        let mut gathering = Gathering::default();
        gathering.arm("abcd", at("0"));
        assert_eq!(short(&gathering.candidate(host("a"))), ["gathering", "a mid 0 ufrag abcd"]);
        assert_eq!(gathering.begin(), (vec![], Some("abcd".into())));
    }

    #[test]
    fn complete_comes_once_for_each_generation() {
        let mut gathering = Gathering::default();
        gathering.arm("abcd", at("0"));
        assert_eq!(short(&gathering.begin().0), ["gathering"]);
        assert_eq!(short(&gathering.complete()), ["end abcd", "complete"]);
        assert_eq!(short(&gathering.complete()), [""; 0]);
        assert_eq!(short(&gathering.candidate(host("late"))), [""; 0]);
        gathering.arm("abcd", at("1"));
        assert_eq!(gathering.begin(), (vec![], None));
    }

    #[test]
    fn a_restart_names_the_candidates_that_are_kept_again() {
        let mut gathering = Gathering::default();
        gathering.arm("abcd", at("0"));
        gathering.candidate(host("a"));
        gathering.arm("efgh", at("0"));
        assert_eq!(short(&gathering.begin().0), ["gathering", "a mid 0 ufrag efgh"]);
        assert_eq!(short(&gathering.candidate(host("b"))), ["b mid 0 ufrag efgh"]);
        assert_eq!(short(&gathering.complete()), ["end efgh", "complete"]);
        gathering.arm("ijkl", at("1"));
        let (events, gathers) = gathering.begin();
        assert_eq!(
            short(&events),
            ["gathering", "a mid 1 ufrag ijkl", "b mid 1 ufrag ijkl", "end ijkl", "complete"]
        );
        assert_eq!(gathers, None);
    }

    #[test]
    fn a_first_offer_rolled_back_gathers_again_and_a_later_one_does_not() {
        let mut gathering = Gathering::default();
        gathering.arm("abcd", at("0"));
        gathering.candidate(host("a"));
        gathering.complete();
        gathering.roll_back();
        assert_eq!(short(&gathering.candidate(host("b"))), [""; 0]);
        gathering.arm("abcd", at("1"));
        assert_eq!(short(&gathering.begin().0), ["gathering", "a mid 1 ufrag abcd", "b mid 1 ufrag abcd"]);
        assert_eq!(short(&gathering.complete()), ["end abcd", "complete"]);
        gathering.establish();
        gathering.roll_back();
        gathering.arm("abcd", at("1"));
        assert_eq!(gathering.begin(), (vec![], None));
    }

    #[test]
    fn a_refused_description_leaves_no_trace() {
        let mut gathering = Gathering::default();
        let before = gathering.arm("abcd", at("0"));
        gathering.disarm(before);
        assert_eq!(gathering.begin(), (vec![], None));
        assert_eq!(short(&gathering.complete()), [""; 0]);
    }

    #[test]
    fn the_deadline_names_the_servers_that_were_silent() {
        let server =
            |given: &str| UsedServer { given: given.into(), resolved: format!("{given}!"), protocol: None };
        let mut gathering = Gathering::new(vec![server("stun:a"), server("turn:b")]);
        gathering.arm("abcd", at("0"));
        gathering.begin();
        gathering.candidate(IceCandidate { url: Some("stun:a!".into()), ..host("x") });
        assert_eq!(short(&gathering.give_up("other")), [""; 0]);
        assert_eq!(short(&gathering.give_up("abcd")), ["silent turn:b", "end abcd", "complete"]);
        assert_eq!(short(&gathering.give_up("abcd")), [""; 0]);
        assert_eq!(gathering.find("x", "host").unwrap().url.as_deref(), Some("stun:a"));
    }
}
