//! What the engine cannot do, as the error that a W3C operation rejects with.

use crate::engine::EngineError;
use crate::jsep::{ErrorName, W3cError};

/// What the engine could not do with a description or a candidate that the state allowed.
pub(super) fn from_engine(error: &EngineError) -> W3cError {
    W3cError::new(ErrorName::OperationError, error.to_string())
}
