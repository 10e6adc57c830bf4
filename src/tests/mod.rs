//! Whole calls inside one process, on simulated time: no Tokio, no real sockets. They prove
//! that runner, room, leg, connection and engine ask nobody but `world` for time and tasks.

mod calls;
mod peers;
mod support;
