//! One side of a call: what our app does with its connection. It attaches its tracks, offers or answers, trickles
//! candidates both ways, answers every later offer and makes its own. The runner carries its signals to the room and
//! back and decides when the call is over. A scripted call, whose two ends do what a list of operations says, is in
//! `script`.

mod acts;
mod attaching;
mod negotiation;
mod operations;
pub mod script;
mod steps;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::{FutureExt, select_biased};

use crate::connection::{
    CandidateInit, Config, Connection, ConnectionEvent, Identity, OpenError, TransceiverId, Trusting,
    W3cError, next_event,
};
use crate::fault::Faults;
use crate::jsep::{Direction, MediaKind};
use crate::media::MediaError;
use crate::network::Network;
use crate::plan::{AttachAt, IcePolicy, Later, LegPlan};
use crate::timeline::{Kind, PeerInfo, Recorder, Signal};
use crate::world::World;

use negotiation::Negotiation;

/// Gathering ends after this long even when a server never answers; the engine alone would wait for ever.
const GATHERING_TIMEOUT: Duration = Duration::from_secs(5);

/// What a leg needs besides its plan.
#[derive(Debug)]
pub struct Setting<'a> {
    /// Time, tasks, randomness.
    pub world: Arc<dyn World>,
    /// Sockets.
    pub network: Arc<dyn Network>,
    /// Where everything is written down.
    pub recorder: Recorder,
    /// The addresses to gather on when the plan states none.
    pub addresses: Vec<IpAddr>,
    /// What our side does wrong on purpose.
    pub faults: Arc<Faults>,
    /// Ourselves in the room.
    pub me: &'a PeerInfo,
    /// The other side.
    pub peer: &'a PeerInfo,
}

/// The leg could not start.
#[derive(Debug, thiserror::Error)]
pub enum LegError {
    /// No connection could be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file that was there before the call is no longer.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The file with certificates was there before the call.
    #[error("the certificates cannot be read: {0}")]
    Authorities(std::io::Error),
    /// A source could not be attached.
    #[error("failed to attach the {kind} track: {error}")]
    Attach {
        /// Of what kind.
        kind: MediaKind,
        /// Why.
        error: W3cError,
    },
}

/// One side of a call.
#[derive(Debug)]
pub struct Leg {
    plan: LegPlan,
    /// Ours in the room, and the other side's.
    number: u16,
    peer: u16,
    faults: Arc<Faults>,
    recorder: Recorder,
    world: Arc<dyn World>,
    connection: Connection,
    events: mpsc::UnboundedReceiver<ConnectionEvent>,
    negotiation: Negotiation,
    /// The tracks of the plan are on the connection, or were meant to be.
    attached: bool,
    /// When the first answer was set.
    answered_at: Option<Instant>,
    /// What is still to be done, in order of time.
    later: VecDeque<Later>,
    /// While we hold the call: the transceivers and their directions before.
    held: Vec<(TransceiverId, Direction)>,
    /// How many tracks have been opened.
    tracks: u8,
    /// The transceivers that have been given the directions of the plan.
    stated: Vec<TransceiverId>,
    /// `negotiationneeded` has fired and was not looked at yet.
    needed: bool,
    /// Remote candidates that came before the remote description.
    early: Vec<CandidateInit>,
    /// Signals that are ready to be sent, in order.
    outbox: VecDeque<Signal>,
}

/// What a leg has for its runner.
#[derive(Debug, PartialEq)]
pub enum LegEvent {
    /// To be sent to the other side.
    Send(Signal),
    /// The leg wants to do something; [`Leg::proceed`] does it.
    Due,
    /// Something has changed; the timeline says what.
    Progress,
}

impl Leg {
    /// Opens the connection and attaches what the plan sends, so that the caller can offer and the callee can answer.
    ///
    /// # Errors
    /// [`LegError`]; the connection is closed then.
    pub async fn open(plan: &LegPlan, setting: Setting<'_>) -> Result<Self, LegError> {
        let config = config(plan, &setting)?;
        if plan.insecure {
            let note = "certificates of the room and of TURN servers are not checked, as was asked for";
            setting.recorder.record(setting.world.now(), Kind::Note(note.to_owned()));
        }
        let Setting { world, network, recorder, faults, me, peer, .. } = setting;
        let (connection, events) =
            Connection::open(Arc::clone(&world), network, recorder.clone(), config).await?;
        let mut leg = Self {
            plan: plan.clone(),
            number: me.number,
            peer: peer.number,
            faults,
            recorder,
            world,
            connection,
            events,
            negotiation: Negotiation::new(plan.habits.polite),
            attached: false,
            answered_at: None,
            later: plan.habits.later.iter().copied().collect(),
            held: Vec::new(),
            tracks: u8::try_from(plan.send.len()).unwrap_or(u8::MAX),
            stated: Vec::new(),
            needed: false,
            early: Vec::new(),
            outbox: VecDeque::new(),
        };
        if let Err(error) = leg.prepare().await {
            leg.connection.close().await;
            return Err(error);
        }
        Ok(leg)
    }

    async fn prepare(&mut self) -> Result<(), LegError> {
        self.reach(AttachAt::BeforeOffer).await?;
        self.ask_for_media().await?;
        if self.plan.data && self.starts() {
            // The timeline holds the error.
            let _ = self.connection.create_data_channel("callcheck").await;
        }
        Ok(())
    }

    /// The caller makes its offer; the callee waits for one.
    pub async fn start(&mut self) {
        if self.starts() {
            self.offer().await;
        }
    }

    /// What the other side said. Signals that are not about the connection are not for the leg.
    pub async fn receive(&mut self, signal: Signal) {
        match signal {
            Signal::Description { sdp_type, sdp } => self.receive_description(sdp_type, sdp).await,
            Signal::Candidate { candidate, sdp_mid, sdp_m_line_index, username_fragment } => {
                let candidate = CandidateInit { candidate, sdp_mid, sdp_m_line_index, username_fragment };
                self.receive_candidate(candidate).await;
            }
            Signal::EndOfCandidates { username_fragment } => {
                let end = CandidateInit {
                    candidate: String::new(),
                    sdp_mid: None,
                    sdp_m_line_index: None,
                    username_fragment,
                };
                self.receive_candidate(end).await;
            }
            Signal::Done
            | Signal::HangUp { .. }
            | Signal::Report(_)
            | Signal::Again
            | Signal::Step { .. }
            | Signal::Ext(_) => {}
        }
    }

    /// The next thing for the runner. Nothing is lost when this is dropped half-way.
    pub async fn next(&mut self) -> LegEvent {
        loop {
            self.send_gathered().await;
            if let Some(signal) = self.outbox.pop_front() {
                return LegEvent::Send(signal);
            }
            let until_act = self.until_next_act();
            if self.needed || self.negotiation.resume || until_act == Some(Duration::ZERO) {
                return LegEvent::Due;
            }
            let timer = async {
                match until_act {
                    Some(left) => self.world.sleep(left).await,
                    None => futures::future::pending().await,
                }
            };
            let event = select_biased! {
                event = next_event(&mut self.events).fuse() => event,
                () = timer.fuse() => continue,
            };
            match event {
                ConnectionEvent::Candidate(candidate) => self.gathered(candidate),
                ConnectionEvent::EndOfCandidates { username_fragment } => {
                    self.gathering_ended(username_fragment);
                }
                ConnectionEvent::NegotiationNeeded => self.needed = true,
                ConnectionEvent::Ice(_)
                | ConnectionEvent::Dtls(_)
                | ConnectionEvent::Connection(_)
                | ConnectionEvent::Signaling(_)
                | ConnectionEvent::Track { .. }
                | ConnectionEvent::Proven { .. } => return LegEvent::Progress,
            }
        }
    }

    /// Does what is due. Not to be dropped half-way.
    pub async fn proceed(&mut self) {
        if std::mem::take(&mut self.needed) {
            self.negotiation_needed().await;
        }
        if std::mem::take(&mut self.negotiation.resume) {
            self.negotiate().await;
        }
        if self.until_next_act() == Some(Duration::ZERO) {
            self.act().await;
        }
    }

    /// Both descriptions of the first negotiation are set.
    #[must_use]
    pub fn is_negotiated(&self) -> bool {
        self.negotiation.completed
    }

    /// Makes an offer that nothing needs.
    pub async fn offer_once_more(&mut self) {
        self.negotiation.forget();
        self.offer().await;
    }

    /// How far the other side's clock is ahead of ours.
    pub fn set_clock(&self, offset_us: i64, error_us: u64) {
        self.connection.set_clock(offset_us, error_us);
    }

    /// Writes down the transceivers and the media counts as they are now.
    pub async fn sample(&self) {
        self.connection.sample().await;
    }

    /// Closes the connection; nothing of the leg is left when this returns.
    pub async fn close(self) {
        self.connection.close().await;
    }
}

fn config(plan: &LegPlan, setting: &Setting<'_>) -> Result<Config, LegError> {
    let ice_servers = plan.ice_servers.iter().map(|server| crate::connection::IceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.as_ref().map(|secret| secret.reveal().to_owned()),
    });
    let authorities = match &plan.ca {
        Some(path) => Some(std::fs::read_to_string(path).map_err(LegError::Authorities)?),
        None => None,
    };
    Ok(Config {
        ice_servers: ice_servers.collect(),
        trusting: Trusting { authorities, insecure: plan.insecure },
        relay_only: plan.ice_policy == IcePolicy::Relay,
        bind: if plan.bind.is_empty() { setting.addresses.clone() } else { plan.bind.clone() },
        gathering_timeout: GATHERING_TIMEOUT,
        association: plan.habits.association,
        faults: Arc::clone(&setting.faults),
        identity: Identity {
            own: setting.me.number,
            peer: Some(setting.peer.number).filter(|number| *number != PeerInfo::UNNUMBERED),
            peer_stamps: setting.peer.capabilities.stamps,
        },
    })
}
