//! A description whose end was cut off: by a size limit, or by a copy that missed the rest.

use crate::diagnose::finding::{Draft, Found, Severity};
use crate::diagnose::view::View;
use crate::facts::Exchanged;
use crate::jsep::{Fault, MediaSection, SdpType};

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    for exchanged in &view.own().history.descriptions {
        if let Some(text) = cut(exchanged) {
            let author = view.author(exchanged);
            let text = format!("the {author}'s {} ends in the middle: {text}", exchanged.sdp_type);
            let draft = Draft::probable("sig-sdp-text-damaged", text).severity(Severity::Major);
            found.add(draft.of(author).citing([exchanged.id()]));
        }
    }
}

/// What shows that the text goes on elsewhere. That the last line has no end alone shows nothing: it is often trimmed.
pub(super) fn cut(exchanged: &Exchanged) -> Option<String> {
    if exchanged.sdp_type == SdpType::Rollback || exchanged.text.ends_with(['\r', '\n']) {
        return None;
    }
    let sdp = &exchanged.sdp;
    let section: &MediaSection = sdp.sections.last().filter(|section| !section.is_rejected())?;
    let dynamic = || section.codecs.iter().filter(|codec| codec.is_dynamic());
    let listed = dynamic().count();
    let unnamed = dynamic().filter(|codec| codec.rtpmap_line.is_none()).count();
    if listed < 2 || unnamed * 2 <= listed {
        return None;
    }
    // Who removes codecs and leaves their numbers leaves what follows them, or at least whole lines.
    let number = exchanged.text.lines().count();
    let last = exchanged.text.lines().next_back().unwrap_or_default();
    let malformed = sdp.complaints.iter().any(|complaint| {
        complaint.line == number
            && matches!(
                complaint.fault,
                Fault::NotALine
                    | Fault::Rtpmap
                    | Fault::PayloadType
                    | Fault::UnlistedPayloadType
                    | Fault::Extmap
                    | Fault::Candidate
                    | Fault::Fingerprint
                    | Fault::Msid
            )
    });
    let in_codecs = ["a=rtpmap:", "a=rtcp-fb:", "a=fmtp:"].iter().any(|start| last.starts_with(start));
    (malformed || unnamed == listed || in_codecs).then(|| {
        format!(
            "the last line ({number}) has no end, and {unnamed} of {listed} payload types have no `a=rtpmap`"
        )
    })
}
