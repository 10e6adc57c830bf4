//! A client of a [`Hub`] in the same process, without a socket and without Tokio.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;

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
    let outgoing = Arc::new(Travelling { connection, path, world: Arc::clone(&world) });
    let link = Link { outgoing, incoming: incoming.boxed(), tasks: Vec::new() };
    Room::enter(world, link, request, JOIN_WITHIN).await
}

/// What is said arrives later; also what was said just before the client left.
struct Travelling {
    connection: Arc<Connection>,
    path: Arc<dyn Path>,
    world: Arc<dyn World>,
}

impl Outgoing for Travelling {
    fn send(&self, text: String) {
        for delay in self.path.carry(self.world.now(), &text) {
            let (connection, text) = (Arc::clone(&self.connection), text.clone());
            let arrives = self.world.sleep(delay);
            self.world.spawn_detached(Box::pin(async move {
                arrives.await;
                connection.receive(&text);
            }));
        }
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
