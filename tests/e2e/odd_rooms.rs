//! Rooms that speak something else, or nothing; files and streams that cannot be read or written.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use futures::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Process, callcheck, free_room, one_call_at_a_time, run, start};

/// A program that has the port and never says a word.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn a_url_that_is_none_is_a_2() {
    for (url, says) in [
        ("ws://", "is not a URL"),
        ("127.0.0.1:2255", "ws://HOST:PORT"),
        ("ws://[::1", "is not a URL"),
        ("ftp://x", "ws://"),
    ] {
        let ended = run(&["call", "demo", "--signal", url]);
        assert!(ended.stderr.contains(says), "{url}: {}", ended.stderr);
        ended.exits(2);
    }
}

#[test]
fn a_room_that_says_nothing_is_given_up() {
    let (_listener, url) = silent();
    let ended = start(&url, &["call", "demo", "--signal", &url]).end().exits(3);
    ended.says(&["opening a WebSocket", "took longer than 10s"]);
}

#[test]
fn a_silent_program_on_the_port_is_no_room_to_host() {
    let (_listener, url) = silent();
    let ended = start(&url, &["call", "demo"]).end().exits(3);
    ended.says(&["is taken by another program", "did not say what it is", "--signal"]);
}

#[test]
fn an_interrupt_while_a_room_is_silent_is_a_130() {
    let (listener, url) = silent();
    let process = start(&url, &["call", "demo", "--signal", &url]);
    // Whoever has connected also listens for interrupts.
    let connection = listener.accept().unwrap();
    process.signal("INT");
    process.end().exits(130);
    drop(connection);
}

#[test]
fn a_websocket_that_is_no_room_never_sees_our_token_come_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    // It sends back whatever it gets.
    let echo = async {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, accept_protocol).await else {
                continue;
            };
            while let Some(Ok(message)) = socket.next().await {
                if matches!(message, Message::Text(_)) && socket.send(message).await.is_err() {
                    break;
                }
            }
        }
    };
    let mut command = callcheck(&url, &["call", "demo", "--signal", &url, "--json"]);
    command.env("CALLCHECK_TOKEN", "hush-token");
    let process = Process::start(command);
    let ended = runtime.block_on(async {
        let ended = tokio::task::spawn_blocking(move || process.end());
        futures::select_biased! {
            ended = futures::FutureExt::fuse(ended) => ended.unwrap(),
            () = futures::FutureExt::fuse(echo) => unreachable!("the listener accepts for ever"),
        }
    });
    let ended = ended.exits(3).says(&["is not a callcheck room", "not callcheck's protocol"]);
    assert!(!ended.stderr.contains("hush-token") && !ended.stdout.contains("hush-token"));
    assert_eq!(ended.report()["verdict"], "not-run");
}

/// Takes any subprotocol that is offered.
#[expect(clippy::result_large_err, reason = "the callback's type is the library's")]
fn accept_protocol(
    request: &tokio_tungstenite::tungstenite::handshake::server::Request,
    mut response: tokio_tungstenite::tungstenite::handshake::server::Response,
) -> Result<
    tokio_tungstenite::tungstenite::handshake::server::Response,
    tokio_tungstenite::tungstenite::handshake::server::ErrorResponse,
> {
    if let Some(protocol) = request.headers().get("sec-websocket-protocol") {
        response.headers_mut().insert("sec-websocket-protocol", protocol.clone());
    }
    Ok(response)
}

#[test]
fn a_wrong_sound_file_is_found_before_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let head = b"OggS\0\x02\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead";
    for (name, content, says) in [
        ("missing.opus", None, "cannot be read"),
        ("empty.opus", Some(&b""[..]), "empty"),
        ("text.opus", Some(&b"hello, this is no sound"[..]), "Opus in Ogg"),
        ("film.opus", Some(&b"DKIF\0\0\x20\0VP80"[..]), "IVF"),
        ("cut.opus", Some(&head[..]), "cut off"),
    ] {
        let path = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let ended = run(&["answer", "demo", "--send", &format!("audio={}", path.display())]);
        assert!(ended.stderr.contains(says), "{name}: `{says}` is not in {}", ended.stderr);
        let ended = ended.exits(2);
        assert!(!ended.stderr.contains("hosting"), "no room was opened");
    }
}

#[test]
fn an_old_report_survives_a_call_that_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    std::fs::File::create(&path)
        .unwrap()
        .write_all(b"the report of yesterday, which is a longer text")
        .unwrap();
    let report = path.display().to_string();
    run(&["call", "demo", "--report-json", &report, "--record", "/nonexistent/file"]).exits(3);
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("the report of yesterday"));
    run(&["call", "demo", "--report-json", &report, "--wait", "200ms"]).exits(3);
    crate::harness::report(&std::fs::read_to_string(&path).unwrap());
}

#[test]
fn a_log_on_a_full_disk_loses_the_log_and_not_the_call() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let _turn = one_call_at_a_time();
    let room = free_room();
    let mut callee = start(&room, &["answer", "demo"]);
    callee.says("hosting room demo");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = callcheck(&room, &["call", "demo", "--duration", "500ms", "--json", "-v"]);
    let output = command.stderr(Stdio::from(full)).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(crate::harness::report(&String::from_utf8(output.stdout).unwrap())["verdict"], "passed");
    callee.end().exits(0);
}

#[test]
fn nobody_who_reads_is_no_reason_to_panic() {
    for arguments in [&["schema"][..], &["call", "demo", "--wait", "200ms", "--json"]] {
        let mut command = callcheck(&free_room(), arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer);
        let ended = Process::start(command).end().exits(3).says(&["could not write"]);
        assert!(!ended.stderr.contains("defect"), "{}", ended.stderr);
    }
    let mut command = callcheck(&free_room(), &["call", "demo", "--wait", "200ms"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(command.stderr(writer).status().unwrap().code(), Some(3));
}
