//! `parlor mail try`, and mail of a running program, through a server with TLS and a password.

use parlor_testkit::{MailServer, Protection};
use tokio::runtime::Runtime;

use crate::deployment::{Deployment, complaint};

/// A mail server, and the `[host.mail]` that leads to it.
struct Post {
    // First, so that its tasks end before their runtime.
    server: MailServer,
    runtime: Runtime,
}

impl Post {
    fn new(deployment: &Deployment) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let account = Some(("parlor", "secret"));
        let server = runtime.block_on(MailServer::start(
            &deployment.path("post"),
            Protection::StartTls,
            account,
        ));
        deployment.write("password", "secret\n");
        let table = format!(
            "\n[host.mail]\nserver = \"127.0.0.1:{}\"\nroots = \"post/authority.pem\"\nuser = \"parlor\"\n\
             password_file = \"password\"\nfrom = \"Rooms <parlor@example.com>\"\n",
            server.port()
        );
        let path = deployment.path("parlor.toml");
        let text = std::fs::read_to_string(&path).expect("the configuration is there");
        std::fs::write(&path, text + &table).expect("the configuration is written");
        Self { server, runtime }
    }

    fn received(&self, count: usize) -> Vec<parlor_testkit::ReceivedMail> {
        self.runtime.block_on(self.server.received(count))
    }
}

#[test]
fn a_test_mail_shows_what_the_server_says() {
    let deployment = Deployment::new("");
    let post = Post::new(&deployment);
    let tried = deployment.run(&["mail", "try", "--to", "Ann <ann@example.com>"]);
    assert!(tried.status.success(), "{}", complaint(&tried));
    let shown = String::from_utf8_lossy(&tried.stdout).into_owned();
    for expected in [
        "tls",
        "sign-in   235 2.7.0 welcome",
        "message   250 2.0.0 queued as 1",
    ] {
        assert!(shown.contains(expected), "`{expected}` is missing in:\n{shown}");
    }
    assert_eq!(post.received(1)[0].to, ["ann@example.com"]);
    let said = post.server.commands();
    assert!(said.contains(&"EHLO bots.example.com".to_owned()), "{said:?}");

    deployment.write("password", "guess\n");
    let refused = deployment.run(&["mail", "try", "--to", "ann@example.com", "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(complaint(&refused).contains("sign-in: 535 5.7.8 wrong password"));
    let value: serde_json::Value = serde_json::from_slice(&refused.stdout).expect("JSON");
    assert_eq!(
        (&value["refused"]["stage"], &value["refused"]["code"]),
        (&"sign_in".into(), &535.into())
    );
    assert!(!deployment.path("data").exists(), "trying leaves no trace");

    let checked = deployment.run(&["check"]);
    let shown = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(shown.contains("from Rooms <parlor@example.com>"), "{shown}");
}

const ALARM: &str = r#"
[[host.bot]]
id = "alarm"
kind = "digest"
user = "sip:newsbot@example.com"
rooms = ["News"]
[[host.bot.settings.digests]]
name = "alarm"
to = ["Ann <ann@example.com>"]
when = "instant"
within = "1s"
"#;

#[test]
fn what_a_person_says_in_a_room_arrives_by_mail() {
    let deployment = Deployment::new(ALARM);
    let unserved = deployment.run(&["check"]);
    assert_eq!(unserved.status.code(), Some(3));
    assert!(complaint(&unserved).contains("this bot sends mail, and there is no server to send it with"));

    let post = Post::new(&deployment);
    let mut up = deployment.start("up");
    up.event("joined", |_| true);
    let mut chat = deployment.interactive(&["chat", "--as", "sip:alice@example.com", "--room", "News"]);
    chat.wait_for_text("joined News");
    chat.types("Es brennt in Köln");
    chat.types("/quit");
    assert!(chat.end().success());
    up.event("mailed", |event| event["instance"] == "alarm");
    let mails = post.received(1);
    assert_eq!(mails[0].to, ["ann@example.com"]);
    assert_eq!(mails[0].header("Subject"), Some("alarm: Alice in News"));
    assert!(
        mails[0].text.contains("Es brennt in K=C3=B6ln"),
        "{}",
        mails[0].text
    );

    let entries = deployment.json(&["ledger", "list", "--room", "mailto:ann@example.com"]);
    let statuses: Vec<_> = entries
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["status"].as_str().expect("a word"))
        .collect();
    assert_eq!(statuses, ["queued", "sent", "acknowledged"], "{entries}");
    up.interrupt();
}
