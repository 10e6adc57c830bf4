//! What lines say of each other: within a section, across the bundle, and of an answer to its offer.

use std::collections::{BTreeMap, BTreeSet};

use super::complaint::shown;
use super::{Complaint, Fault, MediaSection, SdpFacts};
use crate::jsep::{Direction, SdpType};

/// Protocols that carry media (RFC 9429 §5.1.2); a WebRTC peer accepts each and speaks DTLS-SRTP with feedback.
const MEDIA_PROTOCOLS: &[&str] = &[
    "UDP/TLS/RTP/SAVPF",
    "TCP/DTLS/RTP/SAVPF",
    "UDP/TLS/RTP/SAVP",
    "TCP/DTLS/RTP/SAVP",
    "RTP/SAVPF",
    "RTP/SAVP",
    "RTP/AVPF",
    "RTP/AVP",
];

/// Protocols that carry data channels (RFC 8841 §4), the last one from before it.
const DATA_PROTOCOLS: &[&str] = &["UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP"];

/// No more complaints than this of one kind of check: they would all say the same.
const ENOUGH: usize = 64;

/// Checks the sections by themselves and together; `mids` are all that are there.
pub(super) fn whole(facts: &SdpFacts, mids: &BTreeSet<String>) -> Vec<Complaint> {
    let mut found = Vec::new();
    bundle(facts, mids, &mut found);
    let mut bundled = BTreeSet::new();
    let mut tagged = BTreeSet::new();
    for group in &facts.bundle_groups {
        bundled.extend(group.mids.iter().map(String::as_str));
        tagged.extend(group.mids.first().map(String::as_str));
    }
    let uses_mids = !mids.is_empty() || !facts.bundle_groups.is_empty();
    for section in &facts.sections {
        let line = section.line();
        // A rejected section needs none, and some stacks write none (RFC 9429 §5.3.1).
        if uses_mids && section.mid.is_none() && !section.is_rejected() {
            found.push(Complaint::new(line, Fault::MissingMid, "the section has no mid"));
        }
        if !section.is_rejected() {
            medium(section, &mut found);
            let mid = section.mid.as_deref().unwrap_or_default();
            // Within a bundle only the tagged section needs what describes the transport (RFC 9429 §5.2.1).
            if !bundled.contains(mid) || tagged.contains(mid) {
                transport(section, bundled.contains(mid), &mut found);
            }
        }
        streams(section, &mut found);
    }
    across(facts, &bundled, &mut found);
    found
}

fn bundle(facts: &SdpFacts, mids: &BTreeSet<String>, found: &mut Vec<Complaint>) {
    let mut seen = BTreeSet::new();
    for group in &facts.bundle_groups {
        for mid in &group.mids {
            let (fault, text) = if !mids.contains(mid) {
                (Fault::BundleOfAbsentMid, "the BUNDLE group names mid {}, which no m-section has")
            } else if !seen.insert(mid) {
                (Fault::BundledTwice, "the BUNDLE groups name mid {} twice")
            } else {
                continue;
            };
            if found.len() < ENOUGH {
                found.push(Complaint::new(group.line, fault, text.replace("{}", &shown(mid))));
            }
        }
    }
}

/// Media, protocol and codecs of an accepted section.
fn medium(section: &MediaSection, found: &mut Vec<Complaint>) {
    let line = section.line();
    let protocols = match section.media.as_str() {
        "audio" | "video" => MEDIA_PROTOCOLS,
        "application" => DATA_PROTOCOLS,
        media => {
            let text = format!("no WebRTC peer knows the media {}", shown(media));
            return found.push(Complaint::new(line, Fault::UnknownMedia, text));
        }
    };
    if !section.protocol.is_empty() && !protocols.contains(&section.protocol.as_str()) {
        let text = format!("{} is not spoken with {}", shown(&section.protocol), section.media);
        found.push(Complaint::new(line, Fault::UnknownProtocol, text));
    }
    for codec in
        section.codecs.iter().filter(|codec| codec.is_dynamic()).filter(|codec| codec.rtpmap_line.is_none())
    {
        let text = format!("payload type {} is dynamic and has no `a=rtpmap`", codec.payload_type);
        found.push(Complaint::new(line, Fault::UnmappedPayloadType, text));
    }
}

/// What an accepted section with a transport of its own needs.
fn transport(section: &MediaSection, bundled: bool, found: &mut Vec<Complaint>) {
    let line = section.line();
    let mut need = |there: bool, fault, text: &str| {
        if !there {
            found.push(Complaint::new(line, fault, text));
        }
    };
    need(section.ice_ufrag.is_some(), Fault::MissingIceCredentials, "the section has no `a=ice-ufrag`");
    need(section.ice_pwd.is_some(), Fault::MissingIceCredentials, "the section has no `a=ice-pwd`");
    need(!section.fingerprints.is_empty(), Fault::MissingFingerprint, "the section has no `a=fingerprint`");
    need(section.setup.is_some(), Fault::MissingSetup, "the section has no `a=setup`");
    let muxed = section.rtcp_mux || !bundled || section.kind.is_none();
    need(muxed, Fault::MissingRtcpMux, "the section is bundled and has no `a=rtcp-mux`");
}

/// Header extensions, rids and simulcast of a section.
fn streams(section: &MediaSection, found: &mut Vec<Complaint>) {
    let mut ids = BTreeMap::new();
    for extmap in &section.extmaps {
        if let Some(earlier) = ids.insert(extmap.id, extmap.line) {
            let text =
                format!("id {} stands for a second header extension; line {earlier} has it", extmap.id);
            found.push(Complaint::new(extmap.line, Fault::DuplicateExtmap, text));
        }
    }
    let mut rids = BTreeMap::new();
    for rid in &section.rids {
        if let Some(earlier) = rids.insert(rid.id.as_str(), rid.line) {
            let text = format!("rid {} is used twice; line {earlier} has it", shown(&rid.id));
            found.push(Complaint::new(rid.line, Fault::Rid, text));
        }
    }
    let Some(simulcast) = &section.simulcast else { return };
    let named = simulcast.send.iter().chain(&simulcast.recv).flatten();
    for stream in named.filter(|stream| !rids.contains_key(stream.rid.as_str())).take(ENOUGH) {
        let text = format!("`simulcast` names rid {}, which the section does not have", shown(&stream.rid));
        found.push(Complaint::new(simulcast.line, Fault::Simulcast, text));
    }
}

/// What must not differ between sections: sources anywhere, ids on one transport.
fn across(facts: &SdpFacts, bundled: &BTreeSet<&str>, found: &mut Vec<Complaint>) {
    let mut sources = BTreeMap::new();
    let mut extensions = BTreeMap::new();
    let mut codecs = BTreeMap::new();
    for section in facts.sections.iter().filter(|section| !section.is_rejected()) {
        for source in &section.sources {
            if let Some(earlier) = sources.insert(source.ssrc, source.line) {
                let text = format!("SSRC {} is in another section too, at line {earlier}", source.ssrc);
                found.push(Complaint::new(source.line, Fault::DuplicateSsrc, text));
            }
        }
        if !section.mid.as_deref().is_some_and(|mid| bundled.contains(mid)) {
            continue;
        }
        for extmap in &section.extmaps {
            let (uri, line) = *extensions.entry(extmap.id).or_insert((extmap.uri.as_str(), extmap.line));
            // Twice in one section was complained of already.
            if uri != extmap.uri && line < section.line() {
                let text = format!("id {} is {} at line {line} of the same bundle", extmap.id, shown(uri));
                found.push(Complaint::new(extmap.line, Fault::ExtmapConflict, text));
            }
        }
        for codec in &section.codecs {
            let (Some(name), Some(line)) = (&codec.name, codec.rtpmap_line) else { continue };
            let (other, at) = *codecs.entry(codec.payload_type).or_insert((codec, line));
            let other_name = other.name.as_deref().unwrap_or_default();
            if !other_name.eq_ignore_ascii_case(name) || other.clock_rate != codec.clock_rate {
                let (number, other_name) = (codec.payload_type, shown(other_name));
                let text = format!("payload type {number} is {other_name} at line {at} of the same bundle");
                found.push(Complaint::new(line, Fault::PayloadTypeConflict, text));
            }
        }
    }
}

/// What only the type of the description, or its offer, makes wrong.
pub(super) fn as_type(facts: &SdpFacts, sdp_type: SdpType, offer: Option<&SdpFacts>) -> Vec<Complaint> {
    let mut found = Vec::new();
    let allowed: &[&str] = match sdp_type {
        SdpType::Rollback => return found,
        SdpType::Offer => &["actpass"],
        SdpType::Pranswer | SdpType::Answer => &["active", "passive"],
    };
    for section in facts.sections.iter().filter(|section| !section.is_rejected()) {
        let Some(setup) = section.setup.as_deref().filter(|setup| !allowed.contains(setup)) else { continue };
        let line = section.at.setup.unwrap_or_else(|| section.line());
        let text = format!("`setup:{setup}` in an {}; it takes {}", noun(sdp_type), allowed.join(" or "));
        found.push(Complaint::new(line, Fault::SetupRole, text));
    }
    if let Some(offer) = offer.filter(|_| sdp_type != SdpType::Offer) {
        against_offer(facts, offer, &mut found);
    }
    found.sort_by_key(|complaint| complaint.line);
    found
}

fn noun(sdp_type: SdpType) -> &'static str {
    if sdp_type == SdpType::Offer { "offer" } else { "answer" }
}

fn against_offer(answer: &SdpFacts, offer: &SdpFacts, found: &mut Vec<Complaint>) {
    let (answered, offered) = (answer.sections.len(), offer.sections.len());
    if answered != offered {
        let line = answer.sections.last().map_or(1, MediaSection::line);
        let text = format!("{answered} sections answer {offered}");
        found.push(Complaint::new(line, Fault::AnswerMismatch, text));
    }
    if offer.bundle_groups.is_empty()
        && let Some(group) = answer.bundle_groups.iter().find(|group| !group.mids.is_empty())
    {
        let text = "the answer has a BUNDLE group, and the offer has none";
        found.push(Complaint::new(group.line, Fault::BundleNotOffered, text));
    }
    for (section, offered) in answer.sections.iter().zip(&offer.sections) {
        let line = section.line();
        if section.media != offered.media {
            let text = format!("{} answers {}", shown(&section.media), shown(&offered.media));
            found.push(Complaint::new(line, Fault::AnswerMismatch, text));
        }
        if section.mid != offered.mid {
            let mid = |section: &MediaSection| section.mid.as_deref().map_or_else(|| "none".into(), shown);
            let text = format!("mid {} answers mid {}", mid(section), mid(offered));
            found.push(Complaint::new(section.at.mid.unwrap_or(line), Fault::AnswerMismatch, text));
        }
        if offered.is_rejected() && !section.is_rejected() {
            found.push(Complaint::new(line, Fault::AnswerMismatch, "a rejected section is accepted"));
        }
        let direction = section.effective_direction();
        let most = offered.effective_direction().reversed();
        if section.kind.is_some() && direction.intersect(most) != direction && direction != Direction::Stopped
        {
            let text = format!("{direction} answers {}", offered.effective_direction());
            let line = section.direction_line.unwrap_or(line);
            found.push(Complaint::new(line, Fault::AnswerDirection, text));
        }
    }
}
