//! Decodes some of the video: enough to know that picture and stamp agree, at little cost.
//!
//! Decoding begins at a key frame, goes on for some frames, and stops until the next key frame: to decode a frame costs
//! as much as to read a thousand. Frames without a stamp are decoded for longer, since only their pixels can tell
//! anything. Frames are decoded in the order of their packets and only while none is missing, so what is wrong here was
//! wrong when it was sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use oxideav_vp8::{Vp8DecodedFrame, Vp8DecoderState};

use super::assembler::{Assembled, Assembler};
use super::verdict::{Mark, Verdict};
use crate::media::Barcode;
use crate::media::vp8::{is_key_frame, picture};

/// How many frames the first look lasts; enough for every proof.
const FIRST_LOOK: u64 = 8;
/// How many frames a later look lasts.
const LATER_LOOK: u64 = 5;
/// From the end of a look to the next one at least, however often key frames come.
const INTERVAL: Duration = Duration::from_secs(1);
/// Frames that show neither a stamp nor a change; after as many the picture is taken for still.
const PATIENCE: u64 = 300;
/// Frames that wait for a missing one.
const MAX_HELD: usize = 16;
/// Larger pictures are not decoded; 4096x2304.
const MAX_PIXELS: u64 = 4096 * 2304;

/// The video checker of one sink.
#[derive(Default)]
pub(super) struct PictureCheck {
    look: Option<Look>,
    /// A first look was completed.
    looked: bool,
    next_look: Option<Instant>,
    last_picture: Option<u64>,
    /// The last packet of the newest frame that came.
    newest: Option<u64>,
}

/// A stretch of frames that are decoded without a gap.
struct Look {
    decoder: Vp8DecoderState,
    /// The sequence number that the next frame begins with, unless padding comes first.
    next: u64,
    /// Frames that wait for the one before.
    held: BTreeMap<u64, Held>,
    /// How many frames are wanted, and how many were decoded.
    wanted: u64,
    frames: u64,
    /// What the last frame showed.
    last: Shown,
}

/// A whole frame that waits for its turn.
struct Held {
    last: u64,
    bytes: Bytes,
    mark: Mark,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// It had a stamp besides its picture.
    Stamped,
    /// A barcode in the pixels, and no other stamp.
    BarcodeOnly,
    Nothing,
}

/// What is known when a frame has come.
pub(super) struct Seen<'a> {
    pub(super) mark: Mark,
    pub(super) at: Instant,
    pub(super) assembler: &'a Assembler,
    /// The peer should stamp.
    pub(super) stamps: bool,
}

impl PictureCheck {
    /// Whether a key frame is needed to go on: nothing could be judged so far, and decoding has not begun.
    pub(super) fn needs_key_frame(&self) -> bool {
        !self.looked && self.look.is_none()
    }

    /// The packets begin anew.
    pub(super) fn restart(&mut self) {
        self.look = None;
        self.newest = None;
    }

    /// A whole frame came. Barcodes of frames without another stamp go to `codes`. Returns whether decoding began with
    /// this frame, so that whatever came before it was not decoded.
    pub(super) fn frame(
        &mut self,
        frame: &Assembled,
        seen: &Seen<'_>,
        verdict: &mut Verdict,
        codes: &mut Vec<Barcode>,
    ) -> bool {
        let begins =
            is_key_frame(&frame.bytes) == Some(true) && self.is_newest(frame) && self.begins_at(frame, seen);
        self.newest = self.newest.max(Some(frame.last));
        if begins {
            let wanted = if self.looked { LATER_LOOK } else { FIRST_LOOK };
            self.look = Some(Look::new(frame.first, wanted));
        }
        if let Some(look) = self.look.as_mut().filter(|look| frame.first >= look.next) {
            let held = Held { last: frame.last, bytes: frame.bytes.clone(), mark: seen.mark };
            look.held.insert(frame.first, held);
            self.decode_held(seen, verdict, codes);
        }
        begins
    }

    /// A key frame that came late is followed by frames that came before it and were not kept: they cannot be decoded.
    fn is_newest(&self, frame: &Assembled) -> bool {
        self.newest.is_none_or(|newest| frame.first > newest)
    }

    /// A key frame begins a look where none is, or where the one that runs misses a frame.
    fn begins_at(&self, frame: &Assembled, seen: &Seen<'_>) -> bool {
        match &self.look {
            None => seen.mark != Mark::Foreign && self.next_look.is_none_or(|due| seen.at >= due),
            Some(look) => frame.first > look.next && !seen.assembler.all_done(look.next, frame.first),
        }
    }

    fn decode_held(&mut self, seen: &Seen<'_>, verdict: &mut Verdict, codes: &mut Vec<Barcode>) {
        while let Some(look) = &mut self.look {
            let Some(held) = look.take_next(seen.assembler) else {
                if look.held.len() > MAX_HELD {
                    self.look = None;
                }
                return;
            };
            let Ok(picture) = look.decode(&held.bytes) else {
                verdict.undecodable(1);
                self.look = None;
                return;
            };
            look.last = judge(&picture, held.mark, verdict, codes);
            verdict.saw_picture(&picture.y);
            let print = fingerprint(&picture.y);
            if let Some(last) = self.last_picture.replace(print) {
                verdict.saw_life(last != print);
            }
            if look.is_over(seen, verdict) {
                self.looked = true;
                self.next_look = Some(seen.at + INTERVAL);
                self.look = None;
            }
        }
    }
}

impl Look {
    fn new(next: u64, wanted: u64) -> Self {
        Self { decoder: new_decoder(), next, held: BTreeMap::new(), wanted, frames: 0, last: Shown::Nothing }
    }

    /// The next frame in order, unless something before it is missing.
    fn take_next(&mut self, assembler: &Assembler) -> Option<Held> {
        let entry = self.held.first_entry()?;
        if !assembler.all_done(self.next, *entry.key()) {
            return None;
        }
        let held = entry.remove();
        self.next = held.last + 1;
        Some(held)
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<Vp8DecodedFrame, oxideav_vp8::DecodeError> {
        if is_key_frame(bytes) == Some(true) {
            // Nothing of what came before may help to decode it.
            self.decoder = new_decoder();
        }
        self.frames += 1;
        self.decoder.decode_frame(bytes)
    }

    fn is_over(&self, seen: &Seen<'_>, verdict: &Verdict) -> bool {
        self.frames >= self.wanted
            && match self.last {
                Shown::Stamped => true,
                // Only its pixels say which frame it is, so every frame is decoded.
                Shown::BarcodeOnly => false,
                Shown::Nothing => seen.stamps || verdict.lively == Some(true) || self.frames >= PATIENCE,
            }
    }
}

fn new_decoder() -> Vp8DecoderState {
    Vp8DecoderState::new().with_max_pixels_per_frame(MAX_PIXELS)
}

/// Compares a picture with its stamp.
fn judge(picture: &Vp8DecodedFrame, mark: Mark, verdict: &mut Verdict, codes: &mut Vec<Barcode>) -> Shown {
    let code = picture::read(&picture.y, picture.width as usize, picture.height as usize);
    match (mark, code) {
        (Mark::Foreign, _) => return Shown::Stamped,
        (Mark::Peer(stamp), _) if !stamp.synthetic => verdict.right(1),
        (Mark::Peer(stamp), Some(code)) if code == stamp.barcode() => verdict.right(1),
        (Mark::Peer(stamp), Some(code)) => verdict.differs(
            1,
            format!(
                "the picture shows frame {} of peer {}, its stamp says frame {} of peer {}",
                code.frame, code.peer, stamp.frame, stamp.peer
            ),
        ),
        (Mark::Peer(stamp), None) => {
            let text = format!("the picture shows no barcode, its stamp says frame {}", stamp.frame);
            verdict.differs(1, text);
        }
        (Mark::None, Some(code)) => {
            codes.push(code);
            return Shown::BarcodeOnly;
        }
        (Mark::None, None) => {
            verdict.unstamped(1);
            return Shown::Nothing;
        }
    }
    Shown::Stamped
}

/// Equal for equal pictures; FNV-1a over every 15th pixel, so that all columns take part.
fn fingerprint(luma: &[u8]) -> u64 {
    luma.iter()
        .step_by(15)
        .fold(0xcbf2_9ce4_8422_2325, |hash, &pixel| (hash ^ u64::from(pixel)).wrapping_mul(0x0100_0000_01b3))
}
