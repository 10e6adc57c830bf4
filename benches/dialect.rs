//! What a dialect adds to a message. Plain `main`: medians and their ratios to the limit, no statistics framework.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, which measures and prints"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callcheck::dialect::{Dialect, Place, Shipped, Speaker};
use callcheck::jsep::{Role, SdpType};
use callcheck::timeline::Signal;

const LIMIT: Duration = Duration::from_micros(100);
const ROUNDS: usize = 2000;

const OFFER: &str = include_str!("../tests/data/chromium/s00-good-addTrack-before.1.caller.offer.sdp");
const ANSWER: &str = include_str!("../tests/data/chromium/s00-good-addTrack-before.2.callee.answer.sdp");
const LINE: &str =
    "candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host generation 0 ufrag 4ZcD network-id 1";

fn main() {
    println!("mdn-chat, medians");
    let candidate = Signal::Candidate {
        candidate: LINE.to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: Some("4ZcD".to_owned()),
    };
    let offer = serde_json::json!({
        "type": "video-offer", "name": "bob", "target": "alice", "sdp": { "type": "offer", "sdp": OFFER },
    })
    .to_string();
    let answer = Signal::Description { sdp_type: SdpType::Answer, sdp: ANSWER.to_owned() };
    let mut speaker = in_call(&offer);
    report("an answer said", || speaker.say(&answer, 0).send.len());
    report("a candidate said", || speaker.say(&candidate, 0).send.len());
    let ice = serde_json::json!({
        "type": "new-ice-candidate", "target": "alice",
        "candidate": { "candidate": LINE.replace("192.0.2.1", "192.0.2.2"), "sdpMid": "0", "sdpMLineIndex": 0 },
    });
    for (what, message) in [("an offer heard", offer), ("a candidate heard", ice.to_string())] {
        report(what, || speaker.hear(&message, 0).news.len());
    }
}

/// A callee whom somebody has called.
fn in_call(offer: &str) -> Speaker {
    let shipped = Shipped::find("mdn-chat").expect("it is shipped");
    let dialect = Dialect::parse(shipped.name, shipped.name, shipped.text).expect("it makes sense");
    let place = Place {
        room: "demo".to_owned(),
        name: "alice".to_owned(),
        role: Role::Callee,
        peer: None,
        token: None,
        given: BTreeMap::new(),
        nonce: "n".to_owned(),
        hasty: false,
        hidden: std::collections::BTreeSet::new(),
    };
    let mut speaker = Speaker::new(Arc::new(dialect), place).expect("nothing is missing");
    speaker.begin(0);
    speaker.hear(r#"{"type":"id","id":1}"#, 0);
    speaker.hear(r#"{"type":"userlist","users":["bob","alice"]}"#, 0);
    speaker.hear(offer, 0);
    speaker
}

fn report(what: &str, mut work: impl FnMut() -> usize) {
    let once = |_| {
        let begin = Instant::now();
        assert_eq!(black_box(work()), 1, "{what}");
        begin.elapsed()
    };
    let mut times: Vec<Duration> = (0..ROUNDS).map(once).collect();
    times.sort_unstable();
    let (median, worst) = (times[ROUNDS / 2], times[ROUNDS * 99 / 100]);
    let ratio = median.as_secs_f64() / LIMIT.as_secs_f64();
    println!("  {what:<26} {median:>10.1?}  p99 {worst:>10.1?}  {ratio:>6.3} of {LIMIT:?}");
}
