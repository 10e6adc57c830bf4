//! Which remote descriptions are refused (RFC 9429 §5.10, §5.11). Their directions and codecs are not judged here.

use std::collections::BTreeSet;

use super::sections::media;
use super::{ErrorName, Peer, W3cError, invalid_access};
use crate::jsep::{MediaSection, SdpFacts, SectionMedia};

/// Whether the text is a session description at all.
pub(super) fn readable(facts: &SdpFacts) -> Result<(), W3cError> {
    let unreadable = |message: &str| Err(W3cError::new(ErrorName::OperationError, message));
    if facts.session_id.is_none() && facts.sections.is_empty() {
        return unreadable("the text is no session description");
    }
    if facts.sections.iter().any(|section| section.media.is_empty() || section.protocol.is_empty()) {
        return unreadable("an `m=` line cannot be read");
    }
    Ok(())
}

impl Peer {
    /// An offer keeps every section of the descriptions before it, unless one of them rejects the section.
    pub(super) fn check_offer(&self, facts: &SdpFacts) -> Result<(), W3cError> {
        well_formed(facts)?;
        let local = self.local_description().map_or(&[][..], |description| &description.sections);
        let remote = self.remote_description().map_or(&[][..], |description| &description.sections);
        let before = local.len().max(remote.len());
        if facts.sections.len() < before {
            return Err(invalid_access(format!(
                "{} m-sections after {before}: none may go",
                facts.sections.len()
            )));
        }
        for (place, section) in facts.sections.iter().enumerate().take(before) {
            let ours = local.get(place).map(|section| (&section.mid, &section.media, section.rejected));
            let theirs = remote.get(place).map(|section| (&section.mid, &section.media, section.rejected));
            let free = [ours, theirs].into_iter().flatten().any(|(.., rejected)| rejected);
            if let (Some((mid, kept, _)), false) = (ours.or(theirs), free) {
                same_section(place, section, mid, kept)?;
            }
        }
        Ok(())
    }

    /// An answer has the sections of our offer, in its order.
    pub(super) fn check_answer(&self, facts: &SdpFacts) -> Result<(), W3cError> {
        well_formed(facts)?;
        let offered = self.pending_local.as_ref().map_or(&[][..], |description| &description.sections);
        if facts.sections.len() != offered.len() {
            return Err(invalid_access(format!(
                "the answer has {} m-sections, our offer {}",
                facts.sections.len(),
                offered.len()
            )));
        }
        for (place, (section, ours)) in facts.sections.iter().zip(offered).enumerate() {
            same_section(place, section, &ours.mid, &ours.media)?;
        }
        Ok(())
    }
}

/// Every mid is there once, BUNDLE names what is there, and every transport can be set up.
fn well_formed(facts: &SdpFacts) -> Result<(), W3cError> {
    let mut mids = BTreeSet::new();
    let mut bundled = facts.bundle.iter().collect::<BTreeSet<_>>();
    // The first section of the group stands for its transport; the others need no credentials of their own.
    let mut has_transport = false;
    for section in &facts.sections {
        let mid = section.mid.as_ref();
        if let Some(mid) = mid
            && !mids.insert(mid)
        {
            return Err(invalid_access(format!("mid `{mid}` is used twice")));
        }
        let is_bundled = mid.is_some_and(|mid| bundled.remove(mid));
        if section.is_rejected() || is_bundled && std::mem::replace(&mut has_transport, true) {
            continue;
        }
        if section.ice_ufrag.is_none() || section.ice_pwd.is_none() {
            return Err(invalid_access("no `a=ice-ufrag` with `a=ice-pwd`"));
        }
        if section.fingerprints.is_empty() {
            return Err(invalid_access("no `a=fingerprint`"));
        }
    }
    match bundled.first() {
        Some(mid) => Err(invalid_access(format!("BUNDLE names mid `{mid}`, which no m-section has"))),
        None => Ok(()),
    }
}

fn same_section(
    place: usize,
    section: &MediaSection,
    mid: &str,
    kept: &SectionMedia,
) -> Result<(), W3cError> {
    if section.mid.as_deref().is_some_and(|theirs| theirs != mid) {
        let theirs = section.mid.as_deref().unwrap_or_default();
        return Err(invalid_access(format!("m-section {place} has mid `{theirs}`, not `{mid}`")));
    }
    if media(section).word() != kept.word() {
        let (theirs, ours) = (&section.media, kept.word());
        return Err(invalid_access(format!("m-section {place} is {theirs}, not {ours}")));
    }
    Ok(())
}
