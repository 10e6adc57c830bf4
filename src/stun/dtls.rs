//! DTLS to a server: the engine's own endpoint, driven over a socket of ours.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rtc_crypto::default_provider;
use rtc_dtls::config::{ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig, VerifyPeerCertificateFn};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error as EngineError;
use rustls::pki_types::CertificateDer;
use tokio::net::UdpSocket;

use super::LinkError;
use super::connection::{Shaken, refused};
use super::fragments;
use crate::diagnostic::escaped;
use crate::trust::{Seen, Trust, unix_time};
use crate::world::{self, World};

/// How long to wait where the endpoint has no timer of its own.
const IDLE: Duration = Duration::from_millis(200);

/// After this a flight is sent again. DTLS says 1 s and lets those who know better be quicker (RFC 9147 §5.8.2): coturn
/// often misses the first ClientHello with a cookie.
const FLIGHT: Duration = Duration::from_millis(250);

/// An open association.
pub(super) struct Dtls {
    world: Arc<dyn World>,
    socket: UdpSocket,
    endpoint: Endpoint,
    remote: SocketAddr,
    arrived: VecDeque<Vec<u8>>,
    closed: bool,
}

impl Dtls {
    pub(super) async fn shake_hands(
        world: &Arc<dyn World>,
        socket: UdpSocket,
        remote: SocketAddr,
        trust: &Trust,
        host: &str,
    ) -> Shaken<Self> {
        let seen = Seen::default();
        let shaken = Self::start(world, socket, remote, trust, host, &seen);
        let result = match shaken {
            Ok(mut dtls) => dtls.finish().await.map(|()| dtls),
            Err(error) => Err(error),
        };
        let certificate = seen.take();
        let result = result.map_err(|error| match error {
            // The endpoint tells a refused certificate as one of many faults; we know better.
            LinkError::Handshake(_) => refused(certificate.as_ref()).unwrap_or(error),
            other => other,
        });
        (result, certificate)
    }

    pub(super) fn forbid_fragments(&self, forbid: bool) -> bool {
        fragments::forbid(&self.socket, forbid)
    }

    fn start(
        world: &Arc<dyn World>,
        socket: UdpSocket,
        remote: SocketAddr,
        trust: &Trust,
        host: &str,
        seen: &Seen,
    ) -> Result<Self, LinkError> {
        let config = config(world, remote, trust, host, seen)?;
        let mut endpoint = Endpoint::new(socket.local_addr()?, TransportProtocol::UDP, None);
        endpoint.connect(world.now(), remote, Arc::new(config), None).map_err(failed)?;
        let world = Arc::clone(world);
        Ok(Self { world, socket, endpoint, remote, arrived: VecDeque::new(), closed: false })
    }

    async fn finish(&mut self) -> Result<(), LinkError> {
        let mut buffer = vec![0; 4096];
        let (start, mut sent, mut heard) = (self.world.now(), 0, false);
        loop {
            sent += self.flush()?;
            let now = self.world.now();
            let wait =
                self.endpoint.poll_timeout(&self.remote).map_or(IDLE, |at| at.saturating_duration_since(now));
            match world::timeout(&*self.world, wait, self.socket.recv(&mut buffer)).await {
                Ok(length) => {
                    let read = self.take(&buffer[..length?]);
                    heard = true;
                    // An alert that says why must go out before we go.
                    self.flush()?;
                    if read? {
                        return self.flush().map(drop);
                    }
                }
                Err(_) => {
                    let gone_on = self.endpoint.handle_timeout(self.remote, self.world.now());
                    gone_on.map_err(|error| match heard {
                        true => failed(error),
                        // Whatever it calls it: it has sent its flight as often as it wants to.
                        false => LinkError::Silent { sent, waited: self.world.now() - start, ignored: None },
                    })?;
                }
            }
        }
    }

    /// Reads a datagram; true once the handshake is complete.
    fn take(&mut self, datagram: &[u8]) -> Result<bool, LinkError> {
        let now = self.world.now();
        let events = self.endpoint.read(now, self.remote, None, BytesMut::from(datagram)).map_err(failed)?;
        let mut complete = false;
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => complete = true,
                EndpointEvent::ApplicationData(data) => self.arrived.push_back(data.to_vec()),
                EndpointEvent::PeerClosed => self.closed = true,
                // The library may tell more one day.
                _ => {}
            }
        }
        Ok(complete)
    }

    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), LinkError> {
        self.endpoint.write(self.world.now(), self.remote, message).map_err(failed)?;
        self.flush().map(drop)
    }

    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, LinkError> {
        let mut buffer = vec![0; 4096];
        loop {
            if let Some(message) = self.arrived.pop_front() {
                return Ok(message);
            }
            if self.closed {
                return Err(LinkError::Closed);
            }
            let length = self.socket.recv(&mut buffer).await?;
            self.take(&buffer[..length])?;
            self.flush()?;
        }
    }

    /// Sends what waits to be sent, and counts it.
    fn flush(&mut self) -> Result<u32, LinkError> {
        let mut sent = 0;
        while let Some(transmit) = self.endpoint.poll_transmit() {
            sent += 1;
            match self.socket.try_send(&transmit.message) {
                Ok(_) => {}
                // A full socket loses a datagram, as networks do; flights are sent again.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sent)
    }
}

fn config(
    world: &Arc<dyn World>,
    remote: SocketAddr,
    trust: &Trust,
    host: &str,
    seen: &Seen,
) -> Result<HandshakeConfig, LinkError> {
    let (world, trust, name, seen) = (Arc::clone(world), trust.clone(), host.to_owned(), seen.clone());
    // Its own check knows neither the chain nor the cause; ours does both, and refuses as it would.
    let verify: VerifyPeerCertificateFn =
        Arc::new(move |chain: &[Vec<u8>], _: &[CertificateDer<'static>]| {
            let chain: Vec<CertificateDer<'_>> =
                chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
            let certificate = trust.judge(&chain, &name, unix_time(world.wall()));
            let accepted = trust.accepts(&certificate);
            seen.keep(certificate);
            if accepted {
                Ok(())
            } else {
                Err(EngineError::Other("the certificate is not trusted".to_owned()))
            }
        });
    let provider = default_provider().map_err(|error| LinkError::Handshake(error.to_string()))?;
    ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_server_name(host.to_owned())
        .with_extended_master_secret(ExtendedMasterSecretType::Request)
        .with_flight_interval(FLIGHT)
        .with_insecure_skip_verify(true)
        .with_verify_peer_certificate(Some(verify))
        .build(true, Some(remote))
        .map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn failed(error: EngineError) -> LinkError {
    LinkError::Handshake(format!("DTLS: {}", escaped(error.to_string().as_bytes())))
}
