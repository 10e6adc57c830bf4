//! Wrong command lines, wrong files, wrong rooms: one clear error each, the right exit code, nothing left behind.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use crate::harness::{Process, callcheck, free_room, one_call_at_a_time, run, serve, start};

#[test]
fn a_wrong_command_line_is_a_2_that_says_how_to_mend_it() {
    for (arguments, says) in [
        (vec!["call"], vec!["<ROOM>"]),
        (vec!["call", "demo", "--frobnicate"], vec!["--frobnicate"]),
        (vec!["call", "demo", "--wait", "5"], vec!["needs a unit", "`5s`"]),
        (vec!["call", "demo", "--signal", "http://x"], vec!["did you mean `ws://x`"]),
        (vec!["call", "demo", "--expect", "trakcs=audio"], vec!["^^^^^^", "did you mean `tracks`"]),
        (vec!["call", "demo", "--send", "video=bras"], vec!["did you mean `video=bars`"]),
        (vec!["call", "demo", "--send", "audio=tone", "--send", "audio=tone"], vec!["audio twice"]),
        (vec!["call", "demo", "-q", "-v"], vec!["contradict"]),
        (vec!["call", "demo", "--json", "--report-json", "-"], vec!["standard output"]),
        (vec!["call", "demo", "--flaky-ok"], vec!["--retry"]),
        (vec!["call", "demo", "--ice-server", "stuns:stun.example.org"], vec!["of no use in a call"]),
        (vec!["call", "demo", "--ice-policy", "relay"], vec!["TURN server"]),
        (vec!["serve", "--listen", "nowhere"], vec!["127.0.0.1:2255"]),
        (vec!["serve", "--max-peers", "1"], vec!["from 2 to"]),
    ] {
        let ended = run(&arguments).exits(2).says(&says);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_on_standard_output() {
    for arguments in
        [vec!["--help"], vec!["call", "-h"], vec!["--version"], vec!["schema"], vec!["schema", "timeline"]]
    {
        let ended = run(&arguments).exits(0);
        assert!(ended.stderr.is_empty() && !ended.stdout.is_empty(), "{arguments:?}: {}", ended.stderr);
    }
    let committed = include_str!("../../schema/callcheck.schema.json");
    assert_eq!(run(&["schema"]).stdout, committed);
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/turn.schema.json");
    assert_eq!(run(&["schema", "turn"]).stdout, std::fs::read_to_string(committed).unwrap());
    assert!(run(&["schema", "probe"]).exits(0).stdout.contains("ProbeReport"));
}

#[test]
fn a_wrong_media_file_is_found_before_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let whole = b"DKIF\0\0\x20\0VP80\x80\x02\x68\x01\x1e\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0";
    for (path, says) in [
        (folder.path().join("missing.ivf").display().to_string(), "cannot be read"),
        (file("empty.ivf", b""), "empty"),
        (file("text.ivf", b"hello, this is not a film at all, just some text"), "IVF"),
        (file("header.ivf", whole), "no "),
        (file("cut.ivf", &[&whole[..], &[9, 0, 0, 0, 0, 0]].concat()), "cut off"),
        (file("av1.ivf", &[&whole[..8], b"AV01", &whole[12..]].concat()), "AV01"),
    ] {
        let ended = run(&["call", "demo", "--send", &format!("video={path}")]).exits(2);
        assert!(ended.stderr.contains(says), "{path}: `{says}` is not in {}", ended.stderr);
        assert!(!ended.stderr.contains("hosting"), "no room was opened");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_the_call() {
    for option in ["--report-json", "--record"] {
        let ended = run(&["call", "demo", option, "/nonexistent/folder/file"]).exits(3);
        let ended = ended.says(&[option, "/nonexistent/folder/file", "no such file or directory"]);
        assert!(!ended.stderr.contains("hosting"), "no room was opened");
    }
}

#[test]
fn a_room_that_is_not_there_or_not_one_is_a_3() {
    run(&["call", "demo", "--signal", &free_room()]).exits(3).says(&["nothing listens", "callcheck serve"]);
    let page = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    run(&["call", "demo", "--signal", &page]).exits(3).says(&["is not a callcheck room", "200"]);
    let ssh = answering(b"SSH-2.0-OpenSSH_9.2p1\r\n");
    run(&["call", "demo", "--signal", &ssh]).exits(3).says(&["is not a callcheck room"]);
    let plain = free_listener();
    run(&["call", "demo", "--signal", &plain.replace("ws://", "wss://")]).exits(3).says(&["TLS"]);
    let ended = run(&["call", "demo", "--signal", &ssh, "--json"]).exits(3);
    assert_eq!(ended.report()["verdict"], "not-run");
}

#[test]
fn a_port_that_another_program_has_is_named() {
    let other = answering(b"HTTP/1.0 400 Bad Request\r\n\r\n");
    start(&other, &["call", "demo"]).end().exits(3).says(&["callcheck serve --listen", "--signal"]);
    let address = other.trim_start_matches("ws://").to_owned();
    run(&["serve", "--listen", &address]).exits(3).says(&[&address]);
}

#[test]
fn what_the_room_refuses_is_said() {
    let (_server, url) = serve(&["--token", "open-sesame", "--max-peers", "2"]);
    let join = |name: &str, token: &str| {
        start(&url, &["call", "demo", "--signal", &url, "--name", name, "--token", token, "--wait", "20s"])
    };
    let wrong = join("alice", "let-me-in").end().exits(3).says(&["token-refused"]);
    assert!(!wrong.stderr.contains("let-me-in") && !wrong.stderr.contains("open-sesame"));
    let mut alice = join("alice", "open-sesame");
    alice.says("joined room demo");
    join("alice", "open-sesame").end().exits(3).says(&["name-taken"]);
    let mut carol = join("carol", "open-sesame");
    carol.says("joined room demo");
    join("dave", "open-sesame").end().exits(3).says(&["room-full"]);
}

#[test]
fn secrets_come_from_the_environment_and_stay_there() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("call.jsonl").display().to_string();
    let servers = folder.path().join("servers.json");
    std::fs::write(
        &servers,
        r#"{"iceServers":[{"urls":"turn:127.0.0.1:9","username":"u","credential":"hush-file"}]}"#,
    )
    .unwrap();
    let mut command =
        callcheck(&room, &["call", "demo", "--duration", "1s", "-v", "--json", "--record", &record]);
    command.env("CALLCHECK_ICE_SERVERS", &servers);
    let caller = Process::start(command);
    let callee = start(&room, &["answer", "demo"]);
    let caller = caller.end().exits(0);
    callee.end().exits(0);
    let timeline = std::fs::read_to_string(record).unwrap();
    for text in [&caller.stderr, &caller.stdout, &timeline] {
        assert!(!text.contains("hush-file"), "a secret shows");
    }
    assert!(timeline.contains("turn:127.0.0.1:9"), "the server itself is on record");
}

/// A listener that never answers in TLS.
fn free_listener() -> String {
    answering(b"")
}

/// A server that says `bytes` to everybody who says something, and is no room.
fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer(stream, bytes));
        }
    });
    url
}

fn answer(mut stream: TcpStream, bytes: &[u8]) {
    let mut request = [0; 2048];
    let _ = stream.read(&mut request);
    let _ = stream.write_all(bytes);
}

/// Standard error can be full too; the exit code still tells.
#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_does_not_change_the_exit_code() {
    let unreachable = ["call", "demo", "--signal", "ws://127.0.0.1:1"];
    for (arguments, code) in [(&unreachable[..], 3), (&["call", "demo", "-q", "-v"][..], 2)] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_callcheck"))
            .args(arguments)
            .stdin(std::process::Stdio::null())
            .stderr(full)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn the_reason_of_a_run_that_could_not_begin_is_a_plain_sentence() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_callcheck"))
        .args(["call", "demo", "--signal", "ws://127.0.0.1:1", "--json"])
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "not-run");
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.starts_with("nothing listens at 127.0.0.1:1"), "{reason}");
}
