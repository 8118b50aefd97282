//! Configuration errors as an operator sees them.

use std::path::Path;

use super::*;

struct Bots;

impl BotSettings for Bots {
    fn add(&self, program: &Program) -> Result<(), String> {
        match program.name.as_str() {
            "broken" => Err("the program of `broken`: it ended (exit status: 1)".to_owned()),
            _ => Ok(()),
        }
    }

    fn names(&self) -> Vec<String> {
        ["announcer", "feed", "keywords"].map(str::to_owned).to_vec()
    }

    fn kinds(&self) -> Registry {
        Registry::new()
    }

    fn check(&self, instance: &Instance) -> Vec<SettingsProblem> {
        let cron = instance
            .settings
            .pointer("/announcements/0/cron")
            .and_then(|cron| cron.as_str());
        match cron {
            Some("bad") => vec![SettingsProblem {
                path: "announcements[0].cron".to_owned(),
                message: "`bad` has 1 field, a schedule has five or six".to_owned(),
                help: None,
            }],
            _ => Vec::new(),
        }
    }
}

fn problems(text: &str) -> String {
    match parse(Path::new("config/parlor.toml"), text, &Bots) {
        Ok(settings) => format!("accepted: {settings:#?}"),
        Err(problems) => problems
            .list
            .iter()
            .map(|p| {
                let help = p
                    .help
                    .as_deref()
                    .map(|help| format!(" [{help}]"))
                    .unwrap_or_default();
                format!("{}:{} {p}{help}\n", p.line, p.column)
            })
            .collect(),
    }
}

#[test]
fn every_problem_is_found_in_one_pass() {
    let text = r#"
data = 5
colour = "red"

[log]
filter = "info,=="
format = "xml"

[metrics]
listen = "9464"
fresh = "1m"
outbox_young = "0s"
[webhooks]
listen = "9470"
proxies = ["localhost"]
body = 10
[webhooks.tls]
key = "hooks.key"
[reload]
watch = "10ms"

[server]
domain = "example.com"
chat_url = "sip:pchat@example.com"
listen = ["tls:127.0.0.1", "udp:127.0.0.1:5061"]
session_expires = "10s"

[server.tls]
certificate = "server.pem"

[server.limits]
backchat = 501

[[server.trusted_pool]]
fqdn = "bots.example.com"
[[server.trusted_pool.application]]
id = "urn:application:parlor"
port = 70000
users = ["sip:newsbot@example.com"]

[[server.category]]
name = "General"

[[server.room]]
name = "News"
category = "Genral"
privacy = "public"
presenters = ["sip:alice@example.com"]

[host]
application = "urn:application:parler"
fqdn = "bots.example.com"
port = 6000
gruu = "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor:1"
operator_rom = "Operators"

[host.feeds]
at_once = 0
root = "ca.pem"

[[host.bot]]
id = "news"
kind = "feeds"
user = "sip:newsbot@example.com"

[[host.bot]]
id = "calendar"
kind = "announcer"
user = "newsbot"
rooms = ["News"]

[[host.bot]]
id = "later"
kind = "announcer"
user = "sip:newsbot@example.com"
settings = { announcements = [{ cron = "bad" }] }
"#;
    insta::assert_snapshot!(problems(text));
}

#[test]
fn a_syntax_error_is_reported_alone() {
    insta::assert_snapshot!(problems("[server\ndomain = \"example.com\"\n"));
}

#[test]
fn a_problem_is_shown_with_its_line() {
    let text = "data = \"../data\"\n\n[server]\ndomain = \"example.com\"\nlisten = [\"tls:127.0.0.1:5061\"]\nlegacy_mask = true\n";
    let Err(problems) = parse(Path::new("config/parlor.toml"), text, &Bots) else {
        panic!("an unknown key was accepted");
    };
    insta::assert_snapshot!(render_plain(&problems));
}

#[test]
fn paths_start_at_the_folder_of_the_file() {
    let text = "data = \"../state\"\n[server]\ndomain = \"example.com\"\nlisten = [\"tls:127.0.0.1:5061\"]\n";
    let settings = parse(Path::new("config/parlor.toml"), text, &Bots).expect("the text is right");
    assert_eq!(settings.data, Path::new("state"));
}

#[test]
fn a_key_near_a_known_one_is_suggested_and_a_far_one_is_not() {
    assert_eq!(nearest("chat_url", &["chat_uri", "domain"]), Some("chat_uri"));
    assert_eq!(nearest("colour", &["data", "log", "server"]), None);
}

#[test]
fn rates_and_deadlines_of_posts_are_checked() {
    let text = r#"
[host]
application = "urn:application:parlor"
fqdn = "bots.example.com"
port = 6000
gruu = "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor:AAAA"
server = "chat.example.com:5061"

[host.outbox]
attempt = "10ms"
room_rate = "fast"
bot_rates = "5/s"

[host.ledger]
keep = "for ever"
"#;
    let found = problems(text);
    for wanted in [
        "attempt: is too short for an answer to come back",
        "room_rate: `fast` is not a rate",
        "did you mean `bot_rate`?",
        "keep: ",
    ] {
        assert!(found.contains(wanted), "{wanted} is not in:\n{found}");
    }
}

/// What is wrong with a `[host.mail]` of these lines.
fn mail_problems(lines: &str) -> String {
    host_problems("mail", lines)
}

/// What is said of one table below `[host]`.
fn host_problems(table: &str, lines: &str) -> String {
    let host = r#"
[host]
application = "urn:application:parlor"
fqdn = "bots.example.com"
port = 6000
gruu = "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor:AAAA"
server = "chat.example.com:5061"

"#;
    problems(&format!("{host}[host.{table}]\n{lines}"))
}

#[test]
fn mistakes_about_mail_are_named() {
    let found = mail_problems(
        r#"
server = "mail.example.com"
from = "Parlor\nBcc: eve@example.net <parlor@example.com>"
tls = "ssl"
password_file = "secret"
roots = "nowhere.pem"
allow = ["example", "*"]
timeout = "10ms"
max_size = 10
rate = "often"
copy_to = "eve@example.net"
"#,
    );
    for wanted in [
        "server: `mail.example.com` has no port",
        "from: ",
        "line break",
        "tls: `ssl` is no way to protect a connection",
        "password_file: a password needs its `user`",
        "roots: cannot read config/nowhere.pem",
        "allow: entry 1: `example` is neither an address nor a domain",
        "timeout: must be at least 1s",
        "max_size: must be at least 4096",
        "rate: `often` is not a rate",
        "copy_to",
    ] {
        assert!(found.contains(wanted), "{wanted} is not in:\n{found}");
    }
}

#[test]
fn mail_goes_in_clear_only_where_somebody_said_so() {
    let from = "from = \"parlor@example.com\"\n";
    let with = |lines: &str| mail_problems(&format!("{from}{lines}"));
    let away = with("server = \"mail.example.com:25\"\ntls = \"none\"");
    assert!(
        away.contains("`none` is for a server on this machine, and mail.example.com is not"),
        "{away}"
    );
    for (lines, security) in [
        (
            "server = \"mail.example.com:25\"\ntls = \"unprotected\"",
            "security: None",
        ),
        ("server = \"[::1]:25\"\ntls = \"none\"", "security: None"),
        ("server = \"mail.example.com:587\"", "security: StartTls"),
        ("server = \"mail.example.com:465\"", "security: Implicit"),
    ] {
        let read = with(lines);
        assert!(read.starts_with("accepted") && read.contains(security), "{read}");
    }
}

#[test]
fn a_mail_account_needs_one_password_from_outside_the_file() {
    let with = |lines: &str| {
        let server = "server = \"mail.example.com:587\"\nfrom = \"parlor@example.com\"\nuser = \"parlor\"\n";
        mail_problems(&format!("{server}{lines}"))
    };
    for (lines, wanted) in [
        ("", "user: a user needs a password"),
        (
            "password_file = \"missing\"",
            "password_file: cannot read config/missing",
        ),
        (
            "password_env = \"PARLOR_TEST_UNSET\"",
            "password_env: the variable PARLOR_TEST_UNSET is not set",
        ),
        (
            "password_env = \"A\"\npassword_file = \"b\"",
            "exclude each other",
        ),
    ] {
        let found = with(lines);
        assert!(found.contains(wanted), "{wanted} is not in:\n{found}");
    }
    let read = with("password_env = \"CARGO_MANIFEST_DIR\"");
    assert!(
        read.contains("user: \"parlor\"") && !read.contains("password:"),
        "{read}"
    );
}

#[test]
fn mistakes_about_the_database_of_a_pool_are_named() {
    for (lines, wanted) in [
        ("", "address: `address` is missing"),
        (
            "address = \"mysql://db\"",
            "address: not the address of a database, which is like postgresql://",
        ),
        (
            "address = \"postgresql://parlor@/state\"",
            "address: the address of the database names no host",
        ),
        (
            "address = \"postgresql://parlor:secret@db.example.com/state\"",
            "address: the address of the database holds a password; name a file that holds it",
        ),
        (
            "address = \"postgresql://db.example.com/state\"\nroots = \"nowhere.pem\"",
            "roots: cannot read config/nowhere.pem",
        ),
        (
            "address = \"postgresql://db.example.com/state\"\nlease = \"1s\"",
            "lease: must be at least 2s",
        ),
        (
            "address = \"postgresql://db.example.com/state\"\npool = 3",
            "pool",
        ),
    ] {
        let found = host_problems("database", lines);
        assert!(found.contains(wanted), "{wanted} is not in:\n{found}");
    }
    let read = host_problems(
        "database",
        "address = \"postgresql://parlor@db.example.com/state\"\npassword_env = \"CARGO_MANIFEST_DIR\"",
    );
    assert!(
        read.starts_with("accepted") && read.contains("lease: 10s"),
        "{read}"
    );
    assert!(!read.contains(env!("CARGO_MANIFEST_DIR")), "{read}");
}

#[test]
fn programs_are_checked_key_by_key() {
    let text = r#"
[host]
application = "urn:application:parlor"
fqdn = "bots.example.com"
port = 6000
gruu = "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor:AAAA"
server = "chat.example.com:5061"

[host.program.feed]
command = ["./feed"]

[host.program.empty]
command = []

[host.program.none]
memory = "64KiB"

[host.program.small]
command = ["./small"]
memory = "1MiB"
start = 5
inherit = "HTTP_PROXY"
environmnt = {}

[host.program.secret]
command = ["./secret"]
environment = { TOKEN = 1234567890 }

[host.program.broken]
command = ["./broken"]
"#;
    let found = problems(text);
    for wanted in [
        "host.program.feed.command: there is a bot of kind `feed` already",
        "host.program.empty.command: names no program",
        "`command` is missing",
        "`64KiB` is not an amount of memory",
        "`1MiB` is too little for any program",
        "host.program.small.start: ",
        "host.program.small.inherit: is not a list",
        "did you mean `environment`?",
        "environment.TOKEN: is not a variable with a text",
        "host.program.broken.command: the program of `broken`: it ended (exit status: 1)",
    ] {
        assert!(found.contains(wanted), "{wanted} is not in:\n{found}");
    }
    assert!(!found.contains("1234567890"), "a secret is not told");
}
