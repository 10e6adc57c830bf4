//! What the parts of one engine share: the clock, the way to the owner, and the facts that several of them need.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::Instant;

use futures::channel::mpsc;
use webrtc::peer_connection::PeerConnection;

use super::EngineEvent;
use super::dtls::DtlsTrace;
use super::gates::Gates;
use super::gathering::Gathering;
use super::intake::Demux;
use super::pace::Pace;
use super::stun::CheckTrace;
use super::tap::TapState;
use super::turn::{OpenBridge, ServerWatch};
use crate::jsep::DtlsState;
use crate::network::Network;
use crate::timeline::ServerError;
use crate::world::{Task, World};

/// Events with the time at which they happened.
pub(super) type Events = mpsc::UnboundedSender<(Instant, EngineEvent)>;

pub(super) struct Shared {
    pub(super) world: Arc<dyn World>,
    pub(super) network: Arc<dyn Network>,
    pub(super) pace: Arc<Pace>,
    pub(super) trace: Arc<DtlsTrace>,
    pub(super) checks: Arc<CheckTrace>,
    pub(super) servers: Arc<ServerWatch>,
    pub(super) gates: Gates,
    pub(super) tap: Arc<TapState>,
    pub(super) demux: Arc<Demux>,
    /// The transport is connected, so media may leave.
    pub(super) connected: AtomicBool,
    /// The selected pair is relayed.
    pub(super) relayed: AtomicBool,
    /// close() has begun; what ends from now on ends as it should.
    pub(super) closing: AtomicBool,
    events: Events,
    gathering: Mutex<Gathering>,
    dtls: Mutex<DtlsState>,
    tasks: Mutex<Vec<Task>>,
    /// They outlive the tasks: what the engine says last passes them.
    bridges: Mutex<Vec<OpenBridge>>,
    connection: OnceLock<Weak<dyn PeerConnection>>,
}

impl Shared {
    pub(super) fn new(
        world: Arc<dyn World>,
        network: Arc<dyn Network>,
        events: Events,
        gathering: Gathering,
        pace: Arc<Pace>,
        trace: Arc<DtlsTrace>,
    ) -> Self {
        let tap = Arc::new(TapState::new(world.clone(), events.clone()));
        Self {
            demux: Arc::new(Demux::new(tap.clone(), events.clone())),
            tap,
            gates: Gates::default(),
            world,
            network,
            pace,
            trace,
            checks: Arc::default(),
            servers: Arc::default(),
            connected: AtomicBool::new(false),
            relayed: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            events,
            gathering: Mutex::new(gathering),
            dtls: Mutex::new(DtlsState::New),
            tasks: Mutex::new(Vec::new()),
            bridges: Mutex::default(),
            connection: OnceLock::new(),
        }
    }

    /// Tells the owner; an owner that no longer listens does not matter.
    pub(super) fn emit(&self, event: EngineEvent) {
        self.emit_at(self.world.now(), event);
    }

    pub(super) fn emit_at(&self, at: Instant, event: EngineEvent) {
        let _ = self.events.unbounded_send((at, event));
    }

    pub(super) fn emit_all(&self, events: impl IntoIterator<Item = EngineEvent>) {
        let now = self.world.now();
        events.into_iter().for_each(|event| self.emit_at(now, event));
    }

    /// A TURN server that brought nothing because it never said a word is an error of its own (W3C webrtc §4.8.3).
    pub(super) fn as_silence(&self, event: EngineEvent) -> EngineEvent {
        match event {
            EngineEvent::ServerSkipped { url, .. } if self.servers.has_heard(&url) == Some(false) => {
                let text = "no answer over UDP".to_owned();
                EngineEvent::ServerError(ServerError { url, code: 701, text, ..ServerError::default() })
            }
            other => other,
        }
    }

    pub(super) fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().expect("no panic while gathering is held")
    }

    /// Reports a state of the DTLS transport that is new and legal after the last one.
    pub(super) fn dtls_is(&self, state: DtlsState) {
        let mut last = self.dtls.lock().expect("no panic while held");
        let ended = matches!(*last, DtlsState::Closed | DtlsState::Failed);
        let backwards =
            state == DtlsState::New || (state == DtlsState::Connecting && *last != DtlsState::New);
        if *last == state || ended || backwards {
            return;
        }
        if state == DtlsState::Connected && *last == DtlsState::New {
            // On a busy machine the handshake is over before its first record was noticed; it took place all the same.
            self.emit(EngineEvent::DtlsState(DtlsState::Connecting));
        }
        *last = state;
        if state == DtlsState::Connected {
            self.trace.connected();
        }
        // While held, so that two who report keep their order.
        self.emit(EngineEvent::DtlsState(state));
    }

    pub(super) fn dtls(&self) -> DtlsState {
        *self.dtls.lock().expect("no panic while held")
    }

    /// Ends `task` with the engine.
    pub(super) fn own(&self, task: Task) {
        if !self.is_closing() {
            self.tasks.lock().expect("no panic while held").push(task);
        }
    }

    /// Carries what the engine says to TURN servers, until [`Self::take_bridges`].
    pub(super) fn keep_bridges(&self, bridges: Vec<OpenBridge>) {
        self.bridges.lock().expect("no panic while held").extend(bridges);
    }

    pub(super) fn take_bridges(&self) -> Vec<OpenBridge> {
        std::mem::take(&mut *self.bridges.lock().expect("no panic while held"))
    }

    /// Asks the sender of `mid` for a key frame.
    pub(super) fn request_key_frame(&self, mid: &str) {
        self.tap.request_key_frame(mid);
        self.pace.kick();
    }

    /// From now on nothing is reported as a fault, and our tasks stop.
    pub(super) fn begin_closing(&self) {
        self.closing.store(true, Ordering::Release);
        self.connected.store(false, Ordering::Release);
        self.pace.stop();
        self.tasks.lock().expect("no panic while held").clear();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// The engine's connection is known once it is built. Weak, since it owns the callbacks that own this.
    pub(super) fn set_connection(&self, connection: &Arc<dyn PeerConnection>) {
        let _ = self.connection.set(Arc::downgrade(connection));
    }

    pub(super) fn connection(&self) -> Option<Arc<dyn PeerConnection>> {
        self.connection.get()?.upgrade()
    }
}
