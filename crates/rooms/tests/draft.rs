//! What may be said.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use parlor_rooms::conformance::{room_id, time, user};
use parlor_rooms::{Draft, PostLimits, Refusal, Subject};
use parlor_xccos::{MessageId, Post, RoomUri};

fn post(chat: &str) -> Post {
    Post::new(
        RoomUri::new("example.com", room_id(1)).unwrap(),
        user("alice"),
        time(0),
        chat,
    )
}

fn check(chat: &str) -> Result<Draft, Refusal> {
    Draft::check(post(chat), &PostLimits::default())
}

#[test]
fn limits_are_counted_in_bytes() {
    assert_eq!(
        PostLimits::default(),
        PostLimits {
            message: 8000,
            story: 65536
        }
    );
    assert!(check(&"é".repeat(4000)).is_ok());
    let refused = check(&"é".repeat(4001)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "message is too long: 8002 of at most 8000 bytes"
    );
    assert_eq!(refused.code().code(), 413);

    let story = |size: usize| format!("[STORY]t[/STORY]{}", "x".repeat(size - "[STORY]t[/STORY]".len()));
    assert!(check(&story(65536)).is_ok());
    assert_eq!(
        check(&story(65537)),
        Err(Refusal::TooLong {
            subject: Subject::Story,
            size: 65537,
            limit: 65536
        })
    );
}

#[test]
fn rtf_may_be_ten_times_as_large() {
    let with_rtf = |size: usize| {
        Draft::check(
            Post {
                rtf: Some("x".repeat(size)),
                ..post("text")
            },
            &PostLimits::default(),
        )
    };
    assert!(with_rtf(80_000).is_ok());
    let refused = Refusal::TooLong {
        subject: Subject::Rtf,
        size: 80_001,
        limit: 80_000,
    };
    assert_eq!(with_rtf(80_001), Err(refused));
}

#[test]
fn a_post_says_something() {
    for nothing in ["", " ", "\r\n\t", "\u{a0}"] {
        assert_eq!(
            check(nothing),
            Err(Refusal::Empty {
                subject: Subject::Message
            })
        );
    }
}

#[test]
fn control_characters_are_refused() {
    for control in [
        '\0', '\u{1}', '\u{7}', '\u{1b}', '\u{7f}', '\u{9b}', '\u{fffe}', '\u{ffff}',
    ] {
        let refused = check(&format!("a{control}b")).unwrap_err();
        assert_eq!(
            refused,
            Refusal::ControlCharacter {
                subject: Subject::Message,
                character: control
            }
        );
    }
    assert_eq!(
        check("a\u{1b}b").unwrap_err().to_string(),
        "message holds the control character U+001B"
    );
    let rtf = Post {
        rtf: Some("\0".into()),
        ..post("text")
    };
    assert!(Draft::check(rtf, &PostLimits::default()).is_err());
    assert!(check("tab\tline\r\nemoji 👩‍👩‍👧‍👦 bidi \u{202e}").is_ok());
}

#[test]
fn a_draft_becomes_a_post_when_it_is_stamped() {
    let sent = Post {
        alert: true,
        key: "k1".parse().ok(),
        author_name: Some("Alice".into()),
        ..post("hello")
    };
    let room = RoomUri::new("example.com", room_id(9)).unwrap();
    let draft = Draft::check(sent.clone(), &PostLimits::default()).unwrap();
    let stamped = draft.stamp(room.clone(), MessageId(7), time(5));
    assert_eq!(
        stamped,
        Post {
            room,
            id: Some(MessageId(7)),
            timestamp: time(5),
            ..sent
        }
    );
}
