//! The pure model against what browsers did: scripts, the answerer's table, recorded calls, and random operations.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is not there")]

#[path = "../cases/mod.rs"]
mod cases;
mod driver;
mod glare;
mod oracle;
mod random;
mod recorded;
mod render;
mod rules;
mod scripts;
