//! What happened one by one: rules that say *why* look at single descriptions, candidates and operations, in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::jsep::{SdpFacts, SdpType, Side, SignalingState, masked};
use crate::timeline::{
    ChannelState, DtlsError, Event, IceCandidate, IceChecks, Kind, ServerError, Signal, UnboundRtp,
};

/// An event, to be cited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Its id.
    pub id: String,
    /// When, in microseconds of the peer's own timeline.
    pub at_us: u64,
}

/// A description that this peer sent, received, set or refused.
#[derive(Clone, Debug)]
pub struct Exchanged {
    /// Whose, seen from this peer.
    pub side: Side,
    /// What.
    pub sdp_type: SdpType,
    /// What it says.
    pub sdp: Arc<SdpFacts>,
    /// Its text.
    pub text: Arc<str>,
    /// It was sent, or it came in.
    pub signalled: Option<Moment>,
    /// It was set.
    pub set: Option<Moment>,
    /// It was refused, with the W3C error. Browsers quote the line that they refuse, so that its secrets are hidden.
    pub rejected: Option<(Moment, String)>,
    /// This peer's signaling state when it first saw the description.
    pub state: SignalingState,
}

/// A candidate, or the end of candidates, between the peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trickled {
    /// The event.
    pub moment: Moment,
    /// This peer sent it; else it came in.
    pub sent: bool,
    /// The candidate; null for the end of candidates.
    pub candidate: Option<IceCandidate>,
    /// `sdpMid`.
    pub mid: Option<String>,
    /// `sdpMLineIndex`.
    pub index: Option<u16>,
    /// `usernameFragment`, or the one inside the candidate.
    pub ufrag: Option<String>,
    /// No description of its sender had been signalled before it.
    pub early: bool,
}

/// A W3C operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operated {
    /// The event.
    pub moment: Moment,
    /// Such as `addTransceiver`.
    pub name: String,
    /// In short.
    pub arguments: String,
    /// Null if it succeeded.
    pub error: Option<String>,
}

/// Everything that rules look at one by one, in order.
#[derive(Clone, Debug)]
pub struct History {
    /// Descriptions, in the order in which this peer first saw them.
    pub descriptions: Vec<Exchanged>,
    /// Candidates and ends of candidates that were signalled.
    pub trickled: Vec<Trickled>,
    /// Signals that this version does not know.
    pub unknown_signals: Vec<Moment>,
    /// Any signal at all that came from the other side.
    pub heard: Option<Moment>,
    /// W3C operations.
    pub operations: Vec<Operated>,
    /// `negotiationneeded`.
    pub needed: Vec<Moment>,
    /// Candidates gathered here.
    pub gathered: Vec<(Moment, IceCandidate)>,
    /// Remote candidates that the ICE agent took.
    pub added: Vec<(Moment, IceCandidate)>,
    /// Remote candidates that were refused: the text and why.
    pub refused: Vec<(Moment, String, String)>,
    /// What STUN and TURN servers refused.
    pub server_errors: Vec<(Moment, ServerError)>,
    /// The latest count of connectivity checks.
    pub checks: Option<(Moment, IceChecks)>,
    /// Errors of DTLS.
    pub dtls_errors: Vec<(Moment, DtlsError)>,
    /// RTP that belongs nowhere, by SSRC.
    pub unbound: BTreeMap<u32, (Moment, UnboundRtp)>,
    /// What data channels did.
    pub channels: Vec<(Moment, ChannelState)>,
    state: SignalingState,
}

impl Default for History {
    fn default() -> Self {
        Self {
            descriptions: Vec::new(),
            trickled: Vec::new(),
            unknown_signals: Vec::new(),
            heard: None,
            operations: Vec::new(),
            needed: Vec::new(),
            gathered: Vec::new(),
            added: Vec::new(),
            refused: Vec::new(),
            server_errors: Vec::new(),
            checks: None,
            dtls_errors: Vec::new(),
            unbound: BTreeMap::new(),
            channels: Vec::new(),
            state: SignalingState::Stable,
        }
    }
}

impl Moment {
    fn of(event: &Event) -> Self {
        Self { id: event.id.clone(), at_us: event.at_us }
    }
}

impl Exchanged {
    /// When this peer first saw it.
    #[must_use]
    pub fn first(&self) -> &Moment {
        let signalled_first = match (&self.signalled, &self.set) {
            (Some(signalled), Some(set)) => signalled.at_us <= set.at_us,
            (signalled, _) => signalled.is_some(),
        };
        let moment = if signalled_first { self.signalled.as_ref() } else { self.set.as_ref() };
        // Invariant: an entry is only made for a signal, a setting or a refusal.
        moment.or_else(|| self.rejected.as_ref().map(|(moment, _)| moment)).expect("every entry has an event")
    }

    /// The event to cite: its setting, else its refusal, else its signal.
    #[must_use]
    pub fn id(&self) -> &str {
        let moment = self.set.as_ref().or_else(|| self.rejected.as_ref().map(|(moment, _)| moment));
        &moment.unwrap_or_else(|| self.first()).id
    }

    fn is(&self, side: Side, sdp_type: SdpType, text: &str, facts: &SdpFacts) -> bool {
        let same_origin = || {
            self.sdp.session_id.is_some()
                && self.sdp.session_id == facts.session_id
                && self.sdp.session_version == facts.session_version
                && self.sdp.sections.len() == facts.sections.len()
        };
        self.side == side && self.sdp_type == sdp_type && (&*self.text == text || same_origin())
    }
}

impl History {
    /// Learns from an event of this peer's own timeline. `parsed` is what the event's description says, if it has one.
    pub(super) fn apply(&mut self, event: &Event, parsed: Option<&Arc<SdpFacts>>) {
        let moment = || Moment::of(event);
        match &event.kind {
            Kind::SignalSent { signal, .. } => self.signal(event, true, signal, parsed),
            Kind::SignalReceived { signal, .. } => {
                self.heard.get_or_insert_with(moment);
                self.signal(event, false, signal, parsed);
            }
            Kind::DescriptionSet { side, sdp_type, sdp, .. } => {
                self.entry(*side, *sdp_type, sdp, parsed).set = Some(moment());
            }
            Kind::DescriptionRejected { side, sdp_type, sdp, error } => {
                self.entry(*side, *sdp_type, sdp, parsed).rejected = Some((moment(), masked(error)));
            }
            Kind::SignalingState(state) => self.state = *state,
            Kind::Operation { name, arguments, error } => self.operations.push(Operated {
                moment: moment(),
                name: name.clone(),
                arguments: arguments.clone(),
                error: error.as_deref().map(masked),
            }),
            Kind::NegotiationNeeded => self.needed.push(moment()),
            Kind::CandidateGathered(candidate) => self.gathered.push((moment(), candidate.clone())),
            Kind::CandidateAdded(candidate) => self.added.push((moment(), candidate.clone())),
            Kind::CandidateRefused { candidate, error } => {
                self.refused.push((moment(), candidate.clone(), error.clone()));
            }
            Kind::ServerError(error) => self.server_errors.push((moment(), error.clone())),
            Kind::IceChecks(checks) => self.checks = Some((moment(), *checks)),
            Kind::DtlsError(error) => self.dtls_errors.push((moment(), error.clone())),
            Kind::UnboundRtp(unbound) => {
                self.unbound.insert(unbound.ssrc, (moment(), unbound.clone()));
            }
            Kind::DataChannel(channel) => self.channels.push((moment(), channel.clone())),
            _ => {}
        }
    }

    /// The descriptions of one side.
    pub fn of(&self, side: Side) -> impl DoubleEndedIterator<Item = &Exchanged> {
        self.descriptions.iter().filter(move |exchanged| exchanged.side == side)
    }

    /// Candidates, without ends, that were sent or received.
    pub fn candidates(&self, sent: bool) -> impl Iterator<Item = &Trickled> {
        self.trickled.iter().filter(move |trickled| trickled.sent == sent && trickled.candidate.is_some())
    }

    fn signal(&mut self, event: &Event, sent: bool, signal: &Signal, parsed: Option<&Arc<SdpFacts>>) {
        let side = if sent { Side::Local } else { Side::Remote };
        match signal {
            Signal::Description { sdp_type, sdp } => {
                let at = self.descriptions.iter().rposition(|known| {
                    known.signalled.is_none()
                        && sent
                        && parsed.is_some_and(|facts| known.is(side, *sdp_type, sdp, facts))
                });
                let at = at.unwrap_or_else(|| self.push(side, *sdp_type, sdp, parsed));
                let known = &mut self.descriptions[at];
                // Without trickle the candidates join the description after it was set.
                if &*known.text != sdp.as_str() {
                    (known.text, known.sdp) = (sdp.as_str().into(), parsed.cloned().unwrap_or_default());
                }
                known.signalled = Some(Moment::of(event));
            }
            Signal::Candidate { candidate, sdp_mid, sdp_m_line_index, username_fragment } => {
                let inside = || {
                    let mut words = candidate.split_ascii_whitespace().skip_while(|word| *word != "ufrag");
                    words.nth(1).map(str::to_owned)
                };
                let early = !self.of(side).any(|known| known.signalled.is_some());
                self.trickled.push(Trickled {
                    moment: Moment::of(event),
                    sent,
                    candidate: (!candidate.is_empty()).then(|| IceCandidate::parse(candidate)),
                    mid: sdp_mid.clone().filter(|mid| !mid.is_empty()),
                    index: *sdp_m_line_index,
                    ufrag: username_fragment.clone().filter(|ufrag| !ufrag.is_empty()).or_else(inside),
                    early,
                });
            }
            Signal::EndOfCandidates { username_fragment } => self.trickled.push(Trickled {
                moment: Moment::of(event),
                sent,
                candidate: None,
                mid: None,
                index: None,
                ufrag: username_fragment.clone().filter(|ufrag| !ufrag.is_empty()),
                early: false,
            }),
            Signal::Ext(_) if !sent => self.unknown_signals.push(Moment::of(event)),
            _ => {}
        }
    }

    /// The entry of a description that is set or refused: one that was signalled, or a new one.
    fn entry(
        &mut self,
        side: Side,
        sdp_type: SdpType,
        text: &str,
        parsed: Option<&Arc<SdpFacts>>,
    ) -> &mut Exchanged {
        let at = self.descriptions.iter().rposition(|known| {
            known.set.is_none()
                && known.rejected.is_none()
                && parsed.is_some_and(|facts| known.is(side, sdp_type, text, facts))
        });
        let at = at.unwrap_or_else(|| self.push(side, sdp_type, text, parsed));
        &mut self.descriptions[at]
    }

    fn push(&mut self, side: Side, sdp_type: SdpType, text: &str, parsed: Option<&Arc<SdpFacts>>) -> usize {
        self.descriptions.push(Exchanged {
            side,
            sdp_type,
            sdp: parsed.cloned().unwrap_or_default(),
            text: text.into(),
            signalled: None,
            set: None,
            rejected: None,
            state: self.state,
        });
        self.descriptions.len() - 1
    }
}
