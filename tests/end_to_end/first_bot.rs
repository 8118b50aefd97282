//! A stranger's first bot, from nothing to an answer.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::deployment::{Deployment, complaint};
use crate::program::Program;

/// How long cargo may take to build all of Parlor for another program: four minutes were measured on two busy cores where
/// it was never built, four seconds where it was.
const BUILD: Duration = Duration::from_secs(20 * 60);

/// A crate made by `parlor bot new` outside of the workspace.
struct Crate {
    folder: PathBuf,
    /// Kept from run to run, below the workspace's own.
    target: PathBuf,
}

impl Crate {
    fn cargo(&self, arguments: &[&str]) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(&self.folder)
            .args(arguments)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .env_remove("RUSTFLAGS");
        Program::start(cargo).succeed_within(BUILD);
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut program = Command::new(self.target.join("debug/parlor-bot-tea-time"));
        program
            .current_dir(&self.folder)
            .args(arguments)
            .env_remove("PARLOR_CONFIG")
            .env_remove("PARLOR_LOG")
            .env("NO_COLOR", "1");
        program
    }
}

/// Takes as long as [`BUILD`] says where it was never built, for the new program has all of Parlor in it.
#[test]
fn a_new_bot_builds_passes_its_test_and_answers() {
    let deployment = Deployment::new("");
    let parlor = Path::new(env!("CARGO_BIN_EXE_parlor"));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources = sources.to_str().expect("a path of text");
    deployment.json(&["bot", "new", "tea-time", "--parlor", sources]);
    let made = Crate {
        folder: deployment.path("tea-time"),
        target: parlor
            .ancestors()
            .nth(2)
            .expect("the target folder")
            .join("author"),
    };
    made.cargo(&["test", "--offline"]);
    made.cargo(&["build", "--offline"]);

    let config = made.folder.join("config/parlor.toml");
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port();
    let text = fs::read_to_string(&config).expect("its configuration");
    fs::write(&config, text.replace("5061", &port.to_string())).expect("the configuration is written");

    let check = made.program(&["check"]).output().expect("it runs");
    assert!(check.status.success(), "{}", complaint(&check));
    let mut up = Program::start(made.program(&["--json", "up"]));
    up.event("joined", |_| true);
    let mut chat =
        Program::start(made.program(&["chat", "--as", "sip:alice@example.com", "--room", "Lobby"]));
    chat.wait_for_text("joined Lobby");
    chat.types("!greet");
    chat.wait_for_text("Hello Alice!");
    chat.types("!help");
    chat.wait_for_text("!greet [whom...] - Greets you, or whom you name.");
    chat.types("/quit");
    assert!(chat.end().success());
    up.interrupt();
}
