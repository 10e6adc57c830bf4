use std::collections::BTreeMap;

use oxideav_vp8::encoder::{I420Frame, KeyframeParams};
use proptest::prelude::*;
use ropus::{Application, Channels, Encoder};

use super::*;
use crate::media::source::{Bars, Frame, Identity, Source, Tone};
use crate::media::vp8::payload::Payloads;

const PEER: u16 = 7;
const OWN: u16 = 3;
const WALL: u64 = 1_790_000_000_000_000;
const EXPECTED: Expected = Expected {
    peer: Some(PEER),
    own: OWN,
    stamps: true,
    clock: Some(ClockOffset { offset_us: 0, error_us: 500 }),
};

/// What was pushed into a sink, and what it told.
struct Bench {
    sink: Sink,
    start: Instant,
    now_us: u64,
    sequence: u16,
    events: Vec<SinkEvent>,
    key_requests: u32,
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin")]
    fn new(kind: MediaKind, expected: Expected) -> Self {
        let sink = Sink::new(kind, "0", expected);
        Self { sink, start: Instant::now(), now_us: 0, sequence: 65_500, events: Vec::new(), key_requests: 0 }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_micros(self.now_us)
    }

    fn packets(&mut self, frame: &Frame) -> Vec<Packet> {
        let count = frame.payloads.len();
        let packets = frame.payloads.iter().enumerate().map(|(i, payload)| Packet {
            sequence: self.sequence.wrapping_add(i as u16),
            timestamp: frame.timestamp,
            marker: i + 1 == count,
            payload_type: 96,
            ssrc: 1,
            payload: payload.clone(),
        });
        let packets = packets.collect();
        self.sequence = self.sequence.wrapping_add(count as u16);
        packets
    }

    fn push(&mut self, packet: &Packet) {
        let events = self.sink.push(packet, self.now(), WALL + self.now_us);
        self.events.extend(events);
        self.key_requests += u32::from(self.sink.wants_key_frame());
    }

    /// The next frame of a source arrives whole, 20 ms after it was made.
    fn frame(&mut self, source: &mut dyn Source) {
        for packet in self.made(source) {
            self.push(&packet);
        }
    }

    /// The packets of the next frame; time goes on, nothing arrives.
    fn made(&mut self, source: &mut dyn Source) -> Vec<Packet> {
        let made_us = source.next_due().as_micros() as u64;
        self.now_us = made_us + 20_000;
        let frame = source.next(WALL + made_us);
        self.packets(&frame)
    }

    fn snapshot(&self) -> InboundMedia {
        self.sink.snapshot(self.now())
    }

    fn wrongs(&self) -> Vec<&str> {
        let wrong = |event| if let &SinkEvent::Wrong(ref text) = event { Some(text.as_str()) } else { None };
        self.events.iter().filter_map(wrong).collect()
    }

    fn proof(&self) -> Option<Proof> {
        self.events
            .iter()
            .find_map(|event| if let SinkEvent::Proven(proof) = event { Some(*proof) } else { None })
    }
}

fn bars() -> Bars {
    Bars::new(Identity { peer: PEER, stream: 1 })
}

fn tone() -> Tone {
    Tone::new(Identity { peer: PEER, stream: 0 }).unwrap()
}

/// Hands out made-up frames, one every 20 ms or 30 times a second.
struct Made {
    kind: MediaKind,
    frames: u32,
    payloads: Payloads,
    make: Box<dyn FnMut(u32, u64) -> Vec<u8> + Send>,
}

impl Made {
    fn new(kind: MediaKind, make: impl FnMut(u32, u64) -> Vec<u8> + Send + 'static) -> Self {
        Self { kind, frames: 0, payloads: Payloads::new(), make: Box::new(make) }
    }
}

impl Source for Made {
    fn kind(&self) -> MediaKind {
        self.kind
    }
    fn identity(&self) -> Identity {
        Identity { peer: PEER, stream: 0 }
    }
    fn next_due(&self) -> Duration {
        let rate = if self.kind == MediaKind::Audio { 50 } else { 30 };
        Duration::from_secs(u64::from(self.frames)) / rate
    }
    fn next(&mut self, wall_us: u64) -> Frame {
        let bytes = (self.make)(self.frames, wall_us);
        self.frames += 1;
        let payloads = match self.kind {
            MediaKind::Audio => vec![Bytes::from(bytes)],
            MediaKind::Video => self.payloads.cut(bytes),
        };
        Frame { payloads, timestamp: self.frames * 960, key: true, bytes: 0 }
    }
    fn request_key_frame(&mut self) {}
    fn skip_to(&mut self, _: Duration) -> u64 {
        0
    }
    fn description(&self) -> String {
        String::new()
    }
}

/// Key frames of a real encoder: a gradient that shifts by `step` with each frame.
fn gradient(step: u32) -> Made {
    Made::new(MediaKind::Video, move |frame, _| {
        let y: Vec<u8> = (0..64 * 48).map(|i| (i % 64 * 3) as u8 ^ (frame * step) as u8).collect();
        let chroma = [128; 32 * 24];
        let picture = I420Frame::packed(64, 48, &y, &chroma, &chroma);
        oxideav_vp8::encoder::encode_keyframe(&picture, &KeyframeParams::default()).unwrap()
    })
}

/// Opus without stamps, made from `sound`.
fn recording(mut sound: impl FnMut(usize) -> f32 + Send + 'static) -> Made {
    let mut encoder = Encoder::builder(48_000, Channels::Stereo, Application::Voip).build().unwrap();
    Made::new(MediaKind::Audio, move |frame, _| {
        let pcm: Vec<f32> = (0..1920).map(|i| sound(frame as usize * 960 + i / 2)).collect();
        let mut packet = vec![0; 1500];
        let length = encoder.encode_float(&pcm, &mut packet).unwrap();
        packet.truncate(length);
        packet
    })
}

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
    // A second at the first key frame, five frames at the second one.
    assert!((30..=36).contains(&media.decoded_frames), "{}", media.decoded_frames);
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
fn injected_losses_repeats_and_disorder_are_counted() {
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let mut bench = Bench::new(kind, EXPECTED);
        let mut source: Box<dyn Source> = match kind {
            MediaKind::Video => Box::new(bars()),
            MediaKind::Audio => Box::new(tone()),
        };
        let mut held = None;
        for i in 0..100 {
            let packets = bench.made(source.as_mut());
            match i {
                20 | 21 | 50 => continue,
                30 => held = Some(packets),
                40 | 60 => packets.iter().chain(&packets).for_each(|packet| bench.push(packet)),
                _ => packets.iter().for_each(|packet| bench.push(packet)),
            }
            if i == 32 {
                held.take().unwrap().iter().for_each(|packet| bench.push(packet));
            }
        }
        let media = bench.snapshot();
        assert_eq!((media.packets_lost, media.frames_lost), (3, 3), "{kind}");
        assert_eq!((media.duplicated, media.reordered), (2, 1), "{kind}");
        assert_eq!((media.frames, media.stamped_frames), (97, 97), "{kind}");
        assert_eq!((media.corrupt, bench.wrongs().len()), (0, 0), "{kind}");
        assert_eq!(bench.proof(), Some(Proof::Stamped), "{kind}");
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
    assert_eq!((bench.snapshot().corrupt, bench.snapshot().decoded_frames), (20, 0));
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

#[test]
fn joining_late_asks_for_a_key_frame_and_goes_on_from_it() {
    let mut bench = Bench::new(MediaKind::Video, EXPECTED);
    let mut bars = bars();
    bench.made(&mut bars);
    for _ in 0..30 {
        bench.frame(&mut bars);
    }
    assert_eq!((bench.key_requests, bench.proof()), (2, None), "at once, and again after half a second");
    bars.request_key_frame();
    for _ in 0..10 {
        bench.frame(&mut bars);
    }
    assert_eq!(bench.proof(), Some(Proof::Stamped));
}

#[test]
fn frames_that_do_not_decode_are_corrupt_only_if_nothing_was_lost() {
    let spoilt = |lose: bool| {
        let mut bench = Bench::new(MediaKind::Video, EXPECTED);
        let mut bars = bars();
        for i in 0..10 {
            let mut packets = bench.made(&mut bars);
            if i == 5 && lose {
                continue;
            }
            if i == 6 {
                // A first partition that is longer than the frame.
                let mut bytes = packets[0].payload.to_vec();
                bytes[5..7].fill(0xff);
                packets[0].payload = Bytes::from(bytes);
            }
            packets.iter().for_each(|packet| bench.push(packet));
        }
        (bench.snapshot().corrupt, bench.key_requests)
    };
    assert_eq!(spoilt(false), (1, 1));
    assert_eq!(spoilt(true), (0, 0));
}

#[test]
fn empty_packets_are_counted_and_never_frames() {
    let mut bench = Bench::new(MediaKind::Video, Expected { stamps: false, ..EXPECTED });
    let mut source = gradient(1);
    for _ in 0..20 {
        bench.frame(&mut source);
        let empty = Frame { payloads: vec![Bytes::new(); 3], timestamp: 0, key: false, bytes: 0 };
        for packet in bench.packets(&empty) {
            bench.push(&packet);
        }
    }
    let media = bench.snapshot();
    assert_eq!((media.frames, media.empty_packets, media.packets_lost), (20, 60, 0));
    assert_eq!((media.decoded_frames, bench.proof()), (20, Some(Proof::Decoded)));
}

#[test]
fn a_gap_is_a_freeze_and_a_negotiated_pause_is_not() {
    let freezes = |pause: bool| {
        let mut bench = Bench::new(MediaKind::Video, EXPECTED);
        let mut bars = bars();
        (0..30).for_each(|_| bench.frame(&mut bars));
        if pause {
            bench.sink.pause();
        }
        bars.skip_to(Duration::from_secs(2));
        (0..30).for_each(|_| bench.frame(&mut bars));
        (bench.snapshot().freezes, bench.snapshot().freeze_ms.round())
    };
    assert_eq!(freezes(false), (1, 1033.0));
    assert_eq!(freezes(true), (0, 0.0));
}

#[test]
fn a_new_ssrc_loses_nothing() {
    let mut bench = Bench::new(MediaKind::Audio, EXPECTED);
    let mut tone = tone();
    for i in 0..60 {
        for mut packet in bench.made(&mut tone) {
            if i >= 30 {
                packet.ssrc = 2;
                packet.sequence = packet.sequence.wrapping_add(9000);
            }
            bench.push(&packet);
        }
    }
    let media = bench.snapshot();
    assert_eq!((media.packets_lost, media.frames_lost, media.stamped_frames), (0, 0, 60));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_network_does_the_counts_add_up(fates in proptest::collection::vec(0..20_u8, 40..120)) {
        let mut bench = Bench::new(MediaKind::Video, EXPECTED);
        let mut bars = bars();
        let (mut came, mut twice) = (BTreeMap::new(), 0);
        let mut held: Vec<(usize, Packet)> = Vec::new();
        for (i, fate) in fates.iter().enumerate() {
            let packet = bench.made(&mut bars).remove(0);
            match fate {
                0 | 1 if i > 0 => {}
                2 | 3 if i > 0 => held.push((i, packet)),
                4 | 5 => {
                    bench.push(&packet);
                    bench.push(&packet);
                    came.insert(i, ());
                    twice += 1;
                }
                _ => {
                    bench.push(&packet);
                    came.insert(i, ());
                }
            }
            if i % 7 == 6 {
                for (i, packet) in held.drain(..).rev() {
                    bench.push(&packet);
                    came.insert(i, ());
                }
            }
        }
        let last = came.keys().max().copied().unwrap_or_default();
        let media = bench.snapshot();
        prop_assert_eq!(media.frames, came.len() as u64);
        prop_assert_eq!(media.stamped_frames, came.len() as u64);
        prop_assert_eq!(media.frames_lost, (last + 1 - came.len()) as u64);
        prop_assert_eq!(media.packets_lost, media.frames_lost);
        prop_assert_eq!(media.duplicated, twice);
        prop_assert_eq!((media.corrupt, bench.wrongs().len()), (0, 0));
    }

    #[test]
    fn garbage_never_panics_and_proves_nothing(
        packets in proptest::collection::vec(
            (any::<u16>(), any::<bool>(), 0..3_u32, proptest::collection::vec(any::<u8>(), 0..40)), 0..100),
        video: bool,
    ) {
        let kind = if video { MediaKind::Video } else { MediaKind::Audio };
        let mut bench = Bench::new(kind, EXPECTED);
        let count = packets.len() as u64;
        for (sequence, marker, ssrc, payload) in packets {
            bench.now_us += 10_000;
            let payload = Bytes::from(payload);
            bench.push(&Packet { sequence, timestamp: ssrc, marker, payload_type: 96, ssrc, payload });
        }
        let media = bench.snapshot();
        prop_assert_eq!(media.packets + media.empty_packets, count);
        prop_assert_eq!(bench.proof(), None);
    }
}
