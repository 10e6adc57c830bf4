//! Synthetic video: a picture that shows who sends it, which frame it is and when it was made.

use std::time::Duration;

use super::clock::MediaClock;
use super::{Frame, Identity, Source};
use crate::jsep::MediaKind;
use crate::media::Stamp;
use crate::media::pump::clock_rate;
use crate::media::vp8::payload::Payloads;
use crate::media::vp8::{Mosaic, picture};

const FRAMES_PER_SECOND: u32 = 30;
/// Ten seconds between key frames that nobody asked for.
const KEY_INTERVAL: u32 = 10 * FRAMES_PER_SECOND;

/// VP8 at 30 frames a second, written without an encoder.
#[derive(Debug)]
pub struct Bars {
    identity: Identity,
    width: u16,
    height: u16,
    clock: MediaClock,
    mosaic: Mosaic,
    blocks: Vec<u8>,
    payloads: Payloads,
    frame: u32,
    last_key: u32,
    key_wanted: bool,
    dark: bool,
}

impl Bars {
    /// 640x360.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self::with_size(identity, 640, 360).expect("640x360 has room for the barcode")
    }

    /// 640x360 without light: as of a camera that is covered. Its stamp says nothing of the picture.
    #[must_use]
    pub fn dark(identity: Identity) -> Self {
        Self { dark: true, ..Self::new(identity) }
    }

    /// Of another size in pixels; none if the barcode has no room in it.
    #[must_use]
    pub fn with_size(identity: Identity, width: u16, height: u16) -> Option<Self> {
        // The size fields of a key frame have 14 bits (RFC 6386 §9.1).
        if width >= 1 << 14 || height >= 1 << 14 {
            return None;
        }
        let mosaic = Mosaic::new(width, height);
        picture::fits(mosaic.columns(), mosaic.rows()).then(|| Self {
            identity,
            width,
            height,
            clock: MediaClock::new(1, FRAMES_PER_SECOND, clock_rate(MediaKind::Video)),
            blocks: vec![0; mosaic.columns() * mosaic.rows()],
            mosaic,
            payloads: Payloads::new(),
            frame: 0,
            last_key: 0,
            key_wanted: true,
            dark: false,
        })
    }

    /// The next frame before it is cut into packets: VP8 with the stamp behind it, and whether it is a key frame.
    pub fn next_frame(&mut self, wall_us: u64) -> (Vec<u8>, bool) {
        let Identity { peer, stream } = self.identity;
        let stamp = Stamp { peer, stream, frame: self.frame, wall_us, synthetic: !self.dark };
        let key = self.key_wanted || self.frame.wrapping_sub(self.last_key) >= KEY_INTERVAL;
        if self.dark {
            self.blocks.fill(picture::BLACK);
        } else {
            picture::draw(&mut self.blocks, self.mosaic.columns(), &stamp.barcode());
        }
        let mut bytes = self.mosaic.write(&self.blocks, key);
        bytes.extend_from_slice(&stamp.to_bytes());
        if key {
            self.last_key = self.frame;
            self.key_wanted = false;
        }
        self.frame = self.frame.wrapping_add(1);
        self.clock.advance(1);
        (bytes, key)
    }
}

impl Source for Bars {
    fn kind(&self) -> MediaKind {
        MediaKind::Video
    }

    fn identity(&self) -> Identity {
        self.identity
    }

    fn next_due(&self) -> Duration {
        self.clock.time()
    }

    fn next(&mut self, wall_us: u64) -> Frame {
        let timestamp = self.clock.ticks();
        let (bytes, key) = self.next_frame(wall_us);
        Frame::new(self.payloads.cut(bytes), timestamp, key)
    }

    fn request_key_frame(&mut self) {
        self.key_wanted = true;
    }

    fn skip_to(&mut self, media_time: Duration) -> u64 {
        self.clock.skip_to(media_time, 1)
    }

    fn description(&self) -> String {
        format!("VP8 bars {}x{} at {FRAMES_PER_SECOND} fps", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars() -> Bars {
        Bars::new(Identity { peer: 7, stream: 1 })
    }

    #[test]
    fn key_frames_come_first_at_intervals_and_on_request() {
        let mut bars = bars();
        let mut keys = Vec::new();
        for i in 0..700 {
            if i == 50 {
                bars.request_key_frame();
            }
            if bars.next(0).key {
                keys.push(i);
            }
        }
        assert_eq!(keys, [0, 50, 350, 650]);
    }

    #[test]
    fn an_hour_of_frames_does_not_drift() {
        let mut bars = bars();
        assert_eq!(bars.skip_to(Duration::from_secs(3600)), 3600 * 30);
        assert_eq!(bars.next_due(), Duration::from_secs(3600));
        assert_eq!(bars.next(0).timestamp, 3600 * 90_000);
    }

    #[test]
    fn a_skip_loses_no_frame_number() {
        let mut bars = bars();
        let first = Stamp::at_end_of(&bars.next_frame(5).0).unwrap();
        bars.skip_to(Duration::from_secs(1));
        let second = Stamp::at_end_of(&bars.next_frame(6).0).unwrap();
        assert_eq!((first.frame, second.frame), (0, 1));
        assert_eq!((second.peer, second.stream, second.wall_us), (7, 1, 6));
    }

    #[test]
    fn sizes_without_room_are_refused() {
        let identity = Identity { peer: 7, stream: 1 };
        assert!(Bars::with_size(identity, 64, 48).is_none());
        assert!(Bars::with_size(identity, 0, 360).is_none());
        assert!(Bars::with_size(identity, 20_000, 360).is_none());
        assert!(Bars::with_size(identity, 320, 180).is_some());
    }
}
