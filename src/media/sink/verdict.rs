//! What decoding has shown so far.

use crate::media::Stamp;

/// The luma of what counts as dark: black is 16 (ITU-R BT.601), and a camera behind its lid is a little brighter.
const DARK: u8 = 32;

/// Whose stamp a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The peer's.
    Peer(Stamp),
    /// Somebody else's, or our own: it is wrong already, and decoding it proves nothing.
    Foreign,
    /// None that can be read without decoding.
    None,
}

/// Something that should not be; each kind is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Our own number comes back.
    Echo,
    /// The number of a third peer.
    Foreign,
    /// Picture or sound say something else than the stamp.
    Content,
}

/// Counts and faults of one sink's decoding.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Frames that were decoded and found right.
    pub(super) decoded: u64,
    /// Frames that did not decode, or that show something else than their stamp says.
    pub(super) corrupt: u64,
    /// Right frames with a stamp since the last one that was not right.
    pub(super) stamped_run: u64,
    /// Decoded frames without any stamp.
    pub(super) plain: u64,
    /// Whether anything decoded ever moved or sounded; none before anything was decoded.
    pub(super) lively: Option<bool>,
    /// Whether every picture was dark; none before a picture was decoded.
    pub(super) black: Option<bool>,
    /// The greatest sample so far, 1 at full scale.
    peak: f32,
    /// Faults that nobody has been told of yet.
    pub(super) faults: Vec<(Fault, String)>,
}

impl Verdict {
    /// `frames` frames with the peer's stamp are right.
    pub(super) fn right(&mut self, frames: u64) {
        self.decoded += frames;
        self.stamped_run += frames;
    }

    /// `frames` decodable frames carry no stamp.
    pub(super) fn unstamped(&mut self, frames: u64) {
        self.decoded += frames;
        self.plain += frames;
    }

    /// `frames` frames differ from their stamp.
    pub(super) fn differs(&mut self, frames: u64, text: String) {
        self.undecodable(frames);
        self.faults.push((Fault::Content, text));
    }

    /// `frames` frames cannot be decoded, although everything before them came.
    pub(super) fn undecodable(&mut self, frames: u64) {
        self.corrupt += frames;
        self.stamped_run = 0;
    }

    pub(super) fn saw_life(&mut self, lively: bool) {
        self.lively = Some(lively || self.lively == Some(true));
    }

    /// A picture was decoded. After the first that is not dark nothing more is to be found out.
    pub(super) fn saw_picture(&mut self, luma: &[u8]) {
        if self.black != Some(false) {
            self.black = Some(luma.iter().all(|&pixel| pixel <= DARK));
        }
    }

    /// Sound was decoded that is more than silence.
    pub(super) fn heard(&mut self, sound: &[f32]) {
        self.peak = sound.iter().fold(self.peak, |peak, sample| peak.max(sample.abs()));
    }

    /// Decibels below full scale, as a negative number; none before there was any sound.
    pub(super) fn peak_db(&self) -> Option<f64> {
        (self.peak > 0.0).then(|| (f64::from(self.peak).log10() * 200.0).round() / 10.0)
    }
}
