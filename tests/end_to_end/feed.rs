//! `parlor feed try`: what would be posted, shown without posting it.

use std::fs;

use crate::deployment::{Deployment, complaint};

const READER: &str = r#"
[[host.bot]]
id = "reader"
kind = "feed"
user = "sip:newsbot@example.com"
rooms = ["News"]
[host.bot.settings]
exclude = ["sponsored"]
link = false
[[host.bot.settings.feeds]]
name = "wild"
url = "file:wild.xml"
identity = ["title"]
"#;

const WILD: &str = "<rss version='2.0'><channel><title>Wild</title>\
    <item><guid>2</guid><title>Sponsored & loud</title></item>\
    <item><guid>1</guid><title>Calm</title><description>Words</description></item>\
    <item><guid>0</guid><title>Cut o";

#[test]
fn a_configured_feed_is_shown_as_its_bot_would_post_it() {
    let deployment = Deployment::new(READER);
    fs::write(deployment.path("wild.xml"), WILD).expect("the feed is written");
    let shown = deployment.json(&["feed", "try", "wild"]);
    assert_eq!(shown["title"], "Wild");
    assert_eq!(shown["repairs"].as_array().map(Vec::len), Some(2), "{shown}");
    assert_eq!(shown["items"][0]["left_out"], "excluded by `sponsored`");
    assert_eq!(shown["items"][1]["id"], "Calm");
    assert_eq!(shown["items"][1]["posts"][0]["room"], "News");
    assert_eq!(shown["items"][1]["posts"][0]["text"], "Calm\nWords");

    let file = deployment.path("wild.xml");
    let alone = deployment.run(&["feed", "try", &file.display().to_string(), "--last", "1"]);
    let words = String::from_utf8_lossy(&alone.stdout).into_owned();
    assert!(alone.status.success(), "{}", complaint(&alone));
    assert!(
        words.contains("Wild: 2 items") && words.contains("Sponsored & loud"),
        "{words}"
    );
    assert!(!words.contains("Calm"), "{words}");
    assert!(!deployment.path("data").exists(), "trying leaves no trace");
}

#[test]
fn a_feed_that_cannot_be_had_says_why() {
    let deployment = Deployment::new(READER);
    let unknown = deployment.run(&["feed", "try", "weather"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        complaint(&unknown).contains("feeds: wild"),
        "{}",
        complaint(&unknown)
    );
    let private = deployment.run(&["feed", "try", "http://127.0.0.1:9/feed"]);
    assert!(
        complaint(&private).contains("which only `allow_private = true` permits"),
        "{}",
        complaint(&private)
    );
}
