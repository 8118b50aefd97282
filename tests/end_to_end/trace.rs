//! `--trace-sip` and `parlor trace`: a recording is made, and shows who said what.

use crate::deployment::{Deployment, HELP, complaint, has_mode};

/// The ladder of a recording.
fn ladder(deployment: &Deployment, arguments: &[&str]) -> String {
    let output = deployment.run(&[&["trace"], arguments].concat());
    assert!(output.status.success(), "{}", complaint(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// That these texts come in this order.
fn assert_in_order(text: &str, wanted: &[&str]) {
    let mut rest = text;
    for part in wanted {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("`{part}` does not come when it should:\n{text}");
        };
        rest = after;
    }
}

#[test]
fn a_person_and_a_bot_are_recorded_at_both_ends() {
    let deployment = Deployment::new(HELP);
    let mut serve = deployment.interactive(&["--json", "serve", "--trace-sip", "server.trace"]);
    serve.event("listening", |_| true);
    let mut host = deployment.interactive(&["--json", "host", "--trace-sip", "host.trace"]);
    host.event("joined", |_| true);
    let mut chat = deployment.interactive(&[
        "chat",
        "--as",
        "sip:alice@example.com",
        "--room",
        "Help",
        "--trace-sip",
        "chat.trace",
    ]);
    chat.wait_for_text("joined Help");
    chat.types("please help me");
    chat.wait_for_text("At your service.");
    chat.types("/quit");
    assert!(chat.end().success());
    host.interrupt();
    serve.interrupt();

    assert!(has_mode(&deployment.path("server.trace"), 0o600));
    let server = ladder(&deployment, &["server.trace"]);
    assert_in_order(
        &server,
        &[
            "helpbot@example.com",
            "server",
            "alice@example.com",
            "helpbot@example.com connects over tls",
            "vnd-microsoft-provisioning-v2; once; provisioningGroupList",
            "cmd:join Help",
            "rpl:join Help with 1 here",
            "alice@example.com connects over tls",
            "REGISTER 1",
            "alice@example.com signs in",
            "grpchat Help alice@example.com: \"please help me\"",
            "grpchat Help #1 alice@example.com: \"please help me\"",
            "grpchat Help #2 helpbot@example.com: \"At your service.\"",
            "BYE",
            "alice@example.com is disconnected",
        ],
    );
    let chat = ladder(&deployment, &["chat.trace", "--call", "A", "--full"]);
    assert_in_order(
        &chat,
        &[
            "REGISTER sip:example.com SIP/2.0",
            "User-Agent: Parlor",
            "Expires: 0",
        ],
    );
    assert!(!chat.contains("INVITE"), "{chat}");
    let host = ladder(&deployment, &["host.trace", "--json"]);
    assert!(
        host.lines()
            .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
        "{host}"
    );
    assert_in_order(&host, &["cmd:join Help", "At your service."]);
}

#[test]
fn a_slip_in_the_command_line_costs_no_file() {
    let deployment = Deployment::new("");
    let before = std::fs::read_to_string(deployment.path("parlor.toml")).expect("the configuration");
    let output = deployment.run(&["serve", "--trace-sip", "parlor.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        complaint(&output).contains("parlor.toml is not a recording"),
        "{}",
        complaint(&output)
    );
    assert_eq!(
        std::fs::read_to_string(deployment.path("parlor.toml")).expect("the configuration"),
        before
    );
    let output = deployment.run(&["trace", "parlor.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        complaint(&output).contains("is not a wire recording"),
        "{}",
        complaint(&output)
    );
}
