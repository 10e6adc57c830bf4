//! The client over WebSocket: `ws://` and `wss://`.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::{JoinError, JoinRequest, Room};
use crate::world::World;

/// How the client over WebSocket connects.
#[derive(Clone, Debug)]
pub struct WebSocketOptions {
    /// Until each of: connected, TLS and WebSocket set up, the room's answer.
    pub deadline: Duration,
    /// No larger message is taken from the room, in bytes.
    pub message_bytes: usize,
    /// Certificates in PEM that are trusted besides the public authorities.
    pub extra_ca_pem: Option<String>,
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(10), message_bytes: 4 << 20, extra_ca_pem: None }
    }
}

/// Joins the room server at `url`.
///
/// # Errors
/// Every way in which this fails has its own [`JoinError`].
pub async fn join_websocket(
    _world: Arc<dyn World>,
    _url: &Url,
    _request: JoinRequest,
    _options: WebSocketOptions,
) -> Result<Room, JoinError> {
    todo!()
}
