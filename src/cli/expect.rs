//! `--expect`: one expectation for each, and what they tell about what to ask of the other side.

use super::error::CliError;
use crate::jsep::Role;
use crate::plan::Expectation;

/// The expectations as stated; the first wrong one with a caret under its fault.
pub(super) fn expectations(texts: &[String], role: Role) -> Result<Vec<Expectation>, CliError> {
    texts.iter().map(|text| Expectation::parse(text, role).map_err(CliError::place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsep::MediaKind::{Audio, Video};
    use crate::plan::wanted;

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
