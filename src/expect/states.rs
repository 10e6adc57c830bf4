//! Judges states and the end of the call.

use super::judge::{Look, seconds};
use crate::facts::{Facts, PeerFacts, Reached};
use crate::jsep::{State, legal_path};
use crate::plan::{Op, Subject};

/// The state that was reached last before hang-up began.
pub(super) fn state(peer: &PeerFacts, subject: Subject, op: Op, word: &str) -> Look {
    let states = &peer.states;
    match subject {
        Subject::Ice if op == Op::Eq && word == "connected" => ice_up(peer),
        Subject::Ice => last(&states.ice, op, word),
        Subject::Dtls => last(&states.dtls, op, word),
        Subject::Connection => last(&states.connection, op, word),
        Subject::Signaling => last(&states.signaling, op, word),
        Subject::Gathering => last(&states.gathering, op, word),
        _ => Look::unmeasured("has no states"),
    }
}

/// All states that were reached, in order.
pub(super) fn path(peer: &PeerFacts, subject: Subject, op: Op, words: &[String]) -> Look {
    let states = &peer.states;
    match subject {
        Subject::IcePath => whole(&states.ice, op, words),
        Subject::DtlsPath => whole(&states.dtls, op, words),
        Subject::ConnectionPath => whole(&states.connection, op, words),
        Subject::SignalingPath => whole(&states.signaling, op, words),
        _ => Look::unmeasured("has no states"),
    }
}

fn whole<S: State + std::fmt::Display>(path: &[Reached<S>], op: Op, words: &[String]) -> Look {
    let same = path.iter().map(|reached| reached.state.to_string()).eq(words.iter().cloned());
    Look::new(same == (op == Op::Eq), path_text(path)).citing(path.iter().map(|reached| &reached.id))
}

fn last<S: State + std::fmt::Display>(path: &[Reached<S>], op: Op, word: &str) -> Look {
    // Nothing recorded means that nothing happened yet.
    let state = path.last().map_or(S::INITIAL, |reached| reached.state).to_string();
    Look::new((state == word) == (op == Op::Eq), path_text(path))
        .citing(path.last().map(|reached| &reached.id))
}

/// ICE is connected or completed, by a legal path, and has not lost it.
fn ice_up(peer: &PeerFacts) -> Look {
    let path = &peer.states.ice;
    let cited: Vec<&String> = path.iter().map(|reached| &reached.id).collect();
    if let Err(step) = legal_path(path.iter().map(|reached| reached.state)) {
        // Only callcheck reports states, so that its own stack is at fault and not the peer.
        let observed = format!("{}; {step} is no legal step, which is a fault of callcheck", path_text(path));
        return Look::unmeasured(observed).citing(cited);
    }
    let up = path.last().is_some_and(|reached| reached.state.is_up());
    let lost = path.iter().any(|reached| reached.state.is_up()) && !up;
    let text = path_text(path);
    let observed = if lost { format!("{text}: lost before hang-up began") } else { text };
    Look::new(up, observed).citing(cited)
}

fn path_text<S: State + std::fmt::Display>(path: &[Reached<S>]) -> String {
    if path.is_empty() {
        return S::INITIAL.to_string();
    }
    path.iter().map(|reached| reached.state.to_string()).collect::<Vec<_>>().join(", ")
}

/// None where there is no peer that announces its hang-up, or where the room that would carry it was lost in mid-call.
pub(super) fn clean_hang_up(facts: &Facts, over: bool) -> Option<Look> {
    let room_lost = facts.room_lost.is_some() && facts.answered();
    if !facts.both_met() || !facts.other().announces_end() || room_lost {
        return None;
    }
    Some(hang_up(facts, over, Op::Eq, "clean"))
}

/// The other side has closed DTLS, and nobody had hung up before that, nor did it say so afterwards.
fn said_nothing(facts: &Facts) -> bool {
    let closed_us = facts.dtls_closed_by_peer.as_ref().map_or(u64::MAX, |closed| closed.at_us);
    facts.hang_up.as_ref().is_none_or(|hang_up| hang_up.by == facts.own && hang_up.at_us > closed_us)
}

pub(super) fn hang_up(facts: &Facts, over: bool, op: Op, word: &str) -> Look {
    let other = facts.own.other();
    let (clean, look) = if let Some(left) = facts.vanished() {
        let text = format!(
            "the {other} vanished {} into the run: {}",
            seconds(left.at_us as f64 / 1e6),
            left.reason
        );
        (false, Look::new(false, text).citing([&left.id]).finally())
    } else if let Some(closed) = facts.dtls_closed_by_peer.as_ref().filter(|_| said_nothing(facts)) {
        (false, Look::new(false, closed.reason.clone()).citing([&closed.id]))
    } else if let Some(hang_up) = &facts.hang_up {
        // A peer that says when it is done, and hangs up without, has cut the call short.
        let early = hang_up.by == other && facts.other().announces_end() && !facts.other().done;
        let when = if early { " before it was done" } else { "" };
        let text = format!("the {} hung up{when}: {}", hang_up.by, hang_up.reason);
        (!early, Look::new(!early, text).citing([&hang_up.id]).finally())
    } else if let Some(ended) = &facts.ended {
        (
            true,
            Look::new(true, format!("the {} ended the call: {}", facts.own, ended.reason))
                .citing([&ended.id]),
        )
    } else if over {
        return Look::unmeasured("nobody recorded how the call ended");
    } else {
        // It has not ended, and so far nobody has left: that holds until somebody does.
        return Look::new(true, "the call has not ended");
    };
    let is_word = clean == (word == "clean");
    Look { holds: Some(is_word == (op == Op::Eq)), ..look }
}
