//! What a description says, as facts with their lines. `parse` reads the lines, `attribute` the attributes of an
//! m-section, `check` what lines say of each other, `codec` what parameters mean, `complaint` names the faults, `media`
//! is an m-section, `secrets` hides what nobody should read.

mod attribute;
mod check;
mod codec;
mod complaint;
mod media;
mod parse;
mod secrets;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::SdpType;

pub use complaint::{Complaint, Fault};
pub use media::{
    Codec, ExtMap, Fingerprint, MediaSection, Msid, Rid, SdpCandidate, SectionLines, Simulcast,
    SimulcastStream, Source, SsrcGroup,
};
pub use secrets::masked;

/// A session description (RFC 8866), read tolerantly: what cannot be understood becomes a complaint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SdpFacts {
    /// The session id of the `o=` line; tells whose description it is.
    pub session_id: Option<String>,
    /// The session version of the `o=` line; rises with each new description of the same session.
    pub session_version: Option<String>,
    /// The mids of the first BUNDLE group (RFC 9143 §7), in order; empty without one.
    pub bundle: Vec<String>,
    /// Every BUNDLE group with its line; `bundle` is the first.
    pub bundle_groups: Vec<BundleGroup>,
    /// `a=ice-lite` (RFC 8839 §5.3).
    pub ice_lite: bool,
    /// `a=msid-semantic` (an old draft of RFC 8830; browsers still write it).
    pub msid_semantic: Option<MsidSemantic>,
    /// `a=extmap-allow-mixed` (RFC 8285 §6) for the session.
    pub extmap_allow_mixed: bool,
    /// `a=extmap` at session level; it holds for every section.
    pub extmaps: Vec<ExtMap>,
    /// The m-sections in order.
    pub sections: Vec<MediaSection>,
    /// What is wrong with the text, by line. At most 50.
    pub complaints: Vec<Complaint>,
    /// How many more there were.
    pub complaints_omitted: usize,
}

/// `a=group:BUNDLE mid mid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleGroup {
    /// The line.
    pub line: usize,
    /// In order; the first one is the tagged section, whose transport all use.
    pub mids: Vec<String>,
}

/// `a=msid-semantic: WMS stream stream`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MsidSemantic {
    /// The line.
    pub line: usize,
    /// `WMS`.
    pub semantic: String,
    /// The ids of the streams; Firefox writes `*`.
    pub streams: Vec<String>,
}

impl SdpFacts {
    /// Reads `text`. Never fails: what is wrong is in `complaints`. Takes time linear in the length of the text, up
    /// to the logarithm of the number of different mids, sources and the like.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        parse::parse(text, Vec::new())
    }

    /// Reads bytes that should be UTF-8 (RFC 8866 §5). Others become U+FFFD, and each line with such is complained of.
    #[must_use]
    pub fn parse_bytes(bytes: &[u8]) -> Self {
        parse::parse(&String::from_utf8_lossy(bytes), parse::not_utf8(bytes))
    }

    /// The section with that mid.
    #[must_use]
    pub fn section(&self, mid: &str) -> Option<&MediaSection> {
        self.sections.iter().find(|section| section.mid.as_deref() == Some(mid))
    }

    /// The candidates of all sections.
    pub fn candidates(&self) -> impl Iterator<Item = &SdpCandidate> {
        self.sections.iter().flat_map(|section| &section.candidates)
    }

    /// What is wrong with it as an offer or as an answer, beyond `complaints`: DTLS roles, and, where the offer is
    /// given, whether the answer fits it section by section (RFC 3264 §6). Empty for a rollback.
    #[must_use]
    pub fn complaints_as(&self, sdp_type: SdpType, offer: Option<&Self>) -> Vec<Complaint> {
        check::as_type(self, sdp_type, offer)
    }
}
