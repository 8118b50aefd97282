//! The tea bot as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    parlor_bot::process::serve::<parlor_process_test::Tea>()
}
