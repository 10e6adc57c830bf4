//! One thing that should be true of a call.

use serde::Serialize;

/// `subject op value`, as somebody stated it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expectation {
    /// As written.
    pub text: String,
}
