//! An answer with the offer that it answers.

use crate::diagnose::finding::{Draft, Explains, Found};
use crate::diagnose::rounds::Round;
use crate::diagnose::view::{View, shown};
use crate::jsep::{Direction, MediaSection};

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    for round in view.rounds.complete.iter().chain(&view.rounds.refused) {
        let mut told = Told { found, round, refused: round.answer.rejected.is_some() };
        sections(&mut told);
        roles(&mut told);
        bundle(&mut told);
    }
    if let Some(round) = view.rounds.complete.first()
        && round.offer.sdp.ice_lite
        && round.answer.sdp.ice_lite
    {
        let text = "both descriptions say `a=ice-lite`, so nobody makes checks";
        found.add(Draft::certain("ice-lite-lite", text).citing(round.ids()));
    }
}

struct Told<'a, 'f> {
    found: &'f mut Found,
    round: &'a Round<'a>,
    refused: bool,
}

impl Told<'_, '_> {
    /// The answerer's fault; the first of its kind is enough.
    fn answerer(&mut self, id: &'static str, text: String, lines: Vec<String>, breaks: bool) {
        if self.found.has(id) {
            return;
        }
        let explains = if breaks || self.refused { Explains::Everything } else { Explains::Itself };
        let why = self.round.answer.rejected.as_ref().map(|(_, error)| format!("; it was refused: {error}"));
        let draft = Draft::certain(id, text + &why.unwrap_or_default());
        let draft = draft.of(self.round.answerer()).citing(self.round.ids());
        self.found.add(draft.showing(lines).explaining(explains));
    }

    fn lines(&self, offered: &MediaSection, answered: &MediaSection) -> Vec<String> {
        let Round { offerer, offer, answer } = *self.round;
        vec![shown(offerer, offer, offered), shown(offerer.other(), answer, answered)]
    }
}

fn sections(told: &mut Told<'_, '_>) {
    let (offer, answer) = (&told.round.offer.sdp, &told.round.answer.sdp);
    // A text that is no description was told by itself.
    if answer.session_id.is_none() && answer.sections.is_empty() {
        return;
    }
    let (offered, answered) = (offer.sections.len(), answer.sections.len());
    if offered != answered {
        let text = format!("the offer has {offered} m-sections, its answer {answered}");
        told.answerer("sdp-mline-count", text, Vec::new(), true);
    }
    for (index, (offered, answered)) in offer.sections.iter().zip(&answer.sections).enumerate() {
        let lines = told.lines(offered, answered);
        if offered.media != answered.media {
            let text =
                format!("m-section {index} is {} and is answered as {}", offered.media, answered.media);
            told.answerer("sdp-mline-order", text, lines, true);
            continue;
        }
        if offered.mid != answered.mid && answered.mid.is_some() {
            let word = |section: &MediaSection| section.mid.clone().unwrap_or_else(|| "none".into());
            let text = format!(
                "m-section {index} has mid {} in the offer and {} in the answer",
                word(offered),
                word(answered)
            );
            told.answerer("sdp-mid-mismatch", text, lines, true);
            continue;
        }
        if answered.is_rejected() || offered.is_rejected() {
            continue;
        }
        if offered.protocol != answered.protocol && !is_data(offered) {
            let text =
                format!("m-section {index} is {} and is answered as {}", offered.protocol, answered.protocol);
            told.answerer("sdp-proto-mismatch", text, lines.clone(), false);
        }
        let most = offered.direction.reversed();
        if offered.kind.is_some()
            && answered.direction != Direction::Stopped
            && answered.direction.intersect(most) != answered.direction
        {
            let text = format!(
                "m-section {index} is offered {} and answered {}, which it does not allow",
                offered.direction, answered.direction
            );
            told.answerer("sdp-direction-illegal", text, lines, false);
        }
    }
}

fn is_data(section: &MediaSection) -> bool {
    section.media == "application"
}

fn roles(told: &mut Told<'_, '_>) {
    let (offer, answer) = (&told.round.offer.sdp, &told.round.answer.sdp);
    let clash = offer.sections.iter().zip(&answer.sections).find(|(offered, answered)| {
        let role = offered.setup.as_deref();
        matches!(role, Some("active" | "passive"))
            && answered.setup.as_deref() == role
            && !answered.is_rejected()
    });
    if let Some((offered, answered)) = clash {
        let role = offered.setup.clone().unwrap_or_default();
        let lines = told.lines(offered, answered);
        told.answerer("sdp-setup-invalid", format!("both sides say `a=setup:{role}`"), lines, false);
    }
}

/// What is accepted belongs into the answer's group, where the offer bundles it (RFC 9143 §7).
fn bundle(told: &mut Told<'_, '_>) {
    let (offer, answer) = (&told.round.offer.sdp, &told.round.answer.sdp);
    if offer.bundle_groups.is_empty()
        && let Some(group) = answer.bundle_groups.iter().find(|group| !group.mids.is_empty())
    {
        let text = format!(
            "the answer bundles mid {} (line {}), and the offer has no BUNDLE group: an answer adds none (RFC 9143 §7.3)",
            group.mids.join(" and "),
            group.line
        );
        return told.answerer("sdp-bundle-absent", text, Vec::new(), false);
    }
    let live: Vec<&MediaSection> = answer.sections.iter().filter(|section| !section.is_rejected()).collect();
    if live.len() < 2 || offer.bundle.is_empty() {
        return;
    }
    let outside = live.iter().find(|section| {
        section.mid.as_ref().is_some_and(|mid| offer.bundle.contains(mid) && !answer.bundle.contains(mid))
    });
    if let Some(section) = outside {
        let mid = section.mid.clone().unwrap_or_default();
        let text = if answer.bundle.is_empty() {
            "the offer bundles its m-sections, and the answer has no BUNDLE group".to_owned()
        } else {
            format!("mid {mid} is accepted and is not in the answer's BUNDLE group")
        };
        let line = shown(told.round.answerer(), told.round.answer, section);
        told.answerer("sdp-bundle-absent", text, vec![line], false);
    }
}
