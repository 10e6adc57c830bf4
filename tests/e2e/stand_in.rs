//! Small servers that stand in for the signaling servers of real applications. They are none of those programs: each
//! has the messages and the quirks that its dialect must cope with, and no more.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use futures::{SinkExt, StreamExt};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// What it behaves like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// MDN's `chatserver.js`: the subprotocol must be `json`; a name that is taken is changed; without a target a message
    /// goes to everybody, the sender included; text that is not JSON ends the server.
    MdnChat,
    /// Passes messages on to the others under the names of the handlers in the page.
    Relay,
    /// Ayame: two in a room; says to each whether somebody was there; asks for signs of life.
    Ayame,
    /// Passes everything on to the others, as bytes.
    Plain,
    /// Whoever comes gets a number; `["offer", {"to": 2, "data": "..."}]`, with `from` written by the server.
    Numbers,
}

/// A running server. Ended when dropped.
pub(crate) struct StandIn {
    pub(crate) url: String,
    died: Arc<Mutex<Option<String>>>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Room {
    next: u64,
    clients: BTreeMap<u64, Client>,
    names: u64,
}

struct Client {
    name: Option<String>,
    send: UnboundedSender<String>,
}

impl StandIn {
    pub(crate) fn start(kind: Kind) -> Self {
        Self::with(kind, None)
    }

    /// Behind TLS, with a certificate for `localhost` that nobody knows; with that in PEM.
    pub(crate) fn behind_tls(kind: Kind) -> (Self, String) {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![signed.cert.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let server = Self::with(kind, Some(acceptor));
        let port = server.url.rsplit(':').next().unwrap().to_owned();
        (Self { url: format!("wss://localhost:{port}"), ..server }, signed.cert.pem())
    }

    fn with(kind: Kind, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let died = Arc::new(Mutex::new(None));
        let room = Arc::new(Mutex::new(Room { next: 1, ..Room::default() }));
        let fatal = Arc::clone(&died);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (room, fatal) = (Arc::clone(&room), Arc::clone(&fatal));
                match tls.clone() {
                    None => drop(tokio::spawn(serve(kind, stream, room, fatal))),
                    Some(acceptor) => drop(tokio::spawn(async move {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            serve(kind, stream, room, fatal).await;
                        }
                    })),
                }
            }
        });
        Self { url, died, _runtime: runtime }
    }

    /// Nobody has said anything that ends the real server.
    #[track_caller]
    pub(crate) fn lives(&self) {
        assert_eq!(*self.died.lock().unwrap(), None, "the real server would have died");
    }
}

async fn serve(
    kind: Kind,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    room: Arc<Mutex<Room>>,
    died: Arc<Mutex<Option<String>>>,
) {
    #[expect(clippy::result_large_err, reason = "the callback's type is the library's")]
    let agree = |request: &Request, response| agree(kind, request, response);
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, agree).await else { return };
    let (mut sink, mut source) = socket.split();
    let (send, mut outbox) = unbounded_channel::<String>();
    let id = {
        let mut room = room.lock().unwrap();
        let id = room.next;
        room.next += 1;
        room.clients.insert(id, Client { name: None, send });
        room.welcome(kind, id);
        id
    };
    let writing = tokio::spawn(async move {
        while let Some(text) = outbox.recv().await {
            // As servers do that pass on what they have read without asking what it was.
            let message = if kind == Kind::Plain { Message::binary(text) } else { Message::text(text) };
            if sink.send(message).await.is_err() {
                return;
            }
        }
        // Whoever waits for our goodbye has it with the end of the connection.
        let _ = sink.close().await;
    });
    while let Some(Ok(message)) = source.next().await {
        let Message::Text(text) = message else { continue };
        match serde_json::from_str::<Value>(&text) {
            Ok(message) => room.lock().unwrap().hear(kind, id, message),
            Err(_) if kind == Kind::MdnChat => *died.lock().unwrap() = Some(text.to_string()),
            Err(_) => {}
        }
    }
    room.lock().unwrap().forget(kind, id);
    writing.await.unwrap();
}

#[expect(clippy::result_large_err, reason = "the callback's type is the library's")]
fn agree(kind: Kind, request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let offered = request.headers().get("sec-websocket-protocol").cloned();
    if kind == Kind::MdnChat {
        if offered.as_ref().is_none_or(|offered| offered != "json") {
            let refusal = tokio_tungstenite::tungstenite::http::Response::builder().status(500).body(None);
            return Err(refusal.unwrap());
        }
        response.headers_mut().insert("sec-websocket-protocol", "json".parse().unwrap());
    }
    Ok(response)
}

impl Room {
    fn to(&self, id: u64, message: &Value) {
        if let Some(client) = self.clients.get(&id) {
            // Who has left hears nothing.
            let _ = client.send.send(message.to_string());
        }
    }

    fn to_all(&self, message: &Value, except: Option<u64>) {
        for id in self.clients.keys().filter(|id| Some(**id) != except) {
            self.to(*id, message);
        }
    }

    fn user_list(&self) {
        let names: Vec<_> = self.clients.values().map(|client| client.name.clone()).collect();
        self.to_all(&json!({ "type": "userlist", "users": names }), None);
    }

    fn welcome(&mut self, kind: Kind, id: u64) {
        match kind {
            Kind::MdnChat => self.to(id, &json!({ "type": "id", "id": id })),
            Kind::Numbers => {
                let others: Vec<Value> =
                    self.clients.keys().filter(|other| **other != id).map(|id| json!({ "id": id })).collect();
                self.to(id, &json!(["welcome", { "you": { "id": id }, "others": others }]));
                self.to_all(&json!(["arrived", { "id": id }]), Some(id));
            }
            _ => {}
        }
    }

    fn forget(&mut self, kind: Kind, id: u64) {
        self.clients.remove(&id);
        if kind == Kind::MdnChat {
            self.user_list();
        }
    }

    fn hear(&mut self, kind: Kind, id: u64, mut message: Value) {
        let word = message["type"].as_str().unwrap_or_default().to_owned();
        match kind {
            Kind::MdnChat if word == "username" => {
                self.name(id, message["name"].as_str().unwrap_or_default())
            }
            Kind::MdnChat => match message["target"].as_str().filter(|target| !target.is_empty()) {
                Some(target) => {
                    let found =
                        self.clients.iter().find(|(_, client)| client.name.as_deref() == Some(target));
                    if let Some((id, _)) = found {
                        self.to(*id, &message);
                    }
                }
                None => self.to_all(&message, None),
            },
            Kind::Relay => {
                message["type"] = match word.as_str() {
                    "relayOffer" => json!("handleVideoOfferMsg"),
                    "respondToOffer" => json!("handleVideoAnswerMsg"),
                    "newIceCandidate" => json!("handleNewICECandidateMsg"),
                    "hangupCall" => json!("handleHangUpMsg"),
                    _ => return,
                };
                self.to_all(&message, Some(id));
            }
            Kind::Ayame if word == "register" => {
                if self.clients.len() > 2 {
                    return self.to(id, &json!({ "type": "reject", "reason": "full" }));
                }
                let second = self.clients.len() == 2;
                let connection = format!("c{id}");
                self.to(id, &json!({ "type": "accept", "connectionId": connection, "isExistClient": second, "isExistUser": second }));
                self.to(id, &json!({ "type": "ping" }));
            }
            Kind::Ayame if word == "pong" => {}
            Kind::Ayame | Kind::Plain => self.to_all(&message, Some(id)),
            Kind::Numbers => {
                let to = message[1]["to"].as_u64().unwrap_or_default();
                message[1]["from"] = json!(id);
                self.to(to, &message);
            }
        }
    }

    fn name(&mut self, id: u64, wanted: &str) {
        let mut name = wanted.to_owned();
        while self.clients.values().any(|client| client.name.as_deref() == Some(&name)) {
            self.names += 1;
            name = format!("{wanted}{}", self.names);
        }
        if name != wanted {
            self.to(id, &json!({ "type": "rejectusername", "id": id, "name": name }));
        }
        if let Some(client) = self.clients.get_mut(&id) {
            client.name = Some(name);
        }
        self.user_list();
    }
}

/// A web server that has one page, whatever it is asked for. Gives its URL; it ends with the process.
pub(crate) fn page(html: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            if stream.read(&mut request).is_err() {
                continue;
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                html.len()
            );
            // A browser that has closed the connection asks again.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(html.as_bytes()));
        }
    });
    url
}
