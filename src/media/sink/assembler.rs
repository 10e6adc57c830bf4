//! From RTP packets to whole video frames.

use bytes::{Bytes, BytesMut};

use crate::media::vp8::payload;

/// How many packets are kept; a frame of more packets, or one that waits for longer, never comes whole.
const SLOTS: u64 = 512;

/// A ring of the last packets, by extended sequence number; takes no memory before the first packet.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    number: u64,
    content: Content,
}

#[derive(Clone, Debug, Default)]
enum Content {
    /// Nothing yet, or nothing any more.
    #[default]
    Missing,
    /// Nothing that belongs to a frame that is still open: padding, or part of a frame that was handed out.
    Done,
    /// Part of a frame that is not whole yet.
    Part { timestamp: u32, marker: bool, begins_frame: bool, data: Bytes },
}

/// A whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assembled {
    /// The extended sequence numbers of its first and last packet.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) bytes: Bytes,
}

impl Assembler {
    /// Forgets everything: the numbers begin anew.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }

    /// A packet without a payload.
    pub(super) fn padding(&mut self, number: u64) {
        self.put(number, Content::Done);
    }

    /// A packet with a payload; returns the frame that it completes.
    pub(super) fn push(
        &mut self,
        number: u64,
        timestamp: u32,
        marker: bool,
        payload: &Bytes,
    ) -> Option<Assembled> {
        let payload::Part { begins_frame, data } = payload::part(payload)?;
        if begins_frame && marker {
            self.put(number, Content::Done);
            return Some(Assembled { first: number, last: number, bytes: data });
        }
        self.put(number, Content::Part { timestamp, marker, begins_frame, data });
        let first = self.walk(number, timestamp, |number| number.checked_sub(1), |begins, _| begins)?;
        let last = self.walk(number, timestamp, |number| number.checked_add(1), |_, marker| marker)?;
        Some(Assembled { first, last, bytes: self.take(first, last) })
    }

    /// Whether nothing is missing and nothing is open from `from` up to, but not including, `to`.
    pub(super) fn all_done(&self, from: u64, to: u64) -> bool {
        to.saturating_sub(from) < SLOTS
            && (from..to).all(|number| matches!(self.content(number), Content::Done))
    }

    /// Goes on in one direction, through parts of one frame, until the end is reached.
    fn walk(
        &self,
        from: u64,
        of: u32,
        step: impl Fn(u64) -> Option<u64>,
        is_end: impl Fn(bool, bool) -> bool,
    ) -> Option<u64> {
        let mut number = from;
        for _ in 0..SLOTS {
            match self.content(number) {
                Content::Part { timestamp, marker, begins_frame, .. } if *timestamp == of => {
                    if is_end(*begins_frame, *marker) {
                        return Some(number);
                    }
                }
                _ => return None,
            }
            number = step(number)?;
        }
        None
    }

    fn take(&mut self, first: u64, last: u64) -> Bytes {
        let mut bytes = BytesMut::new();
        for number in first..=last {
            let slot = &mut self.slots[(number % SLOTS) as usize];
            if let Content::Part { data, .. } = std::mem::replace(&mut slot.content, Content::Done) {
                bytes.extend_from_slice(&data);
            }
        }
        bytes.freeze()
    }

    fn content(&self, number: u64) -> &Content {
        let slot = self.slots.get((number % SLOTS) as usize).filter(|slot| slot.number == number);
        slot.map_or(&Content::Missing, |slot| &slot.content)
    }

    fn put(&mut self, number: u64, content: Content) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS as usize, Slot::default());
        }
        let slot = &mut self.slots[(number % SLOTS) as usize];
        // A packet that is late by more than the ring must not push out a newer one.
        if slot.number <= number {
            *slot = Slot { number, content };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::vp8::payload::Payloads;

    /// The packets of frames, numbered from 1000: number, timestamp, marker, payload.
    fn packets(frames: &[Vec<u8>]) -> Vec<(u64, u32, bool, Bytes)> {
        let mut payloads = Payloads::new();
        let mut packets = Vec::new();
        for (i, frame) in frames.iter().enumerate() {
            let cut = payloads.cut(frame.clone());
            let count = cut.len();
            for (k, payload) in cut.into_iter().enumerate() {
                packets.push((1000 + packets.len() as u64, i as u32 * 3000, k + 1 == count, payload));
            }
        }
        packets
    }

    fn frame(i: usize, length: usize) -> Vec<u8> {
        (0..length).map(|k| (k * 7 + i) as u8).collect()
    }

    #[test]
    fn a_frame_is_whole_when_its_last_gap_is_filled() {
        let frames = [frame(1, 3000)];
        let packets = packets(&frames);
        let mut assembler = Assembler::default();
        for i in [2, 0] {
            let (number, timestamp, marker, payload) = &packets[i];
            assert_eq!(assembler.push(*number, *timestamp, *marker, payload), None);
        }
        assert!(!assembler.all_done(1000, 1003));
        let (number, timestamp, marker, payload) = &packets[1];
        let whole = assembler.push(*number, *timestamp, *marker, payload).unwrap();
        assert_eq!((whole.first, whole.last, &whole.bytes[..]), (1000, 1002, &frames[0][..]));
        assert!(assembler.all_done(1000, 1003));
    }

    #[test]
    fn padding_is_never_part_of_a_frame() {
        let packets = packets(&[frame(1, 2000)]);
        let mut assembler = Assembler::default();
        let (number, timestamp, marker, payload) = &packets[0];
        assembler.push(*number, *timestamp, *marker, payload);
        assembler.padding(1001);
        let (_, timestamp, marker, payload) = &packets[1];
        assert_eq!(assembler.push(1002, *timestamp, *marker, payload), None);
    }

    #[test]
    fn a_packet_from_long_ago_pushes_nothing_out() {
        let packets = packets(&[frame(1, 2000)]);
        let mut assembler = Assembler::default();
        let (number, timestamp, marker, payload) = &packets[0];
        assert_eq!(assembler.push(*number, *timestamp, *marker, payload), None);
        assembler.padding(number - SLOTS);
        let (number, timestamp, marker, payload) = &packets[1];
        assert!(assembler.push(*number, *timestamp, *marker, payload).is_some());
    }

    proptest! {
        #[test]
        fn any_order_gives_every_frame_once(
            lengths in proptest::collection::vec(1..4000_usize, 1..20),
            order in proptest::collection::vec(any::<u32>(), 80),
        ) {
            let frames: Vec<_> = lengths.iter().enumerate().map(|(i, &length)| frame(i, length)).collect();
            let mut packets = packets(&frames);
            let keys: Vec<u32> = (0..packets.len()).map(|i| order[i % order.len()]).collect();
            let mut shuffled: Vec<usize> = (0..packets.len()).collect();
            shuffled.sort_by_key(|&i| keys[i]);
            let mut assembler = Assembler::default();
            let mut whole = Vec::new();
            for i in shuffled {
                let (number, timestamp, marker, payload) = packets[i].clone();
                whole.extend(assembler.push(number, timestamp, marker, &payload));
            }
            packets.clear();
            whole.sort_by_key(|frame| frame.first);
            prop_assert_eq!(whole.iter().map(|frame| frame.bytes.to_vec()).collect::<Vec<_>>(), frames);
        }

        #[test]
        fn garbage_never_panics(
            packets in proptest::collection::vec(
                (0..3000_u64, 0..3_u32, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..8)), 0..200),
        ) {
            let mut assembler = Assembler::default();
            for (number, timestamp, marker, payload) in packets {
                if let Some(frame) = assembler.push(number, timestamp, marker, &Bytes::from(payload)) {
                    prop_assert!(frame.first <= number && number <= frame.last);
                    prop_assert!(!frame.bytes.is_empty());
                }
            }
        }
    }
}
