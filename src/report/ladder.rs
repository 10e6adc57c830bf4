//! What both sides did, on one time axis: the caller at the left, the callee at the right, signals as arrows between
//! them.

mod draw;
mod signals;

use std::collections::BTreeSet;

use super::words::printable;
use crate::jsep::Role;
use crate::jsep::masked;
use crate::timeline::{Event, Kind, Proof, Signal, Timeline};
use signals::{Arrow, Arrows};

/// What happens on one side within this time, which is the last digit of the axis, is told in one line.
const TOGETHER_US: u64 = 100;

/// Candidates that come later than this after the last one are told again: a late candidate explains much.
const RUN_US: u64 = 1_000_000;

/// A timeline of both sides as a ladder: signals, states, first media, faults and refused descriptions. At most 100
/// columns wide and 60 lines high, with a newline at the end; what is beyond that is counted. It shows no description
/// and no secret. Empty if there is nothing to tell. The timeline of one side is drawn as well, with the arrows that
/// this side has seen.
#[must_use]
pub fn ladder(timeline: &Timeline) -> String {
    let mut events: Vec<(Role, &Event)> =
        timeline.events.iter().map(|event| (side(event).unwrap_or(timeline.header.role), event)).collect();
    events.sort_by_key(|(_, event)| event.at_us);
    let arrows = Arrows::new(&events);
    let mut rows = Rows::default();
    for (index, &(role, event)) in events.iter().enumerate() {
        match &event.kind {
            Kind::SignalSent { signal, .. } | Kind::SignalReceived { signal, .. } => {
                if let Some(arrow) = arrows.of(index) {
                    rows.arrow(arrow, signal);
                }
            }
            kind => rows.event(role, event.at_us, kind),
        }
    }
    draw::text(&rows.rows)
}

/// Who recorded it, by its id.
fn side(event: &Event) -> Option<Role> {
    event.id.split_once(':')?.0.parse().ok()
}

/// A line of the ladder, or several if its text is long.
#[derive(Clone, Debug)]
struct Row {
    at_us: u64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// Something that happened on that side.
    On { role: Role, text: String, marked: bool, times: u32 },
    /// A signal, or candidates one after the other.
    Arrow { arrow: Arrow, label: String, said: String },
    /// The same before its length is known.
    Candidates { arrow: Arrow, count: u32, ended: bool, last_us: u64 },
}

#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    /// The row of candidates that is still growing, for each side that sends them.
    growing: [Option<usize>; 2],
    /// The pair of each side, as it was told last.
    pairs: [Option<String>; 2],
    /// The SSRCs that were told already.
    unbound: BTreeSet<u32>,
}

impl Rows {
    fn arrow(&mut self, arrow: &Arrow, signal: &Signal) {
        let (label, said) = match signal {
            Signal::Candidate { candidate, .. } => return self.candidate(arrow, candidate.is_empty()),
            Signal::EndOfCandidates { .. } => return self.candidate(arrow, true),
            Signal::Description { sdp_type, .. } => (sdp_type.as_str(), ""),
            Signal::Done => ("done", ""),
            Signal::HangUp { reason } => ("hang-up", reason.as_str()),
            Signal::Again => ("once more", ""),
            Signal::Ext(_) => ("ext", ""),
            // The one repeats what stands here anyway, the other is the tester's own book-keeping.
            Signal::Report(_) | Signal::Step { .. } => return,
        };
        // Whether candidates came before or after a description matters.
        self.growing = [None; 2];
        let what = What::Arrow { arrow: arrow.clone(), label: label.to_owned(), said: free(said) };
        self.rows.push(Row { at_us: arrow.at_us, what });
    }

    fn candidate(&mut self, arrow: &Arrow, end: bool) {
        let known = self.growing[arrow.from as usize].and_then(|index| self.rows.get_mut(index));
        if let Some(Row { what: What::Candidates { arrow: first, count, ended, last_us }, .. }) = known
            && arrow.at_us - *last_us <= RUN_US
            && first.lost == arrow.lost
        {
            *count += u32::from(!end);
            *ended |= end;
            *last_us = arrow.at_us;
            return;
        }
        self.growing[arrow.from as usize] = Some(self.rows.len());
        let (arrow, last_us) = (arrow.clone(), arrow.at_us);
        let what = What::Candidates { arrow, count: u32::from(!end), ended: end, last_us };
        self.rows.push(Row { at_us: last_us, what });
    }

    fn event(&mut self, role: Role, at_us: u64, kind: &Kind) {
        if let Kind::UnboundRtp(rtp) = kind
            && !self.unbound.insert(rtp.ssrc)
        {
            return;
        }
        if let (Kind::SelectedPair(_), Some(text)) = (kind, plain(kind))
            && self.pairs[role as usize].replace(text.clone()) == Some(text)
        {
            // Figures of a pair are sampled; which it is has not changed.
            return;
        }
        if let Some(text) = plain(kind) {
            self.push(role, at_us, text, false);
        } else if let Some(text) = wrong(kind) {
            self.push(role, at_us, text, true);
        }
    }

    fn push(&mut self, role: Role, at_us: u64, text: String, marked: bool) {
        if let Some(Row { at_us: begun, what }) = self.rows.last_mut()
            && let What::On { role: same, text: before, marked: was, times } = what
            && (*same, *was) == (role, marked)
        {
            if *before == text {
                *times += 1;
                return;
            }
            let fits = before.chars().count() + 2 + text.chars().count() <= draw::LANE;
            if !marked && *times == 1 && fits && at_us - *begun < TOGETHER_US {
                before.push_str(", ");
                before.push_str(&text);
                return;
            }
        }
        self.rows.push(Row { at_us, what: What::On { role, text, marked, times: 1 } });
    }
}

/// What belongs to every call; none for what is told otherwise, or not at all.
fn plain(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Joined { .. } => "joined".to_owned(),
        Kind::SignalingState(state) => format!("signaling {state}"),
        Kind::IceState(state) => format!("ICE {state}"),
        Kind::DtlsState(state) => format!("DTLS {state}"),
        Kind::SelectedPair(pair) => {
            format!("pair {} to {}", free(&pair.local.candidate_type), free(&pair.remote.candidate_type))
        }
        Kind::Track { mid, kind, .. } => format!("track {kind} (mid {})", free(mid)),
        Kind::TrackMuted { mid, kind } => format!("muted {kind}{}", of(mid.as_deref())),
        Kind::TrackRemoved { mid, kind, .. } => format!("removed {kind}{}", of(mid.as_deref())),
        Kind::TrackEnded { mid, kind } => format!("ended {kind}{}", of(mid.as_deref())),
        Kind::FirstRtp { mid, kind } => format!("RTP {kind} (mid {})", free(mid)),
        Kind::MediaProven { mid, kind, proof } => {
            let proof = match proof {
                Proof::Stamped => "proven",
                Proof::Decoded => "decoded",
            };
            format!("{proof} {kind} (mid {})", free(mid))
        }
        Kind::DataChannel(channel) if channel.error.is_none() => {
            format!("channel {} {}", free(&channel.label), free(&channel.state))
        }
        Kind::PeerLeft { reason, .. } if reason == "left" => "the peer left".to_owned(),
        Kind::Reoffered => "offers once more".to_owned(),
        Kind::Interrupted => "interrupted".to_owned(),
        Kind::Ended { reason } => format!("ended: {}", free(reason)),
        _ => return None,
    })
}

/// What does not belong to a good call.
fn wrong(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Fault { id } => format!("fault {}", free(id)),
        Kind::DescriptionRejected { side, sdp_type, error, .. } => {
            format!("{side} {sdp_type} rejected: {}", free(error))
        }
        Kind::Operation { name, error: Some(error), .. } => {
            format!("{} rejected: {}", free(name), free(error))
        }
        Kind::CandidateRefused { error, .. } => format!("candidate refused: {}", free(error)),
        Kind::MediaWrong { mid, kind, wrong } => {
            format!("wrong {kind} (mid {}): {}", free(mid), free(wrong))
        }
        Kind::PeerLeft { reason, .. } => format!("the peer is gone: {}", free(reason)),
        Kind::RoomError { code, message } => format!("room: {}: {}", free(code), free(message)),
        Kind::RoomLost { reason } => format!("the room is gone: {}", free(reason)),
        Kind::ServerError(error) => format!("{} from {}", error.code, free(&error.url)),
        Kind::DtlsError(error) => format!("{}: {}", free(&error.detail), free(&error.text)),
        Kind::UnboundRtp(rtp) => format!("RTP of SSRC {} that no m-section takes", rtp.ssrc),
        Kind::DataChannel(channel) => {
            let error = channel.error.as_deref().unwrap_or_default();
            format!("channel {} {}: {}", free(&channel.label), free(&channel.state), free(error))
        }
        Kind::EngineLimit { limit, .. } => format!("limit of the engine: {}", free(limit)),
        Kind::TesterDefect { what, .. } => format!("callcheck's own defect: {}", free(what)),
        _ => return None,
    })
}

fn of(mid: Option<&str>) -> String {
    mid.map(|mid| format!(" (mid {})", free(mid))).unwrap_or_default()
}

/// Text that somebody else wrote: its first line up to a description, which an error may quote, and without secrets.
fn free(text: &str) -> String {
    // A quoted description may have its line ends written out.
    let text = text.replace("\\r", "\n").replace("\\n", "\n");
    let masked = masked(&text);
    let first = masked.trim_start().lines().next().unwrap_or_default();
    let before = first.split_once("v=0").map_or(first, |(before, _)| before);
    printable(before).trim_end().to_owned()
}

#[cfg(test)]
mod tests;
