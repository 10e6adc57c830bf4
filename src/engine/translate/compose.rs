//! The text of our descriptions: what the model says, with what only the engine knows.

use std::collections::BTreeMap;

use super::media::{Agreed, Format, capability, shared_extensions, shared_formats};
use super::remote::{Remote, RemoteSection};
use super::{ComposedSection, WireSdp};
use crate::jsep::{LocalDescription, LocalSection, MediaKind, SdpType, SectionMedia};

/// What the engine knows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Facts {
    pub(in crate::engine) ufrag: String,
    pub(in crate::engine) pwd: String,
    /// `sha-256 AA:..`.
    pub(in crate::engine) fingerprints: Vec<String>,
    /// `candidate:...`: those gathered so far for these credentials.
    pub(in crate::engine) candidates: Vec<String>,
    pub(in crate::engine) end_of_candidates: bool,
    /// `actpass`, `active` or `passive`.
    pub(in crate::engine) setup: &'static str,
    /// Of the `o=` line.
    pub(in crate::engine) session: u64,
    pub(in crate::engine) version: u64,
    /// RFC 7022.
    pub(in crate::engine) cname: String,
    /// What each m-section that may send has as its source.
    pub(in crate::engine) ssrcs: BTreeMap<String, u32>,
    /// A data channel can be had.
    pub(in crate::engine) data: bool,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Composed {
    pub(in crate::engine) wire: WireSdp,
    /// What each m-section of the text became.
    pub(in crate::engine) sections: Vec<ComposedSection>,
}

/// The text of `ours`; `offer` is what an answer answers.
pub(in crate::engine) fn compose(
    ours: &LocalDescription,
    facts: &Facts,
    agreed: &Agreed,
    offer: Option<&Remote>,
) -> Composed {
    let sections: Vec<ComposedSection> = ours
        .sections
        .iter()
        .enumerate()
        .map(|(index, section)| decide(section, facts, agreed, offer.map(|offer| offer.sections.get(index))))
        .collect();
    let mut text = Text::default();
    text.session(facts, &bundle(ours, &sections, offer), offer.is_none_or(|offer| offer.allow_mixed));
    let tagged = sections.iter().position(|section| !matches!(section, ComposedSection::Rejected { .. }));
    for (index, (section, composed)) in ours.sections.iter().zip(&sections).enumerate() {
        match composed {
            ComposedSection::Rejected { protocol, formats } => text.rejected(section, protocol, formats),
            ComposedSection::Data { protocol } => {
                text.line(&format!("m=application 9 {protocol} webrtc-datachannel"));
                text.transport(section, facts);
                text.line("a=sctp-port:5000");
                text.line("a=max-message-size:262144");
            }
            ComposedSection::Media { kind, formats, extensions } => {
                text.media(section, *kind, formats, extensions, facts);
            }
        }
        if Some(index) == tagged {
            text.candidates(facts);
        }
    }
    Composed { wire: WireSdp(text.0), sections }
}

/// What becomes of a section. An answer takes only what was offered, and rejects what it cannot take.
fn decide(
    section: &LocalSection,
    facts: &Facts,
    agreed: &Agreed,
    offered: Option<Option<&RemoteSection>>,
) -> ComposedSection {
    let offered = offered.flatten();
    let rejected = |protocol: &str, formats: &str| ComposedSection::Rejected {
        protocol: offered.map_or(protocol, |offered| &offered.protocol).to_owned(),
        formats: offered.map_or(formats, |offered| &offered.formats).to_owned(),
    };
    match &section.media {
        SectionMedia::Unknown { protocol, .. } => rejected(protocol, "0"),
        SectionMedia::Data => {
            let protocol = offered.map_or("UDP/DTLS/SCTP", |offered| &offered.protocol);
            let understood = offered.is_none_or(RemoteSection::is_data);
            if section.rejected || !facts.data || !understood {
                return rejected("UDP/DTLS/SCTP", "webrtc-datachannel");
            }
            ComposedSection::Data { protocol: protocol.to_owned() }
        }
        SectionMedia::Track(kind) => {
            let (formats, extensions) = match offered {
                Some(offered) => (shared_formats(offered), shared_extensions(offered)),
                None => (vec![agreed.offer(*kind)], agreed.offered_extensions()),
            };
            if section.rejected || formats.is_empty() {
                let own = formats
                    .first()
                    .map(|format| format.payload_type)
                    .unwrap_or_else(|| capability(*kind).payload_type);
                return rejected("UDP/TLS/RTP/SAVPF", &own.to_string());
            }
            ComposedSection::Media { kind: *kind, formats, extensions }
        }
    }
}

/// The mids of the BUNDLE group; none where the offer has none (RFC 9143 §7.3.3).
fn bundle<'a>(
    ours: &'a LocalDescription,
    sections: &[ComposedSection],
    offer: Option<&Remote>,
) -> Vec<&'a str> {
    ours.sections
        .iter()
        .zip(sections)
        .filter(|(_, section)| !matches!(section, ComposedSection::Rejected { .. }))
        .map(|(section, _)| section.mid.as_str())
        .filter(|mid| offer.is_none_or(|offer| offer.bundle.iter().any(|offered| offered == mid)))
        .collect()
}

/// The text so far.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push_str("\r\n");
    }

    fn session(&mut self, facts: &Facts, bundle: &[&str], allow_mixed: bool) {
        self.line("v=0");
        self.line(&format!("o=- {} {} IN IP4 0.0.0.0", facts.session, facts.version));
        self.line("s=-");
        self.line("t=0 0");
        if !bundle.is_empty() {
            self.line(&format!("a=group:BUNDLE {}", bundle.join(" ")));
        }
        if allow_mixed {
            self.line("a=extmap-allow-mixed");
        }
        self.line("a=msid-semantic:WMS *");
        self.line("a=ice-options:trickle");
    }

    fn media(
        &mut self,
        section: &LocalSection,
        kind: MediaKind,
        formats: &[Format],
        extensions: &[(u8, &'static str)],
        facts: &Facts,
    ) {
        let numbers: Vec<String> = formats.iter().map(|format| format.payload_type.to_string()).collect();
        self.line(&format!("m={kind} 9 UDP/TLS/RTP/SAVPF {}", numbers.join(" ")));
        self.transport(section, facts);
        for (id, uri) in extensions {
            self.line(&format!("a=extmap:{id} {uri}"));
        }
        self.line(&format!("a={}", section.direction));
        self.msid(section);
        self.line("a=rtcp-mux");
        self.line("a=rtcp-rsize");
        for format in formats {
            self.codec(kind, format);
        }
        if let (true, Some(ssrc)) = (section.direction.sends(), facts.ssrcs.get(&section.mid)) {
            self.line(&format!("a=ssrc:{ssrc} cname:{}", facts.cname));
        }
    }

    /// What sections with a transport have in common.
    fn transport(&mut self, section: &LocalSection, facts: &Facts) {
        self.line("c=IN IP4 0.0.0.0");
        self.line(&format!("a=ice-ufrag:{}", facts.ufrag));
        self.line(&format!("a=ice-pwd:{}", facts.pwd));
        for fingerprint in &facts.fingerprints {
            self.line(&format!("a=fingerprint:{fingerprint}"));
        }
        self.line(&format!("a=setup:{}", facts.setup));
        self.line(&format!("a=mid:{}", section.mid));
    }

    fn msid(&mut self, section: &LocalSection) {
        let Some(msid) = section.msid.as_ref().filter(|_| section.direction.sends()) else { return };
        if msid.streams.is_empty() {
            self.line(&format!("a=msid:- {}", msid.track));
        }
        for stream in &msid.streams {
            self.line(&format!("a=msid:{stream} {}", msid.track));
        }
    }

    fn codec(&mut self, kind: MediaKind, format: &Format) {
        let (codec, number) = (capability(kind), format.payload_type);
        let channels = codec.channels.map(|channels| format!("/{channels}")).unwrap_or_default();
        self.line(&format!("a=rtpmap:{number} {}/{}{channels}", codec.name, codec.clock_rate));
        for feedback in &format.feedback {
            self.line(&format!("a=rtcp-fb:{number} {feedback}"));
        }
        if !codec.fmtp.is_empty() {
            self.line(&format!("a=fmtp:{number} {}", codec.fmtp));
        }
    }

    fn candidates(&mut self, facts: &Facts) {
        for candidate in &facts.candidates {
            self.line(&format!("a={candidate}"));
        }
        if facts.end_of_candidates {
            self.line("a=end-of-candidates");
        }
    }

    fn rejected(&mut self, section: &LocalSection, protocol: &str, formats: &str) {
        self.line(&format!("m={} 0 {protocol} {formats}", section.media.word()));
        self.line("c=IN IP4 0.0.0.0");
        self.line(&format!("a=mid:{}", section.mid));
        if !matches!(section.media, SectionMedia::Data) {
            self.line("a=inactive");
        }
    }
}

/// Whether a description of that type answers.
pub(in crate::engine) fn answers(sdp_type: SdpType) -> bool {
    matches!(sdp_type, SdpType::Answer | SdpType::Pranswer)
}
