//! Any text of a post has a reading that makes up the whole text, is written so that it is read the same again, and is
//! cut into pieces that fit. RTF of any kind gives bounded text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_xccos::format::{FormattedMessage, parse_with_raw, rtf};

fuzz_target!(|bytes: &[u8]| {
    let Ok(chat) = std::str::from_utf8(bytes) else {
        return;
    };
    let raw: String = parse_with_raw(chat).iter().map(|(raw, _)| *raw).collect();
    assert_eq!(raw, chat);

    let message = FormattedMessage::from_chat(chat, false);
    let written = message.to_chat();
    assert_eq!(FormattedMessage::from_chat(&written, false).to_chat(), written);

    let limit = bytes.first().copied().unwrap_or_default().into();
    for piece in message.split_to(limit) {
        assert!(piece.wire_len() <= limit.max(64));
    }

    let shown = rtf::to_text(&message.to_rtf(), usize::MAX);
    assert!(shown.len() <= written.len());
    assert!(rtf::to_text(chat, 100).len() <= 100);
});
