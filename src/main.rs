//! The `callcheck` command.

fn main() {}
