//! `parlor chat`: a person among bots.

use crate::deployment::{Deployment, HELP, complaint};

#[test]
fn a_keyword_typed_by_a_person_is_answered() {
    let deployment = Deployment::new(HELP);
    let mut up = deployment.start("up");
    up.event("joined", |_| true);
    let mut chat = deployment.interactive(&["chat", "--as", "sip:alice@example.com", "--room", "Help"]);
    chat.wait_for_text("joined Help");
    chat.types("please help me");
    chat.wait_for_text("At your service.");
    chat.types("/who");
    chat.wait_for_text("sip:helpbot@example.com");
    chat.types("/join Staff");
    chat.wait_for_text("cannot join");
    chat.types("/quit");
    assert!(chat.end().success());
    assert_eq!(deployment.texts("Help"), ["please help me", "At your service."]);
    up.interrupt();
}

#[test]
fn two_people_see_each_other_and_a_returning_server() {
    let deployment = Deployment::new("");
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let mut alice = deployment.interactive(&["chat", "--as", "sip:alice@example.com", "--room", "Help"]);
    alice.wait_for_text("joined Help");
    let mut bob = deployment.interactive(&["chat", "--as", "sip:bob@example.com", "--room", "Help"]);
    bob.wait_for_text("joined Help");
    alice.wait_for_text("sip:bob@example.com came in");
    bob.types("good morning");
    alice.wait_for_text("good morning");
    serve.kill();
    alice.wait_for_text("connection lost");
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    alice.wait_for_text("connected again");
    bob.wait_for_text("connected again");
    alice.types("//still here");
    bob.wait_for_text("/still here");
    alice.types("/quit");
    bob.types("/quit");
    assert!(alice.end().success() && bob.end().success());
    serve.interrupt();
}

#[test]
fn an_unknown_user_and_an_absent_server_are_named() {
    let deployment = Deployment::new("");
    let absent = deployment.run(&["chat", "--as", "sip:alice@example.com"]);
    assert_eq!(absent.status.code(), Some(4), "{}", complaint(&absent));
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let unknown = deployment.run(&["chat", "--as", "sip:mallory@example.com"]);
    assert_eq!(unknown.status.code(), Some(4));
    assert!(complaint(&unknown).contains("404"), "{}", complaint(&unknown));
    serve.interrupt();
}
