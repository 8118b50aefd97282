//! The request method: the ones this product knows, and every other token as it was written.

use std::fmt;
use std::sync::Arc;

/// A SIP request method (RFC 3261 section 7.1); an open set, compared case-sensitively and never by prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A method this crate has a constant for.
    Standard(Standard),
    /// Any other token, kept as it was written.
    Other(Arc<str>),
}

macro_rules! methods {
    ($($variant:ident $constant:ident $text:literal $source:literal;)*) => {
        /// The methods that have a constant in [`Method`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Standard {
            $(#[doc = concat!("`", $text, "`, ", $source, ".")] $variant,)*
        }

        impl Standard {
            /// Every method of this set, in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The method as it stands in a request line.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            fn from_token(token: &[u8]) -> Option<Self> {
                $(if token == $text.as_bytes() { return Some(Self::$variant); })*
                None
            }
        }

        impl Method {
            $(#[doc = concat!("`", $text, "`, ", $source, ".")]
            pub const $constant: Self = Self::Standard(Standard::$variant);)*
        }
    };
}

methods! {
    Ack ACK "ACK" "RFC 3261";
    Benotify BENOTIFY "BENOTIFY" "MS-SIP: a NOTIFY that is never answered";
    Bye BYE "BYE" "RFC 3261";
    Cancel CANCEL "CANCEL" "RFC 3261";
    Info INFO "INFO" "RFC 6086";
    Invite INVITE "INVITE" "RFC 3261";
    Message MESSAGE "MESSAGE" "RFC 3428";
    Negotiate NEGOTIATE "NEGOTIATE" "MS-SIP: compression negotiation";
    Notify NOTIFY "NOTIFY" "RFC 6665";
    Options OPTIONS "OPTIONS" "RFC 3261";
    Prack PRACK "PRACK" "RFC 3262";
    Publish PUBLISH "PUBLISH" "RFC 3903";
    Refer REFER "REFER" "RFC 3515";
    Register REGISTER "REGISTER" "RFC 3261";
    Service SERVICE "SERVICE" "MS-SIP: publication and contact list";
    Subscribe SUBSCRIBE "SUBSCRIBE" "RFC 6665";
    Update UPDATE "UPDATE" "RFC 3311";
}

impl Method {
    /// The method as it stands in a request line.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Standard(method) => method.as_str(),
            Self::Other(token) => token,
        }
    }

    /// Reads a method token; `None` when it is empty or holds a character no token may hold.
    pub fn from_token(token: &str) -> Option<Self> {
        if let Some(method) = Standard::from_token(token.as_bytes()) {
            return Some(Self::Standard(method));
        }
        let legal = !token.is_empty() && token.bytes().all(crate::text::is_token);
        legal.then(|| Self::Other(token.into()))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<str> for Method {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_token_is_not_taken_for_the_method_it_starts_with() {
        assert_eq!(Method::from_token("INFORM"), Some(Method::Other("INFORM".into())));
        assert_eq!(
            Method::from_token("REFERENCE"),
            Some(Method::Other("REFERENCE".into()))
        );
        assert_eq!(Method::from_token("info"), Some(Method::Other("info".into())));
    }

    #[test]
    fn every_known_method_reads_back_as_itself() {
        for method in Standard::ALL {
            assert_eq!(
                Method::from_token(method.as_str()),
                Some(Method::Standard(*method))
            );
        }
    }

    #[test]
    fn what_is_not_a_token_is_no_method() {
        for text in ["", "IN FO", "INFO\r", "MÉTHODE", "A/B"] {
            assert_eq!(Method::from_token(text), None, "{text:?}");
        }
    }
}
