//! Identity carried by media: the stamp of a frame, as bytes and as a barcode.

/// Who made a frame, which one it is, and when.
///
/// As bytes it goes behind the last partition of a VP8 frame, or into the padding of an Opus packet. Big endian:
///
/// | offset | bytes | field |
/// |--------|-------|-------|
/// | 0  | 3 | `cst` |
/// | 3  | 1 | version, 1 |
/// | 4  | 1 | bit 0: the media itself shows the stamp too (synthetic); other bits 0 |
/// | 5  | 1 | stream: the order of the m-section |
/// | 6  | 2 | peer: the number in the room |
/// | 8  | 4 | frame number, rising by one |
/// | 12 | 8 | the sender's wall clock, microseconds since 1970-01-01 UTC |
/// | 20 | 2 | CRC-16 (polynomial 0x1021, start 0xffff) of the 20 bytes before |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The sender's number in the room.
    pub peer: u16,
    /// The order of the m-section at the sender.
    pub stream: u8,
    /// Rises by one with each frame sent.
    pub frame: u32,
    /// When it was made: the sender's wall clock in microseconds since 1970-01-01 UTC.
    pub wall_us: u64,
    /// The media itself shows who made it: a [`Barcode`] in the picture, or a pitch. Media from files does not.
    pub synthetic: bool,
}

const MAGIC: [u8; 4] = *b"cst\x01";

impl Stamp {
    /// The length of [`Stamp::to_bytes`].
    pub const LEN: usize = 22;

    /// The bytes of the table above.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = u8::from(self.synthetic);
        bytes[5] = self.stream;
        bytes[6..8].copy_from_slice(&self.peer.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.frame.to_be_bytes());
        bytes[12..20].copy_from_slice(&self.wall_us.to_be_bytes());
        let crc = crc16(&bytes[..20]);
        bytes[20..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads the stamp that ends `bytes`; none if the last [`Stamp::LEN`] bytes are not a whole stamp of this version.
    #[must_use]
    pub fn at_end_of(bytes: &[u8]) -> Option<Self> {
        let stamp: &[u8; Self::LEN] = bytes.last_chunk()?;
        if !stamp.starts_with(&MAGIC) || stamp[4] > 1 {
            return None;
        }
        if crc16(&stamp[..20]).to_be_bytes() != stamp[20..] {
            return None;
        }
        Some(Self {
            synthetic: stamp[4] == 1,
            stream: stamp[5],
            peer: u16::from_be_bytes([stamp[6], stamp[7]]),
            frame: u32::from_be_bytes(*stamp[8..].first_chunk()?),
            wall_us: u64::from_be_bytes(*stamp[12..].first_chunk()?),
        })
    }

    /// What the picture shows of it.
    #[must_use]
    pub fn barcode(&self) -> Barcode {
        // Both figures are carried by their low 24 bits.
        let millis = self.wall_us / 1000;
        Barcode {
            peer: self.peer,
            stream: self.stream,
            frame: self.frame & 0x00ff_ffff,
            millis: (millis & 0x00ff_ffff) as u32,
        }
    }
}

/// The part of a [`Stamp`] that pixels carry, in 96 cells.
///
/// Most significant bit first: sync `1010`, stream 8, peer 16, frame 24, milliseconds 24, CRC-16 of these nine bytes,
/// sync `0101`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Barcode {
    /// The sender's number in the room.
    pub peer: u16,
    /// The order of the m-section at the sender.
    pub stream: u8,
    /// The low 24 bits of the frame number.
    pub frame: u32,
    /// The low 24 bits of the sender's wall clock in milliseconds since 1970-01-01 UTC.
    pub millis: u32,
}

impl Barcode {
    /// How many cells a barcode has.
    pub const CELLS: usize = 96;

    /// The cells, right-aligned; the first cell is bit 95.
    #[must_use]
    pub fn bits(&self) -> u128 {
        let body = self.body();
        let value = body.iter().fold(0b1010_u128, |value, &byte| value << 8 | u128::from(byte));
        (value << 16 | u128::from(crc16(&body))) << 4 | 0b0101
    }

    /// Reads the cells; none when a sync pattern or the CRC is wrong, so a spoilt code is never a wrong code.
    #[must_use]
    pub fn from_bits(bits: u128) -> Option<Self> {
        let bytes = bits.to_be_bytes();
        if bits >> 92 != 0b1010 || bits & 15 != 0b0101 {
            return None;
        }
        // The body begins after the four bits of sync, half way into byte 4.
        let body: [u8; 9] = std::array::from_fn(|i| bytes[4 + i] << 4 | bytes[5 + i] >> 4);
        let code = Self {
            stream: body[0],
            peer: u16::from_be_bytes([body[1], body[2]]),
            frame: u32::from_be_bytes([0, body[3], body[4], body[5]]),
            millis: u32::from_be_bytes([0, body[6], body[7], body[8]]),
        };
        (code.bits() == bits).then_some(code)
    }

    fn body(&self) -> [u8; 9] {
        let [_, f2, f1, f0] = self.frame.to_be_bytes();
        let [_, m2, m1, m0] = self.millis.to_be_bytes();
        let [p1, p0] = self.peer.to_be_bytes();
        [self.stream, p1, p0, f2, f1, f0, m2, m1, m0]
    }
}

/// CRC-16 with polynomial 0x1021 and start 0xffff: sees every burst of up to 16 bits.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, &byte| crc << 8 ^ CRC[usize::from((crc >> 8) as u8 ^ byte)])
}

const CRC: [u16; 256] = {
    let mut table = [0_u16; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = (i as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp() -> Stamp {
        Stamp { peer: 4242, stream: 7, frame: 0x0112_3456, wall_us: 1_790_000_000_123_456, synthetic: true }
    }

    #[test]
    fn the_crc_is_the_catalogued_one() {
        // CRC-16/IBM-3740, check value of "123456789".
        assert_eq!(crc16(b"123456789"), 0x29b1);
    }

    #[test]
    fn a_stamp_reads_back_behind_anything() {
        let mut bytes = b"media".to_vec();
        bytes.extend(stamp().to_bytes());
        assert_eq!(Stamp::at_end_of(&bytes), Some(stamp()));
        assert_eq!(Stamp::at_end_of(&bytes[1..]), Some(stamp()));
        assert_eq!(Stamp::at_end_of(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        for bit in 0..Stamp::LEN * 8 {
            let mut bytes = stamp().to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Stamp::at_end_of(&bytes), None, "bit {bit}");
        }
        let bits = stamp().barcode().bits();
        for bit in 0..128 {
            assert_eq!(Barcode::from_bits(bits ^ 1 << bit), None, "cell bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn stamps_and_barcodes_round_trip(peer: u16, stream: u8, frame: u32, wall_us: u64, synthetic: bool) {
            let stamp = Stamp { peer, stream, frame, wall_us, synthetic };
            prop_assert_eq!(Stamp::at_end_of(&stamp.to_bytes()), Some(stamp));
            let code = stamp.barcode();
            prop_assert_eq!(Barcode::from_bits(code.bits()), Some(code));
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(stamp) = Stamp::at_end_of(&bytes) {
                prop_assert!(bytes.ends_with(&stamp.to_bytes()));
            }
        }
    }
}
