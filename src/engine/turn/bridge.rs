//! Carries the engine's TURN over TCP, TLS or DTLS: a socket on this machine that the engine takes for the server. Each
//! of the engine's sockets has a connection of its own to the real one. Addresses stand inside of TURN's messages, so
//! that nothing has to be rewritten.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, select_biased};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::exchange::{Exchange, Request, refused};
use crate::engine::EngineEvent;
use crate::engine::shared::Events;
use crate::stun::{Connection, LinkError};
use crate::timeline::ServerError;
use crate::trust::Trust;
use crate::world::{Task, World, spawn, timeout};

/// A connection and its handshake must be there within this time; browsers give up after about as much.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// So many messages may wait for the server. What comes on top is lost, as it would be on UDP.
const QUEUE: usize = 256;
/// What the engine sends is no larger.
const LARGEST: usize = 65_536;
/// An engine has no more sockets than this.
const MOST_CLIENTS: usize = 64;

/// What carries the messages to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Upstream {
    Tcp,
    Tls,
    Dtls,
}

/// A server to be reached.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Bridge {
    pub(in crate::engine) upstream: Upstream,
    pub(in crate::engine) remote: SocketAddr,
    /// Whom the certificate must name.
    pub(in crate::engine) host: String,
    /// The URL as it was given.
    pub(in crate::engine) url: String,
    pub(in crate::engine) trust: Arc<Trust>,
}

/// Opens the socket that stands for the server. The engine finds it at the address that comes back; what carries on ends
/// with the task.
///
/// # Errors
/// No socket can be had.
pub(in crate::engine) fn bridge(
    world: &Arc<dyn World>,
    events: &Events,
    bind: &[IpAddr],
    bridge: Bridge,
) -> io::Result<(SocketAddr, Task)> {
    let own = bind.first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let socket = std::net::UdpSocket::bind((own, 0))?;
    socket.set_nonblocking(true)?;
    let socket = Arc::new(UdpSocket::from_std(socket)?);
    let address = socket.local_addr()?;
    let far = Far { world: Arc::clone(world), events: events.clone(), bridge, failed: Arc::default() };
    let bind = bind.to_vec();
    Ok((address, spawn(&**world, listen(socket, far, bind))))
}

/// The far end, as every client of the bridge knows it.
#[derive(Clone)]
struct Far {
    world: Arc<dyn World>,
    events: Events,
    bridge: Bridge,
    /// What was told already. Several sockets meet the same trouble, and an application is told once.
    failed: Arc<Mutex<Option<String>>>,
}

async fn listen(socket: Arc<UdpSocket>, far: Far, bind: Vec<IpAddr>) {
    let mut clients: BTreeMap<SocketAddr, (mpsc::Sender<Vec<u8>>, Task)> = BTreeMap::new();
    let mut buffer = vec![0; LARGEST];
    loop {
        let (length, from) = match socket.recv_from(&mut buffer).await {
            Ok(came) => came,
            // ICMP tells of a client that is gone; the others go on.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            Err(_) => return,
        };
        // Nobody but our own engine may use our credentials.
        if !bind.contains(&from.ip()) || (clients.len() == MOST_CLIENTS && !clients.contains_key(&from)) {
            continue;
        }
        let (queue, _) = clients.entry(from).or_insert_with(|| {
            let (queue, messages) = mpsc::channel(QUEUE);
            let client = Client { socket: Arc::clone(&socket), address: from, messages, far: far.clone() };
            (queue, spawn(&*far.world, client.run()))
        });
        // A full queue loses it.
        let _ = queue.try_send(buffer[..length].to_vec());
    }
}

/// One socket of the engine.
struct Client {
    socket: Arc<UdpSocket>,
    address: SocketAddr,
    messages: mpsc::Receiver<Vec<u8>>,
    far: Far,
}

impl Client {
    async fn run(mut self) {
        let why = match self.far.connect().await {
            Ok(connection) => self.carry(connection).await,
            Err(why) => why,
        };
        self.far.tell_once(&why);
        // Whoever asks is told at once, so that gathering need not wait for its end.
        while let Some(message) = self.messages.recv().await {
            if let Some(answer) = refused(&message) {
                self.hand_back(&answer).await;
            }
        }
    }

    /// Carries both ways until the connection breaks. Why it did.
    async fn carry(&mut self, mut connection: Connection) -> LinkError {
        let mut exchange = Exchange::default();
        loop {
            let came = select_biased! {
                message = self.messages.recv().fuse() => Came::Ours(message),
                message = connection.receive().fuse() => Came::Theirs(message),
            };
            match came {
                Came::Ours(None) => return LinkError::Stopped,
                Came::Ours(Some(message)) => {
                    let request = exchange.asked(&message);
                    if matches!(request, Request::New { binds: true, .. }) {
                        connection.expect_channels();
                    }
                    // What is reliable needs no repetition, and a second Allocate would be a mismatch (RFC 8656 §7.2).
                    if request == Request::Again && connection.is_reliable() {
                        continue;
                    }
                    if let Err(error) = connection.send(&message).await {
                        return error;
                    }
                }
                Came::Theirs(Ok(message)) => {
                    if let Some(refusal) = exchange.told(&message) {
                        self.far.tell(refusal.of(&self.far.bridge.url));
                    }
                    self.hand_back(&message).await;
                }
                Came::Theirs(Err(error)) => return error,
            }
        }
    }

    async fn hand_back(&self, message: &[u8]) {
        // A socket of the engine that is gone needs nothing any more.
        let _ = self.socket.send_to(message, self.address).await;
    }
}

enum Came {
    Ours(Option<Vec<u8>>),
    Theirs(Result<Vec<u8>, LinkError>),
}

impl Far {
    async fn connect(&self) -> Result<Connection, LinkError> {
        let connecting: BoxFuture<'_, Result<Connection, LinkError>> = match self.bridge.upstream {
            Upstream::Tcp => Connection::tcp(self.bridge.remote).boxed(),
            Upstream::Tls => self.secure(Connection::tcp(self.bridge.remote).boxed()).boxed(),
            Upstream::Dtls => self.secure(Connection::udp(self.bridge.remote).boxed()).boxed(),
        };
        let silent = || LinkError::Silent { sent: 1, waited: CONNECT_TIMEOUT, ignored: None };
        timeout(&*self.world, CONNECT_TIMEOUT, connecting).await.map_err(|_| silent())?
    }

    async fn secure(
        &self,
        plain: BoxFuture<'_, Result<Connection, LinkError>>,
    ) -> Result<Connection, LinkError> {
        let Bridge { trust, host, .. } = &self.bridge;
        plain.await?.secured(&self.world, trust, host).await.0
    }

    fn tell_once(&self, why: &LinkError) {
        let text = match why {
            LinkError::Stopped => return,
            LinkError::Silent { .. } => format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
            other => other.to_string(),
        };
        let mut failed = self.failed.lock().expect("no panic while held");
        if failed.as_ref() != Some(&text) {
            *failed = Some(text.clone());
            let url = self.bridge.url.clone();
            self.tell(ServerError { url, code: 701, text, authenticated: false, peer: None });
        }
    }

    fn tell(&self, error: ServerError) {
        // An owner that no longer listens does not matter.
        let _ = self.events.unbounded_send((self.world.now(), EngineEvent::ServerError(error)));
    }
}
