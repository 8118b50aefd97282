//! Conversions to and from `rsip`, for users of that crate.
//!
//! They lose what rsip cannot hold: the extension methods of MS-SIP (an error here), folds and compact names, the
//! headers part of a URI, and bytes of a body that are not UTF-8 as soon as rsip writes it. The wire path of this
//! crate never takes them; `tests/it/oracle.rs` pins where the two parsers differ.

use crate::{Method, Request, Response, Scheme, Standard, StatusCode, Uri};
use rsip::{Auth, Domain, Host, HostWithPort, Param, Version};

/// Why a message cannot be told in rsip's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InteropError {
    /// rsip's methods are a closed set.
    #[error("rsip does not know the method")]
    Method,
    /// The Request-URI is neither a SIP nor a SIPS URI.
    #[error("rsip cannot hold the request-uri")]
    Uri,
}

impl From<rsip::Method> for Method {
    fn from(method: rsip::Method) -> Self {
        Self::Standard(match method {
            rsip::Method::Ack => Standard::Ack,
            rsip::Method::Bye => Standard::Bye,
            rsip::Method::Cancel => Standard::Cancel,
            rsip::Method::Info => Standard::Info,
            rsip::Method::Invite => Standard::Invite,
            rsip::Method::Message => Standard::Message,
            rsip::Method::Notify => Standard::Notify,
            rsip::Method::Options => Standard::Options,
            rsip::Method::PRack => Standard::Prack,
            rsip::Method::Publish => Standard::Publish,
            rsip::Method::Refer => Standard::Refer,
            rsip::Method::Register => Standard::Register,
            rsip::Method::Subscribe => Standard::Subscribe,
            rsip::Method::Update => Standard::Update,
        })
    }
}

impl TryFrom<&Method> for rsip::Method {
    type Error = InteropError;

    fn try_from(method: &Method) -> Result<Self, InteropError> {
        let known = Self::all()
            .into_iter()
            .find(|known| Method::from(*known) == *method);
        known.ok_or(InteropError::Method)
    }
}

impl From<StatusCode> for rsip::StatusCode {
    fn from(status: StatusCode) -> Self {
        match Self::from(status.code()) {
            Self::Other(code, _) => Self::Other(code, status.reason().to_owned()),
            known => known,
        }
    }
}

impl TryFrom<&Uri> for rsip::Uri {
    type Error = InteropError;

    /// Parameters are carried over whole, so a GRUU stays one; the headers part is lost.
    fn try_from(uri: &Uri) -> Result<Self, InteropError> {
        let scheme = match uri.scheme() {
            Scheme::Sip => rsip::Scheme::Sip,
            Scheme::Sips => rsip::Scheme::Sips,
            Scheme::Tel | Scheme::Other => return Err(InteropError::Uri),
        };
        let params = uri
            .params()
            .map(|(name, value)| Param::Other(name.into(), value.map(Into::into)));
        Ok(Self {
            scheme: Some(scheme),
            auth: uri.user().map(|user| Auth {
                user: user.to_owned(),
                password: None,
            }),
            host_with_port: HostWithPort {
                host: Host::Domain(Domain::from(uri.host())),
                port: uri.port().map(Into::into),
            },
            params: params.collect(),
            headers: Vec::new(),
        })
    }
}

impl TryFrom<&Request> for rsip::Request {
    type Error = InteropError;

    fn try_from(request: &Request) -> Result<Self, InteropError> {
        Ok(Self {
            method: request.method().try_into()?,
            uri: rsip::Uri::try_from(&request.uri().map_err(|_| InteropError::Uri)?)?,
            version: Version::V2,
            headers: headers(request.headers()),
            body: request.body().to_vec(),
        })
    }
}

impl TryFrom<&Request> for rsip::SipMessage {
    type Error = InteropError;

    fn try_from(request: &Request) -> Result<Self, InteropError> {
        rsip::Request::try_from(request).map(Self::Request)
    }
}

impl From<&Response> for rsip::Response {
    /// The reason phrase is replaced by rsip's own.
    fn from(response: &Response) -> Self {
        Self {
            status_code: response.status().into(),
            version: Version::V2,
            headers: headers(response.headers()),
            body: response.body().to_vec(),
        }
    }
}

impl From<&Response> for rsip::SipMessage {
    fn from(response: &Response) -> Self {
        Self::Response(response.into())
    }
}

/// Every line under its long name, as rsip's own kind of header where it has one.
fn headers(headers: &crate::Headers) -> rsip::Headers {
    let lines = headers.iter().map(|(name, value)| {
        let name = crate::Name::from_text(name).map_or(name, |known| known.as_str());
        header(name, value)
    });
    lines.collect::<Vec<_>>().into()
}

fn header(name: &str, value: &str) -> rsip::Header {
    use rsip::Header;
    use rsip::headers::UntypedHeader;
    macro_rules! kinds {
        ($($text:literal $kind:ident,)*) => {
            $(if name.eq_ignore_ascii_case($text) {
                return Header::$kind(rsip::headers::$kind::new(value));
            })*
        };
    }
    kinds! {
        "Accept" Accept, "Allow" Allow, "Authorization" Authorization, "CSeq" CSeq, "Call-ID" CallId,
        "Contact" Contact, "Content-Length" ContentLength, "Content-Type" ContentType, "Date" Date, "Event" Event,
        "Expires" Expires, "From" From, "Max-Forwards" MaxForwards, "Min-Expires" MinExpires,
        "Proxy-Authenticate" ProxyAuthenticate, "Proxy-Authorization" ProxyAuthorization,
        "Proxy-Require" ProxyRequire, "Record-Route" RecordRoute, "Require" Require, "Retry-After" RetryAfter,
        "Route" Route, "Server" Server, "Subject" Subject, "Subscription-State" SubscriptionState,
        "Supported" Supported, "To" To, "Unsupported" Unsupported, "User-Agent" UserAgent, "Via" Via,
        "Warning" Warning, "WWW-Authenticate" WwwAuthenticate,
    }
    Header::Other(name.to_owned(), value.to_owned())
}
