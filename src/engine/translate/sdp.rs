//! The few facts of a description that the adapter needs. Read line by line and tolerantly: the engine parses for
//! real, and the model reads the rest.

use super::Remote;
use crate::engine::EngineError;
use crate::jsep::MediaKind;

/// An m-section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Section {
    pub(in crate::engine) mid: String,
    pub(in crate::engine) kind: Option<MediaKind>,
    pub(in crate::engine) ufrag: Option<String>,
    pub(in crate::engine) pwd: Option<String>,
    /// `sha-256 AA:..`.
    pub(in crate::engine) fingerprints: Vec<String>,
}

/// The m-sections in order. What stands at session level applies to those that do not say otherwise.
pub(in crate::engine) fn sections(sdp: &str) -> Vec<Section> {
    let mut session = Section::default();
    let mut sections: Vec<Section> = Vec::new();
    for line in sdp.lines().map(str::trim_end) {
        if let Some(media) = line.strip_prefix("m=") {
            let kind = media.split(' ').next().and_then(|kind| kind.parse().ok());
            sections.push(Section { mid: String::new(), kind, ..session.clone() });
        } else {
            read_attribute(line, sections.last_mut().unwrap_or(&mut session));
        }
    }
    sections
}

fn read_attribute(line: &str, section: &mut Section) {
    let Some((name, value)) = line.strip_prefix("a=").and_then(|attribute| attribute.split_once(':')) else {
        return;
    };
    match name {
        "mid" => value.clone_into(&mut section.mid),
        "ice-ufrag" => section.ufrag = Some(value.to_owned()),
        "ice-pwd" => section.pwd = Some(value.to_owned()),
        "fingerprint" => section.fingerprints.push(value.to_owned()),
        _ => {}
    }
}

/// What a candidate may belong to: the m-sections of the peer's description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct IceTarget(Vec<Target>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    mid: String,
    ufrag: Option<String>,
}

impl IceTarget {
    pub(in crate::engine) fn of(remote: &Remote) -> Self {
        let ufrag = |ice: &super::Credentials| ice.ufrag.clone();
        let target = |section: &super::RemoteSection| Target {
            mid: section.mid.clone(),
            ufrag: section.ice.as_ref().map(ufrag),
        };
        Self(remote.sections.iter().map(target).collect())
    }

    /// Whether the candidate belongs to the description (W3C webrtc, addIceCandidate steps 4.4 to 4.7). An empty mid
    /// counts as none: some peers send it so.
    pub(in crate::engine) fn check(
        &self,
        mid: Option<&str>,
        index: Option<u16>,
        ufrag: Option<&str>,
    ) -> Result<(), EngineError> {
        let section = match (mid.filter(|mid| !mid.is_empty()), index) {
            (Some(mid), _) => {
                let found = self.0.iter().find(|section| section.mid == mid);
                Some(found.ok_or_else(|| EngineError::UnknownMid(format!("with the mid {mid:?}")))?)
            }
            (None, Some(index)) => {
                let found = self.0.get(usize::from(index));
                Some(found.ok_or_else(|| EngineError::UnknownMid(format!("number {index}")))?)
            }
            (None, None) => None,
        };
        let Some(ufrag) = ufrag.filter(|ufrag| !ufrag.is_empty()) else { return Ok(()) };
        let mut candidates = self.0.iter().filter(|own| section.is_none_or(|section| section == *own));
        if candidates.any(|section| section.ufrag.as_deref() == Some(ufrag)) {
            return Ok(());
        }
        Err(EngineError::UnknownUfrag(ufrag.to_owned()))
    }
}

/// A text of ours with the candidates that were gathered since; `index` is the m-section of the transport.
pub(in crate::engine) fn with_candidates(
    wire: &str,
    index: u16,
    candidates: &[String],
    complete: bool,
) -> String {
    let mut text = String::new();
    let mut section = None;
    let finish = |text: &mut String, section: Option<u16>| {
        if section == Some(index) {
            candidates.iter().for_each(|candidate| text.extend(["a=", candidate, "\r\n"]));
            text.extend(complete.then_some("a=end-of-candidates\r\n"));
        }
    };
    for line in wire.lines() {
        if line.starts_with("m=") {
            finish(&mut text, section);
            section = Some(section.map_or(0, |section: u16| section + 1));
        }
        if !line.starts_with("a=candidate:") && line != "a=end-of-candidates" {
            text.extend([line, "\r\n"]);
        }
    }
    finish(&mut text, section);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\na=ice-ufrag:sess\r\nm=audio 9 X 111\r\na=mid:0\r\na=ice-pwd:secret\r\n\
                       m=video 9 X 96\r\na=mid:v\r\na=ice-ufrag:media\r\nm=application 9 X w\r\na=mid:d\r\n";

    #[test]
    fn session_level_attributes_apply_to_every_section() {
        let facts: Vec<_> = sections(SDP)
            .into_iter()
            .map(|section| (section.mid, section.kind, section.ufrag.unwrap(), section.pwd))
            .collect();
        assert_eq!(
            facts,
            [
                ("0".into(), Some(MediaKind::Audio), "sess".into(), Some("secret".into())),
                ("v".into(), Some(MediaKind::Video), "media".into(), None),
                ("d".into(), None, "sess".into(), None),
            ]
        );
    }

    #[test]
    fn candidates_are_held_against_the_description() {
        let target = |section: Section| Target { mid: section.mid, ufrag: section.ufrag };
        let target = IceTarget(sections(SDP).into_iter().map(target).collect());
        let unknown_mid = |what: &str| Err(EngineError::UnknownMid(what.into()));
        let unknown_ufrag = |what: &str| Err(EngineError::UnknownUfrag(what.into()));
        let cases = [
            (Some("0"), None, None, Ok(())),
            (Some("0"), Some(7), Some("sess"), Ok(())),
            (Some(""), Some(0), Some("sess"), Ok(())),
            (Some(""), None, Some(""), Ok(())),
            (None, None, Some("media"), Ok(())),
            (Some("9"), None, None, unknown_mid("with the mid \"9\"")),
            (None, Some(3), None, unknown_mid("number 3")),
            (Some("0"), None, Some("media"), unknown_ufrag("media")),
            (Some("v"), None, Some("media"), Ok(())),
            (None, None, Some("old"), unknown_ufrag("old")),
        ];
        for (mid, index, ufrag, expected) in cases {
            assert_eq!(target.check(mid, index, ufrag), expected, "{mid:?} {index:?} {ufrag:?}");
        }
    }
}
