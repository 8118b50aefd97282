//! A recorded message, read forgivingly: what no parser accepts must be shown too.

/// A message.
#[derive(Debug)]
pub(super) struct Message<'m> {
    pub(super) start: Start<'m>,
    head: &'m str,
    pub(super) body: &'m str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start<'m> {
    Request { method: &'m str, uri: &'m str },
    Response { status: u16, reason: &'m str },
    Other(&'m str),
}

impl<'m> Message<'m> {
    pub(super) fn parse(text: &'m str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
        Self {
            start: Start::parse(first),
            head,
            body,
        }
    }

    /// The first field of this name; `name` is the long form.
    pub(super) fn field(&self, name: &str) -> Option<&'m str> {
        self.fields(name).next()
    }

    /// All fields of this name, without folding.
    pub(super) fn fields(&self, name: &str) -> impl Iterator<Item = &'m str> {
        let short = match name {
            "Call-ID" => "i",
            "Content-Type" => "c",
            "Event" => "o",
            "From" => "f",
            "To" => "t",
            _ => name,
        };
        self.head.split("\r\n").filter_map(move |line| {
            let (found, value) = line.split_once(':')?;
            let found = found.trim_end();
            (found.eq_ignore_ascii_case(name) || found.eq_ignore_ascii_case(short)).then(|| value.trim())
        })
    }

    /// Number and method of the CSeq.
    pub(super) fn cseq(&self) -> Option<(&'m str, &'m str)> {
        self.field("CSeq")?.split_once([' ', '\t'])
    }

    pub(super) fn call_id(&self) -> Option<&'m str> {
        self.field("Call-ID")
    }

    /// The address in From or To, without scheme and parameters.
    pub(super) fn address(&self, field: &str) -> Option<&'m str> {
        self.field(field).map(address)
    }

    /// The media type of the body.
    pub(super) fn content_type(&self) -> Option<&'m str> {
        let value = self.field("Content-Type")?;
        Some(value.split(';').next().unwrap_or(value).trim())
    }
}

impl<'m> Start<'m> {
    fn parse(line: &'m str) -> Self {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("SIP/2.0"), Some(status), reason) => match status.parse() {
                Ok(status) => Self::Response {
                    status,
                    reason: reason.unwrap_or_default(),
                },
                Err(_) => Self::Other(line),
            },
            (Some(method), Some(uri), Some("SIP/2.0")) => Self::Request { method, uri },
            _ => Self::Other(line),
        }
    }
}

/// `sip:alice@example.com;x=y` or `"Alice" <sip:alice@example.com>;tag=a` as `alice@example.com`.
pub(super) fn address(value: &str) -> &str {
    let uri = match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value,
    };
    let uri = uri.trim();
    let bare = uri
        .strip_prefix("sips:")
        .or_else(|| uri.strip_prefix("sip:"))
        .unwrap_or(uri);
    bare.split([';', '?']).next().unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_forms_and_addresses_are_taken_as_they_come() {
        let message = Message::parse(
            "INFO sip:pchat@example.com SIP/2.0\r\nf: \"Alice\" <sip:alice@example.com;x=y>;tag=1\r\n\
             TO : sip:pchat@example.com;tag=2\r\nI: c1\r\nCSeq: 7 INFO\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nbody",
        );
        assert_eq!(
            message.start,
            Start::Request {
                method: "INFO",
                uri: "sip:pchat@example.com"
            }
        );
        assert_eq!(message.address("From"), Some("alice@example.com"));
        assert_eq!(message.address("To"), Some("pchat@example.com"));
        assert_eq!(
            (message.call_id(), message.cseq()),
            (Some("c1"), Some(("7", "INFO")))
        );
        assert_eq!(
            (message.content_type(), message.body),
            (Some("text/plain"), "body")
        );
    }

    #[test]
    fn what_is_no_sip_is_kept_as_it_is() {
        for text in [
            "",
            "\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "SIP/2.0 abc",
            "\u{fffd}",
        ] {
            assert!(matches!(Message::parse(text).start, Start::Other(_)), "{text:?}");
        }
        assert_eq!(
            Message::parse("SIP/2.0 200").start,
            Start::Response {
                status: 200,
                reason: ""
            }
        );
    }
}
