//! Perfect negotiation over two model peers: whatever crosses on the way, both end stable and of one mind.

use std::collections::VecDeque;

use callcheck::jsep::{
    Association, Direction, MediaKind, Peer, PeerEvent, PerfectNegotiation, Receive, SdpFacts, SdpType,
    SignalingState, Transceiver,
};
use proptest::prelude::*;

use crate::render::render;

#[derive(Clone, Debug)]
enum Move {
    AddTrack(MediaKind),
    AddTransceiver(MediaKind),
    SetDirection(usize, Direction),
    Stop(usize),
    /// The oldest message on its way to this side arrives.
    Arrive,
}

struct Side {
    name: &'static str,
    peer: Peer,
    negotiation: PerfectNegotiation,
    inbox: VecDeque<(SdpType, SdpFacts)>,
    tracks: usize,
}

fn moves() -> impl Strategy<Value = Vec<(bool, Move)>> {
    let kind = || prop_oneof![Just(MediaKind::Audio), Just(MediaKind::Video)];
    let direction = proptest::sample::select(&Direction::ALL[..4]);
    let one = prop_oneof![
        kind().prop_map(Move::AddTrack),
        kind().prop_map(Move::AddTransceiver),
        (0..4usize, direction).prop_map(|(index, direction)| Move::SetDirection(index, direction)),
        (0..4usize).prop_map(Move::Stop),
        Just(Move::Arrive),
        Just(Move::Arrive),
        Just(Move::Arrive),
    ];
    proptest::collection::vec((any::<bool>(), one), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn both_sides_end_stable_and_of_one_mind(moves in moves()) {
        let mut sides = [Side::new("polite", true), Side::new("impolite", false)];
        for (first, next) in moves {
            play(&mut sides, usize::from(!first), &next)?;
        }
        for _ in 0..100 {
            play(&mut sides, 0, &Move::Arrive)?;
            play(&mut sides, 1, &Move::Arrive)?;
        }
        for side in &sides {
            prop_assert!(side.inbox.is_empty(), "{} never falls silent", side.name);
            prop_assert_eq!(side.peer.signaling_state(), SignalingState::Stable);
            prop_assert!(!side.peer.negotiation_needed(), "{} is not content", side.name);
        }
        let theirs: Vec<_> = directions(&sides[1].peer).into_iter().map(|(mid, seen)| (mid, seen.reversed())).collect();
        prop_assert_eq!(directions(&sides[0].peer), theirs);
    }
}

fn directions(peer: &Peer) -> Vec<(String, Direction)> {
    let row =
        |transceiver: &Transceiver| Some((transceiver.mid()?.to_owned(), transceiver.current_direction()?));
    let mut rows: Vec<_> = peer.transceivers().filter_map(row).collect();
    rows.sort();
    rows
}

/// One move of one side, and what its application does about it.
fn play(sides: &mut [Side; 2], who: usize, next: &Move) -> Result<(), TestCaseError> {
    let mut sent = sides[who].act(next)?;
    sent.extend(sides[who].offer_if_needed()?);
    sides[1 - who].inbox.extend(sent);
    Ok(())
}

impl Side {
    fn new(name: &'static str, polite: bool) -> Self {
        let negotiation = PerfectNegotiation::new(polite);
        Self { name, peer: Peer::new(Association::Jsep), negotiation, inbox: VecDeque::new(), tracks: 0 }
    }

    fn act(&mut self, next: &Move) -> Result<Vec<(SdpType, SdpFacts)>, TestCaseError> {
        let id = |index: usize| self.peer.transceivers().nth(index).map(Transceiver::id);
        match *next {
            Move::AddTrack(kind) => {
                self.tracks += 1;
                let track = format!("{}-{}", self.name, self.tracks);
                self.peer.add_track(kind, &track, &[]).unwrap();
            }
            Move::AddTransceiver(kind) => {
                self.peer.add_transceiver(kind, None, Default::default()).unwrap();
            }
            Move::SetDirection(index, direction) => {
                // Refused where the transceiver is stopped.
                let _ = id(index).map(|id| self.peer.set_direction(id, direction));
            }
            Move::Stop(index) => {
                let _ = id(index).map(|id| self.peer.stop(id));
            }
            Move::Arrive => return self.arrive(),
        }
        Ok(Vec::new())
    }

    fn arrive(&mut self) -> Result<Vec<(SdpType, SdpFacts)>, TestCaseError> {
        let Some((sdp_type, facts)) = self.inbox.pop_front() else { return Ok(Vec::new()) };
        let decision = self.negotiation.receive(sdp_type, self.peer.signaling_state());
        if decision == Receive::Ignore {
            return Ok(Vec::new());
        }
        prop_assert_eq!(self.peer.set_remote_description(sdp_type, &facts), Ok(()), "{}", self.name);
        self.negotiation.end_receive();
        if decision == Receive::Set {
            return Ok(Vec::new());
        }
        let answer = self.peer.create_answer().unwrap();
        self.peer.set_local_description(&answer).unwrap();
        Ok(vec![(SdpType::Answer, SdpFacts::parse(&render(&answer, self.name, 1)))])
    }

    fn offer_if_needed(&mut self) -> Result<Option<(SdpType, SdpFacts)>, TestCaseError> {
        if !self.peer.take_events().contains(&PeerEvent::NegotiationNeeded) {
            return Ok(None);
        }
        prop_assert!(self.negotiation.begin_offer());
        let offer = self.peer.create_offer().unwrap();
        self.peer.set_local_description(&offer).unwrap();
        self.negotiation.end_offer();
        Ok(Some((SdpType::Offer, SdpFacts::parse(&render(&offer, self.name, 1)))))
    }
}
