//! What happens to a path: credentials that change, restarts, outages, how long it took.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Known, network};
use crate::diagnose::finding::{Draft, Explains, Found, Severity};
use crate::diagnose::rounds::Round;
use crate::diagnose::view::{View, seconds};
use crate::facts::{Exchanged, Reached};
use crate::jsep::{GatheringState, IceState, Role, SdpType, Side};

/// A path that is away for less at the end of a call may be just its end.
const UNHEALED: Duration = Duration::from_millis(500);

/// More restarts than this within a minute are a loop.
const RESTARTS: usize = 3;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    outage(view, found);
    restarts(view, found);
    stale(view, found);
    gathering(view, found);
    slow(view, found);
    relayed(view, found);
}

fn ufrag(exchanged: &Exchanged) -> Option<&str> {
    let live = exchanged.sdp.sections.iter().filter(|section| !section.is_rejected());
    live.filter_map(|section| section.ice_ufrag.as_deref()).next()
}

/// The credentials of every live m-section: without BUNDLE each has its own.
fn credentials_of(exchanged: &Exchanged) -> BTreeSet<(&str, &str)> {
    let live = exchanged.sdp.sections.iter().filter(|section| !section.is_rejected());
    live.filter_map(|section| Some((section.ice_ufrag.as_deref()?, section.ice_pwd.as_deref()?))).collect()
}

/// Whether a later description restarts ICE: it has none of the credentials of the one before.
fn restarted(before: &Exchanged, after: &Exchanged) -> Option<bool> {
    let (was, is) = (credentials_of(before), credentials_of(after));
    (!was.is_empty() && !is.is_empty()).then(|| was.is_disjoint(&is))
}

fn by<'a>(round: &Round<'a>, side: Role) -> &'a Exchanged {
    if side == round.offerer { round.offer } else { round.answer }
}

/// Either both sides change their credentials or none does (RFC 8839 §4.4).
pub(super) fn credentials(view: &View<'_>, found: &mut Found) {
    for pair in view.rounds.complete.windows(2) {
        let changed = |side: Role| restarted(by(&pair[0], side), by(&pair[1], side));
        let (offerer, answerer) = (pair[1].offerer, pair[1].answerer());
        let (Some(offered), Some(answered)) = (changed(offerer), changed(answerer)) else { continue };
        if offered == answered {
            continue;
        }
        let ids = [pair[0].answer.id(), pair[1].offer.id(), pair[1].answer.id()];
        let (id, text) = if offered {
            let text =
                format!("the {offerer} restarts ICE, and the {answerer} answers with its old credentials");
            ("ice-restart-unanswered", text)
        } else {
            let text = format!("the {answerer} answers with new ICE credentials, and no restart was offered");
            ("ice-creds-changed-no-restart", text)
        };
        if !found.has(id) {
            found.add(Draft::certain(id, text).of(answerer).citing(ids));
        }
    }
}

/// ICE was up, and went down.
fn outage(view: &View<'_>, found: &mut Found) {
    let states = &view.own().states.ice;
    for pair in states.windows(2) {
        let [down, up] = pair else { continue };
        let lasted = Duration::from_micros(up.at_us.saturating_sub(down.at_us));
        if down.state == IceState::Disconnected && up.state.is_up() && lasted <= view.limits().transient {
            let text = format!("ICE was disconnected for {}, and came back by itself", seconds(lasted));
            found.add(Draft::certain("ice-transient-disconnect", text).citing([&down.id, &up.id]));
            break;
        }
    }
    let Some(last) = states.last().filter(|_| view.ice_was_up()) else { return };
    let down = states.iter().rev().take_while(|reached| !reached.state.is_up()).last();
    let Some(down) = down else { return };
    let failed = last.state == IceState::Failed;
    if last.state == IceState::Disconnected && view.ended && view.since(down.at_us) >= UNHEALED {
        return unhealed(view, found, down);
    }
    let long = last.state == IceState::Disconnected && view.since(down.at_us) >= view.limits().consent;
    if view.facts.vanished().is_some() || view.facts.dtls_closed_by_peer.is_some() || !(failed || long) {
        return;
    }
    let text = format!("ICE was connected, and is {} since {}", last.state, seconds(view.since(down.at_us)));
    found.add(
        Draft::certain("ice-consent-lost", text)
            .citing([&down.id, &last.id])
            .explaining(Explains::Everything),
    );
    if failed {
        restart_missing(view, found, last);
    }
}

/// The call ended while the path was away: nobody knows whether it would have come back.
fn unhealed(view: &View<'_>, found: &mut Found, down: &Reached<IceState>) {
    if view.facts.vanished().is_some() || view.facts.dtls_closed_by_peer.is_some() {
        return;
    }
    let text = format!("ICE was disconnected for the last {} of the call", seconds(view.since(down.at_us)));
    let draft = Draft::probable("ice-consent-lost", text).or(&["ice-transient-disconnect"]);
    let draft = draft.settled_by("a longer call: consent is lost for good after 30 s").citing([&down.id]);
    found.add(draft.severity(Severity::Major));
}

fn restart_missing(view: &View<'_>, found: &mut Found, failed: &Reached<IceState>) {
    let offered = view
        .own()
        .history
        .descriptions
        .iter()
        .any(|known| known.sdp_type == SdpType::Offer && known.first().at_us >= failed.at_us);
    if !offered && view.waited(failed.at_us, view.limits().restart) {
        let text = format!("ICE failed, and no offer followed within {}", seconds(view.limits().restart));
        found.add(Draft::certain("ice-restart-missing", text).citing([&failed.id]));
    }
}

fn restarts(view: &View<'_>, found: &mut Found) {
    if view.context.descriptions_only {
        return;
    }
    let rounds = &view.rounds.complete;
    let restarts: Vec<&Exchanged> = rounds
        .windows(2)
        .filter(|pair| restarted(by(&pair[0], pair[1].offerer), pair[1].offer) == Some(true))
        .map(|pair| pair[1].offer)
        .collect();
    let minute = |window: &&[&Exchanged]| {
        window[RESTARTS].first().at_us.saturating_sub(window[0].first().at_us) <= 60_000_000
    };
    if let Some(window) = restarts.windows(RESTARTS + 1).find(minute) {
        let text = format!("ICE was restarted {} times within a minute", window.len());
        found.add(Draft::certain("ice-restart-loop", text).citing(window.iter().map(|offer| offer.id())));
    }
}

/// Candidates of a generation that is over.
fn stale(view: &View<'_>, found: &mut Found) {
    let history = &view.own().history;
    let remote: Vec<(u64, &str)> = history
        .of(Side::Remote)
        .filter_map(|known| Some((known.set.as_ref()?.at_us, ufrag(known)?)))
        .collect();
    let old: Vec<&str> = history
        .candidates(false)
        .filter(|trickled| {
            let Some(theirs) = trickled.ufrag.as_deref() else { return false };
            let known = remote.iter().filter(|(at_us, _)| *at_us <= trickled.moment.at_us);
            let current = known.clone().next_back().map(|(_, ufrag)| *ufrag);
            current.is_some_and(|current| current != theirs)
                && known.clone().any(|(_, ufrag)| *ufrag == theirs)
        })
        .map(|trickled| trickled.moment.id.as_str())
        .collect();
    if !old.is_empty() {
        let text = format!("{} candidates came of a generation that was over", old.len());
        let draft = Draft::certain("ice-stale-ufrag", text).citing(old.iter().take(3));
        // On their way during a restart, they do no harm.
        found.add(if view.ice_was_up() { draft.severity(Severity::Info) } else { draft });
    }
}

fn gathering(view: &View<'_>, found: &mut Found) {
    let states = &view.own().states.gathering;
    let slow = states.windows(2).find(|pair| {
        pair[0].state == GatheringState::Gathering
            && pair[1].state == GatheringState::Complete
            && Duration::from_micros(pair[1].at_us.saturating_sub(pair[0].at_us)) > view.limits().gathering
    });
    if let Some(pair) = slow {
        let took = Duration::from_micros(pair[1].at_us.saturating_sub(pair[0].at_us));
        let text = format!("gathering took {}", seconds(took));
        let draft = Draft::certain("ice-gathering-slow", text).of(view.facts.own);
        found.add(draft.citing([&pair[0].id, &pair[1].id]));
    }
}

fn slow(view: &View<'_>, found: &mut Found) {
    let (Some(up), Some(negotiated)) = (view.own().timing.ice, view.negotiated_us()) else { return };
    let took = Duration::from_micros(up.saturating_sub(negotiated));
    if took > view.limits().ice_slow {
        let id =
            view.own().states.ice.iter().find(|reached| reached.state.is_up()).map(|reached| &reached.id);
        let text = format!("ICE was connected {} after the answer", seconds(took));
        found.add(Draft::certain("ice-slow-connect", text).citing(id));
    }
}

/// A relayed pair between two sides on one network, though nobody asked for a relay.
fn relayed(view: &View<'_>, found: &mut Found) {
    let Some((id, pair)) = &view.own().pair else { return };
    let relayed = [&pair.local, &pair.remote].iter().any(|end| end.candidate_type == "relay");
    if !relayed || view.context.relay {
        return;
    }
    let known = Known::of(view);
    let nets = |list: &[crate::timeline::IceCandidate]| {
        let hosts = list.iter().filter(|candidate| candidate.candidate_type == "host");
        hosts.filter_map(|candidate| network(&candidate.address)).collect::<BTreeSet<_>>()
    };
    if !nets(&known.local).is_disjoint(&nets(&known.remote)) {
        let text = "the selected pair is relayed, though both sides have an address in the same network";
        found.add(Draft::probable("ice-relay-although-direct", text).citing([id]));
    }
}
