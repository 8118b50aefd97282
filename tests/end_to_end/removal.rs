//! `parlor message`: what is taken out of a room is not read again, and the record knows it.

use crate::deployment::{Deployment, complaint};

fn post(deployment: &Deployment, author: &str, text: &str) {
    let done = deployment.run(&["room", "post", "Help", text, "--as", author]);
    assert!(done.status.success(), "{}", complaint(&done));
}

#[test]
fn messages_are_removed_by_number_and_by_what_they_are_like() {
    let deployment = Deployment::new("");
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let (alice, bob) = ("sip:alice@example.com", "sip:bob@example.com");
    for (author, text) in [
        (alice, "my password is 12345"),
        (bob, "Buy now"),
        (bob, "hello"),
        (alice, "buy?"),
    ] {
        post(&deployment, author, text);
    }
    let by_number = [
        "message",
        "remove",
        "Help",
        "1",
        "--by",
        "olga",
        "--reason",
        "a password",
        "--text",
        "(removed)",
    ];
    let done = deployment.json(&by_number);
    assert_eq!(
        (&done[0]["id"], &done[0]["repeated"]),
        (&1.into(), &false.into()),
        "{done}"
    );
    let again = deployment.run(&["message", "remove", "Help", "1"]);
    assert!(again.status.success());
    let again = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(again.contains("was removed before, by olga at "), "{again}");

    let selection = [
        "message",
        "remove",
        "Help",
        "--author",
        bob,
        "--containing",
        "buy",
        "--from",
        "1h",
    ];
    let dry = deployment.json(&[&selection[..], &["--dry-run"]].concat());
    assert_eq!(
        (dry.as_array().map(Vec::len), &dry[0]["text"]),
        (Some(1), &"Buy now".into())
    );
    assert_eq!(deployment.texts("Help")[1], "Buy now");
    assert!(deployment.run(&selection).status.success());
    assert_eq!(
        deployment.texts("Help"),
        ["(removed)", "This message was removed.", "hello", "buy?"]
    );
    // What is removed is not found again, by its words nor by its author.
    let nothing = deployment.run(&selection);
    assert_eq!(String::from_utf8_lossy(&nothing.stdout), "no messages are so\n");
    let until = deployment.json(&[
        "message",
        "remove",
        "Help",
        "--author",
        bob,
        "--to",
        "0s",
        "--dry-run",
    ]);
    assert_eq!(
        (until.as_array().map(Vec::len), &until[0]["text"]),
        (Some(1), &"hello".into())
    );

    let wrong = deployment.run(&["message", "remove", "Help", "3", "99"]);
    assert_eq!(wrong.status.code(), Some(1));
    let wrong = complaint(&wrong);
    assert!(
        wrong.contains("there is no message 99 in the room")
            && wrong.contains("1 of 2 messages were not removed"),
        "{wrong}"
    );
    let neither = deployment.run(&["message", "remove", "Help"]);
    assert_eq!(neither.status.code(), Some(2));
    serve.interrupt();

    // The record survives, and who comes later reads the notices.
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let record = deployment.json(&["message", "removed", "Help"]);
    assert_eq!(record.as_array().map(Vec::len), Some(3));
    let first = &record[0];
    assert_eq!(
        (&first["original"]["text"], &first["by"], &first["reason"]),
        (
            &"my password is 12345".into(),
            &"olga".into(),
            &"a password".into()
        )
    );
    let shown = deployment.run(&["message", "removed", "Help"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("my password is 12345") && shown.contains("by olga: a password"),
        "{shown}"
    );
    assert_eq!(deployment.texts("Help")[2], "This message was removed.");
    serve.interrupt();
}

const MODERATOR: &str = r#"
server_control = "data/control.sock"
[[host.bot]]
id = "moderator"
kind = "moderator"
user = "sip:helpbot@example.com"
rooms = ["Help", "News"]
[host.bot.settings]
operator_room = "News"
remove = "always"
[[host.bot.settings.lists]]
words = ["fiddlesticks"]
"#;

#[test]
fn what_a_moderator_removes_is_read_by_nobody_who_comes_later() {
    let deployment = Deployment::new(MODERATOR);
    let mut up = deployment.start("up");
    for _ in 0..2 {
        up.event("joined", |_| true);
    }
    let mut alice = deployment.interactive(&["chat", "--as", "sip:alice@example.com", "--room", "Help"]);
    alice.wait_for_text("joined Help");
    alice.types("oh fiddlesticks");
    let removed = up.event("removed", |_| true);
    assert_eq!(
        (
            &removed["instance"],
            &removed["room"],
            &removed["id"],
            &removed["repeated"]
        ),
        (&"moderator".into(), &"Help".into(), &1.into(), &false.into())
    );
    alice.wait_for_text("please mind your words in Help. Your message was removed.");

    let mut bob = deployment.interactive(&["chat", "--as", "sip:bob@example.com", "--room", "Help"]);
    bob.wait_for_text("This message was removed.");
    bob.types("/join News");
    bob.wait_for_text("message 1 of Help, strike 1, removed: oh fiddlesticks");
    bob.types("/quit");
    assert!(bob.end().success());
    assert_eq!(deployment.texts("Help")[0], "This message was removed.");

    let record = deployment.json(&["message", "removed", "Help"]);
    assert_eq!(
        (
            &record[0]["original"]["text"],
            &record[0]["by"],
            &record[0]["reason"]
        ),
        (
            &"oh fiddlesticks".into(),
            &"sip:helpbot@example.com (moderator)".into(),
            &"blocked word: fiddlesticks".into()
        )
    );
    let why = deployment.run(&["ledger", "why", "1"]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("the message is removed from Help"), "{why}");
    alice.types("/quit");
    assert!(alice.end().success());
    up.interrupt();
}

#[test]
fn a_moderator_that_may_not_remove_is_found_by_a_check() {
    let deployment = Deployment::new(&MODERATOR.replace("server_control", "# server_control"));
    let checked = deployment.run(&["check"]);
    assert_eq!(checked.status.code(), Some(3));
    let problem = complaint(&checked);
    assert!(
        problem.contains("host.bot[0].settings.remove")
            && problem.contains("nothing can be removed: `server_control`"),
        "{problem}"
    );
}
