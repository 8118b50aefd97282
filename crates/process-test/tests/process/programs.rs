//! The programs of these tests.

use parlor_bot::BotKind;
use parlor_bot::testkit::{TestKit, TestKitBuilder};
use parlor_process::Program;
use serde_json::json;

pub(crate) fn tea() -> Program {
    Program::new("tea", [env!("CARGO_BIN_EXE_tea-program")])
}

/// The one that does everything wrong.
pub(crate) fn naughty(how: &str) -> Program {
    Program::new("naughty", [env!("CARGO_BIN_EXE_naughty-program"), how])
}

pub(crate) fn kind(program: &Program) -> BotKind {
    match parlor_process::kind(program) {
        Ok(kind) => kind,
        Err(failure) => panic!("{failure}"),
    }
}

/// An instance of a program in the room "Kitchen", without a host.
pub(crate) fn kit(program: &Program) -> TestKitBuilder {
    TestKit::of_kind(kind(program), json!({})).rooms(["Kitchen"])
}

/// Whether a process is there, dead ones that nobody has waited for included.
pub(crate) fn exists(id: u32) -> bool {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    id.is_some_and(|id| rustix::process::test_kill_process(id).is_ok())
}
