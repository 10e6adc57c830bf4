//! One RTCPeerConnection.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::future::join_all;
use rtc::ice::mdns::MulticastDnsMode;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, RTCConfigurationBuilder, RTCIceTransportPolicy,
    SettingEngineBuilder,
};

use super::callbacks::Callbacks;
use super::dtls::DtlsTrace;
use super::follow::follow;
use super::gathering::Gathering;
use super::intake::Intake;
use super::negotiation::Negotiation;
use super::pace::Pace;
use super::rounds::Rounds;
use super::runtime::{Driver, EngineRuntime};
use super::sections::Sections;
use super::servers::{self, Servers, Ways};
use super::shared::Shared;
use super::tap::Tap;
use super::turn::{OpenBridge, ServerWatch};
use super::{EngineConfig, EngineError, EngineEvent, EngineStats, RtpWriter, codecs, repeatable, transport};
use crate::network::Network;
use crate::timeline::{CandidatePair, IceChecks, ImpairedPackets, UnboundRtp};
use crate::world::{Clock, World, spawn, timeout};

/// The engine closes within a millisecond; one that does not is stopped where it stands.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// TURN servers take back their allocations within a round trip.
const RELEASE_TIMEOUT: Duration = Duration::from_millis(500);

/// One RTCPeerConnection of the engine. Dropping it closes it.
///
/// M-sections are named by their mid on the wire. What an owner allows ([`Self::set_may_send`],
/// [`Self::set_may_receive`]) is forgotten when the m-section is gone: rejected, or rolled back.
pub struct Engine {
    pub(super) connection: Arc<dyn PeerConnection>,
    pub(super) shared: Arc<Shared>,
    pub(super) driver: Arc<Driver>,
    pub(super) label: String,
    pub(super) gathering_timeout: Duration,
    pub(super) negotiation: Negotiation,
    pub(super) rounds: Rounds,
    pub(super) sections: Sections,
    closed: bool,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Engine {
    /// Resolves the servers, opens the sockets and starts the driver. Events come with the time of `world`.
    ///
    /// # Errors
    /// [`EngineError::NoAddress`] when no socket could be opened, [`EngineError::NoRelay`] when only relayed candidates
    /// may be used and no TURN server can be, [`EngineError::Failed`] for anything else.
    pub async fn new(
        world: Arc<dyn World>,
        network: Arc<dyn Network>,
        config: EngineConfig,
    ) -> Result<(Self, mpsc::UnboundedReceiver<(Instant, EngineEvent)>), EngineError> {
        if config.bind.is_empty() {
            return Err(EngineError::NoAddress("none is given".to_owned()));
        }
        let (sender, events) = mpsc::unbounded();
        let (bind, trusting) = (config.bind.as_slice(), &config.trusting);
        let ways = Ways { world: &world, network: &*network, events: &sender, bind, trusting };
        let mut servers = servers::resolve(&config.ice_servers, &ways).await;
        if config.relay_only && !servers.can_relay() {
            return Err(EngineError::NoRelay(servers.reasons()));
        }
        let (pace, trace, driver) = (Arc::new(Pace::new()), Arc::new(DtlsTrace::default()), Arc::default());
        let gathering = Gathering::new(std::mem::take(&mut servers.used));
        let servers_seen = ServerWatch::new(std::mem::take(&mut servers.watched));
        servers_seen.tell(world.clone(), sender.clone());
        let mut shared =
            Shared::new(world.clone(), network.clone(), sender, gathering, pace.clone(), trace.clone());
        shared.servers = Arc::new(servers_seen);
        shared.keep_bridges(std::mem::take(&mut servers.bridges));
        shared.tap.meddle(Arc::clone(&config.faults));
        let shared = Arc::new(shared);
        shared.emit_all(std::mem::take(&mut servers.skipped));
        let (checks, servers_seen) = (shared.checks.clone(), shared.servers.clone());
        let runtime = EngineRuntime {
            world,
            network,
            pace,
            trace,
            checks,
            servers: servers_seen,
            driver: Arc::clone(&driver),
        };
        let connection = build(&config, servers, &shared, runtime).await?;
        shared.set_connection(&connection);
        watch(&shared, &driver);
        let negotiation = Negotiation::new(&*shared.world, &config.label);
        let engine = Self {
            connection,
            shared,
            driver,
            label: config.label,
            gathering_timeout: config.gathering_timeout,
            negotiation,
            rounds: Rounds::default(),
            sections: Sections::default(),
            closed: false,
        };
        Ok((engine, events))
    }

    /// What sends on that m-section; none before a description of ours with it was created. It keeps its SSRC for as
    /// long as the m-section lives.
    #[must_use]
    pub fn writer(&self, mid: &str) -> Option<RtpWriter> {
        self.sections.bound(mid)?.writer(&self.shared)
    }

    /// Opens or closes the way out of an m-section; closed at first. Media leaves only where both descriptions say so,
    /// too.
    pub fn set_may_send(&self, mid: &str, may: bool) {
        self.shared.gates.send(mid).allow(may);
    }

    /// Opens or closes the way in of an m-section; closed at first. Media that comes while it is closed is dropped.
    pub fn set_may_receive(&self, mid: &str, may: bool) {
        self.shared.gates.receive(mid).allow(may);
    }

    /// Asks the peer for a key frame (PLI, RFC 4585 §6.3.1). Nothing happens before the first packet of `mid`.
    pub fn request_key_frame(&self, mid: &str) {
        self.shared.request_key_frame(mid);
    }

    /// What the data channel is called that an offer with data opens; the first name counts.
    pub fn name_data_channel(&mut self, label: &str) {
        self.rounds.label.get_or_insert_with(|| label.to_owned());
    }

    /// What was done on purpose to the datagrams so far; none where nothing ever is.
    #[must_use]
    pub fn impairment(&self) -> Option<Vec<ImpairedPackets>> {
        self.shared.network.impairment()
    }

    /// The sources that no m-section takes, that were told of, and whose counts have grown since.
    #[must_use]
    pub fn take_unbound(&self) -> Vec<UnboundRtp> {
        self.shared.demux.take_unbound()
    }

    /// How connectivity checks went so far.
    #[must_use]
    pub fn checks(&self) -> IceChecks {
        self.shared.checks.counts()
    }

    /// The selected pair with its round-trip time. The engine makes a report of everything for it.
    pub async fn selected_pair(&self) -> Option<CandidatePair> {
        let selected = transport::selected_pair(&*self.connection).await?;
        let pair = transport::described(&self.shared, &selected)?;
        let rtt_ms = transport::round_trip_ms(&self.shared, &*self.connection).await;
        Some(CandidatePair { rtt_ms, ..pair })
    }

    /// What RTCP has told so far.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        EngineStats { outbound: self.shared.tap.outbound(), inbound: self.shared.tap.inbound() }
    }

    /// Closes everything, within a second at most.
    pub async fn close(mut self) {
        self.closed = true;
        close(self.connection.clone(), self.shared.clone(), self.driver.clone()).await;
    }
}

impl Drop for Engine {
    /// A connection that is dropped unclosed would keep its task, its sockets and its memory for ever.
    fn drop(&mut self) {
        if !self.closed {
            let closing = close(self.connection.clone(), self.shared.clone(), self.driver.clone());
            self.shared.world.spawn_detached(Box::pin(closing));
        }
    }
}

async fn close(connection: Arc<dyn PeerConnection>, shared: Arc<Shared>, driver: Arc<Driver>) {
    shared.begin_closing();
    if timeout(&*shared.world, CLOSE_TIMEOUT, connection.close()).await.is_err() {
        driver.abort();
    }
    let bridges = shared.take_bridges();
    if !bridges.is_empty() {
        let released = join_all(bridges.into_iter().map(OpenBridge::release));
        // A server that does not answer any more lets its allocations expire.
        let _ = timeout(&*shared.world, RELEASE_TIMEOUT, released).await;
    }
}

async fn build(
    config: &EngineConfig,
    servers: Servers,
    shared: &Arc<Shared>,
    runtime: EngineRuntime,
) -> Result<Arc<dyn PeerConnection>, EngineError> {
    // The engine refuses the relay policy without a TURN server; then there are simply no candidates.
    let relay_only =
        config.relay_only && servers.engine.iter().any(|server| server.urls[0].starts_with("turn"));
    let policy = if relay_only { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All };
    let (media_engine, registry) =
        codecs::media(Tap::new(shared.tap.clone()), Intake::new(shared.demux.clone()))?;
    let mut configuration =
        RTCConfigurationBuilder::new().with_ice_servers(servers.engine).with_ice_transport_policy(policy);
    let mut settings = settings();
    if shared.world.clock() == Clock::Virtual {
        configuration = configuration.with_certificates(vec![repeatable::certificate(&config.label)?]);
        settings = settings.with_crypto_provider(repeatable::crypto(&*shared.world, &config.label)?);
    }
    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration.build())
        .with_handler(Arc::new(Callbacks(shared.clone())))
        .with_udp_addrs(config.bind.iter().map(|ip| SocketAddr::new(*ip, 0)).collect())
        .with_media_engine(media_engine)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings.build())
        .with_runtime(Arc::new(runtime))
        .build()
        .await
        .map_err(|error| EngineError::NoAddress(error.to_string()))?;
    Ok(Arc::new(connection))
}

fn settings() -> SettingEngineBuilder {
    // The engine waits 0.5 to 2 s before it accepts a pair that is not made of host candidates.
    let at_once = Some(Duration::ZERO);
    SettingEngineBuilder::new()
        .with_host_acceptance_min_wait(at_once)
        .with_srflx_acceptance_min_wait(at_once)
        .with_prflx_acceptance_min_wait(at_once)
        .with_relay_acceptance_min_wait(at_once)
        // Otherwise every connection opens a second socket, on port 5353.
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
}

/// Follows the transport, and notices a driver that ends by itself.
fn watch(shared: &Arc<Shared>, driver: &Driver) {
    shared.own(spawn(&*shared.world, follow(shared.clone())));
    let weak = Arc::downgrade(shared);
    driver.on_exit(move || {
        let Some(shared) = weak.upgrade().filter(|shared| !shared.is_closing()) else { return };
        shared.connected.store(false, Ordering::Release);
        let detail = "the engine's driver ended before the connection was closed".to_owned();
        shared.emit(EngineEvent::Limit { limit: "driver-exit", detail });
    });
}
