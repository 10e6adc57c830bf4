//! The attach × moment × offered-direction matrix as real calls, against the browsers' table. Prints its own.

use std::time::Duration;

use callcheck::jsep::{Direction, MediaKind, Role, SdpFacts, SdpType, Side};
use callcheck::leg::script::{Outcome, SideOutcome};
use callcheck::plan::{Operation, Step};
use callcheck::timeline::{Event, Kind};

use crate::call::{each, faults, packets_received, script};
use crate::cases::oracle::{OracleRow, rows};

const AUDIO: MediaKind = MediaKind::Audio;

/// How long a side that should be silent is listened to once ICE is up.
const LISTEN: Duration = Duration::from_millis(400);

#[test]
fn the_matrix_equals_the_browsers_table() {
    let rows = rows();
    assert_eq!(rows.len(), 44);
    let outcomes = each(&rows, |row| {
        let steps = steps(row);
        async move { script(&steps, &[Role::Caller, Role::Callee]).await }
    });
    println!(
        "{:3} {:9} {:44} {:9} {:19} {:8} {:7} {:7} {:5} {:4} {:6} {:6} browsers",
        "row",
        "offered",
        "the answerer",
        "answer",
        "current a/o",
        "track a/o",
        "streams",
        "removed",
        "ended",
        "rtp",
        "unassoc",
        "needed"
    );
    let mut wrong = Vec::new();
    for (row, outcome) in rows.iter().zip(&outcomes) {
        let (found, expected) = (observe(outcome), expectation(row));
        let rejected = outcome.rejected.iter().map(|one| format!("step {}: {}", one.step, one.error));
        let faults: Vec<String> = faults(outcome).into_iter().chain(rejected).collect();
        let same = found == expected && faults.is_empty();
        println!(
            "{:3} {:9} {:44} {} {}",
            row.id,
            row.offer.as_str(),
            answerer(row.state),
            found.join(" "),
            if same { "same" } else { "DIFFERENT" }
        );
        if !same {
            wrong.push(format!("{}\n  ours     {found:?}\n  browsers {expected:?}\n  {faults:#?}", row.id));
        }
    }
    println!("{} of {} rows equal the browsers' table", rows.len() - wrong.len(), rows.len());
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What the answerer does, in words.
fn answerer(state: char) -> &'static str {
    match state {
        'A' => "attaches nothing",
        'B' => "add-track before the offer",
        'C' => "add-transceiver before the offer",
        'D' => "addTransceiver, addTrack before the offer",
        'E' => "add-track, replaceTrack(null) before it",
        'F' => "add-track after the offer",
        'G' => "add-transceiver after the offer",
        'H' => "reuse, sendrecv, after the offer",
        'I' => "reuse, sendonly, after the offer",
        'J' => "inactive after the offer",
        'K' => "stop after the offer",
        _ => "?",
    }
}

fn steps(row: &OracleRow) -> Vec<Step> {
    let streams = || vec!["S".to_owned()];
    let add_track = || Operation::AddTrack { kind: AUDIO, streams: streams() };
    let add_transceiver = |with_track, direction| Operation::AddTransceiver {
        kind: AUDIO,
        with_track,
        direction,
        streams: if with_track { streams() } else { Vec::new() },
    };
    let caller = |operation| Step { who: Some(Role::Caller), operation };
    let callee = |operation| Step { who: Some(Role::Callee), operation };
    let replace = |track| Operation::ReplaceTrack { transceiver: 0, track };
    let direct = |direction| Operation::SetDirection { transceiver: 0, direction };
    let before = match row.state {
        'B' => vec![add_track()],
        'C' => vec![add_transceiver(true, None)],
        'D' => vec![add_transceiver(false, None), add_track()],
        'E' => vec![add_track(), replace(None)],
        _ => Vec::new(),
    };
    let after = match row.state {
        'F' => vec![add_track()],
        'G' => vec![add_transceiver(true, None)],
        'H' => vec![direct(Direction::Sendrecv), replace(Some(AUDIO))],
        'I' => vec![direct(Direction::Sendonly), replace(Some(AUDIO))],
        'J' => vec![direct(Direction::Inactive)],
        'K' => vec![Operation::Stop { transceiver: 0 }],
        _ => Vec::new(),
    };
    let mut steps = vec![caller(add_transceiver(true, Some(row.offer)))];
    steps.extend(before.into_iter().map(callee));
    steps.push(caller(Operation::Offer));
    steps.extend(after.into_iter().map(callee));
    steps.push(callee(Operation::Answer));
    steps.push(Step { who: None, operation: Operation::WaitIceConnected });
    steps.push(Step { who: None, operation: Operation::Wait(LISTEN) });
    steps
}

fn expectation(row: &OracleRow) -> Vec<String> {
    let streams = match row.offerer_streams.split(' ').next() {
        Some("[S]") => "1",
        Some("[]") => "0",
        _ => "-",
    };
    cells(
        row.answer,
        (row.cur_answerer, row.cur_offerer),
        (row.ontrack_answerer, row.ontrack_offerer),
        streams,
        [row.track_removed_at_answer, row.track_ended_by_stop, row.rtp_from_answerer],
        (row.unassociated, row.nn_answerer),
    )
}

fn observe(outcome: &Outcome) -> Vec<String> {
    let (offerer, answerer) = (&outcome.caller, &outcome.callee);
    let current = |side: &SideOutcome| {
        let row = side.transceivers.iter().find(|row| row.mid.as_deref() == Some("0"));
        row.and_then(|row| row.current_direction).unwrap_or(Direction::Stopped)
    };
    let answer = offerer.events.iter().find_map(|event| match &event.kind {
        Kind::DescriptionSet { side: Side::Remote, sdp_type: SdpType::Answer, sdp, .. } => {
            SdpFacts::parse(sdp).sections.first().map(|section| section.direction)
        }
        _ => None,
    });
    let at_answer = since_answer(answerer);
    let removed = at_answer.iter().any(|event| matches!(event.kind, Kind::TrackMuted { .. }));
    let needed = at_answer.iter().any(|event| event.kind == Kind::NegotiationNeeded);
    let ended = answerer.events.iter().any(|event| matches!(event.kind, Kind::TrackEnded { .. }));
    let streams = offerer.ontrack.first().map_or_else(|| "-".to_owned(), |one| one.streams.to_string());
    cells(
        answer.unwrap_or(Direction::Stopped),
        (current(answerer), current(offerer)),
        (!answerer.ontrack.is_empty(), !offerer.ontrack.is_empty()),
        &streams,
        [removed, ended, packets_received(offerer) > 0],
        (answerer.transceivers.iter().filter(|row| row.mid.is_none()).count(), needed),
    )
}

/// What happened at the answerer from its setLocalDescription(answer) on.
fn since_answer(side: &SideOutcome) -> &[Event] {
    let answer = |event: &Event| {
        matches!(event.kind, Kind::DescriptionSet { side: Side::Local, sdp_type: SdpType::Answer, .. })
    };
    side.events.iter().position(answer).map_or(&[], |at| &side.events[at..])
}

/// A line of the table, padded.
fn cells(
    answer: Direction,
    current: (Direction, Direction),
    track: (bool, bool),
    streams: &str,
    [removed, ended, rtp]: [bool; 3],
    (unassociated, needed): (usize, bool),
) -> Vec<String> {
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    vec![
        format!("{answer:9}"),
        format!("{:19}", format!("{}/{}", current.0, current.1)),
        format!("{:9}", format!("{}/{}", yes(track.0), yes(track.1))),
        format!("{streams:7}"),
        format!("{:7}", yes(removed)),
        format!("{:5}", yes(ended)),
        format!("{:4}", yes(rtp)),
        format!("{unassociated:7}"),
        format!("{:6}", yes(needed)),
    ]
}
