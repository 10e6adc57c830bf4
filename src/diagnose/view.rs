//! What the rules look at: facts, what was wanted, and the offers with their answers.

use std::time::Duration;

use super::rounds::Rounds;
use super::{Context, Thresholds};
use crate::facts::{Exchanged, Facts, Moment, PeerFacts};
use crate::jsep::{MediaKind, MediaSection, Role, Side};
use crate::timeline::TransceiverRow;

pub(super) struct View<'a> {
    pub(super) context: &'a Context,
    pub(super) facts: &'a Facts,
    pub(super) rounds: Rounds<'a>,
    /// The call is over.
    pub(super) ended: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(context: &'a Context, facts: &'a Facts, ended: bool) -> Self {
        let ended = ended || facts.ended.is_some();
        Self { context, facts, rounds: Rounds::of(facts.own()), ended }
    }

    pub(super) fn limits(&self) -> &'a Thresholds {
        &self.context.thresholds
    }

    pub(super) fn own(&self) -> &'a PeerFacts {
        self.facts.own()
    }

    pub(super) fn other(&self) -> &'a PeerFacts {
        self.facts.other()
    }

    pub(super) fn peer(&self, role: Role) -> &'a PeerFacts {
        self.facts.peer(role)
    }

    /// Until when things could still happen: the hang-up, else the latest event.
    pub(super) fn until_us(&self) -> u64 {
        let hang_up = self.facts.hang_up.as_ref().map(|hang_up| hang_up.at_us);
        let ended = self.facts.ended.as_ref().map(|ended| ended.at_us);
        hang_up.or(ended).unwrap_or(self.facts.last_us).min(self.facts.last_us)
    }

    /// The time since a moment of our own timeline, until the call was being ended.
    pub(super) fn since(&self, at_us: u64) -> Duration {
        Duration::from_micros(self.until_us().saturating_sub(at_us))
    }

    /// Whether so much time has passed since then. Where there is no time, what follows is all there.
    pub(super) fn waited(&self, at_us: u64, limit: Duration) -> bool {
        self.context.descriptions_only || self.since(at_us) >= limit
    }

    /// The transceivers of a side, where it told them.
    pub(super) fn table(&self, role: Role) -> Option<(&'a str, &'a [TransceiverRow])> {
        let (id, rows) = self.peer(role).transceivers.as_ref()?;
        Some((id, rows))
    }

    /// Who made a description that our own side saw.
    pub(super) fn author(&self, exchanged: &Exchanged) -> Role {
        if exchanged.side == Side::Local { self.facts.own } else { self.facts.own.other() }
    }

    /// Offers of a side that nobody answered, those included that never reached the other side.
    pub(super) fn unanswered_offers(&self, author: Role) -> Vec<&'a Exchanged> {
        let seen = self.rounds.unanswered.iter().filter(|(by, _)| *by == author);
        let mut offers: Vec<&Exchanged> = seen.map(|(_, offer)| *offer).collect();
        if author != self.facts.own {
            offers.extend(self.undelivered_offers());
        }
        offers
    }

    /// Offers that the other side says it has sent, and that never came.
    pub(super) fn undelivered_offers(&self) -> impl Iterator<Item = &'a Exchanged> + '_ {
        use crate::jsep::SdpType::Offer;
        let own = self.own();
        // A room may change a text on its way, such as its line ends.
        let came = |sent: &Exchanged| {
            own.history.of(Side::Remote).any(|known| known.text == sent.text || is_version_of(known, sent))
        };
        let sent = self.other().history.of(Side::Local);
        sent.filter(move |offer| offer.sdp_type == Offer && offer.signalled.is_some() && !came(offer))
    }

    /// A moment of the other side's timeline in our time.
    pub(super) fn in_our_time(&self, role: Role, moment: &Moment) -> Option<u64> {
        if role == self.facts.own {
            return Some(moment.at_us);
        }
        moment.at_us.checked_add_signed(self.peer(role).shift_us?)
    }

    /// ICE has been up at our side.
    pub(super) fn ice_was_up(&self) -> bool {
        self.own().timing.ice.is_some()
    }

    pub(super) fn dtls_was_up(&self) -> bool {
        self.own().timing.dtls.is_some()
    }

    /// When both descriptions were there for the first time, in our time.
    pub(super) fn negotiated_us(&self) -> Option<u64> {
        Some(self.rounds.complete.first()?.answer.first().at_us)
    }
}

/// Whether two texts are of the same type, session and version (RFC 9429 §5.2.1).
pub(super) fn is_version_of(a: &Exchanged, b: &Exchanged) -> bool {
    let (of_a, of_b) = (&a.sdp, &b.sdp);
    let named = of_a.session_id.is_some() && of_a.session_version.is_some();
    a.sdp_type == b.sdp_type
        && named
        && (&of_a.session_id, &of_a.session_version) == (&of_b.session_id, &of_b.session_version)
}

/// A section for people: who says it, where, and the lines that matter, in one line.
pub(super) fn shown(author: Role, exchanged: &Exchanged, section: &MediaSection) -> String {
    let line = section.line();
    let mid = section.mid.as_ref().map(|mid| format!(" a=mid:{mid}")).unwrap_or_default();
    let port = if section.is_rejected() { " 0" } else { "" };
    let kind = exchanged.sdp_type;
    format!("{author}'s {kind}, line {line}: m={}{port}{mid} a={}", section.media, section.direction)
}

/// The same with its streams.
pub(super) fn shown_with_streams(author: Role, exchanged: &Exchanged, section: &MediaSection) -> String {
    let msids = section.msids.iter().map(|msid| format!(" a=msid:{}", msid.stream.as_deref().unwrap_or("-")));
    shown(author, exchanged, section) + &msids.collect::<String>()
}

/// `audio (mid 0) and video (mid 1)`.
pub(super) fn kinds_with_mids(list: &[(MediaKind, String)]) -> String {
    let words: Vec<String> = list.iter().map(|(kind, mid)| format!("{kind} (mid {mid})")).collect();
    listed(&words)
}

/// `a, b and c`.
pub(super) fn listed(items: &[String]) -> String {
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

/// `5 s`, `0.3 s`.
pub(super) fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 10.0 || seconds.fract() == 0.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{seconds:.1} s")
    }
}
