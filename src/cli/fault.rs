//! `--fault`: mistakes that our side makes on purpose.

use clap::Args;

use super::error::CliError;
use crate::fault::{self, Fault, Misstated, faults};
use crate::jsep::Role;
use crate::plan::FaultPlan;

/// What our side does wrong.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Application")]
pub(super) struct FaultArgs {
    /// Make a mistake on purpose; `list` names them all
    ///
    /// Make a mistake on purpose, to see how the other side copes: the name of a failure mode, such as sdp-setup-invalid
    /// or ice-consent-lost=5s. Repeatable; `--fault list` names them all.
    #[arg(long, env = "CALLCHECK_FAULT", hide_env = true, value_name = "ID[=TIME]", value_delimiter = '\n')]
    pub(super) fault: Vec<String>,
}

impl FaultArgs {
    /// The list is asked for, and no call.
    pub(super) fn wants_list(&self) -> bool {
        self.fault.iter().any(|text| text == "list")
    }
}

/// What was asked for.
///
/// # Errors
/// A name that no fault has, one that this side cannot commit, or a time that is none; exit code 2.
pub(super) fn plans(role: Role, texts: &[String]) -> Result<Vec<FaultPlan>, CliError> {
    texts.iter().map(|text| plan(role, text)).collect()
}

fn plan(role: Role, text: &str) -> Result<FaultPlan, CliError> {
    fault::stated(role, text).map_err(|wrong| match wrong {
        Misstated::Unknown { id, near } => {
            let help = match near {
                Some(near) => format!("did you mean `{near}`? `--fault list` names them all"),
                None => "`--fault list` names them all".to_owned(),
            };
            CliError::usage(format!("--fault {id}: no such fault"), help)
        }
        Misstated::OtherSide { fault: Fault { id, does, .. }, by } => {
            let command = if by == Role::Caller { "call" } else { "answer" };
            CliError::usage(
                format!("--fault {id}: only the {by} can make this mistake, and this is the {role}"),
                format!("say it to `callcheck {command}`: it {does}"),
            )
        }
        Misstated::NoTime(Fault { id, .. }) => {
            CliError::usage(format!("--fault {id} takes no time"), format!("write `--fault {id}` alone"))
        }
        Misstated::Time { fault: Fault { id, .. }, means, default, why } => CliError::usage(
            format!("--fault {id}: the time is {why}"),
            format!("it means {means}, and is {} if it is left out", humantime::format_duration(default)),
        ),
    })
}

/// Every fault in a line: its name, who can commit it, and what it does.
pub(super) fn listed() -> String {
    let width = faults().map(|fault| fault.id.len()).max().unwrap_or_default();
    faults().map(|fault| format!("{:width$}  {}\n", fault.id, line(fault))).collect()
}

fn line(fault: &Fault) -> String {
    let by = fault.by.map_or_else(|| "either side".to_owned(), |by| format!("the {by}"));
    let time = fault.time.map_or_else(String::new, |(means, default)| {
        format!(" [=TIME: {means}, {}]", humantime::format_duration(default))
    });
    format!("{by} {}{time}", fault.does)
}
