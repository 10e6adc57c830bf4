//! `--network`: what goes wrong on purpose.

use super::args::NetworkArgs;
use super::error::CliError;
use crate::plan::{Impairment, KNOBS, NetworkPlan};

/// What happens to what each side sends; a side's own option counts instead of the one for both.
///
/// # Errors
/// What cannot be read; exit code 2.
pub(super) fn network_plan(args: &NetworkArgs) -> Result<NetworkPlan, CliError> {
    let read = |option: &str, text: &Option<String>| match text {
        Some(text) => Impairment::parse(text, option).map(Some).map_err(CliError::place),
        None => Ok(None),
    };
    let both = read("--network", &args.network)?.unwrap_or_default();
    Ok(NetworkPlan {
        caller: read("--network-caller", &args.network_caller)?.unwrap_or_else(|| both.clone()),
        callee: read("--network-callee", &args.network_callee)?.unwrap_or(both),
    })
}

/// What can be said, for the long help.
pub(super) fn notes() -> String {
    let mut text = String::from("What --network can do:");
    for (_, example, meaning) in KNOBS {
        text.push_str(&format!("\n  {example:<16}{meaning}"));
    }
    text.push_str("\nIt applies to UDP, TURN over UDP included.");
    text
}
