//! One task for each engine that follows its transport and reports what the engine keeps to itself.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::future::select;
use rtc::peer_connection::transport::{RTCDtlsTransportState, RTCIceCandidatePair};
use webrtc::peer_connection::PeerConnection;

use super::dtls::DtlsCounts;
use super::handshake::Failure;
use super::shared::Shared;
use super::{EngineEvent, transport, words};
use crate::jsep::DtlsState;
use crate::timeline::{CandidatePair, Carries};

/// Without news the transport is looked at this often.
const INTERVAL: Duration = Duration::from_secs(1);
/// A handshake takes one round trip of three flights; with a second's patience per retransmission, this is several.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);
/// On a far network it takes longer: three round trips, and some flights again.
const HANDSHAKE_TRIPS: f64 = 8.0;
/// The engine reads an alert just after the socket has seen it, so its state is read more than once.
const ALERT_READS: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(2), Duration::from_millis(20), Duration::from_millis(200)];

/// Follows the transport until the engine is closed.
pub(super) async fn follow(shared: Arc<Shared>) {
    let mut follower = Follower::default();
    while !shared.is_closing() {
        follower.wait(&shared).await;
        let Some(connection) = shared.connection() else { return };
        follower.look(&shared, &*connection).await;
    }
}

#[derive(Default)]
struct Follower {
    news: u32,
    alerts: u32,
    selected: Option<RTCIceCandidatePair>,
    pair: Option<CandidatePair>,
    pair_since: Option<Instant>,
    stall_reported: bool,
}

impl Follower {
    async fn wait(&mut self, shared: &Shared) {
        let news = poll_fn(|cx| shared.trace.poll_news(cx, self.news));
        select(news, shared.world.sleep(INTERVAL)).await;
        // What comes from here on is looked at next time.
        self.news = shared.trace.news();
    }

    async fn look(&mut self, shared: &Shared, connection: &dyn PeerConnection) {
        let counts = shared.trace.counts();
        if counts.handshakes_sent + counts.handshakes_received > 0 {
            shared.dtls_is(DtlsState::Connecting);
        }
        self.look_at_pair(shared, connection).await;
        self.look_at_handshake(shared, counts);
        look_for_failure(shared);
        if counts.alerts_received != self.alerts {
            self.alerts = counts.alerts_received;
            look_for_end(shared, connection).await;
        } else if let Some(state) = ended(connection).await {
            shared.dtls_is(state);
        }
    }

    async fn look_at_pair(&mut self, shared: &Shared, connection: &dyn PeerConnection) {
        let Some(selected) = transport::selected_pair(connection).await else { return };
        if self.selected.as_ref() == Some(&selected) {
            return;
        }
        let Some(pair) = transport::described(shared, &selected) else { return };
        self.selected = Some(selected);
        let same = |known: &CandidatePair| known.local == pair.local && known.remote == pair.remote;
        if self.pair.as_ref().is_some_and(same) {
            return;
        }
        self.pair_since.get_or_insert_with(|| shared.world.now());
        shared.select(&pair);
        let rtt_ms = transport::round_trip_ms(shared, connection).await;
        self.pair = Some(CandidatePair { rtt_ms, ..pair.clone() });
        shared.emit(EngineEvent::SelectedPair(Box::new(CandidatePair { rtt_ms, ..pair })));
    }

    /// The engine's DTLS deadlocks when a flight is lost: the server resends, each of its records restarts the
    /// client's timer, and the client never resends what was lost.
    fn look_at_handshake(&mut self, shared: &Shared, counts: DtlsCounts) {
        let Some(since) = self.pair_since else { return };
        let waited = shared.world.now().saturating_duration_since(since);
        let repeated = counts.handshakes_sent > 1 && counts.handshakes_received > 1;
        let rtt_ms = self.pair.as_ref().and_then(|pair| pair.rtt_ms).unwrap_or_default();
        let patience = HANDSHAKE_PATIENCE.max(Duration::from_secs_f64(rtt_ms / 1e3 * HANDSHAKE_TRIPS));
        let stalled = shared.dtls() == DtlsState::Connecting && waited >= patience && repeated;
        if stalled && !self.stall_reported && !holds_dtls_up(shared) {
            self.stall_reported = true;
            let detail = format!(
                "ICE has been connected for {:.1} s, {} DTLS handshake records were sent and {} received, and the \
                 handshake is not done",
                waited.as_secs_f64(),
                counts.handshakes_sent,
                counts.handshakes_received,
            );
            shared.emit(EngineEvent::Limit { limit: "dtls-handshake-under-loss", detail });
        }
    }
}

/// Whether we ourselves hold DTLS up on purpose: then it is no fault of the engine that it does not get through.
fn holds_dtls_up(shared: &Shared) -> bool {
    let rows = shared.network.impairment().unwrap_or_default();
    rows.iter().any(|row| row.carries == Carries::Dtls && row.blocked + row.oversized + row.overflowed > 0)
}

/// The engine tells nobody that its handshake has failed, and its state does not show it either.
fn look_for_failure(shared: &Shared) {
    match shared.trace.take_failure() {
        Some(Failure::Dtls(error)) => {
            // Without an alert the handshake goes on.
            let ended = error.received_alert.or(error.sent_alert).is_some();
            shared.emit(EngineEvent::DtlsError(error));
            if ended {
                shared.dtls_is(DtlsState::Failed);
            }
        }
        Some(Failure::OtherHash(detail)) => {
            shared.emit(EngineEvent::Limit { limit: "fingerprint-hash", detail });
            shared.dtls_is(DtlsState::Failed);
        }
        None => {}
    }
}

/// An alert came in: is it the end of the transport?
async fn look_for_end(shared: &Shared, connection: &dyn PeerConnection) {
    for pause in ALERT_READS {
        shared.world.sleep(pause).await;
        if let Some(state) = ended(connection).await {
            shared.connected.store(false, Ordering::Release);
            shared.dtls_is(state);
            return;
        }
    }
}

async fn ended(connection: &dyn PeerConnection) -> Option<DtlsState> {
    match transport::dtls_state(connection).await? {
        state @ (RTCDtlsTransportState::Closed | RTCDtlsTransportState::Failed) => words::dtls_state(state),
        _ => None,
    }
}

impl Shared {
    /// The driver's pace follows the selected pair.
    fn select(&self, pair: &CandidatePair) {
        let relayed = pair.local.candidate_type == "relay";
        self.relayed.store(relayed, Ordering::Release);
        self.set_pace();
    }

    /// Bounded while a connection is being made or is relayed.
    pub(super) fn set_pace(&self) {
        if self.relayed.load(Ordering::Acquire) || !self.connected.load(Ordering::Acquire) {
            self.pace.bound();
        } else {
            self.pace.relax(self.world.now());
        }
    }
}
