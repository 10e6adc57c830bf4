//! Descriptions: the tree of "ontrack never fires", what must not stand in a description, and glare.

use super::good::renegotiated;
use super::*;
use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, TestCall, good, missing_video, row, sdp};
use crate::facts::{Proof, TransceiverRow};
use crate::jsep::{Direction, MediaKind, SdpType, Side, SignalingState};
use crate::timeline::{Kind, Signal};

const CALLEE: Option<Role> = Some(Role::Callee);
const RECVONLY: [(MediaKind, Direction); 2] =
    [(MediaKind::Audio, Direction::Recvonly), (MediaKind::Video, Direction::Recvonly)];

/// The callee answers recvonly, everything connects, and no media comes.
fn recvonly() -> TestCall {
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&RECVONLY).connected();
    call.media(&[], Proof::Stamped)
}

fn callee_with(rows: Vec<TransceiverRow>, needed: bool) -> Kind {
    let mut callee = TestCall::joined(Role::Callee).met(CALLCHECK).offered().answered(&RECVONLY);
    if needed {
        callee = callee.with(Kind::NegotiationNeeded);
    }
    callee.connected().with(Kind::Transceivers(rows)).reported()
}

fn rows(direction: Direction) -> Vec<TransceiverRow> {
    let of = |(mid, kind): (&str, MediaKind)| row(mid, kind, direction, Some(Direction::Recvonly));
    [("0", MediaKind::Audio), ("1", MediaKind::Video)].map(of).to_vec()
}

fn free(kind: MediaKind) -> TransceiverRow {
    TransceiverRow { mid: None, ..row("", kind, Direction::Sendrecv, None) }
}

#[test]
fn by_the_wire_alone_it_is_probable() {
    let finding = first(&missing_video().hung_up(Role::Callee), "sdp-answer-without-track", CALLEE);
    assert_eq!((finding.confidence, finding.severity), (Confidence::Probable, Severity::Blocker));
    assert_eq!(finding.alternatives, ["sdp-addtransceiver-unassociated", "sdp-track-added-after-answer"]);
    assert!(finding.settle.is_some());
    assert_eq!(finding.shown.len(), 2);
}

#[test]
fn before_the_window_closes_only_the_answer_is_told() {
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&RECVONLY).connected();
    let findings = of(&call.hung_up(Role::Callee));
    assert_eq!(ids(&findings), ["sdp-answer-recvonly"]);
    assert_eq!(findings.open[0].id, "sdp-answer-without-track");
}

#[test]
fn a_call_waits_for_another_offer_only_where_one_may_help() {
    let context = Context::of_plan(&plan(Role::Caller));
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&RECVONLY).connected();
    let facts = call.facts();
    let until = follow_up_until(&context, &facts).unwrap();
    assert!(until > facts.last_us && until < facts.last_us + 5_000_000);
    assert_eq!(follow_up_until(&context, &good(Role::Caller).facts()), None);
    // Nothing is certain yet, and offering once more would tell.
    let findings = of(&recvonly().hung_up(Role::Callee));
    assert!(findings.certain_blocker().is_none() && findings.wants_reoffer());
    let table = callee_with(rows(Direction::Recvonly), false);
    let findings = of(&recvonly().with(table).hung_up(Role::Callee));
    assert!(findings.certain_blocker().is_some() && !findings.wants_reoffer());
}

#[test]
fn the_callees_table_makes_it_certain() {
    let mut unpaired = vec![free(MediaKind::Audio), free(MediaKind::Video)];
    unpaired.extend(rows(Direction::Recvonly));
    for (rows, needed, expected) in [
        (unpaired, true, vec!["sdp-addtransceiver-unassociated", "nn-never"]),
        (rows(Direction::Sendrecv), true, vec!["sdp-track-added-after-answer", "nn-never"]),
        (rows(Direction::Recvonly), false, vec!["sdp-answer-without-track"]),
    ] {
        let call = recvonly().with(callee_with(rows, needed)).hung_up(Role::Callee);
        let findings = of(&call);
        assert_eq!(ids(&findings), expected);
        assert!(findings.findings.iter().all(|finding| finding.confidence == Confidence::Certain));
        assert!(findings.findings[0].evidence.iter().any(|id| id.starts_with("callee:")));
    }
}

#[test]
fn the_callees_own_side_says_the_same() {
    let mut table = vec![free(MediaKind::Audio), free(MediaKind::Video)];
    table.extend(rows(Direction::Recvonly));
    let call = TestCall::joined(Role::Callee).met(CALLCHECK).offered().answered(&RECVONLY).connected();
    let call = call.media(&[("0", MediaKind::Audio), ("1", MediaKind::Video)], Proof::Stamped);
    let call = call.with(Kind::Transceivers(table)).hung_up(Role::Caller);
    assert_eq!(ids(&of(&call)), ["sdp-addtransceiver-unassociated"]);
}

#[test]
fn a_second_round_tells_the_causes_apart() {
    let four = [RECVONLY[0], RECVONLY[1], BOTH_WAYS[0], BOTH_WAYS[1]];
    let sent = [
        (MediaKind::Audio, Direction::Sendonly),
        (MediaKind::Video, Direction::Sendonly),
        RECVONLY[0],
        RECVONLY[1],
    ];
    let both = [BOTH_WAYS[0], BOTH_WAYS[1], BOTH_WAYS[0], BOTH_WAYS[1]];
    for (offerer, offered, answered, expected, confidence) in [
        (Role::Callee, &four[..], &sent[..], vec!["sdp-addtransceiver-unassociated"], Confidence::Certain),
        (Role::Callee, &BOTH_WAYS, &BOTH_WAYS, vec!["sdp-track-added-after-answer"], Confidence::Certain),
        (Role::Caller, &BOTH_WAYS, &BOTH_WAYS, vec!["sdp-track-added-after-answer"], Confidence::Certain),
        (
            Role::Callee,
            &both,
            &both,
            vec!["sdp-track-added-after-answer", "sdp-addtransceiver-unassociated"],
            Confidence::Certain,
        ),
        (Role::Caller, &BOTH_WAYS, &RECVONLY, vec!["sdp-answer-without-track"], Confidence::Probable),
    ] {
        let call = renegotiated(recvonly(), offerer, offered, answered).hung_up(Role::Callee);
        let findings = of(&call);
        let told: Vec<&Finding> = findings.findings.iter().chain(&findings.notes).collect();
        let mut named: Vec<&str> = told.iter().map(|finding| finding.id).collect();
        named.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(named, expected, "{offered:?}");
        let finding = told.iter().find(|finding| finding.id == expected[0]).unwrap();
        assert_eq!(finding.confidence, confidence);
        let cured = confidence == Confidence::Certain;
        let harmless = matches!(finding.severity, Severity::Minor | Severity::Info);
        assert_eq!(harmless, cured, "{expected:?}");
    }
}

#[test]
fn a_second_offer_that_nobody_answers() {
    let offer = sdp(SdpType::Offer, &BOTH_WAYS).replace(" 2 IN", " 3 IN");
    let signal = Signal::Description { sdp_type: SdpType::Offer, sdp: offer.clone() };
    let set =
        Kind::DescriptionSet { side: Side::Local, sdp_type: SdpType::Offer, sdp: offer, engine_sdp: None };
    let call = good(Role::Caller).with(set).with(Kind::SignalSent { seq: 7, signal }).after(12);
    first(&call.hung_up(Role::Callee), "sdp-second-offer-ignored", CALLEE);
}

/// A caller's call whose answer is this text, by whatever the caller's browser does with it.
fn answered_with(edit: impl Fn(String) -> String, refused: Option<&str>) -> TestCall {
    let text = edit(sdp(SdpType::Answer, &BOTH_WAYS));
    let signal = Signal::Description { sdp_type: SdpType::Answer, sdp: text.clone() };
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered();
    let call = call.with(Kind::SignalReceived { from: "callee".into(), seq: None, signal });
    match refused {
        Some(error) => call.with(Kind::DescriptionRejected {
            side: Side::Remote,
            sdp_type: SdpType::Answer,
            sdp: text,
            error: error.into(),
        }),
        None => call
            .with(Kind::DescriptionSet {
                side: Side::Remote,
                sdp_type: SdpType::Answer,
                sdp: text,
                engine_sdp: None,
            })
            .with(Kind::SignalingState(SignalingState::Stable))
            .connected(),
    }
    .after(20)
}

#[test]
fn faults_of_an_answer() {
    type Edit = fn(String) -> String;
    let cases: &[(&str, Edit)] = &[
        ("sdp-mline-count", |text| text[..text.find("m=video").unwrap()].to_owned()),
        ("sdp-mline-order", |text| {
            text.replace("m=audio", "m=x").replace("m=video", "m=audio").replace("m=x", "m=video")
        }),
        ("sdp-mid-mismatch", |text| text.replace("a=mid:1", "a=mid:7").replace("BUNDLE 0 1", "BUNDLE 0 7")),
        ("sdp-fingerprint-missing", |text| without(&text, "a=fingerprint")),
        ("sdp-setup-invalid", |text| text.replace("a=setup:active", "a=setup:actpass")),
        ("sdp-ice-credentials", |text| without(&text, "a=ice-pwd")),
        ("sdp-rtcp-mux-missing", |text| without(&text, "a=rtcp-mux")),
        ("sdp-no-common-codec", |text| text.replace("VP8", "AV1")),
        ("sdp-proto-mismatch", |text| text.replace("UDP/TLS/RTP/SAVPF 96", "UDP/TLS/RTP/SAVP 96")),
        ("sdp-bundle-absent", |text| text.replace("BUNDLE 0 1", "BUNDLE 0")),
        ("sdp-mline-rejected", |text| {
            text.replace("m=video 9", "m=video 0").replace("BUNDLE 0 1", "BUNDLE 0")
        }),
        ("sig-sdp-shape", |_| "{\"type\":\"answer\"}".to_owned()),
        ("sdp-answer-inactive", |text| text.replace("a=sendrecv", "a=inactive")),
        ("sdp-answer-sendonly", |text| text.replace("a=sendrecv", "a=sendonly")),
        ("sdp-msid-absent", |text| text.replace("a=msid:s", "a=msid:-")),
        ("dtls-hash-unsupported", |text| text.replace("sha-256", "sha-999")),
        ("sdp-rtx-apt-dangling", |text| {
            text.replace("SAVPF 96", "SAVPF 96 97") + "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=99\r\n"
        }),
        ("sdp-bandwidth-zero", |text| text.replace("a=rtpmap:96", "b=AS:30\r\na=rtpmap:96")),
        ("sdp-plan-b", |text| text + "a=ssrc:1 msid:s a\r\na=ssrc:2 msid:s b\r\n"),
    ];
    for (id, edit) in cases {
        let call = answered_with(edit, None);
        let findings = of(&call.ended("over"));
        assert!(ids(&findings).contains(id), "{id}: {:?}", ids(&findings));
    }
    // Where the browser refuses the answer, that is all that is told.
    for (id, edit) in &cases[..6] {
        let call = answered_with(edit, Some("InvalidAccessError: no"));
        let finding = first(&call.ended("over"), id, CALLEE);
        assert!(finding.evidence.iter().any(|id| id.starts_with("caller:")));
    }
}

fn without(text: &str, start: &str) -> String {
    text.lines().filter(|line| !line.starts_with(start)).map(|line| format!("{line}\r\n")).collect()
}

#[test]
fn a_rejection_of_the_only_codec_is_not_blamed_on_the_peer() {
    let call =
        answered_with(|text| text.replace("m=video 9", "m=video 0").replace("BUNDLE 0 1", "BUNDLE 0"), None);
    let findings = of(&call.ended("over"));
    let rejected = findings.findings.iter().find(|finding| finding.id == "sdp-mline-rejected").unwrap();
    assert_eq!(rejected.peer, None);
}

#[test]
fn offers_that_cross() {
    let theirs = sdp(SdpType::Answer, &BOTH_WAYS).replace("setup:active", "setup:actpass");
    let offer = Signal::Description { sdp_type: SdpType::Offer, sdp: theirs };
    let received = |signal: Signal| Kind::SignalReceived { from: "callee".into(), seq: None, signal };
    let crossed = || TestCall::joined(Role::Caller).met(CALLCHECK).offered().with(received(offer.clone()));
    // Nobody answers.
    first(&crossed().after(12).ended("no answer"), "glare-both-impolite", CALLEE);
    // One that cannot take it says so.
    let refused = Kind::DescriptionRejected {
        side: Side::Remote,
        sdp_type: SdpType::Offer,
        sdp: match &offer {
            Signal::Description { sdp, .. } => sdp.clone(),
            _ => String::new(),
        },
        error: "InvalidStateError: have-local-offer".into(),
    };
    first(
        &crossed().with(refused).after(12).ended("no answer"),
        "sig-offer-in-have-local-offer",
        Some(Role::Caller),
    );
    // It is sorted out.
    let call = crossed().answered(&BOTH_WAYS).connected();
    let call =
        call.media(&[("0", MediaKind::Audio), ("1", MediaKind::Video)], Proof::Stamped).hung_up(Role::Callee);
    assert_eq!((ids(&of(&call)), notes(&of(&call))), (vec![], vec!["glare-both-offers"]));
}

#[test]
fn an_offer_storm() {
    let mut call = good(Role::Caller);
    for _ in 0..4 {
        call = renegotiated(call, Role::Callee, &BOTH_WAYS, &BOTH_WAYS);
    }
    first(&call.hung_up(Role::Callee), "nn-storm", CALLEE);
}

#[test]
fn a_restart_that_is_answered_with_old_credentials() {
    let call = renegotiated(good(Role::Caller), Role::Caller, &BOTH_WAYS, &BOTH_WAYS);
    let mut call = call;
    for event in &mut call.events {
        // The latest offer of the caller gets new credentials.
        let newer = |sdp: &mut String| {
            if sdp.starts_with("v=0\r\no=- 1 ") && !sdp.starts_with("v=0\r\no=- 1 2 ") {
                *sdp = sdp.replace("uf11", "new1");
            }
        };
        match &mut event.kind {
            Kind::DescriptionSet { sdp, .. } => newer(sdp),
            Kind::SignalSent { signal: Signal::Description { sdp, .. }, .. } => newer(sdp),
            _ => {}
        }
    }
    first(&call.hung_up(Role::Callee), "ice-restart-unanswered", CALLEE);
}
