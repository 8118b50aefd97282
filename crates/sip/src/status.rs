//! The status code of a response and its standard reason phrase.

use std::fmt;

/// A response status code, 100 to 699 (RFC 3261 section 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(u16);

macro_rules! codes {
    ($($code:literal $constant:ident $reason:literal;)*) => {
        impl StatusCode {
            $(#[doc = concat!("`", $code, " ", $reason, "`.")]
            pub const $constant: Self = Self($code);)*

            /// The standard reason phrase, or a phrase for the class of the code; never empty.
            pub const fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)*
                    100..=199 => "Progress",
                    200..=299 => "Success",
                    300..=399 => "Redirected",
                    400..=499 => "Request Failed",
                    500..=599 => "Server Failed",
                    _ => "Global Failure",
                }
            }
        }
    };
}

codes! {
    100 TRYING "Trying";
    180 RINGING "Ringing";
    183 SESSION_PROGRESS "Session Progress";
    200 OK "OK";
    202 ACCEPTED "Accepted";
    301 MOVED_PERMANENTLY "Moved Permanently";
    302 MOVED_TEMPORARILY "Moved Temporarily";
    400 BAD_REQUEST "Bad Request";
    401 UNAUTHORIZED "Unauthorized";
    403 FORBIDDEN "Forbidden";
    404 NOT_FOUND "Not Found";
    405 METHOD_NOT_ALLOWED "Method Not Allowed";
    406 NOT_ACCEPTABLE "Not Acceptable";
    407 PROXY_AUTHENTICATION_REQUIRED "Proxy Authentication Required";
    408 REQUEST_TIMEOUT "Request Timeout";
    409 CONFLICT "Conflict";
    410 GONE "Gone";
    411 LENGTH_REQUIRED "Length Required";
    413 REQUEST_ENTITY_TOO_LARGE "Request Entity Too Large";
    415 UNSUPPORTED_MEDIA_TYPE "Unsupported Media Type";
    416 UNSUPPORTED_URI_SCHEME "Unsupported URI Scheme";
    420 BAD_EXTENSION "Bad Extension";
    421 EXTENSION_REQUIRED "Extension Required";
    422 SESSION_INTERVAL_TOO_SMALL "Session Interval Too Small";
    423 INTERVAL_TOO_BRIEF "Interval Too Brief";
    430 FLOW_FAILED "Flow Failed";
    480 TEMPORARILY_UNAVAILABLE "Temporarily Unavailable";
    481 CALL_DOES_NOT_EXIST "Call/Transaction Does Not Exist";
    482 LOOP_DETECTED "Loop Detected";
    483 TOO_MANY_HOPS "Too Many Hops";
    485 AMBIGUOUS "Ambiguous";
    486 BUSY_HERE "Busy Here";
    487 REQUEST_TERMINATED "Request Terminated";
    488 NOT_ACCEPTABLE_HERE "Not Acceptable Here";
    489 BAD_EVENT "Bad Event";
    491 REQUEST_PENDING "Request Pending";
    500 SERVER_INTERNAL_ERROR "Server Internal Error";
    501 NOT_IMPLEMENTED "Not Implemented";
    503 SERVICE_UNAVAILABLE "Service Unavailable";
    504 SERVER_TIME_OUT "Server Time-out";
    505 VERSION_NOT_SUPPORTED "Version Not Supported";
    513 MESSAGE_TOO_LARGE "Message Too Large";
    600 BUSY_EVERYWHERE "Busy Everywhere";
    603 DECLINE "Decline";
    604 DOES_NOT_EXIST_ANYWHERE "Does Not Exist Anywhere";
    606 NOT_ACCEPTABLE_ANYWHERE "Not Acceptable";
}

impl StatusCode {
    /// A code from its number; `None` outside 100 to 699.
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 100 && code <= 699 {
            Some(Self(code))
        } else {
            None
        }
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// 1xx: more is to come.
    pub const fn is_provisional(self) -> bool {
        self.0 < 200
    }

    /// 2xx.
    pub const fn is_success(self) -> bool {
        self.0 >= 200 && self.0 < 300
    }

    /// 2xx to 6xx: nothing more is to come.
    pub const fn is_final(self) -> bool {
        self.0 >= 200
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.reason())
    }
}
