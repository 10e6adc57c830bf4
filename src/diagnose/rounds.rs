//! Offers with their answers, as one side saw them.

use std::collections::BTreeMap;

use crate::facts::{Exchanged, PeerFacts};
use crate::jsep::{Direction, MediaKind, MediaSection, Role, SdpType, Side};

/// A completed exchange of an offer and an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round<'a> {
    /// Who made the offer.
    pub(super) offerer: Role,
    pub(super) offer: &'a Exchanged,
    pub(super) answer: &'a Exchanged,
}

/// All descriptions of a call in their order, sorted by what became of them.
#[derive(Debug, Default)]
pub(super) struct Rounds<'a> {
    pub(super) complete: Vec<Round<'a>>,
    /// Answers that were refused, with their offers.
    pub(super) refused: Vec<Round<'a>>,
    /// Offers that were answered by nobody, with their authors: still pending, ignored, refused or taken back.
    pub(super) unanswered: Vec<(Role, &'a Exchanged)>,
    /// Of these, the ones that are pending at the end.
    pub(super) pending: Vec<(Role, &'a Exchanged)>,
    /// Answers that nobody waited for, with their authors.
    pub(super) stray: Vec<(Role, &'a Exchanged)>,
    /// The completed round that had a mid first.
    first: BTreeMap<&'a str, usize>,
    /// Provisional answers, with their authors; those that a final answer followed are left out.
    pub(super) provisional: Vec<(Role, &'a Exchanged)>,
}

/// A place in an offer and in its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) offered: &'a MediaSection,
    /// None where the answer is too short.
    pub(super) answered: Option<&'a MediaSection>,
}

impl<'a> Rounds<'a> {
    /// As `own` saw them.
    pub(super) fn of(own: &'a PeerFacts) -> Self {
        let mut rounds = Self::default();
        let mut pending: Vec<(Role, &Exchanged)> = Vec::new();
        for exchanged in &own.history.descriptions {
            let author = if exchanged.side == Side::Local { own.role } else { own.role.other() };
            match exchanged.sdp_type {
                SdpType::Offer if exchanged.rejected.is_some() => rounds.unanswered.push((author, exchanged)),
                SdpType::Offer => {
                    rounds.give_up(&mut pending, author);
                    pending.push((author, exchanged));
                }
                SdpType::Rollback => rounds.give_up(&mut pending, author),
                SdpType::Pranswer => rounds.provisional.push((author, exchanged)),
                SdpType::Answer => {
                    let Some(at) = pending.iter().position(|(offerer, _)| *offerer != author) else {
                        rounds.stray.push((author, exchanged));
                        continue;
                    };
                    let (offerer, offer) = pending[at];
                    let round = Round { offerer, offer, answer: exchanged };
                    if exchanged.rejected.is_some() {
                        rounds.refused.push(round);
                        continue;
                    }
                    pending.remove(at);
                    rounds.complete.push(round);
                    rounds.provisional.retain(|(by, _)| *by != author);
                    // Who answers has no offer of its own any more.
                    rounds.give_up(&mut pending, author);
                }
            }
        }
        for (index, round) in rounds.complete.iter().enumerate() {
            for mid in round.offer.sdp.sections.iter().filter_map(|section| section.mid.as_deref()) {
                rounds.first.entry(mid).or_insert(index);
            }
        }
        rounds.pending.clone_from(&pending);
        rounds.unanswered.extend(pending);
        rounds
    }

    fn give_up(&mut self, pending: &mut Vec<(Role, &'a Exchanged)>, author: Role) {
        self.unanswered.extend(pending.iter().filter(|(by, _)| *by == author));
        pending.retain(|(by, _)| *by != author);
    }

    /// The rounds after `index`, and the offers that are pending: what a side says later.
    pub(super) fn after(&self, index: usize) -> &[Round<'a>] {
        self.complete.get(index + 1..).unwrap_or_default()
    }

    /// Whether an offer of a completed round before `index` had that mid.
    pub(super) fn is_known_before(&self, mid: &str, index: usize) -> bool {
        self.first.get(mid).is_some_and(|first| *first < index)
    }

    /// Offers of a side after the round at `index` that are pending at the end, or were refused.
    pub(super) fn open_offers(&self, author: Role, index: usize) -> impl Iterator<Item = &'a Exchanged> {
        let since = self.complete.get(index).map_or(0, |round| round.answer.first().at_us);
        let open = self.unanswered.iter().filter(move |(by, offer)| {
            let pending = self.pending.iter().any(|(_, pending)| std::ptr::eq(*pending, *offer));
            *by == author && offer.first().at_us >= since && (pending || offer.rejected.is_some())
        });
        open.map(|(_, offer)| *offer)
    }

    /// Whether, at the end, `sender` sends some track of that kind.
    pub(super) fn sends_at_end(&self, sender: Role, kind: MediaKind) -> bool {
        let Some(last) = self.complete.last() else { return false };
        last.places().any(|place| place.offered.kind == Some(kind) && last.sends(sender, place))
    }
}

impl<'a> Round<'a> {
    pub(super) fn answerer(&self) -> Role {
        self.offerer.other()
    }

    /// The sections of the offer, each with the one that answers it.
    pub(super) fn places(&self) -> impl Iterator<Item = Place<'a>> + use<'a> {
        let (offer, answer) = (self.offer, self.answer);
        offer
            .sdp
            .sections
            .iter()
            .enumerate()
            .map(|(index, offered)| Place { offered, answered: answer.sdp.sections.get(index) })
    }

    pub(super) fn place(&self, mid: &str) -> Option<Place<'a>> {
        self.places().find(|place| place.offered.mid.as_deref() == Some(mid))
    }

    /// Whether that side sends in that place, by what was negotiated.
    pub(super) fn sends(&self, side: Role, place: Place<'_>) -> bool {
        let direction = place.negotiated();
        if side == self.offerer { direction.sends() } else { direction.receives() }
    }

    /// The events that set it.
    pub(super) fn ids(&self) -> [&'a str; 2] {
        [self.offer.id(), self.answer.id()]
    }
}

impl Place<'_> {
    /// What the offerer's current direction becomes.
    pub(super) fn negotiated(&self) -> Direction {
        let answered = self.answered.map_or(Direction::Inactive, MediaSection::effective_direction);
        self.offered.effective_direction().intersect(answered.reversed())
    }
}
