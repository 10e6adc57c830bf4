//! Sources that play something else than they should.

use std::time::Duration;

use bytes::Bytes;

use crate::jsep::MediaKind;
use crate::media::{Frame, Identity, Source, Stamp};

/// What is wrong with a source.
#[derive(Clone, Copy, Debug)]
pub(super) enum SourceMistake {
    /// Sound without a sound, a picture without light.
    Nothing,
    /// The other side's media, as if it came back.
    Echo,
    /// Frames that no decoder takes.
    Garbage,
    /// No key frame, ever.
    NoKeyFrames,
    /// The picture stands still, though frames come.
    Still,
    /// One frame of so many is made.
    OneOf(u32),
    /// Sound that hardly anybody hears.
    Quiet,
    /// Frames whose beginning is not marked, so that they are never whole.
    NeverBegins,
    /// Every second frame is so late.
    Uneven(Duration),
    /// It drops its first key frame, and makes none because somebody asks for one.
    Deaf,
    /// So old is what is sent.
    Old(Duration),
    /// So much more and more is sent in the same time; 1 is as it should be.
    Pace(f64),
    /// The RTP clock runs at another rate; 1 is as it should be.
    Clock(f64),
}

/// An Opus packet of silence (RFC 6716 §3.1: CELT, 20 ms, no energy).
const SILENCE: &[u8] = &[0xf8, 0xff, 0xfe];

/// A source with something wrong about it.
pub(super) struct Faulty {
    pub(super) inner: Box<dyn Source>,
    pub(super) mistake: SourceMistake,
    /// How many frames the inner source has made.
    pub(super) made: u32,
    /// A key frame that is shown again and again.
    pub(super) kept: Option<Frame>,
}

impl Faulty {
    fn changed(&mut self, frame: Frame) -> Frame {
        match self.mistake {
            SourceMistake::Nothing if self.kind() == MediaKind::Audio => silent(frame),
            SourceMistake::Garbage => garbage(frame),
            SourceMistake::Deaf if self.made == 1 => Frame { payloads: Vec::new(), bytes: 0, ..frame },
            SourceMistake::NoKeyFrames if frame.key => Frame { payloads: Vec::new(), bytes: 0, ..frame },
            SourceMistake::Still => {
                let kept = self.kept.get_or_insert_with(|| frame.clone());
                Frame { timestamp: frame.timestamp, ..kept.clone() }
            }
            SourceMistake::OneOf(many) if self.made % many != 1 => {
                Frame { payloads: Vec::new(), bytes: 0, ..frame }
            }
            SourceMistake::NeverBegins => without_beginning(frame),
            SourceMistake::Clock(rate) => {
                Frame { timestamp: (f64::from(frame.timestamp) * rate) as u32, ..frame }
            }
            _ => frame,
        }
    }
}

impl Source for Faulty {
    fn kind(&self) -> MediaKind {
        self.inner.kind()
    }

    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn next_due(&self) -> Duration {
        let due = self.inner.next_due();
        match self.mistake {
            SourceMistake::Pace(pace) => due.div_f64(pace),
            SourceMistake::Uneven(late) if self.made % 2 == 1 => due + late,
            _ => due,
        }
    }

    fn next(&mut self, wall_us: u64) -> Frame {
        let age = match self.mistake {
            SourceMistake::Old(age) => u64::try_from(age.as_micros()).unwrap_or_default(),
            _ => 0,
        };
        let frame = self.inner.next(wall_us.saturating_sub(age));
        self.made += 1;
        self.changed(frame)
    }

    fn request_key_frame(&mut self) {
        if !matches!(self.mistake, SourceMistake::Deaf) {
            self.inner.request_key_frame();
        }
    }

    fn skip_to(&mut self, media_time: Duration) -> u64 {
        self.inner.skip_to(media_time)
    }

    fn description(&self) -> String {
        format!("{}, faulty on purpose", self.inner.description())
    }
}

/// The stamp stays, so that it is known whose silence it is.
fn silent(frame: Frame) -> Frame {
    let quiet = |payload: Bytes| match Stamp::at_end_of(&payload) {
        Some(stamp) => Bytes::from([SILENCE, &Stamp { synthetic: false, ..stamp }.to_bytes()].concat()),
        None => Bytes::from_static(SILENCE),
    };
    Frame { payloads: frame.payloads.into_iter().map(quiet).collect(), ..frame }
}

/// No packet says that a partition starts with it (RFC 7741 §4.2, S).
fn without_beginning(frame: Frame) -> Frame {
    const START: u8 = 0x10;
    let clear = |payload: Bytes| {
        let mut bytes = payload.to_vec();
        bytes.first_mut().into_iter().for_each(|first| *first &= !START);
        Bytes::from(bytes)
    };
    Frame { payloads: frame.payloads.into_iter().map(clear).collect(), ..frame }
}

/// The RTP payload descriptor stays; what it announces is noise.
fn garbage(frame: Frame) -> Frame {
    const DESCRIPTOR: usize = 6;
    let noise = |payload: Bytes| {
        let mut bytes = payload.to_vec();
        for (index, byte) in bytes.iter_mut().enumerate().skip(DESCRIPTOR) {
            *byte = (index as u8).wrapping_mul(151) ^ 0x5a;
        }
        Bytes::from(bytes)
    };
    Frame { payloads: frame.payloads.into_iter().map(noise).collect(), ..frame }
}
