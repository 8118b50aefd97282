//! What becomes of one request. Refusals are short and say to the sender what it can do; whoever has not proved itself
//! learns nothing else.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use parlor_bot::{Signature, WebhookRequest, WebhookSpec};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::proof::{self, Unproved};
use super::refusal::{KEY, Refusal, answer, refused};
use super::{Hook, Hooks, Webhooks, peer};
use crate::events::HostEvent;
use crate::fault::Point;
use crate::ground::{Ground, reason};
use crate::state::{KnownBy, NewInput, NewRequest, Taken};
use crate::worker::Accepted;

/// How long a body may take: a megabyte on a slow line.
const BODY_TIME: Duration = Duration::from_secs(20);
/// How long the commit may take. A sender that waits longer tries again anyway, and its key keeps that from doing harm.
const COMMIT_TIME: Duration = Duration::from_secs(10);
/// Bytes of a digest that tell bodies apart within minutes: by chance two never agree, and only who knows the secret
/// could make two that do.
const DIGEST: usize = 12;
/// The longest header that is handed to a bot, in bytes; longer ones are cut.
const HANDED_OVER: usize = 1024;

/// Answers requests.
#[derive(Debug)]
pub(super) struct Intake {
    hooks: Hooks,
    ground: Ground,
    config: Arc<Webhooks>,
    /// Whether it was said that a proxy is not configured.
    proxy_told: AtomicBool,
}

/// What became of a request that was taken.
#[derive(Debug)]
enum Outcome {
    Accepted(String),
    Repeated(String),
}

impl Intake {
    pub(super) fn new(hooks: Hooks, ground: Ground, config: Arc<Webhooks>) -> Self {
        Self {
            hooks,
            ground,
            config,
            proxy_told: AtomicBool::new(false),
        }
    }

    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        connected: IpAddr,
    ) -> Response<Full<Bytes>> {
        let from = peer::sender(connected, request.headers(), &self.config.proxies);
        if from == connected && request.headers().contains_key("x-forwarded-for") {
            self.tell_of_proxy(connected);
        }
        let (name, token) = match address(request.uri().path()) {
            Some((name, token)) => (name.to_owned(), token.map(str::to_owned)),
            None => return refused(&Refusal::Nowhere, None),
        };
        let hook = self.hooks.named(&name);
        let taken = self.take(request, from, hook.as_deref(), token.as_deref()).await;
        match taken {
            Ok(outcome) => accepted(&outcome),
            Err(refusal) => {
                self.note(hook.as_deref(), from, &refusal);
                refused(&refusal, hook.as_deref())
            }
        }
    }

    /// Senders behind a proxy that is not configured are all taken for one.
    fn tell_of_proxy(&self, connected: IpAddr) {
        if !self.proxy_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %connected,
                "a request to a webhook has X-Forwarded-For: if a proxy of yours sent it, name it in [webhooks] proxies"
            );
        }
    }

    async fn take(
        &self,
        request: Request<Incoming>,
        from: IpAddr,
        hook: Option<&Hook>,
        token: Option<&str>,
    ) -> Result<Outcome, Refusal> {
        let hook = hook.ok_or(Refusal::Nowhere)?;
        if let Some(left) = hook.wrong.shut(from, Instant::now()) {
            return Err(Refusal::Shut(left));
        }
        if request.method() != Method::POST {
            return Err(Refusal::Method);
        }
        if !hook.spec.from.is_empty() && !hook.spec.from.iter().any(|network| network.contains(&from)) {
            return Err(Refusal::Forbidden);
        }
        let (head, body) = request.into_parts();
        let presented = presented(&hook.spec.signature, &head.headers, token)?;
        let prove = |body: &[u8]| {
            let now = self.ground.clock.now();
            proof::check(&hook.spec.signature, &hook.secrets, presented, body, now)
        };
        if presented.is_none() || !proof::covers_body(&hook.spec.signature) {
            prove(b"")?;
        }
        let body = self.read(body).await?;
        prove(&body)?;
        hook.count().map_err(Refusal::TooMany)?;
        self.store(hook, &head.headers, &body).await
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let most = self.config.body;
        // Said beforehand, it need not be read to be refused.
        if body.size_hint().lower() > most as u64 {
            return Err(Refusal::TooLong(most));
        }
        match tokio::time::timeout(BODY_TIME, Limited::new(body, most).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLong(most)),
            Ok(Err(_)) => Err(Refusal::Broken),
            Err(_) => Err(Refusal::Late),
        }
    }

    /// Stores a request of a sender who proved itself.
    async fn store(&self, hook: &Hook, headers: &HeaderMap, bytes: &Bytes) -> Result<Outcome, Refusal> {
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let content_type = header("content-type").unwrap_or_default();
        let body = WebhookRequest::read_body(content_type, bytes)?;
        let known_by = known_by(&hook.spec, hook.spec.key.of(header, &body), bytes)?;
        let at = self.ground.clock.millis();
        let (name, id) = (hook.spec.name.as_str().to_owned(), known_by.id(at));
        let cause = known_by.cause(&name, at);
        let title = header("user-agent").unwrap_or_default();
        let title = format!("{} bytes from {title}", bytes.len());
        let event = Accepted::Webhook(WebhookRequest {
            hook: name.clone(),
            id,
            received: self.ground.clock.now(),
            content_type: content_type
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase(),
            headers: hook.spec.handed_over(|name| Some(cut(header(name)?))),
            body,
        });
        let event = serde_json::to_string(&event).map_err(|_| Refusal::NotStored)?;
        let keys = if known_by.is_digest {
            hook.spec.repeat_within
        } else {
            self.ground.tuning.keep_unlisted
        };
        let request = NewRequest {
            hook: name.clone(),
            known_by: known_by.clone(),
            repeats_since: at - i64::try_from(keys.as_millis()).unwrap_or(at),
            input: NewInput {
                instance: hook.instance.clone(),
                source: format!("webhook:{name}"),
                cause: cause.clone(),
                event,
                title: Some(title),
                link: None,
            },
        };
        // Once, without insisting: the sender waits, and is better told now than after a disk was repaired.
        let stored = self.ground.state.accept_request(request, at);
        // Also when the answer comes too late, or nobody waits for it any more: it may be stored yet.
        let _rings = RingsAtTheEnd(hook);
        let taken = match tokio::time::timeout(COMMIT_TIME, stored).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(error)) => {
                let reason = reason(&error);
                tracing::error!(hook = %name, %reason, "a request was not stored");
                self.ground.announcer.tell(HostEvent::StateFailed { reason });
                return Err(Refusal::NotStored);
            }
            Err(_) => return Err(Refusal::NotStored),
        };
        match taken {
            Taken::Accepted => {
                self.ground.faults.pass(Point::Accepted, &cause).await;
                self.tell_taken(hook, &cause, false);
                Ok(Outcome::Accepted(cause))
            }
            Taken::Repeated { first } => {
                let cause = known_by.cause(&name, first);
                self.tell_taken(hook, &cause, true);
                Ok(Outcome::Repeated(cause))
            }
            Taken::Full => Err(Refusal::Full),
        }
    }

    fn tell_taken(&self, hook: &Hook, item: &str, repeated: bool) {
        self.ground.announcer.tell(HostEvent::WebhookTaken {
            instance: hook.instance.clone(),
            hook: hook.spec.name.to_string(),
            item: item.to_owned(),
            repeated,
        });
    }

    /// Counts a refusal. The ledger is not told: whoever likes can send what is refused.
    fn note(&self, hook: Option<&Hook>, from: IpAddr, refusal: &Refusal) {
        if let (Refusal::Unproved(_), Some(hook)) = (refusal, hook) {
            hook.wrong.count(from, Instant::now());
        }
        let name = hook.map(|hook| hook.spec.name.as_str()).unwrap_or_default();
        let tally = self.ground.announcer.tally();
        // The first of each kind is told, and then each thousandth.
        if tally.refused(name, refusal.word()) % 1_000 == 1 {
            tracing::warn!(hook = name, %from, reason = %refusal, "a webhook's request was refused");
            self.ground.announcer.tell(HostEvent::WebhookRefused {
                hook: name.to_owned(),
                from,
                reason: refusal.to_string(),
            });
        }
    }
}

/// Rings the bot however the storing ends. The state works in order, so a bot that looks then sees what was stored.
struct RingsAtTheEnd<'a>(&'a Hook);

impl Drop for RingsAtTheEnd<'_> {
    fn drop(&mut self) {
        // Where another host runs it, that one looks with its next renewal.
        self.0.bells.ring_worker(&self.0.instance);
    }
}

/// The name in an address `/hooks/NAME` or `/hooks/NAME/SECRET`.
fn address(path: &str) -> Option<(&str, Option<&str>)> {
    let rest = path.strip_prefix("/hooks/")?;
    match rest.split_once('/') {
        Some((name, token)) => Some((name, Some(token))),
        None => Some((rest, None)),
    }
}

/// What the sender gives as its proof.
fn presented<'r>(
    signature: &Signature,
    headers: &'r HeaderMap,
    token: Option<&'r str>,
) -> Result<Option<&'r [u8]>, Refusal> {
    match (signature.header(), token) {
        // Twice the same header: which one is meant?
        (Some(name), None) if headers.get_all(name).iter().count() > 1 => {
            Err(Refusal::Unproved(Unproved::Unreadable))
        }
        (Some(name), None) => Ok(headers.get(name).map(HeaderValue::as_bytes)),
        (None, token) => Ok(token.map(str::as_bytes)),
        (Some(_), Some(_)) => Err(Refusal::Nowhere),
    }
}

/// What the request is known by: the sender's key, else its body.
fn known_by(spec: &WebhookSpec, key: Option<String>, body: &[u8]) -> Result<KnownBy, Refusal> {
    if let Some(text) = key {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        return if text.len() <= KEY && printable {
            Ok(KnownBy {
                text,
                is_digest: false,
            })
        } else {
            Err(Refusal::Key)
        };
    }
    let digest = Sha256::digest(body);
    let digits = digest.iter().take(DIGEST).map(|byte| format!("{byte:02x}"));
    let mut text: String = digits.collect();
    if spec.repeat_within.is_zero() {
        // Each is another, also when two come in one millisecond.
        text.push_str(&format!("-{:08x}", fastrand::u32(..)));
    }
    Ok(KnownBy {
        text,
        is_digest: true,
    })
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(HANDED_OVER)]
}

fn accepted(outcome: &Outcome) -> Response<Full<Bytes>> {
    let (status, text) = match outcome {
        Outcome::Accepted(item) => (StatusCode::ACCEPTED, format!("taken as {item}\n")),
        Outcome::Repeated(item) => (StatusCode::OK, format!("taken before as {item}\n")),
    };
    answer(status, text)
}
