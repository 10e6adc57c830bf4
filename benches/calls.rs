//! What a call costs. Plain `main`: medians and ratios, no statistics framework.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, which measures and prints"
)]

mod setup;

fn main() {
    let calls = std::env::var("CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(100);
    setup::run(calls);
    setup::load(50, std::time::Duration::from_secs(10));
}
