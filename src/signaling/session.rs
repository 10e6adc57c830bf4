//! What runs beside the owner of a [`Room`](super::Room), whatever carries the messages: answers to the peer's clock
//! probes, our own probes, and the translation of messages into events.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::future::{Fuse, FusedFuture};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, select_biased};

use super::clock::{Best, Clock, RoundTrip};
use super::message::{Body, Envelope, Message};
use super::{ErrorCode, RoomError, RoomEvent};
use crate::world::{BoxFuture, Task, World};

/// How many probes open a call, and the pause between them.
const FIRST_PROBES: u64 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The pause afterwards; clocks drift.
const LATER_PAUSE: Duration = Duration::from_secs(5);

/// A way to a room and back.
pub(crate) struct Link {
    pub(crate) outgoing: Arc<dyn Outgoing>,
    /// Ends after [`Incoming::Closed`].
    pub(crate) incoming: BoxStream<'static, Incoming>,
    /// What keeps the way open; ends with it.
    pub(crate) tasks: Vec<Task>,
}

/// Takes messages to the room; never waits.
pub(crate) trait Outgoing: Send + Sync {
    fn send(&self, text: String);
}

/// What comes from the room.
#[derive(Debug)]
pub(crate) enum Incoming {
    Text(String),
    /// The way is closed, and why.
    Closed(String),
}

/// Runs until the way to the room is closed or nobody wants events any more.
pub(super) struct Session {
    world: Arc<dyn World>,
    clock: Clock,
    outgoing: Arc<dyn Outgoing>,
    events: mpsc::UnboundedSender<RoomEvent>,
    partner: Option<Partner>,
    next_probe: Fuse<BoxFuture<()>>,
}

/// The peer whose clock we measure.
struct Partner {
    name: String,
    probes: u64,
    /// When each unanswered probe was sent, by our clock.
    pending: BTreeMap<u64, u64>,
    best: Best,
}

impl Session {
    pub(super) fn new(
        world: Arc<dyn World>,
        clock: Clock,
        outgoing: Arc<dyn Outgoing>,
        events: mpsc::UnboundedSender<RoomEvent>,
    ) -> Self {
        Self { world, clock, outgoing, events, partner: None, next_probe: Fuse::terminated() }
    }

    pub(super) async fn run(mut self, incoming: BoxStream<'static, Incoming>) {
        let mut incoming = incoming.fuse();
        loop {
            select_biased! {
                message = incoming.next() => match message {
                    Some(Incoming::Text(text)) => self.read(&text),
                    Some(Incoming::Closed(reason)) => return self.tell(RoomEvent::Lost { reason }),
                    None => return self.tell(RoomEvent::Lost { reason: "the connection is gone".to_owned() }),
                },
                () = &mut self.next_probe => self.probe(),
            }
        }
    }

    fn tell(&self, event: RoomEvent) {
        // An owner that is gone has dropped this task too.
        let _ = self.events.unbounded_send(event);
    }

    fn read(&mut self, text: &str) {
        match Message::parse(text) {
            Ok(message) => self.handle(message),
            Err(error) => self.tell(RoomEvent::Error(RoomError::new(
                error.code,
                format!("the room sent what we cannot read: {}", error.message),
            ))),
        }
    }

    fn handle(&mut self, mut message: Message) {
        let envelope = std::mem::take(&mut message.envelope);
        match (message.body, envelope.from) {
            (Body::PeerJoined { peer }, None) => self.tell(RoomEvent::PeerJoined(peer.into())),
            (Body::PeerLeft { name, reason }, None) => self.peer_left(name, reason),
            (Body::CallStarted { peer }, None) => self.call_started(envelope.call, peer.into()),
            (Body::Error { code, message }, None) => {
                self.tell(RoomEvent::Error(RoomError::new(ErrorCode::from(code.as_str()), message)));
            }
            (Body::Probe { id }, Some(from)) => self.reply(from, id),
            (Body::ProbeReply { id, received_at_us, replied_at_us }, Some(from)) => {
                self.measure(&from, id, received_at_us, replied_at_us);
            }
            (body, from) => {
                message.body = body;
                self.relayed(from, envelope.call, envelope.seq, envelope.sent_at_us, message);
            }
        }
    }

    fn relayed(
        &self,
        from: Option<String>,
        call: Option<String>,
        seq: Option<u64>,
        sent_at_us: Option<u64>,
        message: Message,
    ) {
        let unknown = format!("the room said `{}`, which means nothing here", message.type_name());
        self.tell(match (from, message.into_signal()) {
            (Some(from), Some(signal)) => RoomEvent::Signal { from, call, seq, sent_at_us, signal },
            _ => RoomEvent::Error(RoomError::new(ErrorCode::UnknownType, unknown)),
        });
    }

    fn peer_left(&mut self, name: String, reason: String) {
        if self.partner.as_ref().is_some_and(|partner| partner.name == name) {
            self.partner = None;
            self.next_probe = Fuse::terminated();
        }
        self.tell(RoomEvent::PeerLeft { name, reason });
    }

    fn call_started(&mut self, call: Option<String>, peer: super::PeerInfo) {
        let Some(call) = call else {
            return self.tell(RoomEvent::Error(RoomError::bad("the room started a call without an id")));
        };
        let name = peer.name.clone();
        self.tell(RoomEvent::CallStarted { call, peer });
        if self.partner.as_ref().is_none_or(|partner| partner.name != name) {
            self.partner = Some(Partner { name, probes: 0, pending: BTreeMap::new(), best: Best::default() });
            self.probe();
        }
    }

    fn probe(&mut self) {
        let Some(partner) = &mut self.partner else { return };
        let id = partner.probes;
        partner.probes += 1;
        // A peer that never answers is probed on, but its silence costs nothing.
        partner.pending.retain(|sent, _| id - sent < FIRST_PROBES);
        partner.pending.insert(id, self.clock.at(self.world.now()));
        let to = Some(partner.name.clone());
        self.outgoing
            .send(Message::new(Envelope { to, ..Envelope::default() }, Body::Probe { id }).to_text());
        let pause = if partner.probes < FIRST_PROBES { FIRST_PAUSE } else { LATER_PAUSE };
        self.next_probe = self.world.sleep(pause).fuse();
    }

    fn reply(&self, from: String, id: u64) {
        let received_at_us = self.clock.at(self.world.now());
        let replied_at_us = received_at_us;
        let body = Body::ProbeReply { id, received_at_us, replied_at_us };
        let envelope = Envelope { to: Some(from), ..Envelope::default() };
        self.outgoing.send(Message::new(envelope, body).to_text());
    }

    fn measure(&mut self, from: &str, id: u64, received: u64, replied: u64) {
        let now = self.world.now();
        let back = self.clock.at(now);
        let Some(partner) = self.partner.as_mut().filter(|partner| partner.name == from) else { return };
        let Some(sent) = partner.pending.remove(&id) else { return };
        let Some(offset) = (RoundTrip { sent, received, replied, back }).offset() else { return };
        if partner.best.improve(offset, now) {
            let peer = partner.name.clone();
            let (offset_us, error_us) = (offset.offset_us, offset.error_us);
            self.tell(RoomEvent::ClockOffset { peer, offset_us, error_us });
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("probing", &!self.next_probe.is_terminated()).finish_non_exhaustive()
    }
}
