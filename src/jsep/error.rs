//! The errors that W3C operations reject with.

use std::fmt;

/// Names of DOMException and of the standard errors (W3C webrtc §4.4, WebIDL §2.8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorName {
    /// The state does not allow the operation.
    InvalidStateError,
    /// The object does not belong here, or the description does not fit.
    InvalidAccessError,
    /// The text of a description of ours was changed between its creation and its setting.
    InvalidModificationError,
    /// A description or a candidate that cannot be read or applied; the `name` of every RTCError.
    OperationError,
    /// A missing argument, or one of the wrong kind.
    TypeError,
}

/// A rejected operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct W3cError {
    /// The W3C name.
    pub name: ErrorName,
    /// What went wrong.
    pub message: String,
}

impl W3cError {
    /// An error of that name.
    #[must_use]
    pub fn new(name: ErrorName, message: impl Into<String>) -> Self {
        Self { name, message: message.into() }
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
