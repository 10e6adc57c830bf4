//! Video from a file: VP8 in IVF.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oxideav_vp8::{Vp8DecoderState, ivf};

use super::clock::MediaClock;
use super::{Frame, Identity, Source, read_file};
use crate::jsep::MediaKind;
use crate::media::error::Problem;
use crate::media::pump::clock_rate;
use crate::media::vp8::{is_key_frame, payload::Payloads};
use crate::media::{MediaError, Stamp};

const NEEDED: &str = "VP8 in IVF";
/// How many frames from the first key frame on are decoded, with and without a stamp, before the call.
const TRIED: usize = 30;
/// More than this a real-time sender should not be asked to send.
const MAX_FRAMES_PER_SECOND: u128 = 1000;

/// A file, looped from its first key frame, stamped behind the last partition of each frame.
///
/// Asked for a key frame, it goes back to the last one and plays from there again: only content repeats, the frame
/// numbers of the stamps and the RTP clock go on, so a receiver sees no gap.
#[derive(Debug)]
pub struct VideoFile {
    identity: Identity,
    clip: Arc<Clip>,
    clock: MediaClock,
    payloads: Payloads,
    position: usize,
    frame: u32,
}

/// What is in the file, from its first key frame on; shared by all that send it.
#[derive(Debug)]
struct Clip {
    name: String,
    header: ivf::IvfHeader,
    bytes: Bytes,
    entries: Vec<Entry>,
}

/// A frame in the file.
#[derive(Debug)]
struct Entry {
    bytes: Range<usize>,
    key: bool,
    /// Until the next frame, in units of the file's time base.
    interval: u64,
}

impl VideoFile {
    /// Reads and checks the whole file; the first frames are decoded, to see that a stamp changes nothing.
    ///
    /// # Errors
    /// [`MediaError::File`], for whatever is wrong with the file.
    pub fn open(path: &Path, identity: Identity) -> Result<Self, MediaError> {
        let clip = read_file(path)
            .and_then(|bytes| Clip::read(bytes, super::file_name(path)))
            .map_err(|problem| MediaError::file(path, MediaKind::Video, problem))?;
        Ok(Self::of(Arc::new(clip), identity))
    }

    /// Another sender of the same file, which starts at its beginning; the file stays in memory once.
    #[must_use]
    pub fn another(&self, identity: Identity) -> Self {
        Self::of(Arc::clone(&self.clip), identity)
    }

    fn of(clip: Arc<Clip>, identity: Identity) -> Self {
        let clock = MediaClock::new(
            clip.header.framerate_den,
            clip.header.framerate_num,
            clock_rate(MediaKind::Video),
        );
        Self { identity, clip, clock, payloads: Payloads::new(), position: 0, frame: 0 }
    }
}

impl Source for VideoFile {
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
        let entry = &self.clip.entries[self.position];
        let Identity { peer, stream } = self.identity;
        let stamp = Stamp { peer, stream, frame: self.frame, wall_us, synthetic: false };
        let bytes = [&self.clip.bytes[entry.bytes.clone()], &stamp.to_bytes()].concat();
        let frame = Frame::new(self.payloads.cut(bytes), self.clock.ticks(), entry.key);
        self.clock.advance(entry.interval);
        self.position = (self.position + 1) % self.clip.entries.len();
        self.frame = self.frame.wrapping_add(1);
        frame
    }

    fn request_key_frame(&mut self) {
        while !self.clip.entries[self.position].key {
            self.position -= 1; // The first entry is a key frame.
        }
    }

    fn skip_to(&mut self, media_time: Duration) -> u64 {
        self.clock.skip_to(media_time, self.clip.entries[self.position].interval)
    }

    fn description(&self) -> String {
        let Clip { name, header, entries, .. } = self.clip.as_ref();
        format!("VP8 from {name}, {}x{}, {} frames", header.width, header.height, entries.len())
    }
}

impl Clip {
    fn read(bytes: Vec<u8>, name: String) -> Result<Self, Problem> {
        let header = read_header(&bytes)?;
        let mut entries = read_entries(&bytes)?;
        set_intervals(&mut entries, &header)?;
        let frames = entries.len();
        let first_key =
            entries.iter().position(|(entry, _)| entry.key).ok_or(Problem::NoKeyFrame(frames))?;
        let entries = entries.drain(first_key..).map(|(entry, _)| entry).collect();
        let clip = Self { name, header, bytes: Bytes::from(bytes), entries };
        clip.try_stamps()?;
        Ok(clip)
    }

    /// Decoders read past the end of a last partition that was cut short by its encoder; a stamp would change what they
    /// see there.
    fn try_stamps(&self) -> Result<(), Problem> {
        let stamp = Stamp { peer: 0xffff, stream: 0xff, frame: u32::MAX, wall_us: u64::MAX, synthetic: false };
        let (mut plain, mut stamped) = (Vp8DecoderState::new(), Vp8DecoderState::new());
        for (i, entry) in self.entries.iter().take(TRIED).enumerate() {
            let bytes = &self.bytes[entry.bytes.clone()];
            let failed = |error| Problem::Corrupt(format!("frame {} does not decode ({error})", i + 1));
            let plain = plain.decode_frame(bytes).map_err(failed)?;
            let with = [bytes, &stamp.to_bytes()].concat();
            let stamped = stamped.decode_frame(&with).map_err(failed)?;
            if plain != stamped {
                let text = format!("frame {} cannot carry a stamp: its last partition is cut short", i + 1);
                return Err(Problem::Corrupt(text));
            }
        }
        Ok(())
    }
}

fn read_header(bytes: &[u8]) -> Result<ivf::IvfHeader, Problem> {
    if !bytes.starts_with(b"DKIF") {
        return Err(Problem::Format { found: super::container(bytes), needed: NEEDED });
    }
    let header = ivf::parse_header(bytes).map_err(|_| Problem::Truncated("its header".to_owned()))?;
    if header.fourcc != *b"VP80" {
        let found = header.fourcc.escape_ascii().to_string();
        return Err(Problem::Codec { found, needed: NEEDED });
    }
    if header.framerate_num == 0 || header.framerate_den == 0 {
        return Err(Problem::Timing("its time base is zero".to_owned()));
    }
    Ok(header)
}

/// All frames with their timestamps in units of the time base.
fn read_entries(bytes: &[u8]) -> Result<Vec<(Entry, u64)>, Problem> {
    let mut entries = Vec::new();
    let mut at = ivf::IVF_HEADER_LEN;
    while at < bytes.len() {
        let number = entries.len() + 1;
        let cut = || Problem::Truncated(format!("frame {number}"));
        let header = ivf::parse_frame_header(&bytes[at..]).map_err(|_| cut())?;
        let start = at + ivf::IVF_FRAME_HEADER_LEN;
        at = usize::try_from(header.size).ok().and_then(|size| start.checked_add(size)).ok_or_else(cut)?;
        let frame = bytes.get(start..at).ok_or_else(cut)?;
        let key = check_frame(frame).ok_or_else(|| Problem::Corrupt(format!("frame {number} is not VP8")))?;
        entries.push((Entry { bytes: start..at, key, interval: 0 }, header.pts));
    }
    if entries.is_empty() { Err(Problem::NoFrames("frames")) } else { Ok(entries) }
}

/// Whether it is a key frame; none if it cannot be a VP8 frame.
fn check_frame(frame: &[u8]) -> Option<bool> {
    let header = oxideav_vp8::frame_tag::parse_header(frame).ok()?;
    let first_partition = usize::try_from(header.tag.first_partition_size).ok()?;
    (header.header_bytes_consumed + first_partition <= frame.len()).then(|| is_key_frame(frame))?
}

/// From timestamps to intervals. The last frame lasts as long as the one before it.
fn set_intervals(entries: &mut [(Entry, u64)], header: &ivf::IvfHeader) -> Result<(), Problem> {
    let (per_second, unit) = (u128::from(header.framerate_num), u128::from(header.framerate_den));
    let shortest = per_second.div_ceil(unit * MAX_FRAMES_PER_SECOND);
    for i in 1..entries.len() {
        let (before, now) = (entries[i - 1].1, entries[i].1);
        let interval = now.checked_sub(before).filter(|&interval| interval > 0).ok_or_else(|| {
            Problem::Timing(format!("its time does not go on from frame {i} to frame {}", i + 1))
        })?;
        if u128::from(interval) < shortest {
            return Err(Problem::Timing(format!(
                "frames {i} and {} are less than a millisecond apart",
                i + 1
            )));
        }
        if u128::from(interval) * unit > per_second * 3600 {
            return Err(Problem::Timing(format!("frames {i} and {} are more than an hour apart", i + 1)));
        }
        entries[i - 1].0.interval = interval;
    }
    let last = entries.len() - 1;
    // A single frame is a slide show of one picture a second.
    entries[last].0.interval = match last.checked_sub(1) {
        Some(before) => entries[before].0.interval,
        None => u64::try_from(per_second.div_ceil(unit)).unwrap_or(u64::MAX),
    };
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::source::Bars;

    const IDENTITY: Identity = Identity { peer: 9, stream: 4 };

    /// A clip of `frames` synthetic frames without stamps, at `rate` frames a second; keys as given.
    pub(in crate::media) fn clip(frames: u64, rate: u32, keys: &[u64]) -> Vec<u8> {
        let mut bars = Bars::with_size(Identity { peer: 1, stream: 1 }, 320, 180).unwrap();
        let mut bytes = ivf::write_header(&ivf::IvfHeader::vp8(320, 180, rate, 1));
        for pts in 0..frames {
            if keys.contains(&pts) {
                bars.request_key_frame();
            }
            let (frame, _) = bars.next_frame(pts);
            ivf::write_frame(&mut bytes, pts, &frame[..frame.len() - Stamp::LEN]);
        }
        bytes
    }

    fn file(bytes: Vec<u8>) -> VideoFile {
        VideoFile::of(Arc::new(Clip::read(bytes, "clip.ivf".to_owned()).unwrap()), IDENTITY)
    }

    #[test]
    fn loops_do_not_drift() {
        // 30000/1001 frames a second: no frame lasts a whole number of microseconds or of RTP ticks.
        let mut bytes = clip(7, 30_000, &[0]);
        bytes[20..24].copy_from_slice(&1001_u32.to_le_bytes());
        let mut file = file(bytes);
        for i in 0..70_000_u64 {
            assert_eq!(file.next_due().as_nanos(), u128::from(i) * 1001 * 1_000_000_000 / 30_000);
            let frame = file.next(0);
            assert_eq!(frame.timestamp, (i * 1001 * 90_000 / 30_000) as u32);
            assert_eq!(frame.key, i % 7 == 0);
        }
    }

    #[test]
    fn it_begins_with_the_first_key_frame() {
        let whole = clip(20, 30, &[0, 5]);
        // Without the first frame the stream begins with inter frames.
        let first = u32::from_le_bytes(whole[32..36].try_into().unwrap()) as usize;
        let mut bytes = whole[..32].to_vec();
        bytes.extend_from_slice(&whole[44 + first..]);
        let mut file = file(bytes);
        assert_eq!(file.description(), "VP8 from clip.ivf, 320x180, 15 frames");
        assert!(file.next(0).key);
    }

    #[test]
    fn asked_for_a_key_frame_it_goes_back_to_the_last_one() {
        let mut file = file(clip(20, 30, &[0, 10]));
        let first = file.another(IDENTITY).next(0);
        for _ in 0..5 {
            file.next(0);
        }
        file.request_key_frame();
        let again = file.next(0);
        assert!(again.key);
        assert_eq!((again.timestamp, again.bytes), (5 * 3000, first.bytes));
        assert!(!file.next(0).key);
    }

    #[test]
    fn frames_carry_the_stamp_of_a_file() {
        let mut file = file(clip(3, 30, &[0]));
        for frame in 0..6 {
            let payload = file.next(77).payloads.pop().unwrap();
            let expected = Stamp { peer: 9, stream: 4, frame, wall_us: 77, synthetic: false };
            assert_eq!(Stamp::at_end_of(&payload), Some(expected));
        }
    }

    #[test]
    fn time_that_stands_still_is_refused() {
        let mut bytes = clip(3, 30, &[0]);
        let second = 44 + u32::from_le_bytes(bytes[32..36].try_into().unwrap()) as usize;
        bytes[second + 4] = 0;
        let problem = Clip::read(bytes, String::new()).unwrap_err();
        assert_eq!(problem.to_string(), "its time does not go on from frame 1 to frame 2");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn spoilt_files_never_panic(cut in 0..3000_usize, at in 0..3000_usize, with: u8) {
            let mut bytes = clip(6, 30, &[0]);
            bytes.truncate(cut.max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = with;
            }
            if let Ok(clip) = Clip::read(bytes, String::new()) {
                let mut file = VideoFile::of(Arc::new(clip), IDENTITY);
                for _ in 0..20 {
                    prop_assert!(file.next(0).bytes > Stamp::LEN);
                }
            }
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let with_magic = [b"DKIF\0\0\x20\0VP80", &bytes[..]].concat();
            let _ = Clip::read(bytes, String::new());
            let _ = Clip::read(with_magic, String::new());
        }
    }
}
