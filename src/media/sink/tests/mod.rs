//! A sink fed by real sources over a made-up network.

mod counts;
mod proof;

use oxideav_vp8::encoder::{I420Frame, KeyframeParams};
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
        let mut texts = Vec::new();
        for event in &self.events {
            if let SinkEvent::Wrong(text) = event {
                texts.push(text.as_str());
            }
        }
        texts
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
