//! What stands in front of a room that is not ours, and how it lets us in or not: HTTP, certificates, closed sockets.

use std::io::{Read, Write};
use std::net::TcpListener;

use futures::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::harness::{Ended, one_call_at_a_time, run, start};
use crate::stand_in::{Kind, StandIn};

/// A web server that gives everybody this answer. It ends with the process.
fn answers(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/rooms", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            // Whoever has left needs no answer.
            let _ = stream.read(&mut request).and_then(|_| stream.write_all(answer.as_bytes()));
        }
    });
    url
}

/// A room that says hello to whoever comes and then closes the socket like this. It ends with the test.
fn closes(frame: Option<CloseFrame>) -> (String, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { continue };
            let hello = Message::text(r#"{"type":"hello","say":"open \u001b[31m sesame"}"#);
            if socket.send(hello).await.is_ok() && socket.close(frame.clone()).await.is_ok() {
                while let Some(Ok(_)) = socket.next().await {}
            }
        }
    });
    (url, runtime)
}

fn call(url: &str, dialect: &str, more: &[&str]) -> Ended {
    let here = ["call", "demo", "--signal", url, "--dialect", dialect, "--bind", "127.0.0.1"];
    run(&[&here[..], more].concat())
}

#[test]
fn what_http_says_instead_is_told_with_what_to_do() {
    for (answer, says) in [
        ("401 Unauthorized\r\nwww-authenticate: Bearer", ["HTTP 401", "credentials"]),
        ("403 Forbidden", ["HTTP 403", "refuses us"]),
        (
            "302 Found\r\nlocation: https://rooms.example.org/ws",
            ["points to", "use the URL that it points to"],
        ),
        ("200 OK", ["HTTP 200", "check host, port and path"]),
        ("502 Bad Gateway", ["HTTP 502", "the room behind it does not run"]),
    ] {
        let whole = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let ended = call(&answers(whole.leak()), "relay", &[]).exits(3);
        ended.says(&["is not a room that speaks `relay`"]).says(&says);
    }
}

#[test]
fn a_room_with_a_certificate_of_its_own_is_trusted_when_told_and_refused_otherwise() {
    let _turn = one_call_at_a_time();
    let (server, pem) = StandIn::behind_tls(Kind::Relay);
    call(&server.url, "relay", &[]).exits(3).says(&["the certificate's issuer is unknown", "--ca FILE"]);
    let elsewhere = server.url.replace("localhost", "127.0.0.1");
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem").display().to_string();
    std::fs::write(&ca, pem).unwrap();
    call(&elsewhere, "relay", &["--ca", &ca]).exits(3).says(&[
        "the certificate is for localhost, not for 127.0.0.1",
        "use a name that the certificate is for",
    ]);
    for trusting in [&["--ca", &ca][..], &["--insecure"]] {
        let side = |command: &str, more: &[&str]| {
            let own = [command, "demo", "--signal", &server.url, "--dialect", "relay", "--bind", "127.0.0.1"];
            start(&server.url, &[&own[..], trusting, more].concat())
        };
        let mut callee = side("answer", &[]);
        callee.says("joined room demo");
        let ended = side("call", &["--duration", "1s"]).end().exits(0);
        callee.end().exits(0);
        if trusting[0] == "--insecure" {
            ended.says(&["certificates of the room and of TURN servers are not checked"]);
        }
    }
}

#[test]
fn a_socket_that_closes_is_told_with_its_code_and_with_what_nobody_understood() {
    let refusal = CloseFrame { code: 4403.into(), reason: "no seat for you\u{7}".into() };
    // This dialect waits to be told that it is in; the hello is none of its messages.
    let (url, _room) = closes(Some(refusal));
    let ended = call(&url, "ayame", &[]).exits(3);
    ended.says(&["code 4403", "no seat for you"]);
    let refusal = CloseFrame { code: 4401.into(), reason: "bad token sesame-hush".into() };
    let (url, _room) = closes(Some(refusal));
    let ended =
        call(&url, "ayame", &["--token", "sesame-hush"]).exits(3).says(&["code 4401: bad token [redacted]"]);
    assert!(!ended.stderr.contains("sesame-hush"), "{}", ended.stderr);
    let (url, _room) = closes(None);
    call(&url, "ayame", &[]).exits(3).says(&["the room closed the connection"]);
}
