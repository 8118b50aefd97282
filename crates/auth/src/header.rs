//! `scheme name="value", name=value`: the values of WWW-Authenticate, Authorization and their relatives.

use std::fmt;

/// Longest header value that is read: an NTLM AUTHENTICATE with long names has 1 kB, a Kerberos ticket up to 16 kB.
pub const MAX_HEADER: usize = 24 * 1024;
/// Most parameters of one value: NTLM has 9, Digest 12.
pub const MAX_PARAMETERS: usize = 32;

/// The scheme a value begins with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HTTP Digest (RFC 7616).
    Digest,
    /// NTLM as SIP uses it (MS-SIPAE).
    Ntlm,
    /// Another one, as it was written.
    Other(Box<str>),
}

impl Scheme {
    fn parse(text: &str) -> Self {
        match text {
            _ if text.eq_ignore_ascii_case("Digest") => Self::Digest,
            _ if text.eq_ignore_ascii_case("NTLM") => Self::Ntlm,
            _ => Self::Other(text.into()),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digest => "Digest",
            Self::Ntlm => "NTLM",
            Self::Other(name) => name,
        })
    }
}

/// One challenge, one set of credentials or one signature: a scheme and its parameters in their order.
///
/// Printing quotes every value except those put in with [`bare`](Self::bare). `Debug` shows names only, as values
/// may be worth guessing at.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthHeader {
    scheme: Scheme,
    parameters: Vec<Parameter>,
}

#[derive(Clone, PartialEq, Eq)]
struct Parameter {
    name: Box<str>,
    value: Box<str>,
    quoted: bool,
}

impl AuthHeader {
    /// A value without parameters yet.
    pub fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            parameters: Vec::new(),
        }
    }

    /// Reads a header value.
    ///
    /// # Errors
    ///
    /// When it is too long or is not a scheme followed by parameters, and when a parameter stands twice: two readers
    /// might each believe another one.
    pub fn parse(value: &str) -> Result<Self, HeaderError> {
        if value.len() > MAX_HEADER {
            return Err(HeaderError::TooLong);
        }
        let value = value.trim();
        let scheme_end = value.find([' ', '\t']).unwrap_or(value.len());
        let (scheme, rest) = value.split_at(scheme_end);
        if !is_token(scheme) {
            return Err(HeaderError::Scheme);
        }
        Ok(Self {
            scheme: Scheme::parse(scheme),
            parameters: parse_parameters(rest)?,
        })
    }

    /// Reads a value that has parameters but no scheme, as Digest writes its Authentication-Info (RFC 7615).
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_info(value: &str) -> Result<Self, HeaderError> {
        if value.len() > MAX_HEADER {
            return Err(HeaderError::TooLong);
        }
        Ok(Self {
            scheme: Scheme::Digest,
            parameters: parse_parameters(value)?,
        })
    }

    /// The scheme.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// A parameter's value without quotes. Names are compared in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .parameters
            .iter()
            .find(|parameter| parameter.name.eq_ignore_ascii_case(name));
        found.map(|parameter| &*parameter.value)
    }

    /// Adds a parameter that is printed in quotes.
    #[must_use]
    pub fn quoted(self, name: &str, value: &str) -> Self {
        self.with(name, value, true)
    }

    /// Adds a parameter that is printed without quotes; the value must be a token.
    #[must_use]
    pub fn bare(self, name: &str, value: &str) -> Self {
        debug_assert!(is_token(value), "{value} needs quotes");
        self.with(name, value, false)
    }

    fn with(mut self, name: &str, value: &str, quoted: bool) -> Self {
        self.parameters.push(Parameter {
            name: name.into(),
            value: value.into(),
            quoted,
        });
        self
    }

    /// Only the parameters, as Digest writes its Authentication-Info.
    pub(crate) fn parameters_only(&self) -> String {
        let mut text = String::new();
        for (i, parameter) in self.parameters.iter().enumerate() {
            if i > 0 {
                text.push_str(", ");
            }
            text.push_str(&parameter.name);
            text.push('=');
            match parameter.quoted {
                true => push_quoted(&mut text, &parameter.value),
                false => text.push_str(&parameter.value),
            }
        }
        text
    }
}

impl fmt::Display for AuthHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scheme, self.parameters_only())
    }
}

impl fmt::Debug for AuthHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parameters.iter().map(|parameter| &parameter.name).collect();
        f.debug_struct("AuthHeader")
            .field("scheme", &self.scheme)
            .field("parameters", &names)
            .finish()
    }
}

/// Why a value cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Longer than [`MAX_HEADER`].
    #[error("longer than {MAX_HEADER} bytes")]
    TooLong,
    /// It does not begin with a scheme.
    #[error("does not begin with a scheme")]
    Scheme,
    /// Parameter number so much is no `name=value`.
    #[error("parameter {number} is not name=value")]
    Parameter {
        /// Counted from 1.
        number: usize,
    },
    /// The same name twice.
    #[error("parameter {number} stood there before")]
    Repeated {
        /// Counted from 1.
        number: usize,
    },
    /// More than [`MAX_PARAMETERS`].
    #[error("more than {MAX_PARAMETERS} parameters")]
    TooMany,
}

fn parse_parameters(mut rest: &str) -> Result<Vec<Parameter>, HeaderError> {
    let mut parameters: Vec<Parameter> = Vec::new();
    loop {
        // RFC 9110 section 5.6.1: empty list elements are skipped.
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(parameters);
        }
        if parameters.len() == MAX_PARAMETERS {
            return Err(HeaderError::TooMany);
        }
        let number = parameters.len() + 1;
        let malformed = HeaderError::Parameter { number };
        let (name, after) = rest.split_once('=').ok_or(malformed)?;
        let name = name.trim_end_matches([' ', '\t']);
        if !is_token(name) {
            return Err(malformed);
        }
        if parameters
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(name))
        {
            return Err(HeaderError::Repeated { number });
        }
        let after = after.trim_start_matches([' ', '\t']);
        let (value, quoted, after) = match after.strip_prefix('"') {
            Some(inside) => {
                let (value, after) = unquote(inside).ok_or(malformed)?;
                (value, true, after)
            }
            None => {
                let end = after.find([',', ' ', '\t']).unwrap_or(after.len());
                // Base64 has `=` and `/`, which no token may hold but clients write.
                if after[..end].contains(['"', '\\']) || after[..end].chars().any(char::is_control) {
                    return Err(malformed);
                }
                (after[..end].to_owned(), false, &after[end..])
            }
        };
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(malformed);
        }
        parameters.push(Parameter {
            name: name.into(),
            value: value.into(),
            quoted,
        });
    }
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ if character.is_control() && character != '\t' => return None,
            _ => value.push(character),
        }
    }
    None
}

/// Appends a quoted string; a control character, which no header may hold, becomes a space.
fn push_quoted(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            _ if character.is_control() => text.push(' '),
            _ => text.push(character),
        }
    }
    text.push('"');
}

fn is_token(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_real_client_sends_is_read() {
        let header = AuthHeader::parse(
            "NTLM qop=\"auth\", realm=\"SIP Communications Service\",targetname=\"mock.example.com\", gssapi-data=\"\", version=4",
        )
        .unwrap();
        assert_eq!(header.scheme(), &Scheme::Ntlm);
        assert_eq!(header.get("REALM"), Some("SIP Communications Service"));
        assert_eq!(header.get("gssapi-data"), Some(""));
        assert_eq!(header.get("version"), Some("4"));
        assert_eq!(header.get("opaque"), None);
        assert!(!format!("{header:?}").contains("mock"));
    }

    #[test]
    fn quotes_are_undone_and_done() {
        let header = AuthHeader::parse(r#"Digest realm="a \"b\", \\c", nc=00000001"#).unwrap();
        assert_eq!(header.get("realm"), Some(r#"a "b", \c"#));
        assert_eq!(header.to_string(), r#"Digest realm="a \"b\", \\c", nc=00000001"#);
        assert_eq!(
            AuthHeader::new(Scheme::Ntlm)
                .quoted("a", "b\r\nEvil: 1")
                .to_string(),
            "NTLM a=\"b  Evil: 1\""
        );
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let error = |value: &str| AuthHeader::parse(value).unwrap_err().to_string();
        assert_eq!(error(""), "does not begin with a scheme");
        assert_eq!(error("NT/LM a=b"), "does not begin with a scheme");
        assert_eq!(error("NTLM abc"), "parameter 1 is not name=value");
        assert_eq!(error("NTLM a=b, c=\"open"), "parameter 2 is not name=value");
        assert_eq!(error("NTLM a=\"b\"c=d"), "parameter 1 is not name=value");
        assert_eq!(error("NTLM a=b, A=c"), "parameter 2 stood there before");
        let many: Vec<_> = (0..33).map(|i| format!("p{i}=1")).collect();
        assert_eq!(
            error(&format!("NTLM {}", many.join(","))),
            "more than 32 parameters"
        );
        assert_eq!(error(&"x".repeat(MAX_HEADER + 1)), "longer than 24576 bytes");
    }
}
