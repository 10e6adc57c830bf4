//! Rules about DTLS. They speak where ICE is up and DTLS is not, and of what descriptions say of it.

use super::finding::{Draft, Explains, Found};
use super::view::{View, seconds};
use crate::facts::{DtlsError, Moment};
use crate::jsep::DtlsState;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    hashes(view, found);
    if let Some(closed) = &view.facts.dtls_closed_by_peer
        && view.facts.hang_up.is_none()
    {
        let text = "the other side closed DTLS";
        found.add(Draft::certain("dtls-close-notify", text).of(view.facts.own.other()).citing([&closed.id]));
    }
    if !view.ice_was_up() || view.dtls_was_up() || view.context.descriptions_only {
        return;
    }
    let (own, other) = (view.own(), view.facts.own.other());
    if let Some((moment, error)) = own.history.dtls_errors.first() {
        return found.add(told(moment, error).of(other).explaining(Explains::Everything));
    }
    let Some(ice) = own.timing.ice else { return };
    let failed = own.states.dtls.iter().find(|reached| reached.state == DtlsState::Failed);
    if failed.is_none() && !view.waited(ice, view.limits().dtls) {
        return;
    }
    let ids = own.states.dtls.last().map(|reached| reached.id.clone());
    if let Some((id, text)) = clash(view) {
        let draft = Draft::certain(id, text).citing(ids);
        return found.add(draft.explaining(Explains::Everything));
    }
    let text = match failed {
        Some(_) => "ICE is connected, and DTLS failed without saying why".to_owned(),
        None => format!("ICE is connected, and DTLS did not connect within {}", seconds(view.limits().dtls)),
    };
    found.add(
        Draft::probable("dtls-not-started", text)
            .or(&["dtls-both-passive", "dtls-both-active", "dtls-mtu", "dtls-fingerprint-mismatch"])
            .settled_by("the DTLS alerts, and whether a ClientHello came")
            .citing(ids)
            .explaining(Explains::Everything),
    );
}

fn told(moment: &Moment, error: &DtlsError) -> Draft {
    let alert = error.received_alert.or(error.sent_alert);
    let text = error.text.to_ascii_lowercase();
    let id = match alert {
        _ if error.detail == "fingerprint-failure" => "dtls-fingerprint-mismatch",
        _ if text.contains("both sides sent a clienthello") => "dtls-both-active",
        _ if text.contains("use_srtp") || text.contains("srtp profile") => "dtls-no-srtp-profile",
        Some(70) => "dtls-version",
        Some(40 | 71) => "dtls-cipher",
        // What is sent by one that does not take our certificate, or holds it against another fingerprint.
        Some(42..=44 | 46 | 48 | 49) if error.received_alert.is_some() => "dtls-fingerprint-mismatch",
        Some(45) => "dtls-cert-expired",
        _ => "dtls-fatal-alert",
    };
    let who = match (error.received_alert, error.sent_alert) {
        (Some(number), _) => format!("the other side sent alert {number}: "),
        (None, Some(number)) => format!("we sent alert {number}: "),
        (None, None) => String::new(),
    };
    // A handshake failure has more than one reason.
    let refused = matches!(error.received_alert, Some(42..=44 | 46 | 48 | 49));
    let draft = if refused {
        Draft::probable(id, format!("{who}{}", error.text)).or(&["dtls-fatal-alert"])
    } else if alert == Some(40) {
        Draft::probable(id, format!("{who}{}", error.text)).or(&["dtls-no-srtp-profile", "dtls-version"])
    } else {
        Draft::certain(id, format!("{who}{}", error.text))
    };
    draft.citing([&moment.id])
}

/// Roles that cannot work, by the latest descriptions.
fn clash(view: &View<'_>) -> Option<(&'static str, String)> {
    let last = view.rounds.complete.last()?;
    let setup = |facts: &crate::jsep::SdpFacts| {
        facts
            .sections
            .iter()
            .filter(|section| !section.is_rejected())
            .find_map(|section| section.setup.clone())
    };
    let (offered, answered) = (setup(&last.offer.sdp)?, setup(&last.answer.sdp)?);
    let id = match (offered.as_str(), answered.as_str()) {
        ("active", "active") => "dtls-both-active",
        ("passive", "passive") | (_, "actpass") => "dtls-both-passive",
        _ => return None,
    };
    Some((id, format!("the offer says `a=setup:{offered}`, the answer `a=setup:{answered}`")))
}

fn hashes(view: &View<'_>, found: &mut Found) {
    for exchanged in &view.own().history.descriptions {
        let strange = exchanged.sdp.sections.iter().find(|section| {
            !section.fingerprints.is_empty()
                && section.fingerprints.iter().all(|fingerprint| fingerprint.octets().is_none())
        });
        if let Some(section) = strange {
            let author = view.author(exchanged);
            let name = &section.fingerprints[0].algorithm;
            let text = format!("the {author}'s fingerprint uses the hash {name}");
            return found
                .add(Draft::certain("dtls-hash-unsupported", text).of(author).citing([exchanged.id()]));
        }
    }
}
