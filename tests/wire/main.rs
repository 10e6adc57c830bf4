//! What browsers did, done by two connections over the engine on loopback: every case ends as in a browser.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is not there")]

mod call;
#[expect(dead_code, reason = "the pure tests read more of the recordings than a real call has")]
#[path = "../cases/mod.rs"]
mod cases;
#[path = "../jsep/driver.rs"]
mod driver;
mod oracle;
mod random;
mod recorded;
#[path = "../jsep/render.rs"]
mod render;
mod scripts;
