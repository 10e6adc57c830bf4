//! Every recorded call of Chromium with itself, as a real call of ours.

use callcheck::jsep::{Direction, MediaKind, Role};
use callcheck::plan::{Operation, Step};

use crate::call::{each, faults, script};
use crate::cases::chromium::{Act, Scenario, scenarios};

/// Recordings that our connections do not end as Chromium did, and why.
const UNMET: &[(&str, &str)] = &[];

/// Where the recording counts `negotiationneeded` otherwise, and why.
const NOT_COUNTED: &[(&str, Role, &str)] = &[(
    "s50-caller-no-media-offerToReceive",
    Role::Caller,
    "the legacy options make transceivers inside createOffer, which no operation of ours does",
)];

#[test]
fn every_recorded_call_ends_as_it_did() {
    let scenarios = scenarios();
    let outcomes = each(&scenarios, |scenario| {
        let (steps, trickling) = (steps(scenario), trickling(scenario));
        async move { script(&steps, &trickling).await }
    });
    let mut wrong = Vec::new();
    for (scenario, outcome) in scenarios.iter().zip(&outcomes) {
        let name = &scenario.name;
        let mut found = faults(outcome);
        found.extend(outcome.rejected.iter().map(|one| format!("step {} rejected: {}", one.step, one.error)));
        for (role, side) in [(Role::Caller, &outcome.caller), (Role::Callee, &outcome.callee)] {
            let observed = scenario.observed.side(role);
            let mut same = |what: &str, ours: String, browser: String| {
                if ours != browser {
                    found.push(format!("{role}: {what}: ours {ours}, Chromium {browser}"));
                }
            };
            let ours: Vec<_> = side
                .transceivers
                .iter()
                .map(|row| (&row.mid, row.kind, row.direction, row.current_direction, row.sender_track))
                .collect();
            let browser: Vec<_> = observed
                .transceivers
                .iter()
                .map(|row| (&row.mid, row.kind, row.direction, row.current_direction, row.sender_track))
                .collect();
            same("transceivers", format!("{ours:?}"), format!("{browser:?}"));
            let ours: Vec<_> = side.ontrack.iter().map(|one| (one.kind, &one.mid, one.streams)).collect();
            let browser: Vec<_> =
                observed.ontrack.iter().map(|one| (one.kind, &one.mid, one.streams)).collect();
            same("ontrack", format!("{ours:?}"), format!("{browser:?}"));
            same(
                "states",
                format!("{:?}", side.signaling_states),
                format!("{:?}", observed.signaling_states),
            );
            if !NOT_COUNTED.iter().any(|(scenario, who, _)| scenario == name && *who == role) {
                same(
                    "negotiationneeded",
                    side.negotiationneeded.to_string(),
                    observed.negotiationneeded.to_string(),
                );
            }
        }
        match (found.is_empty(), UNMET.iter().any(|(unmet, _)| unmet == name)) {
            (true, true) => wrong.push(format!("{name}: strike it out of UNMET")),
            (false, false) => wrong.push(format!("{name}: {found:#?}")),
            _ => {}
        }
    }
    println!("{} of {} recorded calls end as in Chromium", scenarios.len() - wrong.len(), scenarios.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), scenarios.len(), wrong.join("\n"));
}

fn trickling(scenario: &Scenario) -> Vec<Role> {
    match scenario.name.split('-').next() {
        Some("s30") => vec![Role::Caller],
        Some("s31") => vec![Role::Callee],
        Some("s32") => Vec::new(),
        _ => vec![Role::Caller, Role::Callee],
    }
}

/// The recording as a script. An answer is delivered when it is set, as nothing that follows depends on it.
fn steps(scenario: &Scenario) -> Vec<Step> {
    let mut steps = Vec::new();
    if trickling(scenario).len() < 2 {
        // Without trickle from a side its descriptions carry no candidates either.
        for who in [Role::Caller, Role::Callee] {
            let lines = ["a=candidate", "a=end-of-candidates"].map(str::to_owned).to_vec();
            steps.push(step(who, Operation::EditNextSdp { remove_lines_starting_with: lines }));
        }
    }
    // The transceivers that addTransceiver made before the offer came stand before those of the offer.
    let before_offer = |act: &&Act| act.op != "setRemoteDescription" || act.who == Role::Caller;
    let own = scenario.timeline.iter().take_while(before_offer);
    let own = own.filter(|act| act.who == Role::Callee && act.op == "addTransceiver");
    let first_associated = own.map(|act| act.kinds.len()).sum();
    for act in &scenario.timeline {
        steps.extend(operations(act, first_associated).into_iter().map(|operation| step(act.who, operation)));
        if let Some(of) = act.of.as_deref().filter(|of| of.contains("offer")) {
            let author = of.split(' ').next().and_then(|word| word.parse().ok()).expect("whose offer");
            steps.push(step(author, Operation::Deliver));
        }
    }
    steps.push(Step { who: None, operation: Operation::Wait(std::time::Duration::from_millis(100)) });
    steps
}

fn step(who: Role, operation: Operation) -> Step {
    Step { who: Some(who), operation }
}

fn operations(act: &Act, first_associated: usize) -> Vec<Operation> {
    let attach = |transceiver: bool| {
        let one = |&kind: &MediaKind| {
            let streams = act.streams.clone();
            if transceiver {
                Operation::AddTransceiver { kind, with_track: true, direction: None, streams }
            } else {
                Operation::AddTrack { kind, streams }
            }
        };
        act.kinds.iter().map(one).collect()
    };
    match act.op.as_str() {
        "addTrack" | "addTrackOrAddTransceiver" => attach(false),
        "addTransceiver" => attach(true),
        "offer" => legacy(act).into_iter().chain([Operation::SetLocalOffer]).collect(),
        "createAnswer" => vec![Operation::CreateAnswer],
        "setLocalDescription" => vec![Operation::ApplyKeptAnswer],
        "answer" => vec![Operation::Answer],
        "patchTransceivers" => patch(act, first_associated),
        // Delivered with the offer or the answer.
        "setRemoteDescription" | "ignoreNegotiationneeded" => Vec::new(),
        other => panic!("unknown act {other}"),
    }
}

fn legacy(act: &Act) -> Vec<Operation> {
    let options = &act.legacy_options;
    let wanted = [
        (options.offer_to_receive_audio, MediaKind::Audio),
        (options.offer_to_receive_video, MediaKind::Video),
    ];
    let receiver = |kind| Operation::AddTransceiver {
        kind,
        with_track: false,
        direction: Some(Direction::Recvonly),
        streams: Vec::new(),
    };
    wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, kind)| receiver(kind)).collect()
}

/// Changes the associated transceivers, which begin at `first`.
fn patch(act: &Act, first: usize) -> Vec<Operation> {
    [(first, MediaKind::Audio), (first + 1, MediaKind::Video)]
        .into_iter()
        .flat_map(|(transceiver, kind)| {
            let replace =
                act.replace_track.then_some(Operation::ReplaceTrack { transceiver, track: Some(kind) });
            let direct =
                act.set_direction.map(|direction| Operation::SetDirection { transceiver, direction });
            let streams =
                act.set_streams.clone().map(|streams| Operation::SetStreams { transceiver, streams });
            [replace, direct, streams].into_iter().flatten()
        })
        .collect()
}
