//! The real binary in separate processes: good calls, calls that lack something, peers that go away, bad input,
//! and a real browser on the other side.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test of processes asks the machine itself"
)]

mod bad_input;
mod between;
mod bridged;
mod broken_scenarios;
mod call_lab;
mod chromium;
mod coturn;
mod dialect_doors;
mod dialect_findings;
mod dialects;
mod endings;
mod explain;
mod faults;
mod foreign;
mod good_calls;
mod habits;
mod harness;
mod judge;
mod judge_habits;
mod judge_model;
mod lab;
mod lab_shell;
mod odd_rooms;
mod phases;
mod probe;
mod relay;
mod scenarios;
mod sim;
mod stand_in;
mod strangers;
mod turn;
mod turn_lab;
mod turn_loss;
mod turn_names;
mod turn_outside;
mod turn_profiles;
mod turn_strangers;
