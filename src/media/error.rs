//! Why a source cannot be opened. The text says what is there, what is needed, and how to get it.

use std::path::{Path, PathBuf};

use crate::jsep::MediaKind;

/// A source cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// `--send audio=bars` or `--send video=tone`.
    #[error("`{source_name}` is not {kind}; use {kind}={instead} or {kind}=FILE")]
    WrongKind {
        /// What was asked for.
        source_name: &'static str,
        /// The kind that it should be of.
        kind: MediaKind,
        /// The synthetic source of that kind.
        instead: &'static str,
    },
    /// A file that cannot be sent.
    #[error("cannot send `{}` as {kind}: {problem}; {}", .path.display(), remedy(*.kind, .path, .problem))]
    File {
        /// The file.
        path: PathBuf,
        /// The kind of the track.
        kind: MediaKind,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The Opus encoder refused its settings.
    #[error("the Opus encoder cannot make the tone: {0}")]
    Encoder(String),
}

/// What is wrong with a media file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Missing, a directory, no permission.
    #[error("it cannot be read ({0})")]
    Unreadable(std::io::Error),
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// Another container or no media at all.
    #[error("it is {found}, and {needed} is needed")]
    Format {
        /// What the first bytes look like.
        found: &'static str,
        /// What can be sent.
        needed: &'static str,
    },
    /// The right container around the wrong codec.
    #[error("it holds {found}, and {needed} is needed")]
    Codec {
        /// The codec as the file names it.
        found: String,
        /// What can be sent.
        needed: &'static str,
    },
    /// It stops in the middle of something.
    #[error("it is cut off in {0}")]
    Truncated(String),
    /// A header and nothing behind it.
    #[error("it holds no {0}")]
    NoFrames(&'static str),
    /// No picture that decoding can begin with.
    #[error("none of its {0} frames is a key frame, so no receiver could begin to decode")]
    NoKeyFrame(usize),
    /// Timestamps that a real-time sender cannot follow.
    #[error("{0}")]
    Timing(String),
    /// Bytes that are not what the format says.
    #[error("{0}")]
    Corrupt(String),
}

impl MediaError {
    pub(super) fn file(path: &Path, kind: MediaKind, problem: Problem) -> Self {
        Self::File { path: path.to_owned(), kind, problem }
    }
}

/// What to do about it: a look at the path, or the command that makes a file which can be sent.
fn remedy(kind: MediaKind, path: &Path, problem: &Problem) -> String {
    if matches!(problem, Problem::Unreadable(_)) {
        return "check the path and its permissions".to_owned();
    }
    let path = path.display();
    match kind {
        MediaKind::Audio => {
            format!("make one with `ffmpeg -i {path} -vn -c:a libopus -ac 1 -b:a 32k out.opus`")
        }
        MediaKind::Video => format!(
            "make one with `ffmpeg -i {path} -an -c:v libvpx -auto-alt-ref 0 -g 300 -b:v 1M out.ivf`"
        ),
    }
}
