//! Rules about the messages between the two sides.

use std::collections::BTreeSet;

use super::finding::{Draft, Explains, Found, Severity};
use super::view::{View, is_version_of, seconds};
use crate::facts::{Exchanged, Trickled};
use crate::jsep::{Role, SdpType, Side};

/// Candidates this far ahead of their description did not leave together with it; microseconds.
const EARLY_US: u64 = 200_000;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    if view.context.descriptions_only {
        // An answer by itself has its offer elsewhere.
        if !view.rounds.complete.is_empty() {
            stray(view, found);
        }
        return strangers(view, found);
    }
    silence(view, found);
    no_answer(view, found);
    late(view, found);
    stray(view, found);
    twice(view, found);
    strangers(view, found);
    candidates(view, found);
    rewritten(view, found);
    room(view, found);
}

/// Nothing came from the other side.
fn silence(view: &View<'_>, found: &mut Found) {
    let (own, other) = (view.own(), view.other());
    let Some(joined) = own.presence.joined_us else { return };
    let offer = own.history.of(Side::Local).find(|known| known.sdp_type == SdpType::Offer);
    // Nobody can answer before there is somebody, and something to answer.
    let offered = offer.and_then(|offer| Some(offer.signalled.as_ref()?.at_us));
    let begun =
        [Some(joined), other.presence.joined_us, offered].into_iter().flatten().max().unwrap_or(joined);
    let limit = if offered.is_some() { view.limits().answer } else { view.limits().silence };
    let waits = own.role == Role::Callee || own.history.of(Side::Local).next().is_some();
    let nobody = other.presence.joined_us.is_none();
    if own.history.heard.is_some() || !view.waited(begun, limit) || !(nobody || waits) {
        return;
    }
    let absent = view.facts.room_errors.iter().find(|refusal| refusal.code == "peer-absent");
    if let (Some(offer), Some(refusal)) = (offer, absent) {
        let text = format!("the room says that nobody was there to get the offer: {}", refusal.message);
        return found.add(
            Draft::certain("sig-offer-lost", text)
                .citing([offer.id(), &refusal.id])
                .explaining(Explains::Everything),
        );
    }
    if let Some(offer) = offer.filter(|_| other.known)
        && other.history.of(Side::Remote).next().is_none()
    {
        let text = format!("the offer was sent, and by its own timeline the {} got none", other.role);
        let draft = Draft::certain("sig-offer-lost", text).citing([offer.id()]);
        return found.add(draft.explaining(Explains::Everything));
    }
    let since = seconds(view.since(begun));
    let text = if nobody {
        format!("nobody joined within {since}")
    } else {
        format!("the {} is in the room and has said nothing for {since}", other.role)
    };
    // Who is there, has the offer and says nothing at all did not answer.
    let id = if !nobody && offer.is_some() { "sig-no-answer" } else { "sig-peer-silent" };
    let draft = Draft::certain(id, text).of(other.role).explaining(Explains::Everything);
    found.add(draft.citing(offer.map(Exchanged::id)));
}

/// Our offer was not answered.
fn no_answer(view: &View<'_>, found: &mut Found) {
    let (own, other) = (view.own(), view.other());
    let Some((_, offer)) = view.rounds.pending.iter().find(|(offerer, _)| *offerer == own.role) else {
        return;
    };
    let glare = view.rounds.unanswered.iter().any(|(by, _)| *by == other.role);
    let provisional = !view.rounds.provisional.is_empty();
    let first = view.rounds.complete.is_empty() && view.rounds.refused.is_empty();
    let Some(sent) = &offer.signalled else { return };
    if !first || glare || provisional || found.has("sig-no-answer") || found.has("sig-peer-silent") {
        return;
    }
    let gone = view.ended && view.facts.vanished().is_some();
    if found.has("sig-offer-lost") || !(gone || view.waited(sent.at_us, view.limits().answer)) {
        return;
    }
    if let Some(joined) = other.presence.joined_us
        && joined > sent.at_us
    {
        let text =
            format!("the offer was sent before the {} was in the room, and was not answered", other.role);
        let draft = Draft::probable("sig-offer-lost", text).or(&["sig-no-answer"]);
        return found.add(draft.citing([offer.id()]).explaining(Explains::Everything));
    }
    let reached = other.history.of(Side::Remote).any(|known| known.sdp_type == SdpType::Offer);
    if other.known && !reached {
        let text = format!("the offer was sent, and by its own timeline the {} got none", other.role);
        let draft = Draft::certain("sig-offer-lost", text).citing([offer.id()]);
        return found.add(draft.explaining(Explains::Everything));
    }
    if other.presence.joined_us.is_none() && own.history.heard.is_none() {
        return;
    }
    let refused = other.history.of(Side::Remote).find_map(|known| known.rejected.as_ref());
    let within = if gone { String::new() } else { format!(" within {}", seconds(view.limits().answer)) };
    let mut text = format!("the offer was sent, and the {} did not answer{within}", other.role);
    let mut draft_ids = vec![offer.id().to_owned()];
    if let Some((moment, error)) = refused {
        text += &format!("; its setRemoteDescription failed: {error}");
        draft_ids.push(moment.id.clone());
    }
    if let Some(left) = view.facts.vanished() {
        text += &format!("; it left ({})", left.reason);
        draft_ids.push(left.id.clone());
    }
    // Whoever leaves in the meantime may have been closed by its user, or loaded anew.
    let soon = gone && refused.is_none() && !view.waited(sent.at_us, view.limits().answer);
    let draft =
        if soon { Draft::probable("sig-no-answer", text) } else { Draft::certain("sig-no-answer", text) };
    let draft = draft.of(other.role).citing(draft_ids);
    found.add(draft.explaining(Explains::Everything));
}

fn late(view: &View<'_>, found: &mut Found) {
    let Some(first) = view.rounds.complete.first() else { return };
    let took = first.answer.first().at_us.saturating_sub(first.offer.first().at_us);
    let took = std::time::Duration::from_micros(took);
    if first.offerer == view.facts.own && took > view.limits().answer {
        let text = format!("the answer came {} after the offer", seconds(took));
        let draft = Draft::certain("sig-answer-late", text).of(first.answerer()).citing(first.ids());
        found.add(if view.ice_was_up() { draft.severity(Severity::Minor) } else { draft });
    }
}

/// Answers that nobody waits for. Those after crossing offers are told by `glare`.
fn stray(view: &View<'_>, found: &mut Found) {
    let other = view.facts.own.other();
    let crossed = view.own().history.of(Side::Remote).any(|offer| {
        offer.sdp_type == SdpType::Offer && offer.state == crate::jsep::SignalingState::HaveLocalOffer
    });
    let taken_back = view.own().history.of(Side::Local).any(|known| known.sdp_type == SdpType::Rollback);
    let again =
        |answer: &Exchanged| view.rounds.complete.iter().any(|round| round.answer.text == answer.text);
    // Files tell what both sides sent, and a timeline what came.
    let counts = |(author, answer): &&(Role, &Exchanged)| {
        *author == other || view.context.descriptions_only && again(answer)
    };
    let strays: Vec<(Role, &Exchanged)> = view.rounds.stray.iter().filter(counts).copied().collect();
    if let Some((author, answer)) = strays.first().filter(|_| !crossed && !taken_back) {
        let what = if again(answer) { "the same answer came again" } else { "an answer came" };
        let text = format!("{what} while the signaling state was {}", answer.state);
        let draft = Draft::certain("sig-answer-in-stable", text).of(*author);
        let draft = draft.citing(strays.iter().map(|(_, answer)| answer.id()));
        // The page that sent it, or the room, is at fault, but the call goes on.
        found.add(if view.ice_was_up() { draft.severity(Severity::Minor) } else { draft });
    }
}

/// The same offer twice.
fn twice(view: &View<'_>, found: &mut Found) {
    let mut seen: Vec<&Exchanged> = Vec::new();
    for offer in view.own().history.of(Side::Remote).filter(|known| known.sdp_type == SdpType::Offer) {
        let same = |known: &&&Exchanged| {
            known.text == offer.text && known.signalled.is_some() && offer.signalled.is_some()
        };
        if let Some(before) = seen.iter().find(same) {
            let ids = [before.first().id.as_str(), offer.first().id.as_str()];
            let text = "the same offer came twice, with the same `o=` line";
            return found
                .add(Draft::certain("sig-duplicate-offer", text).of(view.facts.own.other()).citing(ids));
        }
        seen.push(offer);
    }
}

fn ufrags(exchanged: &Exchanged) -> impl Iterator<Item = &str> {
    exchanged.sdp.sections.iter().filter_map(|section| section.ice_ufrag.as_deref())
}

/// Our own messages, and those of another call.
fn strangers(view: &View<'_>, found: &mut Found) {
    let history = &view.own().history;
    let ours: BTreeSet<&str> = history.of(Side::Local).flat_map(ufrags).collect();
    let echo = history.of(Side::Remote).find(|known| {
        known.signalled.is_some()
            && ufrags(known).next().is_some()
            && ufrags(known).all(|ufrag| ours.contains(ufrag))
    });
    if let Some(echo) = echo {
        let text = format!("the {} that came has our own ICE credentials", echo.sdp_type);
        let draft = Draft::certain("sig-self-echo", text).citing([echo.id()]);
        // A room that tells everybody does no harm to who knows its own messages.
        return found.add(if view.ice_was_up() {
            draft.severity(Severity::Minor)
        } else {
            draft.explaining(Explains::Everything)
        });
    }
    let theirs: BTreeSet<&str> = history.of(Side::Remote).flat_map(ufrags).collect();
    let foreign: Vec<&Trickled> = history
        .candidates(false)
        .filter(|trickled| trickled.ufrag.as_deref().is_some_and(|ufrag| !theirs.contains(ufrag)))
        .collect();
    if !theirs.is_empty()
        && let Some(first) = foreign.first()
    {
        let ufrag = first.ufrag.as_deref().unwrap_or_default();
        let own = ours.contains(ufrag);
        let id = if own { "sig-self-echo" } else { "sig-crossed-sessions" };
        let whose = if own { "our own" } else { "no description's" };
        let text = format!("{} candidates came whose ufrag is {whose}", foreign.len());
        let draft = Draft::certain(id, text);
        found.add(draft.citing(foreign.iter().take(3).map(|trickled| &trickled.moment.id)));
    }
    sessions(view, found);
}

/// A side whose later description belongs to another session, with another certificate.
fn sessions(view: &View<'_>, found: &mut Found) {
    for side in Side::ALL.iter().copied() {
        let of_side: Vec<&Exchanged> = view
            .own()
            .history
            .of(side)
            .filter(|known| known.sdp.session_id.is_some() && !known.sdp.sections.is_empty())
            .collect();
        let print = |known: &Exchanged| {
            known.sdp.sections.iter().find_map(|section| Some(section.fingerprints.first()?.value.clone()))
        };
        let changed = of_side.windows(2).find(|pair| {
            pair[0].sdp.session_id != pair[1].sdp.session_id
                && print(pair[0]).is_some()
                && print(pair[1]).is_some()
                && print(pair[0]) != print(pair[1])
        });
        if let Some(pair) = changed
            && !found.has("sig-crossed-sessions")
        {
            let author = view.author(pair[1]);
            let text = format!(
                "the {author}'s descriptions belong to two sessions, with different certificates: another call, or \
                 a connection that was made anew"
            );
            let draft = Draft::probable("sig-crossed-sessions", text).of(author);
            found.add(draft.or(&["end-reuse-closed-pc"]).citing([pair[0].id(), pair[1].id()]));
        }
    }
}

/// Candidates that cannot be added as they came.
fn candidates(view: &View<'_>, found: &mut Found) {
    let (history, other) = (&view.own().history, view.facts.own.other());
    let Some(remote) = history.of(Side::Remote).rfind(|known| known.set.is_some()) else { return };
    let mids: BTreeSet<&str> = history
        .of(Side::Remote)
        .flat_map(|known| known.sdp.sections.iter().filter_map(|section| section.mid.as_deref()))
        .collect();
    let fault = |trickled: &Trickled| -> Option<String> {
        let candidate = trickled.candidate.as_ref()?;
        if candidate.candidate.starts_with("a=") {
            return Some("the text begins with `a=`".into());
        }
        if candidate.candidate_type.is_empty() {
            return Some("the text has no `typ`".into());
        }
        match (&trickled.mid, trickled.index) {
            (None, None) => Some("neither sdpMid nor sdpMLineIndex came with it".into()),
            (Some(mid), _) if !mids.is_empty() && !mids.contains(mid.as_str()) => {
                Some(format!("sdpMid {mid} is in no description"))
            }
            (None, Some(index)) if usize::from(index) >= remote.sdp.sections.len() => {
                Some(format!("sdpMLineIndex {index} is beyond the m-sections"))
            }
            _ => None,
        }
    };
    let bad: Vec<(&Trickled, String)> =
        history.candidates(false).filter_map(|trickled| Some((trickled, fault(trickled)?))).collect();
    if let Some((_, text)) = bad.first() {
        let text = format!("{} of the {other}'s candidates cannot be added: {text}", bad.len());
        let ids = bad.iter().take(3).map(|(trickled, _)| &trickled.moment.id);
        let draft = Draft::certain("sig-candidate-shape", text).of(other).citing(ids);
        found.add(if view.ice_was_up() { draft.severity(Severity::Minor) } else { draft });
    }
    // Early ones are a fault only where somebody loses them.
    let early = history.candidates(false).filter(|trickled| trickled.early).count();
    // Candidates and a description that leave together may change places by a moment.
    let described = history.of(Side::Remote).next().and_then(|known| Some(known.signalled.as_ref()?.at_us));
    let ahead = history
        .candidates(false)
        .find(|trickled| trickled.early)
        .zip(described)
        .map_or(0, |(first, at_us)| at_us.saturating_sub(first.moment.at_us));
    if ahead > EARLY_US && history.refused.is_empty() {
        let text = format!("{early} candidates of the {other} came before its description; they were kept");
        let first = history.candidates(false).find(|trickled| trickled.early);
        let draft = Draft::certain("sig-candidate-before-offer", text).of(other).severity(Severity::Info);
        found.add(draft.citing(first.map(|trickled| &trickled.moment.id)));
    }
    let lost = history.refused.iter().find(|(_, _, error)| error.contains("InvalidStateError"));
    if let (true, Some((moment, ..))) = (early > 0, lost) {
        let text = format!("{early} candidates of the {other} came before its description, and were refused");
        found.add(Draft::certain("sig-candidate-before-offer", text).of(other).citing([&moment.id]));
    }
}

/// What was sent and what came, where both sides told it.
fn rewritten(view: &View<'_>, found: &mut Found) {
    let (own, other) = (view.own(), view.other());
    let pairs = [(own, other), (other, own)];
    for (sender, receiver) in pairs {
        for sent in sender.history.of(Side::Local).filter(|known| known.signalled.is_some()) {
            let came = receiver.history.of(Side::Remote).find(|known| is_version_of(known, sent));
            let Some(came) = came.filter(|came| came.text != sent.text) else { continue };
            // A version that was not raised stands for more than one text.
            if sender.history.of(Side::Local).any(|known| known.text == came.text) {
                continue;
            }
            if found.has("sig-rewritten-sdp") {
                return;
            }
            let line = first_difference(&sent.text, &came.text);
            let text = format!(
                "the {}'s {} did not arrive as it was sent; line {line} differs",
                sender.role, sent.sdp_type
            );
            let severity = if came.rejected.is_some() { Severity::Blocker } else { Severity::Minor };
            let draft = Draft::certain("sig-rewritten-sdp", text).severity(severity);
            found.add(draft.citing([sent.id(), came.id()]));
        }
    }
}

fn first_difference(sent: &str, came: &str) -> usize {
    let (mut left, mut right) = (sent.lines(), came.lines());
    let mut line = 1;
    loop {
        match (left.next(), right.next()) {
            (Some(a), Some(b)) if a == b => line += 1,
            _ => return line,
        }
    }
}

/// What ends within so many microseconds ends together.
const TOGETHER: u64 = 1_000_000;

/// The room is gone while the media runs, or said what it does not know.
fn room(view: &View<'_>, found: &mut Found) {
    if let Some(lost) = &view.facts.room_lost
        && view.dtls_was_up()
        && view.facts.hang_up.as_ref().is_none_or(|hang_up| hang_up.at_us > lost.at_us)
        // A room may end with the call, and say so by closing.
        && view.facts.dtls_closed_by_peer.as_ref().is_none_or(|closed| closed.at_us > lost.at_us.saturating_add(TOGETHER))
    {
        let text = format!("the room was lost while the media ran: {}", lost.reason);
        found.add(Draft::certain("sig-socket-lost-midcall", text).citing([&lost.id]));
    }
    if let Some(left) = &view.other().presence.left
        && view.own().mids.values().any(|facts| {
            let limit = u64::try_from(view.limits().hang_up.as_micros()).unwrap_or(u64::MAX);
            facts.packets_grew_us.is_some_and(|grew| grew > left.at_us.saturating_add(limit))
        })
    {
        let other = view.other().role;
        let text = format!("the {other} is no longer in the room ({}), and its media goes on", left.reason);
        found.add(Draft::certain("sig-socket-lost-midcall", text).of(other).citing([&left.id]));
    }
    let history = &view.own().history;
    if view.rounds.complete.is_empty()
        && !history.unknown_signals.is_empty()
        && history.of(Side::Remote).next().is_none()
    {
        let text = format!("{} messages came whose kind is not known", history.unknown_signals.len());
        let ids = history.unknown_signals.iter().take(3).map(|moment| &moment.id);
        found.add(Draft::probable("sig-unrouted", text).or(&["sig-sdp-shape"]).citing(ids));
    }
}
