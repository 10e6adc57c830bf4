//! The peer's description as the adapter needs it: read from the facts, and from the lines that the facts leave out.

use std::str::FromStr;

use crate::engine::EngineError;
use crate::jsep::{Codec, Direction, MediaKind, SdpFacts, SdpType};

/// A description of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Remote {
    pub(in crate::engine) sdp_type: SdpType,
    pub(in crate::engine) ice_lite: bool,
    pub(in crate::engine) allow_mixed: bool,
    pub(in crate::engine) bundle: Vec<String>,
    pub(in crate::engine) sections: Vec<RemoteSection>,
}

/// An m-section of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct RemoteSection {
    pub(in crate::engine) mid: String,
    pub(in crate::engine) media: String,
    pub(in crate::engine) kind: Option<MediaKind>,
    pub(in crate::engine) protocol: String,
    /// The rest of the `m=` line.
    pub(in crate::engine) formats: String,
    pub(in crate::engine) rejected: bool,
    pub(in crate::engine) direction: Direction,
    pub(in crate::engine) codecs: Vec<Codec>,
    pub(in crate::engine) extensions: Vec<(u8, String)>,
    /// Without those that only repair (RFC 4588, RFC 5956).
    pub(in crate::engine) ssrcs: Vec<u32>,
    /// Those that only repair.
    pub(in crate::engine) repairs: Vec<u32>,
    pub(in crate::engine) setup: Option<String>,
    pub(in crate::engine) ice: Option<Credentials>,
    pub(in crate::engine) fingerprints: Vec<String>,
    /// `candidate:...`, in order.
    pub(in crate::engine) candidates: Vec<String>,
}

/// `a=ice-ufrag` and `a=ice-pwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Credentials {
    pub(in crate::engine) ufrag: String,
    pub(in crate::engine) pwd: String,
}

impl Remote {
    /// Reads a description, and refuses what no connection can be made from.
    pub(in crate::engine) fn read(sdp_type: SdpType, wire: &str) -> Result<Self, EngineError> {
        if !wire.starts_with("v=0") {
            return Err(EngineError::Description("the description does not begin with `v=0`".to_owned()));
        }
        let facts = SdpFacts::parse(wire);
        let lines: Vec<&str> = wire.lines().map(|line| line.trim_end_matches('\r')).collect();
        let sections = facts.sections.iter().map(|section| read_section(section, &lines)).collect();
        let session_end = facts.sections.first().map_or(lines.len(), |section| section.lines.start() - 1);
        let remote = Self {
            sdp_type,
            ice_lite: facts.ice_lite,
            allow_mixed: lines[..session_end.min(lines.len())].contains(&"a=extmap-allow-mixed"),
            bundle: facts.bundle,
            sections,
        };
        remote.check()?;
        Ok(remote)
    }

    pub(in crate::engine) fn section(&self, mid: &str) -> Option<&RemoteSection> {
        self.sections.iter().find(|section| section.mid == mid)
    }

    /// The section whose transport carries everything: the first that is not rejected.
    pub(in crate::engine) fn transport(&self) -> Option<&RemoteSection> {
        let live = |section: &&RemoteSection| !section.rejected && section.ice.is_some();
        let tagged = self.bundle.first().and_then(|mid| self.section(mid)).filter(live);
        tagged.or_else(|| self.sections.iter().find(live))
    }

    /// The first section in use that has a transport of its own. The engine has one for all.
    pub(in crate::engine) fn unbundled(&self) -> Option<&RemoteSection> {
        let transport = self.transport()?;
        let apart = |section: &&RemoteSection| {
            section.mid != transport.mid && !section.rejected && !self.bundle.contains(&section.mid)
        };
        self.sections.iter().find(apart)
    }

    fn check(&self) -> Result<(), EngineError> {
        for (index, section) in self.sections.iter().enumerate() {
            let complain = |what: &str| Err(EngineError::Description(format!("m-section {index} {what}")));
            if section.mid.is_empty() {
                return complain("has no mid");
            }
            // A bundled section may leave its transport to the tagged one (RFC 9143 §7.1.3).
            if section.rejected || self.bundle.iter().skip(1).any(|mid| *mid == section.mid) {
                continue;
            }
            if section.ice.is_none() {
                return complain("has no ICE credentials");
            }
            if section.fingerprints.is_empty() {
                return complain("has no fingerprint");
            }
        }
        Ok(())
    }
}

impl RemoteSection {
    pub(in crate::engine) fn is_data(&self) -> bool {
        self.media == "application" && self.protocol.ends_with("/DTLS/SCTP")
    }
}

fn read_section(facts: &crate::jsep::MediaSection, lines: &[&str]) -> RemoteSection {
    let own = &lines[facts.lines.start() - 1..(*facts.lines.end()).min(lines.len())];
    let ice = facts.ice_ufrag.clone().zip(facts.ice_pwd.clone());
    let repairs: Vec<u32> = own.iter().filter_map(|line| repair(line)).collect();
    RemoteSection {
        mid: facts.mid.clone().unwrap_or_default(),
        media: facts.media.clone(),
        kind: facts.kind,
        protocol: facts.protocol.clone(),
        formats: own[0].splitn(4, ' ').nth(3).unwrap_or_default().to_owned(),
        rejected: facts.is_rejected(),
        direction: facts.effective_direction(),
        codecs: facts.codecs.clone(),
        extensions: own.iter().filter_map(|line| extension(line)).collect(),
        ssrcs: facts.ssrcs.iter().copied().filter(|ssrc| !repairs.contains(ssrc)).collect(),
        repairs,
        setup: facts.setup.clone(),
        ice: ice.map(|(ufrag, pwd)| Credentials { ufrag, pwd }),
        fingerprints: facts
            .fingerprints
            .iter()
            .map(|own| format!("{} {}", own.algorithm, own.value))
            .collect(),
        candidates: facts.candidates.iter().map(|candidate| candidate.candidate.clone()).collect(),
    }
}

/// `a=extmap:ID[/direction] URI`.
fn extension(line: &str) -> Option<(u8, String)> {
    let mut words = line.strip_prefix("a=extmap:")?.split_ascii_whitespace();
    let id = words.next()?.split('/').next()?;
    Some((u8::from_str(id).ok()?, words.next()?.to_owned()))
}

/// The SSRC of a group that repairs another one.
fn repair(line: &str) -> Option<u32> {
    let mut words = line.strip_prefix("a=ssrc-group:")?.split_ascii_whitespace();
    let semantics = words.next()?;
    if !matches!(semantics, "FID" | "FEC-FR" | "FEC") {
        return None;
    }
    words.nth(1)?.parse().ok()
}
