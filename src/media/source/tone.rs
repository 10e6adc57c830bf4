//! Synthetic audio: a tone whose pitch tells who sends it.

use std::borrow::Cow;
use std::f32::consts::TAU;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use ropus::{Application, Bitrate, Channels, Encoder};

use super::clock::MediaClock;
use super::{Frame, Identity, Source};
use crate::jsep::MediaKind;
use crate::media::opus::{self, SAMPLE_RATE};
use crate::media::{MediaError, Stamp};

/// How many pitches there are.
pub(in crate::media) const PITCHES: usize = 40;

/// Samples in a packet: 20 ms.
const PACKET: u32 = SAMPLE_RATE / 50;
const BITRATE: u32 = 32_000;
const AMPLITUDE: f32 = 0.3;
/// About 60 dB below full scale.
const QUIET: f32 = 0.001;
/// Packets until the encoder has settled; they are thrown away.
const SETTLING: usize = 25;
/// Packets that are kept and sent over and over.
const LOOP: usize = 25;

/// The frequency of a pitch in Hz.
///
/// Every pitch has a whole number of periods in a packet, so all packets begin at the same phase, and a loop of packets
/// from a settled encoder goes on without a click.
pub(in crate::media) fn pitch_hz(pitch: usize) -> f32 {
    400.0 + 50.0 * pitch as f32
}

/// The pitch that identifies a peer.
pub(in crate::media) fn pitch_of(peer: u16) -> usize {
    usize::from(peer) % PITCHES
}

/// Opus at 32 kbit/s, mono, 20 ms a packet.
///
/// The packets of a pitch are encoded once in a process and shared by all sources; only the stamps differ.
#[derive(Debug)]
pub struct Tone {
    identity: Identity,
    /// Nothing but a tone that is well heard proves by itself whose it is.
    proves: bool,
    packets: Cow<'static, [Bytes]>,
    clock: MediaClock,
    frame: u32,
}

impl Tone {
    /// The tone of `identity`.
    ///
    /// # Errors
    /// If the encoder refuses its settings.
    pub fn new(identity: Identity) -> Result<Self, MediaError> {
        Ok(Self::of(identity, Cow::Borrowed(packets_of(pitch_of(identity.peer))?), true))
    }

    /// The same, so quiet that hardly anybody hears it.
    ///
    /// # Errors
    /// As [`Tone::new`].
    pub fn quiet(identity: Identity) -> Result<Self, MediaError> {
        Ok(Self::of(identity, Cow::Owned(encode(pitch_hz(pitch_of(identity.peer)), QUIET)?), false))
    }

    fn of(identity: Identity, packets: Cow<'static, [Bytes]>, proves: bool) -> Self {
        Self { identity, proves, packets, clock: MediaClock::new(1, SAMPLE_RATE, SAMPLE_RATE), frame: 0 }
    }
}

impl Source for Tone {
    fn kind(&self) -> MediaKind {
        MediaKind::Audio
    }

    fn identity(&self) -> Identity {
        self.identity
    }

    fn next_due(&self) -> Duration {
        self.clock.time()
    }

    fn next(&mut self, wall_us: u64) -> Frame {
        let Identity { peer, stream } = self.identity;
        let stamp = Stamp { peer, stream, frame: self.frame, wall_us, synthetic: self.proves };
        let packet = opus::stamped(&self.packets[self.frame as usize % self.packets.len()], &stamp);
        let timestamp = self.clock.ticks();
        self.frame = self.frame.wrapping_add(1);
        self.clock.advance(u64::from(PACKET));
        Frame::new(vec![packet], timestamp, true)
    }

    fn request_key_frame(&mut self) {}

    fn skip_to(&mut self, media_time: Duration) -> u64 {
        self.clock.skip_to(media_time, u64::from(PACKET))
    }

    fn description(&self) -> String {
        format!("Opus tone of {} Hz", pitch_hz(pitch_of(self.identity.peer)))
    }
}

fn packets_of(pitch: usize) -> Result<&'static [Bytes], MediaError> {
    static PACKETS: [OnceLock<Vec<Bytes>>; PITCHES] = [const { OnceLock::new() }; PITCHES];
    if let Some(packets) = PACKETS[pitch].get() {
        return Ok(packets);
    }
    let packets = encode(pitch_hz(pitch), AMPLITUDE)?;
    Ok(PACKETS[pitch].get_or_init(|| packets))
}

fn encode(hz: f32, amplitude: f32) -> Result<Vec<Bytes>, MediaError> {
    let failed = |error: &dyn std::fmt::Display| MediaError::Encoder(error.to_string());
    let mut encoder = Encoder::builder(SAMPLE_RATE, Channels::Mono, Application::Audio)
        .bitrate(Bitrate::try_bits(BITRATE).map_err(|error| failed(&error))?)
        .complexity(5)
        .build()
        .map_err(|error| failed(&error))?;
    let pcm: Vec<f32> =
        (0..PACKET).map(|i| amplitude * (TAU * hz * i as f32 / SAMPLE_RATE as f32).sin()).collect();
    let mut packets = Vec::with_capacity(LOOP);
    for i in 0..SETTLING + LOOP {
        let mut packet = [0; 1500];
        let length = encoder.encode_float(&pcm, &mut packet).map_err(|error| failed(&error))?;
        if i >= SETTLING {
            packets.push(Bytes::copy_from_slice(&packet[..length]));
        }
    }
    Ok(packets)
}

#[cfg(test)]
mod tests {
    use ropus::{DecodeMode, Decoder};

    use super::*;

    #[test]
    fn the_loop_goes_on_without_a_click() {
        let mut tone = Tone::new(Identity { peer: 3, stream: 0 }).unwrap();
        let mut decoder = Decoder::new(SAMPLE_RATE, Channels::Mono).unwrap();
        let mut pcm = Vec::new();
        for _ in 0..LOOP * 4 {
            let mut out = [0.0; PACKET as usize];
            let frame = tone.next(0);
            decoder.decode_float(&frame.payloads[0], &mut out, DecodeMode::Normal).unwrap();
            pcm.extend(out);
        }
        // A sine changes by no more than amplitude times angle from one sample to the next.
        let steepest = 1.25 * AMPLITUDE * TAU * pitch_hz(3) / SAMPLE_RATE as f32;
        for (i, pair) in pcm.windows(2).enumerate().skip(10 * PACKET as usize) {
            assert!((pair[1] - pair[0]).abs() < steepest, "a jump at sample {i}: {pair:?}");
        }
    }

    #[test]
    fn an_hour_of_packets_does_not_drift() {
        let mut tone = Tone::new(Identity { peer: 3, stream: 0 }).unwrap();
        for _ in 0..50 * 3600 {
            tone.next(0);
        }
        assert_eq!(tone.next_due(), Duration::from_secs(3600));
        assert_eq!(tone.next(0).timestamp, 3600 * SAMPLE_RATE);
    }

    #[test]
    fn every_packet_says_who_and_which() {
        let mut tone = Tone::new(Identity { peer: 41, stream: 2 }).unwrap();
        assert_eq!(tone.description(), "Opus tone of 450 Hz");
        for frame in 0..60 {
            let packet = tone.next(1000 + u64::from(frame));
            let stamp = opus::stamp(&packet.payloads[0]).unwrap();
            let expected =
                Stamp { peer: 41, stream: 2, frame, wall_us: 1000 + u64::from(frame), synthetic: true };
            assert_eq!(stamp, expected);
            assert!(packet.key && packet.bytes < 200);
        }
    }
}
