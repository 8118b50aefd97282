//! Cuts a byte stream into SIP messages for the log, forgiving whatever the user agent will complain about.

use bytes::{Buf, BytesMut};

/// More than a message may have; what is longer is logged in pieces.
const MOST: usize = 256 << 10;

/// The part of a message that has come so far.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    buffer: BytesMut,
}

impl Splitter {
    /// Calls `each` with every message that is complete; keep-alives are left out.
    pub(super) fn split(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        self.buffer.extend_from_slice(bytes);
        loop {
            let blank = self
                .buffer
                .iter()
                .take_while(|&&byte| byte == b'\r' || byte == b'\n')
                .count();
            self.buffer.advance(blank);
            let length = match length(&self.buffer) {
                Some(length) if length <= self.buffer.len() => length,
                _ if self.buffer.len() > MOST => self.buffer.len(),
                _ => break,
            };
            each(&self.buffer.split_to(length));
        }
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }
}

/// The length of the message at the start, once its head is complete.
fn length(bytes: &[u8]) -> Option<usize> {
    const BLANK_LINE: &[u8] = b"\r\n\r\n";
    let head = bytes
        .windows(BLANK_LINE.len())
        .position(|window| window == BLANK_LINE)?;
    let body = bytes[..head]
        .split(|&byte| byte == b'\n')
        .find_map(content_length)
        .unwrap_or_default();
    head.checked_add(BLANK_LINE.len())?.checked_add(body)
}

fn content_length(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?;
    let (name, value) = line.split_once(':')?;
    let name = name.trim();
    if name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("l") {
        value.trim().parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
        let (mut splitter, mut messages) = (Splitter::default(), Vec::new());
        chunks.for_each(|chunk| splitter.split(&chunk, |message| messages.push(message.to_vec())));
        messages
    }

    #[test]
    fn compact_and_odd_lengths_are_understood() {
        let stream =
            b"INFO a SIP/2.0\r\nl : 3\r\n\r\nabc\r\n\r\nSIP/2.0 200 OK\r\nCONTENT-LENGTH:0\r\n\r\nBYE";
        let messages = split(std::iter::once(stream.to_vec()));
        let expected: [&[u8]; 2] = [
            b"INFO a SIP/2.0\r\nl : 3\r\n\r\nabc",
            b"SIP/2.0 200 OK\r\nCONTENT-LENGTH:0\r\n\r\n",
        ];
        assert_eq!(messages, expected);
    }

    #[test]
    fn what_never_ends_is_shown_in_pieces() {
        let messages = split(std::iter::repeat_n(vec![b'x'; 60 << 10], 5));
        assert_eq!(messages.iter().map(Vec::len).collect::<Vec<_>>(), [300 << 10]);
    }

    proptest! {
        #[test]
        fn the_pieces_in_which_it_comes_do_not_matter(
            bodies in prop::collection::vec("[a-z\r\n]{0,40}", 1..6),
            size in 1_usize..50,
        ) {
            let messages: Vec<Vec<u8>> = bodies
                .iter()
                .map(|body| format!("INFO a SIP/2.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
                .collect();
            let stream = messages.concat();
            prop_assert_eq!(split(stream.chunks(size).map(<[u8]>::to_vec)), messages);
        }

        #[test]
        fn no_bytes_are_too_strange(chunks in prop::collection::vec(any::<Vec<u8>>(), 0..8)) {
            split(chunks.into_iter());
        }
    }
}
