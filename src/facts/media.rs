//! The facts of the media that comes in on one m-section.

use crate::jsep::MediaKind;
use crate::timeline::{InboundMedia, Proof};

/// What is known of what came in on one mid.
#[derive(Clone, Debug, Default)]
pub struct MidFacts {
    /// Its kind.
    pub kind: Option<MediaKind>,
    /// The event at which `track` fired; null if it did not.
    pub track: Option<String>,
    /// The ids of its streams.
    pub streams: Vec<String>,
    /// When the first RTP packet with a payload came, in microseconds.
    pub first_rtp_us: Option<u64>,
    /// When the first whole frame came, in microseconds.
    pub first_frame_us: Option<u64>,
    /// How it is known to be the peer's media, and the event; a stamp outweighs decoding.
    pub proof: Option<(String, Proof)>,
    /// What showed that it is not.
    pub wrongs: Vec<Wrong>,
    /// The first sample that counted a packet, and when, in microseconds.
    pub first_sample: Option<(u64, InboundMedia)>,
    /// The latest sample, and when, in microseconds.
    pub last_sample: Option<(u64, InboundMedia)>,
    /// The event of the latest sample.
    pub sample_id: Option<String>,
    /// The sample in which packets last grew, in microseconds.
    pub packets_grew_us: Option<u64>,
    /// The sample in which whole frames last grew, in microseconds.
    pub frames_grew_us: Option<u64>,
    /// `track` has fired again, as it does when a held call is resumed: the packets counted until then.
    pub packets_before_resume: Option<u64>,
}

/// What came in is not the peer's media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The event.
    pub id: String,
    /// What is wrong.
    pub text: String,
}

impl MidFacts {
    /// `track` fired and media came.
    #[must_use]
    pub fn is_track(&self) -> bool {
        self.track.is_some() && self.received()
    }

    /// At least one RTP packet with a payload came.
    #[must_use]
    pub fn received(&self) -> bool {
        self.first_rtp_us.is_some()
            || self.proof.is_some()
            || self.last_sample.as_ref().is_some_and(|(_, sample)| sample.packets > 0)
    }

    /// `track` has fired again, and nothing was counted since.
    #[must_use]
    pub fn awaits_media_again(&self) -> bool {
        let packets = self.last_sample.as_ref().map_or(0, |(_, sample)| sample.packets);
        self.packets_before_resume.is_some_and(|before| packets <= before)
    }

    /// `track` has fired.
    pub(super) fn fire(&mut self, id: &str, kind: MediaKind, streams: &[String]) {
        if self.track.is_some() && self.kind == Some(kind) {
            self.packets_before_resume =
                Some(self.last_sample.as_ref().map_or(0, |(_, sample)| sample.packets));
        }
        (self.kind, self.track) = (Some(kind), Some(id.to_owned()));
        self.streams = streams.to_vec();
    }

    /// Payload bits per second between the first and the latest sample; null with fewer than two.
    #[must_use]
    pub fn bitrate(&self) -> Option<f64> {
        let ((from, first), (to, last)) = (self.first_sample.as_ref()?, self.last_sample.as_ref()?);
        let elapsed = to.checked_sub(*from).filter(|elapsed| *elapsed > 0)?;
        Some(last.bytes.saturating_sub(first.bytes) as f64 * 8e6 / elapsed as f64)
    }

    pub(super) fn prove(&mut self, id: &str, proof: Proof) {
        if !matches!(self.proof, Some((_, Proof::Stamped))) {
            self.proof = Some((id.to_owned(), proof));
        }
    }

    pub(super) fn sample(&mut self, id: &str, at_us: u64, sample: &InboundMedia) {
        if self.first_sample.is_none() && sample.packets > 0 {
            self.first_sample = Some((at_us, sample.clone()));
        }
        let before = self.last_sample.as_ref().map(|(_, before)| (before.packets, before.frames));
        let (packets, frames) = before.unwrap_or_default();
        self.sample_id = Some(id.to_owned());
        if sample.packets > packets {
            self.packets_grew_us = Some(at_us);
        }
        if sample.frames > frames {
            self.frames_grew_us = Some(at_us);
        }
        self.last_sample = Some((at_us, sample.clone()));
    }
}
