//! The way to a room that speaks a dialect. For the client it plays the room server: what the room says becomes messages
//! of our own protocol, and our messages become the room's.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, select_biased};
use url::Url;

use super::message::{Body, Envelope, Message, WirePeer};
use super::session::{Incoming, Link, Outgoing};
use super::websocket::{Handshake, connect_websocket};
use super::{Capabilities, JoinError, JoinRequest, PeerInfo, Room, WebSocketOptions};
use crate::dialect::{News, Speaker, Turn};
use crate::jsep::Role;
use crate::world::{self, World};

/// Joins the room at `url` as `speaker` does it.
///
/// # Errors
/// Every way in which this fails has its own [`JoinError`].
pub async fn join_dialect(
    world: Arc<dyn World>,
    url: &Url,
    request: JoinRequest,
    options: WebSocketOptions,
    speaker: Speaker,
) -> Result<Room, JoinError> {
    let name = speaker.dialect().name.clone();
    let wanted = format!("a room that speaks `{name}`");
    let fault = |reason: String| JoinError::Url { url: super::websocket::shown(url), reason };
    let connection = speaker.connection(now_ms(&*world)).map_err(fault)?;
    let mut full = url.clone();
    if let Some(path) = &connection.path
        && matches!(url.path(), "" | "/")
    {
        full.set_path(path.reveal());
    }
    if !connection.query.is_empty() {
        let pairs = connection.query.iter().map(|(name, value)| (name.as_str(), value.reveal()));
        full.query_pairs_mut().extend_pairs(pairs);
    }
    let handshake = Handshake {
        wanted: wanted.clone(),
        // What the dialect adds to the URL may hold secrets, and so may what it offers.
        shown_url: super::websocket::shown(url),
        shown_subprotocols: speaker.shown(&connection.subprotocols.join(", ")),
        subprotocols: connection.subprotocols,
        headers: connection.headers,
        silence: None,
    };
    let inner = connect_websocket(&world, &full, &handshake, &options).await?;
    let (link, interpreter) = interpret(&world, inner, &request, speaker);
    let limit = options.deadline;
    Room::enter(world, link, request, limit).await.map_err(|error| match error {
        JoinError::Timeout { limit, .. } if !interpreter.not_understood().is_empty() => {
            let heard = few(&interpreter.not_understood());
            JoinError::NotARoom {
                url: super::websocket::shown(url),
                wanted,
                answer: format!("we are not in after {}: {heard}", humantime::format_duration(limit)),
                remedy: format!("look at the rules of `{name}`, above all at `signal = \"joined\"`"),
            }
        }
        JoinError::Closed { reason } if !interpreter.not_understood().is_empty() => {
            let heard = few(&interpreter.not_understood());
            JoinError::Closed { reason: format!("{reason}; what it had said before: {heard}") }
        }
        other => other,
    })
}

/// Puts the speaker between a way to the room and its user.
fn interpret(
    world: &Arc<dyn World>,
    inner: Link,
    request: &JoinRequest,
    speaker: Speaker,
) -> (Link, Interpreter) {
    let Link { outgoing, incoming, mut tasks } = inner;
    let (tell, heard) = mpsc::unbounded();
    let every = speaker.dialect().keepalive;
    let role = request.role.unwrap_or(Role::Caller);
    let me = Myself { room: request.room.clone(), role, capabilities: request.capabilities };
    let state = State { speaker, me, tell, room: Some(outgoing) };
    let interpreter = Interpreter { world: Arc::clone(world), state: Arc::new(Mutex::new(state)) };
    tasks.push(world::spawn(&**world, listen(interpreter.clone(), incoming, every)));
    let link = Link { outgoing: Arc::new(interpreter.clone()), incoming: heard.boxed(), tasks };
    (link, interpreter)
}

/// The first of many.
fn few(heard: &[String]) -> String {
    const FEW: usize = 3;
    let first = heard.iter().take(FEW).cloned().collect::<Vec<_>>().join("; ");
    match heard.len().saturating_sub(FEW) {
        0 => first,
        more => format!("{first}; and {more} more"),
    }
}

/// Who we are for our own protocol.
struct Myself {
    room: String,
    role: Role,
    capabilities: Capabilities,
}

struct State {
    speaker: Speaker,
    me: Myself,
    tell: mpsc::UnboundedSender<Incoming>,
    /// None once we have left: then the socket is closed.
    room: Option<Arc<dyn Outgoing>>,
}

#[derive(Clone)]
struct Interpreter {
    world: Arc<dyn World>,
    state: Arc<Mutex<State>>,
}

impl Interpreter {
    /// What came before we were in and made no sense.
    fn not_understood(&self) -> Vec<String> {
        self.lock().speaker.not_understood()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outgoing for Interpreter {
    fn send(&self, text: String) {
        // Our own messages can be read.
        let Ok(message) = Message::parse(&text) else { return };
        let now = now_ms(&*self.world);
        let mut state = self.lock();
        let turn = match message.body {
            Body::Join(_) => state.speaker.begin(now),
            Body::Leave => {
                let turn = state.speaker.leave(now);
                state.act(turn);
                state.room = None;
                return;
            }
            Body::Again => state.speaker.again(),
            _ => match message.into_signal() {
                Some(signal) => state.speaker.say(&signal, now),
                // Nobody there answers probes of the clock.
                None => return,
            },
        };
        state.act(turn);
    }
}

/// Hears the room until it is gone, and keeps the way to it open.
async fn listen(interpreter: Interpreter, incoming: BoxStream<'static, Incoming>, every: Option<Duration>) {
    let mut incoming = incoming.fuse();
    let next_sign = || match every {
        Some(every) => interpreter.world.sleep(every),
        None => futures::future::pending().boxed(),
    };
    // However much the room says, it wants ours.
    let mut sign_of_life = next_sign().fuse();
    loop {
        let came = select_biased! {
            () = sign_of_life => {
                sign_of_life = next_sign().fuse();
                let mut state = interpreter.lock();
                let turn = state.speaker.keep_alive(now_ms(&*interpreter.world));
                state.act(turn);
                continue;
            }
            came = incoming.next() => came,
        };
        let mut state = interpreter.lock();
        match came {
            Some(Incoming::Text(text)) => {
                let turn = state.speaker.hear(&text, now_ms(&*interpreter.world));
                state.act(turn);
            }
            // Rooms say back what they refuse.
            Some(Incoming::Closed(reason)) => {
                let reason = state.speaker.shown(&reason);
                return state.forward(Incoming::Closed(reason));
            }
            None => return,
        }
    }
}

impl State {
    fn act(&mut self, turn: Turn) {
        for text in turn.send {
            if let Some(room) = &self.room {
                room.send(text);
            }
        }
        for news in turn.news {
            let over = match &news {
                // Nothing can come of a call whose roles are the wrong way round.
                News::WrongRole(why) => Some(why.clone()),
                _ => None,
            };
            let message = self.message(news);
            self.forward(Incoming::Text(message.to_text()));
            if let Some(why) = over {
                self.forward(Incoming::Closed(why));
            }
        }
    }

    fn forward(&self, incoming: Incoming) {
        // Whoever does not listen any more has left.
        let _ = self.tell.unbounded_send(incoming);
    }

    /// The news as our own room would tell it.
    fn message(&self, news: News) -> Message {
        match news {
            News::Joined { me, peers } => Message::bare(Body::Joined {
                room: self.me.room.clone(),
                me: WirePeer {
                    name: me,
                    role: Some(self.me.role),
                    number: self.speaker.number().unwrap_or_else(|| number(self.me.role)),
                    capabilities: self.me.capabilities,
                },
                peers: peers.into_iter().map(|name| self.peer(name, None)).collect(),
            }),
            News::PeerJoined(name) => Message::bare(Body::PeerJoined { peer: self.peer(name, None) }),
            News::PeerLeft { name, reason } => Message::bare(Body::PeerLeft { name, reason }),
            News::CallStarted { call, peer } => Message::new(
                Envelope { call: Some(call), ..Envelope::default() },
                Body::CallStarted { peer: self.peer(peer, Some(self.me.role.other())) },
            ),
            News::Signal { from, call, signal } => Message::new(
                Envelope { from: Some(from), call: Some(call), ..Envelope::default() },
                signal.into(),
            ),
            News::Refused(message) | News::WrongRole(message) => complaint("refused", message),
            News::Unknown { count, text } => complaint(
                "unknown-message",
                format!("no rule of the dialect knows this ({count} so far): {text}"),
            ),
            News::Trouble(message) => complaint("dialect", message),
        }
    }

    /// Somebody of whom we know no more than the name: without stamps, and without a word at the end.
    fn peer(&self, name: String, role: Option<Role>) -> WirePeer {
        WirePeer { name, role, number: PeerInfo::UNNUMBERED, capabilities: Capabilities::default() }
    }
}

fn complaint(code: &str, message: String) -> Message {
    Message::bare(Body::Error { code: code.to_owned(), message })
}

/// Our number, which our stamps carry. A foreign room numbers nobody; the other side may be in a room that does, which
/// counts from 1, and its tone must differ from ours (40 tones).
const fn number(role: Role) -> u16 {
    match role {
        Role::Caller => 40_021,
        Role::Callee => 40_022,
    }
}

fn now_ms(world: &dyn World) -> u64 {
    let since = world.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interpreter").finish_non_exhaustive()
    }
}
