//! The targets are in `tests/targets.rs`.
