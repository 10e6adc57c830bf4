//! What was signalled: candidates that do not come, are not taken, or cannot be reached.

use super::{Known, gave_up};
use crate::diagnose::finding::{Draft, Explains, Found, Severity};
use crate::diagnose::view::{View, seconds};
use crate::facts::PeerFacts;
use crate::jsep::Side;
use crate::timeline::IceCandidate;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    let silent = none_came(view, found);
    not_taken(view, found, silent);
    names(view, found);
    end(view, found);
}

/// How bad it is depends on whether a path was found all the same.
fn weigh(view: &View<'_>, draft: Draft) -> Draft {
    if view.ice_was_up() { draft.severity(Severity::Minor) } else { draft.explaining(Explains::Everything) }
}

/// No remote candidate, trickled or in a description, in time after both descriptions. True if that was told.
fn none_came(view: &View<'_>, found: &mut Found) -> bool {
    let (own, other) = (view.own(), view.other());
    let Some(negotiated) = view.negotiated_us() else { return false };
    let came = own.history.candidates(false).next().is_some() || own.candidates.received_in_sdp > 0;
    let window = view.limits().first_candidate;
    let theirs = other.role;
    if came {
        late(view, found, negotiated);
        return false;
    }
    let waited = view.waited(negotiated, window);
    if !waited && !view.ice_was_up() {
        let settle = format!("a candidate of the {theirs} within {}", seconds(window));
        found.open("ice-peer-sends-no-candidates", settle);
        return false;
    }
    // A path that is there needs no more candidates, until the call is over and none has come.
    if !waited && !view.ended {
        return false;
    }
    let first = view.rounds.complete.first();
    if first.is_some_and(|round| round.answer.sdp.sections.iter().all(|section| section.is_rejected())) {
        return false;
    }
    let last = first.map(|round| round.ids());
    let ended = own.history.trickled.iter().find(|trickled| !trickled.sent && trickled.candidate.is_none());
    if let Some(end) = ended {
        let text = format!("the {theirs} says that its candidates have ended, and none came");
        let draft = Draft::certain("ice-no-candidates-at-all", text).of(theirs).citing([&end.moment.id]);
        found.add(weigh(view, draft));
        return true;
    }
    let time = if waited { window } else { view.since(negotiated) };
    let mut text = format!("no candidate came from the {theirs} within {} of the answer", seconds(time));
    let sent = other.history.candidates(true).count();
    if other.known && sent > 0 {
        text += &format!("; the {theirs} says that it sent {sent}, so they were lost on the way");
    } else if view.ice_was_up() {
        text += "; the path was found by its checks alone, which fails where it cannot reach this side";
    }
    let draft = Draft::certain("ice-peer-sends-no-candidates", text).citing(last.into_iter().flatten());
    let draft = if other.known && sent > 0 { draft } else { draft.of(theirs) };
    found.add(weigh(view, draft.or(&["ice-peer-drops-our-candidates"])));
    true
}

/// Candidates that came, and not in time. What was in a description was there with it.
fn late(view: &View<'_>, found: &mut Found, negotiated: u64) {
    let own = view.own();
    let Some(first) = own.history.candidates(false).next() else { return };
    let after = std::time::Duration::from_micros(first.moment.at_us.saturating_sub(negotiated));
    if own.candidates.received_in_sdp > 0 || after <= view.limits().first_candidate {
        return;
    }
    let theirs = own.role.other();
    let text = format!("the first candidate of the {theirs} came {} after the answer", seconds(after));
    let draft = Draft::certain("ice-peer-sends-no-candidates", text).of(theirs).citing([&first.moment.id]);
    found.add(draft.severity(if view.ice_was_up() { Severity::Minor } else { Severity::Major }));
}

/// Our candidates, as the other side's own timeline shows them.
fn not_taken(view: &View<'_>, found: &mut Found, silent: bool) {
    for (sender, receiver) in [(view.own(), view.other()), (view.other(), view.own())] {
        let sent = sender.history.candidates(true).count();
        if sent == 0 || !receiver.known || !sender.known || sender.candidates.sent_in_sdp > 0 {
            continue;
        }
        // What does not reach our own side was told already.
        if receiver.role == view.facts.own && silent {
            continue;
        }
        if lost_early(view, found, sender, receiver) {
            continue;
        }
        let received = receiver.history.candidates(false).count();
        let taken = receiver.history.added.len();
        let refused = receiver.history.refused.len();
        let text = if received == 0 {
            format!("the {} sent {sent} candidates, the {} received none", sender.role, receiver.role)
        } else if taken == 0 && refused > 0 {
            let (_, _, error) = &receiver.history.refused[0];
            format!("the {} refused all {refused} candidates of the {}: {error}", receiver.role, sender.role)
        } else {
            continue;
        };
        let names_only =
            receiver.history.refused.iter().all(|(_, candidate, _)| candidate.contains(".local"));
        if received > 0 && names_only {
            continue;
        }
        if !view.waited(view.negotiated_us().unwrap_or(0), view.limits().first_candidate) {
            continue;
        }
        let sent_ids = sender.history.candidates(true).take(2).map(|trickled| &trickled.moment.id);
        let refused_ids = receiver.history.refused.iter().take(2).map(|(moment, ..)| &moment.id);
        let draft = Draft::certain("ice-peer-drops-our-candidates", text);
        let draft = if received == 0 { draft } else { draft.of(receiver.role) };
        found.add(weigh(view, draft.citing(sent_ids).citing(refused_ids)));
    }
}

/// Candidates that were refused because there was no description yet.
fn lost_early(view: &View<'_>, found: &mut Found, sender: &PeerFacts, receiver: &PeerFacts) -> bool {
    let set = receiver.history.of(Side::Remote).find_map(|known| known.set.as_ref());
    let early: Vec<&str> = receiver
        .history
        .refused
        .iter()
        .filter(|(moment, _, error)| {
            let before = set.is_none_or(|set| moment.at_us < set.at_us);
            before && (error.contains("InvalidState") || error.contains("remote description"))
        })
        .map(|(moment, ..)| moment.id.as_str())
        .collect();
    if early.is_empty() {
        return false;
    }
    let text = format!(
        "{} candidates of the {} came to the {} before the description was set, and were refused",
        early.len(),
        sender.role,
        receiver.role
    );
    let draft = Draft::certain("ice-candidates-dropped-before-srd", text).of(receiver.role).citing(early);
    found.add(if view.ice_was_up() {
        draft.severity(Severity::Minor)
    } else {
        draft.severity(Severity::Blocker)
    });
    true
}

/// Nothing but names that do not resolve.
fn names(view: &View<'_>, found: &mut Found) {
    let known = Known::of(view);
    let is_name = |candidate: &IceCandidate| candidate.address.contains(".local");
    if view.ice_was_up() || known.remote.is_empty() || !known.remote.iter().all(is_name) || !gave_up(view) {
        return;
    }
    let added = view.own().history.added.iter().any(|(_, candidate)| !is_name(candidate));
    let refused = view.own().history.refused.iter().filter(|(_, candidate, _)| candidate.contains(".local"));
    let ids: Vec<&str> = refused.map(|(moment, ..)| moment.id.as_str()).collect();
    if added {
        return;
    }
    let refused_here = !ids.is_empty() || view.own().history.added.is_empty();
    let other = view.facts.own.other();
    let text = format!(
        "all {} candidates of the {other} are `.local` names, and none could be resolved here",
        known.remote.len()
    );
    let trickled = view.own().history.candidates(false).take(2).map(|trickled| trickled.moment.id.as_str());
    let draft = match refused_here {
        true => Draft::certain("ice-mdns-unresolvable", text),
        false => Draft::probable("ice-mdns-unresolvable", text).or(&["ice-udp-blackholed"]),
    };
    let draft = draft.of(other).citing(ids).citing(trickled);
    found.add(draft.severity(Severity::Blocker).explaining(Explains::Everything));
}

/// ICE waits for candidates whose end nobody announced.
fn end(view: &View<'_>, found: &mut Found) {
    let history = &view.own().history;
    let last = history.candidates(false).last();
    let in_sdp = history.of(Side::Remote).flat_map(|known| &known.sdp.sections).any(|s| s.end_of_candidates);
    let ended =
        in_sdp || history.trickled.iter().any(|trickled| !trickled.sent && trickled.candidate.is_none());
    if let Some(last) = last.filter(|_| !ended && !view.ice_was_up())
        && view.waited(last.moment.at_us, view.limits().end_of_candidates)
    {
        let other = view.facts.own.other();
        let text = format!("the {other}'s last candidate came long ago, and their end was not announced");
        found.add(Draft::certain("ice-eoc-missing", text).of(other).citing([&last.moment.id]));
    }
}

/// Addresses that can never be reached.
pub(super) fn invalid(view: &View<'_>, found: &mut Found) {
    let history = &view.own().history;
    let dead = |candidate: &IceCandidate| {
        let (host, port) = candidate.address.rsplit_once(':').unwrap_or_default();
        // An active TCP candidate has the discard port (RFC 6544 §4.5).
        let active = candidate.candidate.contains("tcptype active");
        !active && (host == "0.0.0.0" || host == "[::]" || port == "0" || port == "9")
    };
    let trickled = history
        .candidates(false)
        .filter_map(|trickled| Some((trickled.moment.id.as_str(), trickled.candidate.clone()?)));
    let in_sdp = history.of(Side::Remote).flat_map(|known| {
        let id = known.id();
        known.sdp.candidates().map(move |candidate| (id, IceCandidate::parse(&candidate.candidate)))
    });
    let bad: Vec<(&str, IceCandidate)> =
        trickled.chain(in_sdp).filter(|(_, candidate)| dead(candidate)).collect();
    if let Some((_, first)) = bad.first() {
        let other = view.facts.own.other();
        let text =
            format!("{} of the {other}'s candidates cannot be reached, such as {}", bad.len(), first.address);
        found.add(
            Draft::certain("ice-candidate-invalid", text)
                .of(other)
                .citing(bad.iter().take(3).map(|(id, _)| *id)),
        );
    }
}
