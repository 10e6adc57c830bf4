//! One TCP connection: HTTP first, then perhaps a WebSocket that carries a peer's messages to the hub and back.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Hub;
use super::http::{self, UpgradeSlot};
use super::hub::Connection;
use super::queue::{Frame, Queue};
use crate::world::{World, timeout};

/// The longest reason that fits into a close frame (RFC 6455 §5.5).
const CLOSE_REASON_BYTES: usize = 120;
/// What one read takes, and each socket holds for it: thousands of them are idle, and the library's 128 KiB would be most of
/// our memory. A description with its candidates is a few KiB.
const READ_BYTES: usize = 8 << 10;
/// What is read and thrown away after the end, so that the peer can read our last words before it sees a reset.
const DRAIN_BYTES: usize = 64 << 20;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Serves one connection until it ends.
pub(super) async fn serve(world: Arc<dyn World>, hub: Hub, stream: TcpStream) {
    // Signals are small and their delay is what a call waits for.
    let _ = stream.set_nodelay(true);
    let http = timeout(&*world, hub.limits().join_within, serve_http(&hub, stream)).await;
    let Ok(Some(upgrade)) = http else { return };
    let Ok(upgraded) = upgrade.await else { return };
    let limit = hub.limits().message_bytes;
    let config = WebSocketConfig::default()
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
        .read_buffer_size(READ_BYTES);
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    serve_peer(&*world, &hub, socket).await;
}

/// Answers one request; some if it is to become a WebSocket.
async fn serve_http(hub: &Hub, stream: TcpStream) -> Option<OnUpgrade> {
    let slot = UpgradeSlot::default();
    let service = service_fn(|request| {
        let answer = http::answer(request, hub.allowed_origins(), &slot);
        std::future::ready(Ok::<_, Infallible>(answer))
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.with_upgrades().await {
        log::debug!("a request that is not HTTP: {error}");
    }
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

async fn serve_peer(world: &dyn World, hub: &Hub, socket: Socket) {
    let (connection, mut queue) = hub.connect();
    let (mut sink, mut stream) = socket.split();
    let limit = hub.limits().pong_within;
    let said_all = {
        let writing = Box::pin(write(world, limit, &mut sink, &mut queue));
        let reading = Box::pin(read(&connection, &mut stream));
        match select(writing, reading).await {
            Either::Left(_) => true,
            Either::Right((End::Gone, _)) => false,
            Either::Right((End::Refused, writing)) => timeout(world, limit, writing).await.is_ok(),
        }
    };
    // The others learn of it before the slow end of the socket.
    drop(connection);
    if said_all && let Ok(socket) = sink.reunite(stream) {
        let _ = timeout(world, limit, drain(socket)).await;
    }
}

/// How reading ended.
enum End {
    /// The peer has closed the connection, or it broke.
    Gone,
    /// The hub has been told of a fault that ends the connection, and has last words for the peer.
    Refused,
}

/// Writes what the hub queues, until it queues the end.
async fn write(world: &dyn World, limit: Duration, sink: &mut SplitSink<Socket, Message>, queue: &mut Queue) {
    while let Some(frame) = queue.next().await {
        let last = matches!(frame, Frame::Close(_));
        let sent = timeout(world, limit, sink.send(message(frame))).await;
        if last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

/// Reads until the connection ends.
async fn read(connection: &Connection, stream: &mut SplitStream<Socket>) -> End {
    while let Some(came) = stream.next().await {
        match came {
            Ok(Message::Text(text)) => connection.receive(text.as_str()),
            Ok(Message::Binary(_)) => connection.receive_binary(),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => connection.receive_pong(),
            Ok(Message::Close(_)) => return End::Gone,
            Err(Error::Capacity(_)) => {
                connection.receive_too_large();
                return End::Refused;
            }
            Err(Error::Utf8(_)) => {
                connection.receive_garbage("a text message is not UTF-8");
                return End::Refused;
            }
            Err(Error::Protocol(error)) if !is_gone(&error) => {
                connection.receive_garbage(&format!("not WebSocket: {error}"));
                return End::Refused;
            }
            Err(_) => return End::Gone,
        }
    }
    End::Gone
}

fn is_gone(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    matches!(error, ProtocolError::ResetWithoutClosingHandshake | ProtocolError::ReceivedAfterClosing)
}

/// Reads on below the WebSocket: closing with unread data would reset the connection and destroy what we said last.
async fn drain(socket: Socket) {
    let mut raw = socket.into_inner();
    if raw.shutdown().await.is_err() {
        return;
    }
    let mut buffer = vec![0; 16 << 10];
    let mut drained = 0;
    while let Ok(bytes @ 1..) = raw.read(&mut buffer).await {
        drained += bytes;
        if drained > DRAIN_BYTES {
            return;
        }
    }
}

fn message(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::text(text),
        Frame::Ping => Message::Ping(Vec::new().into()),
        Frame::Close(reason) => {
            let reason = crate::signaling::message::shorten(&reason, CLOSE_REASON_BYTES);
            Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: reason.into() }))
        }
    }
}
