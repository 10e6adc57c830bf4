//! One description after the other in the same session: what must stay, and what is never given back.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnose::finding::{Draft, Explains, Found, Severity};
use crate::diagnose::rounds::Round;
use crate::diagnose::view::{View, seconds};
use crate::facts::Exchanged;
use crate::jsep::{MediaKind, MediaSection, Role, SdpType};

/// An m-line more with each of so many offers is growth.
const GROWING: usize = 4;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    let rounds = &view.rounds.complete;
    for pair in rounds.windows(2) {
        reoffer(view, found, &pair[0], pair[1].offer, pair[1].offerer);
        roles(found, &pair[0], &pair[1]);
        bundle(found, &pair[0], &pair[1]);
    }
    // A later offer that was refused is one that breaks these rules, usually.
    if let Some(last) = rounds.last() {
        for (author, offer) in &view.rounds.unanswered {
            if offer.first().at_us >= last.answer.first().at_us && offer.sdp_type == SdpType::Offer {
                reoffer(view, found, last, offer, *author);
            }
        }
    }
    recycled(view, found);
    growth(view, found);
    versions(view, found);
    hold(view, found);
    provisional(view, found);
}

fn add(found: &mut Found, draft: Draft) {
    if !found.has(draft.finding.id) {
        found.add(draft);
    }
}

/// Whether the section's place may be given to another one.
fn is_free(round: &Round<'_>, index: usize) -> bool {
    let rejected = |sections: &[MediaSection]| sections.get(index).is_some_and(MediaSection::is_rejected);
    rejected(&round.offer.sdp.sections) || rejected(&round.answer.sdp.sections)
}

fn reoffer(_view: &View<'_>, found: &mut Found, before: &Round<'_>, offer: &Exchanged, author: Role) {
    let (old, new) = (&before.offer.sdp.sections, &offer.sdp.sections);
    let cite = [before.answer.id(), offer.id()];
    let explains = if offer.rejected.is_some() { Explains::Everything } else { Explains::Itself };
    let of = |draft: Draft| draft.of(author).citing(cite).explaining(explains);
    // Another session: a new connection began anew.
    let by_author = if before.offerer == author { before.offer } else { before.answer };
    if by_author.sdp.session_id != offer.sdp.session_id {
        return;
    }
    if new.len() < old.len() {
        let text = format!("the {author}'s later offer has {} m-sections after {}", new.len(), old.len());
        return add(found, of(Draft::certain("sdp-mline-dropped", text)));
    }
    for (index, (was, is)) in old.iter().zip(new).enumerate() {
        if is_free(before, index) || was.mid == is.mid {
            continue;
        }
        let word = |section: &MediaSection| section.mid.clone().unwrap_or_else(|| "none".into());
        let moved = new.iter().any(|section| section.mid.is_some() && section.mid == was.mid);
        let (id, text) = if moved || was.media != is.media {
            let text = format!("m-section {index} was {} and is {} in a later offer", was.media, is.media);
            ("sdp-mline-order", format!("{text}; mid {} stands elsewhere", word(was)))
        } else {
            let text =
                format!("m-section {index} had mid {} and has {} in a later offer", word(was), word(is));
            ("sdp-mid-changed", text)
        };
        return add(found, of(Draft::certain(id, text)));
    }
    remapped(found, before, offer, author, &of);
}

/// A payload type that meant another codec before.
fn remapped(
    found: &mut Found,
    before: &Round<'_>,
    offer: &Exchanged,
    author: Role,
    of: &impl Fn(Draft) -> Draft,
) {
    let mut known: BTreeMap<(Option<MediaKind>, u8), &str> = BTreeMap::new();
    // What the other side offered and nobody accepted means nothing for this side's numbers.
    let own_offer = (before.offerer == author).then_some(&before.offer.sdp.sections);
    let old = own_offer.into_iter().flatten().chain(&before.answer.sdp.sections);
    for section in old.filter(|section| !section.is_rejected()) {
        for codec in &section.codecs {
            if let Some(name) = &codec.name {
                known.entry((section.kind, codec.payload_type)).or_insert(name);
            }
        }
    }
    for section in offer.sdp.sections.iter().filter(|section| !section.is_rejected()) {
        for codec in &section.codecs {
            let (Some(name), Some(was)) = (&codec.name, known.get(&(section.kind, codec.payload_type)))
            else {
                continue;
            };
            if !was.eq_ignore_ascii_case(name) {
                let number = codec.payload_type;
                let text = format!("payload type {number} was {was} and is {name} in a later offer");
                return add(found, of(Draft::probable("sdp-pt-mapping", text)));
            }
        }
    }
}

/// The DTLS role that a side has by an answer.
fn role_of(round: &Round<'_>, side: Role) -> Option<bool> {
    let section = round.answer.sdp.sections.iter().find(|section| !section.is_rejected())?;
    let answerer_is_client = match section.setup.as_deref()? {
        "active" => true,
        "passive" => false,
        _ => return None,
    };
    Some(answerer_is_client == (side == round.answerer()))
}

fn fingerprints(exchanged: &Exchanged) -> BTreeSet<&str> {
    let sections = exchanged.sdp.sections.iter().flat_map(|section| &section.fingerprints);
    sections.map(|fingerprint| fingerprint.value.as_str()).collect()
}

fn ufrag(exchanged: &Exchanged) -> Option<&str> {
    exchanged.sdp.sections.iter().find_map(|section| section.ice_ufrag.as_deref())
}

fn roles(found: &mut Found, before: &Round<'_>, after: &Round<'_>) {
    let (Some(was), Some(is)) = (role_of(before, Role::Caller), role_of(after, Role::Caller)) else { return };
    // The same two sides, by their fingerprints; with an ICE restart DTLS may begin anew.
    let of = |round: &Round<'_>, side: Role| {
        fingerprints(if side == round.offerer { round.offer } else { round.answer })
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let same = [Role::Caller, Role::Callee].iter().all(|side| of(before, *side) == of(after, *side));
    let restarted = {
        let by = |round: &Round<'_>| {
            let text = if before.offerer == round.offerer { round.offer } else { round.answer };
            ufrag(text).map(str::to_owned)
        };
        by(before) != by(after)
    };
    if was != is && same && !restarted {
        let text = format!(
            "the {} was the DTLS {} and is made the {} by a later answer, on the same connection",
            after.answerer(),
            role_word(role_of(before, after.answerer())),
            role_word(role_of(after, after.answerer()))
        );
        let draft = Draft::certain("sdp-setup-flipped", text).of(after.answerer());
        add(found, draft.citing([before.answer.id(), after.answer.id()]));
    }
}

fn role_word(client: Option<bool>) -> &'static str {
    if client == Some(true) { "client" } else { "server" }
}

fn bundle(found: &mut Found, before: &Round<'_>, after: &Round<'_>) {
    let live = |mid: &&String| after.answer.sdp.section(mid).is_some_and(|section| !section.is_rejected());
    let left =
        before.answer.sdp.bundle.iter().filter(live).find(|mid| !after.answer.sdp.bundle.contains(mid));
    if let Some(mid) = left {
        let author = if after.offer.sdp.bundle.contains(mid) { after.answerer() } else { after.offerer };
        let text =
            format!("mid {mid} was in the BUNDLE group and is not any more, though it is not rejected");
        let draft = Draft::certain("sdp-bundle-shrunk", text).of(author);
        add(found, draft.citing([before.answer.id(), after.answer.id()]));
    }
}

/// A place that got a new mid, answered with the old one. Such an answer is usually refused.
fn recycled(view: &View<'_>, found: &mut Found) {
    for round in &view.rounds.refused {
        let Some(before) = view.rounds.complete.last() else { return };
        let old = before.offer.sdp.sections.iter();
        for ((was, offered), answered) in old.zip(&round.offer.sdp.sections).zip(&round.answer.sdp.sections) {
            if was.mid != offered.mid && answered.mid == was.mid && was.mid.is_some() {
                let mid = was.mid.clone().unwrap_or_default();
                let text = format!("the m-section got a new mid, and is answered with its old one, {mid}");
                let draft = Draft::certain("sdp-mline-recycled-wrong", text).of(round.answerer());
                return add(found, draft.citing(round.ids()));
            }
        }
    }
}

fn growth(view: &View<'_>, found: &mut Found) {
    let rounds = &view.rounds.complete;
    let grows = |window: &[Round<'_>]| {
        let sizes: Vec<usize> = window.iter().map(|round| round.offer.sdp.sections.len()).collect();
        let sending = |round: &Round<'_>| {
            round.places().filter(|place| place.negotiated() != crate::jsep::Direction::Inactive).count()
        };
        sizes.windows(2).all(|pair| pair[0] < pair[1])
            && sending(&window[0]) >= sending(&window[window.len() - 1])
    };
    if let Some(window) = rounds.windows(GROWING).find(|window| grows(window)) {
        let (first, last) = (&window[0], &window[GROWING - 1]);
        let text = format!(
            "{GROWING} offers in a row have {} to {} m-sections, and no more of them are in use",
            first.offer.sdp.sections.len(),
            last.offer.sdp.sections.len()
        );
        add(
            found,
            Draft::certain("sdp-mline-growth", text)
                .of(last.offerer)
                .citing([first.offer.id(), last.offer.id()]),
        );
    }
}

/// The same `o=` line over another text. Candidates may join a description without a new version.
fn versions(view: &View<'_>, found: &mut Found) {
    let mut known: BTreeMap<(Role, SdpType, &str, &str), &Exchanged> = BTreeMap::new();
    for exchanged in &view.own().history.descriptions {
        let (Some(id), Some(version)) =
            (exchanged.sdp.session_id.as_deref(), exchanged.sdp.session_version.as_deref())
        else {
            continue;
        };
        let author = view.author(exchanged);
        let before = *known.entry((author, exchanged.sdp_type, id, version)).or_insert(exchanged);
        if body(&before.text) != body(&exchanged.text) && before.sdp_type == exchanged.sdp_type {
            let text = format!("two descriptions of the {author} have version {version} and differ");
            let draft = Draft::certain("sdp-version-not-bumped", text).of(author);
            add(found, draft.citing([before.id(), exchanged.id()]));
        }
    }
}

/// Without what trickling adds, and without line ends.
fn body(text: &str) -> Vec<&str> {
    let joins = |line: &&str| {
        ["a=candidate:", "a=end-of-candidates", "c=", "m=", "a=rtcp:"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !joins(line)).collect()
}

/// A side that sent, and does not since some later offer.
fn hold(view: &View<'_>, found: &mut Found) {
    let Some(last) = view.rounds.complete.last() else { return };
    if view.rounds.complete.len() < 2 || view.context.descriptions_only {
        return;
    }
    let live = || last.places().filter(|place| place.offered.kind.is_some() && !place.offered.is_rejected());
    // A screen share that has ended is no hold: the rest of the call goes on.
    if live().any(|place| place.negotiated() != crate::jsep::Direction::Inactive) {
        return;
    }
    let held: Vec<&str> = live()
        .filter(|place| place.negotiated() == crate::jsep::Direction::Inactive)
        .filter_map(|place| place.offered.mid.as_deref())
        .filter(|mid| {
            let earlier = &view.rounds.complete[..view.rounds.complete.len() - 1];
            earlier.iter().filter_map(|round| round.place(mid)).any(|place| place.negotiated().sends())
        })
        .collect();
    let limit = view.limits().hold;
    if !held.is_empty() && view.since(last.answer.first().at_us) >= limit {
        let text = format!(
            "mid {} is inactive since a later offer, for more than {}",
            held.join(", "),
            seconds(limit)
        );
        add(found, Draft::certain("sdp-hold-not-resumed", text).severity(Severity::Minor).citing(last.ids()));
    }
}

fn provisional(view: &View<'_>, found: &mut Found) {
    let Some((author, answer)) = view.rounds.provisional.last() else { return };
    let pending = view.rounds.pending.iter().any(|(offerer, _)| offerer != author);
    if pending && view.waited(answer.first().at_us, view.limits().consent) {
        let text = format!("the {author} sent a provisional answer, and no final one followed");
        let draft = Draft::certain("sdp-pranswer-never-final", text).of(*author).citing([answer.id()]);
        add(found, draft.explaining(Explains::Everything));
    }
}
