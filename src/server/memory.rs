//! A client of a [`Hub`] in the same process, without a socket and without Tokio.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use super::Hub;
use super::hub::Connection;
use super::queue::{Frame, Queue};
use crate::signaling::session::{Incoming, Link, Outgoing};
use crate::signaling::{JoinError, JoinRequest, Room};
use crate::world::World;

/// A hub in memory answers at once; this only keeps a mistake from waiting for ever.
const JOIN_WITHIN: Duration = Duration::from_secs(10);

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
