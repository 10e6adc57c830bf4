//! Calls that come out right.

use callcheck::jsep::MediaKind;
use callcheck::media::{self, Identity};
use callcheck::plan::{SendPlan, SourcePlan};
use callcheck::timeline::Timeline;
use serde_json::Value;

use crate::harness::{Ended, Process, free_room, one_call_at_a_time, report, serve, start};

/// Every remote track of both sides is stamped media, of both kinds.
#[track_caller]
pub(crate) fn assert_stamped(report: &Value) {
    assert_eq!(report["verdict"], "passed");
    let peers = report["calls"][0]["peers"].as_array().unwrap();
    assert_eq!(peers.len(), 2, "both sides are known");
    for peer in peers {
        let tracks = peer["tracks"].as_array().unwrap();
        let kinds: Vec<&str> = tracks.iter().map(|track| track["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["audio", "video"]);
        for track in tracks {
            let (frames, stamped) =
                (track["frames"].as_u64().unwrap(), track["stamped_frames"].as_u64().unwrap());
            assert!(stamped > 10 && stamped == frames, "{track}");
        }
    }
}

fn both_end(one: Process, other: Process) -> (Ended, Ended) {
    (one.end().exits(0), other.end().exits(0))
}

const CALL: [&str; 5] = ["call", "demo", "--duration", "1s", "--json"];
const ANSWER: [&str; 3] = ["answer", "demo", "--json"];

#[test]
fn two_processes_meet_without_a_server_in_both_orders() {
    let _turn = one_call_at_a_time();
    for (first, second) in [(&ANSWER[..], &CALL[..]), (&CALL[..], &ANSWER[..])] {
        let room = free_room();
        let mut hosting = start(&room, first);
        hosting.says("hosting room demo");
        let (hosting, joining) = both_end(hosting, start(&room, second));
        assert_stamped(&hosting.report());
        assert_stamped(&joining.report());
    }
}

#[test]
fn two_processes_meet_in_a_served_room_with_a_token_and_names() {
    let _turn = one_call_at_a_time();
    let (_server, url) = serve(&["--token", "open-sesame"]);
    let more = ["--signal", &url, "--token", "open-sesame", "--name"];
    let caller = start(&url, &[&CALL[..], &more, &["alice", "--strict", "--seed", "7"]].concat());
    let callee = start(&url, &[&ANSWER[..], &more, &["bob"]].concat());
    let (caller, callee) = both_end(caller, callee);
    assert_stamped(&caller.report());
    assert_stamped(&callee.report());
    assert_eq!(caller.report()["calls"][0]["peers"][0]["name"], "alice");
    for text in [&caller.stderr, &caller.stdout, &callee.stderr, &callee.stdout] {
        assert!(!text.contains("open-sesame"), "{text}");
    }
}

#[test]
fn without_trickle_candidates_come_in_the_descriptions() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let caller = start(&room, &[&CALL[..], &["--trickle", "no"]].concat());
    let callee = start(&room, &[&ANSWER[..], &["--trickle", "no"]].concat());
    let (caller, callee) = both_end(caller, callee);
    assert_stamped(&callee.report());
    let candidates = &caller.report()["calls"][0]["peers"][0]["candidates"];
    assert_eq!((&candidates["sent"], &candidates["received"]), (&Value::from(0), &Value::from(0)));
    assert!(
        candidates["sent_in_sdp"].as_u64().unwrap() > 0
            && candidates["received_in_sdp"].as_u64().unwrap() > 0
    );
}

#[test]
fn media_comes_from_files_and_is_stamped_all_the_same() {
    let _turn = one_call_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let (video, audio) = (folder.path().join("clip.ivf"), folder.path().join("clip.opus"));
    std::fs::write(&video, ivf(45)).unwrap();
    std::fs::write(&audio, ogg(60)).unwrap();
    let (video, audio) = (format!("video={}", video.display()), format!("audio={}", audio.display()));
    let room = free_room();
    let caller = start(&room, &[&CALL[..], &["--send", &audio, "--send", &video]].concat());
    let (caller, callee) = both_end(caller, start(&room, &ANSWER));
    assert_stamped(&caller.report());
    assert_stamped(&callee.report());
}

#[test]
fn reports_and_timelines_are_written_and_read_back() {
    let _turn = one_call_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (json, ours, theirs) = (path("report.json"), path("caller.jsonl"), path("callee.jsonl"));
    let room = free_room();
    let caller =
        start(&room, &["call", "demo", "--duration", "1s", "--report-json", &json, "--record", &ours]);
    let callee = start(&room, &["answer", "demo", "--record", &theirs, "-q"]);
    let (_, callee) = both_end(caller, callee);
    assert_eq!(callee.stderr.lines().count(), 1, "-q prints one line: {}", callee.stderr);
    assert_stamped(&report(&std::fs::read_to_string(json).unwrap()));
    let read = |path: &str| Timeline::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (ours, theirs) = (read(&ours), read(&theirs));
    assert!(ours.header.call.is_some() && ours.header.call == theirs.header.call);
    assert!(!ours.torn && ours.events.len() > 30 && theirs.events.len() > 30);
    let home = folder.path().display().to_string();
    assert!(!serde_json::to_string(&ours.header).unwrap().contains(&home), "a header holds no path");
}

#[test]
fn a_callee_without_video_fails_its_caller_only_and_expect_can_allow_it() {
    let _turn = one_call_at_a_time();
    let answer = ["answer", "demo", "--send", "audio=tone"];
    let room = free_room();
    let (caller, callee) = (start(&room, &CALL), start(&room, &answer));
    let caller = caller.end().exits(1).says(&["FAILED", "audio only", "m-section 1 (video) is recvonly"]);
    callee.end().exits(0);
    let report = caller.report();
    assert_eq!(report["verdict"], "failed");
    let expectations = report["calls"][0]["expectations"].as_array().unwrap();
    let failed: Vec<&Value> = expectations.iter().filter(|row| row["status"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["subject"], "caller.tracks");

    let room = free_room();
    let caller = start(
        &room,
        &[&CALL[..], &["--expect", "tracks=audio", "--expect", "callee.tracks=audio,video"]].concat(),
    );
    both_end(caller, start(&room, &answer));
}

#[test]
fn a_side_that_sends_nothing_still_receives() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let caller = start(&room, &["call", "demo", "--duration", "1s", "--send", "none"]);
    both_end(caller, start(&room, &["answer", "demo", "--expect", "tracks=none"]));
}

#[test]
fn figures_are_expected_and_the_impossible_fails() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let stated = ["frames>=20", "loss<1%", "time.connected<30s", "pair=host", "negotiations=1"];
    let stated: Vec<&str> = stated.iter().flat_map(|text| ["--expect", text]).collect();
    let caller = start(&room, &[&CALL[..], &stated].concat());
    let callee = start(&room, &["answer", "demo", "--expect", "frames>=1000000"]);
    caller.end().exits(0);
    callee.end().exits(1).says(&["failed", "frames"]);
}

/// VP8 from the synthetic source, as an IVF file.
fn ivf(frames: u32) -> Vec<u8> {
    let mut file = b"DKIF\0\0\x20\0VP80".to_vec();
    file.extend(640_u16.to_le_bytes());
    file.extend(360_u16.to_le_bytes());
    file.extend(30_u32.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    file.extend(frames.to_le_bytes());
    file.extend([0; 4]);
    let mut source = source(MediaKind::Video, SourcePlan::Bars);
    for number in 0..u64::from(frames) {
        // A VP8 payload begins with its descriptor; what follows is the frame itself.
        let frame: Vec<u8> =
            source.next(0).payloads.iter().flat_map(|payload| vp8(payload).to_vec()).collect();
        file.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
        file.extend(number.to_le_bytes());
        file.extend(frame);
    }
    file
}

/// The payload without its descriptor (RFC 7741 §4.2).
fn vp8(payload: &[u8]) -> &[u8] {
    if payload[0] & 0x80 == 0 {
        return &payload[1..];
    }
    let extensions = payload[1];
    let picture_id = match (extensions & 0x80 != 0, payload[2] & 0x80 != 0) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    let others = usize::from(extensions & 0x40 != 0) + usize::from(extensions & 0x30 != 0);
    &payload[2 + picture_id + others..]
}

/// The synthetic tone, as an Ogg Opus file (RFC 7845).
fn ogg(packets: u64) -> Vec<u8> {
    use ogg::writing::{PacketWriteEndInfo, PacketWriter};
    let mut writer = PacketWriter::new(Vec::new());
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend(312_u16.to_le_bytes());
    head.extend(48_000_u32.to_le_bytes());
    head.extend([0; 3]);
    writer.write_packet(head, 7, PacketWriteEndInfo::EndPage, 0).unwrap();
    let mut tags = b"OpusTags".to_vec();
    tags.extend(4_u32.to_le_bytes());
    tags.extend(b"test");
    tags.extend([0; 4]);
    writer.write_packet(tags, 7, PacketWriteEndInfo::EndPage, 0).unwrap();
    let mut source = source(MediaKind::Audio, SourcePlan::Tone);
    for number in 1..=packets {
        let packet = source.next(0).payloads.remove(0).to_vec();
        let end =
            if number == packets { PacketWriteEndInfo::EndStream } else { PacketWriteEndInfo::NormalPacket };
        writer.write_packet(packet, 7, end, number * 960).unwrap();
    }
    writer.into_inner()
}

fn source(kind: MediaKind, source: SourcePlan) -> Box<dyn media::Source> {
    media::open(&SendPlan { kind, source }, Identity { peer: 9, stream: 0 }).unwrap()
}
