//! Decodes some of the audio: enough to know that tone and stamp agree, or that there is sound at all.
//!
//! A look lasts until enough was right, at most a second the first time; later ones are short, every now and then.
//! A decoder needs some packets before it sounds right, at its start and after each gap; these are not judged.

use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use ropus::{Channels, DecodeMode, Decoder};

use super::verdict::{Mark, Verdict};
use crate::media::opus::{MAX_SAMPLES, SAMPLE_RATE};
use crate::media::source::{PITCHES, pitch_hz, pitch_of};

/// 60 ms: neighbouring pitches are three periods apart in it, so none leaks into another.
const BLOCK: usize = SAMPLE_RATE as usize * 60 / 1000;
/// Packets that a decoder gets before its sound is judged.
const WARM_UP: u32 = 3;
/// Packets of a look at most, and right blocks that end it sooner.
const FIRST_LOOK: (u32, u32) = (50, 4);
const LATER_LOOK: (u32, u32) = (15, 1);
/// From one look to the next.
const INTERVAL: Duration = Duration::from_secs(5);
/// The same where there are no stamps, so only the sound tells anything.
const INTERVAL_UNSTAMPED: Duration = Duration::from_secs(1);
/// Blocks in a row that must sound wrong: one could be the work of a concealed gap before it.
const WRONG_BLOCKS: u32 = 3;
/// A quieter tone is none; ours is sent with 0.3.
const FAINTEST_TONE: f64 = 0.03;
/// How far the strongest pitch must stand out.
const CLEARANCE: f64 = 3.0;
/// Root mean square of what counts as silence: -66 dBFS.
const SILENCE: f64 = 0.0005;

/// The audio checker of one sink.
#[derive(Default)]
pub(super) struct SoundCheck {
    look: Option<Look>,
    next_look: Option<Instant>,
    looked: bool,
    wrong_blocks: u32,
}

struct Look {
    decoder: Decoder,
    /// The sequence number that follows.
    next: u64,
    warm_up: u32,
    packets_left: u32,
    right_blocks_left: u32,
    block: Vec<f32>,
    packets_in_block: u64,
}

impl SoundCheck {
    /// The packets begin anew.
    pub(super) fn restart(&mut self) {
        self.look = None;
    }

    /// A packet came; `own` is our own number.
    pub(super) fn packet(
        &mut self,
        number: u64,
        packet: &[u8],
        mark: Mark,
        at: Instant,
        own: u16,
        verdict: &mut Verdict,
    ) {
        if mark == Mark::Foreign {
            self.look = None;
            return;
        }
        if self.look.is_none() && self.next_look.is_none_or(|due| at >= due) {
            self.look = Look::new(number, if self.looked { LATER_LOOK } else { FIRST_LOOK });
        }
        let Some(look) = &mut self.look else {
            return;
        };
        if number < look.next {
            return;
        }
        let Ok(block) = look.decode(number, packet) else {
            verdict.undecodable(1);
            self.look = None;
            return;
        };
        if let Some((block, packets)) = block
            && self.judge(&block, packets, mark, own, verdict)
            && let Some(look) = &mut self.look
        {
            look.right_blocks_left -= 1;
        }
        if self.look.as_ref().is_some_and(|look| look.packets_left == 0 || look.right_blocks_left == 0) {
            self.end_look(at, mark);
        }
    }

    /// Padding takes a number, and no sound.
    pub(super) fn padding(&mut self, number: u64) {
        if let Some(look) = self.look.as_mut().filter(|look| look.next == number) {
            look.next += 1;
        }
    }

    fn end_look(&mut self, at: Instant, mark: Mark) {
        self.look = None;
        self.looked = true;
        let interval = if mark == Mark::None { INTERVAL_UNSTAMPED } else { INTERVAL };
        self.next_look = Some(at + interval);
    }

    /// Whether this block was right.
    fn judge(&mut self, block: &[f32], packets: u64, mark: Mark, own: u16, verdict: &mut Verdict) -> bool {
        let sounds = loudness(block) > SILENCE;
        verdict.saw_life(sounds);
        if sounds {
            verdict.heard(block);
        }
        match mark {
            Mark::Foreign => false,
            Mark::None => {
                verdict.unstamped(packets);
                true
            }
            Mark::Peer(stamp) if !stamp.synthetic => {
                verdict.right(packets);
                true
            }
            Mark::Peer(stamp) => {
                let heard = strongest_pitch(block);
                if heard == Some(pitch_of(stamp.peer)) {
                    self.wrong_blocks = 0;
                    verdict.right(packets);
                    return true;
                }
                self.wrong_blocks += 1;
                if self.wrong_blocks >= WRONG_BLOCKS {
                    verdict.differs(packets, wrong_tone(heard, stamp.peer, own));
                }
                false
            }
        }
    }
}

impl Look {
    /// None if the decoder does not start, which it always does with these settings.
    fn new(next: u64, (packets_left, right_blocks_left): (u32, u32)) -> Option<Self> {
        let decoder = Decoder::new(SAMPLE_RATE, Channels::Mono).ok()?;
        let block = Vec::with_capacity(BLOCK);
        Some(Self {
            decoder,
            next,
            warm_up: WARM_UP,
            packets_left,
            right_blocks_left,
            block,
            packets_in_block: 0,
        })
    }

    /// Decodes a packet; returns the sound of some packets once there is enough of it, and how many they are.
    fn decode(&mut self, number: u64, packet: &[u8]) -> Result<Option<(Vec<f32>, u64)>, ropus::DecodeError> {
        if number != self.next {
            self.warm_up = WARM_UP;
            self.block.clear();
            self.packets_in_block = 0;
        }
        self.next = number + 1;
        self.packets_left = self.packets_left.saturating_sub(1);
        let mut pcm = [0.0; MAX_SAMPLES as usize];
        let samples = self.decoder.decode_float(packet, &mut pcm, DecodeMode::Normal)?;
        if self.warm_up > 0 {
            self.warm_up -= 1;
            return Ok(None);
        }
        self.block.extend_from_slice(&pcm[..samples]);
        self.packets_in_block += 1;
        if self.block.len() < BLOCK {
            return Ok(None);
        }
        Ok(Some((std::mem::take(&mut self.block), std::mem::take(&mut self.packets_in_block))))
    }
}

fn wrong_tone(heard: Option<usize>, peer: u16, own: u16) -> String {
    let expected = pitch_hz(pitch_of(peer));
    match heard {
        None => format!("no tone is heard; the stamps promise {expected} Hz of peer {peer}"),
        Some(pitch) if pitch == pitch_of(own) => {
            format!("our own tone of {} Hz is heard under the stamps of peer {peer}", pitch_hz(pitch))
        }
        Some(pitch) => {
            format!(
                "a tone of {} Hz is heard; the stamps promise {expected} Hz of peer {peer}",
                pitch_hz(pitch)
            )
        }
    }
}

/// The pitch that stands out; none if none does.
fn strongest_pitch(block: &[f32]) -> Option<usize> {
    let block = &block[..BLOCK.min(block.len())];
    let mut best = (0, 0.0);
    let mut second = 0.0;
    for pitch in 0..PITCHES {
        let found = amplitude(block, f64::from(pitch_hz(pitch)));
        if found > best.1 {
            second = best.1;
            best = (pitch, found);
        } else if found > second {
            second = found;
        }
    }
    (best.1 > FAINTEST_TONE && best.1 > CLEARANCE * second).then_some(best.0)
}

/// The amplitude of one frequency, by Goertzel's algorithm.
fn amplitude(block: &[f32], hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / f64::from(SAMPLE_RATE)).cos();
    let (mut a, mut b) = (0.0, 0.0);
    for &sample in block {
        (a, b) = (f64::from(sample) + coefficient * a - b, a);
    }
    let power: f64 = a * a + b * b - coefficient * a * b;
    power.max(0.0).sqrt() * 2.0 / block.len().max(1) as f64
}

fn loudness(block: &[f32]) -> f64 {
    let power: f64 = block.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (power / block.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, amplitude: f32) -> Vec<f32> {
        (0..BLOCK)
            .map(|i| amplitude * (std::f32::consts::TAU * hz * i as f32 / SAMPLE_RATE as f32 + 0.7).sin())
            .collect()
    }

    #[test]
    fn every_pitch_is_told_from_all_others() {
        for pitch in 0..PITCHES {
            assert_eq!(strongest_pitch(&tone(pitch_hz(pitch), 0.3)), Some(pitch));
        }
    }

    #[test]
    fn silence_noise_and_chords_have_no_pitch() {
        assert_eq!(strongest_pitch(&tone(500.0, 0.01)), None);
        assert_eq!(strongest_pitch(&[]), None);
        let chord: Vec<f32> = tone(500.0, 0.2).iter().zip(tone(900.0, 0.2)).map(|(a, b)| a + b).collect();
        assert_eq!(strongest_pitch(&chord), None);
        assert_eq!(strongest_pitch(&tone(425.0, 0.3)), None, "between two pitches");
    }

    #[test]
    fn loudness_tells_silence_from_sound() {
        assert!(loudness(&[0.0; BLOCK]) < SILENCE);
        assert!(loudness(&tone(440.0, 0.01)) > SILENCE);
    }
}
