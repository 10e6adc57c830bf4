//! A description by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnose::finding::{Draft, Explains, Found, Severity};
use crate::diagnose::view::View;
use crate::facts::Exchanged;
use crate::jsep::{Complaint, Fault, MediaKind, MediaSection, Role, SdpType, Side};

/// So many complaints are told of one finding.
const TOLD: usize = 3;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    // One finding for each mode and author, from the first description that shows it.
    let mut seen: BTreeSet<(&'static str, Role)> = BTreeSet::new();
    let mut offers = 0;
    for exchanged in &view.own().history.descriptions {
        let author = view.author(exchanged);
        let first_offer = exchanged.sdp_type == SdpType::Offer && offers == 0;
        offers += usize::from(exchanged.sdp_type == SdpType::Offer);
        for (id, complaints) in modes(exchanged, first_offer, view.limits().bandwidth) {
            if !seen.insert((id, author)) {
                continue;
            }
            let told: Vec<String> =
                complaints.iter().take(TOLD).map(|(line, text)| format!("line {line}: {text}")).collect();
            let text = format!("in the {author}'s {}, {}", exchanged.sdp_type, told.join("; "));
            // What no browser reads, or what was refused, breaks the call.
            let broken = exchanged.rejected.is_some() || !readable(exchanged);
            let explains = if broken { Explains::Everything } else { Explains::Itself };
            found.add(Draft::certain(id, text).of(author).citing([exchanged.id()]).explaining(explains));
        }
    }
    candidates(view, found);
}

/// What is wrong, by mode: each with its lines.
fn modes(
    exchanged: &Exchanged,
    first_offer: bool,
    least: u64,
) -> BTreeMap<&'static str, Vec<(usize, String)>> {
    let mut modes: BTreeMap<&'static str, Vec<(usize, String)>> = BTreeMap::new();
    if exchanged.sdp_type == SdpType::Rollback {
        return modes;
    }
    let sdp = &exchanged.sdp;
    let by_type = sdp.complaints_as(exchanged.sdp_type, None);
    // Later offers may repeat the role that was negotiated.
    let of_role = by_type.iter().filter(|_| first_offer || exchanged.sdp_type != SdpType::Offer);
    for complaint in sdp.complaints.iter().chain(of_role) {
        if let Some(id) = mode(complaint) {
            modes.entry(id).or_default().push((complaint.line, complaint.text.clone()));
        }
    }
    // What the last line got wrong, and what is named after it, was right before the text was cut.
    if super::cut::cut(exchanged).is_some() {
        let last = exchanged.text.lines().count();
        modes.remove("sig-rewritten-sdp");
        modes.values_mut().for_each(|list| list.retain(|(line, _)| *line != last));
        modes.retain(|_, list| !list.is_empty());
    }
    // What begins like SDP is SDP, however damaged.
    if exchanged.text.starts_with("v=0")
        && let Some(list) = modes.remove("sig-sdp-shape")
    {
        modes.entry("sig-sdp-text-damaged").or_default().extend(list);
    }
    if !readable(exchanged) {
        // Nothing else can be said of what is no description.
        modes.retain(|id, _| id.starts_with("sig-"));
        return modes;
    }
    for section in sdp.sections.iter().filter(|section| !section.is_rejected()) {
        if let Some(text) = plan_b(section) {
            modes.entry("sdp-plan-b").or_default().push((section.line(), text));
        }
        for (line, text) in dangling(section) {
            modes.entry("sdp-rtx-apt-dangling").or_default().push((line, text));
        }
        // RTP/SAVPF with a fingerprint is taken by everybody (RFC 8843 §7.1 and RFC 9429 §5.1.2).
        if section.kind.is_some() && section.protocol.starts_with("RTP/AVP") {
            let text = format!("the protocol is {}, which knows no encryption", section.protocol);
            modes.entry("sdp-proto-mismatch").or_default().push((section.line(), text));
        }
    }
    if let Some((line, text)) = bandwidth(exchanged, least) {
        modes.entry("sdp-bandwidth-zero").or_default().push((line, text));
    }
    modes
}

fn readable(exchanged: &Exchanged) -> bool {
    exchanged.sdp.session_id.is_some() || !exchanged.sdp.sections.is_empty()
}

/// The mode that a complaint shows; none where it is told by `pair` or is of no consequence.
fn mode(complaint: &Complaint) -> Option<&'static str> {
    Some(match complaint.fault {
        Fault::Empty | Fault::Version => "sig-sdp-shape",
        Fault::LineEndsLost
        | Fault::NotALine
        | Fault::NotUtf8
        | Fault::ControlCharacter
        | Fault::MediaLine
        | Fault::Port => "sig-sdp-text-damaged",
        Fault::MissingFingerprint | Fault::Fingerprint => "sdp-fingerprint-missing",
        Fault::MissingRtcpMux => "sdp-rtcp-mux-missing",
        Fault::Setup | Fault::SetupRole | Fault::MissingSetup => "sdp-setup-invalid",
        Fault::IceCredentials | Fault::MissingIceCredentials => "sdp-ice-credentials",
        Fault::PayloadTypeConflict => "sdp-bundle-pt-collision",
        Fault::ExtmapConflict | Fault::DuplicateExtmap => "sdp-extmap-collision",
        Fault::DuplicateMid | Fault::MissingMid | Fault::Mid | Fault::BundleOfAbsentMid => "sdp-mid-mismatch",
        Fault::UnmappedPayloadType | Fault::UnlistedPayloadType => "sig-rewritten-sdp",
        _ => return None,
    })
}

/// Several tracks in one m-section.
fn plan_b(section: &MediaSection) -> Option<String> {
    section.kind?;
    let in_sources = section.sources.iter().filter_map(|source| source.msid.as_ref()?.track.as_deref());
    let tracks: BTreeSet<&str> = in_sources.collect();
    (tracks.len() > 1).then(|| format!("one m-section carries {} tracks", tracks.len()))
}

/// Retransmission formats of codecs that are not there (RFC 4588 §8.6).
fn dangling(section: &MediaSection) -> Vec<(usize, String)> {
    let is_rtx = |name: &str| name.eq_ignore_ascii_case("rtx");
    let rtx = section.codecs.iter().filter(|codec| codec.name.as_deref().is_some_and(is_rtx));
    let missing = |codec: &crate::jsep::Codec| {
        let fmtp = codec.fmtp.as_deref()?;
        let apt: u8 =
            fmtp.split(';').find_map(|part| part.trim().strip_prefix("apt="))?.trim().parse().ok()?;
        let there = section.codecs.iter().any(|other| other.payload_type == apt);
        let line = codec.fmtp_line.unwrap_or_else(|| section.line());
        (!there).then(|| {
            (line, format!("rtx {} belongs to payload type {apt}, which is not there", codec.payload_type))
        })
    };
    rtx.filter_map(missing).collect()
}

/// A limit that leaves nothing for video (RFC 9429 §5.10 makes TIAS of AS).
fn bandwidth(exchanged: &Exchanged, least: u64) -> Option<(usize, String)> {
    let of_video = |line: usize| {
        let mut sections = exchanged.sdp.sections.iter();
        let here = sections.find(|section| section.lines.contains(&line))?;
        (here.kind == Some(MediaKind::Video) && !here.is_rejected()).then_some(())
    };
    exchanged.text.lines().enumerate().filter(|(_, text)| text.starts_with("b=")).find_map(|(index, text)| {
        let line = index + 1;
        of_video(line)?;
        let (name, value) = text.strip_prefix("b=")?.trim_end().split_once(':')?;
        let number: u64 = value.parse().ok()?;
        let bits = match name {
            "AS" => number.saturating_mul(1000),
            "TIAS" => number,
            _ => return None,
        };
        (bits < least).then(|| (line, format!("`b={name}:{number}` leaves {} kbit/s for video", bits / 1000)))
    })
}

/// Descriptions of a side that have no candidates, and none follow.
fn candidates(view: &View<'_>, found: &mut Found) {
    if view.ice_was_up() {
        return;
    }
    for side in Side::ALL.iter().copied() {
        let of_side = || view.own().history.of(side).filter(|known| known.sdp_type != SdpType::Rollback);
        let Some(last) = of_side().next_back() else { continue };
        let live = || last.sdp.sections.iter().filter(|section| !section.is_rejected());
        let announces = live().any(|section| section.ice_options.iter().any(|option| option == "trickle"));
        let ended = live().any(|section| section.end_of_candidates);
        let any = of_side().any(|known| known.sdp.candidates().next().is_some());
        let trickled = view.own().history.candidates(side == Side::Local).next().is_some();
        if live().next().is_none() || any || trickled || (announces && !ended) || !readable(last) {
            continue;
        }
        let rejected = last.rejected.is_some();
        let window = view.limits().first_candidate;
        if rejected || !view.waited(last.first().at_us, window) {
            continue;
        }
        let author = view.author(last);
        let why =
            if ended { "says that they have ended" } else { "does not announce `a=ice-options:trickle`" };
        let text = format!("the {author}'s {} has no candidate and {why}", last.sdp_type);
        let draft = if view.context.descriptions_only {
            let draft = Draft::probable("sdp-non-trickle-empty", text)
                .settled_by("whether candidates are trickled, which the descriptions alone do not show");
            // Pion, and what is built on it, trickles without announcing it.
            if ended { draft } else { draft.severity(Severity::Info) }
        } else {
            Draft::certain("sdp-non-trickle-empty", format!("{text}; none was trickled"))
        };
        found.add(draft.of(author).citing([last.id()]));
    }
}
