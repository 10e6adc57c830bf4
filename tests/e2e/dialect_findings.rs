//! What a dialect does not understand: told before we are in, and named when the call lacks it.

use futures::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::harness::{one_call_at_a_time, run, start};
use crate::stand_in::{Kind, StandIn};

const WELCOME: &str = r#"
[say]
offer = { t = "offer", sdp = "{{sdp}}" }
answer = { t = "answer", sdp = "{{sdp}}" }
[[hear]]
when = { t = "welcome" }
signal = "joined"
[[hear]]
if = "msg.t in ['offer', 'answer']"
signal = "description"
type = "$.t"
sdp = "$.sdp"
"#;

#[test]
fn what_a_room_said_before_it_closed_is_shown() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    runtime.spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        socket.send(Message::text(r#"{"t":"please-log-in"}"#)).await.unwrap();
        let frame = CloseFrame { code: 4001.into(), reason: "no session".into() };
        socket.close(Some(frame)).await.unwrap();
        while socket.next().await.is_some_and(|came| came.is_ok()) {}
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, WELCOME).unwrap();
    let file = path.display().to_string();
    let ended = run(&["call", "demo", "--signal", &url, "--dialect", &file]).exits(3);
    ended.says(&["the connection ended before the room had answered", "no session", "please-log-in"]);
}

#[test]
fn an_answer_that_no_rule_knows_is_the_dialects_fault_and_a_chat_nobodys() {
    let _turn = one_call_at_a_time();
    for (heard, code) in [("svar", 1), ("handleVideoAnswerMsg", 0)] {
        let server = StandIn::start(Kind::Relay);
        let here = ["demo", "--signal", &server.url, "--dialect", "relay", "--bind", "127.0.0.1"];
        let mut callee = start(&server.url, &[&["answer"][..], &here].concat());
        let joined = callee.says("joined room demo");
        // The command for the other side is the one that was typed here.
        let command = format!("callcheck call demo --signal {} --dialect relay", server.url);
        assert!(joined.contains(&command), "{joined}");
        let heard = format!("answer_heard={heard}");
        let more = ["--dialect-var", &heard, "--duration", "1s", "--answer-timeout", "12s", "--json"];
        let ended = start(&server.url, &[&["call"][..], &here, &more].concat()).end().exits(code);
        let report = ended.report();
        let first = &report["calls"][0]["findings"][0];
        if code == 0 {
            assert!(first.is_null(), "{first}");
            continue;
        }
        assert_eq!(first["id"], "sig-message-not-understood", "{first}");
        assert!(
            first["peer"].is_null() && first["shown"][0].as_str().unwrap().contains("handleVideoAnswerMsg")
        );
        let settle = first["settle"].as_str().unwrap();
        assert!(settle.contains("when = { type = \"handleVideoAnswerMsg\" }"), "{settle}");
        ended.says(&["sig-message-not-understood", "[[hear]]"]);
    }
}

#[test]
fn a_transcript_that_checks_nothing_does_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, WELCOME).unwrap();
    let file = path.display().to_string();
    let check = |transcript: &str| {
        std::fs::write(folder.path().join("mine.transcript"), transcript).unwrap();
        run(&["dialect", "check", &file])
    };
    check("# nothing\n").exits(1).says(&["the transcript holds no message", "in 1 place"]);
    check("< {\"t\":\"welcome\"}\n").exits(0).says(&["as was recorded in 1 transcript"]);
}
