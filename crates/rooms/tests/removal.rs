//! What may be said when a message is removed.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use parlor_rooms::conformance::{room_id, time};
use parlor_rooms::{MAX_REMOVAL_REASON, MAX_REMOVER, Refusal, Removal, RemovalRequest};
use parlor_xccos::MessageId;

const LIMIT: usize = 8000;

fn request() -> RemovalRequest {
    RemovalRequest {
        room: room_id(1),
        message: MessageId(7),
        posted: None,
        notice: None,
        by: "operator".to_owned(),
        reason: None,
        at: time(0),
    }
}

fn refused(change: impl FnOnce(&mut RemovalRequest)) -> String {
    let mut request = request();
    change(&mut request);
    Removal::check(request, LIMIT).unwrap_err().to_string()
}

#[test]
fn the_notice_says_that_something_was_there_unless_told_otherwise() {
    assert_eq!(
        Removal::check(request(), LIMIT).unwrap().notice(),
        "This message was removed."
    );
    let own = RemovalRequest {
        notice: Some("off topic".to_owned()),
        ..request()
    };
    assert_eq!(Removal::check(own, LIMIT).unwrap().notice(), "off topic");
}

#[test]
fn texts_have_limits_and_must_be_fit_for_the_wire() {
    let long = |length: usize| "x".repeat(length);
    assert_eq!(
        refused(|wanted| wanted.notice = Some(" ".to_owned())),
        "notice is empty"
    );
    assert_eq!(
        refused(|wanted| wanted.notice = Some(long(LIMIT + 1))),
        "notice is too long: 8001 of at most 8000 bytes"
    );
    assert_eq!(
        refused(|wanted| wanted.notice = Some("a\u{1b}[2J".to_owned())),
        "notice holds the control character U+001B"
    );
    assert_eq!(
        refused(|wanted| wanted.by.clear()),
        "name of who removes is empty"
    );
    assert_eq!(
        refused(|wanted| wanted.by = long(MAX_REMOVER + 1)),
        "name of who removes is too long: 513 of at most 512 bytes"
    );
    assert_eq!(
        refused(|wanted| wanted.reason = Some(long(MAX_REMOVAL_REASON + 1))),
        "reason is too long: 2001 of at most 2000 bytes"
    );
    let most = RemovalRequest {
        notice: Some(long(LIMIT)),
        by: long(MAX_REMOVER),
        reason: Some(long(MAX_REMOVAL_REASON)),
        ..request()
    };
    assert!(Removal::check(most, LIMIT).is_ok());
}

#[test]
fn a_message_of_another_time_is_not_meant() {
    let any = Removal::check(request(), LIMIT).unwrap();
    assert!(any.is_meant(time(1)) && any.is_meant(time(2)));
    let one = RemovalRequest {
        posted: Some(time(1)),
        ..request()
    };
    let one = Removal::check(one, LIMIT).unwrap();
    assert!(one.is_meant(time(1)) && !one.is_meant(time(2)));
    let empty = RemovalRequest {
        by: String::new(),
        ..request()
    };
    assert!(matches!(Removal::check(empty, LIMIT), Err(Refusal::Empty { .. })));
}
