//! Every script of `wpt-cases.json` as a real call.

use std::fmt::Debug;

use callcheck::jsep::Role;
use callcheck::leg::script::{Outcome, ScriptRow, SideOutcome};

use crate::call::{each, faults, script};
use crate::cases::Row;
use crate::cases::wpt::{Case, Ending, SideEnding, cases};

/// Scripts that our connections do not end as any browser did, and why.
const UNMET: &[(u32, &str)] = &[];

#[test]
fn every_script_ends_as_in_a_browser() {
    let cases = cases();
    let outcomes = each(&cases, |case| {
        let steps = case.steps();
        async move { script(&steps, &[Role::Caller, Role::Callee]).await }
    });
    let (mut wrong, mut met) = (Vec::new(), 0);
    for (case, outcome) in cases.iter().zip(&outcomes) {
        let chromium = compare(case, outcome, &case.expected.chromium);
        let firefox = compare(case, outcome, &case.expected.firefox);
        let ends_well = if case.engines_agree {
            chromium.is_empty() && firefox.is_empty()
        } else {
            chromium.is_empty() || firefox.is_empty()
        };
        met += usize::from(ends_well);
        match (ends_well, UNMET.iter().find(|(number, _)| *number == case.number)) {
            (true, Some(_)) => wrong.push(format!("{} {}: strike it out of UNMET", case.number, case.id)),
            (false, None) => wrong.push(format!(
                "{} {}\n  from Chromium: {chromium:#?}\n  from Firefox: {firefox:#?}\n  faults: {:#?}",
                case.number,
                case.id,
                faults(outcome)
            )),
            _ => {}
        }
    }
    println!("{met} of {} scripts end as in a browser", cases.len());
    for (number, why) in UNMET {
        println!("  not {number}: {why}");
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// What the call and that browser do not share. Something not observed is a difference.
fn compare(case: &Case, outcome: &Outcome, expected: &Ending) -> Vec<String> {
    let (Some(caller), Some(callee)) = (&expected.caller, &expected.callee) else {
        return vec![format!("not observed: {:?}", expected.not_observed)];
    };
    let mut found = Vec::new();
    compare_side("caller", &outcome.caller, caller, &mut found);
    compare_side("callee", &outcome.callee, callee, &mut found);
    let checkpoints: Vec<_> =
        outcome.checkpoints.iter().map(|at| (rows(&at.caller), rows(&at.callee))).collect();
    let in_browser: Vec<_> =
        expected.checkpoints.iter().map(|at| (known(&at.caller), known(&at.callee))).collect();
    same(&mut found, "checkpoints", &checkpoints, &in_browser);
    let rejected: Vec<_> = outcome.rejected.iter().map(|one| (one.step, one.error.to_string())).collect();
    let in_browser: Vec<_> = expected.rejected.iter().map(|one| (one.step, one.error.clone())).collect();
    same(&mut found, "rejected", &rejected, &in_browser);
    let defects = faults(outcome);
    if rejected.is_empty() && !defects.is_empty() {
        found.push(format!("{}: {defects:?}", case.id));
    }
    found
}

fn compare_side(who: &str, side: &SideOutcome, expected: &SideEnding, found: &mut Vec<String>) {
    let mut compare = |what: &str, ours: &dyn Debug, browser: &dyn Debug| {
        same(found, &format!("{who}: {what}"), &format!("{ours:?}"), &format!("{browser:?}"));
    };
    compare("signaling state", &side.signaling_state, &expected.signaling_state);
    compare("transceivers", &rows(&side.transceivers), &known(&expected.transceivers));
    let fired: Vec<_> =
        side.ontrack.iter().map(|one| (one.kind, &one.mid, one.transceiver, one.streams)).collect();
    let browser: Vec<_> =
        expected.ontrack.iter().map(|one| (one.kind, &one.mid, one.transceiver, one.streams)).collect();
    compare("ontrack", &fired, &browser);
    if let Some(count) = expected.negotiationneeded {
        compare("negotiationneeded", &side.negotiationneeded, &count);
    }
    if let Some(states) = &expected.ice_connection_states {
        compare("ICE states", &side.ice_connection_states, states);
    }
    if let Some(states) = &expected.connection_states {
        compare("connection states", &side.connection_states, states);
    }
    if let Some(mlines) = &expected.local_mlines {
        let browser: Vec<_> = mlines.iter().map(|line| (line.kind.clone(), line.port0)).collect();
        compare("m-lines", &side.local_sections, &browser);
    }
    if let Some(kinds) = &expected.local_mline_kinds {
        let ours: Vec<_> = side.local_sections.iter().map(|(kind, _)| kind).collect();
        compare("kinds of m-lines", &ours, &kinds.iter().collect::<Vec<_>>());
    }
}

/// What a script knows of a row.
pub(crate) type Known = (Option<String>, String, String, Option<String>, bool);

pub(crate) fn rows(rows: &[ScriptRow]) -> Vec<Known> {
    let row = |row: &ScriptRow| {
        let current = row.current_direction.map(|current| current.to_string());
        (row.mid.clone(), row.kind.to_string(), row.direction.to_string(), current, row.sender_track)
    };
    rows.iter().map(row).collect()
}

pub(crate) fn known(rows: &[Row]) -> Vec<Known> {
    let row = |row: &Row| {
        let current = row.current_direction.map(|current| current.to_string());
        (row.mid.clone(), row.kind.to_string(), row.direction.to_string(), current, row.sender_track)
    };
    rows.iter().map(row).collect()
}

fn same<T: Debug + PartialEq>(found: &mut Vec<String>, what: &str, ours: &T, browser: &T) {
    if ours != browser {
        found.push(format!("{what}: ours {ours:?}, browser {browser:?}"));
    }
}
