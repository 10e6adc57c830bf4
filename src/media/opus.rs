//! Opus packets from the outside (RFC 6716 §3): how long they last, and a stamp in their padding, which every decoder
//! must ignore.

use bytes::{BufMut, Bytes, BytesMut};

use super::Stamp;

/// Opus counts its samples at this rate, whatever was encoded (RFC 7587 §4.1).
pub(super) const SAMPLE_RATE: u32 = 48_000;
/// A packet lasts no longer than 120 ms (RFC 6716 §3.2, R5).
pub(super) const MAX_SAMPLES: u32 = 5760;

/// Opens the padding as one extension for private use, number 121, that fills it; decoders that know extensions in
/// padding skip it, others skip all padding.
const EXTENSION: u8 = 121 << 1;
const PADDING: u8 = Stamp::LEN as u8 + 1;

/// Packets of this length or less are DTX (RFC 7587 §3.1.3); a stamp would make sound of them to some receivers.
pub(super) const DTX_LENGTH: usize = 2;

/// A packet taken apart; `frames` holds what follows the count byte, without the padding.
struct Parts<'a> {
    toc: u8,
    /// Frames in the packet.
    count: u8,
    variable: bool,
    frames: &'a [u8],
    padding: &'a [u8],
}

/// How long the packet lasts, in samples at [`SAMPLE_RATE`]; none if it is not Opus.
pub(super) fn samples(packet: &[u8]) -> Option<u32> {
    let parts = split(packet)?;
    let config = parts.toc >> 3;
    let frame = match config {
        0..12 => [480, 960, 1920, 2880][usize::from(config & 3)],
        12..16 => [480, 960][usize::from(config & 1)],
        _ => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let samples = frame * u32::from(parts.count);
    (samples > 0 && samples <= MAX_SAMPLES).then_some(samples)
}

/// The packet with a stamp in its padding: any code becomes code 3 (RFC 6716 §3.2.5), the frames stay as they are, other
/// padding is replaced. DTX packets, and what is not Opus, come back as they are.
pub(super) fn stamped(packet: &[u8], stamp: &Stamp) -> Bytes {
    let Some(parts) = split(packet).filter(|_| packet.len() > DTX_LENGTH) else {
        return Bytes::copy_from_slice(packet);
    };
    let mut out = BytesMut::with_capacity(packet.len() + 4 + usize::from(PADDING));
    out.put_u8(parts.toc | 3);
    out.put_u8(u8::from(parts.variable) << 7 | 0x40 | parts.count);
    out.put_u8(PADDING);
    out.put_slice(parts.frames);
    out.put_u8(EXTENSION);
    out.put_slice(&stamp.to_bytes());
    out.freeze()
}

/// The stamp in the padding; none if there is none.
pub(super) fn stamp(packet: &[u8]) -> Option<Stamp> {
    let padding = split(packet)?.padding;
    let (&EXTENSION, stamp) = padding.split_first()? else {
        return None;
    };
    (stamp.len() == Stamp::LEN).then(|| Stamp::at_end_of(stamp))?
}

fn split(packet: &[u8]) -> Option<Parts<'_>> {
    let (&toc, rest) = packet.split_first()?;
    let plain = |count, variable| Parts { toc: toc & !3, count, variable, frames: rest, padding: &[] };
    match toc & 3 {
        0 => Some(plain(1, false)),
        // Two frames of one size.
        1 => rest.len().is_multiple_of(2).then(|| plain(2, false)),
        // Two frames; the length of the first comes before them, just as in code 3.
        2 => (!rest.is_empty()).then(|| plain(2, true)),
        _ => split_code_3(toc & !3, rest),
    }
}

fn split_code_3(toc: u8, rest: &[u8]) -> Option<Parts<'_>> {
    let (&header, mut rest) = rest.split_first()?;
    let mut padding = 0;
    if header & 0x40 != 0 {
        loop {
            let (&length, after) = rest.split_first()?;
            rest = after;
            if length < 255 {
                padding += usize::from(length);
                break;
            }
            padding += 254;
        }
    }
    let (frames, padding) = rest.split_at_checked(rest.len().checked_sub(padding)?)?;
    let count = header & 0x3f;
    (count > 0).then_some(Parts { toc, count, variable: header & 0x80 != 0, frames, padding })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ropus::{Application, Bitrate, Channels, DecodeMode, Decoder, Encoder};

    use super::*;

    const STAMP: Stamp = Stamp { peer: 7, stream: 0, frame: 9, wall_us: 11, synthetic: true };

    fn encoded(channels: Channels, frames: usize) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::builder(SAMPLE_RATE, channels, Application::Audio)
            .bitrate(Bitrate::try_bits(32_000).unwrap())
            .build()
            .unwrap();
        let samples = 960 * channels.count();
        (0..frames)
            .map(|i| {
                let pcm: Vec<f32> = (0..samples)
                    .map(|k| {
                        let t = (i * samples + k) as f32 / 48_000.0;
                        0.3 * (t * 2765.0).sin() + 0.2 * (t * 900.0 * (1.0 + t)).sin()
                    })
                    .collect();
                let mut packet = vec![0; 1500];
                let length = encoder.encode_float(&pcm, &mut packet).unwrap();
                packet.truncate(length);
                packet
            })
            .collect()
    }

    fn decode(packets: &[Vec<u8>], channels: Channels) -> Vec<f32> {
        let mut decoder = Decoder::new(SAMPLE_RATE, channels).unwrap();
        let mut pcm = Vec::new();
        for packet in packets {
            let mut out = vec![0.0; MAX_SAMPLES as usize * channels.count()];
            let samples = decoder.decode_float(packet, &mut out, DecodeMode::Normal).unwrap();
            pcm.extend_from_slice(&out[..samples * channels.count()]);
        }
        pcm
    }

    fn all_stamped(packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
        packets.iter().map(|packet| stamped(packet, &STAMP).to_vec()).collect()
    }

    /// Joins two packets of one frame each into one of two frames.
    fn joined(a: &[u8], b: &[u8], code: u8) -> Vec<u8> {
        let mut packet = vec![a[0] & !3 | code];
        if code == 3 {
            packet.push(0x82);
        }
        match a.len() - 1 {
            length @ 0..252 => packet.push(length as u8),
            length => packet.extend([252 + (length % 4) as u8, ((length - 252) / 4) as u8]),
        }
        packet.extend_from_slice(&a[1..]);
        packet.extend_from_slice(&b[1..]);
        packet
    }

    #[test]
    fn a_stamped_packet_sounds_the_same() {
        for channels in [Channels::Mono, Channels::Stereo] {
            let plain = encoded(channels, 50);
            let stamped = all_stamped(&plain);
            assert!(stamped.iter().all(|packet| stamp(packet) == Some(STAMP)));
            assert!(stamped.iter().all(|packet| samples(packet) == Some(960)));
            assert_eq!(decode(&stamped, channels), decode(&plain, channels));
        }
    }

    #[test]
    fn packets_of_two_frames_are_stamped_too() {
        let frames = encoded(Channels::Mono, 50);
        for code in [2, 3] {
            let plain: Vec<_> = frames.chunks(2).map(|two| joined(&two[0], &two[1], code)).collect();
            let stamped = all_stamped(&plain);
            assert!(stamped.iter().all(|packet| stamp(packet) == Some(STAMP)), "code {code}");
            assert_eq!(samples(&stamped[3]), Some(1920));
            assert_eq!(decode(&stamped, Channels::Mono), decode(&plain, Channels::Mono), "code {code}");
        }
    }

    #[test]
    fn two_frames_of_one_size_stay_of_one_size() {
        let frame = &encoded(Channels::Mono, 1)[0];
        let mut plain = vec![frame[0] & !3 | 1];
        plain.extend_from_slice(&frame[1..]);
        plain.extend_from_slice(&frame[1..]);
        let stamped = all_stamped(&[plain.clone()]);
        assert_eq!(stamp(&stamped[0]), Some(STAMP));
        assert_eq!(decode(&stamped, Channels::Mono), decode(&[plain], Channels::Mono));
    }

    #[test]
    fn other_padding_is_replaced() {
        let plain = encoded(Channels::Mono, 1).remove(0);
        let mut padded = vec![plain[0] | 3, 0x41, 255, 46];
        padded.extend_from_slice(&plain[1..]);
        padded.extend([0; 300]);
        assert_eq!(samples(&padded), Some(960));
        assert_eq!(stamped(&padded, &STAMP), stamped(&plain, &STAMP));
        assert_eq!(stamped(&stamped(&plain, &STAMP), &STAMP), stamped(&plain, &STAMP));
    }

    #[test]
    fn dtx_packets_are_left_alone() {
        for packet in [&[][..], &[0x78], &[0x78, 0]] {
            assert_eq!(&stamped(packet, &STAMP)[..], packet);
            assert_eq!(stamp(packet), None);
        }
    }

    #[test]
    fn every_duration_is_known() {
        for (toc, expected) in [(0, 480), (3 << 3, 2880), (13 << 3, 960), (16 << 3, 120), (31 << 3, 960)] {
            assert_eq!(samples(&[toc, 1, 2]), Some(expected), "configuration {}", toc >> 3);
        }
        assert_eq!(samples(&[3 << 3 | 3, 48]), None, "longer than 120 ms");
        assert_eq!(samples(&[3, 0]), None, "no frames");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(packet in proptest::collection::vec(any::<u8>(), 0..400)) {
            let known = samples(&packet);
            let _ = stamp(&packet);
            let marked = stamped(&packet, &STAMP);
            if packet.len() > DTX_LENGTH && known.is_some() {
                prop_assert_eq!(stamp(&marked), Some(STAMP));
                prop_assert_eq!(samples(&marked), known);
            }
        }
    }
}
