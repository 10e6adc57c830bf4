//! A network that is bad on purpose, over any other one: what leaves and what comes goes through a lane each.
//!
//! A socket has no task of its own. What is held back leaves and comes in while the engine waits for something to
//! receive, which it always does.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::lane::Lane;
use super::machine::MachineSocket;
use super::{Datagrams, Network, Socket, lock};
use crate::plan::Impairment;
use crate::timeline::{ImpairedPackets, Way};
use crate::world::{BoxFuture, World};

/// A network whose datagrams meet with accidents.
#[derive(Debug)]
pub struct ImpairedNetwork {
    world: Arc<dyn World>,
    inner: Arc<dyn Network>,
    /// Tells the networks of one world apart.
    label: String,
    sent: Impairment,
    received: Impairment,
    connection: Mutex<Option<Arc<Lanes>>>,
}

/// What the sockets of one connection share: they are one way to the network.
#[derive(Debug)]
struct Lanes {
    start: Instant,
    sent: Mutex<Lane>,
    received: Mutex<Lane>,
}

impl ImpairedNetwork {
    /// `sent` happens to what leaves, `received` to what comes in. `label` tells the networks of one world apart. Times
    /// count from the first socket of a connection.
    #[must_use]
    pub fn new(
        world: Arc<dyn World>,
        inner: Arc<dyn Network>,
        label: &str,
        sent: Impairment,
        received: Impairment,
    ) -> Self {
        Self { world, inner, label: label.to_owned(), sent, received, connection: Mutex::default() }
    }

    /// Those of the connection that is open, or of a new one.
    fn lanes(&self) -> Arc<Lanes> {
        let mut connection = lock(&self.connection);
        if let Some(open) = connection.as_ref().filter(|lanes| Arc::strong_count(lanes) > 1) {
            return Arc::clone(open);
        }
        let lane = |way, impairment: &Impairment| {
            Mutex::new(Lane::new(&*self.world, &self.label, way, impairment.clone()))
        };
        let lanes = Arc::new(Lanes {
            start: self.world.now(),
            sent: lane(Way::Sent, &self.sent),
            received: lane(Way::Received, &self.received),
        });
        *connection = Some(Arc::clone(&lanes));
        lanes
    }
}

impl Network for ImpairedNetwork {
    fn udp(&self, socket: std::net::UdpSocket) -> io::Result<Socket> {
        let inner: Arc<dyn Datagrams> = match self.inner.udp(socket)? {
            Socket::System(socket) => Arc::new(MachineSocket::new(socket)?),
            Socket::Datagrams(socket) => socket,
        };
        Ok(Socket::Datagrams(Arc::new(ImpairedSocket {
            world: Arc::clone(&self.world),
            inner,
            lanes: self.lanes(),
            state: Mutex::default(),
        })))
    }

    fn resolve(&self, host: &str, port: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        self.inner.resolve(host, port)
    }

    fn is_machine(&self) -> bool {
        self.inner.is_machine()
    }

    fn seen_as(&self, address: SocketAddr) -> SocketAddr {
        self.inner.seen_as(address)
    }

    fn impairment(&self) -> Option<Vec<ImpairedPackets>> {
        let lanes = lock(&self.connection).clone()?;
        let mut all: Vec<ImpairedPackets> = Vec::new();
        if !self.sent.is_nothing() {
            all.extend(lock(&lanes.sent).counts());
        }
        if !self.received.is_nothing() {
            all.extend(lock(&lanes.received).counts());
        }
        Some(all)
    }
}

#[derive(Debug)]
struct ImpairedSocket {
    world: Arc<dyn World>,
    inner: Arc<dyn Datagrams>,
    lanes: Arc<Lanes>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leaving: BinaryHeap<Reverse<Parcel>>,
    coming: BinaryHeap<Reverse<Parcel>>,
    parcels: u64,
    /// Until the next parcel is due.
    timer: Option<(Instant, BoxFuture<()>)>,
    reader: Option<Waker>,
}

/// A datagram that is held back.
struct Parcel {
    due: Instant,
    number: u64,
    datagram: Vec<u8>,
    /// Where it goes, or where it came from.
    peer: SocketAddr,
}

impl Datagrams for ImpairedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, datagram: &[u8], to: SocketAddr) -> Poll<io::Result<()>> {
        let now = self.world.now();
        let since = now.saturating_duration_since(self.lanes.start);
        let passage = lock(&self.lanes.sent).pass(since, datagram);
        let Some(passage) = passage else { return Poll::Ready(Ok(())) };
        let mut state = lock(&self.state);
        // One that the socket does not take at once was let through all the same: it leaves as soon as it can.
        if passage.due <= since
            && !passage.twice
            && state.leaving.is_empty()
            && let Poll::Ready(sent) = self.inner.poll_send(cx, datagram, to)
        {
            return Poll::Ready(sent);
        }
        let due = self.lanes.start + passage.due;
        for _ in 0..=u8::from(passage.twice) {
            let parcel = state.parcel(due, datagram.to_vec(), to);
            state.leaving.push(Reverse(parcel));
        }
        // Whoever waits for something to receive sends it when it is due.
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut state = lock(&self.state);
        loop {
            if let Some(arrived) = self.take_in(&mut state, cx, buffer)? {
                return Poll::Ready(Ok(arrived));
            }
            let now = self.world.now();
            self.send_due(&mut state, cx, now);
            if let Some(parcel) = state.coming.peek().filter(|Reverse(parcel)| parcel.due <= now) {
                let Reverse(parcel) = parcel;
                let length = parcel.datagram.len().min(buffer.len());
                buffer[..length].copy_from_slice(&parcel.datagram[..length]);
                let from = parcel.peer;
                state.coming.pop();
                return Poll::Ready(Ok((length, from)));
            }
            state.reader = Some(cx.waker().clone());
            if !self.timer_is_over(&mut state, cx) {
                return Poll::Pending;
            }
        }
    }
}

impl ImpairedSocket {
    /// Everything that has come in goes through the lane; what is not held back at all is in `buffer`.
    fn take_in(
        &self,
        state: &mut State,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> io::Result<Option<(usize, SocketAddr)>> {
        while let Poll::Ready(received) = self.inner.poll_recv(cx, buffer) {
            let (length, from) = received?;
            let since = self.world.now().saturating_duration_since(self.lanes.start);
            let passage = lock(&self.lanes.received).pass(since, &buffer[..length]);
            let Some(passage) = passage else { continue };
            if passage.due <= since && !passage.twice && state.coming.is_empty() {
                return Ok(Some((length, from)));
            }
            for _ in 0..=u8::from(passage.twice) {
                let parcel = state.parcel(self.lanes.start + passage.due, buffer[..length].to_vec(), from);
                state.coming.push(Reverse(parcel));
            }
        }
        Ok(None)
    }

    /// What is due leaves. One that cannot be sent is gone, as without a detour: it says nothing about what comes in.
    fn send_due(&self, state: &mut State, cx: &mut Context<'_>, now: Instant) {
        while let Some(Reverse(parcel)) = state.leaving.peek().filter(|Reverse(parcel)| parcel.due <= now) {
            match self.inner.poll_send(cx, &parcel.datagram, parcel.peer) {
                // The socket wakes us.
                Poll::Pending => return,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => log::debug!("a datagram to {} was not sent: {error}", parcel.peer),
            }
            state.leaving.pop();
        }
    }

    /// Whether the next parcel has become due meanwhile. Otherwise its timer wakes us.
    fn timer_is_over(&self, state: &mut State, cx: &mut Context<'_>) -> bool {
        let now = self.world.now();
        let later = |heap: &BinaryHeap<Reverse<Parcel>>| {
            // What is due and still here waits for the socket, which wakes us.
            heap.peek().map(|Reverse(parcel)| parcel.due).filter(|due| *due > now)
        };
        let Some(next) = [later(&state.leaving), later(&state.coming)].into_iter().flatten().min() else {
            state.timer = None;
            return false;
        };
        if state.timer.as_ref().is_none_or(|(due, _)| *due != next) {
            let left = next.saturating_duration_since(now);
            state.timer = Some((next, self.world.sleep(left)));
        }
        let over = state.timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_ready());
        if over {
            state.timer = None;
        }
        over
    }
}

impl Drop for ImpairedSocket {
    /// What is on its way arrives, although the sender is gone.
    fn drop(&mut self) {
        let leaving = std::mem::take(&mut lock(&self.state).leaving);
        if leaving.is_empty() {
            return;
        }
        let (world, inner) = (Arc::clone(&self.world), Arc::clone(&self.inner));
        self.world.spawn_detached(Box::pin(async move {
            for Reverse(parcel) in leaving.into_sorted_vec().into_iter().rev() {
                world.sleep(parcel.due.saturating_duration_since(world.now())).await;
                // One that cannot be sent is gone; the next may go elsewhere.
                let _ = std::future::poll_fn(|cx| inner.poll_send(cx, &parcel.datagram, parcel.peer)).await;
            }
        }));
    }
}

impl State {
    fn parcel(&mut self, due: Instant, datagram: Vec<u8>, peer: SocketAddr) -> Parcel {
        self.parcels += 1;
        Parcel { due, number: self.parcels, datagram, peer }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("leaving", &self.leaving.len())
            .field("coming", &self.coming.len())
            .finish_non_exhaustive()
    }
}

impl Parcel {
    fn key(&self) -> (Instant, u64) {
        (self.due, self.number)
    }
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Parcel {}

impl PartialOrd for Parcel {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parcel {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
