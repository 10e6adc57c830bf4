//! Carries the engine's TURN to the server, over whatever the URL names: a socket on this machine that the engine takes
//! for the server. Each of the engine's sockets has a connection of its own to the real one.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use futures::{FutureExt, select_biased};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};

use super::client::Client;
use super::reach::{Upstream, Way};
use crate::engine::EngineEvent;
use crate::engine::shared::Events;
use crate::timeline::ServerError;
use crate::trust::Trust;
use crate::world::{Task, World, spawn};

/// So many messages may wait for the server. What comes on top is lost, as it would be on UDP.
const QUEUE: usize = 256;
/// What the engine sends is no larger.
const LARGEST: usize = 65_536;
/// An engine has no more sockets than this.
const MOST_CLIENTS: usize = 64;

/// A server to be reached.
#[derive(Clone)]
pub(in crate::engine) struct Bridge {
    pub(in crate::engine) upstream: Upstream,
    /// Where it may be, the best first.
    pub(in crate::engine) remotes: Vec<SocketAddr>,
    /// Whom the certificate must name.
    pub(in crate::engine) host: String,
    /// The URL as it was given.
    pub(in crate::engine) url: String,
    pub(in crate::engine) trust: Arc<Trust>,
    /// What requests are signed with.
    pub(in crate::engine) password: String,
}

/// A bridge that carries. What it carries ends when it is dropped.
pub(in crate::engine) struct OpenBridge {
    ending: watch::Sender<()>,
    task: Task,
}

impl std::fmt::Debug for OpenBridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenBridge").finish_non_exhaustive()
    }
}

impl OpenBridge {
    /// Gives back the allocations that are held, and ends. Whoever asks sets a limit.
    pub(in crate::engine) async fn release(self) {
        let Self { ending, task } = self;
        drop(ending);
        task.join().await;
    }
}

/// Opens the socket that stands for the server. The engine finds it at the address that comes back.
///
/// # Errors
/// No socket can be had.
pub(in crate::engine) fn bridge(
    world: &Arc<dyn World>,
    events: &Events,
    bind: &[IpAddr],
    bridge: Bridge,
) -> io::Result<(SocketAddr, OpenBridge)> {
    let own = bind.first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let socket = std::net::UdpSocket::bind((own, 0))?;
    socket.set_nonblocking(true)?;
    let socket = Arc::new(UdpSocket::from_std(socket)?);
    let address = socket.local_addr()?;
    let Bridge { upstream, remotes, host, url, trust, password } = bridge;
    let (end, ending) = watch::channel(());
    let far = Far {
        world: Arc::clone(world),
        events: events.clone(),
        way: Arc::new(Way { upstream, remotes, host, trust }),
        url: url.into(),
        password: password.into(),
        own: bind.into(),
        ending,
        failed: Arc::default(),
    };
    let task = spawn(&**world, listen(socket, far));
    Ok((address, OpenBridge { ending: end, task }))
}

/// The far end, as every client of the bridge knows it.
#[derive(Clone)]
pub(super) struct Far {
    pub(super) world: Arc<dyn World>,
    events: Events,
    pub(super) way: Arc<Way>,
    /// The URL as it was given.
    pub(super) url: Arc<str>,
    pub(super) password: Arc<str>,
    pub(super) own: Arc<[IpAddr]>,
    /// Over when the other end of it is gone.
    pub(super) ending: watch::Receiver<()>,
    /// What was told already. Several sockets meet the same trouble, and an application is told once.
    failed: Arc<Mutex<Option<String>>>,
}

async fn listen(socket: Arc<UdpSocket>, far: Far) {
    let mut clients: BTreeMap<SocketAddr, (mpsc::Sender<Vec<u8>>, Task)> = BTreeMap::new();
    let mut buffer = vec![0; LARGEST];
    let mut ending = far.ending.clone();
    loop {
        let came = select_biased! {
            came = socket.recv_from(&mut buffer).fuse() => came,
            _ = ending.changed().fuse() => break,
        };
        let (length, from) = match came {
            Ok(came) => came,
            // ICMP tells of a client that is gone; the others go on.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            Err(_) => return,
        };
        // Nobody but our own engine may use our credentials.
        if !far.own.contains(&from.ip()) || (clients.len() == MOST_CLIENTS && !clients.contains_key(&from)) {
            continue;
        }
        let (queue, _) = clients.entry(from).or_insert_with(|| {
            let (queue, messages) = mpsc::channel(QUEUE);
            let client = Client::new(Arc::clone(&socket), from, messages, far.clone());
            (queue, spawn(&*far.world, client.run()))
        });
        // A full queue loses it.
        let _ = queue.try_send(buffer[..length].to_vec());
    }
    // A client that is asked nothing more gives back what it holds.
    join_all(clients.into_values().map(|(queue, task)| {
        drop(queue);
        task.join()
    }))
    .await;
}

impl Far {
    /// Tells of what cannot be used, unless that was told.
    pub(super) fn tell_once(&self, text: String) {
        let mut failed = self.failed.lock().expect("no panic while held");
        if failed.as_ref() != Some(&text) {
            *failed = Some(text.clone());
            let url = self.url.to_string();
            self.tell(ServerError { url, code: 701, text, authenticated: false, peer: None });
        }
    }

    pub(super) fn tell(&self, error: ServerError) {
        // An owner that no longer listens does not matter.
        let _ = self.events.unbounded_send((self.world.now(), EngineEvent::ServerError(error)));
    }
}
