//! The `relive` command.

use std::process::ExitCode;

/// jemalloc, because requests make many small allocations on a few threads.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    relive_gateway::cli::main()
}
