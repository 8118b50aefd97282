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

#[test]
fn a_person_signs_in_with_a_password_that_no_command_line_and_no_log_shows() {
    let deployment = Deployment::new("");
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    deployment.set_password("sip:alice@example.com", "Secret123");
    let file = deployment.write("password", "Secret123\n");
    let by_password = [
        "chat",
        "--user",
        "alice@example.com",
        "--password-file",
        file,
        "--room",
        "Help",
    ];
    let mut alice = deployment.interactive(&by_password);
    alice.wait_for_text("signed in as sip:alice@example.com");
    alice.wait_for_text("joined Help");
    alice.types("by password");
    alice.wait_for_text("by password");
    let mut bob = deployment.interactive(&["chat", "--as", "sip:bob@example.com"]);
    bob.wait_for_text("signed in");
    alice.types("/msg bob@example.com just for you");
    alice.wait_for_text("[to sip:bob@example.com] just for you");
    bob.wait_for_text("[from sip:alice@example.com] just for you");
    bob.types("/msg sip:alice@example.com thank you");
    alice.wait_for_text("[from sip:bob@example.com] thank you");
    bob.types("/quit");
    assert!(bob.end().success());
    alice.types("/msg bob@example.com still there?");
    alice.wait_for_text("not delivered: INVITE was answered with 480");
    alice.types("/quit");
    assert!(alice.end().success());

    let wrong = deployment.write("wrong", "secret123\n");
    let refused = deployment.run(&["chat", "--user", "alice@example.com", "--password-file", wrong]);
    assert_eq!(refused.status.code(), Some(1));
    let words = complaint(&refused);
    assert!(
        words.contains("does not accept the password of `alice@example.com`"),
        "{words}"
    );
    assert!(!words.contains("secret123"), "{words}");
    let nowhere = deployment.run(&["chat", "--user", "alice@example.com"]);
    assert_eq!(nowhere.status.code(), Some(2), "{}", complaint(&nowhere));
    serve.interrupt();
}

#[test]
fn a_bot_is_asked_in_private_by_somebody_who_signed_in_with_a_password() {
    let deployment = Deployment::new(HELP);
    let mut up = deployment.start("up");
    up.event("joined", |_| true);
    deployment.set_password("sip:alice@example.com", "Secret123");
    let file = deployment.write("password", "Secret123\n");
    let by_password = [
        "chat",
        "--user",
        "alice@example.com",
        "--password-file",
        file,
        "--room",
        "Help",
    ];
    let mut alice = deployment.interactive(&by_password);
    alice.wait_for_text("joined Help");
    alice.types("/msg helpbot@example.com please help me");
    alice.wait_for_text("[from sip:helpbot@example.com] At your service.");
    up.event("answered", |event| event["person"] == "sip:alice@example.com");
    alice.types("/quit");
    assert!(alice.end().success());
    assert!(
        deployment.texts("Help").is_empty(),
        "nothing of it is in the room"
    );
    up.interrupt();
}

#[test]
fn a_user_who_is_disabled_meanwhile_is_told_so_and_the_chat_ends() {
    let deployment = Deployment::new("");
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let mut alice = deployment.interactive(&["chat", "--as", "alice@example.com", "--room", "Help"]);
    alice.wait_for_text("joined Help");
    let disabled = deployment.run(&["user", "disable", "alice@example.com"]);
    assert!(disabled.status.success(), "{}", complaint(&disabled));
    alice.wait_for_text("the user is disabled");
    assert!(!alice.ends_by_itself().success());
    let wrong = deployment.run(&["user", "add", "alice"]);
    assert_eq!(wrong.status.code(), Some(2));
    let wrong = complaint(&wrong);
    assert!(wrong.contains("write it as sip:user@example.com"), "{wrong}");
    serve.interrupt();
}
