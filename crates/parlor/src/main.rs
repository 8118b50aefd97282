//! The `parlor` program with the bots that it ships with.

use std::process::ExitCode;

fn main() -> ExitCode {
    parlor::run(parlor::bots())
}
