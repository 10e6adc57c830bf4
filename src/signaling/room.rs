//! A place in a room, as its owner sees it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc;
use futures::stream::BoxStream;

use super::clock::Clock;
use super::message::{Body, Envelope, Join, Message, shorten};
use super::session::{Incoming, Link, Outgoing, Session};
use super::{JoinError, JoinRequest, PeerInfo, RoomError, Signal, Token};
use crate::world::{self, Task, World};

/// What our own client looks for.
pub(super) const OUR_ROOM: &str = "a callcheck room";

/// How long [`Room::leave`] waits for the room to take everything.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// A place in a room. The owner sends and awaits events; everything else runs in tasks of the client. Dropping it
/// without [`Room::leave`] shows to the others as a lost connection.
pub struct Room {
    me: PeerInfo,
    peers: Vec<PeerInfo>,
    /// The call as the owner knows it: the one whose start it has been told of.
    call: Option<String>,
    sent: AtomicU64,
    world: Arc<dyn World>,
    clock: Clock,
    outgoing: Arc<dyn Outgoing>,
    events: mpsc::UnboundedReceiver<RoomEvent>,
    /// None once we have vanished.
    session: Option<Task>,
    line: Vec<Task>,
}

/// What a room tells its peers.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomEvent {
    /// Somebody else came in.
    PeerJoined(PeerInfo),
    /// Somebody else is gone.
    PeerLeft {
        /// Its name.
        name: String,
        /// `left`, `connection lost`, `no pong`, or why the room closed its connection.
        reason: String,
    },
    /// The room has paired us with a peer, or a pair of peers begins once more.
    CallStarted {
        /// The call's id, the same on both sides.
        call: String,
        /// The other side.
        peer: PeerInfo,
    },
    /// A message of a peer.
    Signal {
        /// The sender's name.
        from: String,
        /// The call that the sender was in when it sent this; none before the first call.
        call: Option<String>,
        /// The sender's count of signals; the room counts for those who do not.
        seq: Option<u64>,
        /// When it was sent, in microseconds since 1970-01-01 UTC by the sender's wall clock, where it says so.
        sent_at_us: Option<u64>,
        /// What it says.
        signal: Signal,
    },
    /// How far the clock of our call's partner is ahead of ours. Comes again when a better figure is found.
    ClockOffset {
        /// The peer's name.
        peer: String,
        /// Its wall clock minus ours.
        offset_us: i64,
        /// The true offset lies within this distance.
        error_us: u64,
    },
    /// The room refused something that we sent, or sent what we could not understand.
    Error(RoomError),
    /// The room is gone; the last event.
    Lost {
        /// Why.
        reason: String,
    },
}

impl Room {
    /// Ourselves, as the room knows us.
    #[must_use]
    pub fn me(&self) -> &PeerInfo {
        &self.me
    }

    /// Who was there when we came. Who comes and goes afterwards is told by events.
    #[must_use]
    pub fn peers(&self) -> &[PeerInfo] {
        &self.peers
    }

    /// Sends `signal` to the peer of that name, or to the other one: our call's partner, else the only other peer.
    /// Never waits: the signal is queued. Gives its number in our count of signals, which begins with 1. The signal
    /// belongs to the call that [`Room::next`] has told of last.
    pub fn send(&self, to: Option<&str>, signal: Signal) -> u64 {
        let seq = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let envelope = Envelope {
            to: to.map(str::to_owned),
            seq: Some(seq),
            sent_at_us: Some(self.clock.at(self.world.now())),
            call: self.call.clone(),
            ..Envelope::default()
        };
        self.outgoing.send(Message::new(envelope, signal.into()).to_text());
        seq
    }

    /// The next event. Can be dropped while it waits without losing one. Waits for ever after [`RoomEvent::Lost`].
    pub async fn next(&mut self) -> RoomEvent {
        let Some(event) = self.events.next().await else { return std::future::pending().await };
        if let RoomEvent::CallStarted { call, .. } = &event {
            self.call = Some(call.clone());
        }
        event
    }

    /// Says that we leave, and stays to hear what still comes: as somebody does whose socket is gone.
    pub fn depart(&self) {
        self.outgoing.send(Message::bare(Body::Leave).to_text());
    }

    /// Is gone without a word, as a process is that was killed; nothing comes from the room any more.
    pub fn vanish(&mut self) {
        self.outgoing = Arc::new(Nowhere);
        self.session = None;
        self.line.clear();
    }

    /// Says that we leave, and waits, for two seconds at most, until everything that was sent has reached the room.
    pub async fn leave(self) {
        self.outgoing.send(Message::bare(Body::Leave).to_text());
        // The room closes the way after the last message that it has read, and that ends the session.
        let Some(session) = self.session else { return };
        let _ = world::timeout(&*self.world, LEAVE_WITHIN, session.join()).await;
    }

    /// Joins over `link`, which answers within `limit`.
    pub(crate) async fn enter(
        world: Arc<dyn World>,
        link: Link,
        request: JoinRequest,
        limit: Duration,
    ) -> Result<Self, JoinError> {
        let Link { outgoing, mut incoming, tasks } = link;
        let token = request.token.clone();
        outgoing.send(Message::bare(Body::Join(request.into())).to_text());
        let (me, peers) =
            world::timeout(&*world, limit, answer(&mut incoming, token.as_ref())).await.map_err(|_| {
                JoinError::Timeout { doing: "waiting for the room to let us in".to_owned(), limit }
            })??;
        let clock = Clock::new(&*world);
        let (tell, events) = mpsc::unbounded();
        let session = Session::new(world.clone(), clock.clone(), outgoing.clone(), tell);
        let session = world::spawn(&*world, session.run(incoming));
        let sent = AtomicU64::new(0);
        Ok(Self {
            me,
            peers,
            call: None,
            sent,
            world,
            clock,
            outgoing,
            events,
            session: Some(session),
            line: tasks,
        })
    }
}

/// Where messages go of somebody who is gone.
struct Nowhere;

impl Outgoing for Nowhere {
    fn send(&self, _: String) {}
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("me", &self.me).field("call", &self.call).finish_non_exhaustive()
    }
}

impl From<JoinRequest> for Join {
    fn from(request: JoinRequest) -> Self {
        let JoinRequest { room, role, name, capabilities, token } = request;
        Self { room, name, role, capabilities, token }
    }
}

/// The room's answer to `join`: ourselves and who else is there.
async fn answer(
    incoming: &mut BoxStream<'static, Incoming>,
    token: Option<&Token>,
) -> Result<(PeerInfo, Vec<PeerInfo>), JoinError> {
    let text = match incoming.next().await {
        Some(Incoming::Text(text)) => text,
        Some(Incoming::Closed(reason)) => return Err(JoinError::Closed { reason }),
        None => return Err(JoinError::Closed { reason: "nothing was said".to_owned() }),
    };
    match Message::parse(&text).map(|message| message.body) {
        Ok(Body::Joined { me, peers, .. }) => Ok((me.into(), peers.into_iter().map(Into::into).collect())),
        Ok(Body::Error { code, message }) => {
            Err(JoinError::Rejected(RoomError::new(code.as_str().into(), message)))
        }
        // Whoever answers is not known to keep secrets: it may have sent our own message back.
        _ => Err(stranger(&token.map_or_else(|| text.clone(), |token| token.strike_from(&text)))),
    }
}

fn stranger(said: &str) -> JoinError {
    JoinError::NotARoom {
        url: "what answers there".to_owned(),
        wanted: OUR_ROOM.to_owned(),
        answer: format!("it says {:?}", shorten(said, 60)),
        remedy: "it speaks WebSocket but not callcheck's protocol; check the URL".to_owned(),
    }
}
