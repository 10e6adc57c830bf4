//! Complaints about descriptions, each with its line and caret.

use std::net::IpAddr;

use super::authors::Authored;
use crate::diagnostic::Diagnostic;
use crate::jsep::{Codec, Complaint, MediaSection, SdpFacts, SdpType, masked};
use crate::timeline::IceCandidate;

/// More complaints than this about one description help nobody.
const MOST: usize = 20;

/// How bad a complaint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A clause forbids it.
    Error,
    /// It may not work everywhere.
    Warning,
}

/// A complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// How bad it is.
    pub level: Level,
    /// Where and what.
    pub diagnostic: Diagnostic,
}

/// Looks at each description by itself and at each answer with its offer.
pub(super) fn all(list: &[Authored]) -> Vec<Lint> {
    let mut lints = Vec::new();
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for (number, described) in list.iter().enumerate() {
        let offer = list[..number].iter().rfind(|known| {
            known.sdp_type == SdpType::Offer && known.delivered && known.author != described.author
        });
        let offer = offer.filter(|_| described.sdp_type != SdpType::Offer);
        let page = Page::new(described);
        let mut found: Vec<(Level, usize, String, String, String)> = Vec::new();
        let facts = &described.sdp;
        let by_type = facts.complaints_as(described.sdp_type, offer.map(|offer| &*offer.sdp));
        for complaint in facts.complaints.iter().chain(&by_type) {
            let Complaint { line, text, .. } = complaint;
            let entry = (*line, text.clone(), complaint.clause().to_owned(), complaint.help().to_owned());
            found.push((Level::Error, entry.0, entry.1, entry.2, entry.3));
        }
        if let Some(offer) = offer {
            formats(&offer.sdp, facts, &mut found);
        }
        fingerprints(facts, &mut found);
        reach(facts, &mut found);
        found.sort_by_key(|(level, line, ..)| (*line, *level));
        for (level, line, title, clause, help) in found.into_iter().take(MOST) {
            // The same text may stand in several files.
            if seen.contains(&(described.name.as_str(), line)) && level == Level::Warning {
                continue;
            }
            seen.push((described.name.as_str(), line));
            lints.push(Lint { level, diagnostic: page.complain(line, title, clause, help) });
        }
    }
    lints
}

/// A text with the places of its lines.
struct Page<'a> {
    described: &'a Authored,
    /// Without secrets, and of the same length.
    text: String,
    starts: Vec<usize>,
}

impl<'a> Page<'a> {
    fn new(described: &'a Authored) -> Self {
        let breaks = described.text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(breaks).collect();
        Self { described, text: masked(&described.text), starts }
    }

    fn complain(&self, line: usize, title: String, label: String, help: String) -> Diagnostic {
        let text = &self.text;
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let end = self.starts.get(line).copied().unwrap_or(text.len());
        let length = text[start..end].trim_end().len();
        Diagnostic {
            source: self.described.name.clone(),
            text: text.clone(),
            span: start..start + length.max(usize::from(start < text.len())),
            title,
            label,
            help: Some(help),
        }
    }
}

/// Payload types and parameters of an answer against its offer.
fn formats(offer: &SdpFacts, answer: &SdpFacts, found: &mut Vec<(Level, usize, String, String, String)>) {
    for (offered, answered) in offer.sections.iter().zip(&answer.sections) {
        if offered.media != answered.media || offered.is_rejected() || answered.is_rejected() {
            continue;
        }
        for codec in &answered.codecs {
            let Some(known) = offered.codecs.iter().find(|known| known.payload_type == codec.payload_type)
            else {
                continue;
            };
            let (Some(was), Some(is)) = (&known.name, &codec.name) else { continue };
            let line = codec.rtpmap_line.unwrap_or_else(|| answered.line());
            if !was.eq_ignore_ascii_case(is) {
                let title =
                    format!("payload type {} is {was} in the offer and {is} here", codec.payload_type);
                let help = "answer with the payload types of the offer";
                found.push((Level::Error, line, title, "RFC 3264 §6.1".into(), help.into()));
            } else {
                parameters(known, codec, answered, found);
            }
        }
    }
}

fn parameters(
    offered: &Codec,
    answered: &Codec,
    section: &MediaSection,
    found: &mut Vec<(Level, usize, String, String, String)>,
) {
    let line = answered.fmtp_line.unwrap_or_else(|| section.line());
    let number = answered.payload_type;
    let is_h264 = answered.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("H264"));
    if is_h264 && offered.packetization_mode() != answered.packetization_mode() {
        let mode = offered.packetization_mode();
        let title = format!("payload type {number} was offered with packetization mode {mode}");
        let help = "modes 0 and 1 are different formats: answer with the one that was offered";
        found.push((Level::Error, line, title, "RFC 6184 §8.2.2".into(), help.into()));
    }
    // Ids of H.264 may differ and name the same profile.
    if let (Some(was), Some(is)) = (offered.profile(), answered.profile())
        && was != is
    {
        let (codec, clause, help) = if is_h264 {
            ("H.264", "RFC 6184 §8.2.2", "only the level may differ in an answer")
        } else {
            ("VP9", "RFC 9628 §6, RFC 3264 §6.1", "answer with the payload type that has this profile")
        };
        let title = format!("payload type {number} was offered with {codec} profile {was} and is {is} here");
        found.push((Level::Warning, line, title, clause.into(), help.into()));
    }
}

/// Hashes whose length is not that of their algorithm.
fn fingerprints(facts: &SdpFacts, found: &mut Vec<(Level, usize, String, String, String)>) {
    for section in facts.sections.iter().filter(|section| !section.is_rejected()) {
        for (print, line) in section.fingerprints.iter().zip(&section.at.fingerprints) {
            let Some(octets) = print.octets() else { continue };
            let written = print.value.split(':').count();
            if written != octets {
                let title = format!("`{}` has {octets} octets, and {written} are written", print.algorithm);
                let help = "name the algorithm that made the fingerprint, and copy all of it";
                found.push((Level::Error, *line, title, "RFC 8122 §5".into(), help.into()));
            }
        }
    }
}

/// Who can reach the candidates of a description, and whether any will follow.
fn reach(facts: &SdpFacts, found: &mut Vec<(Level, usize, String, String, String)>) {
    let live: Vec<&MediaSection> = facts.sections.iter().filter(|section| !section.is_rejected()).collect();
    let Some(first) = live.first() else { return };
    let trickles = live.iter().any(|section| section.ice_options.iter().any(|option| option == "trickle"));
    let candidates: Vec<_> = facts.candidates().collect();
    if candidates.is_empty() && !trickles {
        let help = "wait for gathering to complete before sending the description, or trickle";
        let title = "no candidate, and trickle ICE is not announced".to_owned();
        found.push((Level::Warning, first.line(), title, "RFC 8839 §4.3".into(), help.into()));
    }
    let private = |candidate: &&crate::jsep::SdpCandidate| is_private(&candidate.candidate);
    if !trickles && !candidates.is_empty() && candidates.iter().all(private) {
        let help = "a STUN or TURN server gives addresses that can be reached from elsewhere";
        let title = "only private addresses: they can be reached from the same network alone".to_owned();
        found.push((Level::Warning, candidates[0].line, title, "RFC 8445 §5.1.1".into(), help.into()));
    }
}

/// An address that only the same network, or the same machine, reaches; and a `.local` name.
fn is_private(candidate: &str) -> bool {
    let address = IceCandidate::parse(candidate).address;
    let Some((host, _)) = address.rsplit_once(':') else { return false };
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(v4)) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => {
            v6.is_loopback() || v6.segments()[0] & 0xfe00 == 0xfc00 || v6.segments()[0] & 0xffc0 == 0xfe80
        }
        Err(_) => host.ends_with(".local"),
    }
}
