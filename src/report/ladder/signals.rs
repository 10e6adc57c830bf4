//! Which signal that was sent is the one that came.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::jsep::Role;
use crate::timeline::{Event, Kind, Signal};

/// A signal on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    /// Its sender.
    pub(super) from: Role,
    /// When it was sent; when it came, where nobody recorded the sending.
    pub(super) at_us: u64,
    /// How long it took, by the common clock; none if only one end is known.
    pub(super) took_us: Option<i64>,
    /// It never came.
    pub(super) lost: bool,
    /// What came is not what was sent.
    pub(super) changed: bool,
    /// It had come already.
    pub(super) again: bool,
}

/// The arrows of a timeline, each at the event where it is told.
#[derive(Debug, Default)]
pub(super) struct Arrows(BTreeMap<usize, Arrow>);

/// What finds the other end of a signal: its receiver, and its number or what it is.
type Key<'a> = (Role, Result<u64, &'a str>);

impl Arrows {
    pub(super) fn new(events: &[(Role, &Event)]) -> Self {
        let mut came: BTreeMap<Key<'_>, VecDeque<(usize, &Signal)>> = BTreeMap::new();
        let mut recorded = BTreeSet::new();
        for (index, (role, event)) in events.iter().enumerate() {
            recorded.insert(*role);
            if let Kind::SignalReceived { seq, signal, .. } = &event.kind {
                came.entry((*role, seq.ok_or(name(signal)))).or_default().push_back((index, signal));
            }
        }
        let mut arrows = Self::default();
        let mut numbers = BTreeSet::new();
        for (index, (from, event)) in events.iter().enumerate() {
            let Kind::SignalSent { seq, signal } = &event.kind else { continue };
            let to = from.other();
            let arrived = [Ok(*seq), Err(name(signal))]
                .into_iter()
                .find_map(|key| came.get_mut(&(to, key)).and_then(VecDeque::pop_front));
            numbers.insert((to, *seq));
            let took = |(index, _): (usize, _)| signed(events[index].1.at_us, event.at_us);
            let arrow = Arrow {
                from: *from,
                at_us: event.at_us,
                took_us: arrived.map(took),
                lost: arrived.is_none() && recorded.contains(&to) && must_come(signal),
                changed: arrived.is_some_and(|(_, came)| is_changed(signal, came)),
                again: false,
            };
            arrows.0.insert(index, arrow);
        }
        // What came and was not sent, so far as was recorded.
        for ((to, key), left) in came {
            for (index, _) in left {
                let again = key.is_ok_and(|seq| numbers.contains(&(to, seq)));
                let (from, at_us) = (to.other(), events[index].1.at_us);
                let arrow = Arrow { from, at_us, took_us: None, lost: false, changed: false, again };
                arrows.0.insert(index, arrow);
            }
        }
        arrows
    }

    /// The arrow that is told at that event.
    pub(super) fn of(&self, index: usize) -> Option<&Arrow> {
        self.0.get(&index)
    }
}

fn signed(later: u64, earlier: u64) -> i64 {
    i64::try_from(i128::from(later) - i128::from(earlier)).unwrap_or(i64::MAX)
}

/// The last words of a call often come when nobody listens any more.
fn must_come(signal: &Signal) -> bool {
    !matches!(
        signal,
        Signal::Done | Signal::HangUp { .. } | Signal::Report(_) | Signal::Again | Signal::Step { .. }
    )
}

fn is_changed(sent: &Signal, came: &Signal) -> bool {
    matches!(sent, Signal::Description { .. }) && sent != came
}

fn name(signal: &Signal) -> &'static str {
    match signal {
        Signal::Description { sdp_type, .. } => sdp_type.as_str(),
        Signal::Candidate { .. } => "candidate",
        Signal::EndOfCandidates { .. } => "end",
        Signal::Done => "done",
        Signal::HangUp { .. } => "hang-up",
        Signal::Report(_) => "report",
        Signal::Again => "once more",
        Signal::Step { .. } => "step",
        Signal::Ext(_) => "ext",
    }
}
