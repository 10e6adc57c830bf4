//! One numbering for all sources that play on one SSRC after another: replaceTrack must not show in the RTP sequence
//! (W3C webrtc §5.2, replaceTrack; RFC 3550 §5.1), and a jump backwards would be a replay to SRTP (RFC 3711 §3.3.2).

use std::time::Instant;

use crate::jsep::{MediaKind, TransceiverId};
use crate::media::clock_rate;

/// A source that plays or has played: its transceiver, and which of its sources it was.
pub(super) type PumpId = (TransceiverId, u32);

/// What has left on one SSRC.
#[derive(Debug, Default)]
pub(super) struct Continuity {
    last: Option<Last>,
    /// Who plays, and what is added to its numbers.
    playing: Option<Playing>,
}

#[derive(Debug)]
struct Last {
    sequence: u16,
    timestamp: u32,
    at: Instant,
}

#[derive(Debug)]
struct Playing {
    pump: PumpId,
    sequence: u16,
    timestamp: u32,
}

impl Continuity {
    /// The sequence number and the timestamp with which a packet of `pump` leaves at `now`.
    pub(super) fn number(
        &mut self,
        pump: PumpId,
        kind: MediaKind,
        now: Instant,
        sequence: u16,
        timestamp: u32,
    ) -> (u16, u32) {
        let playing = match self.playing.take() {
            Some(playing) if playing.pump == pump => playing,
            _ => self.follow(pump, kind, now, sequence, timestamp),
        };
        let numbers = (sequence.wrapping_add(playing.sequence), timestamp.wrapping_add(playing.timestamp));
        self.playing = Some(playing);
        self.last = Some(Last { sequence: numbers.0, timestamp: numbers.1, at: now });
        numbers
    }

    fn follow(&self, pump: PumpId, kind: MediaKind, now: Instant, sequence: u16, timestamp: u32) -> Playing {
        let Some(last) = &self.last else { return Playing { pump, sequence: 0, timestamp: 0 } };
        let ticks = now.saturating_duration_since(last.at).as_nanos() * u128::from(clock_rate(kind));
        // RTP timestamps wrap, so only the low bits matter; one tick at least, since it is another frame.
        let elapsed = ((ticks / 1_000_000_000) as u32).max(1);
        Playing {
            pump,
            sequence: last.sequence.wrapping_add(1).wrapping_sub(sequence),
            timestamp: last.timestamp.wrapping_add(elapsed).wrapping_sub(timestamp),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::world::Simulated;
    use crate::world::World;

    const FIRST: PumpId = (TransceiverId(0), 1);
    const SECOND: PumpId = (TransceiverId(0), 2);

    #[test]
    fn a_source_that_follows_another_continues_its_numbers() {
        let start = Simulated::new(1).now();
        let mut line = Continuity::default();
        assert_eq!(line.number(FIRST, MediaKind::Video, start, 7, 1000), (7, 1000));
        assert_eq!(line.number(FIRST, MediaKind::Video, start, 8, 1000), (8, 1000));
        let later = start + Duration::from_millis(100);
        assert_eq!(line.number(SECOND, MediaKind::Video, later, 60_000, 5), (9, 10_000));
        assert_eq!(line.number(SECOND, MediaKind::Video, later, 60_001, 3005), (10, 13_000));
    }

    #[test]
    fn numbers_wrap() {
        let start = Simulated::new(1).now();
        let mut line = Continuity::default();
        line.number(FIRST, MediaKind::Audio, start, u16::MAX, u32::MAX);
        assert_eq!(line.number(SECOND, MediaKind::Audio, start, 500, 500), (0, 0));
    }
}
