//! The decision tree for "ontrack never fires": which fault an answer that does not send has behind it.

use std::collections::BTreeSet;

use super::gaps::{Gap, What, gaps};
use crate::diagnose::finding::{Draft, Explains, Found, Severity};
use crate::diagnose::rounds::Round;
use crate::diagnose::view::{View, kinds_with_mids, listed, seconds, shown};
use crate::facts::Exchanged;
use crate::jsep::{MediaKind, MediaSection, Role, SdpType, Side};

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    let gaps = gaps(view);
    // One finding for all m-sections with the same cause.
    let mut groups: Vec<(Cause, Vec<&Gap<'_>>)> = Vec::new();
    for gap in &gaps {
        for cause in causes(view, gap) {
            match groups.iter_mut().find(|(known, with)| *known == cause && with[0].sender == gap.sender) {
                Some((_, with)) => with.push(gap),
                None => groups.push((cause, vec![gap])),
            }
        }
    }
    for (cause, with) in &groups {
        tell(view, found, cause, with);
    }
}

/// What stands behind a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    /// A transceiver of the sender is not associated; what proves it.
    Unpaired(Proof),
    /// The track or its direction came later; what proves it.
    Late(Proof),
    /// Nothing is attached: the sender's own table says so.
    NothingAttached(String),
    /// Nothing followed.
    NothingFollowed {
        reoffered: bool,
    },
    /// It is not known yet whether something follows.
    Undecided,
    Inactive,
    OfferRecvonly,
    RefusesToReceive,
    SendonlyStuck,
}

/// What proves a cause, with the events.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    Table(String),
    LaterOffer { id: String, on_new_mids: bool, same_mid_too: bool },
    LaterAnswer(String),
    Glare(String),
}

fn causes(view: &View<'_>, gap: &Gap<'_>) -> Vec<Cause> {
    match gap.what {
        What::OfferDoesNotSend => return vec![Cause::OfferRecvonly],
        What::AnswerDoesNotReceive => return vec![Cause::RefusesToReceive],
        What::AnswerInactive => return vec![Cause::Inactive],
        What::OfferSendsOnly => {
            let stuck = wish(view, gap).is_some() && upgraded(view, gap).is_none();
            return if stuck { vec![Cause::SendonlyStuck] } else { Vec::new() };
        }
        What::AnswerDoesNotSend => {}
    }
    let late = upgraded(view, gap).or_else(|| wish(view, gap));
    let unpaired = unpaired(view, gap, late.is_some());
    let mut causes: Vec<Cause> = late.map(Cause::Late).into_iter().collect();
    causes.extend(unpaired.map(Cause::Unpaired));
    if !causes.is_empty() {
        return causes;
    }
    if view.rounds.open_offers(gap.sender, gap.index).any(|offer| offer.rejected.is_some()) {
        // What it would have brought is told by why it was refused.
        return Vec::new();
    }
    let inactive = gap.place.answered.is_some_and(|answered| !answered.direction.receives());
    if let Some((id, _)) = view.table(gap.sender) {
        return vec![if inactive { Cause::Inactive } else { Cause::NothingAttached(id.to_owned()) }];
    }
    if inactive {
        return vec![Cause::Inactive];
    }
    if !view.waited(gap.round.answer.first().at_us, view.limits().follow_up) {
        return vec![Cause::Undecided];
    }
    let reoffered = view
        .rounds
        .after(gap.index)
        .iter()
        .any(|round| round.offerer != gap.sender && round.place(&gap.mid).is_some());
    vec![Cause::NothingFollowed { reoffered }]
}

/// Later descriptions in which the sender sends on the same m-section.
fn upgraded(view: &View<'_>, gap: &Gap<'_>) -> Option<Proof> {
    for round in view.rounds.after(gap.index) {
        let Some(place) = round.place(&gap.mid) else { continue };
        if round.offerer == gap.sender && place.offered.effective_direction().sends() {
            return Some(offer_proof(view, gap, round.offer));
        }
        if round.offerer != gap.sender && round.sends(gap.sender, place) {
            return Some(Proof::LaterAnswer(round.answer.id().to_owned()));
        }
    }
    for offer in view.rounds.open_offers(gap.sender, gap.index) {
        let sends = |section: &MediaSection| section.effective_direction().sends();
        if offer.sdp.section(&gap.mid).is_some_and(sends) {
            return Some(offer_proof(view, gap, offer));
        }
    }
    None
}

/// The sender's table: the transceiver of the m-section wishes to send, and does not.
fn wish(view: &View<'_>, gap: &Gap<'_>) -> Option<Proof> {
    let (id, rows) = view.table(gap.sender)?;
    let row = rows.iter().find(|row| row.mid.as_deref() == Some(&gap.mid))?;
    let sends = row.current_direction.is_some_and(|current| current.sends());
    (row.direction.sends() && !sends).then(|| Proof::Table(id.to_owned()))
}

/// What shows that the sender has a transceiver of that kind that did not pair with the offer.
fn unpaired(view: &View<'_>, gap: &Gap<'_>, late: bool) -> Option<Proof> {
    // Two new m-sections of a kind cannot both be what should have paired with one.
    let later = later_offers(view, gap).find_map(|offer| {
        let proof = offer_proof(view, gap, offer);
        matches!(proof, Proof::LaterOffer { on_new_mids: true, .. }).then_some(proof)
    });
    if later.is_some() {
        return later;
    }
    if let Some((id, rows)) = view.table(gap.sender) {
        let free = rows.iter().any(|row| row.mid.is_none() && row.kind == gap.kind && row.direction.sends());
        if free {
            return Some(Proof::Table(id.to_owned()));
        }
    }
    // An own offer that was taken back had offered to send a moment before.
    let rolled_back = view.unanswered_offers(gap.sender).into_iter().find(|offer| {
        let sends = |section: &MediaSection| section.kind == Some(gap.kind) && section.direction.sends();
        !late
            && gap.index == 0
            && offer.rejected.is_none()
            && offer.sdp.sections.iter().any(sends)
            && came_before(view, gap, offer)
    });
    rolled_back.map(|offer| Proof::Glare(offer.id().to_owned()))
}

/// Whether the sender made that offer before the answer of the gap. Times of two sides are not compared.
fn came_before(view: &View<'_>, gap: &Gap<'_>, offer: &Exchanged) -> bool {
    let ours = view.own().history.descriptions.iter().any(|known| std::ptr::eq(known, offer));
    if ours || view.context.descriptions_only {
        return offer.first().at_us <= gap.round.answer.first().at_us;
    }
    let mut told = view.peer(gap.sender).history.of(Side::Local);
    told.find(|known| known.sdp_type == SdpType::Answer)
        .is_some_and(|answer| offer.first().at_us <= answer.first().at_us)
}

/// Offers of the sender after the gap, answered or not.
fn later_offers<'a>(view: &View<'a>, gap: &Gap<'_>) -> impl Iterator<Item = &'a Exchanged> {
    let sender = gap.sender;
    let complete: Vec<&Exchanged> = view
        .rounds
        .after(gap.index)
        .iter()
        .filter(|round| round.offerer == sender)
        .map(|round| round.offer)
        .collect();
    complete.into_iter().chain(view.rounds.open_offers(sender, gap.index))
}

/// What a later offer of the sender says of the gap: new m-sections of its kind that send, and the same one.
fn offer_proof(view: &View<'_>, gap: &Gap<'_>, offer: &Exchanged) -> Proof {
    let on_new_mids = !new_mids(view, gap, offer).is_empty();
    let same = offer.sdp.section(&gap.mid).is_some_and(|section| section.effective_direction().sends());
    Proof::LaterOffer { id: offer.id().to_owned(), on_new_mids, same_mid_too: same }
}

/// The m-sections of the gap's kind that a later offer adds to send on.
fn new_mids(view: &View<'_>, gap: &Gap<'_>, offer: &Exchanged) -> Vec<String> {
    let fresh = |section: &&MediaSection| {
        section.kind == Some(gap.kind)
            && section.effective_direction().sends()
            && section.mid.as_deref().is_some_and(|mid| !view.rounds.is_known_before(mid, gap.index + 1))
    };
    offer.sdp.sections.iter().filter(fresh).filter_map(|section| section.mid.clone()).collect()
}

fn tell(view: &View<'_>, found: &mut Found, cause: &Cause, gaps: &[&Gap<'_>]) {
    let sender = gaps[0].sender;
    let receiver = sender.other();
    let list: Vec<(MediaKind, String)> = gaps.iter().map(|gap| (gap.kind, gap.mid.clone())).collect();
    let what = kinds_with_mids(&list);
    let asked = format!(
        "the {receiver}'s offer asks for {what}, and the {sender}'s answer does not send: ontrack does not fire at \
         the {receiver}"
    );
    let draft = match cause {
        Cause::Unpaired(proof) => {
            let mids: BTreeSet<String> = gaps.iter().flat_map(|gap| mids_of(view, gap, proof)).collect();
            let mids: Vec<String> = mids.into_iter().collect();
            unpaired_draft(sender, &what, asked, proof, &listed(&mids))
        }
        Cause::Late(proof) => late_draft(sender, asked, proof),
        Cause::NothingAttached(id) => {
            let text = format!(
                "{asked}; the {sender}'s own transceivers show none of that kind that wishes to send"
            );
            Draft::certain("sdp-answer-without-track", text).citing([id])
        }
        Cause::NothingFollowed { reoffered } => followed_draft(view, sender, asked, *reoffered),
        Cause::Undecided => {
            let window = seconds(view.limits().follow_up);
            let settle = format!(
                "another offer of the {sender} within {window} of the answer, or its transceivers, would tell \
                 why: a transceiver that did not pair, a late track, or none"
            );
            found.open("sdp-answer-without-track", settle.clone());
            Draft::certain("sdp-answer-recvonly", asked).settled_by(settle)
        }
        Cause::Inactive => {
            let text = format!("the {sender} answers inactive for {what}: nothing flows either way");
            Draft::certain("sdp-answer-inactive", text)
        }
        Cause::OfferRecvonly => {
            let text = format!("the {sender}'s offer does not send {what}, which the {receiver} wants");
            Draft::certain("sdp-offer-recvonly", text)
        }
        Cause::RefusesToReceive => {
            let text =
                format!("the {receiver} answers sendonly for {what}: it does not take what is offered");
            let draft = Draft::certain("sdp-answer-sendonly", text);
            let kind = gaps[0].kind;
            let mut finished = finish(view, draft, receiver, sender, gaps);
            // An announcement, or a server that sends only, wants nothing.
            if view.context.wanted(receiver, kind) != Some(true) {
                finished = finished.severity(Severity::Minor).explaining(Explains::Itself);
            }
            return found.add(finished);
        }
        Cause::SendonlyStuck => {
            let text = format!(
                "the {receiver} offers {what} sendonly and wants to receive it; the {sender} wishes to send, \
                 which nothing negotiates"
            );
            let draft = Draft::probable("sdp-sendonly-offer-stuck", text).or(&["nn-never"]);
            return found.add(finish(view, draft, receiver, sender, gaps));
        }
    };
    found.add(finish(view, draft, sender, sender, gaps));
}

/// The new m-sections in the offer that proves it.
fn mids_of(view: &View<'_>, gap: &Gap<'_>, proof: &Proof) -> Vec<String> {
    let Proof::LaterOffer { id, .. } = proof else { return Vec::new() };
    let offer = later_offers(view, gap).find(|offer| offer.id() == id);
    offer.map(|offer| new_mids(view, gap, offer)).unwrap_or_default()
}

fn unpaired_draft(sender: Role, what: &str, asked: String, proof: &Proof, new_mids: &str) -> Draft {
    const ID: &str = "sdp-addtransceiver-unassociated";
    match proof {
        Proof::LaterOffer { id, same_mid_too: false, .. } => Draft::certain(
            ID,
            format!(
                "{asked}; then the {sender} offers the same on new m-sections (mid {new_mids}) and leaves the \
                 offered ones recvonly: it used addTransceiver"
            ),
        )
        .citing([id]),
        Proof::LaterOffer { id, .. } => Draft::probable(
            ID,
            format!(
                "{asked}; then the {sender} sends on the offered m-sections and on new ones as well (mid {new_mids})"
            ),
        )
        .or(&["sdp-mline-growth"])
        .settled_by(format!("the {sender}'s transceivers just before its second offer"))
        .citing([id]),
        Proof::Table(id) => Draft::certain(
            ID,
            format!(
                "{asked}; the {sender} has a transceiver that wishes to send and has no mid, so its \
                 addTransceiver did not pair with {what}"
            ),
        )
        .citing([id]),
        Proof::Glare(id) => Draft::certain(
            ID,
            format!(
                "{asked}, although it had offered to send a moment before: its own offer was taken back, and \
                 transceivers made by addTransceiver do not pair with the offer that goes first"
            ),
        )
        .citing([id]),
        // A later answer cannot bring new m-sections.
        Proof::LaterAnswer(id) => Draft::probable(ID, asked).citing([id]),
    }
}

fn late_draft(sender: Role, asked: String, proof: &Proof) -> Draft {
    let (id, how) = match proof {
        Proof::Table(id) => (
            id,
            format!(
                "its transceiver wishes to send by now, and its current direction does not: the {sender} attached too late"
            ),
        ),
        Proof::LaterOffer { id, .. } => {
            (id, format!("a later offer of the {sender} sends on the same m-section"))
        }
        Proof::LaterAnswer(id) => {
            (id, format!("when the other side offers again, the {sender} answers the same m-section sending"))
        }
        Proof::Glare(id) => (id, String::new()),
    };
    Draft::certain("sdp-track-added-after-answer", format!("{asked}; {how}")).citing([id])
}

fn followed_draft(view: &View<'_>, sender: Role, asked: String, reoffered: bool) -> Draft {
    const ID: &str = "sdp-answer-without-track";
    let unpaired = "sdp-addtransceiver-unassociated";
    if reoffered {
        let text = format!(
            "{asked}; offered once more, it answers the same: a late track is excluded, a transceiver that did \
             not pair is not"
        );
        return Draft::probable(ID, text).or(&[unpaired]).settled_by(format!(
            "the {sender}'s getTransceivers(): a row without a mid that wishes to send"
        ));
    }
    let within = if view.context.descriptions_only {
        "no other offer follows".to_owned()
    } else {
        format!("no other offer follows within {}", seconds(view.limits().follow_up))
    };
    Draft::probable(ID, format!("{asked}, and {within}"))
        .or(&[unpaired, "sdp-track-added-after-answer"])
        .settled_by(format!(
            "the {sender}'s getTransceivers() (a row without a mid that wishes to send; or direction sendrecv with \
             current direction recvonly), or an offer of the {} once more: sending then means that the track came late",
            sender.other()
        ))
}

/// Severity, evidence and the m-sections.
fn finish(view: &View<'_>, draft: Draft, peer: Role, sender: Role, gaps: &[&Gap<'_>]) -> Draft {
    let delivered = gaps.iter().all(|gap| view.rounds.sends_at_end(sender, gap.kind));
    let mut draft = draft.of(peer);
    // The offer and its answer first, then what proves the cause.
    let proof = std::mem::take(&mut draft.finding.evidence);
    draft = draft.citing(gaps.iter().flat_map(|gap| gap.round.ids())).citing(proof);
    for gap in gaps {
        let Round { offerer, offer, answer } = gap.round;
        let offered = shown(offerer, offer, gap.place.offered);
        let answered = gap.place.answered.map(|section| shown(offerer.other(), answer, section));
        draft = draft.showing(std::iter::once(offered).chain(answered));
    }
    if delivered {
        if view.facts.reoffered {
            // Nobody but a tester offers for that.
            draft.finding.observed += "; callcheck offered once more to learn that";
            return draft.severity(Severity::Blocker);
        }
        draft.finding.observed += "; it works only because of a second round";
        // Who adds a track in the course of a call and offers it does nothing wrong.
        let meant = draft.finding.id == "sdp-track-added-after-answer" && !view.context.descriptions_only;
        return draft.severity(if meant { Severity::Info } else { Severity::Minor });
    }
    if draft.finding.id == "sdp-track-added-after-answer" {
        draft = draft.severity(Severity::Blocker);
    }
    match gaps {
        [gap] => draft.explaining(Explains::Media(sender, gap.kind)),
        _ => draft,
    }
}
