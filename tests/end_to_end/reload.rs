//! A changed file taken up by the running program: by command, by signal, and when it is saved.

use std::fs;

use crate::deployment::{CLOCK, Deployment, HELP, NEWS, complaint};

/// Changes the configuration file.
fn edit(deployment: &Deployment, change: impl Fn(String) -> String) {
    let file = deployment.path("parlor.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    fs::write(&file, change(text)).expect("the configuration is written");
}

fn ask_for_help(deployment: &Deployment) {
    deployment.json(&["room", "post", "Help", "help", "--as", "sip:alice@example.com"]);
}

#[test]
fn bots_rooms_and_users_are_added_without_a_restart() {
    let deployment = Deployment::new(HELP);
    let nobody = deployment.run(&["reload"]);
    assert_eq!(nobody.status.code(), Some(4), "{}", complaint(&nobody));
    let mut up = deployment.start("up");
    up.event("joined", |_| true);
    // A bot in a new room, as a new user, for whom the application was not trusted so far.
    edit(&deployment, |text| {
        let seed = "\n[[server.user]]\nuri = \"sip:timer@example.com\"\n\
                    [[server.room]]\nname = \"Time\"\ncategory = \"General\"\nprivacy = \"open\"\n";
        let text = text
            .replace("\n[host]\n", &format!("{seed}\n[host]\n"))
            .replace("\nusers = [", "\nusers = [\"sip:timer@example.com\", ");
        let clock = CLOCK
            .replace("\"News\"", "\"Time\"")
            .replace("sip:clock@", "sip:timer@");
        format!("{text}{clock}")
    });
    let answers = deployment.json(&["reload"]);
    assert_eq!(answers[0]["done"], true, "{answers}");
    assert_eq!(
        answers.as_array().map(Vec::len),
        Some(1),
        "one process: {answers}"
    );
    assert_eq!(
        answers[0]["changes"],
        serde_json::json!([
            "trusted applications: for connections that come from now on",
            "bots started: clock"
        ])
    );
    up.event("posted", |event| {
        event["instance"] == "clock" && event["room"] == "Time"
    });
    ask_for_help(&deployment);
    up.event("posted", |event| event["instance"] == "help");

    edit(&deployment, |text| text.replace("At your service.", "Yes?"));
    let said = deployment.run(&["reload"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("bots started anew: help"), "{said}");
    ask_for_help(&deployment);
    up.event("posted", |event| {
        event["instance"] == "help" && event["excerpt"] == "Yes?"
    });

    edit(&deployment, |text| {
        match text.split_once("[[host.bot]]\nid = \"clock\"") {
            Some((before, _)) => before.to_owned(),
            None => panic!("the clock was configured"),
        }
    });
    let answers = deployment.json(&["reload"]);
    assert_eq!(answers[0]["changes"][0], "bots removed: clock", "{answers}");
    let host = &deployment.json(&["status"])["host"];
    assert_eq!(host["instances"].as_array().map(Vec::len), Some(1), "{host}");
    up.interrupt();
}

#[test]
fn a_mistake_and_what_needs_a_restart_change_nothing() {
    let deployment = Deployment::new(HELP);
    let mut up = deployment.start("up");
    up.event("joined", |_| true);
    edit(&deployment, |text| text.replace("words = [", "wrods = ["));
    let refused = deployment.run(&["reload"]);
    assert_eq!(refused.status.code(), Some(3));
    let told = complaint(&refused);
    assert!(told.contains("the old configuration stays in use"), "{told}");
    assert!(told.contains("wrods"), "{told}");
    up.signal("HUP");
    let event = up.event("configuration", |event| event["reloaded"] == false);
    assert!(
        event["problems"]
            .as_str()
            .is_some_and(|text| text.contains("wrods")),
        "{event}"
    );

    edit(&deployment, |text| {
        text.replace("wrods = [", "words = [")
            .replace("data = \"data\"", "data = \"elsewhere\"")
    });
    up.signal("HUP");
    let event = up.event("configuration", |event| {
        event["reloaded"] == false && event["problems"].is_null()
    });
    assert_eq!(event["needs_restart"][0], "data", "{event}");
    edit(&deployment, |text| {
        text.replace("data = \"elsewhere\"", "data = \"data\"")
            .replace("[server]\n", "[server]\nlegacy_masks = true\n")
    });
    let refused = deployment.run(&["reload"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        complaint(&refused).contains("not reloaded: server.legacy_masks needs a restart"),
        "{}",
        complaint(&refused)
    );
    ask_for_help(&deployment);
    up.event("posted", |event| event["instance"] == "help");
    up.interrupt();
}

#[test]
fn a_saved_file_is_taken_up_when_that_is_wanted() {
    let deployment = Deployment::new(&format!("{HELP}\n[reload]\nwatch = \"1s\"\n"));
    let mut up = deployment.start("up");
    up.event("joined", |_| true);
    edit(&deployment, |text| format!("{text}{NEWS}"));
    up.event("configuration", |event| event["reloaded"] == true);
    up.event("posted", |event| event["instance"] == "news");
    up.interrupt();
}
