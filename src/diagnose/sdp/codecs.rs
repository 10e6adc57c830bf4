//! What an offer and its answer agree on: codecs, their parameters, feedback, simulcast.

use std::collections::BTreeSet;

use crate::diagnose::finding::{Draft, Explains, Found, Severity};
use crate::diagnose::rounds::{Place, Round};
use crate::diagnose::view::{View, listed, shown};
use crate::jsep::{Codec, MediaKind, MediaSection, Role};

/// Formats that carry no media of their own.
const HELPERS: &[&str] = &["rtx", "red", "ulpfec", "flexfec", "flexfec-03", "telephone-event", "CN"];

const SDES_MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    for (index, round) in view.rounds.complete.iter().enumerate() {
        for place in round.places() {
            let (Some(kind), Some(answered)) = (place.offered.kind, place.answered) else { continue };
            // What was moved to another place is told by `pair`.
            if place.offered.is_rejected() || answered.media != place.offered.media {
                continue;
            }
            if answered.is_rejected() {
                rejected(view, found, index, place, kind);
            } else {
                agreed(found, round, place, answered, kind);
            }
        }
        told_apart(found, round);
    }
}

fn is_media(codec: &&Codec) -> bool {
    codec.name.as_deref().is_some_and(|name| !HELPERS.iter().any(|helper| helper.eq_ignore_ascii_case(name)))
}

/// Codecs without their payload types: name, clock rate, channels.
fn media(section: &MediaSection) -> BTreeSet<(String, u32, u16)> {
    let key = |codec: &Codec| {
        let name = codec.name.as_deref().unwrap_or_default().to_ascii_lowercase();
        (name, codec.clock_rate.unwrap_or_default(), channels(codec))
    };
    section.codecs.iter().filter(is_media).map(key).collect()
}

/// One where a text names none (RFC 8866 §6.6).
fn channels(codec: &Codec) -> u16 {
    codec.channels.unwrap_or(1)
}

fn names(codecs: &BTreeSet<(String, u32, u16)>) -> String {
    let names: BTreeSet<&String> = codecs.iter().map(|(name, ..)| name).collect();
    listed(&names.into_iter().cloned().collect::<Vec<_>>())
}

fn rejected(view: &View<'_>, found: &mut Found, index: usize, place: Place<'_>, kind: MediaKind) {
    let round = &view.rounds.complete[index];
    let Some(answered) = place.answered else { return };
    let was_live = place.offered.mid.as_deref().is_some_and(|mid| view.rounds.is_known_before(mid, index));
    let unwanted = [round.offerer, round.answerer()].into_iter().all(|side| {
        let meant = view.context.sends.get(&side.other()).is_none_or(|kinds| kinds.contains(&kind));
        view.context.wanted(side, kind) == Some(false) || !meant
    });
    if unwanted {
        return;
    }
    let offers = media(place.offered);
    let lines =
        [shown(round.offerer, round.offer, place.offered), shown(round.answerer(), round.answer, answered)];
    let sender = Explains::Media(round.answerer(), kind);
    if let Some(own) = own_codecs(view, round.answerer(), kind)
        && !own.is_empty()
        && own.is_disjoint(&offers)
    {
        let text = format!(
            "the {} offers {}, the {} has {} only, and rejects the m-section",
            round.offerer,
            names(&offers),
            round.answerer(),
            names(&own)
        );
        let draft = Draft::certain("sdp-no-common-codec", text).citing(round.ids()).showing(lines);
        return found.add(draft.explaining(sender));
    }
    let mid = place.offered.mid.as_deref().unwrap_or("-");
    let mut text = format!("the {}'s answer rejects {kind} (mid {mid}) with port 0", round.answerer());
    let one_only = offers.len() == 1;
    if one_only {
        text += &format!("; the offer has one codec only, {}", names(&offers));
    }
    if was_live {
        text += "; it was in use before";
    }
    let draft = Draft::certain("sdp-mline-rejected", text)
        .or(&["sdp-no-common-codec"])
        .settled_by(format!("the codecs of the {}: an offer of its own lists them", round.answerer()))
        .citing(round.ids())
        .showing(lines)
        .explaining(sender);
    // Where nobody says what is wanted, a kind may be left out on purpose.
    let known = view.context.wants.values().any(|kinds| kinds.contains(&kind));
    let draft = if known || view.context.descriptions_only { draft } else { draft.severity(Severity::Major) };
    // Who offers one codec only leaves the other side no choice.
    found.add(if one_only { draft } else { draft.of(round.answerer()) });
}

/// What a side offers by itself: all the codecs that it has.
fn own_codecs(view: &View<'_>, side: Role, kind: MediaKind) -> Option<BTreeSet<(String, u32, u16)>> {
    let complete = view.rounds.complete.iter().filter(|round| round.offerer == side).map(|round| round.offer);
    let mut offers = complete.chain(view.unanswered_offers(side));
    let offered = offers.find_map(|offer| {
        let section = offer.sdp.sections.iter().find(|section| section.kind == Some(kind))?;
        Some(media(section))
    });
    offered.or_else(|| {
        // What callcheck has it says in its capabilities, and offers nothing else.
        let ours = side == view.facts.own
            && !view.context.descriptions_only
            && view.own().presence.joined_us.is_some();
        let codec = match kind {
            MediaKind::Audio => ("opus".to_owned(), 48_000, 2),
            MediaKind::Video => ("vp8".to_owned(), 90_000, 1),
        };
        ours.then(|| BTreeSet::from([codec]))
    })
}

fn agreed(found: &mut Found, round: &Round<'_>, place: Place<'_>, answered: &MediaSection, kind: MediaKind) {
    let offered = place.offered;
    let lines =
        || [shown(round.offerer, round.offer, offered), shown(round.answerer(), round.answer, answered)];
    let mut tell = |id: &'static str, text: String, blocks: bool| {
        if !found.has(id) {
            let explains = if blocks { Explains::Media(round.answerer(), kind) } else { Explains::Itself };
            let draft = Draft::certain(id, text).of(round.answerer()).citing(round.ids());
            found.add(draft.showing(lines()).explaining(explains));
        }
    };
    let (offers, answers) = (media(offered), media(answered));
    if !offers.is_empty() && !answers.is_empty() && offers.is_disjoint(&answers) {
        let text = format!("{} is offered and {} is answered", names(&offers), names(&answers));
        return tell("sdp-no-common-codec", text, true);
    }
    // What carries no media of its own carries none without a codec. One that nothing names may be anything.
    if !offers.is_empty()
        && answers.is_empty()
        && !answered.codecs.is_empty()
        && answered.codecs.iter().all(|codec| codec.name.is_some())
    {
        let helpers: BTreeSet<String> =
            answered.codecs.iter().filter_map(|codec| codec.name.clone()).collect();
        let helpers = listed(&helpers.into_iter().collect::<Vec<_>>());
        let text = format!("{} is offered, and {helpers} alone is answered", names(&offers));
        return tell("sdp-no-common-codec", text, true);
    }
    let same_type =
        |codec: &Codec| offered.codecs.iter().find(|known| known.payload_type == codec.payload_type);
    for codec in &answered.codecs {
        let (Some(known), Some(name)) = (same_type(codec), codec.name.as_deref()) else { continue };
        let Some(offered_name) = known.name.as_deref() else { continue };
        if !offered_name.eq_ignore_ascii_case(name) || known.clock_rate != codec.clock_rate {
            let text = format!(
                "payload type {} is {offered_name} in the offer and {name} in the answer",
                codec.payload_type
            );
            tell("sdp-pt-mapping", text, false);
        } else if kind == MediaKind::Audio && channels(known) != channels(codec) {
            let text = format!(
                "payload type {} is {offered_name} with {} channels in the offer and {} in the answer, which are \
                 different codecs",
                codec.payload_type,
                channels(known),
                channels(codec)
            );
            tell("sdp-pt-mapping", text, false);
        } else if name.eq_ignore_ascii_case("H264")
            && known.packetization_mode() != codec.packetization_mode()
        {
            let text = format!(
                "payload type {} has packetization mode {} in the offer and {} in the answer",
                codec.payload_type,
                known.packetization_mode(),
                codec.packetization_mode()
            );
            tell("sdp-h264-packetization", text, false);
        }
    }
    let (profiles_offered, profiles_answered) = (profiles(offered, "H264"), profiles(answered, "H264"));
    let others = answers.iter().any(|(name, ..)| name != "h264");
    if !profiles_offered.is_empty()
        && !profiles_answered.is_empty()
        && profiles_offered.is_disjoint(&profiles_answered)
    {
        let list = |profiles: &BTreeSet<String>| listed(&profiles.iter().cloned().collect::<Vec<_>>());
        let text = format!(
            "the offer has the H.264 profiles {}, the answer {}",
            list(&profiles_offered),
            list(&profiles_answered)
        );
        tell("sdp-h264-profile", text, !others);
    }
    let (profiles_offered, profiles_answered) = (profiles(offered, "VP9"), profiles(answered, "VP9"));
    let others = answers.iter().any(|(name, ..)| name != "vp9");
    if !profiles_offered.is_empty() && !others && profiles_offered.is_disjoint(&profiles_answered) {
        let list = |profiles: BTreeSet<String>| listed(&profiles.into_iter().collect::<Vec<_>>());
        let text = format!(
            "the offer has the VP9 profiles {}, the answer VP9 with {} alone",
            list(profiles_offered),
            list(profiles_answered)
        );
        return tell("sdp-no-common-codec", text, true);
    }
    if kind == MediaKind::Video && !has_pli(answered) && has_pli(offered) && answered.direction.receives() {
        let text = "the offer's codecs know `nack pli`, those of the answer do not".to_owned();
        tell("sdp-feedback-missing", text, false);
    }
    let simulcast = |section: &MediaSection| section.simulcast.clone().unwrap_or_default();
    if !simulcast(offered).send.is_empty()
        && simulcast(answered).recv.is_empty()
        && answered.direction.receives()
    {
        let text = "the offer sends simulcast, and the answer does not receive it".to_owned();
        let draft = Draft::certain("sdp-simulcast-mismatch", text).severity(Severity::Info);
        if !found.has("sdp-simulcast-mismatch") {
            found.add(draft.citing(round.ids()).showing(lines()));
        }
    }
}

/// The profiles of the codecs of that name.
fn profiles(section: &MediaSection, name: &str) -> BTreeSet<String> {
    let of_name =
        |codec: &&Codec| codec.name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name));
    section.codecs.iter().filter(of_name).filter_map(Codec::profile).collect()
}

fn has_pli(section: &MediaSection) -> bool {
    section
        .codecs
        .iter()
        .filter(is_media)
        .any(|codec| codec.rtcp_fb.iter().any(|feedback| matches!(feedback.as_str(), "nack pli" | "ccm fir")))
}

/// Bundled sections of a kind whose packets nothing tells apart (RFC 9143 §9.2).
fn told_apart(found: &mut Found, round: &Round<'_>) {
    for kind in MediaKind::ALL.iter().copied() {
        let places: Vec<Place<'_>> = round
            .places()
            .filter(|place| place.offered.kind == Some(kind) && round.sends(round.offerer, *place))
            .filter(|place| {
                place.offered.mid.as_ref().is_some_and(|mid| round.answer.sdp.bundle.contains(mid))
            })
            .collect();
        let has_mid = |section: &MediaSection| section.extmaps.iter().any(|extmap| extmap.uri == SDES_MID);
        let lost = |place: &&Place<'_>| {
            place.answered.is_some_and(|answered| !has_mid(place.offered) || !has_mid(answered))
                && place.offered.ssrcs.is_empty()
        };
        if places.len() > 1 && places.iter().filter(lost).count() > 1 && !found.has("sdp-mid-ext-missing") {
            let text = format!(
                "the {} sends {} m-sections of {kind} in one bundle with neither mids in the packets nor SSRCs in \
                 the description",
                round.offerer,
                places.len()
            );
            found.add(Draft::certain("sdp-mid-ext-missing", text).citing(round.ids()));
        }
    }
}
