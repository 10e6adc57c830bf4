//! Why files cannot be explained.

use crate::timeline::ReadError;

/// Input that says nothing that could be explained. Each message fits "failed to explain: ...".
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// No file was given.
    #[error("no file was given")]
    Nothing,
    /// A file without content.
    #[error("{name} is empty")]
    Empty {
        /// The file.
        name: String,
    },
    /// A file of another kind.
    #[error("{name} is {what}; a timeline (JSON lines), SDP or a webrtc-internals dump is needed")]
    Foreign {
        /// The file.
        name: String,
        /// What it looks like.
        what: String,
    },
    /// A timeline that cannot be read.
    #[error("{name}, {error}")]
    Timeline {
        /// The file.
        name: String,
        /// Where and why.
        error: ReadError,
    },
    /// A dump of chrome://webrtc-internals that is cut off, or damaged.
    #[error("{name} is a webrtc-internals dump that is cut off or damaged: {error}")]
    Internals {
        /// The file.
        name: String,
        /// Where and why.
        error: serde_json::Error,
    },
    /// Compressed data that is damaged.
    #[error("{name} cannot be decompressed: {error}")]
    Compressed {
        /// The file.
        name: String,
        /// Why.
        error: std::io::Error,
    },
    /// More than a dump can be.
    #[error("{name} holds more than {limit} MB when decompressed")]
    TooLarge {
        /// The file.
        name: String,
        /// Megabytes.
        limit: u64,
    },
    /// Files of different kinds.
    #[error("{} are of different kinds; give timelines, or SDP, or one webrtc-internals dump", .names.join(", "))]
    Mixed {
        /// All files.
        names: Vec<String>,
    },
    /// Timelines that do not belong together.
    #[error("{first} and {second} {why}")]
    NotOneCall {
        /// A file.
        first: String,
        /// Another one.
        second: String,
        /// Why they do not belong together.
        why: String,
    },
    /// Descriptions in an order that cannot be.
    #[error(
        "{name} is an answer and stands before any offer; give the files in the order in which they were sent"
    )]
    Order {
        /// The file.
        name: String,
    },
    /// A dump without a connection.
    #[error("{name} has no peer connection that set a description")]
    NoConnection {
        /// The file.
        name: String,
    },
}
