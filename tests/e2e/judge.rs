//! A real browser as the judge: headless Chromium and our binary call each other, and what Chromium saw is compared with
//! what we report. Here it is Chromium that negotiates again; in `judge_habits` our own side does, and `judge_model` holds
//! Chromium to the model.

use serde_json::Value;

use crate::chromium::Chromium;
use crate::harness::{Ended, Process, one_call_at_a_time, serve, start};

/// Chromium has decoded pictures and has played a sound that is not silence.
pub(crate) const DECODES: &str = "callcheck.stats().then(({ inbound }) =>
    inbound.some(({ framesDecoded }) => framesDecoded > 10) &&
    inbound.some(({ totalSamplesReceived, totalAudioEnergy }) => totalSamplesReceived > 24000 && totalAudioEnergy > 0))";

/// A row of getTransceivers() as the page and our reports tell it: mid, kind, direction, current direction.
pub(crate) type Row = (Option<String>, String, String, Option<String>);

/// Our binary as `command` (call or answer) against Chromium in the other role. Long enough for any test: it is
/// Chromium that hangs up.
pub(crate) fn meet(command: &str, settings: &str, more: &[&str]) -> Option<(Process, Chromium, Process)> {
    let (server, url) = serve(&[]);
    let role = if command == "call" { "callee" } else { "caller" };
    let chromium = Chromium::open(&url, &format!("role={role}&{settings}"))?;
    let here = [command, "demo", "--signal", &url, "--bind", "127.0.0.1", "--duration", "60s", "--json"];
    Some((server, chromium, start(&url, &[&here[..], more].concat())))
}

/// Both sides have seen that the other's audio and video are real, on these mids.
pub(crate) fn proven(chromium: &Chromium, ours: &mut Process, mids: [u8; 2]) {
    chromium.until(DECODES);
    ours.has_said(&[
        &format!("audio on mid {} is the", mids[0]),
        &format!("video on mid {} is the", mids[1]),
    ]);
}

/// Chromium hangs up; what our side makes of the call, which is the exit code.
pub(crate) fn hang_up(chromium: &Chromium, ours: Process, code: i32) -> Ended {
    chromium.value::<()>("callcheck.hangUp().then(() => null)");
    ours.end().exits(code)
}

pub(crate) fn chromium_rows(chromium: &Chromium) -> Vec<Row> {
    let rows =
        "callcheck.transceivers().map((row) => [row.mid, row.kind, row.direction, row.currentDirection])";
    chromium.value(rows)
}

pub(crate) fn our_rows(report: &Value) -> Vec<Row> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let row = |row: &Value| {
        (
            text(&row["mid"]),
            text(&row["kind"]).unwrap(),
            text(&row["direction"]).unwrap(),
            text(&row["current_direction"]),
        )
    };
    report["calls"][0]["peers"][0]["transceivers"].as_array().unwrap().iter().map(row).collect()
}

fn row(text: &str) -> Row {
    let words: Vec<String> = text.split([' ', '/']).map(str::to_owned).collect();
    let known = |word: &String| (word != "-").then(|| word.clone());
    (known(&words[0]), words[1].clone(), words[2].clone(), known(&words[3]))
}

/// `0 audio sendrecv/sendonly`, as `--expect transceivers` writes it.
pub(crate) fn rows(texts: &[&str]) -> Vec<Row> {
    texts.iter().map(|text| row(text)).collect()
}

pub(crate) const BOTH_WAYS: [&str; 2] = ["0 audio sendrecv/sendrecv", "1 video sendrecv/sendrecv"];

/// A stranger's media bears no stamps: it counts as received where it decodes.
#[track_caller]
pub(crate) fn assert_received(report: &Value, mids: [&str; 2]) {
    assert_eq!(report["verdict"], "passed");
    let tracks = report["calls"][0]["peers"][0]["tracks"].as_array().unwrap();
    let seen: Vec<_> = tracks.iter().map(|track| (track["kind"].as_str(), track["mid"].as_str())).collect();
    assert_eq!(seen, [(Some("audio"), Some(mids[0])), (Some("video"), Some(mids[1]))]);
    for track in tracks {
        assert!(track["frames"].as_u64().unwrap() > 0 && track["muted"] == false, "{track}");
        assert_eq!(track["stamped_frames"], 0, "Chromium stamps nothing");
    }
}

/// The page's track events in order: mid, kind, how many streams.
pub(crate) fn track_events(chromium: &Chromium) -> Vec<(String, String, usize)> {
    let events = "callcheck.events.filter(({ type }) => type === 'track')
        .map(({ mid, kind, streams }) => [mid, kind, streams.length])";
    chromium.value(events)
}

/// Chromium waits until it has decoded more pictures and heard more packets than now.
pub(crate) fn media_goes_on(chromium: &Chromium) {
    let counts = "callcheck.stats().then(({ inbound, outbound }) => [
        Math.max(0, ...inbound.map(({ framesDecoded }) => framesDecoded ?? 0)),
        Math.max(0, ...inbound.filter(({ kind }) => kind === 'audio').map(({ packetsReceived }) => packetsReceived)),
        Math.max(0, ...outbound.filter(({ kind }) => kind === 'audio').map(({ packetsSent }) => packetsSent)),
        Math.max(0, ...outbound.map(({ framesEncoded }) => framesEncoded ?? 0)),
    ])";
    let now: [f64; 4] = chromium.value(counts);
    chromium
        .until(&format!("({counts}).then((counts) => counts.every((count, at) => count > {now:?}[at] + 3))"));
}

/// Waits until every transceiver of the page has this current direction and nothing is being negotiated.
pub(crate) fn settles(chromium: &Chromium, current: &str) {
    chromium.until(&format!(
        "callcheck.state().signaling === 'stable' &&
         callcheck.transceivers().every(({{ currentDirection }}) => currentDirection === '{current}')"
    ));
}

#[test]
fn chromium_answers_our_call() {
    let _turn = one_call_at_a_time();
    let Some((_server, chromium, mut ours)) = meet("call", "", &[]) else { return };
    proven(&chromium, &mut ours, [0, 1]);
    assert_eq!(chromium_rows(&chromium), rows(&BOTH_WAYS));
    assert_eq!(track_events(&chromium), [("0".into(), "audio".into(), 1), ("1".into(), "video".into(), 1)]);
    let report = hang_up(&chromium, ours, 0).report();
    assert_received(&report, ["0", "1"]);
    assert_eq!(our_rows(&report), rows(&BOTH_WAYS));
}

#[test]
fn chromium_calls_us() {
    let _turn = one_call_at_a_time();
    let Some((_server, chromium, mut ours)) = meet("answer", "", &[]) else { return };
    proven(&chromium, &mut ours, [0, 1]);
    assert_eq!(chromium_rows(&chromium), rows(&BOTH_WAYS));
    assert_eq!(track_events(&chromium), [("0".into(), "audio".into(), 1), ("1".into(), "video".into(), 1)]);
    let report = hang_up(&chromium, ours, 0).report();
    assert_received(&report, ["0", "1"]);
    assert_eq!(our_rows(&report), rows(&BOTH_WAYS));
}

#[test]
fn the_founding_bug_on_chromiums_side_fails_our_call() {
    let _turn = one_call_at_a_time();
    let settings = "attach=add-transceiver&renegotiate=no";
    let Some((_server, chromium, ours)) = meet("call", settings, &[]) else { return };
    chromium.until(DECODES);
    assert_eq!(
        chromium.value::<String>("callcheck.state().connection"),
        "connected",
        "no state shows the bug"
    );
    assert_eq!(
        chromium_rows(&chromium),
        rows(&[
            "- audio sendrecv/-",
            "- video sendrecv/-",
            "0 audio recvonly/recvonly",
            "1 video recvonly/recvonly"
        ])
    );
    let ended = hang_up(&chromium, ours, 1);
    let ended = ended.says(&["m-section 0 (audio) is recvonly, so the callee does not send audio"]);
    assert_eq!(our_rows(&ended.report()), rows(&["0 audio sendrecv/sendonly", "1 video sendrecv/sendonly"]));
    assert_eq!(ended.report()["calls"][0]["peers"][0]["tracks"], serde_json::json!([]));
}

#[test]
fn the_founding_bug_on_chromiums_side_is_cured_by_its_second_offer() {
    let _turn = one_call_at_a_time();
    let Some((_server, chromium, mut ours)) = meet("call", "attach=add-transceiver", &[]) else { return };
    proven(&chromium, &mut ours, [2, 3]);
    assert_eq!(
        chromium_rows(&chromium),
        rows(&[
            "2 audio sendrecv/sendonly",
            "3 video sendrecv/sendonly",
            "0 audio recvonly/recvonly",
            "1 video recvonly/recvonly"
        ])
    );
    let report = hang_up(&chromium, ours, 0).report();
    assert_received(&report, ["2", "3"]);
    let expected = [
        "0 audio sendrecv/sendonly",
        "1 video sendrecv/sendonly",
        "2 audio recvonly/recvonly",
        "3 video recvonly/recvonly",
    ];
    assert_eq!(our_rows(&report), rows(&expected));
}

/// Chromium offers again, holds, resumes and restarts ICE; media flows both ways after each but the hold.
#[track_caller]
fn assert_survives_later_offers(chromium: &Chromium, mut ours: Process) {
    proven(chromium, &mut ours, [0, 1]);
    let answered =
        "callcheck.events.filter(({ side, sdp_type }) => side === 'remote' && sdp_type === 'answer').length";
    let before: usize = chromium.value(answered);
    chromium.value::<()>("callcheck.renegotiate().then(() => null)");
    chromium.until(&format!("{answered} === {}", before + 1));
    settles(chromium, "sendrecv");
    media_goes_on(chromium);

    chromium.value::<()>("callcheck.hold().then(() => null)");
    settles(chromium, "inactive");
    chromium.value::<()>("callcheck.resume().then(() => null)");
    settles(chromium, "sendrecv");
    media_goes_on(chromium);

    let ufrag = "callcheck.events.filter(({ side, sdp }) => side === 'remote' && sdp).at(-1).sdp
        .match(/a=ice-ufrag:(.*)/)[1]";
    let first: String = chromium.value(ufrag);
    chromium.value::<()>("callcheck.restartIce().then(() => null)");
    chromium.until(&format!("{ufrag} !== {first:?} && callcheck.state().signaling === 'stable'"));
    media_goes_on(chromium);
    assert_eq!(chromium_rows(chromium), rows(&BOTH_WAYS));
    let report = hang_up(chromium, ours, 0).report();
    assert_received(&report, ["0", "1"]);
    assert_eq!(our_rows(&report), rows(&BOTH_WAYS));
}

#[test]
fn chromium_as_callee_offers_again_holds_resumes_and_restarts_ice() {
    let _turn = one_call_at_a_time();
    let Some((_server, chromium, ours)) = meet("call", "", &[]) else { return };
    assert_survives_later_offers(&chromium, ours);
}

#[test]
fn chromium_as_caller_offers_again_holds_resumes_and_restarts_ice() {
    let _turn = one_call_at_a_time();
    let Some((_server, chromium, ours)) = meet("answer", "", &[]) else { return };
    assert_survives_later_offers(&chromium, ours);
}
