//! What the diagnosis costs: a timeline of 10 MB, one of a fourth of it, and a pair of descriptions. Plain `main`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of its own, which measures and prints"
)]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use callcheck::diagnose::Thresholds;
use callcheck::explain::{Input, explain};
use callcheck::plan::Plan;
use callcheck::sim::{Latency, SimCall, play, write_merged};
use callcheck::timeline::Event;
use futures::FutureExt;

const ROUNDS: usize = 7;
const TIMELINE_LIMIT_MS: f64 = 300.0;
const PAIR_LIMIT_MS: f64 = 5.0;

fn main() {
    let whole = timeline(10 << 20);
    let quarter = timeline(10 << 18);
    let of_whole = milliseconds(&[("call.jsonl", &whole)]);
    let of_quarter = milliseconds(&[("call.jsonl", &quarter)]);
    let megabytes = whole.len() as f64 / f64::from(1 << 20);
    let events = whole.lines().count() - 1;
    report(&format!("{megabytes:.1} MB, {events} events"), of_whole, TIMELINE_LIMIT_MS);
    let size = whole.len() as f64 / quarter.len() as f64;
    println!(
        "{:<34} {:>9.2} times as long for {size:.2} times as much",
        "against a fourth",
        of_whole / of_quarter
    );
    let [offer, answer] = ["1.caller.offer", "2.callee.answer"].map(|which| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/chromium");
        fs::read_to_string(folder.join(format!("s10-BUG-addTransceiver-before.{which}.sdp"))).unwrap()
    });
    report("an offer and its answer", milliseconds(&[("offer", &offer), ("answer", &answer)]), PAIR_LIMIT_MS);
}

fn report(what: &str, took_ms: f64, limit_ms: f64) {
    let word = if took_ms <= limit_ms { "ok" } else { "TOO SLOW" };
    println!("{what:<34} {took_ms:>9.2} ms  limit {limit_ms:>6.0} ms  {word}");
}

/// From the bytes to the findings; the fastest of some rounds: the others were disturbed.
fn milliseconds(files: &[(&str, &str)]) -> f64 {
    let round = || {
        let inputs: Vec<Input> =
            files.iter().map(|(name, text)| Input::new(*name, (*text).to_owned())).collect();
        let start = Instant::now();
        black_box(explain(black_box(&inputs), &Thresholds::default()).unwrap());
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// The timeline of a simulated call of both sides that goes on and on: what its samples say is said again and again,
/// each time a second later, until the file has that size.
fn timeline(bytes: usize) -> String {
    let call = SimCall {
        caller: Plan::good(callcheck::jsep::Role::Caller),
        callee: Plan::good(callcheck::jsep::Role::Callee),
        path: Some(Latency::default().path()),
    };
    let never = futures::future::pending().boxed().shared();
    let played = play(&call, 1, true, never).unwrap().timeline.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    write_merged(&played, Box::new(file.reopen().unwrap())).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let is_sample = |line: &&&str| line.contains("\"media\":{") && !line.contains("peer-report");
    let is_candidate = |line: &&&str| line.contains("\"candidate-gathered\":{");
    let read = |line: &&str| serde_json::from_str::<Event>(line).unwrap();
    let samples: Vec<Event> = lines.iter().filter(is_sample).map(read).collect();
    let candidate: Event = lines.iter().find(is_candidate).map(read).unwrap();
    // The samples stand before what ends the call, so that time does not run backwards.
    let end = lines.iter().position(|line| line.contains("\"done\"")).unwrap();
    let mut out = lines[..end].join("\n") + "\n";
    let mut at_us = serde_json::from_str::<Event>(lines[end - 1]).unwrap().at_us;
    let mut number = 1_000_000_u64;
    while out.len() < bytes {
        // Most events are small.
        for sample in samples.iter().flat_map(|sample| std::iter::repeat_n(&candidate, 20).chain([sample])) {
            at_us += 1_000;
            number += 1;
            let side = sample.id.split(':').next().unwrap();
            let event = Event { id: format!("{side}:{number}"), at_us, ..sample.clone() };
            out += &serde_json::to_string(&event).unwrap();
            out.push('\n');
        }
    }
    out
}
