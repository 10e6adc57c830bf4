//! How a peer takes part in a room: the canonical signals, the wire messages of callcheck's own protocol
//! (`docs/room-protocol.md`), and the clients that carry them. The client over WebSocket is here, for our own rooms and for
//! those that speak a dialect; the one in memory is `server::join_memory`, because only the server knows its rooms.

mod clock;
mod dialect_link;
mod error;
mod first_bytes;
pub(crate) mod message;
mod request;
mod room;
pub(crate) mod session;
mod signal_message;
mod websocket;
mod websocket_error;

pub use crate::timeline::{Capabilities, PeerInfo, Signal};
pub use dialect_link::join_dialect;
pub use error::{ErrorCode, JoinError, RoomError};
pub use request::{JoinRequest, Token};
pub use room::{Room, RoomEvent};
pub use websocket::{WebSocketOptions, join_websocket};
