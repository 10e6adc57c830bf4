//! RTP, media and data channels.

use super::*;
use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, TestCall, good};
use crate::facts::{InboundMedia, OutboundMedia};
use crate::jsep::MediaKind;
use crate::timeline::{ChannelState, Event, Kind, Latency, UnboundRtp};

const CALLEE: Option<Role> = Some(Role::Callee);

fn connected() -> TestCall {
    TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&BOTH_WAYS).connected()
}

fn sent(packets: u64) -> Vec<OutboundMedia> {
    let of = |(mid, kind): (&str, MediaKind)| OutboundMedia {
        mid: mid.into(),
        kind: Some(kind),
        packets,
        ..OutboundMedia::default()
    };
    [("0", MediaKind::Audio), ("1", MediaKind::Video)].map(of).to_vec()
}

/// Samples of good audio and of video as it is changed, for ten seconds.
fn video(change: impl Fn(&mut InboundMedia, u64)) -> TestCall {
    let mut call = connected();
    for (mid, kind) in [("0", MediaKind::Audio), ("1", MediaKind::Video)] {
        call = call.with(Kind::FirstRtp { mid: mid.into(), kind });
    }
    for second in 1..=10 {
        let sample = |mid: &str, kind| InboundMedia {
            mid: mid.into(),
            kind: Some(kind),
            packets: second * 100,
            frames: second * 30,
            decoded_frames: second * 30,
            key_frames: Some(1),
            key_requests: Some(0),
            ..InboundMedia::default()
        };
        let (audio, mut video) = (sample("0", MediaKind::Audio), sample("1", MediaKind::Video));
        change(&mut video, second);
        call = call.after(1).with(Kind::Media { outbound: sent(second * 100), inbound: vec![audio, video] });
    }
    call
}

#[test]
fn samples_that_are_right_say_nothing() {
    assert_eq!(ids(&of(&video(|_, _| {}).hung_up(Role::Callee))), [""; 0]);
}

#[test]
fn no_rtp_comes() {
    let silent = |ours: u64| {
        let mut call = connected();
        for second in 1..=7 {
            let inbound = Vec::new();
            call = call.after(1).with(Kind::Media { outbound: sent(ours * second), inbound });
        }
        call
    };
    first(&silent(50).hung_up(Role::Callee), "rtp-none", CALLEE);
    // The other side sent, so that it is not to blame.
    let callee = TestCall::joined(Role::Callee).met(CALLCHECK).offered().answered(&BOTH_WAYS).connected();
    let callee = callee.with(Kind::Media { outbound: sent(500), inbound: Vec::new() });
    let finding = first(&silent(50).with(callee.reported()).hung_up(Role::Callee), "rtp-none", None);
    assert!(finding.observed.contains("lost on the way"));
    let findings = of(&silent(0).hung_up(Role::Callee));
    assert!(ids(&findings).contains(&"rtp-none-from-us"), "{:?}", ids(&findings));
}

#[test]
fn rtp_that_belongs_nowhere() {
    for (payload_type, mid, rid, id) in [
        (77, None, None, "rtp-wrong-pt"),
        (96, Some("9"), None, "rtp-mid-mismatch"),
        (96, None, Some("hi"), "rtp-rid-unknown"),
        (96, None, None, "rtp-undeclared-ssrc"),
    ] {
        let rtp = UnboundRtp {
            ssrc: 5,
            payload_type,
            mid: mid.map(str::to_owned),
            rid: rid.map(str::to_owned),
            packets: 100,
        };
        let call = connected().with(Kind::UnboundRtp(rtp)).after(7);
        let call = call.with(Kind::Media { outbound: sent(300), inbound: Vec::new() });
        let finding = first(&call.hung_up(Role::Callee), id, CALLEE);
        assert_eq!(finding.confidence, Confidence::Certain);
        assert!(!ids(&of(&connected())).contains(&id));
    }
}

#[test]
fn what_is_wrong_with_the_picture() {
    type Change = fn(&mut InboundMedia, u64);
    let cases: &[(&str, Change)] = &[
        ("media-no-keyframe", |video, _| (video.key_frames, video.decoded_frames) = (Some(0), 0)),
        ("media-pli-ignored", |video, _| video.key_requests = Some(9)),
        ("media-frozen", |video, second| {
            (video.packets, video.frames) = (100 * second.min(4), 30 * second.min(4));
        }),
        ("media-black", |video, _| video.black = Some(true)),
        ("media-incomplete-frames", |video, _| (video.frames, video.decoded_frames) = (0, 0)),
        ("media-undecodable", |video, second| (video.corrupt, video.decoded_frames) = (second * 30, 0)),
        ("media-low-fps", |video, second| video.frames = second),
        ("media-jitter", |video, _| video.jitter_ms = Some(120.0)),
        ("media-clock-rate", |video, _| video.clock_rate = Some(1000.0)),
        ("media-clock-drift", |video, _| video.clock_rate = Some(90_500.0)),
        ("media-nack-ignored", |video, _| (video.nacks, video.recovered) = (Some(60), Some(0))),
        ("rtp-no-rtcp", |video, _| video.rtcp_packets = Some(0)),
    ];
    for (id, change) in cases {
        let call = video(change).hung_up(Role::Callee);
        let findings = of(&call);
        assert_eq!(ids(&findings).first(), Some(id), "{:?}", ids(&findings));
    }
}

#[test]
fn the_media_of_whoever_has_left_was_not_paused() {
    let stops = |video: &mut InboundMedia, second: u64| {
        (video.packets, video.frames) = (100 * second.min(4), 30 * second.min(4));
    };
    for (left_at, found) in [(5, ""), (9, "media-frozen")] {
        let mut call = video(stops);
        let is_media = |event: &&Event| matches!(event.kind, Kind::Media { .. });
        let mut left = call.events.iter().filter(is_media).nth(left_at - 1).unwrap().clone();
        left.kind = Kind::PeerLeft { name: "callee".into(), reason: "left".into() };
        let at = call.events.iter().position(|event| event.id == left.id).unwrap();
        left.id = "caller:left".into();
        call.events.insert(at + 1, left);
        let findings = of(&call.ended("over"));
        let silent = ids(&findings).into_iter().find(|id| ["media-frozen", "media-paused"].contains(id));
        assert_eq!(silent.unwrap_or_default(), found, "{:?}", ids(&findings));
    }
}

#[test]
fn one_fault_on_two_tracks_is_one_finding() {
    let mut call = video(|video, second| video.packets_lost = 40 * second);
    for event in &mut call.events {
        if let Kind::Media { inbound, .. } = &mut event.kind {
            inbound[0].packets_lost = inbound[0].packets / 10;
        }
    }
    let findings = of(&call.hung_up(Role::Callee));
    assert_eq!(ids(&findings), ["media-loss"]);
    let finding = &findings.findings[0];
    assert_eq!(finding.severity, Severity::Major);
    assert!(finding.observed.contains("(mid 0); ") && finding.observed.contains("(mid 1)"));
}

#[test]
fn loss_is_weighed() {
    for (lost, severity) in [(5, None), (10, Some(Severity::Minor)), (40, Some(Severity::Major))] {
        let call = video(|video, second| video.packets_lost = lost * second).hung_up(Role::Callee);
        let findings = of(&call);
        let found = findings.findings.iter().find(|finding| finding.id == "media-loss");
        assert_eq!(found.map(|finding| finding.severity), severity, "{lost}");
    }
}

#[test]
fn audio_and_video_out_of_step() {
    let latency = |p50_ms| Some(Latency { count: 200, p50_ms, p95_ms: p50_ms + 5.0, ..Latency::default() });
    for (apart, found) in [(20.0, false), (250.0, true)] {
        let mut call = video(|_, _| {});
        if let Some(event) = call.events.last_mut()
            && let Kind::Media { inbound, .. } = &mut event.kind
        {
            inbound[0].latency = latency(20.0);
            inbound[1].latency = latency(20.0 + apart);
        }
        let call = call.hung_up(Role::Callee);
        assert_eq!(ids(&of(&call)) == ["media-av-desync"], found, "{apart}");
    }
}

#[test]
fn echoed_media_is_named() {
    let wrong = Kind::MediaWrong { mid: "1".into(), kind: MediaKind::Video, wrong: "our own echo".into() };
    first(&good(Role::Caller).with(wrong).hung_up(Role::Callee), "media-self-echo", CALLEE);
}

#[test]
fn silence_and_still_pictures_are_minor() {
    for (kind, id) in [(MediaKind::Audio, "media-silence"), (MediaKind::Video, "media-frozen")] {
        let mut call = video(|_, _| {});
        for event in &mut call.events {
            if let Kind::Media { inbound, .. } = &mut event.kind {
                inbound
                    .iter_mut()
                    .filter(|sample| sample.kind == Some(kind))
                    .for_each(|s| s.still = Some(true));
            }
        }
        let finding = of(&call.hung_up(Role::Callee)).findings[0].clone();
        assert_eq!((finding.id, finding.severity), (id, Severity::Minor));
    }
}

#[test]
fn data_channels() {
    let channel = |state: &str, error: Option<&str>| {
        Kind::DataChannel(ChannelState {
            label: "chat".into(),
            id: None,
            state: state.into(),
            error: error.map(str::to_owned),
        })
    };
    let created = Kind::Operation { name: "createDataChannel".into(), arguments: String::new(), error: None };
    let call = good(Role::Caller).with(created).after(6).hung_up(Role::Callee);
    first(&call, "dc-no-mline", Some(Role::Caller));
    let call = good(Role::Caller).with(channel("connecting", None)).after(6).hung_up(Role::Callee);
    first(&call, "dc-open-missing", None);
    let call = good(Role::Caller).with(channel("closed", Some("SCTP ABORT"))).hung_up(Role::Callee);
    first(&call, "dc-abort", Some(Role::Caller));
    let call = good(Role::Caller).with(channel("open", Some("message too big"))).hung_up(Role::Callee);
    first(&call, "dc-message-too-big", Some(Role::Caller));
}
