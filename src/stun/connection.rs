//! A connection to one address of a server, whatever carries it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::LinkError;
use super::dtls::Dtls;
use super::fragments;
use super::framing::Deframer;
use crate::diagnostic::escaped;
use crate::trust::{Certificate, CertificateProblem, Trust};
use crate::world::World;

/// As much as a datagram can hold.
const DATAGRAM: usize = 65_536;

/// An open connection.
pub struct Connection {
    kind: Kind,
    local: SocketAddr,
    remote: SocketAddr,
}

enum Kind {
    Datagrams(UdpSocket),
    Plain(TcpStream, Deframer),
    Secure(Box<dyn Stream>, Deframer),
    Dtls(Box<Dtls>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How a handshake of TLS or DTLS ended, and the certificate if one was shown.
pub(super) type Shaken<T> = (Result<T, LinkError>, Option<Certificate>);

impl Connection {
    /// A socket of our own that is connected, so that ICMP errors are told.
    ///
    /// # Errors
    /// No socket can be had, or there is no route.
    pub async fn udp(remote: SocketAddr) -> Result<Self, LinkError> {
        Self::udp_from(None, remote).await
    }

    /// As [`Self::udp`], from that address of ours.
    ///
    /// # Errors
    /// As for [`Self::udp`], and the address is not ours.
    pub async fn udp_from(local: Option<IpAddr>, remote: SocketAddr) -> Result<Self, LinkError> {
        let local = local.map_or_else(|| any(remote), |ip| SocketAddr::new(ip, 0));
        let socket = UdpSocket::bind(local).await?;
        socket.connect(remote).await?;
        let local = socket.local_addr()?;
        Ok(Self { kind: Kind::Datagrams(socket), local, remote })
    }

    /// Whether this machine could send there at all. No packet is sent.
    pub async fn has_route(remote: SocketAddr) -> bool {
        match UdpSocket::bind(any(remote)).await {
            Ok(socket) => socket.connect(remote).await.is_ok(),
            Err(_) => false,
        }
    }

    /// # Errors
    /// The connection is refused, or there is no route. The one who asks sets a limit.
    pub async fn tcp(remote: SocketAddr) -> Result<Self, LinkError> {
        let stream = TcpStream::connect(remote).await?;
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        Ok(Self { kind: Kind::Plain(stream, Deframer::default()), local, remote })
    }

    /// TLS over a connection of TCP, or DTLS over one of UDP, with a server that must be `host`.
    pub async fn secured(self, world: &Arc<dyn World>, trust: &Trust, host: &str) -> Shaken<Self> {
        let Self { kind, local, remote } = self;
        let (kind, certificate) = match kind {
            Kind::Plain(stream, _) => {
                let (stream, certificate) = tls(stream, trust, host).await;
                (stream.map(|stream| Kind::Secure(stream, Deframer::default())), certificate)
            }
            Kind::Datagrams(socket) => {
                let (dtls, certificate) = Dtls::shake_hands(world, socket, remote, trust, host).await;
                (dtls.map(|dtls| Kind::Dtls(Box::new(dtls))), certificate)
            }
            kind => (Ok(kind), None),
        };
        (kind.map(|kind| Self { kind, local, remote }), certificate)
    }

    /// Our address.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether it delivers what it takes, so that requests are not sent again (RFC 8489 §6.2.2).
    #[must_use]
    pub const fn is_reliable(&self) -> bool {
        matches!(self.kind, Kind::Plain(..) | Kind::Secure(..))
    }

    /// Forbids the system to cut what we send into fragments, or allows it again; whether that could be done. What a stream
    /// carries is cut anyway, and never shows it.
    pub fn forbid_fragments(&self, forbid: bool) -> bool {
        match &self.kind {
            Kind::Datagrams(socket) => fragments::forbid(socket, forbid),
            Kind::Dtls(dtls) => dtls.forbid_fragments(forbid),
            Kind::Plain(..) | Kind::Secure(..) => true,
        }
    }

    /// From here on what looks like ChannelData is ChannelData.
    pub fn expect_channels(&mut self) {
        if let Kind::Plain(_, deframer) | Kind::Secure(_, deframer) = &mut self.kind {
            deframer.channels = true;
        }
    }

    /// Sends a message, padded as streams want it.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), LinkError> {
        match &mut self.kind {
            Kind::Datagrams(socket) => drop(socket.send(message).await?),
            Kind::Plain(stream, _) => write(stream, message).await?,
            Kind::Secure(stream, _) => write(stream, message).await?,
            Kind::Dtls(dtls) => dtls.send(message)?,
        }
        Ok(())
    }

    /// The next message or datagram. Nothing is lost if this is dropped while it waits.
    ///
    /// # Errors
    /// The connection is broken, or what comes is not STUN.
    pub async fn receive(&mut self) -> Result<Vec<u8>, LinkError> {
        match &mut self.kind {
            Kind::Datagrams(socket) => {
                let mut buffer = vec![0; DATAGRAM];
                let length = socket.recv(&mut buffer).await?;
                buffer.truncate(length);
                Ok(buffer)
            }
            Kind::Plain(stream, deframer) => read(stream, deframer).await,
            Kind::Secure(stream, deframer) => read(stream, deframer).await,
            Kind::Dtls(dtls) => dtls.receive().await,
        }
    }
}

fn any(remote: SocketAddr) -> SocketAddr {
    match remote {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

async fn tls(stream: TcpStream, trust: &Trust, host: &str) -> Shaken<Box<dyn Stream>> {
    let (config, seen) = match trust.tls(host) {
        Ok(made) => made,
        Err(why) => return (Err(LinkError::Handshake(why)), None),
    };
    let Ok(name) = ServerName::try_from(host.to_owned()) else {
        let why = format!("`{}` is not a name that TLS can ask for", escaped(host.as_bytes()));
        return (Err(LinkError::Handshake(why)), None);
    };
    let shaken = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let certificate = seen.take();
    let result = match shaken {
        Ok(stream) => Ok(Box::new(stream) as Box<dyn Stream>),
        Err(error) => Err(refused(certificate.as_ref()).unwrap_or_else(|| handshake(error))),
    };
    (result, certificate)
}

/// The reason that the certificate gave, if it gave one.
pub(super) fn refused(certificate: Option<&Certificate>) -> Option<LinkError> {
    let problem: CertificateProblem = certificate?.problem.clone()?;
    Some(LinkError::Certificate(problem))
}

fn handshake(error: std::io::Error) -> LinkError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidMessage(_)) => LinkError::Handshake(
            "what it says is not TLS; does it speak plain TURN or another protocol?".to_owned(),
        ),
        Some(inner) => LinkError::Handshake(format!("TLS: {}", escaped(inner.to_string().as_bytes()))),
        None => error.into(),
    }
}

async fn write(stream: &mut (impl AsyncWrite + Unpin + ?Sized), message: &[u8]) -> Result<(), LinkError> {
    let mut padded = message.to_vec();
    padded.resize(message.len().next_multiple_of(4), 0);
    stream.write_all(&padded).await?;
    stream.flush().await?;
    Ok(())
}

async fn read(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
    deframer: &mut Deframer,
) -> Result<Vec<u8>, LinkError> {
    let mut buffer = [0; 4096];
    loop {
        if let Some(message) = deframer.next_message()? {
            return Ok(message);
        }
        match stream.read(&mut buffer).await? {
            0 => return Err(LinkError::Closed),
            length => deframer.push(&buffer[..length])?,
        }
    }
}
