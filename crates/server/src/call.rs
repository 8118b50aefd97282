//! One-to-one calls between users: what the two sessions of a call tell each other. Each side has a dialog of its own
//! with its client; what is said in one is said again in the other (a back-to-back user agent), so that signatures,
//! sequence numbers and routes stay each connection's business.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parlor_sip::{Headers, Method, NameAddr, ServerTransactionId, StatusCode, Uri};
use parlor_xccos::SipUri;

use crate::mailbox::{Mail, Mailbox};

/// One side of a call, by a number that no other side has in this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LegId(u64);

impl LegId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A side of a call and how to reach it.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) mailbox: Mailbox,
}

impl Leg {
    /// Tells this side something; false when it is gone.
    pub(crate) fn tell(&self, saying: Saying) -> bool {
        self.mailbox.post(Mail::Call(CallMail { to: self.id, saying }))
    }
}

/// Something said to one side of a call.
#[derive(Debug)]
pub(crate) struct CallMail {
    pub(crate) to: LegId,
    pub(crate) saying: Saying,
}

/// What one side of a call tells the other.
#[derive(Debug)]
pub(crate) enum Saying {
    /// Somebody calls an endpoint of this session.
    Invite(Box<Invitation>),
    /// The called endpoint rings.
    Provisional { status: StatusCode },
    /// The called endpoint took the call.
    Answered { by: Leg, content: Content },
    /// The called endpoint did not take the call.
    Refused {
        by: LegId,
        status: StatusCode,
        content: Content,
    },
    /// A request in the call.
    Request {
        /// The sender's transaction; comes back with the answer.
        transaction: ServerTransactionId,
        method: Method,
        content: Content,
    },
    /// The answer to a request in the call.
    Response {
        transaction: ServerTransactionId,
        status: StatusCode,
        content: Content,
    },
    /// The other side is gone, or gave up.
    Hangup,
}

/// A call to one endpoint.
#[derive(Debug)]
pub(crate) struct Invitation {
    pub(crate) caller: Leg,
    /// The caller's From without its tag.
    pub(crate) from: NameAddr,
    pub(crate) to: SipUri,
    /// The called endpoint.
    pub(crate) contact: Uri,
    pub(crate) content: Content,
}

/// What of a message is the users' and goes through as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) media_type: Option<String>,
    pub(crate) body: Bytes,
}

/// Headers that mean something to the other client. Everything about routes, identity, signatures and the connection
/// stays on its own side.
const PASSED: &[&str] = &[
    "ms-text-format",
    "ms-conversation-id",
    "ms-sensitivity",
    "ms-im-format",
    "ms-body",
    "roster-manager",
    "endpoints",
    "triggeredinvite",
    "subject",
    "content-disposition",
    "message-expires",
    "reason",
    "warning",
    "retry-after",
    "ms-diagnostics",
];
/// Options of Supported that say how a text comes; what concerns dialogs is each side's own.
const PASSED_OPTIONS: &[&str] = &[
    "ms-text-format",
    "ms-sender",
    "ms-delayed-accept",
    "ms-early-media",
    "com.microsoft.rtc-multiparty",
];

impl Content {
    pub(crate) fn of(headers: &Headers, media_type: Option<&str>, body: &Bytes) -> Self {
        let mut passed: Vec<(String, String)> = headers
            .iter()
            .filter(|(name, _)| PASSED.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for value in headers.all(parlor_sip::Name::Supported) {
            for option in value.split(',').map(str::trim) {
                if PASSED_OPTIONS
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(option))
                {
                    passed.push(("Supported".to_owned(), option.to_owned()));
                }
            }
        }
        Self {
            headers: passed,
            media_type: media_type.map(str::to_owned),
            body: body.clone(),
        }
    }
}
