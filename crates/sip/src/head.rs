//! Reads the head of a message, start line and header lines, into spans over its bytes.
//!
//! One pass, no copies. What the lines mean is left to `headers` and `typed`.

use crate::text::is_token;
use crate::{FramingError, Limits, Method, Name, StatusCode};

/// A piece of the head. Heads are limited to 65,535 bytes by the type of [`Limits::head`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u16,
            end: end as u16,
        }
    }

    /// The piece itself; empty if it does not lie in `bytes`.
    pub(crate) fn of(self, bytes: &[u8]) -> &str {
        let piece = bytes
            .get(usize::from(self.start)..usize::from(self.end))
            .unwrap_or_default();
        str::from_utf8(piece).unwrap_or_default()
    }
}

/// One header line: its name, where it was written, and its value without surrounding white space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: Option<Name>,
    pub(crate) written: Span,
    pub(crate) value: Span,
}

/// The first line of a message.
#[derive(Clone, Debug)]
pub(crate) enum StartLine {
    Request { method: Method, uri: Span },
    Response { status: StatusCode, reason: Span },
}

/// The head of a message as spans.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) start: StartLine,
    pub(crate) fields: Vec<Field>,
    /// Whether any line is folded (RFC 3261 section 7.3.1), so that its value holds a line end.
    pub(crate) folded: bool,
}

/// Most messages have fewer lines than this; one allocation then does.
const USUAL_FIELDS: usize = 16;

impl Head {
    /// Reads a head that ends with its empty line.
    pub(crate) fn parse(head: &[u8], limits: &Limits) -> Result<Self, FramingError> {
        // Nearly every head is ASCII, which is known sooner.
        if !head.is_ascii() && str::from_utf8(head).is_err() {
            return Err(FramingError::NotUtf8);
        }
        let mut lines = Lines {
            head,
            next: 0,
            number: 0,
        };
        let Some((start, end)) = lines.next_line()? else {
            return Err(FramingError::StartLine);
        };
        let start = StartLine::parse(head, start, end)?;
        let mut fields = Vec::with_capacity(USUAL_FIELDS);
        let mut folded = false;
        while let Some((start, end)) = lines.next_line()? {
            if start == end {
                break;
            }
            if matches!(head[start], b' ' | b'\t') {
                let last = fields
                    .last_mut()
                    .ok_or(FramingError::HeaderLine { line: lines.number })?;
                continue_field(last, head, start, end);
                folded = true;
                continue;
            }
            if fields.len() == limits.headers {
                return Err(FramingError::TooManyHeaders {
                    limit: limits.headers,
                });
            }
            let field = parse_field(head, start, end);
            fields.push(field.ok_or(FramingError::HeaderLine { line: lines.number })?);
        }
        Ok(Self {
            start,
            fields,
            folded,
        })
    }

    /// The agreed Content-Length.
    pub(crate) fn content_length(&self, head: &[u8]) -> Result<usize, FramingError> {
        let mut agreed = None;
        for field in self
            .fields
            .iter()
            .filter(|field| field.name == Some(Name::ContentLength))
        {
            let digits = field.value.of(head);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(FramingError::LengthMalformed);
            }
            let length: usize = digits.parse().map_err(|_| FramingError::LengthMalformed)?;
            if agreed.is_some_and(|agreed| agreed != length) {
                return Err(FramingError::LengthConflict);
            }
            agreed = Some(length);
        }
        agreed.ok_or(FramingError::LengthMissing)
    }
}

/// Walks over lines that end in CRLF and hold neither bare line ends nor NUL.
struct Lines<'a> {
    head: &'a [u8],
    next: usize,
    number: usize,
}

impl Lines<'_> {
    fn next_line(&mut self) -> Result<Option<(usize, usize)>, FramingError> {
        let start = self.next;
        if start >= self.head.len() {
            return Ok(None);
        }
        self.number += usize::from(start > 0);
        let control = FramingError::ControlCharacter { line: self.number };
        let end = memchr::memchr3(b'\r', b'\n', 0, &self.head[start..]).ok_or(control)? + start;
        if self.head[end] != b'\r' || self.head.get(end + 1) != Some(&b'\n') {
            return Err(control);
        }
        self.next = end + 2;
        Ok(Some((start, end)))
    }
}

impl StartLine {
    fn parse(head: &[u8], start: usize, end: usize) -> Result<Self, FramingError> {
        let line = &head[start..end];
        if line.len() > 4 && line[..4].eq_ignore_ascii_case(b"SIP/") {
            return Self::parse_status_line(line, start);
        }
        let first = memchr::memchr(b' ', line).ok_or(FramingError::StartLine)?;
        let last = memchr::memrchr(b' ', line).ok_or(FramingError::StartLine)?;
        let (uri, version) = (line.get(first + 1..last).unwrap_or_default(), &line[last + 1..]);
        if !version.eq_ignore_ascii_case(b"SIP/2.0") {
            let other_version = version.len() > 4 && version[..4].eq_ignore_ascii_case(b"SIP/");
            return Err(if other_version {
                FramingError::Version
            } else {
                FramingError::StartLine
            });
        }
        if uri.is_empty()
            || uri
                .iter()
                .any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
        {
            return Err(FramingError::StartLine);
        }
        let method = str::from_utf8(&line[..first]).ok().and_then(Method::from_token);
        let method = method.ok_or(FramingError::StartLine)?;
        Ok(Self::Request {
            method,
            uri: Span::new(start + first + 1, start + last),
        })
    }

    /// `SIP/2.0 200 OK`; the reason, and the space before it, may be missing.
    fn parse_status_line(line: &[u8], start: usize) -> Result<Self, FramingError> {
        let Some((version, rest)) = line.split_at_checked(7) else {
            return Err(FramingError::Version);
        };
        if !version.eq_ignore_ascii_case(b"SIP/2.0") {
            return Err(FramingError::Version);
        }
        let [b' ', digits @ ..] = rest else {
            return Err(FramingError::StartLine);
        };
        let (code, reason) = digits.split_at_checked(3).ok_or(FramingError::StartLine)?;
        let code = code.iter().try_fold(0, |code: u16, digit| {
            digit
                .is_ascii_digit()
                .then(|| code * 10 + u16::from(digit - b'0'))
        });
        let status = code.and_then(StatusCode::new).ok_or(FramingError::StartLine)?;
        if !matches!(reason, [] | [b' ', ..]) {
            return Err(FramingError::StartLine);
        }
        let end = start + line.len();
        Ok(Self::Response {
            status,
            reason: Span::new((end - reason.len() + 1).min(end), end),
        })
    }
}

fn parse_field(head: &[u8], start: usize, end: usize) -> Option<Field> {
    let line = &head[start..end];
    let colon = line.iter().position(|byte| *byte == b':')?;
    let mut name_end = colon;
    while name_end > 0 && matches!(line[name_end - 1], b' ' | b'\t') {
        name_end -= 1;
    }
    let written = &line[..name_end];
    let name = Name::from_bytes(written);
    if name.is_none() && (written.is_empty() || !written.iter().all(|byte| is_token(*byte))) {
        return None;
    }
    let value = trim(head, start + colon + 1, end);
    Some(Field {
        name,
        written: Span::new(start, start + name_end),
        value,
    })
}

/// Extends the value of a field by a folded line.
fn continue_field(field: &mut Field, head: &[u8], start: usize, end: usize) {
    let more = trim(head, start, end);
    if more.start == more.end {
        return;
    }
    if field.value.start == field.value.end {
        field.value.start = more.start;
    }
    field.value.end = more.end;
}

fn trim(head: &[u8], mut start: usize, mut end: usize) -> Span {
    while start < end && matches!(head[start], b' ' | b'\t') {
        start += 1;
    }
    while start < end && matches!(head[end - 1], b' ' | b'\t') {
        end -= 1;
    }
    Span::new(start, end)
}
