//! Random scripts, once on two model peers that exchange texts of their own, once as a real call: both end alike.

use callcheck::jsep::{Association, MediaKind, Role};
use callcheck::leg::script::{Outcome, SideOutcome};
use callcheck::plan::{Operation, Step};
use callcheck::timeline::Kind;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::call::{each, faults, script};
use crate::cases::arbitrary::whole_rounds;
use crate::driver::{Driver, End, rows as model_rows};
use crate::scripts::{known, rows};

/// Each is a call with real sockets and takes some milliseconds.
const SCRIPTS: usize = 60;

#[test]
fn model_and_connection_agree() {
    let scripts = scripts();
    let outcomes = each(&scripts, |steps| {
        let steps = steps.clone();
        async move { script(&steps, &[Role::Caller, Role::Callee]).await }
    });
    let mut wrong = Vec::new();
    for (steps, outcome) in scripts.iter().zip(&outcomes) {
        let mut driver = Driver::new(Association::Jsep);
        driver.run(steps);
        let differences = differences(&driver, outcome);
        if !differences.is_empty() {
            wrong.push(format!("{differences:#?}\nafter {steps:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {SCRIPTS}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_offered_data_channel_is_accepted() {
    let step = |operation| Step { who: Some(Role::Caller), operation };
    let steps = vec![
        step(Operation::AddTrack { kind: MediaKind::Audio, streams: vec!["s".to_owned()] }),
        step(Operation::CreateDataChannel),
        step(Operation::Negotiate),
        Step { who: None, operation: Operation::WaitIceConnected },
    ];
    let outcomes = each(&[steps], |steps| {
        let steps = steps.clone();
        async move { script(&steps, &[Role::Caller, Role::Callee]).await }
    });
    let live = |media: &str| (media.to_owned(), false);
    for outcome in &outcomes {
        assert_eq!(faults(outcome), Vec::<String>::new());
        assert_eq!(outcome.callee.local_sections, [live("audio"), live("application")]);
        assert_eq!(outcome.rejected.len(), 0);
    }
}

/// The same ones in each run.
fn scripts() -> Vec<Vec<Step>> {
    let mut runner = TestRunner::deterministic();
    // A data channel that comes late is a limit of the engine, which has its own tests.
    let is_possible = |step: &Step| step.operation != Operation::CreateDataChannel;
    let mut one = || -> Vec<Step> {
        let steps = whole_rounds().new_tree(&mut runner).unwrap().current();
        steps.into_iter().filter(is_possible).collect()
    };
    (0..SCRIPTS).map(|_| one()).collect()
}

fn differences(driver: &Driver, outcome: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    let rejected: Vec<_> = outcome.rejected.iter().map(|one| (one.step, one.error.to_string())).collect();
    let by_model: Vec<_> = driver.rejected.iter().map(|one| (one.step, one.error.clone())).collect();
    if rejected != by_model {
        found.push(format!("rejected: {rejected:?}, by the model {by_model:?}"));
    }
    side("caller", &driver.caller, &outcome.caller, &mut found);
    side("callee", &driver.callee, &outcome.callee, &mut found);
    found
}

fn side(who: &str, model: &End, call: &SideOutcome, found: &mut Vec<String>) {
    let mut compare = |what: &str, call: String, model: String| {
        if call != model {
            found.push(format!("{who}: {what}: {call}, by the model {model}"));
        }
    };
    compare(
        "transceivers",
        format!("{:?}", rows(&call.transceivers)),
        format!("{:?}", known(&model_rows(&model.peer))),
    );
    let fired: Vec<_> = call.ontrack.iter().map(|one| (one.kind, &one.mid, one.streams)).collect();
    let by_model: Vec<_> = model.ontrack.iter().map(|one| (one.kind, &one.mid, one.streams)).collect();
    compare("ontrack", format!("{fired:?}"), format!("{by_model:?}"));
    compare(
        "signaling states",
        format!("{:?}", call.signaling_states),
        format!("{:?}", model.signaling_states),
    );
    compare("negotiationneeded", call.negotiationneeded.to_string(), model.negotiationneeded.to_string());
    for event in &call.events {
        if matches!(&event.kind, Kind::EngineLimit { limit, .. } if limit == "ice-restart-taken-back") {
            // What the engine cannot take back, it says; everything else must agree all the same.
            continue;
        }
        if matches!(event.kind, Kind::TesterDefect { .. } | Kind::EngineLimit { .. }) {
            found.push(format!("{who}: {:?}", event.kind));
        }
    }
}
