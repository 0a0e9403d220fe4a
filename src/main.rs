//! The program's door. What it does is the library's: see `tehprof::cli`.
use std::process::ExitCode;

fn main() -> ExitCode {
    tehprof::cli::main()
}
