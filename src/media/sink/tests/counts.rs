//! What the network did is counted, and nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

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
fn frames_that_come_late_are_decoded_in_order() {
    let mut bench = Bench::new(MediaKind::Video, EXPECTED);
    let mut bars = bars();
    let mut frames: Vec<_> = (0..20).map(|_| bench.made(&mut bars)).collect();
    frames.swap(3, 6);
    frames.iter().flatten().for_each(|packet| bench.push(packet));
    let media = bench.snapshot();
    assert_eq!((media.reordered, media.frames_lost, media.decoded_frames, media.corrupt), (3, 0, 8, 0));
}

#[test]
fn a_key_frame_that_comes_after_its_followers_is_not_decoded_without_them() {
    let mut bench = Bench::new(MediaKind::Video, EXPECTED);
    let mut bars = bars();
    let mut frames: Vec<_> = (0..20).map(|_| bench.made(&mut bars)).collect();
    // The first frame, a key frame, was lost and came again.
    frames[..5].rotate_left(1);
    frames.iter().flatten().for_each(|packet| bench.push(packet));
    assert_eq!((bench.wrongs(), bench.snapshot().corrupt), (vec![], 0));
    bars.request_key_frame();
    for _ in 0..10 {
        bench.frame(&mut bars);
    }
    assert_eq!(bench.proof(), Some(Proof::Stamped));
}

#[test]
fn frames_that_were_not_decoded_are_not_lost_by_their_barcodes() {
    let mut bench = Bench::new(MediaKind::Video, EXPECTED);
    let mut bars = bars();
    let mut source = Made::new(MediaKind::Video, move |frame, wall_us| {
        if frame == 30 {
            bars.request_key_frame();
        }
        let (mut bytes, _) = bars.next_frame(wall_us);
        bytes.truncate(bytes.len() - Stamp::LEN);
        bytes
    });
    for i in 0..40 {
        let packets = bench.made(&mut source);
        if i != 10 {
            packets.iter().for_each(|packet| bench.push(packet));
        }
    }
    let media = bench.snapshot();
    // Frame 10 is missing, so 11 to 29 cannot be decoded; the key frame 30 can.
    assert_eq!((media.packets_lost, media.frames_lost, media.stamped_frames), (1, 0, 20));
    assert_eq!((media.corrupt, bench.key_requests), (0, 1));
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
    assert_eq!((media.decoded_frames, bench.proof()), (8, Some(Proof::Decoded)));
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

#[test]
fn darkness_and_loudness_are_measured_where_something_is_decoded() {
    let seen = |luma: u8| {
        let mut bench = Bench::new(MediaKind::Video, Expected { stamps: false, ..EXPECTED });
        let mut source = Made::new(MediaKind::Video, move |_, _| {
            let (y, chroma) = ([luma; 64 * 48], [128; 32 * 24]);
            let picture = I420Frame::packed(64, 48, &y, &chroma, &chroma);
            oxideav_vp8::encoder::encode_keyframe(&picture, &KeyframeParams::default()).unwrap()
        });
        (0..5).for_each(|_| bench.frame(&mut source));
        let media = bench.snapshot();
        (media.black, media.key_frames, media.peak_db)
    };
    assert_eq!(seen(16), (Some(true), Some(5), None));
    assert_eq!(seen(60), (Some(false), Some(5), None));
    let heard = |amplitude: f32| {
        let mut bench = Bench::new(MediaKind::Audio, Expected { stamps: false, ..EXPECTED });
        let mut source = recording(move |i| amplitude * (i as f32 * 0.06).sin());
        (0..20).for_each(|_| bench.frame(&mut source));
        let media = bench.snapshot();
        assert_eq!((media.black, media.key_frames), (None, None));
        media.peak_db
    };
    assert!(heard(0.5).is_some_and(|peak| (-9.0..=-3.0).contains(&peak)), "{:?}", heard(0.5));
    assert!(heard(0.002).is_some_and(|peak| peak < -50.0), "{:?}", heard(0.002));
    assert_eq!(heard(0.0), None, "silence has no peak");
}
