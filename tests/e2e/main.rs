//! The real binary in separate processes: good calls, calls that lack something, peers that go away, bad input.

mod bad_input;
mod endings;
mod good_calls;
mod harness;
mod relay;
mod strangers;
