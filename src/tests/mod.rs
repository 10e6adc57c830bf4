//! Whole calls inside one process, on a hand-stepped world and a network in memory: no Tokio, no real time. They prove
//! that runner, room, leg, connection and engine ask nobody but `world` for time and tasks.

mod calls;
mod peers;
mod support;
