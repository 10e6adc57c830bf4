//! A client of a [`Hub`] in the same process, without a socket and without Tokio.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::{FutureExt, StreamExt, select_biased};

use super::Hub;
use super::hub::Connection;
use super::queue::{Frame, Queue};
use crate::signaling::session::{Incoming, Link, Outgoing};
use crate::signaling::{JoinError, JoinRequest, Room};
use crate::world::World;

/// A hub in memory answers at once; this only keeps a mistake from waiting for ever.
const JOIN_WITHIN: Duration = Duration::from_secs(10);

/// How a message travels from a client to the hub: a delay for each copy that arrives, none if it is lost.
pub trait Path: Send + Sync {
    /// What becomes of the message `text` that is sent at `now`.
    fn carry(&self, now: Instant, text: &str) -> Vec<Duration>;
}

/// Joins a room of `hub`.
///
/// # Errors
/// [`JoinError::Rejected`] if the room refuses; nothing else can fail in memory.
pub async fn join_memory(world: Arc<dyn World>, hub: &Hub, request: JoinRequest) -> Result<Room, JoinError> {
    let (connection, queue) = hub.connect();
    let connection = Arc::new(connection);
    let incoming = incoming(Arc::clone(&connection), queue);
    let link = Link { outgoing: connection, incoming: incoming.boxed(), tasks: Vec::new() };
    Room::enter(world, link, request, JOIN_WITHIN).await
}

/// A client that says and hears the texts of the protocol as they are. It leaves when it is dropped.
pub struct Wire {
    connection: Arc<Connection>,
    incoming: futures::stream::BoxStream<'static, Incoming>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    /// Connects to `hub`, and joins nothing yet.
    #[must_use]
    pub fn open(hub: &Hub) -> Self {
        let (connection, queue) = hub.connect();
        let connection = Arc::new(connection);
        let incoming = incoming(Arc::clone(&connection), queue).boxed();
        Self { connection, incoming }
    }

    /// Says a text. What is wrong with it is answered.
    pub fn say(&self, text: &str) {
        self.connection.receive(text);
    }

    /// The next text; none once the room has closed the connection.
    pub async fn hear(&mut self) -> Option<String> {
        match self.incoming.next().await {
            Some(Incoming::Text(text)) => Some(text),
            Some(Incoming::Closed(_)) | None => None,
        }
    }
}

/// The same over a path that takes its time.
///
/// # Errors
/// [`JoinError::Rejected`] if the room refuses, [`JoinError::Timeout`] if the path loses what is said.
pub async fn join_memory_over(
    world: Arc<dyn World>,
    hub: &Hub,
    request: JoinRequest,
    path: Arc<dyn Path>,
) -> Result<Room, JoinError> {
    let (connection, queue) = hub.connect();
    let connection = Arc::new(connection);
    let incoming = incoming(Arc::clone(&connection), queue);
    let (on_the_way, arriving) = mpsc::unbounded();
    // By itself: what was said just before the client left arrives all the same.
    world.spawn_detached(Box::pin(arrive(Arc::clone(&world), connection, arriving)));
    let outgoing = Arc::new(Travelling { path, world: Arc::clone(&world), on_the_way });
    let link = Link { outgoing, incoming: incoming.boxed(), tasks: Vec::new() };
    Room::enter(world, link, request, JOIN_WITHIN).await
}

/// What is said arrives later.
struct Travelling {
    path: Arc<dyn Path>,
    world: Arc<dyn World>,
    on_the_way: mpsc::UnboundedSender<(Instant, String)>,
}

impl Outgoing for Travelling {
    fn send(&self, text: String) {
        let now = self.world.now();
        for delay in self.path.carry(now, &text) {
            // The hub may be gone.
            let _ = self.on_the_way.unbounded_send((now + delay, text.clone()));
        }
    }
}

/// Hands messages to the hub when they are due; of two that are due at once the one that was sent first.
async fn arrive(
    world: Arc<dyn World>,
    connection: Arc<Connection>,
    mut sent: mpsc::UnboundedReceiver<(Instant, String)>,
) {
    let mut waiting: BTreeMap<(Instant, u64), String> = BTreeMap::new();
    let mut number = 0;
    loop {
        let due = waiting.first_key_value().map(|((due, _), _)| due.saturating_duration_since(world.now()));
        let timer = async {
            match due {
                Some(left) => world.sleep(left).await,
                None => futures::future::pending().await,
            }
        };
        select_biased! {
            message = sent.next() => match message {
                Some((due, text)) => {
                    number += 1;
                    waiting.insert((due, number), text);
                }
                None => break,
            },
            () = timer.fuse() => {
                if let Some((_, text)) = waiting.pop_first() {
                    connection.receive(&text);
                }
            }
        }
    }
    for ((due, _), text) in waiting {
        world.sleep(due.saturating_duration_since(world.now())).await;
        connection.receive(&text);
    }
}

impl Outgoing for Connection {
    fn send(&self, text: String) {
        self.receive(&text);
    }
}

fn incoming(connection: Arc<Connection>, queue: Queue) -> impl futures::Stream<Item = Incoming> + Send {
    queue.filter_map(move |frame| {
        let incoming = match frame {
            Frame::Text(text) => Some(Incoming::Text(text)),
            Frame::Close(reason) => {
                Some(Incoming::Closed(format!("the room closed the connection: {reason}")))
            }
            Frame::Ping => {
                connection.receive_pong();
                None
            }
        };
        std::future::ready(incoming)
    })
}
