//! Messages: what they consist of, how they are shortened, how they are kept.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use parlor_bot::{Limits, Message, MessagePart};
use proptest::prelude::*;

fn link(message: &Message) -> Option<&str> {
    message.parts().iter().find_map(|part| match part {
        MessagePart::Hyperlink { target, .. } => Some(target.as_str()),
        _ => None,
    })
}

#[test]
fn a_message_is_built_from_parts() {
    let message = Message::text("Build failed: ")
        .link("log", "https://ci.example.com/42")
        .then("!")
        .alert();
    assert!(message.is_alert() && !message.is_empty());
    assert_eq!(link(&message), Some("https://ci.example.com/42"));
    assert_eq!(message.parts().len(), 3);
    let story = Message::story("Two\nlines ").then("body");
    assert_eq!(story.title(), Some("Two lines"));
    assert!(story.is_alert() && !story.with_alert(false).is_alert());
}

#[test]
fn a_link_that_clients_would_not_follow_is_text() {
    for (text, target, expected) in [
        ("here", "javascript:alert(1)", "here (javascript:alert(1))"),
        ("", "no-uri", "no-uri"),
        ("here", "", "here"),
    ] {
        let message = Message::default().link(text, target);
        assert_eq!(
            (message.display_text().as_str(), link(&message)),
            (expected, None)
        );
    }
}

#[test]
fn nothing_to_read_is_empty() {
    for message in [Message::default(), Message::text(" \n"), Message::story(" ")] {
        assert!(message.is_empty(), "{message:?}");
    }
    assert!(!Message::story("title").is_empty());
}

#[test]
fn shortening_takes_text_before_links() {
    let words = "some words ".repeat(40) + "end";
    let message = Message::text(&words)
        .then("\n")
        .link("Read on", "https://example.com/a");
    let short = message.clone().shortened(120);
    assert!(short.wire_len() <= 120);
    assert!(short.wire_len() > 100, "{}", short.wire_len());
    assert_eq!(link(&short), Some("https://example.com/a"));
    assert!(
        short.display_text().contains("…\nRead on"),
        "{}",
        short.display_text()
    );
    assert_eq!(message.clone().shortened(10_000), message);
}

proptest! {
    #[test]
    fn shortened_messages_fit(
        title in prop::option::of("\\PC{1,30}"),
        texts in prop::collection::vec("\\PC{0,80}", 0..5),
        limit in 40..200_usize,
    ) {
        let mut message = title.map_or_else(Message::default, Message::story);
        for text in &texts {
            message = message.then(text).link(text, "https://example.com/");
        }
        let short = message.shortened(limit);
        prop_assert!(short.wire_len() <= limit, "{}", short.wire_len());
    }

    #[test]
    fn kept_messages_say_the_same(
        title in prop::option::of("[a-zA-Z ]{1,30}"),
        text in "\\PC{1,80}",
        alert in any::<bool>(),
    ) {
        let message = title.map_or_else(Message::default, Message::story);
        let message = message.then(&text).link("on", "https://example.com/?a=1&b=2").with_alert(alert);
        let kept: Message = serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap();
        prop_assert_eq!(kept.display_text(), message.display_text());
        prop_assert_eq!(kept.title(), message.title());
        prop_assert_eq!(kept.is_alert(), alert);
        prop_assert_eq!(kept.wire_len(), message.wire_len());
    }
}

#[test]
fn the_limits_are_those_of_the_server_as_shipped() {
    assert_eq!(
        Limits::default(),
        Limits {
            message: 8000,
            story: 65_536
        }
    );
}
