//! Worlds for tests of the engine.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use futures::channel::{mpsc, oneshot};
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use futures::{FutureExt, StreamExt};

use crate::network::{Datagrams, Network, Socket};
use crate::world::{BoxFuture, World};

/// A world whose clock moves only when told; nothing runs in it.
#[derive(Debug)]
pub(in crate::engine) struct StillWorld(Mutex<Instant>);

impl StillWorld {
    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    pub(in crate::engine) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(in crate::engine) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl World for StillWorld {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }

    fn spawn_detached(&self, _: BoxFuture<()>) {}

    fn seed(&self) -> u64 {
        7
    }
}

/// A world that runs its tasks on the calling thread and steps its clock to the next sleeper when nobody can go on.
pub(super) struct SteppedWorld {
    start: Instant,
    state: Mutex<Steps>,
}

#[derive(Default)]
struct Steps {
    now: Duration,
    count: u64,
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    spawned: Vec<BoxFuture<()>>,
}

/// Nothing that is tested takes longer.
const LONGEST_RUN: Duration = Duration::from_secs(60);

impl std::fmt::Debug for SteppedWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SteppedWorld")
    }
}

impl SteppedWorld {
    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), state: Mutex::default() })
    }

    /// Runs `main` and everything that is spawned meanwhile, until `main` is done.
    pub(super) fn run(&self, main: impl Future<Output = ()> + 'static) {
        let mut pool = LocalPool::new();
        let done = Rc::new(Cell::new(false));
        let told = done.clone();
        pool.spawner().spawn_local(main.map(move |()| told.set(true))).unwrap();
        while !done.get() {
            pool.run_until_stalled();
            let spawned = std::mem::take(&mut self.state.lock().unwrap().spawned);
            if !spawned.is_empty() {
                spawned.into_iter().for_each(|task| pool.spawner().spawn_local(task).unwrap());
            } else if !done.get() {
                self.step();
            }
        }
    }

    fn step(&self) {
        let mut state = self.state.lock().unwrap();
        let ((at, _), sleeper) = state.sleepers.pop_first().expect("somebody sleeps while nobody can go on");
        assert!(at < LONGEST_RUN, "what is waited for does not come");
        state.now = at;
        // Whoever slept may have lost interest.
        let _ = sleeper.send(());
    }
}

impl World for SteppedWorld {
    fn now(&self) -> Instant {
        self.start + self.state.lock().unwrap().now
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let (sender, woken) = oneshot::channel();
        let mut state = self.state.lock().unwrap();
        state.count += 1;
        let at = (state.now.saturating_add(duration), state.count);
        state.sleepers.insert(at, sender);
        Box::pin(woken.map(|_| ()))
    }

    fn spawn_detached(&self, future: BoxFuture<()>) {
        self.state.lock().unwrap().spawned.push(future);
    }

    fn seed(&self) -> u64 {
        7
    }
}

/// Which datagrams arrive: the datagram, and where it goes.
type Passes = Box<dyn Fn(&[u8], SocketAddr) -> bool + Send + Sync>;

/// A datagram, and where it came from.
type Arrival = (SocketAddr, Vec<u8>);

/// How long a datagram travels. The ICE agent nominates no pair at the instant at which it was started.
const LATENCY: Duration = Duration::from_millis(1);

/// Datagrams go from hand to hand; a real socket's address is only a name.
pub(super) struct MemoryNetwork {
    world: Arc<dyn World>,
    passes: Passes,
    sockets: Mutex<BTreeMap<SocketAddr, mpsc::UnboundedSender<Arrival>>>,
}

impl MemoryNetwork {
    pub(super) fn new(
        world: Arc<dyn World>,
        passes: impl Fn(&[u8], SocketAddr) -> bool + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { world, passes: Box::new(passes), sockets: Mutex::default() })
    }
}

impl std::fmt::Debug for MemoryNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryNetwork")
    }
}

/// A network hands out sockets that know it, so it is implemented for the `Arc`.
impl Network for Arc<MemoryNetwork> {
    fn udp(&self, socket: std::net::UdpSocket) -> io::Result<Socket> {
        let address = socket.local_addr()?;
        let (sender, inbox) = mpsc::unbounded();
        self.sockets.lock().unwrap().insert(address, sender);
        Ok(Socket::Datagrams(Arc::new(MemorySocket {
            address,
            inbox: Mutex::new(inbox),
            network: self.clone(),
        })))
    }
}

#[derive(Debug)]
struct MemorySocket {
    address: SocketAddr,
    inbox: Mutex<mpsc::UnboundedReceiver<Arrival>>,
    network: Arc<MemoryNetwork>,
}

impl Datagrams for MemorySocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn poll_send(&self, _: &mut Context<'_>, datagram: &[u8], to: SocketAddr) -> Poll<io::Result<()>> {
        if (self.network.passes)(datagram, to) {
            let (network, from, datagram) = (self.network.clone(), self.address, datagram.to_vec());
            self.network.world.spawn_detached(Box::pin(async move {
                network.world.sleep(LATENCY).await;
                if let Some(socket) = network.sockets.lock().unwrap().get(&to) {
                    let _ = socket.unbounded_send((from, datagram));
                }
            }));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        match self.inbox.lock().unwrap().poll_next_unpin(cx) {
            Poll::Ready(Some((from, datagram))) => {
                buffer[..datagram.len()].copy_from_slice(&datagram);
                Poll::Ready(Ok((datagram.len(), from)))
            }
            _ => Poll::Pending,
        }
    }
}
