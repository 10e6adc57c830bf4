//! Where `callcheck turn` learns of its servers: lists that are fetched, and SRV records.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};

use serde_json::Value;

use crate::coturn::{CREDENTIAL, Coturn};
use crate::harness::{Ended, Process, callcheck, free_room};
use crate::turn::{failed, report_of, step};

/// Answers each GET with that.
fn page(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut connection, _)) = listener.accept() {
            let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    format!("http://127.0.0.1:{port}/ice?token=hush-token")
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn run(arguments: &[&str]) -> Ended {
    let mut command = callcheck(&free_room(), arguments);
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let ended = Process::start(command).end();
    let shown = [&*ended.stderr, &*ended.stdout].concat();
    assert!(!shown.contains("hush-"), "a secret shows: {shown}");
    ended
}

#[test]
fn a_list_of_servers_is_fetched() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let url = format!("turn:127.0.0.1:{}", server.port);
    let entry = format!(r#"{{"urls": "{url}", "username": "me", "credential": "{CREDENTIAL}"}}"#);
    for body in [format!("[{entry}]"), format!(r#"{{"iceServers": [{entry}]}}"#)] {
        let ended = run(&["turn", "--ice-servers", &page(ok(&body)), "--json"]).exits(0);
        assert_eq!(report_of(&ended)["verdict"], "passed");
    }
}

#[test]
fn a_list_that_cannot_be_fetched_says_why() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = format!("http://{}/", silent.local_addr().unwrap());
    let endless = "HTTP/1.1 200 OK\r\n\r\n".to_owned() + &" ".repeat(2 << 20);
    for (url, code, says) in [
        (page("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_owned()), 3, "403"),
        (page(ok("<html>hush-page")), 2, "no JSON at line 1"),
        (page(ok("[1]")), 2, "server 1 of the list: it is no object"),
        (page(endless), 3, "longer than"),
        ("http://127.0.0.1:9/hush-path".to_owned(), 3, "connection refused"),
        ("http://".to_owned(), 2, "not a URL"),
        // Nobody takes the connection from its queue.
        (slow, 3, "in 10 s"),
    ] {
        run(&["turn", "--ice-servers", &url]).exits(code).says(&[says]);
    }
    let broken = page("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_owned());
    run(&["call", "demo", "--ice-servers", &broken]).exits(3).says(&["500"]);
}

/// A name server that knows `_turn._udp.turn.test` as `relay.test` at `port`, and two names as 127.0.0.1.
fn name_server(port: u16) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 2000];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&named(&buffer[..length], port), from);
        }
    });
    address
}

/// The answer to a question (RFC 1035 §4, RFC 2782).
fn named(query: &[u8], port: u16) -> Vec<u8> {
    let mut at = 12;
    let mut labels = Vec::new();
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..=at + length]).to_lowercase());
        at += length + 1;
    }
    let (name, question) = (labels.join("."), &query[12..at + 5]);
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let data = match (name.as_str(), kind) {
        ("_turn._udp.turn.test", 33) => {
            [&[0, 10, 0, 5][..], &port.to_be_bytes(), b"\x05relay\x04test\x00"].concat()
        }
        ("relay.test" | "plain.test", 1) => vec![127, 0, 0, 1],
        _ => Vec::new(),
    };
    let known = !data.is_empty() || matches!(name.as_str(), "relay.test" | "plain.test");
    let code = if known { 0 } else { 3 };
    let count = u8::from(!data.is_empty());
    let mut answer = [&query[..2], &[0x85, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
    if !data.is_empty() {
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        answer.extend(data);
    }
    answer
}

fn turn(url: &str, names: &str) -> (Ended, Value) {
    let arguments = ["turn", url, "--resolver", names, "--username", "me", "--json"];
    let mut command = callcheck(&free_room(), &arguments);
    command.env("CALLCHECK_CREDENTIAL", CREDENTIAL);
    let ended = Process::start(command).end();
    let report = report_of(&ended);
    (ended, report)
}

#[test]
fn an_srv_record_says_where_the_server_is() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let names = name_server(server.port);
    let (ended, report) = turn("turn:turn.test", &names);
    ended.exits(0).says(&["browsers look up no SRV"]);
    assert_eq!(step(&report, "srv")["status"], "ok", "{:#}", step(&report, "srv"));
    assert_eq!(report["servers"][0]["paths"][0]["address"], format!("127.0.0.1:{}", server.port));
    // A port that is stated is where the server is.
    let (ended, report) = turn(&format!("turn:relay.test:{}", server.port), &names);
    ended.exits(0);
    let steps = report["servers"][0]["paths"][0]["steps"].as_array().unwrap();
    assert_eq!(steps[0]["step"], "resolve", "{steps:#?}");
}

#[test]
fn a_name_without_srv_records_is_the_server() {
    let names = name_server(1);
    let (_, report) = turn("turn:plain.test", &names);
    let srv = step(&report, "srv");
    assert_eq!(srv["status"], "skipped", "{srv:#}");
    assert!(srv["reason"].as_str().unwrap().contains("no such record"), "{srv:#}");
    assert_eq!(report["servers"][0]["paths"][0]["address"], "127.0.0.1:3478");
    let (ended, report) = turn("turn:nobody.test", &names);
    ended.exits(1).says(&["has no address"]);
    assert_eq!(failed(&report).1, "unresolved");
}
