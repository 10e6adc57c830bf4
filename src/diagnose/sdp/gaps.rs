//! Where a side wants a kind of media and the first negotiation of an m-section does not give it.

use crate::diagnose::rounds::{Place, Round};
use crate::diagnose::view::View;
use crate::jsep::{Direction, MediaKind, Role};

/// An m-section in which the receiver wants media and gets none.
#[derive(Clone, Debug)]
pub(super) struct Gap<'a> {
    /// Who should send.
    pub(super) sender: Role,
    pub(super) kind: MediaKind,
    pub(super) mid: String,
    /// The round in which the m-section was negotiated first, by its place in `rounds.complete`.
    pub(super) index: usize,
    pub(super) round: Round<'a>,
    pub(super) place: Place<'a>,
    pub(super) what: What,
}

/// Why nothing is sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The answer says recvonly, or inactive to a recvonly offer: nothing of the answerer's sends.
    AnswerDoesNotSend,
    /// The answer says inactive to an offer that also sends.
    AnswerInactive,
    /// The offer does not send.
    OfferDoesNotSend,
    /// The answer does not receive what is offered.
    AnswerDoesNotReceive,
    /// The offer sends only, though its author wants to receive.
    OfferSendsOnly,
}

/// Every gap, in order. Only the first negotiation of an m-section counts: what is changed later is a hold or a
/// resumption.
pub(super) fn gaps<'a>(view: &View<'a>) -> Vec<Gap<'a>> {
    let mut gaps = Vec::new();
    for (index, round) in view.rounds.complete.iter().copied().enumerate() {
        for (position, place) in round.places().enumerate() {
            let Some(kind) = place.offered.kind else { continue };
            let mid = place.offered.mid.clone().unwrap_or_else(|| position.to_string());
            let Some(answered) = place.answered else { continue };
            let unusable = place.offered.is_rejected() || answered.is_rejected();
            if unusable || view.rounds.is_known_before(&mid, index) {
                continue;
            }
            for receiver in [round.offerer, round.answerer()] {
                if let Some(what) = what(view, &round, place, receiver, kind) {
                    let sender = receiver.other();
                    let mid = mid.clone();
                    gaps.push(Gap { sender, kind, mid, index, round, place, what });
                }
            }
        }
    }
    gaps
}

fn what(
    view: &View<'_>,
    round: &Round<'_>,
    place: Place<'_>,
    receiver: Role,
    kind: MediaKind,
) -> Option<What> {
    let sender = receiver.other();
    let wanted = view.context.wanted(receiver, kind);
    // Who is known not to mean to send does nothing wrong by not sending.
    let meant = view.context.sends.get(&sender).is_none_or(|kinds| kinds.contains(&kind));
    if wanted == Some(false) || !meant {
        return None;
    }
    let offered = place.offered.direction;
    let answered = place.answered?.direction;
    // Who gets that kind on another m-section of the same description lacks nothing: a track that came with a second
    // round is not asked for twice.
    if round.places().any(|other| other.offered.kind == Some(kind) && round.sends(sender, other)) {
        return None;
    }
    if receiver == round.offerer {
        return match (offered.receives(), answered) {
            (true, Direction::Recvonly) => Some(What::AnswerDoesNotSend),
            (true, Direction::Inactive) if !offered.sends() => Some(What::AnswerDoesNotSend),
            (true, Direction::Inactive) => Some(What::AnswerInactive),
            (false, Direction::Recvonly) if wanted.is_some() => Some(What::OfferSendsOnly),
            _ => None,
        };
    }
    match (offered.sends(), answered) {
        (false, _) => (wanted.is_some() && offered.receives()).then_some(What::OfferDoesNotSend),
        (true, Direction::Sendonly) => Some(What::AnswerDoesNotReceive),
        // Inactive is told once, as the answerer's not sending, where that was wanted.
        _ => None,
    }
}
