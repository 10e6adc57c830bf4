//! A description of ours as the model makes it: what each m-section shall say. The text that carries it over the wire
//! is composed by `engine/translate`, which adds what only the engine knows: codecs, credentials, fingerprints.

use super::{Direction, MediaKind, SdpFacts, SdpType};

/// A transceiver of one peer; later ones have greater ids, and no id is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransceiverId(pub u32);

/// An offer or an answer (RFC 9429 §5.2, §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalDescription {
    /// Offer, pranswer or answer; never rollback.
    pub sdp_type: SdpType,
    /// The m-sections in order.
    pub sections: Vec<LocalSection>,
    /// New ICE credentials are needed (RFC 9429 §4.1.18, restartIce).
    pub ice_restart: bool,
}

/// One m-section of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSection {
    /// `a=mid`.
    pub mid: String,
    /// What the section carries.
    pub media: SectionMedia,
    /// The transceiver behind it; none for data, for what is not understood, and for a rejected section whose
    /// transceiver is gone.
    pub transceiver: Option<TransceiverId>,
    /// Port 0 and not in the BUNDLE group: the section is, or becomes, unused (RFC 9429 §5.2.2, §5.3.1).
    pub rejected: bool,
    /// What the line says. Inactive where it is rejected; sendrecv, which is not written, for data.
    pub direction: Direction,
    /// `a=msid` (RFC 9429 §5.2.1): present where we send.
    pub msid: Option<LocalMsid>,
}

/// The streams and the track of a section that sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMsid {
    /// Each in a line of its own; empty is one line with `-`.
    pub streams: Vec<String>,
    /// The sender's id: that of its first track, or its own where it was made without one. replaceTrack keeps it.
    pub track: String,
}

/// What an m-section carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionMedia {
    /// RTP of that kind.
    Track(MediaKind),
    /// Data channels over SCTP (RFC 8841).
    Data,
    /// Something that nobody here understands; always rejected.
    Unknown {
        /// The first word of the `m=` line.
        media: String,
        /// Its protocol.
        protocol: String,
    },
}

impl LocalDescription {
    /// The mids of the BUNDLE group: every section that is not rejected (RFC 9429 §5.2.1).
    pub fn bundle(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().filter(|section| !section.rejected).map(|section| section.mid.as_str())
    }

    /// How a text on the wire differs from this description; empty where it says the same. Each difference is a
    /// pair of what the model expects and what the text says. `offer` is what an answer answers: its group bounds
    /// the answer's (RFC 9143 §7.3.3).
    #[must_use]
    pub fn differences(&self, wire: &SdpFacts, offer: Option<&SdpFacts>) -> Vec<(String, String)> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, model: String, text: String| {
            if model != text {
                differences.push((format!("{what}: {model}"), format!("{what}: {text}")));
            }
        };
        compare("m-sections", self.sections.len().to_string(), wire.sections.len().to_string());
        let offered = |mid: &&str| offer.is_none_or(|offer| offer.bundle.iter().any(|own| own == mid));
        let bundle: Vec<&str> = self.bundle().filter(offered).collect();
        compare("BUNDLE", bundle.join(" "), wire.bundle.join(" "));
        for (index, (ours, text)) in self.sections.iter().zip(&wire.sections).enumerate() {
            let at = |what: &str| format!("m-section {index}, {what}");
            compare(&at("mid"), ours.mid.clone(), text.mid.clone().unwrap_or_default());
            compare(&at("media"), ours.media.word().to_owned(), text.media.clone());
            compare(&at("rejected"), ours.rejected.to_string(), text.is_rejected().to_string());
            let SectionMedia::Track(_) = ours.media else { continue };
            if ours.rejected {
                continue;
            }
            compare(&at("direction"), ours.direction.to_string(), text.direction.to_string());
            let msid = ours.msid.as_ref().map_or_else(String::new, |msid| msid.streams.join(" "));
            compare(&at("streams"), msid, text.streams().join(" "));
            compare(&at("msid"), ours.msid.is_some().to_string(), (!text.msids.is_empty()).to_string());
        }
        differences
    }
}

impl SectionMedia {
    /// The first word of the `m=` line.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Track(kind) => kind.as_str(),
            Self::Data => "application",
            Self::Unknown { media, .. } => media,
        }
    }
}
