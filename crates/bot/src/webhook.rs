//! Webhooks as a bot sees them: whose requests it takes, and what it is handed.

mod body;
mod key;
mod name;
mod signature;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use body::BodyError;
pub use key::{RequestKey, RequestKeyError};
pub use name::{HeaderName, WebhookName, WebhookNameError};
pub use signature::{Signature, SignatureError};

use crate::SecretSource;

/// A webhook that an instance takes requests for: `POST /hooks/NAME` at the host's listener. The host checks who
/// sends, stores the request, and only then answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSpec {
    /// Its name, in the address; unique in the host. What was seen is remembered under it.
    pub name: WebhookName,
    /// How the sender proves itself.
    pub signature: Signature,
    /// What it proves to know: one of these. There are two while one replaces the other.
    pub secrets: Vec<SecretSource>,
    /// Where the sender says which request it is, so that a repeat is known as one.
    pub key: RequestKey,
    /// For how long the same body counts as a repeat when the sender gives no key; zero takes each as another.
    pub repeat_within: Duration,
    /// The headers that are handed over, beside [`WebhookSpec::USUAL_HEADERS`].
    pub headers: Vec<HeaderName>,
    /// At most so many requests a minute; who sends more is asked to come again.
    pub per_minute: u32,
    /// From where requests may come; from anywhere when it is empty.
    pub from: Vec<IpNet>,
}

impl WebhookSpec {
    /// Headers that tell what a request is about, handed over always.
    pub const USUAL_HEADERS: [&'static str; 6] = [
        "user-agent",
        "x-gitea-event",
        "x-github-event",
        "x-gitlab-event",
        "x-gogs-event",
        "x-event-key",
    ];

    /// How long the same body counts as a repeat unless said otherwise: senders that get no answer try again within
    /// seconds or minutes.
    pub const REPEAT_WITHIN: Duration = Duration::from_secs(5 * 60);

    /// Requests a minute unless said otherwise: as many as a bot posts at most, see the host's `bot_rate`.
    pub const PER_MINUTE: u32 = 300;

    /// A webhook with one secret and defaults for the rest.
    pub fn new(name: WebhookName, signature: Signature, secret: SecretSource) -> Self {
        Self {
            name,
            signature,
            secrets: vec![secret],
            key: RequestKey::default(),
            repeat_within: Self::REPEAT_WITHIN,
            headers: Vec::new(),
            per_minute: Self::PER_MINUTE,
            from: Vec::new(),
        }
    }

    /// The headers of a request that are handed over; `header` gives one by its name in lower case.
    pub fn handed_over<'r>(&self, header: impl Fn(&str) -> Option<&'r str>) -> BTreeMap<String, String> {
        let own = self.headers.iter().map(HeaderName::as_str);
        let wanted = Self::USUAL_HEADERS.into_iter().chain(own);
        wanted
            .filter_map(|name| Some((name.to_owned(), header(name)?.to_owned())))
            .collect()
    }
}

/// A request that came in by a webhook, from a sender who proved itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebhookRequest {
    /// The name of the [`WebhookSpec`].
    pub hook: String,
    /// What makes it this one: the sender's key, or a digest of the body with the time.
    pub id: String,
    /// When it came in.
    pub received: DateTime<Utc>,
    /// The media type of the body, without parameters; empty when the sender gave none.
    pub content_type: String,
    /// The headers that the instance asked for, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON as it came; a form as an object of texts (its field `payload`, when that is JSON, instead of
    /// the form); plain text as `{"text": ...}`.
    pub body: Value,
}

impl WebhookRequest {
    /// What `bytes` of this media type are as [`WebhookRequest::body`].
    ///
    /// # Errors
    /// [`BodyError`] for other types, and for what is not of its type.
    pub fn read_body(content_type: &str, bytes: &[u8]) -> Result<Value, BodyError> {
        body::read(content_type, bytes)
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}
