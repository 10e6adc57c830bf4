//! `--expect`: one expectation for each, and what they tell about what to ask of the other side.

use super::error::CliError;
use crate::jsep::{MediaKind, Role};
use crate::plan::{Expectation, Op, Subject, Value};

/// The expectations as stated; the first wrong one with a caret under its fault.
pub(super) fn expectations(texts: &[String], role: Role) -> Result<Vec<Expectation>, CliError> {
    texts.iter().map(|text| Expectation::parse(text, role).map_err(CliError::place)).collect()
}

/// The kinds that we want to receive: those of our `tracks`, or both if nothing was said of them.
pub(super) fn wanted(expectations: &[Expectation], role: Role) -> Vec<MediaKind> {
    let mut stated = expectations
        .iter()
        .filter(|stated| stated.of == Some(role) && stated.subject == Subject::Tracks && stated.op == Op::Eq);
    match stated.next().map(|stated| &stated.value) {
        Some(Value::Kinds(kinds)) => kinds.iter().copied().collect(),
        _ => MediaKind::ALL.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MediaKind::{Audio, Video};

    #[test]
    fn what_is_expected_is_asked_for() {
        for (text, kinds) in [
            ("tracks=audio", vec![Audio]),
            ("tracks=none", vec![]),
            ("tracks=any", vec![Audio, Video]),
            ("callee.tracks=none", vec![Audio, Video]),
            ("frames>=5", vec![Audio, Video]),
        ] {
            let stated = expectations(&[text.to_owned()], Role::Caller).unwrap();
            assert_eq!(wanted(&stated, Role::Caller), kinds, "{text}");
        }
    }
}
