//! Every way in which joining fails over a socket, as people read it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use url::Url;

use super::{BindError, Limits, Server, ServerConfig};
use crate::signaling::{JoinRequest, Token, WebSocketOptions, join_websocket};
use crate::world::{self, Live, Task, World};

fn live() -> Arc<dyn World> {
    Arc::new(Live::new(1))
}

fn request() -> JoinRequest {
    JoinRequest {
        room: "demo".to_owned(),
        role: None,
        name: "alice".to_owned(),
        capabilities: Default::default(),
        token: Some(Token::new("open sesame")),
    }
}

/// What joining at `url` fails with.
async fn failure(url: &str, extra_ca_pem: Option<String>) -> String {
    let options =
        WebSocketOptions { deadline: Duration::from_millis(500), extra_ca_pem, ..Default::default() };
    let joined = join_websocket(live(), &Url::parse(url).unwrap(), request(), options).await;
    let error = joined.expect_err("nothing there is a room").to_string();
    assert!(!error.contains("sesame"), "{error}");
    error
}

/// A program that reads a little and says `answer` to everybody; then it closes the connection, or waits.
async fn program(answer: &'static [u8], closes: bool) -> (u16, Task) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = world::spawn(&*live(), async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
            if !closes {
                open.push(stream);
            }
        }
    });
    (port, task)
}

/// A WebSocket server that sends back what it gets, and agrees to our subprotocol or ignores it.
#[expect(clippy::result_large_err, reason = "the callback's type is tungstenite's")]
async fn echo(agrees: bool) -> (u16, Task) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = world::spawn(&*live(), async move {
        while let Ok((stream, _)) = listener.accept().await {
            let agree = move |request: &Request, mut response: Response| {
                if agrees {
                    let protocol = request.headers()["sec-websocket-protocol"].clone();
                    response.headers_mut().insert("sec-websocket-protocol", protocol);
                }
                Ok(response)
            };
            let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, agree).await else { continue };
            let (sink, stream) = socket.split();
            let _ = stream.forward(sink).await;
        }
    });
    (port, task)
}

/// A room behind TLS with a certificate for `localhost` that it has signed itself; with that certificate in PEM.
async fn behind_tls() -> (u16, String, Task) {
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
    let server = Server::bind(live(), "127.0.0.1:0".parse().unwrap(), ServerConfig::default()).await.unwrap();
    let inside = server.local_addr();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = world::spawn(&*live(), async move {
        let _server = world::spawn(&*live(), server.run(std::future::pending()));
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            world::spawn(&*live(), async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut room = TcpStream::connect(inside).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut room).await;
                }
            })
            .detach();
        }
    });
    (port, signed.cert.pem(), task)
}

fn shown(errors: &[String]) -> String {
    errors.join("\n")
}

macro_rules! snapshot {
    ($name:literal, $errors:expr) => {
        insta::with_settings!({filters => vec![
            (r"(127\.0\.0\.1|localhost):\d+", "$1:PORT"),
        ]}, { insta::assert_snapshot!($name, $errors) })
    };
}

#[tokio::test]
async fn urls_that_cannot_be_a_room() {
    let mut errors = Vec::new();
    for url in
        ["http://127.0.0.1:1/", "ws://user:hunter2@127.0.0.1:1/?key=hunter2", "ws://no-such-host.invalid"]
    {
        let error = failure(url, None).await;
        assert!(!error.contains("hunter2"), "{error}");
        errors.push(error);
    }
    // What the resolver says differs from machine to machine.
    let dns = errors.pop().unwrap();
    assert!(
        dns.starts_with("no address for `no-such-host.invalid`: ") || dns.contains("took longer"),
        "{dns}"
    );
    snapshot!("urls", shown(&errors));
}

#[tokio::test]
async fn ports_where_no_room_answers() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut errors = vec![failure(&format!("ws://127.0.0.1:{closed}"), None).await];
    let answers: [(&[u8], bool); 7] = [
        (b"", true),
        (b"", false),
        (b"SSH-2.0-OpenSSH_9.9\r\n", true),
        (b"\x15\x03\x03\x00\x02\x02\x32", true),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", true),
        (b"HTTP/1.1 301 Moved\r\nlocation: https://example.org/\r\ncontent-length: 0\r\n\r\n", true),
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", true),
    ];
    for (answer, closes) in answers {
        let (port, _program) = program(answer, closes).await;
        errors.push(failure(&format!("ws://127.0.0.1:{port}"), None).await);
    }
    for agrees in [true, false] {
        let (port, _echo) = echo(agrees).await;
        errors.push(failure(&format!("ws://127.0.0.1:{port}/chat"), None).await);
    }
    snapshot!("ports", shown(&errors));
}

#[tokio::test]
async fn tls_that_fails() {
    let (plain, _program) = program(b"HTTP/1.1 400 Bad Request\r\n\r\n", true).await;
    let (silent, _silent) = program(b"", true).await;
    let (port, pem, _room) = behind_tls().await;
    let errors = [
        failure(&format!("wss://127.0.0.1:{plain}"), None).await,
        failure(&format!("wss://127.0.0.1:{silent}"), None).await,
        failure(&format!("wss://localhost:{port}"), None).await,
        failure(&format!("wss://localhost:{port}"), Some("hello".to_owned())).await,
        failure(&format!("wss://127.0.0.1:{port}"), Some(pem.clone())).await,
        failure(&format!("ws://localhost:{port}"), None).await,
    ];
    snapshot!("tls", shown(&errors));
    let options = WebSocketOptions { extra_ca_pem: Some(pem), ..Default::default() };
    let url = Url::parse(&format!("wss://localhost:{port}")).unwrap();
    join_websocket(live(), &url, request(), options).await.expect("its own authority is trusted now");
}

#[tokio::test]
async fn rooms_that_refuse() {
    let limits = Limits { peers_per_room: 1, ..Limits::default() };
    let config = ServerConfig { limits, token: Some(Token::new("open sesame")), ..Default::default() };
    let server = Server::bind(live(), "127.0.0.1:0".parse().unwrap(), config).await.unwrap();
    let url = Url::parse(&format!("ws://{}", server.local_addr())).unwrap();
    let _task = world::spawn(&*live(), server.run(std::future::pending()));
    let join = |request| join_websocket(live(), &url, request, WebSocketOptions::default());
    let _alice = join(request()).await.unwrap();
    let mut errors = vec![failure(url.as_str(), None).await];
    let refused = [
        JoinRequest { name: "bob".to_owned(), ..request() },
        JoinRequest { token: None, ..request() },
        JoinRequest { token: Some(Token::new("open barley")), ..request() },
        JoinRequest { name: String::new(), ..request() },
    ];
    for request in refused {
        errors.push(join(request).await.expect_err("refused").to_string());
    }
    errors.push(failure(&format!("{url}elsewhere"), None).await);
    snapshot!("refusals", shown(&errors));
}

#[tokio::test]
async fn a_taken_port_says_by_whom() {
    let (foreign, _program) = program(b"SSH-2.0-OpenSSH_9.9\r\n", false).await;
    let (silent, _silent) = program(b"", false).await;
    let server = Server::bind(live(), "127.0.0.1:0".parse().unwrap(), ServerConfig::default()).await.unwrap();
    let room = server.local_addr().port();
    let _task = world::spawn(&*live(), server.run(std::future::pending()));
    let mut errors = Vec::new();
    for port in [room, foreign, silent] {
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        let error = Server::bind(live(), address, Default::default()).await.expect_err("taken");
        assert_eq!(port == room, matches!(error, BindError::RoomRuns(_)));
        errors.push(error.to_string());
    }
    snapshot!("taken_ports", shown(&errors));
}

#[tokio::test]
async fn a_port_that_is_given_up_at_this_moment_is_taken() {
    // Taken, and nobody listens: as between the two steps in which another process takes it, or gives it up.
    let holder = tokio::net::TcpSocket::new_v4().unwrap();
    holder.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = holder.local_addr().unwrap();
    let world = live();
    let given_up = async {
        world.sleep(Duration::from_millis(50)).await;
        drop(holder);
    };
    let binding = Server::bind(live(), address, ServerConfig::default());
    let (bound, ()) = futures::future::join(binding, given_up).await;
    assert_eq!(bound.unwrap().local_addr(), address);
}
