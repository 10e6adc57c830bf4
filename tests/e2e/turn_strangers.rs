//! `callcheck turn` against servers that are none, and servers that lie: a verdict each.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::coturn::CREDENTIAL;
use crate::harness::{Process, callcheck, free_room};
use crate::turn::failed;

fn header(kind: u16, length: u16, id: [u8; 12]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), &[0x21, 0x12, 0xa4, 0x42], &id].concat()
}

/// Answers each datagram with what `answer` makes of it, until it is dropped with the process.
fn datagrams(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut buffer = [0; 2000];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            for packet in answer(&buffer[..length]) {
                let _ = socket.send_to(&packet, from);
            }
        }
    });
    format!("turn:127.0.0.1:{port}")
}

/// Says `text` to whoever connects, and keeps the connection open.
fn stream(text: &'static [u8], first: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        while let Ok((mut connection, _)) = listener.accept() {
            if !first {
                let _ = connection.read(&mut [0; 2000]);
            }
            let _ = connection.write_all(text);
            open.push(connection);
        }
    });
    format!("turn:127.0.0.1:{port}?transport=tcp")
}

/// An error response with that code and reason.
fn error(request: &[u8], code: u16, reason: &[u8]) -> Vec<u8> {
    let kind = u16::from_be_bytes([request[0], request[1]]) | 0x0110;
    let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
    value.extend_from_slice(reason);
    let length = value.len() as u16;
    value.resize(value.len().next_multiple_of(4), 0);
    let mut message = header(kind, value.len() as u16 + 4, request[8..20].try_into().unwrap());
    message.extend([0, 9]);
    message.extend(length.to_be_bytes());
    message.extend(value);
    message
}

#[test]
fn strangers_get_a_verdict_each() {
    let evil: &[u8] = b"\x1b[2Jgone\0\r\n\x07";
    let huge = [evil, &[b'x'; 700]].concat();
    let lying =
        |request: &[u8], length: u16| vec![header(0x0101, length, request[8..20].try_into().unwrap())];
    let rows: Vec<(&str, String, &str)> = vec![
        ("silent", datagrams(|_| Vec::new()), "silent"),
        ("garbage", datagrams(|_| vec![b"garbage \x1b[31m".to_vec()]), "not-stun"),
        ("reflected", datagrams(|request| vec![request.to_vec()]), "nonsense"),
        ("short length", datagrams(move |request| lying(request, 0)), "nonsense"),
        ("long length", datagrams(move |request| lying(request, 0xfffc)), "not-stun"),
        (
            "wrong transaction",
            datagrams(|_| vec![[header(0x0101, 8, [1; 12]), vec![0, 0x20, 0, 4, 0, 0, 0, 0]].concat()]),
            "nonsense",
        ),
        ("huge reason", datagrams(move |request| vec![error(request, 500, &huge)]), "code"),
        ("flood", datagrams(|_| std::iter::repeat_n(header(0x0101, 0, [3; 12]), 3000).collect()), "nonsense"),
        ("HTTP", stream(b"HTTP/1.1 400 Bad Request\r\n\r\n", false), "not-stun"),
        ("SSH", stream(b"SSH-2.0-OpenSSH_9.2\r\n", true), "not-stun"),
        ("control characters", stream(b"\x1b[31m\x07\x00", true), "not-stun"),
        ("slow loris", stream(&[1, 1, 0xff], true), "silent"),
    ];
    let running: Vec<_> = rows
        .iter()
        .map(|(name, url, cause)| {
            let mut command = callcheck(&free_room(), &["turn", url, "--username", "me", "--json"]);
            command.env("CALLCHECK_CREDENTIAL", CREDENTIAL);
            (name, cause, Process::start(command), Instant::now())
        })
        .collect();
    for (name, cause, process, start) in running {
        let ended = process.end().exits(1);
        assert!(start.elapsed() < Duration::from_secs(20), "{name} took {:?}", start.elapsed());
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(failed(&report).1, *cause, "{name}: {:#}", report["servers"][0]["paths"][0]);
        let shown = |text: &str| text.chars().any(|letter| letter.is_control() && letter != '\n');
        assert!(!shown(&ended.stderr) && !shown(&ended.stdout), "{name} shows control characters");
    }
}
