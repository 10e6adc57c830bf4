//! A description of the model as a text that a browser could have sent.

use callcheck::jsep::{LocalDescription, LocalSection, MediaKind, SdpType, SectionMedia};

/// The text; `side` names the sender, `generation` its ICE credentials.
pub(crate) fn render(description: &LocalDescription, side: &str, generation: u32) -> String {
    let mut lines = vec!["v=0".to_owned(), format!("o={side} 4711 {generation} IN IP4 127.0.0.1")];
    lines.extend(["s=-".to_owned(), "t=0 0".to_owned()]);
    let bundle: Vec<&str> = description.bundle().collect();
    if !bundle.is_empty() {
        lines.push(format!("a=group:BUNDLE {}", bundle.join(" ")));
    }
    for section in &description.sections {
        let port = if section.rejected { 0 } else { 9 };
        lines.push(format!("m={}", media(section, port)));
        lines.push(format!("a=mid:{}", section.mid));
        if section.rejected {
            lines.push("a=inactive".to_owned());
            continue;
        }
        lines.push(format!("a=ice-ufrag:{side}{generation}"));
        lines.push(format!("a=ice-pwd:{side}passwordOfGeneration{generation}"));
        lines.push("a=fingerprint:sha-256 AA:BB".to_owned());
        let setup = if description.sdp_type == SdpType::Offer { "actpass" } else { "active" };
        lines.push(format!("a=setup:{setup}"));
        if matches!(section.media, SectionMedia::Track(_)) {
            lines.push("a=rtcp-mux".to_owned());
            lines.push(format!("a={}", section.direction));
        }
        if let Some(msid) = &section.msid {
            let none = ["-".to_owned()];
            let streams = if msid.streams.is_empty() { &none[..] } else { &msid.streams };
            lines.extend(streams.iter().map(|stream| format!("a=msid:{stream} {}", msid.track)));
        }
    }
    lines.push(String::new());
    lines.join("\r\n")
}

fn media(section: &LocalSection, port: u16) -> String {
    match &section.media {
        SectionMedia::Track(MediaKind::Audio) => format!("audio {port} UDP/TLS/RTP/SAVPF 0"),
        SectionMedia::Track(MediaKind::Video) => {
            format!("video {port} UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000")
        }
        SectionMedia::Data => format!("application {port} UDP/DTLS/SCTP webrtc-datachannel"),
        SectionMedia::Unknown { media, protocol } => format!("{media} {port} {protocol} 0"),
    }
}
