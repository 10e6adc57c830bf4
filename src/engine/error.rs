//! What can go wrong in the engine.

/// An operation of the engine failed; its state is as before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine was closed.
    #[error("the engine is closed")]
    Closed,
    /// The operation is not possible in this signaling state.
    #[error("{0}")]
    InvalidState(String),
    /// The description could not be understood or applied.
    #[error("{0}")]
    Description(String),
    /// The candidate could not be understood.
    #[error("{0}")]
    Candidate(String),
    /// A candidate names an m-section that the remote description does not have.
    #[error("the remote description has no m-section {0}")]
    UnknownMid(String),
    /// A candidate belongs to another ICE generation than the remote description.
    #[error("the remote description does not have the ufrag {0:?}")]
    UnknownUfrag(String),
    /// No socket could be opened on the given addresses.
    #[error("no local address to use: {0}; state others with --bind")]
    NoAddress(String),
    /// Only relayed candidates may be used, and there is nothing to relay.
    #[error("only relayed candidates may be used, but no TURN server can be: {0}")]
    NoRelay(String),
    /// Anything else that the engine said.
    #[error("{0}")]
    Failed(String),
}

impl From<webrtc::error::Error> for EngineError {
    fn from(error: webrtc::error::Error) -> Self {
        use webrtc::error::Error;
        match error {
            Error::ErrConnectionClosed => Self::Closed,
            Error::ErrNoRemoteDescription
            | Error::ErrIncorrectSignalingState
            | Error::ErrSignalingStateCannotRollback
            | Error::ErrSignalingStateProposedTransitionInvalid(_) => Self::InvalidState(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}
