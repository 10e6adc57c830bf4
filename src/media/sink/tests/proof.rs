//! What proves media, and what is told of it.

use super::*;
use crate::media::source::{OpusFile, VideoFile, clip, recording as recording_of, tone_packets};

#[test]
fn stamped_bars_are_proven_by_their_picture() {
    let mut bench = Bench::new(MediaKind::Video, EXPECTED);
    let mut bars = bars();
    for _ in 0..330 {
        bench.frame(&mut bars);
    }
    assert_eq!(bench.events, [SinkEvent::FirstRtp, SinkEvent::FirstFrame, SinkEvent::Proven(Proof::Stamped)]);
    let media = bench.snapshot();
    assert_eq!((media.frames, media.stamped_frames), (330, 330));
    assert_eq!((media.frames_lost, media.duplicated, media.reordered, media.foreign), (0, 0, 0, 0));
    assert_eq!((media.packets_lost, media.freezes, media.corrupt), (0, 0, 0));
    // Eight at the first key frame, five at the second one.
    assert_eq!(media.decoded_frames, 13);
    assert_eq!(media.still, Some(false));
    let latency = media.latency.unwrap();
    assert_eq!(latency.count, 330);
    assert!((latency.p50_ms - 20.0).abs() < 0.5, "{latency:?}");
    assert_eq!(bench.key_requests, 0);
}

#[test]
fn a_stamped_tone_is_proven_by_its_pitch() {
    let mut bench = Bench::new(MediaKind::Audio, EXPECTED);
    let mut tone = tone();
    for _ in 0..600 {
        bench.frame(&mut tone);
    }
    assert_eq!(bench.events, [SinkEvent::FirstRtp, SinkEvent::FirstFrame, SinkEvent::Proven(Proof::Stamped)]);
    let media = bench.snapshot();
    assert_eq!((media.frames, media.stamped_frames, media.corrupt), (600, 600, 0));
    // Four blocks of three packets, then one at five and one at ten seconds.
    assert_eq!(media.decoded_frames, 18);
    assert_eq!(media.latency.unwrap().count, 600);
}

#[test]
fn media_from_files_is_proven_by_stamps_and_decoding() {
    let folder = tempfile::TempDir::new().unwrap();
    let identity = Identity { peer: PEER, stream: 0 };
    let path = folder.path().join("clip.ivf");
    std::fs::write(&path, clip(40, 30, &[0])).unwrap();
    let video = VideoFile::open(&path, identity).unwrap();
    let path = folder.path().join("sound.opus");
    std::fs::write(&path, recording_of(&tone_packets(40), 1)).unwrap();
    let audio = OpusFile::open(&path, identity).unwrap();
    let sources: [Box<dyn Source>; 2] = [Box::new(video), Box::new(audio)];
    for mut source in sources {
        let kind = source.kind();
        let mut bench = Bench::new(kind, EXPECTED);
        for _ in 0..130 {
            bench.frame(source.as_mut());
        }
        assert_eq!((bench.proof(), bench.wrongs().len()), (Some(Proof::Stamped), 0), "{kind}");
        let media = bench.snapshot();
        assert_eq!((media.stamped_frames, media.frames_lost, media.corrupt), (130, 0, 0), "{kind}");
        assert_eq!(media.still, Some(false), "{kind}");
    }
}

#[test]
fn our_own_echo_is_no_media_of_the_peer() {
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let mut bench = Bench::new(kind, EXPECTED);
        let identity = Identity { peer: OWN, stream: 0 };
        let mut source: Box<dyn Source> = match kind {
            MediaKind::Video => Box::new(Bars::new(identity)),
            MediaKind::Audio => Box::new(Tone::new(identity).unwrap()),
        };
        for _ in 0..60 {
            bench.frame(source.as_mut());
        }
        assert_eq!(bench.wrongs(), ["our own echo: the stamps carry our own number 3"]);
        assert_eq!(bench.proof(), None);
        let media = bench.snapshot();
        assert_eq!((media.foreign, media.stamped_frames, media.latency), (60, 0, None));
    }
}

#[test]
fn the_media_of_a_third_peer_is_told() {
    let mut bench = Bench::new(MediaKind::Video, EXPECTED);
    let mut source = Bars::new(Identity { peer: 12, stream: 0 });
    for _ in 0..10 {
        bench.frame(&mut source);
    }
    assert_eq!(bench.wrongs(), ["somebody else's media: the stamps carry number 12, the peer's is 7"]);
    assert_eq!(bench.proof(), None);
}

#[test]
fn a_picture_that_differs_from_its_stamp_is_wrong() {
    let mut bench = Bench::new(MediaKind::Video, EXPECTED);
    let mut bars = bars();
    let mut source = Made::new(MediaKind::Video, move |_, wall_us| {
        let (mut bytes, _) = bars.next_frame(wall_us);
        let stamp = Stamp::at_end_of(&bytes).unwrap();
        let length = bytes.len() - Stamp::LEN;
        bytes.truncate(length);
        bytes.extend(Stamp { frame: stamp.frame + 5, ..stamp }.to_bytes());
        bytes
    });
    for _ in 0..20 {
        bench.frame(&mut source);
    }
    assert_eq!(
        bench.wrongs(),
        ["the picture shows frame 0 of peer 7, its stamp says frame 5 of peer 7"],
        "told once"
    );
    assert_eq!(bench.proof(), None);
    assert_eq!((bench.snapshot().corrupt, bench.snapshot().decoded_frames), (8, 0));
}

#[test]
fn a_wrong_tone_under_right_stamps_is_wrong() {
    for (hz, expected) in [
        (1000.0, "a tone of 1000 Hz is heard; the stamps promise 750 Hz of peer 7"),
        (550.0, "our own tone of 550 Hz is heard under the stamps of peer 7"),
        (0.0, "no tone is heard; the stamps promise 750 Hz of peer 7"),
    ] {
        let mut sound = recording(move |i| 0.3 * (std::f32::consts::TAU * hz * i as f32 / 48_000.0).sin());
        let mut source = Made::new(MediaKind::Audio, move |frame, wall_us| {
            let stamp = Stamp { peer: PEER, stream: 0, frame, wall_us, synthetic: true };
            opus::stamped(&sound.next(0).payloads[0], &stamp).to_vec()
        });
        let mut bench = Bench::new(MediaKind::Audio, EXPECTED);
        for _ in 0..60 {
            bench.frame(&mut source);
        }
        // Silence is DTX or nearly so, but has stamps where there is room for one.
        assert_eq!(bench.wrongs(), [expected]);
        assert_eq!(bench.proof(), None);
    }
}

#[test]
fn a_barcode_without_a_stamp_is_read_from_pixels() {
    let mut bench = Bench::new(MediaKind::Video, EXPECTED);
    let mut bars = bars();
    let mut source = Made::new(MediaKind::Video, move |_, wall_us| {
        let (mut bytes, _) = bars.next_frame(wall_us);
        bytes.truncate(bytes.len() - Stamp::LEN);
        bytes
    });
    for _ in 0..90 {
        bench.frame(&mut source);
    }
    assert_eq!(bench.proof(), Some(Proof::Stamped));
    let media = bench.snapshot();
    assert_eq!((media.stamped_frames, media.decoded_frames, media.frames_lost), (90, 90, 0));
    let latency = media.latency.unwrap();
    assert!((latency.p50_ms - 20.0).abs() <= 1.5, "{latency:?}");
}

#[test]
fn media_without_stamps_proves_nothing_where_stamps_are_announced() {
    let mut bench = Bench::new(MediaKind::Video, EXPECTED);
    let mut source = gradient(1);
    (0..100).for_each(|_| bench.frame(&mut source));
    assert_eq!((bench.proof(), bench.snapshot().stamped_frames), (None, 0));
    let mut bench = Bench::new(MediaKind::Audio, EXPECTED);
    let mut source = recording(|i| 0.3 * (i as f32 * 0.05).sin());
    (0..100).for_each(|_| bench.frame(&mut source));
    assert_eq!((bench.proof(), bench.snapshot().stamped_frames), (None, 0));
}

#[test]
fn decodable_media_is_proof_where_no_stamps_are_announced() {
    let plain = Expected { stamps: false, ..EXPECTED };
    let noise = || recording(|i| 0.3 * (i as f32 * 0.05).sin());
    let cases: [(Made, bool); 4] =
        [(gradient(1), false), (gradient(0), true), (noise(), false), (recording(|_| 0.0), true)];
    for (mut source, still) in cases {
        let mut bench = Bench::new(source.kind, plain);
        for _ in 0..100 {
            bench.frame(&mut source);
        }
        assert_eq!(bench.proof(), Some(Proof::Decoded), "{} {still}", source.kind);
        let media = bench.snapshot();
        assert_eq!(
            (media.still, media.stamped_frames, media.corrupt),
            (Some(still), 0, 0),
            "{}",
            source.kind
        );
        assert_eq!(media.latency, None);
    }
}
