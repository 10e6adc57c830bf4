//! Two vantage points: the peer outside is a socket of another machine, which a room connects us with, so that UDP which is
//! blocked here does not hide the state of a relay. `message` is what the two say, `asker` asks, `player` does as it is
//! asked, within bounds. Who carries the messages is the caller's affair.

mod asker;
mod message;
mod player;

pub(super) use asker::Seat;
pub use asker::Vantage;
pub use message::OutsideMessage;
pub use player::play_outside;

/// What every payload begins with, so that nobody can be made to send anything else.
const PREFIX: &[u8] = b"callcheck";
