//! What reading a description costs per line, at n and at 4n lines: a ratio near 1 is linear time. Plain `main`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, which measures and prints"
)]

use std::hint::black_box;
use std::time::Instant;

use callcheck::jsep::SdpFacts;

const ROUNDS: usize = 7;

/// What the lines are, and a text of so many.
type Form = (&'static str, fn(usize) -> String);

fn main() {
    let forms: [Form; 6] = [
        ("attributes", |n| format!("v=0\nm=audio 9 RTP/AVP 0\n{}", "a=rtcp-fb:0 nack\n".repeat(n))),
        ("m-sections", |n| format!("v=0\n{}", "m=audio 9 RTP/AVP 0\n".repeat(n))),
        ("mids in a bundle", |n| {
            let mids: Vec<String> = (0..n).map(|mid| mid.to_string()).collect();
            let sections =
                mids.iter().map(|mid| format!("m=audio 9 RTP/AVP 0\na=mid:{mid}\na=extmap:1 u:{mid}\n"));
            format!("v=0\na=group:BUNDLE {}\n{}", mids.join(" "), sections.collect::<String>())
        }),
        ("sources", |n| {
            let lines = (0..n).map(|ssrc| format!("a=ssrc:{ssrc} cname:c\n"));
            format!("v=0\nm=audio 9 RTP/AVP 0\n{}", lines.collect::<String>())
        }),
        ("rids of a simulcast", |n| {
            let rids: Vec<String> = (0..n).map(|rid| rid.to_string()).collect();
            let lines = rids.iter().map(|rid| format!("a=rid:{rid} send\n")).collect::<String>();
            format!("v=0\nm=video 9 RTP/AVP 0\n{lines}a=simulcast:send {}\n", rids.join(";"))
        }),
        ("nonsense", |n| "\u{e4}=\r\n\r".repeat(n)),
    ];
    println!("{:<20} {:>12} {:>12} {:>6}", "lines of", "ns/line at n", "at 4n", "ratio");
    for (name, form) in forms {
        let [small, large] = [25_000, 100_000].map(|n| nanoseconds(&form(n)) / n as f64);
        println!("{name:<20} {small:>12.0} {large:>12.0} {:>6.2}", large / small);
    }
}

/// The fastest of some rounds: the others were disturbed.
fn nanoseconds(text: &str) -> f64 {
    let round = || {
        let start = Instant::now();
        black_box(SdpFacts::parse(black_box(text)));
        start.elapsed().as_secs_f64() * 1e9
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}
