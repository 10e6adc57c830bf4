//! The rooms with their connections: takes messages, holds everybody to the limits, and queues what goes out.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, UNIX_EPOCH};

use futures::channel::oneshot;

use super::queue::{self, Frame, Outbox, Queue};
use super::rooms::{ConnectionId, Delivery, Rooms};
use super::{Limits, ServerConfig};
use crate::signaling::message::{Body, Join, Message};
use crate::signaling::{ErrorCode, RoomError, Token};
use crate::world::{self, Task, World};

/// All rooms of a server. Clones share them. Needs no Tokio: time and tasks come from the [`World`].
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    world: Arc<dyn World>,
    config: ServerConfig,
    state: Mutex<State>,
}

struct State {
    rooms: Rooms,
    connections: BTreeMap<ConnectionId, Peer>,
    last_connection: ConnectionId,
    waiting_for_empty: Vec<oneshot::Sender<()>>,
}

/// The hub's end of a connection.
struct Peer {
    outbox: Outbox,
    since: Instant,
    heard: Instant,
    allowance: Allowance,
    _watch: Task,
}

/// A peer's end of a connection. Dropping it is a lost connection.
pub(super) struct Connection {
    hub: Hub,
    id: ConnectionId,
}

/// A token bucket: how many messages a peer may send now.
struct Allowance {
    messages: f64,
    at: Instant,
}

impl Hub {
    /// A hub without rooms.
    #[must_use]
    pub fn new(world: Arc<dyn World>, config: ServerConfig) -> Self {
        let state = State {
            rooms: Rooms::new(world.rng("call ids")),
            connections: BTreeMap::new(),
            last_connection: 0,
            waiting_for_empty: Vec::new(),
        };
        Self(Arc::new(Inner { world, config, state: Mutex::new(state) }))
    }

    /// How many rooms have a peer in them.
    #[must_use]
    pub fn rooms_in_use(&self) -> usize {
        self.lock().rooms.len()
    }

    /// Waits until no room has a peer in it; at once if that is so now.
    pub async fn empty(&self) {
        let emptied = {
            let mut state = self.lock();
            if state.rooms.len() == 0 {
                return;
            }
            let (tell, emptied) = oneshot::channel();
            state.waiting_for_empty.push(tell);
            emptied
        };
        // The sender lives as long as the hub, which lives as long as we.
        let _ = emptied.await;
    }

    /// A new connection that has not joined yet, and what is to be written to it.
    pub(super) fn connect(&self) -> (Connection, Queue) {
        let (outbox, queue) = queue::new(self.limits().queued_bytes);
        let now = self.0.world.now();
        let mut state = self.lock();
        state.last_connection += 1;
        let id = state.last_connection;
        let watch = watch(Arc::downgrade(&self.0), id, self.0.world.clone(), self.limits().ping_every);
        let peer = Peer {
            outbox,
            since: now,
            heard: now,
            allowance: Allowance { messages: f64::from(self.limits().burst), at: now },
            _watch: world::spawn(&*self.0.world, watch),
        };
        state.connections.insert(id, peer);
        drop(state);
        (Connection { hub: self.clone(), id }, queue)
    }

    /// Closes every connection, saying why.
    pub(super) fn close_all(&self, reason: &str) {
        let mut state = self.lock();
        let ids: Vec<ConnectionId> = state.connections.keys().copied().collect();
        for id in ids {
            state.remove(id, reason);
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.config.limits
    }

    pub(super) fn allowed_origins(&self) -> &[String] {
        &self.0.config.allowed_origins
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here unwinds half-way through a change; a panic elsewhere must not end every room.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wall_us(&self) -> u64 {
        let since = self.0.world.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    /// Pings a connection, or closes it if it has missed a deadline. Says whether it still is there.
    fn tick(&self, id: ConnectionId) -> bool {
        let now = self.0.world.now();
        let limits = self.limits().clone();
        let mut state = self.lock();
        let joined = state.rooms.has(id);
        let Some(peer) = state.connections.get(&id) else { return false };
        if !joined && now.saturating_duration_since(peer.since) >= limits.join_within {
            let text = "no `join` came in time";
            state.expel(id, &RoomError::new(ErrorCode::NotJoined, text), "did not join");
            return false;
        }
        if now.saturating_duration_since(peer.heard) >= limits.ping_every + limits.pong_within {
            state.expel(id, &RoomError::new(ErrorCode::NoPong, "no pong came in time"), "no pong");
            return false;
        }
        peer.outbox.push(Frame::Ping);
        true
    }
}

impl Connection {
    /// Takes a text message.
    pub(super) fn receive(&self, text: &str) {
        let now = self.hub.0.world.now();
        let limits = self.hub.limits();
        let mut state = self.hub.lock();
        let Some(peer) = state.connections.get_mut(&self.id) else { return };
        peer.heard = now;
        if !peer.allowance.take(now, limits) {
            let text = format!("more than {} messages a second", limits.messages_per_second);
            return state.expel(self.id, &RoomError::new(ErrorCode::TooFast, text), "sent too fast");
        }
        if text.len() > limits.message_bytes {
            return state.expel(self.id, &too_large(limits), "sent too large a message");
        }
        if let Err(error) = self.handle(&mut state, text) {
            state.refuse(self.id, &error);
        }
    }

    /// Takes a binary message: there are none in this protocol.
    pub(super) fn receive_binary(&self) {
        let state = self.hub.lock();
        state.refuse(self.id, &RoomError::bad("messages are text, not binary"));
    }

    /// A message larger than the limit came, or began to.
    pub(super) fn receive_too_large(&self) {
        let error = too_large(self.hub.limits());
        self.hub.lock().expel(self.id, &error, "sent too large a message");
    }

    /// What came cannot be WebSocket.
    pub(super) fn receive_garbage(&self, what: &str) {
        self.hub.lock().expel(self.id, &RoomError::bad(what), "sent garbage");
    }

    /// A sign of life.
    pub(super) fn receive_pong(&self) {
        let now = self.hub.0.world.now();
        if let Some(peer) = self.hub.lock().connections.get_mut(&self.id) {
            peer.heard = now;
        }
    }

    fn handle(&self, state: &mut State, text: &str) -> Result<(), RoomError> {
        let message = Message::parse(text)?;
        let deliveries = match message.body {
            Body::Join(join) => {
                check_token(self.hub.0.config.token.as_ref(), &join)?;
                state.rooms.join(self.id, join, self.hub.limits())?
            }
            Body::Leave => {
                state.remove(self.id, "left");
                return Ok(());
            }
            _ => state.rooms.relay(self.id, message, self.hub.wall_us())?,
        };
        state.deliver(deliveries);
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.hub.lock().remove(self.id, "connection lost");
    }
}

impl State {
    fn refuse(&self, id: ConnectionId, error: &RoomError) {
        if let Some(peer) = self.connections.get(&id) {
            let RoomError { code, message } = error;
            log::debug!("connection {id}: {code}: {message}");
            let body = Body::Error { code: code.to_string(), message: message.clone() };
            peer.outbox.push(Frame::Text(Message::bare(body).to_text()));
        }
    }

    /// Refuses and closes; the others are told `reason`.
    fn expel(&mut self, id: ConnectionId, error: &RoomError, reason: &str) {
        self.refuse(id, error);
        self.remove(id, reason);
    }

    /// Closes a connection, if it still is open, and tells the others in its room.
    fn remove(&mut self, id: ConnectionId, reason: &str) {
        let deliveries = self.close(id, reason);
        self.deliver(deliveries);
    }

    fn close(&mut self, id: ConnectionId, reason: &str) -> Vec<Delivery> {
        let Some(peer) = self.connections.remove(&id) else { return Vec::new() };
        peer.outbox.close(reason);
        let deliveries = self.rooms.leave(id, reason);
        if self.rooms.len() == 0 {
            for waiting in self.waiting_for_empty.drain(..) {
                let _ = waiting.send(());
            }
        }
        deliveries
    }

    fn deliver(&mut self, deliveries: Vec<Delivery>) {
        let mut waiting = VecDeque::from(deliveries);
        while let Some(Delivery { to, text }) = waiting.pop_front() {
            let taken = self.connections.get(&to).is_none_or(|peer| peer.outbox.push(Frame::Text(text)));
            if !taken {
                let error = RoomError::new(ErrorCode::TooSlow, "too much is waiting for you; read faster");
                self.refuse(to, &error);
                waiting.extend(self.close(to, "read too slowly"));
            }
        }
    }
}

impl Allowance {
    fn take(&mut self, now: Instant, limits: &Limits) -> bool {
        let earned =
            now.saturating_duration_since(self.at).as_secs_f64() * f64::from(limits.messages_per_second);
        self.messages = (self.messages + earned).min(f64::from(limits.burst));
        self.at = now;
        self.messages -= 1.0;
        self.messages >= 0.0
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("rooms_in_use", &self.rooms_in_use()).finish_non_exhaustive()
    }
}

/// Looks after one connection for as long as it is there.
async fn watch(hub: Weak<Inner>, id: ConnectionId, world: Arc<dyn World>, every: Duration) {
    loop {
        world.sleep(every).await;
        let Some(hub) = hub.upgrade().map(Hub) else { return };
        if !hub.tick(id) {
            return;
        }
    }
}

fn too_large(limits: &Limits) -> RoomError {
    let text =
        format!("a message has {} bytes at most; the room has closed the connection", limits.message_bytes);
    RoomError::new(ErrorCode::TooLarge, text)
}

fn check_token(wanted: Option<&Token>, join: &Join) -> Result<(), RoomError> {
    let Some(wanted) = wanted else { return Ok(()) };
    match &join.token {
        Some(offered) if wanted.admits(offered) => Ok(()),
        Some(_) => {
            Err(RoomError::new(ErrorCode::TokenRefused, "the token is wrong; ask whoever runs the room"))
        }
        None => Err(RoomError::new(ErrorCode::TokenRefused, "the room wants a token; ask whoever runs it")),
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
