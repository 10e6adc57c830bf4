//! What a call costs. Plain `main`: medians and ratios, no statistics framework.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, which measures and prints"
)]

mod setup;
mod whole;

use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, which, calls, seconds] = arguments.as_slice()
        && flag == "--child"
    {
        let seconds = seconds.parse().expect("written by this program");
        return whole::child(
            which,
            calls.parse().expect("written by this program"),
            Duration::from_secs(seconds),
        );
    }
    let calls = std::env::var("CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(100);
    setup::run(calls);
    let first_frame = whole::set_up(calls);
    whole::processes(20, first_frame);
    setup::load(50, Duration::from_secs(10));
    whole::load(50, Duration::from_secs(10));
    whole::in_a_row(500);
}
