//! Messages to be sent, as their author sees them: what he adds to what the agent writes by itself.

use crate::text::{is_token, push_line_text};
use crate::{Method, Name, StatusCode};
use bytes::Bytes;

/// A header name, known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderName<'a> {
    /// A known one.
    Known(Name),
    /// Any other; characters that no name may hold are left out when it is written.
    Other(&'a str),
}

impl From<Name> for HeaderName<'_> {
    fn from(name: Name) -> Self {
        Self::Known(name)
    }
}

impl<'a> From<&'a str> for HeaderName<'a> {
    fn from(text: &'a str) -> Self {
        Name::from_text(text).map_or(HeaderName::Other(text), HeaderName::Known)
    }
}

/// Headers that the agent writes by itself; an author's line of this name is left out.
const AGENTS_OWN: &[Name] = &[
    Name::Via,
    Name::From,
    Name::To,
    Name::CallId,
    Name::CSeq,
    Name::MaxForwards,
    Name::ContentLength,
    Name::ContentType,
];

/// Headers of which a message has one; a later line replaces the earlier one. Two `Authorization` lines in
/// particular make real peers drop the message.
const SINGLE: &[Name] = &[
    Name::Authorization,
    Name::ProxyAuthorization,
    Name::AuthenticationInfo,
    Name::ProxyAuthenticationInfo,
    Name::Event,
    Name::Expires,
    Name::MinExpires,
    Name::MinSe,
    Name::RetryAfter,
    Name::Server,
    Name::SessionExpires,
    Name::Subject,
    Name::SubscriptionState,
    Name::UserAgent,
];

/// The headers and the body an author adds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Additions {
    lines: Vec<Line>,
    content_type: Option<Box<str>>,
    body: Bytes,
}

#[derive(Clone, Debug)]
struct Line {
    name: Option<Name>,
    /// The whole line without its line end.
    text: String,
    value_start: usize,
}

impl Additions {
    fn header(&mut self, name: HeaderName<'_>, value: &str) {
        let (known, written) = match name {
            HeaderName::Known(name) => (Some(name), name.as_str()),
            HeaderName::Other(text) => (Name::from_text(text), text),
        };
        if known.is_some_and(|name| AGENTS_OWN.contains(&name)) {
            return;
        }
        if known.is_some_and(|name| SINGLE.contains(&name)) {
            self.lines.retain(|line| line.name != known);
        }
        let mut text = String::with_capacity(written.len() + 2 + value.len() + 2);
        text.extend(written.chars().filter(|c| c.is_ascii() && is_token(*c as u8)));
        if text.is_empty() {
            return;
        }
        text.push_str(": ");
        let value_start = text.len();
        push_line_text(&mut text, value);
        self.lines.push(Line {
            name: known,
            text,
            value_start,
        });
    }

    fn body(&mut self, content_type: &str, body: Bytes) {
        let mut line = String::with_capacity(content_type.len());
        push_line_text(&mut line, content_type);
        self.content_type = Some(line.into());
        self.body = body;
    }

    /// The value of a header the author added.
    pub(crate) fn get(&self, name: Name) -> Option<&str> {
        let line = self.lines.iter().find(|line| line.name == Some(name))?;
        Some(&line.text[line.value_start..])
    }

    /// Appends every line the author added, Content-Type last.
    pub(crate) fn write(&self, head: &mut String) {
        for line in &self.lines {
            head.push_str(&line.text);
            head.push_str("\r\n");
        }
        if let Some(content_type) = &self.content_type {
            head.push_str("Content-Type: ");
            head.push_str(content_type);
            head.push_str("\r\n");
        }
    }

    pub(crate) fn body_bytes(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }
}

/// A request to be sent.
///
/// Via, From, To, Call-ID, CSeq, Max-Forwards, Content-Type and Content-Length are the agent's to write.
#[derive(Clone, Debug)]
pub struct RequestDraft {
    method: Method,
    pub(crate) additions: Additions,
}

/// A response to be sent.
///
/// Via, From, To, Call-ID, CSeq, Content-Type and Content-Length are the agent's to write.
#[derive(Clone, Debug)]
pub struct ResponseDraft {
    status: StatusCode,
    reason: Option<Box<str>>,
    /// A 2xx to an INVITE that asks for no session timer starts none.
    pub(crate) timer_only_if_asked: bool,
    pub(crate) additions: Additions,
}

impl RequestDraft {
    /// A request without further headers and without a body.
    pub fn new(method: Method) -> Self {
        Self {
            method,
            additions: Additions::default(),
        }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Adds a header line. Control characters in the value become spaces.
    #[must_use]
    pub fn header<'a>(mut self, name: impl Into<HeaderName<'a>>, value: impl AsRef<str>) -> Self {
        self.additions.header(name.into(), value.as_ref());
        self
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: impl AsRef<str>, body: impl Into<Bytes>) -> Self {
        self.additions.body(content_type.as_ref(), body.into());
        self
    }
}

impl ResponseDraft {
    /// A response with its standard reason, without further headers and without a body.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            reason: None,
            timer_only_if_asked: false,
            additions: Additions::default(),
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Another reason phrase; an empty one is replaced by the standard one, since real clients need three words.
    #[must_use]
    pub fn reason(mut self, reason: impl AsRef<str>) -> Self {
        let mut text = String::with_capacity(reason.as_ref().len());
        push_line_text(&mut text, reason.as_ref());
        self.reason = (!text.trim().is_empty()).then(|| text.trim().into());
        self
    }

    /// Adds a header line. Control characters in the value become spaces.
    #[must_use]
    pub fn header<'a>(mut self, name: impl Into<HeaderName<'a>>, value: impl AsRef<str>) -> Self {
        self.additions.header(name.into(), value.as_ref());
        self
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: impl AsRef<str>, body: impl Into<Bytes>) -> Self {
        self.additions.body(content_type.as_ref(), body.into());
        self
    }

    /// As the answer to an INVITE that does not ask for a session timer, starts none: a client that does not know timers
    /// would not refresh, and the session would end under it.
    #[must_use]
    pub fn without_session_timer_unless_asked(mut self) -> Self {
        self.timer_only_if_asked = true;
        self
    }

    pub(crate) fn reason_phrase(&self) -> &str {
        self.reason.as_deref().unwrap_or_else(|| self.status.reason())
    }
}

impl From<StatusCode> for ResponseDraft {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(additions: &Additions) -> String {
        let mut head = String::new();
        additions.write(&mut head);
        head
    }

    #[test]
    fn nothing_an_author_passes_can_start_a_header_of_its_own() {
        let draft = RequestDraft::new(Method::MESSAGE)
            .header("X-A: 1\r\nEvil", "x\r\nEvil: 1\r\n\r\n")
            .header("\r\n", "nothing left of the name")
            .body("text/plain\r\nEvil: 1", "b");
        assert_eq!(
            written(&draft.additions),
            "X-A1Evil: x  Evil: 1    \r\nContent-Type: text/plain  Evil: 1\r\n"
        );
        let draft = ResponseDraft::new(StatusCode::OK).reason("fine\r\nEvil: 1");
        assert_eq!(draft.reason_phrase(), "fine  Evil: 1");
    }

    #[test]
    fn headers_of_the_agent_cannot_be_doubled() {
        let draft = RequestDraft::new(Method::MESSAGE)
            .header(Name::Via, "x")
            .header("l", "9")
            .header("from", "y");
        assert_eq!(written(&draft.additions), "");
    }

    #[test]
    fn a_second_authorization_replaces_the_first() {
        let draft = RequestDraft::new(Method::REGISTER)
            .header(Name::Authorization, "NTLM one")
            .header(Name::Supported, "gruu-10")
            .header("authorization", "NTLM two")
            .header(Name::Supported, "adhoclist");
        assert_eq!(
            written(&draft.additions),
            "Supported: gruu-10\r\nAuthorization: NTLM two\r\nSupported: adhoclist\r\n"
        );
    }

    #[test]
    fn a_status_line_always_has_its_third_word() {
        assert_eq!(
            ResponseDraft::new(StatusCode::OK).reason("  ").reason_phrase(),
            "OK"
        );
        assert_eq!(
            ResponseDraft::from(StatusCode::new(499).unwrap()).reason_phrase(),
            "Request Failed"
        );
    }
}
