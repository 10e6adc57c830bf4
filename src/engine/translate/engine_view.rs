//! What the engine sees of the peer: sections of its own, each of which always sends and receives, with the peer's
//! sources where the peer has some.

use super::EngineSdp;
use super::media::{Agreed, Format, capability, shared_extensions, shared_formats};
use super::remote::Remote;
use crate::jsep::MediaKind;

/// An m-section of the engine's own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct EngineSection {
    /// The engine's mid.
    pub(in crate::engine) mid: String,
    /// None for data.
    pub(in crate::engine) kind: Option<MediaKind>,
}

/// The m-sections of a text of the engine, in order.
pub(in crate::engine) fn engine_sections(text: &EngineSdp) -> Vec<EngineSection> {
    let sections = super::sections(&text.0);
    sections.into_iter().map(|section| EngineSection { mid: section.mid, kind: section.kind }).collect()
}

/// The source that the peer has on that m-section; the engine takes one.
pub(in crate::engine) fn source(remote: &Remote, wire_mid: &str) -> Option<u32> {
    let section = remote.section(wire_mid)?;
    section.ssrcs.first().copied().filter(|_| section.direction.sends())
}

/// The peer's description for the engine. Each of `sections` comes with the mid that it has on the wire, if it is in
/// use there; `setup` is said for the peer where it is not the peer's word. None if the peer rejects everything.
pub(in crate::engine) fn for_engine(
    remote: &Remote,
    agreed: &Agreed,
    sections: &[(EngineSection, Option<String>)],
    setup: Option<&str>,
) -> Option<EngineSdp> {
    let transport = remote.transport()?;
    let ice = transport.ice.as_ref()?;
    let mids: Vec<&str> = sections.iter().map(|(section, _)| section.mid.as_str()).collect();
    let mut lines = vec!["v=0".to_owned(), "o=- 1 1 IN IP4 0.0.0.0".to_owned()];
    lines.extend(["s=-", "t=0 0"].map(str::to_owned));
    lines.push(format!("a=group:BUNDLE {}", mids.join(" ")));
    lines.extend(remote.ice_lite.then(|| "a=ice-lite".to_owned()));
    lines.push("a=extmap-allow-mixed".to_owned());
    lines.push("a=ice-options:trickle".to_owned());
    for (section, wire_mid) in sections {
        let theirs =
            wire_mid.as_deref().and_then(|mid| remote.section(mid)).filter(|theirs| !theirs.rejected);
        let common = [
            "c=IN IP4 0.0.0.0".to_owned(),
            format!("a=ice-ufrag:{}", ice.ufrag),
            format!("a=ice-pwd:{}", ice.pwd),
            format!("a=setup:{}", setup.or(transport.setup.as_deref()).unwrap_or("actpass")),
            format!("a=mid:{}", section.mid),
        ];
        let fingerprints = transport.fingerprints.iter().map(|own| format!("a=fingerprint:{own}"));
        let Some(kind) = section.kind else {
            lines.push("m=application 9 UDP/DTLS/SCTP webrtc-datachannel".to_owned());
            lines.extend(common.into_iter().chain(fingerprints));
            lines.extend(["a=sctp-port:5000", "a=max-message-size:262144"].map(str::to_owned));
            continue;
        };
        let shared = theirs.map(|theirs| (shared_formats(theirs), shared_extensions(theirs)));
        let (formats, extensions) = shared
            .filter(|(formats, _)| !formats.is_empty())
            .unwrap_or_else(|| (vec![agreed.offer(kind)], agreed.offered_extensions()));
        let numbers: Vec<String> = formats.iter().map(|format| format.payload_type.to_string()).collect();
        lines.push(format!("m={kind} 9 UDP/TLS/RTP/SAVPF {}", numbers.join(" ")));
        lines.extend(common.into_iter().chain(fingerprints));
        lines.extend(["a=sendrecv", "a=rtcp-mux", "a=rtcp-rsize"].map(str::to_owned));
        lines.extend(extensions.iter().map(|(id, uri)| format!("a=extmap:{id} {uri}")));
        formats.iter().for_each(|format| codec(&mut lines, kind, format));
        let source = wire_mid.as_deref().and_then(|mid| source(remote, mid));
        lines.extend(source.map(|ssrc| format!("a=ssrc:{ssrc} msid:peer section-{}", section.mid)));
    }
    Some(EngineSdp(lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect()))
}

fn codec(lines: &mut Vec<String>, kind: MediaKind, format: &Format) {
    let (codec, number) = (capability(kind), format.payload_type);
    let channels = codec.channels.map(|channels| format!("/{channels}")).unwrap_or_default();
    lines.push(format!("a=rtpmap:{number} {}/{}{channels}", codec.name, codec.clock_rate));
    lines.extend(format.feedback.iter().map(|feedback| format!("a=rtcp-fb:{number} {feedback}")));
    if !codec.fmtp.is_empty() {
        lines.push(format!("a=fmtp:{number} {}", codec.fmtp));
    }
}
