//! The targets are in `tests/targets.rs`.

#[cfg(test)]
use bolero as _; // This must link as well where coverage is measured.
