//! The `callcheck` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    callcheck::cli::main(std::env::args_os())
}
