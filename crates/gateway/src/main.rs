//! The `relive` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    relive_gateway::cli::main()
}
