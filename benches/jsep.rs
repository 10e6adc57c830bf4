//! What the pure model costs. Plain `main`: medians and their ratios to the limits, no statistics framework.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, which measures and prints"
)]

#[path = "../tests/jsep/render.rs"]
mod render;

use std::hint::black_box;
use std::time::{Duration, Instant};

use callcheck::jsep::{Association, LocalDescription, MediaKind, Peer, SdpFacts, SdpType};
use render::render;

/// Both peers, from addTrack to stable, with one audio and one video track each.
const SET_UP_LIMIT: Duration = Duration::from_micros(100);
/// The same with 40 sections.
const FORTY_LIMIT: Duration = Duration::from_millis(1);

const OFFER: &str = include_str!("../tests/data/chromium/s00-good-addTrack-before.1.caller.offer.sdp");
const ANSWER: &str = include_str!("../tests/data/chromium/s00-good-addTrack-before.2.callee.answer.sdp");

fn main() {
    println!("the model of both peers, medians");
    report("set-up, 2 sections", &negotiation(2, 2000), SET_UP_LIMIT);
    report("negotiation, 40 sections", &negotiation(40, 300), FORTY_LIMIT);
    report("again, 40 sections", &renegotiation(40, 300), FORTY_LIMIT);
    println!("reading Chromium's texts");
    let parse = times(2000, || (), |()| (SdpFacts::parse(OFFER), SdpFacts::parse(ANSWER)));
    report("one offer, one answer", &parse, SET_UP_LIMIT);
}

/// A first round with that many sections.
fn negotiation(sections: usize, rounds: usize) -> Vec<Duration> {
    let texts = texts(&mut pair(sections));
    times(
        rounds,
        || pair(sections),
        |mut pair| {
            round(&mut pair, &texts);
            pair
        },
    )
}

/// A second round, in which one direction has changed.
fn renegotiation(sections: usize, rounds: usize) -> Vec<Duration> {
    let mut connected = pair(sections);
    texts(&mut connected);
    let first = connected.0.transceivers().next().expect("sections").id();
    connected.0.set_direction(first, callcheck::jsep::Direction::Sendonly).expect("it runs");
    let texts = texts(&mut connected.clone());
    times(
        rounds,
        || connected.clone(),
        |mut pair| {
            round(&mut pair, &texts);
            pair
        },
    )
}

type Pair = (Peer, Peer);

/// Two peers that have attached their tracks.
fn pair(sections: usize) -> Pair {
    let side = |name: &str| {
        let mut peer = Peer::new(Association::Jsep);
        for index in 0..sections {
            let kind = if index % 2 == 0 { MediaKind::Audio } else { MediaKind::Video };
            peer.add_track(kind, &format!("{name}-{index}"), &[name.to_owned()]).expect("it is open");
        }
        peer
    };
    (side("caller"), side("callee"))
}

/// A whole round, rendered and parsed outside of what is measured.
fn texts((caller, callee): &mut Pair) -> (SdpFacts, SdpFacts) {
    let facts = |description: &LocalDescription, side| SdpFacts::parse(&render(description, side, 1));
    let offer = caller.create_offer().expect("stable");
    caller.set_local_description(&offer).expect("just made");
    let offer = facts(&offer, "caller");
    callee.set_remote_description(SdpType::Offer, &offer).expect("it fits");
    let answer = callee.create_answer().expect("offered");
    callee.set_local_description(&answer).expect("just made");
    let answer = facts(&answer, "callee");
    caller.set_remote_description(SdpType::Answer, &answer).expect("it fits");
    (offer, answer)
}

/// The same round with the facts of its texts.
fn round((caller, callee): &mut Pair, (offer, answer): &(SdpFacts, SdpFacts)) {
    let made = caller.create_offer().expect("stable");
    caller.set_local_description(&made).expect("just made");
    callee.set_remote_description(SdpType::Offer, offer).expect("it fits");
    let made = callee.create_answer().expect("offered");
    callee.set_local_description(&made).expect("just made");
    caller.set_remote_description(SdpType::Answer, answer).expect("it fits");
    black_box((caller.take_events(), callee.take_events()));
}

fn times<S, T>(rounds: usize, set_up: impl Fn() -> S, work: impl Fn(S) -> T) -> Vec<Duration> {
    let once = |_| {
        let input = set_up();
        let begin = Instant::now();
        let output = work(input);
        let time = begin.elapsed();
        drop(black_box(output));
        time
    };
    (0..rounds).map(once).collect()
}

fn report(what: &str, times: &[Duration], limit: Duration) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let (median, worst) = (sorted[sorted.len() / 2], sorted[sorted.len() * 99 / 100]);
    let ratio = median.as_secs_f64() / limit.as_secs_f64();
    println!("  {what:<26} {median:>10.1?}  p99 {worst:>10.1?}  {ratio:>6.3} of {limit:?}");
}
