//! What we can send and receive, and what was agreed with the peer: payload types and the ids of header extensions.

use std::collections::BTreeMap;

use super::remote::{Remote, RemoteSection};
use crate::jsep::{Codec, MediaKind};

/// RFC 9143 §15.
pub(in crate::engine) const SDES_MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
/// draft-holmer-rmcat-transport-wide-cc-extensions-01.
pub(in crate::engine) const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Our header extensions, with the ids that we propose.
const EXTENSIONS: [(u8, &str); 2] = [(1, SDES_MID), (2, TRANSPORT_CC)];

/// A codec of ours.
#[derive(Debug)]
pub(in crate::engine) struct Capability {
    pub(in crate::engine) name: &'static str,
    /// What we propose.
    pub(in crate::engine) payload_type: u8,
    pub(in crate::engine) clock_rate: u32,
    pub(in crate::engine) channels: Option<u16>,
    pub(in crate::engine) fmtp: &'static str,
    pub(in crate::engine) feedback: &'static [&'static str],
}

/// The one codec that we have for each kind.
pub(in crate::engine) fn capability(kind: MediaKind) -> &'static Capability {
    match kind {
        MediaKind::Audio => &Capability {
            name: "opus",
            payload_type: 111,
            clock_rate: 48_000,
            channels: Some(2),
            fmtp: "minptime=10;useinbandfec=1",
            feedback: &["transport-cc"],
        },
        MediaKind::Video => &Capability {
            name: "VP8",
            payload_type: 96,
            clock_rate: 90_000,
            channels: None,
            fmtp: "",
            feedback: &["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"],
        },
    }
}

/// A codec as an m-section of ours lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Format {
    pub(in crate::engine) payload_type: u8,
    pub(in crate::engine) feedback: Vec<String>,
}

/// What the peer's descriptions have settled so far; later descriptions keep it (RFC 9429 §5.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Agreed {
    payload_types: BTreeMap<MediaKind, u8>,
    extensions: BTreeMap<&'static str, u8>,
}

impl Agreed {
    /// A description of the peer was applied.
    pub(in crate::engine) fn learn(&mut self, remote: &Remote) {
        for section in remote.sections.iter().filter(|section| !section.rejected) {
            let Some(kind) = section.kind else { continue };
            if let Some(format) = shared_formats(section).first() {
                self.payload_types.insert(kind, format.payload_type);
            }
            for (id, uri) in shared_extensions(section) {
                self.extensions.insert(uri, id);
            }
        }
    }

    /// What an offer of ours says for that kind.
    pub(super) fn offer(&self, kind: MediaKind) -> Format {
        let capability = capability(kind);
        let taken = |wanted: u8| {
            self.payload_types.iter().any(|(other, payload_type)| *other != kind && *payload_type == wanted)
        };
        let payload_type = self.payload_types.get(&kind).copied().unwrap_or_else(|| {
            let mut free = std::iter::once(capability.payload_type).chain(97..127);
            free.find(|wanted| !taken(*wanted)).unwrap_or(capability.payload_type)
        });
        let feedback = capability.feedback.iter().map(|feedback| (*feedback).to_owned()).collect();
        Format { payload_type, feedback }
    }

    /// The header extensions of an offer of ours.
    pub(super) fn offered_extensions(&self) -> Vec<(u8, &'static str)> {
        let mut all = Vec::new();
        for (proposed, uri) in EXTENSIONS {
            let taken = |id: u8| self.extensions.iter().any(|(other, used)| *other != uri && *used == id);
            let known = self.extensions.get(uri).copied();
            // 15 is reserved in one-byte headers (RFC 8285 §4.2).
            let id = known.or_else(|| std::iter::once(proposed).chain(1..15).find(|id| !taken(*id)));
            all.extend(id.map(|id| (id, uri)));
        }
        all
    }

    /// The id of sdes:mid in what the peer sends.
    pub(in crate::engine) fn mid_extension(&self) -> Option<u8> {
        self.extensions.get(SDES_MID).copied()
    }
}

/// Our codecs among those of a section of the peer, with its payload types, in its order.
pub(in crate::engine) fn shared_formats(section: &RemoteSection) -> Vec<Format> {
    let Some(kind) = section.kind else { return Vec::new() };
    let capability = capability(kind);
    let shared = section.codecs.iter().filter(|codec| is(capability, codec));
    // One is enough; more would be the same codec with other parameters.
    shared
        .take(1)
        .map(|codec| Format {
            payload_type: codec.payload_type,
            feedback: (capability.feedback.iter())
                .filter(|own| codec.rtcp_fb.iter().any(|theirs| theirs.trim() == **own))
                .map(|own| (*own).to_owned())
                .collect(),
        })
        .collect()
}

/// Our header extensions among those of a section of the peer, with its ids.
pub(super) fn shared_extensions(section: &RemoteSection) -> Vec<(u8, &'static str)> {
    let own = |uri: &str| EXTENSIONS.iter().map(|(_, own)| *own).find(|own| *own == uri);
    section.extensions.iter().filter_map(|(id, uri)| Some((*id, own(uri)?))).collect()
}

fn is(capability: &Capability, codec: &Codec) -> bool {
    codec.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(capability.name))
        && codec.clock_rate == Some(capability.clock_rate)
        && codec.channels.unwrap_or(1) == capability.channels.unwrap_or(1)
}
