//! The client over WebSocket: `ws://` and `wss://`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::future::{Either, select};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::net::{TcpStream, lookup_host};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config, tungstenite::Utf8Bytes,
};
use url::Url;

use super::first_bytes::FirstBytes;
use super::message::SUBPROTOCOL;
use super::room::OUR_ROOM;
use super::session::{Incoming, Link, Outgoing};
use super::{JoinError, JoinRequest, Room, websocket_error};
use crate::plan::Secret;
use crate::trust::{Seen, Trust};
use crate::world::{self, Task, World, timeout};

/// The room pings every five seconds; one that is silent for this long is gone.
const SILENCE: Duration = Duration::from_secs(20);

type Socket = WebSocketStream<MaybeTlsStream<FirstBytes<TcpStream>>>;

/// How the client over WebSocket connects.
#[derive(Clone, Debug)]
pub struct WebSocketOptions {
    /// For each of: name resolution and connecting, TLS and WebSocket, the room's answer.
    pub deadline: Duration,
    /// No larger message is taken from the room, in bytes.
    pub message_bytes: usize,
    /// Certificates in PEM that are trusted besides the public authorities.
    pub extra_ca_pem: Option<String>,
    /// Every certificate is trusted.
    pub insecure: bool,
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            message_bytes: 4 << 20,
            extra_ca_pem: None,
            insecure: false,
        }
    }
}

/// Joins the room server at `url`.
///
/// # Errors
/// Every way in which this fails has its own [`JoinError`].
pub async fn join_websocket(
    world: Arc<dyn World>,
    url: &Url,
    request: JoinRequest,
    options: WebSocketOptions,
) -> Result<Room, JoinError> {
    let handshake = Handshake::ours(url);
    let link = connect_websocket(&world, url, &handshake, &options).await?;
    Room::enter(world, link, request, options.deadline).await.map_err(|error| match error {
        JoinError::NotARoom { wanted, answer, remedy, .. } => {
            JoinError::NotARoom { url: shown(url), wanted, answer, remedy }
        }
        other => other,
    })
}

/// What the opening handshake says besides the URL, and what is expected of the room afterwards.
#[derive(Debug)]
pub(super) struct Handshake {
    /// What should be there, for errors.
    pub(super) wanted: String,
    /// The URL for people.
    pub(super) shown_url: String,
    /// What is offered, for people.
    pub(super) shown_subprotocols: String,
    /// What is offered, the best first.
    pub(super) subprotocols: Vec<String>,
    /// Header fields of the request.
    pub(super) headers: Vec<(String, Secret)>,
    /// A room that says nothing for so long is gone.
    pub(super) silence: Option<Duration>,
}

impl Handshake {
    fn ours(url: &Url) -> Self {
        Self {
            wanted: OUR_ROOM.to_owned(),
            shown_url: shown(url),
            shown_subprotocols: SUBPROTOCOL.to_owned(),
            subprotocols: vec![SUBPROTOCOL.to_owned()],
            headers: Vec::new(),
            silence: Some(SILENCE),
        }
    }
}

/// Opens a WebSocket.
pub(super) async fn connect_websocket(
    world: &Arc<dyn World>,
    url: &Url,
    handshake: &Handshake,
    options: &WebSocketOptions,
) -> Result<Link, JoinError> {
    let target = Target::new(url, &handshake.shown_url)?;
    let stream = connect(&**world, &target, options.deadline).await?;
    let socket = open(&**world, &target, stream, handshake, options).await?;
    Ok(link(world, socket, handshake.silence))
}

/// A URL, taken apart.
struct Target {
    url: Url,
    host: String,
    port: u16,
    /// For people: without query, which may hold secrets.
    shown: String,
}

impl Target {
    fn new(url: &Url, shown: &str) -> Result<Self, JoinError> {
        let shown = shown.to_owned();
        let fault = |reason: &str| JoinError::Url { url: shown.clone(), reason: reason.to_owned() };
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(fault(&format!("its scheme is `{}`", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(fault("it has a user name or password, and rooms have join tokens instead"));
        }
        let host = url.host_str().ok_or_else(|| fault("it has no host"))?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().ok_or_else(|| fault("it has no port"))?;
        let mut url = url.clone();
        url.set_fragment(None);
        Ok(Self { url, host, port, shown })
    }

    fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// The URL for people.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Not possible for URLs without a host, which have no credentials either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

async fn connect(world: &dyn World, target: &Target, limit: Duration) -> Result<TcpStream, JoinError> {
    let late = |_| JoinError::Timeout { doing: format!("connecting to {}", target.address()), limit };
    timeout(world, limit, connect_any(target)).await.map_err(late)?
}

/// Tries every address of the host in turn.
async fn connect_any(target: &Target) -> Result<TcpStream, JoinError> {
    let dns = |reason: String| JoinError::Dns { host: target.host.clone(), reason };
    let addresses: Vec<SocketAddr> = lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|error| dns(error.to_string()))?
        .collect();
    let mut last = dns("the name exists but has no address".to_owned());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = connect_error(target, &error),
        }
    }
    Err(last)
}

fn connect_error(target: &Target, error: &io::Error) -> JoinError {
    let address = target.address();
    if error.kind() == io::ErrorKind::ConnectionRefused {
        JoinError::Refused { address }
    } else {
        JoinError::Unreachable { address, reason: error.to_string() }
    }
}

async fn open(
    world: &dyn World,
    target: &Target,
    stream: TcpStream,
    handshake: &Handshake,
    options: &WebSocketOptions,
) -> Result<Socket, JoinError> {
    // Signals are small and their delay is what a call waits for.
    let _ = stream.set_nodelay(true);
    let fault = |reason: String| JoinError::Url { url: target.shown.clone(), reason };
    let mut request = target.url.as_str().into_client_request().map_err(|error| fault(error.to_string()))?;
    for (name, value) in fields(handshake) {
        let field = HeaderName::try_from(name.as_str()).ok().zip(HeaderValue::try_from(value.reveal()).ok());
        let Some((known, value)) = field else {
            return Err(fault(format!("`{name}` or its value cannot stand in the header of a request")));
        };
        request.headers_mut().insert(known, value);
    }
    let (connector, seen) = connector(target, options)?;
    let limit = options.message_bytes;
    let config = WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
    let (stream, first) = FirstBytes::new(stream);
    let opening = client_async_tls_with_config(request, stream, Some(config), Some(connector));
    match timeout(world, options.deadline, opening).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => {
            if let Some(refused) = seen.take().and_then(|certificate| certificate.problem)
                && !options.insecure
            {
                return Err(websocket_error::distrusted(&target.address(), &refused));
            }
            let (url, shown, address) = (&target.url, &target.shown, target.address());
            Err(websocket_error::explain(url, shown, &address, &error, &first.get(), handshake))
        }
        Err(_) => Err(JoinError::Timeout {
            doing: format!("opening a WebSocket at {}", target.shown),
            limit: options.deadline,
        }),
    }
}

/// What speaks TLS where the URL wants it, and where the certificate is seen.
fn connector(target: &Target, options: &WebSocketOptions) -> Result<(Connector, Seen), JoinError> {
    if target.url.scheme() != "wss" {
        return Ok((Connector::Plain, Seen::default()));
    }
    let fault = |reason: String| JoinError::Tls {
        address: target.address(),
        reason,
        remedy: "give certificates in PEM".to_owned(),
    };
    let trust = Trust::new(options.extra_ca_pem.as_deref(), options.insecure)
        .map_err(|error| fault(format!("the extra authorities are not usable: {error}")))?;
    let (config, seen) = trust.tls(&target.host).map_err(fault)?;
    Ok((Connector::Rustls(Arc::new(config)), seen))
}

/// The header fields that we add to a WebSocket's own.
fn fields(handshake: &Handshake) -> Vec<(String, Secret)> {
    let mut fields = handshake.headers.clone();
    if !handshake.subprotocols.is_empty() {
        let offered = Secret::new(handshake.subprotocols.join(", "));
        fields.push(("sec-websocket-protocol".to_owned(), offered));
    }
    fields
}

/// What goes to the socket, seen by the session.
struct Sender(mpsc::UnboundedSender<String>);

impl Outgoing for Sender {
    fn send(&self, text: String) {
        // When the socket is gone, the session learns it from the other direction.
        let _ = self.0.unbounded_send(text);
    }
}

fn link(world: &Arc<dyn World>, socket: Socket, silence: Option<Duration>) -> Link {
    let (send, outbox) = mpsc::unbounded();
    let (tell, incoming) = mpsc::unbounded();
    let task: Task = world::spawn(&**world, carry(Arc::clone(world), socket, outbox, tell, silence));
    Link { outgoing: Arc::new(Sender(send)), incoming: incoming.boxed(), tasks: vec![task] }
}

/// Carries messages both ways until the socket or its owner ends.
async fn carry(
    world: Arc<dyn World>,
    socket: Socket,
    outbox: mpsc::UnboundedReceiver<String>,
    tell: mpsc::UnboundedSender<Incoming>,
    silence: Option<Duration>,
) {
    let (sink, stream) = socket.split();
    let writing = Box::pin(write(sink, outbox));
    let reading = Box::pin(read(&*world, stream, &tell, silence));
    let reason = match select(reading, writing).await {
        Either::Left((reason, _)) => reason,
        // The room may have said why before it stopped reading.
        Either::Right((Err(error), reading)) => match timeout(&*world, Duration::from_secs(1), reading).await
        {
            Ok(reason) => reason,
            Err(_) => error.to_string(),
        },
        Either::Right((Ok(()), reading)) => reading.await,
    };
    let _ = tell.unbounded_send(Incoming::Closed(reason));
}

/// Writes until the owner is gone, and says goodbye.
async fn write(
    mut sink: SplitSink<Socket, Message>,
    mut outbox: mpsc::UnboundedReceiver<String>,
) -> Result<(), Error> {
    while let Some(text) = outbox.next().await {
        sink.send(Message::text(text)).await?;
    }
    sink.close().await
}

/// Reads until the socket ends, and says how it did.
async fn read(
    world: &dyn World,
    mut stream: SplitStream<Socket>,
    tell: &mpsc::UnboundedSender<Incoming>,
    silence: Option<Duration>,
) -> String {
    loop {
        let next = async {
            match silence {
                Some(silence) => timeout(world, silence, stream.next()).await,
                None => Ok(stream.next().await),
            }
        };
        match next.await {
            Ok(Some(Ok(Message::Text(text)))) => {
                let _ = tell.unbounded_send(Incoming::Text(text.as_str().to_owned()));
            }
            // Servers that pass on what they read as bytes do not say any more that it was text.
            Ok(Some(Ok(Message::Binary(bytes)))) => {
                if let Ok(text) = String::from_utf8(bytes.into()) {
                    let _ = tell.unbounded_send(Incoming::Text(text));
                }
            }
            Ok(Some(Ok(Message::Close(frame)))) => return closed_by_room(frame),
            Ok(Some(Ok(_))) => {}
            Ok(Some(Err(error))) => return lost(&error),
            Ok(None) => return "the room closed the connection".to_owned(),
            Err(_) => {
                let silence = silence.unwrap_or_default().as_secs();
                return format!("the room has been silent for {silence} s");
            }
        }
    }
}

fn closed_by_room(frame: Option<CloseFrame>) -> String {
    let code =
        frame.as_ref().map(|frame| u16::from(frame.code)).filter(|code| !matches!(code, 1000 | 1001 | 1005));
    let reason = frame.map(|frame| frame.reason).unwrap_or(Utf8Bytes::from_static(""));
    match (reason.as_str(), code) {
        ("", None) => "the room closed the connection".to_owned(),
        ("", Some(code)) => format!("the room closed the connection with code {code}"),
        // Codes from 3000 are the application's own (RFC 6455 §7.4.2).
        (reason, Some(code @ 3000..)) => format!("the room closed the connection with code {code}: {reason}"),
        (reason, _) => format!("the room closed the connection: {reason}"),
    }
}

fn lost(error: &Error) -> String {
    match error {
        Error::Protocol(_) | Error::ConnectionClosed | Error::AlreadyClosed => {
            "the connection to the room broke".to_owned()
        }
        Error::Io(error) => format!("the connection to the room broke: {error}"),
        other => format!("the room sent what cannot be read: {other}"),
    }
}
