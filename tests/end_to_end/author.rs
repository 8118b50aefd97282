//! `parlor bot`: what kinds of bots there are, and what a new one does not touch.

use std::fs;

use crate::deployment::{Deployment, complaint};

#[test]
fn kinds_of_bots_are_listed_and_described() {
    let deployment = Deployment::new("");
    let kinds = deployment.json(&["bot", "list"]);
    let names: Vec<_> = kinds
        .as_array()
        .expect("a list")
        .iter()
        .map(|kind| kind["kind"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names,
        [
            "announcer",
            "digest",
            "faq",
            "feed",
            "keywords",
            "moderator",
            "relay"
        ]
    );

    let announcer = deployment.json(&["bot", "show", "announcer"]);
    assert_eq!(announcer["handlers"][0]["on"], "schedules");
    let announcements = &announcer["settings"]["properties"]["announcements"];
    assert_eq!(
        announcements["items"]["properties"]["cron"]["title"],
        "cron expression"
    );

    let shown = deployment.run(&["bot", "show", "keywords"]);
    let text = String::from_utf8(shown.stdout).expect("text");
    for expected in [
        "Answers keywords and patterns.",
        "rules  list of tables, required",
        "in the order below. Default: 1.",
    ] {
        assert!(text.contains(expected), "`{expected}` is missing in:\n{text}");
    }
    let unknown = deployment.run(&["bot", "show", "keyword"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(complaint(&unknown).contains("did you mean `keywords`?"));
}

#[test]
fn a_new_bot_spares_what_is_there() {
    let deployment = Deployment::new("");
    let folder = deployment.path("tea");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("precious"), "").expect("a file");
    for (arguments, expected) in [
        (["tea", "--parlor", "0.1"], "exists and is not empty"),
        (["Tea", "--parlor", "0.1"], "cannot be the name of a bot"),
        (["milk", "--parlor", "."], "does not hold the sources of Parlor"),
    ] {
        let refused = deployment.run(&[&["bot", "new"], &arguments[..]].concat());
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        let words = complaint(&refused);
        assert!(words.contains(expected), "`{expected}` is missing in:\n{words}");
    }
    assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 1);
    assert!(!deployment.path("milk").exists());
}
