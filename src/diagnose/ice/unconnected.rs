//! Why no path was found. All of these speak only once ICE has failed or has had its time.

use std::collections::BTreeSet;

use super::{Known, Scope, gave_up, ip, network, scope};
use crate::diagnose::finding::{Draft, Explains, Found};
use crate::diagnose::view::View;
use crate::facts::IceChecks;
use crate::jsep::Role;
use crate::timeline::IceCandidate;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    let told = ["ice-peer-sends-no-candidates", "ice-no-candidates-at-all", "ice-peer-drops-our-candidates"];
    let names = ["ice-mdns-unresolvable", "ice-candidates-dropped-before-srd", "ice-restart-unanswered"];
    if !gave_up(view) || told.iter().chain(&names).any(|id| found.has(id)) {
        return;
    }
    let known = Known::of(view);
    if known.remote.is_empty() || known.local.is_empty() {
        return;
    }
    let evidence = evidence(view);
    let draft = addresses(view, &known)
        .or_else(|| checks(view))
        .or_else(|| networks(&known))
        .or_else(|| unanswered(view))
        .or_else(|| {
            let state = view.own().states.ice.last()?;
            let text = format!(
                "candidates went both ways, and ICE is {}: no pair of them works, by whatever lies between",
                state.state
            );
            let draft = Draft::probable("ice-udp-blackholed", text).or(&["ice-asymmetric", "ice-auth-fail"]);
            Some(draft.settled_by("how many connectivity checks left, came in and were answered"))
        });
    if let Some(draft) = draft {
        found.add(draft.citing(evidence).explaining(Explains::Everything));
    }
}

/// The state that shows it, the last candidates of both sides, and the counts.
fn evidence(view: &View<'_>) -> Vec<String> {
    let own = view.own();
    let mut ids: Vec<String> = own.states.ice.last().map(|reached| reached.id.clone()).into_iter().collect();
    ids.extend(own.history.candidates(false).take(1).map(|trickled| trickled.moment.id.clone()));
    ids.extend(own.history.candidates(true).take(1).map(|trickled| trickled.moment.id.clone()));
    ids.extend(own.history.checks.as_ref().map(|(moment, _)| moment.id.clone()));
    ids
}

/// Lists of addresses that cannot meet.
fn addresses(view: &View<'_>, known: &Known) -> Option<Draft> {
    let (own, other) = (view.facts.own, view.facts.own.other());
    let all = |list: &[IceCandidate], wanted: Scope| {
        list.iter().all(|candidate| scope(&candidate.address) == Some(wanted))
    };
    let sides: [(Role, &[IceCandidate], &[IceCandidate]); 2] =
        [(other, &known.remote, &known.local), (own, &known.local, &known.remote)];
    for (whose, list, opposite) in sides {
        // A call within one machine has loopback candidates only, and is right.
        if all(list, Scope::Loopback) && !all(opposite, Scope::Loopback) {
            let text = format!("all candidates of the {whose} are loopback addresses");
            return Some(Draft::certain("ice-loopback-only", text).of(whose));
        }
    }
    if known.remote.iter().all(|candidate| candidate.protocol.eq_ignore_ascii_case("tcp")) {
        let text = format!("all candidates of the {other} are TCP");
        return Some(Draft::certain("ice-tcp-only", text).of(other));
    }
    let families = |list: &[IceCandidate]| {
        list.iter().filter_map(|candidate| Some(ip(&candidate.address)?.is_ipv4())).collect::<BTreeSet<_>>()
    };
    let (ours, theirs) = (families(&known.local), families(&known.remote));
    let named = known.remote.iter().any(|candidate| ip(&candidate.address).is_none());
    if !ours.is_empty() && !theirs.is_empty() && ours.is_disjoint(&theirs) && !named {
        let word = |families: &BTreeSet<bool>| if families.contains(&true) { "IPv4" } else { "IPv6" };
        let text =
            format!("the {own} has {} addresses only, the {other} {} only", word(&ours), word(&theirs));
        return Some(Draft::certain("ice-family-mismatch", text));
    }
    None
}

/// Host candidates that share no network, and addresses that nobody outside knows.
fn networks(known: &Known) -> Option<Draft> {
    let host_only = |list: &[IceCandidate]| list.iter().all(|candidate| candidate.candidate_type == "host");
    let nets = |list: &[IceCandidate]| {
        list.iter().filter_map(|candidate| network(&candidate.address)).collect::<BTreeSet<_>>()
    };
    let (ours, theirs) = (nets(&known.local), nets(&known.remote));
    if ours.is_empty() || theirs.is_empty() || !ours.is_disjoint(&theirs) || !host_only(&known.remote) {
        return None;
    }
    let private = |candidate: &IceCandidate| scope(&candidate.address) == Some(Scope::Private);
    let public = |candidate: &IceCandidate| scope(&candidate.address) == Some(Scope::Public);
    if known.remote.iter().all(private) && known.local.iter().any(public) {
        let text = "the other side advertises private addresses only, and this side is on another network";
        return Some(Draft::probable("ice-private-address-only", text).or(&["ice-host-only"]));
    }
    host_only(&known.local).then(|| {
        let text = "both sides have host candidates only, and they share no network";
        Draft::probable("ice-host-only", text).or(&["ice-udp-blackholed"])
    })
}

/// What the counts of connectivity checks say.
fn checks(view: &View<'_>) -> Option<Draft> {
    let (_, checks) = view.own().history.checks.as_ref()?;
    let IceChecks { requests_sent, requests_received, responses_received, .. } = *checks;
    let other = view.facts.own.other();
    // Checks with wrong credentials get no answer; only who throws them away can tell.
    let theirs = view.other().history.checks.as_ref().map_or(0, |(_, theirs)| theirs.requests_refused);
    let refused = checks.refused_by_peer.max(theirs);
    if refused > 0 || checks.requests_refused > 0 {
        let text = format!(
            "{refused} checks of ours were refused for their credentials, and {} of the {other}'s",
            checks.requests_refused
        );
        return Some(Draft::certain("ice-auth-fail", text));
    }
    if checks.role_conflicts > 5 || (checks.requests_of_our_role > 5 && responses_received == 0) {
        let text = format!(
            "{} checks came with our own role",
            checks.requests_of_our_role.max(checks.role_conflicts)
        );
        return Some(Draft::certain("ice-role-conflict", text));
    }
    if responses_received > 0 && checks.nominations == 0 {
        let text = "checks are answered, and no pair is nominated";
        return Some(Draft::certain("ice-no-nomination", text));
    }
    (requests_sent > 0 && responses_received == 0 && requests_received > 0).then(|| asymmetric(view, *checks))
}

fn asymmetric(view: &View<'_>, checks: IceChecks) -> Draft {
    let other = view.facts.own.other();
    let text = format!(
        "{} checks of the {other} came in, and none of our {} was answered",
        checks.requests_received, checks.requests_sent
    );
    Draft::certain("ice-asymmetric", text)
}

/// Nothing came back or in.
fn unanswered(view: &View<'_>) -> Option<Draft> {
    let (_, checks) = view.own().history.checks.as_ref()?;
    let IceChecks { requests_sent, requests_received, responses_received, .. } = *checks;
    if requests_sent == 0 || responses_received > 0 {
        return None;
    }
    let other = view.facts.own.other();
    let theirs = view.other().history.checks.as_ref().map_or(0, |(_, theirs)| theirs.requests_received);
    if theirs > 0 {
        let text = format!(
            "{theirs} of our {requests_sent} checks reached the {other}, and nothing of it came to us"
        );
        return Some(Draft::certain("ice-asymmetric", text));
    }
    Some(if requests_received == 0 {
        let text = format!("{requests_sent} checks left, and nothing came back or in");
        // Whoever offers checks nothing before it has the answer, and of that we know what it says itself.
        let answerer = view.rounds.complete.first().is_some_and(|round| round.offerer == other);
        if answerer && !view.other().known {
            let text = format!("{text}; that the {other} got our answer is not known");
            Draft::probable("ice-udp-blackholed", text).or(&["sig-unrouted"]).settled_by(format!(
                "whether the {other} set our answer: look at what it logs, or at the room"
            ))
        } else {
            Draft::certain("ice-udp-blackholed", text)
        }
    } else {
        let text = format!(
            "{requests_received} checks of the {other} came in, and none of our {requests_sent} was answered"
        );
        Draft::certain("ice-asymmetric", text)
    })
}
