//! Rooms that are not ours: callcheck meets itself in stand-ins of other people's servers, and a page in Chromium that plays
//! the app. The servers are stand-ins (see `stand_in`).

use serde_json::Value;

use crate::chromium::Chromium;
use crate::harness::{Ended, Process, one_call_at_a_time, run, start};
use crate::stand_in::{Kind, StandIn, page};

const APP: &str = include_str!("page/app.html");

/// A room that no shipped dialect knows: lists for messages, numbers for names, JSON in a text.
const NUMBERS: &str = r#"
about = "numbers for names, and JSON in texts"

[room]
unpack = "$[1].data"

[say]
offer = ["offer", { to = "{{peer}}", data = '{{ {"sdp": sdp} | json }}' }]
answer = ["answer", { to = "{{peer}}", data = '{{ {"sdp": sdp} | json }}' }]
candidate = ["ice", { to = "{{peer}}", data = "{{ [candidate] | json }}" }]
hang-up = ["bye", { to = "{{peer}}" }]

[[hear]]
when = ["welcome"]
signal = "joined"
capture = { self = "$[1].you.id" }
peers = "$[1].others[*].id"

[[hear]]
when = ["arrived"]
signal = "peer-joined"
peer = "$[1].id"

[[hear]]
if = "msg[0] in ['offer', 'answer']"
signal = "description"
type = "$[0]"
from = "$[1].from"
to = "$[1].to"
sdp = "$[1].data.sdp"

[[hear]]
when = ["ice"]
signal = "candidate"
from = "$[1].from"
candidate = "$[1].data"

[[hear]]
when = ["bye"]
signal = "hang-up"
from = "$[1].from"
"#;

/// Our binary against our binary in that room; both must pass.
fn meet_ourselves(kind: Kind, dialect: &str, extra: &[&str]) -> (Value, Value) {
    let server = StandIn::start(kind);
    let side = |command: &str, more: &[&str]| {
        let own =
            [command, "demo", "--signal", &server.url, "--dialect", dialect, "--bind", "127.0.0.1", "--json"];
        start(&server.url, &[&own[..], more, extra].concat())
    };
    let mut callee = side("answer", &[]);
    callee.says("joined room demo");
    let caller = side("call", &["--duration", "1s"]).end().exits(0);
    let callee = callee.end().exits(0);
    server.lives();
    (caller.report(), callee.report())
}

#[test]
fn callcheck_meets_callcheck_in_every_room_that_it_knows() {
    let _turn = one_call_at_a_time();
    for (kind, dialect) in [
        (Kind::MdnChat, "mdn-chat"),
        (Kind::Relay, "relay"),
        (Kind::Ayame, "ayame"),
        (Kind::Plain, "simple-peer"),
        (Kind::Plain, "go2rtc"),
    ] {
        let (caller, callee) = meet_ourselves(kind, dialect, &[]);
        for report in [caller, callee] {
            assert_eq!(report["verdict"], "passed", "{dialect}");
            let tracks = report["calls"][0]["peers"][0]["tracks"].as_array().unwrap();
            assert_eq!(tracks.len(), 2, "{dialect}: {tracks:?}");
        }
    }
}

#[test]
fn a_room_that_nobody_knew_is_joined_by_a_file() {
    let _turn = one_call_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.toml");
    std::fs::write(&path, NUMBERS).unwrap();
    let (caller, _) = meet_ourselves(Kind::Numbers, &path.display().to_string(), &[]);
    assert_eq!(caller["verdict"], "passed");
}

#[test]
fn a_taken_name_is_changed_and_the_call_is_made_all_the_same() {
    let _turn = one_call_at_a_time();
    let (caller, _) = meet_ourselves(Kind::MdnChat, "mdn-chat", &["--name", "bob"]);
    assert_eq!(caller["verdict"], "passed");
}

#[test]
fn whoever_comes_in_the_wrong_order_is_told() {
    let server = StandIn::start(Kind::Ayame);
    let ended = run(&["call", "demo", "--signal", &server.url, "--dialect", "ayame"]).exits(3);
    ended.says(&["the room makes us the callee", "started as the caller", "callcheck answer"]);
}

#[test]
fn a_room_that_is_full_or_no_room_is_a_clear_error() {
    let server = StandIn::start(Kind::Ayame);
    let here = ["demo", "--signal", &server.url, "--dialect", "ayame", "--bind", "127.0.0.1"];
    let mut sides = Vec::new();
    for _ in 0..2 {
        // Both wait: the first for an offer; the second is refused by its role, so it answers to nobody.
        let mut side = start(&server.url, &[&["answer"][..], &here].concat());
        if sides.is_empty() {
            side.says("joined room demo");
        }
        sides.push(side);
    }
    sides.pop().unwrap().end().exits(3).says(&["the room makes us the caller"]);

    let web = page("<p>hello</p>").replacen("http", "ws", 1);
    let ended = run(&["call", "demo", "--signal", &web, "--dialect", "relay"]).exits(3);
    ended.says(&["is not a room that speaks `relay`", "HTTP 200"]);
    let plain = StandIn::start(Kind::Plain);
    let ended = run(&["call", "demo", "--signal", &plain.url, "--dialect", "mdn-chat"]).exits(3);
    ended.says(&["is not a room that speaks `mdn-chat`", "not the subprotocol json"]);
}

#[test]
fn a_room_that_is_not_understood_is_shown_and_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.toml");
    std::fs::write(&path, NUMBERS.replace("when = [\"welcome\"]", "when = [\"wellcome\"]")).unwrap();
    let server = StandIn::start(Kind::Numbers);
    let ended = run(&["call", "demo", "--signal", &server.url, "--dialect", &path.display().to_string()]);
    ended.exits(3).says(&["we are not in after 10s", "no rule knows [\"welcome\"", "signal = \"joined\""]);
}

#[test]
fn a_dialect_is_checked_without_a_server() {
    run(&["dialect", "check", "mdn-chat"]).exits(0).says(&["speaks as was recorded in 2 transcripts"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let file = path.display().to_string();
    let check = |text: &str, transcript: &str| {
        std::fs::write(&path, text).unwrap();
        std::fs::write(folder.path().join("mine.transcript"), transcript).unwrap();
        run(&["dialect", "check", &file])
    };
    check(NUMBERS, "< [\"welcome\",{\"you\":{\"id\":1},\"others\":[]}]\n").exits(0);
    check(NUMBERS, "< [\"hello\"]\n").exits(1).says(&["no rule knows this message", "mine.transcript:1:1"]);
    let typo = NUMBERS.replace("peer = \"$[1].id\"", "pear = \"$[1].id\"");
    check(&typo, "").exits(2).says(&["a rule has no key `pear`", "did you mean `peer`?", "mine.toml:22:1"]);
}

/// The page as the app in a stand-in, and our binary as the other side.
fn app(kind: Kind, dialect: &str, settings: &str) -> Option<(StandIn, Chromium)> {
    let server = StandIn::start(kind);
    let chromium = page_in(&server, dialect, settings)?;
    Some((server, chromium))
}

fn page_in(server: &StandIn, dialect: &str, settings: &str) -> Option<Chromium> {
    let chromium = Chromium::launch()?;
    let signal = server.url.replace(':', "%3A").replace('/', "%2F");
    chromium.open_page(&format!("{}/?signal={signal}&kind={dialect}&{settings}", page(APP)));
    chromium.until("window.app && app.stage === 'joined'");
    Some(chromium)
}

fn ours(server: &StandIn, command: &str, dialect: &str, more: &[&str]) -> Process {
    let here =
        [command, "demo", "--signal", &server.url, "--dialect", dialect, "--bind", "127.0.0.1", "--json"];
    start(&server.url, &[&here[..], more].concat())
}

fn findings(ended: &Ended) -> Vec<String> {
    let report = ended.report();
    let findings = report["calls"][0]["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_founding_page_is_seen_through_from_outside_and_passes_when_it_is_mended() {
    let _turn = one_call_at_a_time();
    for (settings, code, finding) in [
        // Both mistakes of the founding question.
        ("attach=transceiver-first", 1, Some("sdp-answer-without-track")),
        ("attach=transceiver-first&renegotiate=yes", 0, Some("sdp-addtransceiver-unassociated")),
        ("attach=only-without-stream", 1, Some("sdp-answer-without-track")),
        // And both fixed: tracks after the offer, in every case.
        ("attach=add-track", 0, None),
        ("attach=add-track&early=yes", 0, None),
    ] {
        let Some((server, chromium)) = app(Kind::Relay, "relay", settings) else { return };
        let ended = ours(&server, "call", "relay", &["--duration", "1s", "--follow-up", "1s"]).end();
        let found = findings(&ended);
        let ended = ended.exits(code);
        match finding {
            Some(finding) => assert!(found.iter().any(|id| id == finding), "{settings}: {found:?}"),
            None => assert_eq!(found, Vec::<String>::new(), "{settings}\n{}", ended.stderr),
        }
        chromium.until("app.stage === 'over'");
        assert_eq!(chromium.value::<Vec<String>>("app.errors"), Vec::<String>::new(), "{settings}");
    }
}

#[test]
fn mdns_page_calls_and_is_called() {
    let _turn = one_call_at_a_time();
    let Some((server, chromium)) = app(Kind::MdnChat, "mdn-chat", "attach=add-track") else { return };
    ours(&server, "call", "mdn-chat", &["--duration", "1s", "--peer", "page"]).end().exits(0);
    chromium.until("app.stage === 'over'");

    let mut callee = ours(&server, "answer", "mdn-chat", &[]);
    callee.says("joined room demo");
    chromium.until("app.users.includes('callee')");
    chromium.value::<()>("app.call('callee').then(() => null)");
    callee.has_said(&["audio on mid 0 is the caller's", "video on mid 1 is the caller's"]);
    chromium.until("app.decodes()");
    chromium.value::<()>("app.hangUp()");
    callee.end().exits(0);
    assert_eq!(chromium.value::<Vec<String>>("app.errors"), Vec::<String>::new());
    server.lives();
}

#[test]
fn the_apps_of_other_rooms_call_and_are_called() {
    let _turn = one_call_at_a_time();
    for (kind, dialect, hangs_up) in [
        (Kind::Relay, "relay", true),
        (Kind::Ayame, "ayame", true),
        (Kind::Plain, "simple-peer", false),
        (Kind::Plain, "go2rtc", false),
    ] {
        let Some((server, chromium)) = app(kind, dialect, "attach=add-track") else { return };
        ours(&server, "call", dialect, &["--duration", "1s"]).end().exits(0);
        if hangs_up {
            chromium.until("app.stage === 'over'");
        }
        assert_eq!(chromium.value::<Vec<String>>("app.errors"), Vec::<String>::new(), "{dialect}");
        drop((server, chromium));

        let server = StandIn::start(kind);
        let mut callee = ours(&server, "answer", dialect, &[]);
        callee.says("joined room demo");
        let Some(chromium) = page_in(&server, dialect, "attach=add-track") else { return };
        chromium.value::<()>("app.call(null).then(() => null)");
        callee.has_said(&["audio on mid 0 is the caller's", "video on mid 1 is the caller's"]);
        chromium.until("app.decodes()");
        chromium.value::<()>("app.hangUp()");
        callee.end().exits(0);
        assert_eq!(chromium.value::<Vec<String>>("app.errors"), Vec::<String>::new(), "{dialect}");
    }
}

#[test]
fn an_app_that_sends_no_candidates_is_told_so() {
    let _turn = one_call_at_a_time();
    let Some((server, _chromium)) = app(Kind::Relay, "relay", "attach=add-track&candidates=no") else {
        return;
    };
    let ended = ours(&server, "call", "relay", &["--duration", "1s", "--timeout", "4s"]).end().exits(1);
    ended.says(&["candidates.received"]);
}

#[test]
fn whoever_speaks_our_protocol_by_a_dialect_blames_nobody_who_speaks_it_by_nature() {
    let _turn = one_call_at_a_time();
    let (_server, url) = crate::harness::serve(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stranger.toml");
    std::fs::write(&path, include_str!("../../dialects/callcheck.toml")).unwrap();
    let here = ["demo", "--signal", &url, "--bind", "127.0.0.1"];
    let mut callee = start(&url, &[&["answer"][..], &here].concat());
    callee.says("joined room demo");
    let more = ["--dialect", &path.display().to_string(), "--duration", "1s"];
    start(&url, &[&["call"][..], &here, &more].concat()).end().exits(0);
    callee.end().exits(0);
}
