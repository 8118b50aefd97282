//! SIP messages: a start line, headers by span, and a body, over the bytes that came in.

use crate::head::{Head, Span, StartLine};
use crate::text::split_list;
use crate::{
    CSeq, ContentType, EventPackage, HeaderError, Headers, Method, Name, NameAddr, SessionExpires,
    StatusCode, Uri, UriError, Via,
};
use bytes::Bytes;

/// A request or a response.
#[derive(Clone, Debug)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    uri: Span,
    headers: Headers,
    body: Bytes,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    status: StatusCode,
    reason: Span,
    headers: Headers,
    body: Bytes,
}

impl Message {
    /// A message from its bytes, whose head was read already.
    pub(crate) fn new(frame: Bytes, head_length: usize, head: Head) -> Self {
        let body = frame.slice(head_length..);
        let headers = Headers::new(frame, head_length, head.fields, head.folded);
        match head.start {
            StartLine::Request { method, uri } => Self::Request(Request {
                method,
                uri,
                headers,
                body,
            }),
            StartLine::Response { status, reason } => Self::Response(Response {
                status,
                reason,
                headers,
                body,
            }),
        }
    }

    /// The headers.
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => request.headers(),
            Self::Response(response) => response.headers(),
        }
    }

    /// The body; empty when there is none.
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Request(request) => request.body(),
            Self::Response(response) => response.body(),
        }
    }

    /// The whole message, byte for byte as it came from the wire.
    pub fn as_bytes(&self) -> &Bytes {
        self.headers().frame()
    }
}

impl Request {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The Request-URI as it was written.
    pub fn uri_text(&self) -> &str {
        self.uri.of(self.headers.frame())
    }

    /// The Request-URI.
    ///
    /// # Errors
    /// When it is no URI.
    pub fn uri(&self) -> Result<Uri, UriError> {
        self.uri_text().parse()
    }
}

impl Response {
    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The reason phrase; may be empty.
    pub fn reason(&self) -> &str {
        self.reason.of(self.headers.frame())
    }
}

macro_rules! typed_headers {
    ($($type:ident)*) => { $(impl $type {
        /// The headers.
        pub fn headers(&self) -> &Headers {
            &self.headers
        }

        /// The body; empty when there is none.
        pub fn body(&self) -> &Bytes {
            &self.body
        }

        /// The whole message, byte for byte as it came from the wire.
        pub fn as_bytes(&self) -> &Bytes {
            self.headers.frame()
        }

        /// Who sent the request (RFC 3261 section 20.20).
        ///
        /// # Errors
        /// When From is missing or no address.
        pub fn from(&self) -> Result<NameAddr, HeaderError> {
            required(&self.headers, Name::From, |text| text.parse().ok())
        }

        /// Whom the request was meant for (RFC 3261 section 20.39).
        ///
        /// # Errors
        /// When To is missing or no address.
        pub fn to(&self) -> Result<NameAddr, HeaderError> {
            required(&self.headers, Name::To, |text| text.parse().ok())
        }

        /// The first Contact; `None` when there is none or it is `*`.
        ///
        /// # Errors
        /// When it is no address.
        pub fn contact(&self) -> Result<Option<NameAddr>, HeaderError> {
            let first = self.headers.get(Name::Contact).and_then(|value| split_list(value).next());
            let Some(text) = first.filter(|text| *text != "*") else { return Ok(None) };
            text.parse().map(Some).map_err(|_| HeaderError::Malformed(Name::Contact))
        }

        /// The topmost Via.
        ///
        /// # Errors
        /// When it is missing or malformed. A missing branch is no error: real clients leave it out.
        pub fn via(&self) -> Result<Via<'_>, HeaderError> {
            required(&self.headers, Name::Via, Via::parse)
        }

        /// CSeq.
        ///
        /// # Errors
        /// When it is missing or malformed.
        pub fn cseq(&self) -> Result<CSeq, HeaderError> {
            required(&self.headers, Name::CSeq, CSeq::parse)
        }

        /// Call-ID.
        ///
        /// # Errors
        /// When it is missing or empty.
        pub fn call_id(&self) -> Result<&str, HeaderError> {
            required(&self.headers, Name::CallId, |text| Some(text).filter(|text| !text.is_empty()))
        }

        /// Expires, in seconds.
        ///
        /// # Errors
        /// When it is no number.
        pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
            optional(&self.headers, Name::Expires, |text| text.parse().ok())
        }

        /// Session-Expires (RFC 4028).
        ///
        /// # Errors
        /// When it is malformed.
        pub fn session_expires(&self) -> Result<Option<SessionExpires>, HeaderError> {
            optional(&self.headers, Name::SessionExpires, SessionExpires::parse)
        }

        /// Event (RFC 6665).
        pub fn event(&self) -> Option<EventPackage<'_>> {
            self.headers.get(Name::Event).and_then(EventPackage::parse)
        }

        /// The option tags of all Supported lines.
        pub fn supported(&self) -> impl Iterator<Item = &str> {
            self.headers.all(Name::Supported).flat_map(split_list)
        }

        /// Whether an option tag stands in any Supported line.
        pub fn supports(&self, option: &str) -> bool {
            self.supported().any(|tag| tag.eq_ignore_ascii_case(option))
        }

        /// All Route values, topmost first.
        ///
        /// # Errors
        /// When one is no address.
        pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
            addresses(&self.headers, Name::Route)
        }

        /// All Record-Route values, topmost first.
        ///
        /// # Errors
        /// When one is no address.
        pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
            addresses(&self.headers, Name::RecordRoute)
        }

        /// Content-Type.
        pub fn content_type(&self) -> Option<ContentType<'_>> {
            self.headers.get(Name::ContentType).and_then(ContentType::parse)
        }
    })* };
}

typed_headers! { Request Response }

fn required<'a, T>(
    headers: &'a Headers,
    name: Name,
    parse: impl FnOnce(&'a str) -> Option<T>,
) -> Result<T, HeaderError> {
    let text = headers.get(name).ok_or(HeaderError::Missing(name))?;
    parse(text).ok_or(HeaderError::Malformed(name))
}

fn optional<'a, T>(
    headers: &'a Headers,
    name: Name,
    parse: impl FnOnce(&'a str) -> Option<T>,
) -> Result<Option<T>, HeaderError> {
    let Some(text) = headers.get(name) else {
        return Ok(None);
    };
    parse(text).map(Some).ok_or(HeaderError::Malformed(name))
}

fn addresses(headers: &Headers, name: Name) -> Result<Vec<NameAddr>, HeaderError> {
    let elements = headers.all(name).flat_map(split_list);
    elements
        .map(|text| text.parse().map_err(|_| HeaderError::Malformed(name)))
        .collect()
}
