//! Where media comes from: synthetic, or a file.

mod bars;
mod clock;
mod ivf;
mod ogg;
mod tone;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use super::error::{MediaError, Problem};
use crate::jsep::MediaKind;
use crate::plan::{SendPlan, SourcePlan};

pub use bars::Bars;
pub use ivf::VideoFile;
pub use ogg::OpusFile;
pub use tone::Tone;

/// Who a source's stamps name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Our number in the room.
    pub peer: u16,
    /// The order of the m-section; a source that replaces another one takes a fresh number, since its frame numbers
    /// begin anew.
    pub stream: u8,
}

/// What leaves a source at once: a video frame or an audio packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// RTP payloads of at most 1200 bytes.
    pub payloads: Vec<Bytes>,
    /// RTP ticks since the source's start; exact, so it never drifts.
    pub timestamp: u32,
    /// Whether decoding can begin here; true for every audio packet.
    pub key: bool,
    /// Bytes in all payloads.
    pub bytes: usize,
}

impl Frame {
    fn new(payloads: Vec<Bytes>, timestamp: u32, key: bool) -> Self {
        let bytes = payloads.iter().map(Bytes::len).sum();
        Self { payloads, timestamp, key, bytes }
    }
}

/// Makes stamped frames, one after the other, for ever.
pub trait Source: Send {
    /// The kind of its track.
    fn kind(&self) -> MediaKind;

    /// Whom its stamps name.
    fn identity(&self) -> Identity;

    /// When the next frame is due, in media time since the source's start.
    fn next_due(&self) -> Duration;

    /// The next frame, stamped with `wall_us`: the sender's wall clock, microseconds since 1970-01-01 UTC.
    fn next(&mut self, wall_us: u64) -> Frame;

    /// Makes the next video frame one that decoding can begin with; nothing to do for audio.
    fn request_key_frame(&mut self);

    /// Lets media time pass without frames, until the next one is due at `media_time` or later. Returns how many
    /// frames were due meanwhile. No content is skipped and no frame number: what was never sent is not lost.
    fn skip_to(&mut self, media_time: Duration) -> u64;

    /// In words for people, such as `VP8 bars 640x360 at 30 fps`.
    fn description(&self) -> String;
}

/// Opens what `plan` names. Files are read and checked to their end, so that nothing can go wrong in the call.
///
/// # Errors
/// A file that is missing, truncated or of another format, or a source of the other kind.
pub fn open(plan: &SendPlan, identity: Identity) -> Result<Box<dyn Source>, MediaError> {
    match (&plan.source, plan.kind) {
        (SourcePlan::Bars, MediaKind::Video) => Ok(Box::new(Bars::new(identity))),
        (SourcePlan::Tone, MediaKind::Audio) => Ok(Box::new(Tone::new(identity)?)),
        (SourcePlan::File(path), MediaKind::Video) => Ok(Box::new(VideoFile::open(path, identity)?)),
        (SourcePlan::File(path), MediaKind::Audio) => Ok(Box::new(OpusFile::open(path, identity)?)),
        (SourcePlan::Bars, kind) => Err(MediaError::WrongKind { source_name: "bars", kind, instead: "tone" }),
        (SourcePlan::Tone, kind) => Err(MediaError::WrongKind { source_name: "tone", kind, instead: "bars" }),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Problem> {
    let bytes = std::fs::read(path).map_err(Problem::Unreadable)?;
    if bytes.is_empty() { Err(Problem::Empty) } else { Ok(bytes) }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a file looks like that is not what was asked for.
fn container(bytes: &[u8]) -> &'static str {
    let known: [(usize, &[u8], &str); 9] = [
        (0, b"DKIF", "an IVF file"),
        (0, b"OggS", "an Ogg file"),
        (0, b"\x1a\x45\xdf\xa3", "a WebM or Matroska file"),
        (4, b"ftyp", "an MP4 file"),
        (8, b"WAVE", "a WAV file"),
        (0, b"YUV4MPEG2", "a Y4M file"),
        (0, b"ID3", "an MP3 file"),
        (0, b"fLaC", "a FLAC file"),
        (0, b"\0\0\0\x01", "an Annex B stream"),
    ];
    let found = known.iter().find(|(at, magic, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    found.map_or("no media that callcheck knows", |(_, _, name)| name)
}
