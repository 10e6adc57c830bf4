//! The facts of one peer: from its own events, whether they come from our timeline or from its report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::call::Loss;
use super::history::History;
use super::media::{MidFacts, Wrong};
use crate::jsep::{
    ConnectionState, Direction, DtlsState, GatheringState, IceState, MediaKind, Role, SdpFacts, SdpType,
    Side, SignalingState,
};
use crate::timeline::{
    CandidatePair, Capabilities, Event, ImpairedPackets, InboundMedia, Kind, OutboundMedia, PeerInfo, Signal,
    TransceiverRow,
};

/// What is known of one peer.
#[derive(Clone, Debug)]
pub struct PeerFacts {
    /// Which side it is.
    pub role: Role,
    /// Its name in the room.
    pub name: Option<String>,
    /// What it announced; null until it came.
    pub capabilities: Option<Capabilities>,
    /// Whether it came and left.
    pub presence: Presence,
    /// Its own events are known: it is our side, or it has sent a report.
    pub known: bool,
    /// What to add to its times to get ours, in microseconds; null for our side, and where the clocks are unknown.
    pub shift_us: Option<i64>,
    /// The end of the call has begun; what its states do from then on is not recorded in `states`.
    pub hanging_up: bool,
    /// Its states until hang-up began.
    pub states: States,
    /// Its descriptions, in the order in which they were set.
    pub descriptions: Vec<Described>,
    /// The W3C errors of descriptions that could not be set.
    pub rejected: Vec<(SdpType, String)>,
    /// Completed exchanges of an offer and an answer.
    pub negotiations: u64,
    /// How often `track` fired.
    pub track_events: u64,
    /// The latest transceiver table and its event; null until one was taken.
    pub transceivers: Option<(String, Vec<TransceiverRow>)>,
    /// The kinds that some transceiver's current direction has sent at some time.
    pub sent: BTreeSet<MediaKind>,
    /// What came in, by mid.
    pub mids: BTreeMap<String, MidFacts>,
    /// Candidates.
    pub candidates: CandidateCounts,
    /// The types of candidates that it signalled, trickled or in descriptions.
    pub sent_types: BTreeSet<String>,
    /// The types of candidates that came, trickled or in descriptions.
    pub received_types: BTreeSet<String>,
    /// The selected pair and its event.
    pub pair: Option<(String, CandidatePair)>,
    /// Remote candidates that were signalled: address and type, to name peer-reflexive ones.
    pub signalled: BTreeMap<String, String>,
    /// When things happened.
    pub timing: Timing,
    /// The latest sample of what it sent.
    pub outbound: Vec<OutboundMedia>,
    /// The event of that sample; null until one was taken.
    pub outbound_id: Option<String>,
    /// What was done to its datagrams on purpose; empty where nothing was.
    pub impaired: Vec<ImpairedPackets>,
    /// The latest sample of what it received; null until one was taken.
    pub inbound: Option<Vec<InboundMedia>>,
    /// It has seen all that it wanted to see.
    pub done: bool,
    /// What happened one by one.
    pub history: History,
    /// The latest description that was read: the same text comes several times.
    parsed: Option<(String, Arc<SdpFacts>)>,
    seen: BTreeSet<String>,
}

/// Whether a peer was in the room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// When it came, in microseconds.
    pub joined_us: Option<u64>,
    /// When and why it left.
    pub left: Option<Loss>,
}

/// A state and the event that reached it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached<S> {
    /// The event.
    pub id: String,
    /// When, in microseconds.
    pub at_us: u64,
    /// The state.
    pub state: S,
}

/// The states that were reached, in order.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "named like the words of jsep")]
pub struct States {
    pub signaling: Vec<Reached<SignalingState>>,
    pub gathering: Vec<Reached<GatheringState>>,
    pub ice: Vec<Reached<IceState>>,
    pub dtls: Vec<Reached<DtlsState>>,
    pub connection: Vec<Reached<ConnectionState>>,
}

/// A description that was set.
#[derive(Clone, Debug)]
pub struct Described {
    /// The event.
    pub id: String,
    /// When, in microseconds.
    pub at_us: u64,
    /// Whose, seen from this peer.
    pub side: Side,
    /// What.
    pub sdp_type: SdpType,
    /// What it says.
    pub sdp: Arc<SdpFacts>,
}

/// Candidates without ends of candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CandidateCounts {
    /// Trickled to the other side.
    pub sent: u64,
    /// Trickled by the other side.
    pub received: u64,
    /// In the descriptions that were sent.
    pub sent_in_sdp: u64,
    /// In remote descriptions.
    pub received_in_sdp: u64,
    /// Gathered here.
    pub gathered: u64,
    /// Refused by the ICE agent.
    pub refused: u64,
}

/// When things first happened, in microseconds of the peer's own timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// The caller's createOffer; the arrival of the offer at the callee.
    pub zero: Option<u64>,
    /// The answer was set.
    pub answer: Option<u64>,
    /// ICE was connected or completed.
    pub ice: Option<u64>,
    /// DTLS was connected.
    pub dtls: Option<u64>,
    /// The connection was connected.
    pub connected: Option<u64>,
    /// The first RTP packet with a payload came.
    pub first_rtp: Option<u64>,
    /// The first whole frame came.
    pub first_frame: Option<u64>,
}

impl PeerFacts {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            name: None,
            capabilities: None,
            presence: Presence::default(),
            known: false,
            shift_us: None,
            hanging_up: false,
            states: States::default(),
            descriptions: Vec::new(),
            rejected: Vec::new(),
            negotiations: 0,
            track_events: 0,
            transceivers: None,
            sent: BTreeSet::new(),
            mids: BTreeMap::new(),
            candidates: CandidateCounts::default(),
            sent_types: BTreeSet::new(),
            received_types: BTreeSet::new(),
            pair: None,
            signalled: BTreeMap::new(),
            timing: Timing::default(),
            outbound: Vec::new(),
            outbound_id: None,
            impaired: Vec::new(),
            inbound: None,
            done: false,
            history: History::default(),
            parsed: None,
            seen: BTreeSet::new(),
        }
    }

    /// The latest answer that was set, whoever made it.
    #[must_use]
    pub fn last_answer(&self) -> Option<&Described> {
        self.descriptions.iter().rev().find(|described| described.sdp_type == SdpType::Answer)
    }

    /// The remote tracks that count: `track` fired, and media came on that mid.
    pub fn tracks(&self) -> impl Iterator<Item = (&str, &MidFacts)> {
        self.mids.iter().filter(|(_, mid)| mid.is_track()).map(|(mid, facts)| (mid.as_str(), facts))
    }

    /// It says `done`, reports and announces its hang-up.
    #[must_use]
    pub fn announces_end(&self) -> bool {
        self.capabilities.is_some_and(|capabilities| capabilities.end_of_call)
    }

    /// Its media carries stamps.
    #[must_use]
    pub fn announces_stamps(&self) -> bool {
        self.capabilities.is_some_and(|capabilities| capabilities.stamps)
    }

    pub(super) fn begin_hang_up(&mut self) {
        self.hanging_up = true;
    }

    pub(super) fn is_news(&mut self, id: &str) -> bool {
        self.seen.insert(id.to_owned())
    }

    pub(super) fn meet(&mut self, at_us: u64, info: &PeerInfo) {
        self.name = Some(info.name.clone());
        self.capabilities = Some(info.capabilities);
        self.presence.joined_us.get_or_insert(at_us);
        self.presence.left = None;
    }

    /// Learns from an event of this peer's own timeline.
    pub(super) fn apply(&mut self, event: &Event) {
        let at = event.at_us;
        let parsed = self.read(&event.kind);
        self.history.apply(event, parsed.as_ref());
        match &event.kind {
            Kind::Joined { me, .. } => self.meet(at, me),
            Kind::Operation { name, error: None, .. }
                if name == "createOffer" && self.role == Role::Caller =>
            {
                self.timing.zero.get_or_insert(at);
            }
            Kind::SignalSent { signal, .. } => self.sent(signal, parsed),
            Kind::SignalReceived { signal, .. } => self.received(at, signal),
            Kind::DescriptionSet { side, sdp_type, .. } => {
                self.described(event, *side, *sdp_type, parsed.unwrap_or_default());
            }
            Kind::DescriptionRejected { sdp_type, error, .. } => {
                self.rejected.push((*sdp_type, error.clone()))
            }
            Kind::Transceivers(rows) => {
                let sends = |row: &&TransceiverRow| row.current_direction.is_some_and(Direction::sends);
                self.sent.extend(rows.iter().filter(sends).map(|row| row.kind));
                self.transceivers = Some((event.id.clone(), rows.clone()));
            }
            Kind::CandidateGathered(_) => self.candidates.gathered += 1,
            Kind::CandidateAdded(candidate) => {
                self.signalled.insert(candidate.address.clone(), candidate.candidate_type.clone());
            }
            Kind::CandidateRefused { .. } => self.candidates.refused += 1,
            Kind::SelectedPair(pair) => self.pair = Some((event.id.clone(), pair.clone())),
            Kind::Impairment(impaired) => self.impaired.clone_from(impaired),
            Kind::Media { outbound, inbound } => {
                self.outbound.clone_from(outbound);
                self.outbound_id = Some(event.id.clone());
                self.sampled(&event.id, at, inbound);
            }
            _ => {
                self.state(event);
                self.media(event);
            }
        }
    }

    /// What the description of an event says.
    fn read(&mut self, kind: &Kind) -> Option<Arc<SdpFacts>> {
        let (Kind::SignalSent { signal: Signal::Description { sdp: text, .. }, .. }
        | Kind::SignalReceived { signal: Signal::Description { sdp: text, .. }, .. }
        | Kind::DescriptionSet { sdp: text, .. }
        | Kind::DescriptionRejected { sdp: text, .. }) = kind
        else {
            return None;
        };
        if self.parsed.as_ref().is_none_or(|(known, _)| known != text) {
            self.parsed = Some((text.clone(), Arc::new(SdpFacts::parse(text))));
        }
        self.parsed.as_ref().map(|(_, facts)| Arc::clone(facts))
    }

    fn sent(&mut self, signal: &Signal, parsed: Option<Arc<SdpFacts>>) {
        match signal {
            Signal::Candidate { candidate, .. } if !candidate.is_empty() => {
                self.candidates.sent += 1;
                self.sent_types.extend(type_of(candidate));
            }
            Signal::Done => self.done = true,
            // Without trickle the candidates join the description after it was set.
            Signal::Description { .. } => {
                let sdp = parsed.unwrap_or_default();
                self.sent_types.extend(types_in(&sdp));
                let count = sdp.candidates().count() as u64;
                self.candidates.sent_in_sdp = self.candidates.sent_in_sdp.max(count);
            }
            _ => {}
        }
    }

    fn received(&mut self, at: u64, signal: &Signal) {
        match signal {
            Signal::Candidate { candidate, .. } if !candidate.is_empty() => {
                self.candidates.received += 1;
                self.received_types.extend(type_of(candidate));
            }
            Signal::Description { sdp_type: SdpType::Offer, .. } if self.role == Role::Callee => {
                self.timing.zero.get_or_insert(at);
            }
            _ => {}
        }
    }

    fn described(&mut self, event: &Event, side: Side, sdp_type: SdpType, sdp: Arc<SdpFacts>) {
        if side == Side::Remote {
            self.received_types.extend(types_in(&sdp));
            // A later description repeats the candidates of an earlier one.
            let count = sdp.candidates().count() as u64;
            self.candidates.received_in_sdp = self.candidates.received_in_sdp.max(count);
        }
        if sdp_type == SdpType::Answer {
            self.negotiations += 1;
            self.timing.answer.get_or_insert(event.at_us);
        }
        self.descriptions.push(Described { id: event.id.clone(), at_us: event.at_us, side, sdp_type, sdp });
    }

    fn state(&mut self, event: &Event) {
        let at = event.at_us;
        if self.hanging_up {
            return;
        }
        let (states, timing) = (&mut self.states, &mut self.timing);
        match event.kind {
            Kind::SignalingState(state) => reach(&mut states.signaling, event, state),
            Kind::GatheringState(state) => reach(&mut states.gathering, event, state),
            Kind::IceState(state) => {
                reach(&mut states.ice, event, state);
                if state.is_up() {
                    timing.ice.get_or_insert(at);
                }
            }
            Kind::DtlsState(state) => {
                reach(&mut states.dtls, event, state);
                if state == DtlsState::Connected {
                    timing.dtls.get_or_insert(at);
                }
            }
            Kind::ConnectionState(state) => {
                reach(&mut states.connection, event, state);
                if state == ConnectionState::Connected {
                    timing.connected.get_or_insert(at);
                }
            }
            _ => {}
        }
    }

    fn media(&mut self, event: &Event) {
        let at = event.at_us;
        match &event.kind {
            Kind::Track { mid, kind, streams } => {
                self.track_events += 1;
                self.mid(mid).fire(&event.id, *kind, streams);
            }
            Kind::FirstRtp { mid, kind } => {
                self.timing.first_rtp.get_or_insert(at);
                let facts = self.mid(mid);
                facts.kind.get_or_insert(*kind);
                facts.first_rtp_us.get_or_insert(at);
            }
            Kind::FirstFrame { mid, kind } => {
                self.timing.first_frame.get_or_insert(at);
                let facts = self.mid(mid);
                facts.kind.get_or_insert(*kind);
                facts.first_frame_us.get_or_insert(at);
            }
            Kind::MediaProven { mid, kind, proof } => {
                let facts = self.mid(mid);
                facts.kind.get_or_insert(*kind);
                facts.prove(&event.id, *proof);
            }
            Kind::MediaWrong { mid, kind, wrong } => {
                let facts = self.mid(mid);
                facts.kind.get_or_insert(*kind);
                facts.wrongs.push(Wrong { id: event.id.clone(), text: wrong.clone() });
            }
            _ => {}
        }
    }

    fn sampled(&mut self, id: &str, at: u64, inbound: &[InboundMedia]) {
        for sample in inbound {
            let facts = self.mid(&sample.mid);
            facts.kind = facts.kind.or(sample.kind);
            facts.sample(id, at, sample);
        }
        self.inbound = Some(inbound.to_vec());
    }

    fn mid(&mut self, mid: &str) -> &mut MidFacts {
        self.mids.entry(mid.to_owned()).or_default()
    }
}

impl Timing {
    /// Milliseconds from the zero to `at`; null if either is unknown.
    #[must_use]
    pub fn since_zero_ms(&self, at: Option<u64>) -> Option<f64> {
        Some(at?.checked_sub(self.zero?)? as f64 / 1e3)
    }
}

fn reach<S: PartialEq>(path: &mut Vec<Reached<S>>, event: &Event, state: S) {
    if path.last().is_none_or(|last| last.state != state) {
        path.push(Reached { id: event.id.clone(), at_us: event.at_us, state });
    }
}

/// The word behind `typ` (RFC 8839 §5.1).
fn type_of(candidate: &str) -> Option<String> {
    let mut words = candidate.split_ascii_whitespace().skip_while(|word| *word != "typ");
    words.nth(1).map(str::to_owned)
}

fn types_in(sdp: &SdpFacts) -> impl Iterator<Item = String> {
    sdp.candidates().filter_map(|candidate| candidate.candidate_type.clone())
}
