//! Why a request is refused, as a status and an `ms-diagnostics` value that programs and people can read.
//! The numbers are ours (the original's table is not public); the form is the original's: `id;reason="…";source="fqdn"`.

use parlor_sip::StatusCode;

/// A reason to refuse a request before any chat command is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Nothing on this connection proves who the sender is.
    #[error(
        "this connection proves no identity: connect over TLS with a client certificate that names the user"
    )]
    Unproved,
    /// A certificate was shown, and it does not name the user in From.
    #[error("the client certificate does not name the user in From")]
    NotInCertificate,
    /// A password proved another user than the one in From.
    #[error("the account that signed in on this connection is not the user in From")]
    AnotherAccount,
    /// Passwords were wrong too often.
    #[error("too many wrong passwords: try again later")]
    TooManyWrongPasswords,
    /// From is missing or not a SIP address.
    #[error("From holds no usable SIP address")]
    NoSender,
    /// The Contact of a trusted peer is not a computer GRUU.
    #[error("Contact is not the GRUU of a trusted application: opaque must be srvr:<application>:<id>")]
    NotAGruu,
    /// The GRUU names an application that the pool of this peer does not have.
    #[error("the GRUU in Contact names an application that is not in the pool of the certificate")]
    UnknownApplication,
    /// The GRUU belongs to another computer.
    #[error("the GRUU in Contact belongs to another computer or another instance")]
    ForeignGruu,
    /// The application may not speak as this user.
    #[error("the application may not speak as the user in From")]
    UserNotAllowed,
    /// The directory does not know the user.
    #[error("the user is not known here")]
    UnknownUser,
    /// The user is disabled.
    #[error("the user is disabled")]
    DisabledUser,
    /// The address is a contact object.
    #[error("persistent chat refuses contact objects: use the address of a user")]
    ContactObject,
    /// The request URI is not a chat service here.
    #[error("no chat service has this address")]
    NoSuchService,
    /// The user is not signed in anywhere.
    #[error("the user is not signed in")]
    NotSignedIn,
    /// The Contact of a REGISTER cannot be bound.
    #[error(
        "Contact must be one address of at most 1024 bytes, or * with Expires: 0; Expires must be a number"
    )]
    OddContact,
    /// The endpoint has a name that cannot stand in an address.
    #[error("epid and +sip.instance may have at most 96 letters, digits and any of - . _ : < >")]
    OddEndpoint,
    /// A registration that would have to be refreshed all the time.
    #[error("the registration is too short: see Min-Expires")]
    TooBrief,
    /// The user is signed in at as many endpoints as a user may be.
    #[error("the user is signed in at too many endpoints: sign off at one of them")]
    TooManyEndpoints,
    /// The connection carries as many users as it may.
    #[error("too many users on this connection: open another one")]
    TooManyUsers,
    /// The connection has as many subscriptions as it may have.
    #[error("too many subscriptions on this connection: ask for many users in one")]
    TooManySubscriptions,
    /// The server has as many endpoints as it may have.
    #[error("too many endpoints are signed in to this server: try again later")]
    FullRegistrar,
    /// The connection has as many dialogs as it may have.
    #[error("too many chat dialogs on this connection")]
    TooManyDialogs,
    /// The store could not take a change.
    #[error("the change could not be stored: try again later")]
    NotStored,
    /// Too many changes wait to be stored.
    #[error("too many changes wait to be stored: try again later")]
    TooBusy,
}

impl Refused {
    /// The status a request is answered with.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::NoSender | Self::OddContact | Self::OddEndpoint => StatusCode::BAD_REQUEST,
            Self::TooBrief => StatusCode::INTERVAL_TOO_BRIEF,
            Self::UnknownUser | Self::NoSuchService => StatusCode::NOT_FOUND,
            Self::NotSignedIn => StatusCode::TEMPORARILY_UNAVAILABLE,
            Self::TooManyDialogs => StatusCode::BUSY_HERE,
            Self::TooManyWrongPasswords | Self::FullRegistrar | Self::NotStored | Self::TooBusy => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::FORBIDDEN,
        }
    }

    fn id(self) -> u16 {
        match self {
            Self::Unproved => 60_001,
            Self::NotInCertificate => 60_002,
            Self::NoSender => 60_003,
            Self::AnotherAccount => 60_004,
            Self::TooManyWrongPasswords => 60_005,
            Self::NotAGruu => 60_010,
            Self::UnknownApplication => 60_011,
            Self::ForeignGruu => 60_012,
            Self::UserNotAllowed => 60_013,
            Self::UnknownUser => 60_020,
            Self::DisabledUser => 60_021,
            Self::ContactObject => 60_022,
            Self::NoSuchService => 60_030,
            Self::TooManyDialogs => 60_031,
            Self::NotSignedIn => 60_032,
            Self::NotStored => 60_040,
            Self::TooBusy => 60_041,
            Self::OddContact => 60_050,
            Self::OddEndpoint => 60_051,
            Self::TooBrief => 60_052,
            Self::TooManyEndpoints => 60_053,
            Self::TooManyUsers => 60_054,
            Self::FullRegistrar => 60_055,
            Self::TooManySubscriptions => 60_056,
        }
    }

    /// The value of `ms-diagnostics-public`: of a 403 a real client shows this reason only (real-client 3.1).
    pub(crate) fn public_header(self) -> String {
        format!("{};reason=\"{self}\"", self.id())
    }

    /// The value of `ms-diagnostics`.
    pub(crate) fn header(self, source: &str) -> String {
        format!("{};reason=\"{self}\";source=\"{source}\"", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_as_the_original_writes_it() {
        assert_eq!(
            Refused::ContactObject.header("chat.example.com"),
            "60022;reason=\"persistent chat refuses contact objects: use the address of a user\";\
             source=\"chat.example.com\""
        );
    }
}
