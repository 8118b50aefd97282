//! A name and a password, as they are handed to an endpoint. Answering challenges is left to the endpoint's task.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// What a user signs in with. The password is never shown, not by `Debug` either, and its memory is overwritten when
/// the last clone goes.
///
/// ```
/// use parlor_client::Credentials;
/// let credentials = Credentials::new("alice@example.com", "Secret123");
/// assert_eq!(format!("{credentials:?}"), r#"Credentials { name: "alice@example.com", .. }"#);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    name: String,
    password: Arc<Zeroizing<String>>,
}

impl Credentials {
    /// The name of an account, which may be the user's address without `sip:`, and its password.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: Arc::new(Zeroizing::new(password.into())),
        }
    }

    /// The name of the account.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
