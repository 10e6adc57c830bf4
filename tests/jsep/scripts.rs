//! Every script of `wpt-cases.json`: the model ends as a browser did.

use callcheck::jsep::{Association, SectionMedia, legal_path};

use crate::cases::wpt::{Case, Ending, Mline, SideEnding, cases};
use crate::driver::{Driver, End, rows};

/// Where the browsers disagree: whom the model follows, and why.
const FOLLOWED: &[(u32, Browser, &str)] = &[
    (25, Browser::Firefox, "a stopping transceiver fires no second track event (W3C webrtc §4.4.1.5)"),
    (27, Browser::Firefox, "Chromium refuses its own offer after a rollback, which is a defect of Chromium"),
    (34, Browser::Firefox, "a stopping transceiver fires no second track event (W3C webrtc §4.4.1.5)"),
    (39, Browser::Chromium, "negotiationneeded fires although the offer follows at once; Firefox coalesces"),
    (40, Browser::Chromium, "negotiationneeded fires although the offer follows at once; Firefox coalesces"),
    (41, Browser::Chromium, "negotiationneeded fires although the offer follows at once; Firefox coalesces"),
    (53, Browser::Chromium, "only Chromium's state after close() was observed"),
    (54, Browser::Chromium, "only Chromium's state after close() was observed"),
];

/// Scripts that the model does not end as any browser did, and why.
const UNMET: &[(u32, &str)] = &[];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Browser {
    Chromium,
    Firefox,
}

#[test]
fn every_script_ends_as_in_a_browser() {
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        let (chromium, firefox) = (differences(case, Browser::Chromium), differences(case, Browser::Firefox));
        let followed =
            FOLLOWED.iter().find(|(number, ..)| *number == case.number).map(|(_, browser, _)| *browser);
        let met = match followed {
            Some(Browser::Chromium) => chromium.is_empty(),
            Some(Browser::Firefox) => firefox.is_empty(),
            None if case.engines_agree => chromium.is_empty() && firefox.is_empty(),
            None => chromium.is_empty() || firefox.is_empty(),
        };
        match (met, UNMET.iter().any(|(number, _)| *number == case.number)) {
            (true, true) => wrong.push(format!("{} {} is met: strike it out of UNMET", case.number, case.id)),
            (false, false) => wrong.push(format!(
                "{} {}\n  from Chromium: {chromium:#?}\n  from Firefox: {firefox:#?}",
                case.number, case.id
            )),
            _ => {}
        }
    }
    assert!(!cases.is_empty());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_table_of_whom_we_follow_is_needed() {
    for case in cases() {
        let Some((_, browser, why)) = FOLLOWED.iter().find(|(number, ..)| *number == case.number) else {
            continue;
        };
        let other = if *browser == Browser::Chromium { Browser::Firefox } else { Browser::Chromium };
        assert!(!case.engines_agree, "{}: the browsers agree", case.number);
        assert!(!differences(&case, other).is_empty(), "{}: {why}: but {other:?} does the same", case.number);
    }
}

#[test]
fn the_states_of_the_browsers_are_legal() {
    let mut checked = 0;
    for case in cases() {
        for ending in [&case.expected.chromium, &case.expected.firefox] {
            for side in [&ending.caller, &ending.callee].into_iter().flatten() {
                let ice = side.ice_connection_states.iter().flatten().copied();
                assert_eq!(legal_path(ice), Ok(()), "{}", case.id);
                let states = side.connection_states.iter().flatten().copied();
                assert_eq!(legal_path(states), Ok(()), "{}", case.id);
                checked += usize::from(side.connection_states.is_some());
            }
        }
    }
    assert!(checked > 0);
}

/// What the model and that browser do not share. Something not observed is a difference.
fn differences(case: &Case, browser: Browser) -> Vec<String> {
    let expected = match browser {
        Browser::Chromium => &case.expected.chromium,
        Browser::Firefox => &case.expected.firefox,
    };
    let mut driver = Driver::new(Association::Jsep);
    driver.run(&case.steps());
    compare(&driver, expected)
}

fn compare(driver: &Driver, expected: &Ending) -> Vec<String> {
    let (Some(caller), Some(callee)) = (&expected.caller, &expected.callee) else {
        return vec![format!("not observed: {:?}", expected.not_observed)];
    };
    let mut differences = Vec::new();
    compare_side("caller", &driver.caller, caller, &mut differences);
    compare_side("callee", &driver.callee, callee, &mut differences);
    note(&mut differences, "checkpoints", &driver.checkpoints, &expected.checkpoints);
    note(&mut differences, "rejected", &driver.rejected, &expected.rejected);
    differences
}

fn compare_side(who: &str, end: &End, expected: &SideEnding, differences: &mut Vec<String>) {
    let mut same = |what: &str, model: &dyn std::fmt::Debug, browser: &dyn std::fmt::Debug| {
        note_text(differences, &format!("{who}: {what}"), format!("{model:?}"), format!("{browser:?}"));
    };
    same("signaling state", &end.peer.signaling_state(), &expected.signaling_state);
    same("transceivers", &rows(&end.peer), &expected.transceivers);
    same("ontrack", &end.ontrack, &expected.ontrack);
    if let Some(count) = expected.negotiationneeded {
        same("negotiationneeded", &end.negotiationneeded, &count);
    }
    let mlines: Vec<Mline> = end.peer.local_description().map_or_else(Vec::new, |description| {
        let mline = |section: &callcheck::jsep::LocalSection| Mline {
            kind: SectionMedia::word(&section.media).to_owned(),
            port0: section.rejected,
        };
        description.sections.iter().map(mline).collect()
    });
    if let Some(expected) = &expected.local_mlines {
        same("m-lines", &mlines, expected);
    }
    if let Some(expected) = &expected.local_mline_kinds {
        let kinds: Vec<&String> = mlines.iter().map(|mline| &mline.kind).collect();
        same("kinds of m-lines", &kinds, &expected.iter().collect::<Vec<_>>());
    }
    assert_eq!(legal_path(end.signaling_states.iter().copied()), Ok(()));
}

fn note<T: std::fmt::Debug>(differences: &mut Vec<String>, what: &str, model: &T, browser: &T) {
    note_text(differences, what, format!("{model:?}"), format!("{browser:?}"));
}

fn note_text(differences: &mut Vec<String>, what: &str, model: String, browser: String) {
    if model != browser {
        differences.push(format!("{what}: model {model}, browser {browser}"));
    }
}
