//! Mail that a bot asks for: addresses that can stand in a header, a subject of one line, a text, perhaps HTML.
//!
//! How it is encoded and to which server it goes is the host's business.

use std::fmt;
use std::str::FromStr;

use email_address::EmailAddress;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::schema;

/// The most that a mail may hold, in bytes of subject, text and HTML: encoded it stays below a megabyte, which every
/// mail server takes.
pub const MAX_MAIL_BYTES: usize = 384 * 1024;

/// The longest subject, in bytes. Readers show a hundred characters; header lines end at 998 (RFC 5322, section 2.1.1).
pub const MAX_SUBJECT_BYTES: usize = 900;

/// The longest address (RFC 5321, section 4.5.3.1.3, without the brackets).
const MAX_ADDRESS: usize = 254;

/// The longest display name, in bytes; names of people and departments are far shorter.
const MAX_NAME: usize = 200;

/// Whom a mail is for: `ann@example.com`, or with a name, `Ann Example <ann@example.com>`.
///
/// Two are equal when their addresses are: the name is for readers. The domain is kept in lower case.
#[derive(Clone, Debug)]
pub struct MailAddress {
    name: Option<String>,
    address: String,
}

/// Why a text is not a [`MailAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailAddressError {
    /// Not of the accepted form.
    #[error("not a mail address; write \"ann@example.com\" or \"Ann Example <ann@example.com>\"")]
    Form,
    /// Letters that only few mail servers take in an address.
    #[error(
        "an address with letters beyond ASCII, which few servers take; a domain has a form that begins with `xn--`"
    )]
    NotAscii,
    /// A line break, or another control character: with it a name could become a header.
    #[error("a mail address with a line break or another control character")]
    Control,
    /// Longer than any address.
    #[error("a mail address that is too long")]
    Long,
}

schema::written_as! {
    ["string"]
    MailAddress, "mail address", ["ann@example.com", "Ann Example <ann@example.com>"];
}

impl MailAddress {
    /// The address alone: `ann@example.com`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The part before the `@`.
    pub fn user(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(user, _)| user)
    }

    /// The part after the `@`, in lower case.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The name for readers.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl PartialEq for MailAddress {
    fn eq(&self, other: &Self) -> bool {
        // Some server may tell upper from lower case before the `@`; none gives the two to different people.
        self.address.eq_ignore_ascii_case(&other.address)
    }
}

impl Eq for MailAddress {}

impl FromStr for MailAddress {
    type Err = MailAddressError;

    fn from_str(text: &str) -> Result<Self, MailAddressError> {
        if text.chars().any(char::is_control) {
            return Err(MailAddressError::Control);
        }
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"').trim(), address.trim()),
            None => ("", text),
        };
        if name.len() > MAX_NAME || address.len() > MAX_ADDRESS {
            return Err(MailAddressError::Long);
        }
        if name.contains(['<', '>', '"', '\\']) {
            return Err(MailAddressError::Form);
        }
        let (user, domain) = address.rsplit_once('@').ok_or(MailAddressError::Form)?;
        if !address.is_ascii() {
            return Err(MailAddressError::NotAscii);
        }
        // Quoted users (`"a b"@example.com`) and numbers as domains are in the standard and in nobody's address book.
        if user.contains('"') || domain.starts_with('[') || !EmailAddress::is_valid(address) {
            return Err(MailAddressError::Form);
        }
        Ok(Self {
            name: (!name.is_empty()).then(|| name.to_owned()),
            address: format!("{user}@{}", domain.to_ascii_lowercase()),
        })
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

impl Serialize for MailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}

/// A mail in the making, for [`crate::Context::mail`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    subject: String,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    html: Option<String>,
}

/// What keeps a mail from being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// Readers find mails by it.
    #[error("a mail without a subject")]
    NoSubject,
    /// With a line break in it the rest of a subject would be further headers.
    #[error("the subject of a mail holds a line break or another control character")]
    Subject,
    /// Longer than [`MAX_SUBJECT_BYTES`].
    #[error("a subject of {bytes} bytes; the limit is {MAX_SUBJECT_BYTES}")]
    LongSubject {
        /// Its length.
        bytes: usize,
    },
    /// Nothing to read.
    #[error("the mail is empty")]
    Empty,
    /// Longer than [`MAX_MAIL_BYTES`].
    #[error("a mail of {bytes} bytes; the limit is {MAX_MAIL_BYTES}")]
    Large {
        /// Its length.
        bytes: usize,
    },
}

impl Mail {
    /// A mail with this subject, of one line, and this text.
    pub fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            text: text.into(),
            html: None,
        }
    }

    /// With the same as HTML, for readers that show it; what comes from others must be escaped in it
    /// ([`crate::HtmlTemplate`] does that).
    #[must_use]
    pub fn with_html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// The subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The HTML, when there is any.
    pub fn html(&self) -> Option<&str> {
        self.html.as_deref()
    }

    /// Whether it can be sent at all.
    ///
    /// # Errors
    /// [`MailError`].
    pub fn check(&self) -> Result<(), MailError> {
        if self.subject.trim().is_empty() {
            return Err(MailError::NoSubject);
        }
        if self.subject.chars().any(char::is_control) {
            return Err(MailError::Subject);
        }
        if self.subject.len() > MAX_SUBJECT_BYTES {
            let bytes = self.subject.len();
            return Err(MailError::LongSubject { bytes });
        }
        if self.text.trim().is_empty() {
            return Err(MailError::Empty);
        }
        let bytes = self.subject.len() + self.text.len() + self.html.as_ref().map_or(0, String::len);
        if bytes > MAX_MAIL_BYTES {
            return Err(MailError::Large { bytes });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<MailAddress, MailAddressError> {
        text.parse()
    }

    #[test]
    fn addresses_read_as_people_write_them() {
        let plain = read(" Ann@Example.COM ").unwrap();
        assert_eq!((plain.address(), plain.name()), ("Ann@example.com", None));
        assert_eq!((plain.user(), plain.domain()), ("Ann", "example.com"));
        let named = read("\"Müller, Jörg\" <joerg@example.com>").unwrap();
        assert_eq!(named.name(), Some("Müller, Jörg"));
        assert_eq!(named.to_string().parse(), Ok(named.clone()));
        assert_eq!(
            named,
            read("JOERG@example.com").unwrap(),
            "the name is for readers"
        );
    }

    #[test]
    fn what_could_become_a_header_or_a_command_is_no_address() {
        for (text, problem) in [
            ("", MailAddressError::Form),
            ("ann", MailAddressError::Form),
            ("ann@", MailAddressError::Form),
            ("ann@example.com, bob@example.com", MailAddressError::Form),
            ("Ann <ann@example.com> <bob@example.com>", MailAddressError::Form),
            ("\"a b\"@example.com", MailAddressError::Form),
            ("ann@[127.0.0.1]", MailAddressError::Form),
            ("ann@example.com> SIZE=1", MailAddressError::Form),
            (
                "ann@example.com\r\nBcc: bob@example.com",
                MailAddressError::Control,
            ),
            ("Ann\nBcc: bob <ann@example.com>", MailAddressError::Control),
            ("jörg@example.com", MailAddressError::NotAscii),
            ("ann@bücher.example", MailAddressError::NotAscii),
        ] {
            assert_eq!(read(text).unwrap_err(), problem, "{text:?}");
        }
        let long = format!("{}@example.com", "a".repeat(MAX_ADDRESS));
        assert_eq!(read(&long).unwrap_err(), MailAddressError::Long);
        let named = format!("{} <ann@example.com>", "a".repeat(MAX_NAME + 1));
        assert_eq!(read(&named).unwrap_err(), MailAddressError::Long);
    }

    #[test]
    fn a_mail_that_cannot_be_sent_is_refused_at_once() {
        let check = |subject: &str, text: &str| Mail::new(subject, text).check();
        assert_eq!(check("Grüße", "text"), Ok(()));
        assert_eq!(check(" ", "text"), Err(MailError::NoSubject));
        assert_eq!(
            check("a\r\nBcc: bob@example.com", "text"),
            Err(MailError::Subject)
        );
        assert_eq!(check("a", "\n "), Err(MailError::Empty));
        let long = "s".repeat(MAX_SUBJECT_BYTES + 1);
        let bytes = long.len();
        assert_eq!(check(&long, "text"), Err(MailError::LongSubject { bytes }));
        let fits = "t".repeat(MAX_MAIL_BYTES - 1);
        assert_eq!(check("a", &fits), Ok(()));
        let large = Mail::new("a", fits).with_html("h").check();
        let bytes = MAX_MAIL_BYTES + 1;
        assert_eq!(large, Err(MailError::Large { bytes }));
    }

    proptest::proptest! {
        #[test]
        fn what_reads_as_an_address_is_one_line_and_reads_the_same_again(text in "[ -~ü\r\n]{0,20}(<)?[a-z.\"@ ]{1,8}@[a-z.-]{1,12}(>)?") {
            if let Ok(address) = read(&text) {
                assert!(!address.to_string().contains(char::is_control));
                assert!(!address.address().contains([' ', '<', '>', '"', ',']));
                assert_eq!(address.to_string().parse(), Ok(address.clone()));
            }
        }
    }
}
