//! One end of a scripted call: its connection, what it has seen, and the operations that concern it alone.

use std::sync::Arc;

use futures::StreamExt;
use futures::channel::mpsc;

use crate::connection::{
    CandidateInit, Config, Connection, ConnectionEvent, Identity, LocalTrack, OpenError, TransceiverId,
    TransceiverState, Trusting, W3cError,
};
use crate::jsep::{ConnectionState, ErrorName, IceState, Role, SdpFacts, SdpType, SignalingState};
use crate::leg::GATHERING_TIMEOUT;
use crate::leg::operations::operate;
use crate::media::Source;
use crate::plan::Operation;
use crate::timeline::Recorder;

use super::ScriptSetting;
use super::outcome::{FiredTrack, ScriptRow, SideOutcome};

/// One end.
pub(super) struct End {
    role: Role,
    connection: Connection,
    recorder: Recorder,
    events: mpsc::UnboundedReceiver<ConnectionEvent>,
    /// Events that were waited for and not looked at yet.
    waiting: Vec<ConnectionEvent>,
    seen: SideOutcome,
    ice: IceState,
    /// The answer of createAnswer, until it is set.
    kept_answer: Option<String>,
    /// Lines that begin so are removed from our descriptions on their way.
    removed_lines: Vec<String>,
    /// Candidates of the other side that wait for its description.
    early: Vec<CandidateInit>,
    has_remote: bool,
    tracks: u32,
}

impl End {
    pub(super) async fn open(role: Role, setting: &ScriptSetting) -> Result<Self, OpenError> {
        let recorder = Recorder::new(role, setting.world.now());
        let number = |role| if role == Role::Caller { 1 } else { 2 };
        let config = Config {
            ice_servers: Vec::new(),
            trusting: Trusting::default(),
            relay_only: false,
            bind: setting.addresses.clone(),
            gathering_timeout: GATHERING_TIMEOUT,
            association: setting.association,
            identity: Identity { own: number(role), peer: Some(number(role.other())), peer_stamps: true },
            faults: Arc::default(),
        };
        let [of_caller, of_callee] = &setting.networks;
        let network = if role == Role::Caller { of_caller } else { of_callee };
        let (world, network) = (Arc::clone(&setting.world), Arc::clone(network));
        let (connection, events) = Connection::open(world, network, recorder.clone(), config).await?;
        Ok(Self {
            role,
            connection,
            recorder,
            events,
            waiting: Vec::new(),
            seen: SideOutcome::default(),
            ice: IceState::New,
            kept_answer: None,
            removed_lines: Vec::new(),
            early: Vec::new(),
            has_remote: false,
            tracks: 0,
        })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.ice.is_up()
    }

    /// Whether the transports have come as far as they will by themselves.
    pub(super) fn has_settled(&self) -> bool {
        let last = self.seen.connection_states.last();
        !matches!(last, None | Some(ConnectionState::New | ConnectionState::Connecting))
    }

    /// Waits for an event; pending for ever once there can be none.
    pub(super) async fn next(&mut self) {
        match self.events.next().await {
            Some(event) => self.waiting.push(event),
            None => futures::future::pending().await,
        }
    }

    /// Takes note of every event so far. The candidates among them.
    pub(super) async fn catch_up(&mut self) -> Vec<CandidateInit> {
        let mut events = std::mem::take(&mut self.waiting);
        while let Ok(event) = self.events.try_recv() {
            events.push(event);
        }
        let mut found = Vec::new();
        for event in events {
            match event {
                ConnectionEvent::Candidate(candidate) => found.push(candidate),
                ConnectionEvent::EndOfCandidates { username_fragment } => found.push(CandidateInit {
                    candidate: String::new(),
                    sdp_mid: None,
                    sdp_m_line_index: None,
                    username_fragment,
                }),
                ConnectionEvent::Ice(state) => {
                    self.ice = state;
                    self.seen.ice_connection_states.push(state);
                }
                ConnectionEvent::Connection(state) => self.seen.connection_states.push(state),
                ConnectionEvent::Signaling(state) => self.seen.signaling_states.push(state),
                ConnectionEvent::NegotiationNeeded => self.seen.negotiationneeded += 1,
                ConnectionEvent::Track { transceiver, mid, kind, streams } => {
                    let index = self.index(transceiver).await;
                    let streams = streams.len();
                    self.seen.ontrack.push(FiredTrack { kind, mid, transceiver: index, streams });
                }
                ConnectionEvent::Dtls(_) | ConnectionEvent::Proven { .. } => {}
            }
        }
        found
    }

    async fn index(&self, id: TransceiverId) -> Option<usize> {
        self.connection.transceivers().await.iter().position(|state| state.id == id)
    }

    pub(super) async fn take_candidates(&mut self, candidates: Vec<CandidateInit>) {
        self.early.extend(candidates);
        if self.has_remote {
            for candidate in std::mem::take(&mut self.early) {
                // The timeline holds the error; a browser's page only sees a rejected promise.
                let _ = self.connection.add_ice_candidate(candidate).await;
            }
        }
    }

    pub(super) async fn set_local_offer(&mut self) -> Result<(), W3cError> {
        let sdp = self.connection.create_offer().await?;
        self.connection.set_local_description(SdpType::Offer, sdp).await
    }

    pub(super) async fn create_answer(&mut self) -> Result<(), W3cError> {
        self.kept_answer = Some(self.connection.create_answer().await?);
        Ok(())
    }

    pub(super) async fn apply_kept_answer(&mut self) -> Result<(), W3cError> {
        let Some(sdp) = self.kept_answer.take() else {
            return Err(W3cError::new(ErrorName::InvalidStateError, "no answer was created"));
        };
        self.connection.set_local_description(SdpType::Answer, sdp).await
    }

    /// localDescription, as it leaves this side.
    pub(super) async fn description_for_the_other(&mut self) -> Result<(SdpType, String), W3cError> {
        let Some((sdp_type, sdp)) = self.connection.local_description().await else {
            return Err(W3cError::new(ErrorName::TypeError, "there is no local description"));
        };
        let stays = |line: &&str| !self.removed_lines.iter().any(|start| line.starts_with(start));
        let kept: Vec<&str> = sdp.lines().filter(stays).collect();
        Ok((sdp_type, kept.join("\r\n") + "\r\n"))
    }

    pub(super) async fn set_remote(&mut self, sdp_type: SdpType, sdp: String) -> Result<(), W3cError> {
        self.connection.set_remote_description(sdp_type, sdp).await?;
        self.has_remote = true;
        self.take_candidates(Vec::new()).await;
        Ok(())
    }

    /// An operation that concerns this end alone. `source` is the new track, for those that need one.
    pub(super) async fn operate(
        &mut self,
        operation: &Operation,
        source: Option<Box<dyn Source>>,
    ) -> Result<(), W3cError> {
        let track = source.map(|source| self.track(source));
        match operation {
            Operation::EditNextSdp { remove_lines_starting_with } => {
                self.removed_lines.clone_from(remove_lines_starting_with);
                Ok(())
            }
            // The script does those itself that concern both ends or none.
            of_this => {
                let role = self.role;
                operate(&self.connection, &|label| format!("{role}-{label}"), of_this, track).await
            }
        }
    }

    fn track(&mut self, source: Box<dyn Source>) -> LocalTrack {
        self.tracks += 1;
        LocalTrack { id: format!("{}-{}-{}", self.role, source.kind(), self.tracks), source }
    }

    pub(super) async fn rows(&self) -> Vec<ScriptRow> {
        self.connection.transceivers().await.into_iter().map(row).collect()
    }

    pub(super) async fn finish(mut self) -> SideOutcome {
        self.connection.sample().await;
        self.seen.transceivers = self.rows().await;
        self.seen.signaling_state = self.connection.signaling_state().await;
        if let Some((_, sdp)) = self.connection.local_description().await {
            let sections = SdpFacts::parse(&sdp).sections;
            self.seen.local_sections =
                sections.iter().map(|section| (section.media.clone(), section.is_rejected())).collect();
        }
        if self.seen.signaling_state != SignalingState::Closed {
            self.connection.close().await;
        }
        self.seen.events = self.recorder.events();
        self.seen
    }
}

fn row(state: TransceiverState) -> ScriptRow {
    ScriptRow {
        mid: state.row.mid,
        kind: state.row.kind,
        direction: state.row.direction,
        current_direction: state.row.current_direction,
        sender_track: state.sender_track.is_some(),
        receiver_muted: state.receiver_muted,
    }
}
