//! The room server: where two or more peers meet by name, are told of each other, are paired for a call, and have
//! their signals relayed. [`Hub`] is the rooms themselves, logic over messages and a clock; [`Server`] puts it on a TCP
//! port over HTTP and WebSocket, with a page that is a peer itself; [`join_memory`] is a client without a socket.

mod config;
mod http;
mod hub;
mod listener;
#[cfg(test)]
mod manual;
mod memory;
mod page;
mod queue;
mod rooms;
mod socket;

pub use config::{Limits, ServerConfig};
pub use hub::Hub;
pub use listener::{BindError, Server};
pub use memory::{Path, Wire, join_memory, join_memory_over};

#[cfg(test)]
mod join_error_tests;
#[cfg(test)]
mod room_tests;
