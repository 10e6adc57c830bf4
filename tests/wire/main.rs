//! What browsers did, done by two connections over the engine on loopback: every case ends as in a browser.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is not there")]

mod call;
#[path = "../cases/mod.rs"]
mod cases;
mod oracle;
mod recorded;
mod scripts;
