//! Values that the tests share.

use parlor_xccos::*;

pub(crate) fn room(number: u8) -> RoomUri {
    let mut bytes = [0; 16];
    bytes[15] = number;
    RoomUri::new("example.com", RoomId::from_bytes(bytes)).unwrap()
}

pub(crate) fn user(name: &str) -> SipUri {
    format!("sip:{name}@example.com").parse().unwrap()
}

pub(crate) fn time() -> Timestamp {
    "2026-11-20T18:38:47Z".parse().unwrap()
}

pub(crate) fn info(number: u8, name: &str) -> RoomInfo {
    let mut info = RoomInfo::new(room(number), name);
    info.description = "What happens <here> & \"there\"".to_owned();
    info.participants = Some(3);
    info
}

pub(crate) fn post() -> Post {
    Post::new(room(1), user("alice"), time(), "fish & chips\r\n<b>not bold</b>")
}

pub(crate) fn participant(name: &str, rights: Rights) -> Participant {
    Participant::new(user(name), rights)
}

pub(crate) fn to() -> CommandRef {
    CommandRef {
        envelope: EnvelopeId::from(139_132_350),
        seq: 1,
    }
}

pub(crate) fn id() -> EnvelopeId {
    EnvelopeId::from(7_962_449_779_256_945_056)
}

/// A document with one element per line, for reading.
pub(crate) fn lines(document: impl AsRef<[u8]>) -> String {
    String::from_utf8(document.as_ref().to_vec())
        .unwrap()
        .replace("><", ">\n<")
}
