//! What a speaker tells its user.

use crate::timeline::Signal;

/// What a message of the room means to us.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// We are in.
    Joined {
        /// Our name or id there.
        me: String,
        /// Who else is there, as far as the room tells.
        peers: Vec<String>,
    },
    /// Somebody else came in.
    PeerJoined(String),
    /// Somebody else is gone.
    PeerLeft {
        /// Its name or id.
        name: String,
        /// Why.
        reason: String,
    },
    /// The call begins.
    CallStarted {
        /// Its id; ours alone.
        call: String,
        /// The other side.
        peer: String,
    },
    /// The other side says something.
    Signal {
        /// Its name or id.
        from: String,
        /// The call.
        call: String,
        /// What it says.
        signal: Signal,
    },
    /// The room refused something, or told of an error.
    Refused(String),
    /// The room gives us the other role, so that nothing can come of it: in words for people.
    WrongRole(String),
    /// No rule knows the message.
    Unknown {
        /// How many there were with this one.
        count: u64,
        /// The message, shortened and without secrets.
        text: String,
    },
    /// The dialect does not fit what happens.
    Trouble(String),
}

/// What comes of a message or of something to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// What it means.
    pub news: Vec<News>,
    /// The messages to send, in order.
    pub send: Vec<String>,
    /// What was understood, in words; for people who write dialects.
    pub understood: Vec<String>,
}
