//! One browser, as the model of JSEP has it. What its page did is inferred from what its descriptions say.

use std::collections::BTreeMap;

use crate::explain::authors::Authored;
use crate::jsep::{
    Association, Direction, MediaKind, MediaSection, Peer, PeerEvent, Role, SdpFacts, SdpType,
    SignalingState, TransceiverId, TransceiverInit,
};

/// What a browser would have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    /// Which side.
    pub role: Role,
    /// Its transceivers at the end.
    pub transceivers: Vec<Row>,
    /// The `track` events that it fired, in order.
    pub fired: Vec<Fired>,
    /// The descriptions of the other side that it refused.
    pub refused: Vec<Refused>,
    /// Another offer of this side is due: its transceivers differ from what was negotiated.
    pub offer_due: bool,
    /// Where and why the model could not follow what this side's descriptions say; the rest is uncertain from there on.
    pub lost: Option<String>,
}

/// A transceiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Null until associated.
    pub mid: Option<String>,
    /// Its kind.
    pub kind: MediaKind,
    /// The wish, as far as the descriptions show it.
    pub direction: Direction,
    /// What was negotiated.
    pub current: Option<Direction>,
}

/// A `track` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The description that fired it.
    pub by: String,
    /// Its m-section.
    pub mid: String,
    /// Its kind.
    pub kind: MediaKind,
    /// `event.streams`.
    pub streams: Vec<String>,
}

/// A description that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which one.
    pub name: String,
    /// The W3C error.
    pub error: String,
}

pub(super) struct Model<'a> {
    list: &'a [Authored],
    peer: Peer,
    /// The mids in the files, by those of the model, which numbers its own.
    real: BTreeMap<String, String>,
    browser: Browser,
}

impl<'a> Model<'a> {
    pub(super) fn new(role: Role, list: &'a [Authored]) -> Self {
        let browser = Browser {
            role,
            transceivers: Vec::new(),
            fired: Vec::new(),
            refused: Vec::new(),
            offer_due: false,
            lost: None,
        };
        Self { list, peer: Peer::new(Association::Jsep), real: BTreeMap::new(), browser }
    }

    /// A description of its own.
    pub(super) fn local(&mut self, number: usize, described: &Authored) {
        if self.browser.lost.is_some() {
            return;
        }
        let result = match described.sdp_type {
            SdpType::Offer => self.offer(number, described),
            SdpType::Answer | SdpType::Pranswer => self.answer(described),
            SdpType::Rollback => Ok(()),
        };
        if let Err(why) = result {
            self.browser.lost = Some(format!("{}: {why}", described.name));
        }
        self.events(&described.name);
    }

    /// A description of the other side; the error if it is refused.
    pub(super) fn remote(&mut self, described: &Authored) -> Option<String> {
        if self.browser.lost.is_some() {
            return None;
        }
        let facts = self.with_our_mids(&described.sdp);
        let error = if self.adds_bundle(described) {
            // The model's own offers always bundle, those of files may not.
            Some("InvalidAccessError: a BUNDLE group was added that the offer does not have".to_owned())
        } else {
            let result = self.peer.set_remote_description(described.sdp_type, &facts);
            result.err().map(|error| error.to_string())
        };
        self.events(&described.name);
        let error = error?;
        self.browser.refused.push(Refused { name: described.name.clone(), error: error.clone() });
        Some(error)
    }

    /// Whether an answer that is awaited bundles what the offer does not (RFC 9143 §7.3).
    fn adds_bundle(&self, answer: &Authored) -> bool {
        let bundles = |known: &Authored| known.sdp.bundle_groups.iter().any(|group| !group.mids.is_empty());
        let before = self.list.iter().take_while(|known| !std::ptr::eq(*known, answer));
        let ours = |known: &&Authored| known.author == self.browser.role && known.sdp_type == SdpType::Offer;
        let offer = before.filter(ours).last();
        answer.sdp_type != SdpType::Offer
            && self.peer.signaling_state() == SignalingState::HaveLocalOffer
            && bundles(answer)
            && offer.is_some_and(|offer| !bundles(offer))
    }

    pub(super) fn finish(mut self) -> Browser {
        let real = &self.real;
        let name = |mid: &str| real.get(mid).cloned().unwrap_or_else(|| mid.to_owned());
        let rows = self.peer.transceivers().map(|transceiver| Row {
            mid: transceiver.mid().map(name),
            kind: transceiver.kind(),
            direction: transceiver.direction(),
            current: transceiver.current_direction(),
        });
        self.browser.transceivers = rows.collect();
        // While an offer is pending nobody knows yet.
        let stable = self.peer.signaling_state() == SignalingState::Stable;
        self.browser.offer_due = self.browser.lost.is_none() && stable && self.peer.negotiation_needed();
        self.browser
    }

    /// Makes the transceivers that its offer shows, and sets it.
    fn offer(&mut self, number: usize, described: &Authored) -> Result<(), String> {
        let known = self.peer.local_description().map_or(0, |description| description.sections.len());
        let sections = &described.sdp.sections;
        for (index, section) in sections.iter().enumerate() {
            let existing = if index < known { self.at(index) } else { None };
            match (section.kind, existing) {
                (None, _) => {
                    if section.media == "application" && !section.is_rejected() {
                        self.peer.create_data_channel().map_err(|error| error.to_string())?;
                    }
                }
                (Some(_), Some(id)) if section.is_rejected() => {
                    self.peer.stop(id).map_err(|error| error.to_string())?;
                }
                (Some(kind), Some(id)) => {
                    // A place that was rejected before goes to a new transceiver.
                    let gone = self.peer.transceiver(id).is_none_or(crate::jsep::Transceiver::is_stopping);
                    if gone { self.attach(number, kind, section)? } else { self.wish(id, section)? }
                }
                (Some(_), None) if section.is_rejected() => {}
                (Some(kind), None) => self.attach(number, kind, section)?,
            }
        }
        let offer = self.peer.create_offer().map_err(|error| error.to_string())?;
        self.same(
            &offer.sections.iter().map(|section| (section.direction, section.rejected)).collect::<Vec<_>>(),
            described,
        )?;
        for (ours, section) in offer.sections.iter().zip(sections) {
            if let Some(mid) = &section.mid {
                self.real.insert(ours.mid.clone(), mid.clone());
            }
        }
        self.peer.set_local_description(&offer).map_err(|error| error.to_string())
    }

    /// A new transceiver for a section of its own offer.
    fn attach(&mut self, number: usize, kind: MediaKind, section: &MediaSection) -> Result<(), String> {
        let streams: Vec<String> = section.streams().into_iter().map(str::to_owned).collect();
        let track = format!("{}-track-{number}-{}", self.browser.role, section.line());
        let sends = section.direction.sends();
        let first = self.peer.local_description().is_none();
        let result = if first && section.direction == Direction::Sendrecv && self.pairs_later(number, kind) {
            self.peer.add_track(kind, &track, &streams)
        } else {
            let init = TransceiverInit { direction: section.direction, streams };
            self.peer.add_transceiver(kind, sends.then_some(track.as_str()), init)
        };
        result.map(|_| ()).map_err(|error| error.to_string())
    }

    /// addTrack and addTransceiver make the same offer. Where it is taken back, the answer that follows tells them apart:
    /// only what addTrack has made pairs with the other side's offer.
    fn pairs_later(&self, number: usize, kind: MediaKind) -> bool {
        let mut later = self.list[number + 1..].iter().filter(|known| known.author == self.browser.role);
        let answer = later.find(|known| known.sdp_type == SdpType::Answer);
        answer.is_none_or(|answer| {
            answer
                .sdp
                .sections
                .iter()
                .any(|section| section.kind == Some(kind) && section.effective_direction().sends())
        })
    }

    /// Sets what the transceiver must wish for its section to say what it says.
    fn wish(&mut self, id: TransceiverId, section: &MediaSection) -> Result<(), String> {
        let text = |error: crate::jsep::W3cError| error.to_string();
        self.peer.set_direction(id, section.direction).map_err(text)?;
        if section.direction.sends() {
            let streams: Vec<String> = section.streams().into_iter().map(str::to_owned).collect();
            self.peer.set_streams(id, &streams).map_err(text)?;
        }
        Ok(())
    }

    fn answer(&mut self, described: &Authored) -> Result<(), String> {
        for (index, section) in described.sdp.sections.iter().enumerate() {
            let created = self.peer.create_answer().map_err(|error| error.to_string())?;
            let Some(ours) = created.sections.get(index) else { continue };
            let Some(id) = ours.transceiver.filter(|_| !section.is_rejected() && !ours.rejected) else {
                continue;
            };
            let stopped = self
                .peer
                .transceiver(id)
                .is_none_or(|transceiver| transceiver.direction() == Direction::Stopped);
            if stopped {
                continue;
            }
            // The wish may be wider than what the offer lets the answer say.
            if ours.direction != section.direction {
                self.wish(id, section)?;
            } else if section.direction.sends() {
                self.wish_streams(id, section)?;
            }
        }
        let mut answer = self.peer.create_answer().map_err(|error| error.to_string())?;
        let says: Vec<_> =
            answer.sections.iter().map(|section| (section.direction, section.rejected)).collect();
        self.same(&says, described)?;
        if described.sdp_type == SdpType::Pranswer {
            answer.sdp_type = SdpType::Pranswer;
        }
        self.peer.set_local_description(&answer).map_err(|error| error.to_string())
    }

    fn wish_streams(&mut self, id: TransceiverId, section: &MediaSection) -> Result<(), String> {
        let streams: Vec<String> = section.streams().into_iter().map(str::to_owned).collect();
        self.peer.set_streams(id, &streams).map_err(|error| error.to_string())
    }

    /// Whether the model's description says what the file says.
    fn same(&self, says: &[(Direction, bool)], described: &Authored) -> Result<(), String> {
        let sections = &described.sdp.sections;
        if says.len() != sections.len() {
            return Err(format!(
                "it has {} m-sections, and a browser would have written {}",
                sections.len(),
                says.len()
            ));
        }
        for ((direction, rejected), section) in says.iter().zip(sections) {
            let mid = section.mid.as_deref().unwrap_or("-");
            if *rejected != section.is_rejected() {
                let what = if *rejected { "accepts" } else { "rejects" };
                return Err(format!("it {what} mid {mid}, for reasons that a description does not show"));
            }
            if section.kind.is_some() && !rejected && *direction != section.direction {
                return Err(format!(
                    "mid {mid} is {}, and a browser would have written {direction}",
                    section.direction
                ));
            }
        }
        Ok(())
    }

    /// The transceiver of a place in the last description.
    fn at(&self, index: usize) -> Option<TransceiverId> {
        self.peer.local_description()?.sections.get(index)?.transceiver
    }

    /// The model's mid for one in a file.
    fn ours(&self, real: &str) -> String {
        let found = self.real.iter().find(|(_, known)| known.as_str() == real).map(|(ours, _)| ours.clone());
        found.unwrap_or_else(|| real.to_owned())
    }

    /// A description of the other side with the mids that the model knows.
    fn with_our_mids(&self, facts: &SdpFacts) -> SdpFacts {
        let mut facts = facts.clone();
        for section in &mut facts.sections {
            section.mid = section.mid.as_deref().map(|mid| self.ours(mid));
        }
        for mid in
            facts.bundle.iter_mut().chain(facts.bundle_groups.iter_mut().flat_map(|group| &mut group.mids))
        {
            *mid = self.ours(mid);
        }
        facts
    }

    fn events(&mut self, by: &str) {
        for event in self.peer.take_events() {
            if let PeerEvent::Track { mid, kind, streams, .. } = event {
                let mid = self.real.get(&mid).cloned().unwrap_or(mid);
                self.browser.fired.push(Fired { by: by.to_owned(), mid, kind, streams });
            }
        }
    }
}
