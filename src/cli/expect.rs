//! `--expect`: one expectation for each.

use super::error::CliError;
use crate::plan::Expectation;

/// The expectations as stated; the first wrong one with a caret under its fault.
pub(super) fn expectations(texts: &[String]) -> Result<Vec<Expectation>, CliError> {
    texts.iter().map(|text| parse(text)).collect()
}

fn parse(text: &str) -> Result<Expectation, CliError> {
    Ok(Expectation { text: text.to_owned() })
}
