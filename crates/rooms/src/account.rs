//! What a user signs in with, as it is kept: a name and, per scheme, what a password is checked against. What the
//! schemes are, and how they check, is the server's subject.

use std::fmt;

use parlor_xccos::SipUri;

/// The name and the password of a user. A user has one account or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub user: SipUri,
    /// What the user types as a name; unique, compared in lower case. It need not be the address.
    pub name: String,
    /// One for each scheme that can check the password.
    pub credentials: Vec<Credential>,
}

/// What one scheme checks a password against. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The scheme's name.
    pub scheme: String,
    /// What is checked against, in the scheme's own form.
    pub secret: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, ..)", self.scheme)
    }
}
