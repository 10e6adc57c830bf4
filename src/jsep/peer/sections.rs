//! What the peer remembers of descriptions.

use crate::jsep::{
    Direction, MediaKind, MediaSection, SdpFacts, SectionMedia, ontrack::seen_here, remote_streams,
};

/// A remote description, as far as it decides anything.
#[derive(Clone, Debug)]
pub(super) struct RemoteDescription {
    pub(super) sections: Vec<RemoteSection>,
    /// The ICE user names and passwords in use, each once, in order.
    pub(super) credentials: Vec<(String, String)>,
}

/// One m-section of theirs.
#[derive(Clone, Debug)]
pub(super) struct RemoteSection {
    pub(super) mid: String,
    pub(super) media: SectionMedia,
    pub(super) rejected: bool,
    /// As they see it; inactive where the section is rejected.
    pub(super) direction: Direction,
    /// Of their track.
    pub(super) streams: Vec<String>,
    /// Whether we have one of its codecs.
    pub(super) is_understood: bool,
}

impl RemoteDescription {
    /// From the facts of a text; `mid` names a section that has no name, `understands` knows our codecs.
    pub(super) fn new(
        facts: &SdpFacts,
        mut mid: impl FnMut(usize) -> String,
        understands: impl Fn(&MediaSection) -> bool,
    ) -> Self {
        let mut credentials = Vec::new();
        for section in facts.sections.iter().filter(|section| !section.is_rejected()) {
            if let (Some(ufrag), Some(pwd)) = (&section.ice_ufrag, &section.ice_pwd) {
                let pair = (ufrag.clone(), pwd.clone());
                if credentials.last() != Some(&pair) && !credentials.contains(&pair) {
                    credentials.push(pair);
                }
            }
        }
        let section = |(index, section): (usize, &MediaSection)| RemoteSection {
            mid: section.mid.clone().unwrap_or_else(|| mid(index)),
            media: media(section),
            rejected: section.is_rejected(),
            direction: section.effective_direction(),
            streams: remote_streams(section),
            is_understood: understands(section),
        };
        let sections = facts.sections.iter().enumerate().map(section).collect();
        Self { sections, credentials }
    }

    pub(super) fn section(&self, mid: &str) -> Option<&RemoteSection> {
        self.sections.iter().find(|section| section.mid == mid)
    }
}

impl RemoteSection {
    /// The kind of its track.
    pub(super) const fn kind(&self) -> Option<MediaKind> {
        match self.media {
            SectionMedia::Track(kind) => Some(kind),
            SectionMedia::Data | SectionMedia::Unknown { .. } => None,
        }
    }

    /// Its direction as we see it, within what we offered.
    pub(super) fn seen_here(&self, offered: Option<Direction>) -> Direction {
        seen_here(offered, self.direction)
    }
}

/// What a section of theirs carries.
pub(super) fn media(section: &MediaSection) -> SectionMedia {
    match section.kind {
        Some(kind) => SectionMedia::Track(kind),
        None if section.media == "application" && section.protocol.contains("SCTP") => SectionMedia::Data,
        None => SectionMedia::Unknown { media: section.media.clone(), protocol: section.protocol.clone() },
    }
}
