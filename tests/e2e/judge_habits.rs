//! Chromium as the judge of our own habits: the founding bug on our side, its cure, hold, resume and ICE restart.

use crate::chromium::Chromium;
use crate::harness::{Process, one_call_at_a_time};
use crate::judge::{
    BOTH_WAYS, assert_received, chromium_rows, hang_up, media_goes_on, meet, our_rows, proven, rows, settles,
    track_events,
};

/// Our callee in Chromium's words while it shows the founding bug.
const BUGGY_CALLEE: [&str; 4] =
    ["- audio sendrecv/-", "- video sendrecv/-", "0 audio recvonly/recvonly", "1 video recvonly/recvonly"];

#[test]
fn chromiums_ontrack_stays_silent_at_the_founding_bug_on_our_side() {
    let _turn = one_call_at_a_time();
    let bug = ["--attach", "add-transceiver", "--renegotiate", "no"];
    let Some((_server, chromium, mut ours)) = meet("answer", "", &bug) else { return };
    ours.has_said(&["audio on mid 0 is the caller's", "video on mid 1 is the caller's"]);
    settles(&chromium, "sendonly");
    assert_eq!(
        chromium.value::<String>("callcheck.state().connection"),
        "connected",
        "no state shows the bug"
    );
    assert_eq!(track_events(&chromium), [], "ontrack fired");
    let expected = ["0 audio sendrecv/sendonly", "1 video sendrecv/sendonly"];
    assert_eq!(chromium_rows(&chromium), rows(&expected));
    // What it sends leaves on no m-section, so our own expectation fails too.
    let report = hang_up(&chromium, ours, 1).report();
    assert_eq!(our_rows(&report), rows(&BUGGY_CALLEE));
}

#[test]
fn our_second_offer_cures_the_founding_bug_for_chromium() {
    let _turn = one_call_at_a_time();
    let attach = ["--attach", "add-transceiver"];
    let Some((_server, chromium, mut ours)) = meet("answer", "", &attach) else { return };
    proven(&chromium, &mut ours, [0, 1]);
    assert_eq!(track_events(&chromium), [("2".into(), "audio".into(), 1), ("3".into(), "video".into(), 1)]);
    let expected = [
        "0 audio sendrecv/sendonly",
        "1 video sendrecv/sendonly",
        "2 audio recvonly/recvonly",
        "3 video recvonly/recvonly",
    ];
    assert_eq!(chromium_rows(&chromium), rows(&expected));
    let report = hang_up(&chromium, ours, 0).report();
    assert_received(&report, ["0", "1"]);
    let expected = [
        "2 audio sendrecv/sendonly",
        "3 video sendrecv/sendonly",
        "0 audio recvonly/recvonly",
        "1 video recvonly/recvonly",
    ];
    assert_eq!(our_rows(&report), rows(&expected));
}

const LATER: [&str; 6] = ["--hold", "1s", "--resume", "2s", "--restart-ice", "3s"];

/// We hold, resume and restart ICE; Chromium sees each, and media flows both ways at the end.
#[track_caller]
fn assert_holds_resumes_and_restarts(chromium: &Chromium, mut ours: Process) {
    let offers = "callcheck.events.filter(({ side, sdp_type }) => side === 'remote' && sdp_type === 'offer')";
    chromium.until(&format!("{offers}.some(({{ sdp }}) => /^a=inactive/m.test(sdp))"));
    chromium.until("callcheck.events.some(({ type }) => type === 'mute')");
    let ufrags = "new Set(callcheck.events.filter(({ side, sdp }) => side === 'remote' && sdp)
        .map(({ sdp }) => sdp.match(/a=ice-ufrag:(.*)/)[1])).size";
    chromium.until(&format!("{ufrags} === 2"));
    settles(chromium, "sendrecv");
    proven(chromium, &mut ours, [0, 1]);
    media_goes_on(chromium);
    assert_eq!(chromium_rows(chromium), rows(&BOTH_WAYS));
    let report = hang_up(chromium, ours, 0).report();
    assert_received(&report, ["0", "1"]);
    assert_eq!(our_rows(&report), rows(&BOTH_WAYS));
}

#[test]
fn our_caller_holds_resumes_and_restarts_ice_with_chromium() {
    let _turn = one_call_at_a_time();
    let Some((_server, chromium, ours)) = meet("call", "", &LATER) else { return };
    assert_holds_resumes_and_restarts(&chromium, ours);
}

#[test]
fn our_callee_holds_resumes_and_restarts_ice_with_chromium() {
    let _turn = one_call_at_a_time();
    let Some((_server, chromium, ours)) = meet("answer", "", &LATER) else { return };
    assert_holds_resumes_and_restarts(&chromium, ours);
}
