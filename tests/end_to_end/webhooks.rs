//! Webhooks, as other programs use them: real requests over TCP, seen by a person in the room.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::deployment::{Deployment, complaint};
use crate::program::{PATIENCE, Program};

const RELAY: &str = r#"
[webhooks]
listen = "127.0.0.1:0"

[[host.bot]]
id = "relay"
kind = "relay"
user = "sip:newsbot@example.com"
rooms = ["News"]
[[host.bot.settings.hooks]]
name = "ci"
signature = "github"
secret = "file:ci.secret"
when = "body.ref == 'refs/heads/main'"
[[host.bot.settings.hooks]]
name = "notes"
signature = "bearer"
secret = "file:ci.secret"
text = "{{ body.note }}"
"#;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

const PUSH: &str = r#"{"ref": "refs/heads/main", "repository": {"full_name": "acme/app"}, "pusher": {"name": "ann"},
 "commits": [{"id": "0123456789", "message": "Mend it", "url": "https://git.example.com/0123456789"}]}"#;

fn deployment() -> Deployment {
    let deployment = Deployment::new(RELAY);
    deployment.write("ci.secret", &format!("{SECRET}\n"));
    deployment.write("push.json", PUSH);
    deployment
}

fn address(up: &mut Program) -> String {
    let event = up.event("webhooks", |_| true);
    event["address"].as_str().expect("an address").to_owned()
}

/// Posts a body; the status and what was answered.
fn post(address: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer ends");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), body.to_owned())
}

#[test]
fn a_signed_push_is_seen_in_the_room_once() {
    let deployment = deployment();
    let mut up = deployment.start("up");
    let address = address(&mut up);
    let mut chat = deployment.interactive(&["chat", "--as", "sip:alice@example.com", "--room", "News"]);
    chat.wait_for_text("joined News");
    // As docs/webhooks.md tells to sign.
    deployment.openssl(&format!(
        "dgst -sha256 -hmac {SECRET} -r -out signature push.json"
    ));
    let signature = std::fs::read_to_string(deployment.path("signature")).expect("a signature");
    let signature = signature.split(' ').next().expect("digits");
    let headers = format!(
        "X-Hub-Signature-256: sha256={signature}\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: 42\r\n\
         Content-Type: application/json\r\n"
    );
    let taken = post(&address, "/hooks/ci", &headers, PUSH);
    assert_eq!(taken, (202, "taken as webhook:ci:42\n".to_owned()));
    chat.wait_for_text("acme/app: ann pushed 1 commit to main");
    assert_eq!(post(&address, "/hooks/ci", &headers, PUSH).0, 200);
    let forged = PUSH.replace("ann", "eve");
    assert_eq!(post(&address, "/hooks/ci", &headers, &forged).0, 401);
    let bearer = format!("Authorization: Bearer {SECRET}\r\n");
    assert_eq!(
        post(&address, "/hooks/notes", &bearer, r#"{"note": "that is all"}"#).0,
        202
    );
    chat.wait_for_text("that is all");
    chat.types("/quit");
    assert!(chat.end().success());
    assert_eq!(deployment.texts("News").len(), 2);

    let why = deployment.run(&["ledger", "why", "webhook:ci:42"]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(
        why.contains("acknowledged") && why.contains("sent again"),
        "{why}"
    );
    assert!(!why.contains("was not posted") && !why.contains(SECRET), "{why}");
    up.interrupt();
}

#[test]
fn what_a_template_cannot_say_is_told_to_the_operator_and_kept() {
    let deployment = deployment();
    let mut up = deployment.start("up");
    let address = address(&mut up);
    let bearer = format!("Authorization: Bearer {SECRET}\r\nIdempotency-Key: 7\r\n");
    assert_eq!(post(&address, "/hooks/notes", &bearer, r#"{"text": "x"}"#).0, 202);
    let told = up.event("quarantined", |_| true);
    assert_eq!(told["cause"], "webhook:notes:7");
    let reason = told["reason"].as_str().expect("a reason");
    assert!(reason.contains("there is no variable `body.note`"), "{reason}");
    let kept = deployment.json(&["ledger", "list", "--status", "quarantined"]);
    assert_eq!(kept.as_array().map(Vec::len), Some(1), "{kept}");
    up.interrupt();
}

#[test]
fn a_request_is_tried_without_sending_it() {
    let deployment = deployment();
    let event = ["--header", "X-GitHub-Event: push"];
    let shown = deployment.json(&[&["hook", "try", "ci", "push.json"], &event[..]].concat());
    let post = &shown["outcome"]["posts"][0];
    assert_eq!(post["room"], "News");
    let text = post["text"].as_str().expect("a text");
    assert!(
        text.starts_with("acme/app: ann pushed 1 commit to main\n0123456 Mend it"),
        "{text}"
    );
    deployment.write("other.json", &PUSH.replace("main", "topic"));
    let other = deployment.json(&["hook", "try", "ci", "other.json"]);
    assert_eq!(
        other["outcome"]["left_out"],
        "not wanted: body.ref == 'refs/heads/main'"
    );
    let wrong = deployment.run(&["hook", "try", "notes", "push.json"]);
    assert_eq!(
        wrong.status.code(),
        Some(1),
        "a request like this would be set aside"
    );
    let shown = String::from_utf8_lossy(&wrong.stdout).into_owned();
    assert!(shown.contains("there is no variable `body.note`"), "{shown}");
    let unknown = deployment.run(&["hook", "try", "cd", "push.json"]);
    assert!(
        complaint(&unknown).contains("webhooks: ci, notes"),
        "{}",
        complaint(&unknown)
    );

    let hooks = deployment.json(&["hook", "list"]);
    assert_eq!(hooks[0]["address"], "http://127.0.0.1:0/hooks/ci");
    assert_eq!(hooks[0]["signature"], "hmac(x-hub-signature-256)");
    assert!(!deployment.path("data").exists(), "trying leaves no trace");
}

#[test]
fn check_finds_secrets_and_names_that_do_not_do() {
    let deployment = deployment();
    let right = deployment.run(&["check"]);
    assert!(right.status.success(), "{}", complaint(&right));
    deployment.write("ci.secret", "short");
    let text = std::fs::read_to_string(deployment.path("parlor.toml")).expect("the configuration");
    let text = text.replace("[webhooks]\nlisten = \"127.0.0.1:0\"\n", "");
    let other = "[[host.bot]]\nid = \"other\"\nkind = \"relay\"\nuser = \"sip:helpbot@example.com\"\nrooms = [\"News\"]\n\
                 [[host.bot.settings.hooks]]\nname = \"ci\"\nsignature = \"path\"\nsecret = \"env:PARLOR_TEST_UNSET\"\n";
    deployment.write("parlor.toml", &format!("{text}{other}"));
    let wrong = deployment.run(&["check"]);
    assert_eq!(wrong.status.code(), Some(3));
    let shown = String::from_utf8_lossy(&wrong.stdout).into_owned();
    for expected in [
        "`ci` of relay: the secret in ",
        "has 5 bytes; 16 to 4096 are accepted",
        "`notes` of relay: it has nowhere to come in",
        "`ci` of other: relay has a webhook of this name too",
        "`ci` of other: here the variable `PARLOR_TEST_UNSET`",
    ] {
        assert!(shown.contains(expected), "`{expected}` is missing:\n{shown}");
    }
}
