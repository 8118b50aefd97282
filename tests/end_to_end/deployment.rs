//! A folder with a configuration of its own, and the program run in it.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::Program;

/// A configuration in a temporary folder, with a port that was free a moment ago.
#[derive(Debug)]
pub(crate) struct Deployment {
    folder: TempDir,
    pub(crate) port: u16,
}

const BASE: &str = r#"
data = "data"
[certificates]
development = "certs"
[log]
filter = "warn"

[server]
domain = "example.com"
listen = ["tls:127.0.0.1:PORT"]
names = ["pchat.example.com", "localhost"]
TLS

[[server.trusted_pool]]
fqdn = "bots.example.com"
[[server.trusted_pool.application]]
id = "urn:application:parlor"
port = 6000
users = ["sip:newsbot@example.com", "sip:helpbot@example.com", "sip:clock@example.com"]

[[server.user]]
uri = "sip:alice@example.com"
name = "Alice"
[[server.user]]
uri = "sip:bob@example.com"
[[server.user]]
uri = "sip:newsbot@example.com"
[[server.user]]
uri = "sip:helpbot@example.com"
[[server.user]]
uri = "sip:clock@example.com"

[[server.category]]
name = "General"
[[server.room]]
name = "News"
category = "General"
privacy = "open"
[[server.room]]
name = "Help"
category = "General"
privacy = "open"
[[server.room]]
name = "Staff"
category = "General"
privacy = "secret"
members = ["sip:bob@example.com"]

[host]
application = "urn:application:parlor"
fqdn = "bots.example.com"
port = 6000
gruu = "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor:dGVzdA"
server = "127.0.0.1:PORT"
server_name = "pchat.example.com"
"#;

/// A feed bot in News.
pub(crate) const NEWS: &str = r#"
[[host.bot]]
id = "news"
kind = "feed"
user = "sip:newsbot@example.com"
rooms = ["News"]
[host.bot.settings]
post_as = "text"
[[host.bot.settings.feeds]]
url = "file:feed.xml"
every = "1m"
first_run = "last(3)"
"#;

/// A keyword bot in Help.
pub(crate) const HELP: &str = r#"
[[host.bot]]
id = "help"
kind = "keywords"
user = "sip:helpbot@example.com"
rooms = ["Help"]
[host.bot.settings]
private = true
[[host.bot.settings.rules]]
name = "help"
words = ["help"]
reply = "At your service."
"#;

/// An announcer that speaks every second.
pub(crate) const CLOCK: &str = r#"
[[host.bot]]
id = "clock"
kind = "announcer"
user = "sip:clock@example.com"
rooms = ["News"]
[[host.bot.settings.announcements]]
name = "tick"
cron = "* * * * * *"
zone = "Europe/Berlin"
text = "tick"
"#;

impl Deployment {
    /// A server, and a host with these bots.
    pub(crate) fn new(bots: &str) -> Self {
        Self::with_server_tls("", bots)
    }

    /// The same with a `[server.tls]` table.
    pub(crate) fn with_server_tls(tls: &str, bots: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let mut text = BASE.replace("PORT", &port.to_string()).replace("TLS", tls);
        text.push_str(bots);
        fs::write(folder.path().join("parlor.toml"), text).expect("the configuration is written");
        let deployment = Self { folder, port };
        deployment.feed(&[1, 2, 3]);
        deployment
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder; its name.
    pub(crate) fn write<'n>(&self, name: &'n str, text: &str) -> &'n str {
        fs::write(self.path(name), text).expect("the file is written");
        name
    }

    /// Gives a user a password while the server runs.
    pub(crate) fn set_password(&self, user: &str, password: &str) {
        let mut passwd = self.interactive(&["user", "passwd", user]);
        passwd.types(password);
        assert!(passwd.end().success(), "parlor user passwd {user}");
    }

    /// Writes the feed with these items.
    pub(crate) fn feed(&self, items: &[u32]) {
        let mut text = String::from("<rss version=\"2.0\"><channel><title>Test</title>");
        for item in items {
            let _ = write!(
                text,
                "<item><guid>item-{item}</guid><title>Item {item}</title></item>"
            );
        }
        text.push_str("</channel></rss>");
        fs::write(self.path("feed.xml"), text).expect("the feed is written");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_with("parlor.toml", arguments)
    }

    fn command_with(&self, config: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command
            .current_dir(self.folder.path())
            .args(["--config", config])
            .args(arguments);
        command
            .env_remove("PARLOR_CONFIG")
            .env_remove("PARLOR_LOG")
            .env("NO_COLOR", "1");
        command
    }

    /// Starts `up`, `serve` or `host`, which print events as JSON.
    pub(crate) fn start(&self, command: &str) -> Program {
        Program::start(self.command(&["--json", command]))
    }

    /// The same with another configuration in the folder.
    pub(crate) fn start_with(&self, config: &str, command: &str) -> Program {
        Program::start(self.command_with(config, &["--json", command]))
    }

    /// Starts an interactive command.
    pub(crate) fn interactive(&self, arguments: &[&str]) -> Program {
        Program::start(self.command(arguments))
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    /// Runs a command that must succeed, and gives its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.run(&all);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The texts of a room's posts, oldest first.
    pub(crate) fn texts(&self, room: &str) -> Vec<String> {
        let posts = self.json(&["room", "history", room, "--last", "200"]);
        let posts = posts.as_array().expect("a list of posts");
        posts
            .iter()
            .map(|post| post["text"].as_str().expect("a text").to_owned())
            .collect()
    }

    /// Runs openssl in the folder.
    pub(crate) fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .current_dir(self.folder.path())
            .args(arguments.split_whitespace())
            .output()
            .expect("openssl runs");
        assert!(
            output.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// What a command said on standard error.
pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether a path exists with exactly these permission bits.
pub(crate) fn has_mode(path: &Path, mode: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.permissions().mode() & 0o777 == mode)
}
