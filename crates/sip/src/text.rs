//! Character classes and splitting rules shared by the parsers of this crate.

/// Whether the byte may stand in an RFC 3261 `token` (section 25.1).
pub(crate) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        )
}

/// Whether the text is an RFC 3261 `token`.
pub(crate) fn is_token_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token)
}

/// Whether a text may stand where a URI is wanted, in a request line above all: a scheme, and nothing that ends it.
pub(crate) fn is_uri_like(text: &str) -> bool {
    text.contains(':') && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Linear white space inside one (unfolded) header value.
pub(crate) const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// Text that may stand in one header line: control characters, line ends above all, become spaces.
///
/// Everything a caller hands us for the wire passes here, so no text of a user can start a header of its own.
pub(crate) fn push_line_text(line: &mut String, text: &str) {
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        line.extend(text.chars().map(|c| if c.is_ascii_control() { ' ' } else { c }));
    } else {
        line.push_str(text);
    }
}

/// Appends a number without going through the formatting machinery: this runs once per message sent.
pub(crate) fn push_number(line: &mut String, number: usize) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    line.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// Appends sixteen lower-case hexadecimal digits.
pub(crate) fn push_hex(line: &mut String, number: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    line.extend(
        (0..16)
            .rev()
            .map(|nibble| char::from(DIGITS[(number >> (nibble * 4)) as usize & 0xf])),
    );
}

/// Splits a header value at its commas, leaving quoted strings and `<...>` whole; empty elements are left out.
pub(crate) fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        loop {
            let text = rest?;
            let end = find_outside_quotes(text, b',', true);
            rest = end.map(|end| &text[end + 1..]);
            let element = text[..end.unwrap_or(text.len())].trim_matches(is_space);
            if !element.is_empty() {
                return Some(element);
            }
        }
    })
}

/// The position of a byte outside of quoted strings and, if asked for, outside of `<...>`.
pub(crate) fn find_outside_quotes(text: &str, wanted: u8, brackets: bool) -> Option<usize> {
    // Most values hold neither quotes nor brackets before the first match: 5 times faster than looking at each byte.
    let first = memchr::memchr(wanted, text.as_bytes())?;
    if memchr::memchr2(b'"', b'<', &text.as_bytes()[..first]).is_none() {
        return Some(first);
    }
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    text.bytes().position(|byte| {
        if escaped {
            escaped = false;
        } else if quoted {
            escaped = byte == b'\\';
            quoted = byte != b'"';
        } else if byte == wanted && !bracketed {
            return true;
        } else {
            match byte {
                b'"' => quoted = true,
                b'<' if brackets => bracketed = true,
                b'>' => bracketed = false,
                _ => {}
            }
        }
        false
    })
}

/// Where the quoted string that starts at the first byte ends: the position after its closing quote.
pub(crate) fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    let closing = text.bytes().skip(1).position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some(closing + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_split() {
        let text = r#""Doe, \", Jane" <sip:a@b;x=1,2>;q="1,2" , ,<sip:c@d>"#;
        let parts: Vec<_> = split_list(text).collect();
        assert_eq!(parts, [r#""Doe, \", Jane" <sip:a@b;x=1,2>;q="1,2""#, "<sip:c@d>"]);
    }

    #[test]
    fn a_quoted_string_ends_at_the_first_quote_that_is_not_escaped() {
        assert_eq!(quoted_end(r#""a\"b\\" rest"#), Some(8));
        assert_eq!(quoted_end(r#""open\""#), None);
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        for number in [0, 9, 10, 4096, usize::MAX] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
        let mut text = String::new();
        push_hex(&mut text, 0xdead_beef_0042);
        assert_eq!(text, "0000deadbeef0042");
    }

    #[test]
    fn a_line_end_in_a_value_becomes_a_space() {
        let mut line = String::new();
        push_line_text(&mut line, "a\r\nEvil: 1\0");
        assert_eq!(line, "a  Evil: 1 ");
    }
}
