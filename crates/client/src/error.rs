//! What can go wrong for a caller of the SDK, one enum per kind of call.

use std::sync::Arc;

use parlor_net::{CloseCause, ConnectError};
use parlor_sip::{DialogEnd, UriError};
use parlor_xccos::{ErrorCode, Reply, RoomUri};

use crate::room::RoomSummary;
use crate::state::EndpointState;

/// A final SIP answer that refused a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method} was answered with {status} {reason}{}", .diagnostics.as_ref().map(|text| format!(" ({text})")).unwrap_or_default())]
pub struct SipRefusal {
    /// The request that was refused, such as `INVITE`.
    pub method: &'static str,
    /// The status code, 300 to 699.
    pub status: u16,
    /// The reason phrase of the answer.
    pub reason: String,
    /// The text of the `ms-diagnostics` header (facts E6) when there was one.
    pub diagnostics: Option<String>,
}

/// An XCCOS reply that refused a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} (the server said {text})")]
pub struct ChatRefusal {
    /// The meaning, found by token first and number second (facts D).
    pub code: ErrorCode,
    /// The words of the server.
    pub text: String,
}

impl ChatRefusal {
    /// What a reply says against its command; `None` for a success.
    pub(crate) fn of(reply: &Reply) -> Option<Self> {
        reply.error().map(|code| Self {
            code,
            text: reply.text.clone(),
        })
    }
}

/// Settings from which no platform can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// The application id is not of the form `urn:application:NAME`.
    #[error("`{0}` is not an application id: it has the form urn:application:NAME")]
    ApplicationId(String),
    /// The GRUU is not a SIP URI with the `gruu` parameter.
    #[error("`{0}` is not a GRUU: it has the form sip:HOST@DOMAIN;gruu;opaque=srvr:APPLICATION:TOKEN")]
    Gruu(String),
    /// The local name is empty or not a host name.
    #[error("`{0}` is not a fully qualified host name")]
    Fqdn(String),
    /// The operating system has no randomness for tags and jitter.
    #[error("the operating system gave no random bytes")]
    Randomness,
}

/// Why an endpoint or a chat endpoint could not be established, and why a recovery attempt failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EstablishError {
    /// No connection to the proxy.
    #[error("no connection to {host}:{port}")]
    Connect {
        /// The proxy that was called.
        host: String,
        /// Its port.
        port: u16,
        /// What the connection attempt said.
        #[source]
        cause: Arc<ConnectError>,
    },
    /// The connection ended.
    #[error("the connection ended")]
    ConnectionLost(#[source] CloseCause),
    /// The server ended the chat session, or took it for ended.
    #[error("the chat session ended ({0:?})")]
    SessionEnded(DialogEnd),
    /// An address in the settings cannot be put into a SIP message.
    #[error("`{address}` cannot be used as a SIP address")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        #[source]
        cause: UriError,
    },
    /// REGISTER, SUBSCRIBE or INVITE was refused.
    #[error(transparent)]
    Refused(#[from] SipRefusal),
    /// The chat server refused a command of the start-up sequence.
    #[error(transparent)]
    Chat(#[from] ChatRefusal),
    /// The provisioning data names no chat service, and the settings do not either.
    #[error("the server provisions no persistent chat address: name one in the settings")]
    NotProvisioned,
    /// An answer was not what the protocol says.
    #[error("the server's answer to {0} could not be understood")]
    Unintelligible(&'static str),
    /// The server challenged an answer that was made with the password. Nothing is tried again: repeating a wrong
    /// password locks an account.
    #[error("the server does not accept the password of `{name}`")]
    WrongPassword {
        /// The account.
        name: String,
    },
    /// The server asks for a proof in a way that this SDK does not know.
    #[error("the server does not offer to check the password by Digest with SHA-256")]
    NoCommonScheme,
    /// The platform connects without TLS, where a password may be guessed from what is heard.
    #[error("a password is used over TLS only")]
    PasswordNeedsTls,
    /// What the server says about the password is not what a server that knows it would say.
    #[error("the server does not prove that it knows the password")]
    ServerUnproved,
    /// The operating system gave no random bytes for an answer to a challenge.
    #[error("the operating system gave no random bytes")]
    Randomness,
    /// The deadline passed.
    #[error("not established within the deadline")]
    Deadline,
    /// The endpoint is in a state in which it cannot be established.
    #[error("an endpoint that is {0} cannot be established")]
    State(EndpointState),
}

/// Why a request on an established chat endpoint failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The chat server refused the command.
    #[error(transparent)]
    Refused(#[from] ChatRefusal),
    /// The request was refused at SIP level.
    #[error(transparent)]
    Sip(#[from] SipRefusal),
    /// No reply within the deadline.
    #[error("no reply within the deadline")]
    Deadline,
    /// Too many requests wait for a reply.
    #[error("too many requests wait for a reply")]
    TooManyRequests,
    /// The reply does not answer the command.
    #[error("the reply does not answer the command")]
    Unintelligible,
    /// The room is not joined, or no longer.
    #[error("the room is not joined")]
    NotJoined,
    /// The endpoint is terminated, draining, or has no chat session.
    #[error("the endpoint is {0}")]
    State(EndpointState),
    /// The endpoint has no chat session; it was never opened, or it was terminated.
    #[error("the endpoint has no chat session")]
    NoChat,
}

/// Why a room could not be joined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// No room has exactly this name.
    #[error("no room is named `{name}`{}", list(.candidates))]
    NotFound {
        /// What was looked for.
        name: String,
        /// Rooms whose names contain it.
        candidates: Vec<RoomSummary>,
    },
    /// Several rooms have exactly this name.
    #[error("several rooms are named `{name}`{}", list(.candidates))]
    Ambiguous {
        /// What was looked for.
        name: String,
        /// The rooms that carry it.
        candidates: Vec<RoomSummary>,
    },
    /// The room is joined already; one endpoint has one session per room (facts B4).
    #[error("room {0} is joined already")]
    AlreadyJoined(RoomUri),
    /// The server refused this room.
    #[error("room {room} cannot be joined")]
    Refused {
        /// The room.
        room: RoomUri,
        /// The reason when the server gave one.
        #[source]
        cause: Option<ChatRefusal>,
    },
    /// The endpoint has as many rooms as it can hold.
    #[error("the endpoint is in {0} rooms, which is its limit")]
    TooManyRooms(usize),
    /// The request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Why a post did not appear, or is not known to have appeared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// There is nothing to post.
    #[error("the message is empty")]
    Empty,
    /// Longer than the server takes; nothing was sent.
    #[error("the message has {bytes} bytes and the server takes {limit}")]
    TooLong {
        /// Bytes of the text.
        bytes: usize,
        /// The server's limit for this kind of message.
        limit: usize,
    },
    /// Refused at SIP level, such as 403 for a room not joined.
    #[error(transparent)]
    Sip(#[from] SipRefusal),
    /// Refused by the chat server.
    #[error(transparent)]
    Refused(#[from] ChatRefusal),
    /// The deadline passed and nothing was accepted: the post did not appear.
    #[error("the server did not take the message within the deadline")]
    Deadline,
    /// The message went out and no answer came back: it may or may not have appeared. With a post key it is safe to post again.
    #[error("the message was sent, but whether it appeared is unknown")]
    OutcomeUnknown,
    /// Too many posts of this room wait for their echo.
    #[error("too many messages of this room wait for their echo")]
    TooManyPosts,
    /// The room is not joined, or no longer.
    #[error("the room is not joined")]
    NotJoined,
    /// The endpoint is draining, terminating or terminated.
    #[error("the endpoint is {0}")]
    State(EndpointState),
}

/// Why a one-to-one message did not arrive, or is not known to have arrived.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateError {
    /// There is nothing to send.
    #[error("the message is empty")]
    Empty,
    /// Longer than an endpoint takes; nothing was sent.
    #[error("the message has {bytes} bytes and one may have {limit}")]
    TooLong {
        /// Bytes of the text.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The server or the other endpoint refused it: 404 for an unknown user, 480 for one who is not signed in.
    #[error(transparent)]
    Refused(#[from] SipRefusal),
    /// The conversation could not be opened because the server wants a proof that it does not get.
    #[error("the server does not let this endpoint call")]
    SignIn(#[source] EstablishError),
    /// The deadline passed before it was sent.
    #[error("nobody took the message within the deadline")]
    Deadline,
    /// It went out and no answer came back: it may or may not have arrived.
    #[error("the message was sent, but whether it arrived is unknown")]
    OutcomeUnknown,
    /// Too many messages are on their way.
    #[error("too many messages are on their way")]
    TooManyMessages,
    /// The endpoint is not established, draining, terminating or terminated.
    #[error("the endpoint is {0}")]
    State(EndpointState),
}

impl PrivateError {
    /// Whether sending the same message again cannot help. Somebody who is not there (480) may come back.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Empty | Self::TooLong { .. } => true,
            Self::Refused(refusal) => refusal.is_permanent(),
            Self::SignIn(error) => error.is_permanent(),
            _ => false,
        }
    }
}

impl EstablishError {
    /// Whether trying again cannot help until somebody changes a password, the settings or what the user may do (403, as a
    /// disabled user gets it); an endpoint that recovers ends with such an error.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::WrongPassword { .. }
            | Self::NoCommonScheme
            | Self::PasswordNeedsTls
            | Self::ServerUnproved => true,
            Self::Refused(refusal) => refusal.status == 403,
            _ => false,
        }
    }
}

impl PostError {
    /// Whether posting the same message again cannot help.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Empty | Self::TooLong { .. } => true,
            Self::Sip(refusal) => refusal.is_permanent(),
            Self::Refused(refusal) => refusal.is_permanent(),
            _ => false,
        }
    }
}

impl JoinError {
    /// Whether trying again cannot help until somebody changes the room, its members or the settings.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::AlreadyJoined(_)
            | Self::TooManyRooms(_) => true,
            Self::Refused { cause, .. } => cause.as_ref().is_none_or(ChatRefusal::is_permanent),
            Self::Request(RequestError::Refused(refusal)) => refusal.is_permanent(),
            Self::Request(RequestError::Sip(refusal)) => refusal.is_permanent(),
            Self::Request(_) => false,
        }
    }
}

impl ChatRefusal {
    /// Whether the server will say the same again.
    pub fn is_permanent(&self) -> bool {
        !matches!(
            self.code,
            ErrorCode::DatabaseConnection | ErrorCode::ServerError | ErrorCode::DataCollision
        )
    }
}

impl SipRefusal {
    /// Whether the server will say the same again: a refusal of this request (4xx and 6xx), with the exceptions that
    /// mean "not now".
    pub fn is_permanent(&self) -> bool {
        !matches!(self.status, 408 | 430 | 480 | 481 | 486 | 487 | 491 | 500..=599)
    }
}

fn list(candidates: &[RoomSummary]) -> String {
    if candidates.is_empty() {
        return String::new();
    }
    let names: Vec<_> = candidates
        .iter()
        .map(|room| format!("{} ({})", room.name, room.uri))
        .collect();
    format!("; there is {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use parlor_xccos::{ErrorCode, RoomId, RoomUri};

    use super::{
        ChatRefusal, EstablishError, JoinError, PlatformError, PostError, PrivateError, RequestError,
        SipRefusal,
    };
    use crate::state::EndpointState;

    fn refused(code: ErrorCode) -> ChatRefusal {
        ChatRefusal {
            code,
            text: code.token().to_owned(),
        }
    }

    fn sip(status: u16) -> SipRefusal {
        SipRefusal {
            method: "INFO",
            status,
            reason: "No".to_owned(),
            diagnostics: None,
        }
    }

    #[test]
    fn errors_say_what_happened_and_what_helps() {
        let texts = [
            PlatformError::ApplicationId("bots".to_owned()).to_string(),
            PlatformError::Gruu("sip:x".to_owned()).to_string(),
            EstablishError::NotProvisioned.to_string(),
            EstablishError::State(EndpointState::Draining).to_string(),
            EstablishError::WrongPassword {
                name: "alice".to_owned(),
            }
            .to_string(),
            RequestError::Refused(refused(ErrorCode::Permission)).to_string(),
            JoinError::NotFound {
                name: "News".to_owned(),
                candidates: Vec::new(),
            }
            .to_string(),
            PostError::TooLong { bytes: 9, limit: 8 }.to_string(),
            PostError::OutcomeUnknown.to_string(),
            PrivateError::TooLong { bytes: 9, limit: 8 }.to_string(),
            PostError::Sip(SipRefusal {
                diagnostics: Some("4000".to_owned()),
                ..sip(403)
            })
            .to_string(),
        ];
        // Programs written against the original look for "to perform" in a refusal (facts D).
        assert_eq!(
            texts,
            [
                "`bots` is not an application id: it has the form urn:application:NAME",
                "`sip:x` is not a GRUU: it has the form sip:HOST@DOMAIN;gruu;opaque=srvr:APPLICATION:TOKEN",
                "the server provisions no persistent chat address: name one in the settings",
                "an endpoint that is draining cannot be established",
                "the server does not accept the password of `alice`",
                "the user is not authorized to perform this operation (the server said ERROR_PERMISSION)",
                "no room is named `News`",
                "the message has 9 bytes and the server takes 8",
                "the message was sent, but whether it appeared is unknown",
                "the message has 9 bytes and one may have 8",
                "INFO was answered with 403 No (4000)",
            ]
        );
    }

    #[test]
    fn what_may_pass_by_itself_is_not_permanent() {
        let room = RoomUri::new("example.com", RoomId::from_bytes([1; 16])).expect("a room");
        for permanent in [
            PostError::Empty,
            PostError::TooLong { bytes: 2, limit: 1 },
            PostError::Sip(sip(403)),
            PostError::Refused(refused(ErrorCode::Permission)),
        ] {
            assert!(permanent.is_permanent(), "{permanent}");
        }
        for passing in [
            PostError::Deadline,
            PostError::OutcomeUnknown,
            PostError::NotJoined,
            PostError::Sip(sip(503)),
            PostError::Sip(sip(481)),
            PostError::Refused(refused(ErrorCode::DatabaseConnection)),
            PostError::State(EndpointState::Terminated),
        ] {
            assert!(!passing.is_permanent(), "{passing}");
        }
        assert!(EstablishError::Refused(sip(403)).is_permanent());
        assert!(
            !EstablishError::Refused(sip(404)).is_permanent(),
            "a user may be added"
        );
        assert!(PrivateError::Refused(sip(404)).is_permanent());
        assert!(!PrivateError::Refused(sip(480)).is_permanent());
        assert!(JoinError::AlreadyJoined(room.clone()).is_permanent());
        assert!(
            JoinError::Refused {
                room: room.clone(),
                cause: None
            }
            .is_permanent()
        );
        let down = Some(refused(ErrorCode::DatabaseConnection));
        assert!(!JoinError::Refused { room, cause: down }.is_permanent());
        assert!(!JoinError::Request(RequestError::Deadline).is_permanent());
    }
}
