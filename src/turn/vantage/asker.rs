//! The prober's end: who plays the outside for it, and the sockets that it has there.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::channel::mpsc;
use rand::RngExt;

use super::PREFIX;
use super::message::{Bytes, OutsideMessage};
use crate::diagnostic::escaped;
use crate::stun::{LinkError, Stop, Waited};
use crate::world::World;

/// How long the other machine may take to answer, such as to ask two servers how they see a socket of it.
const ANSWER: Duration = Duration::from_secs(3);

/// More datagrams are not kept for whoever reads them later.
const KEPT: usize = 64;

/// No longer reason of another machine is shown, in bytes.
const REASON: usize = 200;

/// The peer that plays the outside. Clones are handed around in an [`Arc`].
#[derive(Debug)]
pub struct Vantage {
    stamp: Vec<u8>,
    outgoing: mpsc::UnboundedSender<OutsideMessage>,
    next: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Why nobody plays the outside; None while somebody does.
    absent: Option<String>,
    seats: BTreeMap<u64, mpsc::UnboundedSender<OutsideMessage>>,
}

impl Vantage {
    /// One that nobody plays yet, and what it has to say to whoever will.
    #[must_use]
    pub fn new(world: &dyn World, absent: String) -> (Arc<Self>, mpsc::UnboundedReceiver<OutsideMessage>) {
        let (outgoing, said) = mpsc::unbounded();
        let stamp = [PREFIX, &world.rng("outside stamp").random::<[u8; 8]>()].concat();
        let state = Mutex::new(State { absent: Some(absent), seats: BTreeMap::new() });
        (Arc::new(Self { stamp, outgoing, next: AtomicU64::new(0), state }), said)
    }

    /// Somebody plays the outside from now on.
    pub fn found(&self) {
        self.state().absent = None;
    }

    /// Nobody does any more. Whoever waits for something from there waits no longer.
    pub fn lost(&self, why: String) {
        let mut state = self.state();
        state.absent = Some(why);
        state.seats.clear();
    }

    /// Takes what the other machine says.
    pub fn hear(&self, message: OutsideMessage) {
        let mut state = self.state();
        let id = message.socket();
        // Whoever has put its seat away wants to hear no more.
        if let Some(seat) = state.seats.get(&id)
            && seat.unbounded_send(message).is_err()
        {
            state.seats.remove(&id);
        }
    }

    /// What the datagrams of this run begin with.
    pub(in crate::turn) fn stamp(&self) -> &[u8] {
        &self.stamp
    }

    /// A socket of the other machine, or why there is none.
    ///
    /// # Errors
    /// We are stopped.
    pub(in crate::turn) async fn open(
        self: &Arc<Self>,
        world: &dyn World,
        stop: &Stop,
        servers: Vec<SocketAddr>,
    ) -> Result<Result<Seat, String>, LinkError> {
        let (tell, heard) = mpsc::unbounded();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        {
            let mut state = self.state();
            if let Some(why) = &state.absent {
                return Ok(Err(why.clone()));
            }
            state.seats.insert(id, tell);
        }
        self.say(OutsideMessage::Open { socket: id, stamp: Bytes(self.stamp.clone()), servers });
        // Made before the answer is looked at, so that what comes to nothing is put away.
        let mapped = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut seat = Seat { vantage: Arc::clone(self), id, heard, arrived: VecDeque::new(), mapped };
        let why = match stop.within(world, ANSWER, seat.heard.next()).await {
            Waited::Stopped => return Err(LinkError::Stopped),
            Waited::Done(Some(OutsideMessage::Opened { mapped, .. })) => {
                seat.mapped = mapped;
                return Ok(Ok(seat));
            }
            Waited::Done(Some(OutsideMessage::Refused { reason, .. })) => {
                let reason = &reason[..reason.floor_char_boundary(REASON)];
                format!("the machine that plays the outside says: {}", escaped(reason.as_bytes()))
            }
            Waited::Done(Some(_)) => {
                "the machine that plays the outside says what nobody asked for".to_owned()
            }
            Waited::Done(None) => self.absent().unwrap_or_default(),
            Waited::TooLong => silent(),
        };
        Ok(Err(why))
    }

    /// Why nobody plays the outside; None while somebody does.
    fn absent(&self) -> Option<String> {
        self.state().absent.clone()
    }

    fn say(&self, message: OutsideMessage) {
        // Who carries the messages may be gone already; then no answer comes.
        drop(self.outgoing.unbounded_send(message));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn silent() -> String {
    format!("the machine that plays the outside did not answer in {} s", ANSWER.as_secs())
}

/// A socket of the other machine. Closed there when dropped.
#[derive(Debug)]
pub(in crate::turn) struct Seat {
    vantage: Arc<Vantage>,
    id: u64,
    heard: mpsc::UnboundedReceiver<OutsideMessage>,
    /// Told before anybody asked for it.
    arrived: VecDeque<(Vec<u8>, SocketAddr)>,
    mapped: SocketAddr,
}

impl Seat {
    /// How a server sees it.
    pub(in crate::turn) const fn mapped(&self) -> SocketAddr {
        self.mapped
    }

    /// Lets it send a datagram for each payload, and waits until they are sent; what arrived there by then is known here
    /// afterwards. None, or why the other machine does not say so: then nothing is known of what it sent and heard.
    ///
    /// # Errors
    /// We are stopped.
    pub(in crate::turn) async fn send(
        &mut self,
        world: &dyn World,
        stop: &Stop,
        payloads: &[Vec<u8>],
        to: SocketAddr,
    ) -> Result<Option<String>, LinkError> {
        let payloads = payloads.iter().cloned().map(Bytes).collect();
        self.vantage.say(OutsideMessage::Send { socket: self.id, to, payloads });
        let until = world.now() + ANSWER;
        loop {
            let left = until.saturating_duration_since(world.now());
            match stop.within(world, left, self.heard.next()).await {
                Waited::Done(Some(OutsideMessage::Sent { .. })) => return Ok(None),
                Waited::Done(Some(message)) => self.keep(message),
                Waited::Done(None) => return Ok(Some(self.vantage.absent().unwrap_or_else(silent))),
                Waited::TooLong => return Ok(Some(silent())),
                Waited::Stopped => return Err(LinkError::Stopped),
            }
        }
    }

    /// A datagram with our stamp that has come there, or comes before `until`.
    ///
    /// # Errors
    /// We are stopped.
    pub(in crate::turn) async fn receive(
        &mut self,
        world: &dyn World,
        stop: &Stop,
        until: Instant,
    ) -> Result<Option<(Vec<u8>, SocketAddr)>, LinkError> {
        loop {
            if let Some(arrived) = self.arrived.pop_front() {
                return Ok(Some(arrived));
            }
            let left = until.saturating_duration_since(world.now());
            if left.is_zero() {
                return Ok(None);
            }
            match stop.within(world, left, self.heard.next()).await {
                Waited::Done(Some(message)) => self.keep(message),
                Waited::Done(None) | Waited::TooLong => return Ok(None),
                Waited::Stopped => return Err(LinkError::Stopped),
            }
        }
    }

    fn keep(&mut self, message: OutsideMessage) {
        if let OutsideMessage::Arrived { payload, from, .. } = message
            && self.arrived.len() < KEPT
        {
            self.arrived.push_back((payload.0, from));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.vantage.state().seats.remove(&self.id);
        self.vantage.say(OutsideMessage::Close { socket: self.id });
    }
}
