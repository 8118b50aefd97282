//! Header names: the ones this product reads or writes, with their compact forms.

use std::fmt;

macro_rules! names {
    ($($variant:ident $text:literal $($compact:literal)?;)*) => {
        /// A header this crate knows by name; all others are reached by text (`Headers::get_other`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Name {
            $(#[doc = concat!("`", $text, "`.")] $variant,)*
        }

        impl Name {
            /// Every known name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The long form, as this crate writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Finds a name by its long or compact form, in any case.
            pub fn from_text(text: &str) -> Option<Self> {
                Self::from_bytes(text.as_bytes())
            }

            pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
                if let [letter] = text {
                    let letter = letter.to_ascii_lowercase();
                    $($(if letter == $compact { return Some(Self::$variant); })?)*
                    return None;
                }
                let name = SLOTS[slot(text)]?;
                let same = name.as_str().len() == text.len() && name.as_str().as_bytes().eq_ignore_ascii_case(text);
                same.then_some(name)
            }
        }
    };
}

names! {
    Accept "Accept";
    AcceptLanguage "Accept-Language";
    Allow "Allow";
    AllowEvents "Allow-Events" b'u';
    AuthenticationInfo "Authentication-Info";
    Authorization "Authorization";
    CallId "Call-ID" b'i';
    Contact "Contact" b'm';
    ContentEncoding "Content-Encoding" b'e';
    ContentLength "Content-Length" b'l';
    ContentType "Content-Type" b'c';
    CSeq "CSeq";
    Date "Date";
    Event "Event" b'o';
    Expires "Expires";
    From "From" b'f';
    MaxForwards "Max-Forwards";
    MinExpires "Min-Expires";
    MinSe "Min-SE";
    MsDiagnostics "ms-diagnostics";
    MsApplicationAor "ms-application-aor";
    MsKeepAlive "ms-keep-alive";
    PAssertedIdentity "P-Asserted-Identity";
    ProxyAuthenticate "Proxy-Authenticate";
    ProxyAuthenticationInfo "Proxy-Authentication-Info";
    ProxyAuthorization "Proxy-Authorization";
    ProxyRequire "Proxy-Require";
    Reason "Reason";
    RecordRoute "Record-Route";
    ReferTo "Refer-To" b'r';
    Require "Require";
    RetryAfter "Retry-After";
    Route "Route";
    Server "Server";
    SessionExpires "Session-Expires" b'x';
    Subject "Subject" b's';
    SubscriptionState "Subscription-State";
    Supported "Supported" b'k';
    To "To" b't';
    Unsupported "Unsupported";
    UserAgent "User-Agent";
    Via "Via" b'v';
    Warning "Warning";
    WwwAuthenticate "WWW-Authenticate";
}

/// Where a name stands in [`SLOTS`]: found by trial so that no two names share a slot (asserted below).
const fn slot(text: &[u8]) -> usize {
    let [first, .., before_last, _] = text else {
        return 0;
    };
    let mixed =
        text.len() + first.to_ascii_lowercase() as usize + 33 * before_last.to_ascii_lowercase() as usize;
    mixed & 0xff
}

/// Every name at its slot: one look and one comparison per header line instead of forty.
static SLOTS: [Option<Name>; 256] = {
    let mut slots = [None; 256];
    let mut next = 0;
    while next < Name::ALL.len() {
        let at = slot(Name::ALL[next].as_str().as_bytes());
        assert!(
            slots[at].is_none(),
            "two header names share a slot: change the factors of `slot`"
        );
        slots[at] = Some(Name::ALL[next]);
        next += 1;
    }
    slots
};

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for name in Name::ALL {
            assert_eq!(Name::from_text(name.as_str()), Some(*name));
            assert_eq!(Name::from_text(&name.as_str().to_uppercase()), Some(*name));
            assert_eq!(Name::from_text(&name.as_str().to_lowercase()), Some(*name));
        }
    }

    #[test]
    fn compact_forms_are_the_long_ones() {
        for (compact, name) in [
            ("v", Name::Via),
            ("F", Name::From),
            ("t", Name::To),
            ("i", Name::CallId),
            ("m", Name::Contact),
            ("l", Name::ContentLength),
            ("c", Name::ContentType),
            ("k", Name::Supported),
            ("o", Name::Event),
            ("x", Name::SessionExpires),
        ] {
            assert_eq!(Name::from_text(compact), Some(name));
        }
    }

    #[test]
    fn other_texts_are_no_known_name() {
        for text in [
            "",
            "q",
            "Vi",
            "Vias",
            "Content-Lengths",
            "X-Content-Length",
            "\u{e9}\u{e9}",
        ] {
            assert_eq!(Name::from_text(text), None, "{text:?}");
        }
    }
}
