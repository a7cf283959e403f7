//! The `cogsmith` command.

use clap::Parser;
use cogsmith::cli::{Arguments, execute, logging, output};
use cogsmith::vm::PageAllocator;
use mimalloc::MiMalloc;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: PageAllocator<MiMalloc> = PageAllocator::over(MiMalloc);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(code) = arguments.supervise() {
        return ExitCode::from(code);
    }
    if !arguments.is_quiet() {
        logging::init(arguments.verbosity());
    }
    match execute(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
