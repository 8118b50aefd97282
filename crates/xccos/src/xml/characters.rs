//! Which characters may stand in a document.
//!
//! XML 1.0 cannot hold most control characters at all, not even as `&#1;`: a peer with a strict parser would drop the
//! whole document. They are replaced by U+FFFD in both directions. Replacing, not refusing, because one such character
//! in one post must not cost a reader the whole history page, nor an author the post.

use std::borrow::Cow;

/// What stands for a character that XML cannot hold.
pub(crate) const REPLACEMENT: char = '\u{FFFD}';

/// Whether XML 1.0 can hold the character (section 2.2, Char).
pub(crate) const fn is_allowed(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\0'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    }
}

/// Replaces what XML cannot hold; borrows when there is nothing to replace.
pub(crate) fn replace_forbidden(text: Cow<'_, str>) -> Cow<'_, str> {
    if !may_hold_forbidden(text.as_bytes()) || text.chars().all(is_allowed) {
        return text;
    }
    Cow::Owned(
        text.chars()
            .map(|character| {
                if is_allowed(character) {
                    character
                } else {
                    REPLACEMENT
                }
            })
            .collect(),
    )
}

/// Byte scan without decoding: controls, or the first byte of U+FFFE and U+FFFF (which is rare in text).
fn may_hold_forbidden(text: &[u8]) -> bool {
    any(text, |byte| {
        (byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r') | (byte == 0xEF)
    })
}

/// Whether a byte is one of those looked for. Without early exit, so that the compiler looks at many bytes at once;
/// nearly always there is none.
pub(super) fn any(text: &[u8], looked_for: impl Fn(u8) -> bool) -> bool {
    text.iter().fold(false, |found, &byte| found | looked_for(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            replace_forbidden("a\u{1}b\0c\u{FFFE}\u{FFFF}".into()),
            "a\u{FFFD}b\u{FFFD}c\u{FFFD}\u{FFFD}"
        );
        let kept = "tab\t line\r\n ﷽ \u{FEFF} \u{1F600}";
        assert!(matches!(replace_forbidden(kept.into()), Cow::Borrowed(text) if text == kept));
    }
}
