//! A description of the model as a text that a browser could have sent.

use std::fmt::Write;

use callcheck::jsep::{LocalDescription, LocalSection, MediaKind, SectionMedia};

/// The text; `side` names the sender, `generation` its ICE credentials.
pub(crate) fn render(description: &LocalDescription, side: &str, generation: u32) -> String {
    let mut text = format!("v=0\r\no={side} 4711 {generation} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
    let bundle: Vec<&str> = description.bundle().collect();
    if !bundle.is_empty() {
        writeln!(text, "a=group:BUNDLE {}\r", bundle.join(" ")).unwrap();
    }
    for section in &description.sections {
        let port = if section.rejected { 0 } else { 9 };
        writeln!(text, "m={}\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r", media(section, port), section.mid).unwrap();
        if section.rejected {
            text.push_str("a=inactive\r\n");
            continue;
        }
        write!(
            text,
            "a=ice-ufrag:{side}{generation}\r\na=ice-pwd:{side}-password-of-generation-{generation}\r\n"
        )
        .unwrap();
        write!(text, "a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n").unwrap();
        if matches!(section.media, SectionMedia::Track(_)) {
            writeln!(text, "a={}\r", section.direction).unwrap();
        }
        if let Some(msid) = &section.msid {
            let none = ["-".to_owned()];
            let streams = if msid.streams.is_empty() { &none[..] } else { &msid.streams };
            for stream in streams {
                writeln!(text, "a=msid:{stream} {}\r", msid.track).unwrap();
            }
        }
    }
    text
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
