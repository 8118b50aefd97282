//! Requests on connections in memory, into a state file on disk.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parlor_bot::{SecretSource, WebhookName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::intake::Intake;
use super::listener::{HEAD, HEAD_TIME, HEADERS, answer};
use super::*;
use crate::clock::Clock;
use crate::config::Tuning;
use crate::desk::Bells;
use crate::events::{Announcer, HostEvent};
use crate::fault::Faults;
use crate::ground::Ground;
use crate::ledger::LedgerQuery;
use crate::state::{InboxRow, KnownBy, NewInput, NewRequest, State, WAITING_REQUESTS};

const SECRET: &str = "sixteen bytes at least";
const SENDER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// A state file, and a bot `relay` with one webhook `ci` that takes a bearer token.
struct Bench {
    folder: TempDir,
    state: State,
    announcer: Announcer,
    spec: WebhookSpec,
    config: Webhooks,
    now: DateTime<Utc>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, SECRET).unwrap();
        let name: WebhookName = "ci".parse().unwrap();
        let mut config = Webhooks::new(([127, 0, 0, 1], 0).into());
        config.body = 2000;
        Self {
            state: State::open(folder.path().join("host.db")).await.unwrap(),
            folder,
            announcer: Announcer::new(),
            spec: WebhookSpec::new(name, "bearer".parse().unwrap(), SecretSource::File(path)),
            config,
            now: "2026-11-21T12:00:00Z".parse().unwrap(),
        }
    }

    fn intake(&self) -> Arc<Intake> {
        let ground = Ground {
            state: self.state.clone(),
            clock: Clock::starting_at(self.now),
            announcer: self.announcer.clone(),
            faults: Faults::none(),
            tuning: Arc::new(Tuning::default()),
            board: Arc::default(),
        };
        let hooks = Hooks::default();
        let hook = ReadyHook::read(self.spec.clone()).unwrap();
        hooks.set([("relay".to_owned(), hook)], &Bells::default());
        Arc::new(Intake::new(hooks, ground, Arc::new(self.config.clone())))
    }

    /// What waits for the bot, one row of its webhook after the other.
    async fn waiting(&self) -> Vec<InboxRow> {
        self.state.inbox_heads("relay".to_owned(), 10).await.unwrap()
    }

    async fn ledger(&self) -> Vec<String> {
        let entries = self.state.ledger(LedgerQuery::default()).await.unwrap();
        entries
            .into_iter()
            .map(|entry| format!("{} {}", entry.status, entry.item))
            .collect()
    }
}

/// Sends bytes on a connection of their own; the answer.
async fn send_from(intake: &Arc<Intake>, from: IpAddr, request: &[u8]) -> String {
    let (mut here, there) = tokio::io::duplex(64 * 1024);
    let answering = tokio::spawn(answer(there, from, Arc::clone(intake)));
    // It may be refused before all of it is read.
    let _ = here.write_all(request).await;
    let mut response = Vec::new();
    here.read_to_end(&mut response).await.unwrap();
    answering.await.unwrap();
    String::from_utf8(response).unwrap()
}

async fn send(intake: &Arc<Intake>, request: &str) -> String {
    send_from(intake, SENDER, request.as_bytes()).await
}

/// A request to `path` with this body; `headers` are whole lines.
fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

/// The same to the webhook `ci`, by somebody who knows the secret.
fn proven(headers: &str, body: &str) -> String {
    let headers = format!("Authorization: Bearer {SECRET}\r\n{headers}");
    post("/hooks/ci", &headers, body)
}

fn status(response: &str) -> u16 {
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {response:?}"))
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").unwrap().1
}

fn header<'r>(response: &'r str, name: &str) -> Option<&'r str> {
    let mut lines = response.split("\r\n\r\n").next()?.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn what_is_taken_is_stored_before_the_answer_and_repeats_are_known() {
    let bench = Bench::new().await;
    let intake = bench.intake();
    let headers = "Idempotency-Key: 42\r\nUser-Agent: curl/8\r\nX-Other: no\r\n";
    let request = proven(headers, r#"{"text": "hi"}"#);
    let taken = send(&intake, &request).await;
    assert_eq!((status(&taken), body(&taken)), (202, "taken as webhook:ci:42\n"));
    let again = send(&intake, &request).await;
    assert_eq!(
        (status(&again), body(&again)),
        (200, "taken before as webhook:ci:42\n")
    );

    // Nothing of what was acknowledged depends on this process.
    bench.state.close().await;
    let state = State::open(bench.folder.path().join("host.db")).await.unwrap();
    let bench = Bench { state, ..bench };
    let waiting = bench.waiting().await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].source.as_str(), waiting[0].cause.as_str()),
        ("webhook:ci", "webhook:ci:42")
    );
    let mut event: serde_json::Value = serde_json::from_str(&waiting[0].event).unwrap();
    let received = event["webhook"]
        .as_object_mut()
        .unwrap()
        .remove("received")
        .unwrap();
    assert!(
        received.as_str().unwrap().starts_with("2026-11-21T12:00:0"),
        "{received}"
    );
    assert_eq!(
        event["webhook"],
        serde_json::json!({
            "hook": "ci", "id": "42", "content_type": "",
            "headers": {"user-agent": "curl/8"}, "body": {"text": "hi"},
        })
    );
    assert!(!waiting[0].event.contains(SECRET));
    assert_eq!(
        status(&send(&bench.intake(), &request).await),
        200,
        "also after a restart"
    );
    let seen = [
        "seen webhook:ci:42",
        "filtered webhook:ci:42",
        "filtered webhook:ci:42",
    ];
    assert_eq!(bench.ledger().await, seen);
}

#[tokio::test]
async fn without_a_key_the_same_body_is_a_repeat_for_a_while() {
    let mut bench = Bench::new().await;
    let request = proven("", "{}");
    let first = send(&bench.intake(), &request).await;
    let item = body(&first).trim().trim_start_matches("taken as ").to_owned();
    let (digest, at) = item.rsplit_once('-').unwrap();
    assert_eq!(digest.len(), "webhook:ci:".len() + 24);
    assert!(at.starts_with("17952624"), "milliseconds of the time: {at}");
    // The clock goes on while the test does.
    bench.now += bench.spec.repeat_within - Duration::from_secs(30);
    let again = send(&bench.intake(), &request).await;
    assert_eq!(
        (status(&again), body(&again)),
        (200, &*format!("taken before as {item}\n"))
    );
    assert_eq!(status(&send(&bench.intake(), &proven("", "{ }")).await), 202);
    bench.now += Duration::from_secs(31);
    let later = send(&bench.intake(), &request).await;
    assert_eq!(status(&later), 202, "by then it means something else");
    assert!(
        !body(&later).contains(&item),
        "and has a name of its own: {later}"
    );
    bench.spec.repeat_within = Duration::ZERO;
    for _ in 0..3 {
        assert_eq!(
            status(&send(&bench.intake(), &request).await),
            202,
            "each is another"
        );
    }
    assert_eq!(bench.ledger().await.len(), 1 + 1 + 1 + 1 + 3);
}

#[tokio::test]
async fn refusals_say_why_and_leave_no_trace() {
    let mut bench = Bench::new().await;
    bench.spec.headers = Vec::new();
    let long = "x".repeat(2001);
    let key = "k".repeat(201);
    let chunked = format!(
        "POST /hooks/ci HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nTransfer-Encoding: chunked\r\n\r\n\
         7d1\r\n{long}\r\n0\r\n\r\n"
    );
    let announced = format!(
        "POST /hooks/ci HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: 99999999\r\n\r\n"
    );
    let cases = [
        (post("/", "", "{}"), 404, "there is nothing here"),
        (post("/hooks/cd", "", "{}"), 404, "there is nothing here"),
        (post("/hooks/ci/x", "", "{}"), 404, "there is nothing here"),
        (proven("", "{}").replace("POST", "GET"), 405, "only POST"),
        (post("/hooks/ci", "", "{}"), 401, "no signature"),
        (
            post("/hooks/ci", "Authorization: Bearer x\r\n", "{}"),
            401,
            "the signature is wrong",
        ),
        (
            proven(&format!("Authorization: Bearer {SECRET}\r\n"), "{}"),
            401,
            "not of the form",
        ),
        (proven("", &long), 413, "longer than 2000 bytes"),
        (chunked, 413, "longer than 2000 bytes"),
        (announced, 413, "longer than 2000 bytes"),
        (proven("Content-Type: image/png\r\n", "x"), 415, "image/png"),
        (proven("", "{"), 400, "not JSON"),
        (
            proven(&format!("Idempotency-Key: {key}\r\n"), "{}"),
            400,
            "the key is longer",
        ),
    ];
    for (request, expected, reason) in &cases {
        let response = send(&bench.intake(), request).await;
        assert_eq!(status(&response), *expected, "{request}");
        assert!(body(&response).contains(reason), "{response}");
        assert!(body(&response).len() < 200);
    }
    let method = send(&bench.intake(), &cases[3].0).await;
    assert_eq!(header(&method, "allow"), Some("POST"));
    let unproved = send(&bench.intake(), &cases[4].0).await;
    assert_eq!(header(&unproved, "www-authenticate"), Some("Bearer"));
    assert!(bench.waiting().await.is_empty() && bench.ledger().await.is_empty());
    let counted = bench.announcer.tally().counted();
    assert_eq!(counted.webhooks["ci"].refused["too_long"], 3);
    assert_eq!(
        counted.webhooks[""].refused["unknown"], 1,
        "a stranger's path is not even that"
    );
}

#[tokio::test]
async fn signatures_over_the_body_are_checked_after_it_was_read() {
    let mut bench = Bench::new().await;
    bench.spec.signature = "github".parse().unwrap();
    std::fs::write(bench.folder.path().join("secret"), "It's a Secret to Everybody\n").unwrap();
    // GitHub's example.
    let signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let headers = format!("X-Hub-Signature-256: sha256={signature}\r\nContent-Type: text/plain\r\n");
    let request = post("/hooks/ci", &headers, "Hello, World!");
    assert_eq!(status(&send(&bench.intake(), &request).await), 202);
    let other = post("/hooks/ci", &headers, "Hello, World?");
    assert_eq!(status(&send(&bench.intake(), &other).await), 401);
    assert_eq!(bench.waiting().await.len(), 1);
}

#[tokio::test]
async fn a_secret_may_be_in_the_address_and_be_replaced() {
    let mut bench = Bench::new().await;
    bench.spec.signature = "path".parse().unwrap();
    let new = bench.folder.path().join("new");
    std::fs::write(&new, "another secret of some length\n").unwrap();
    bench.spec.secrets.insert(0, SecretSource::File(new));
    for (path, expected) in [
        ("/hooks/ci/another%20secret", 401),
        ("/hooks/ci", 401),
        ("/hooks/ci/", 401),
    ] {
        assert_eq!(
            status(&send(&bench.intake(), &post(path, "", "{}")).await),
            expected,
            "{path}"
        );
    }
    std::fs::write(bench.folder.path().join("secret"), "old-secret-without-spaces").unwrap();
    let old = post("/hooks/ci/old-secret-without-spaces", "", "{}");
    assert_eq!(status(&send(&bench.intake(), &old).await), 202);
}

#[tokio::test]
async fn only_listed_networks_may_send_also_behind_a_proxy() {
    let mut bench = Bench::new().await;
    bench.spec.from = vec!["198.51.100.0/24".parse().unwrap()];
    bench.config.proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let intake = bench.intake();
    let forwarded = proven("X-Forwarded-For: 198.51.100.9\r\n", "{}");
    assert_eq!(
        status(&send(&intake, &forwarded).await),
        403,
        "not one of our proxies"
    );
    let proxy = IpAddr::from([127, 0, 0, 1]);
    assert_eq!(
        status(&send_from(&intake, proxy, forwarded.as_bytes()).await),
        202
    );
}

#[tokio::test]
async fn who_sends_wrong_signatures_is_shut_out_for_a_while() {
    let bench = Bench::new().await;
    let intake = bench.intake();
    let wrong = post("/hooks/ci", "Authorization: Bearer x\r\n", "{}");
    for _ in 0..20 {
        assert_eq!(status(&send(&intake, &wrong).await), 401);
    }
    let shut = send(&intake, &proven("", "{}")).await;
    assert_eq!(status(&shut), 429);
    let wait: u64 = header(&shut, "retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let nowhere = send(&intake, &post("/hooks/cd", "", "{}")).await;
    assert_eq!(status(&nowhere), 404, "only there");
    let other = IpAddr::from([192, 0, 2, 8]);
    assert_eq!(
        status(&send_from(&intake, other, proven("", "{}").as_bytes()).await),
        202
    );
}

#[tokio::test]
async fn too_many_requests_are_asked_to_come_again() {
    let mut bench = Bench::new().await;
    bench.spec.per_minute = 2;
    let intake = bench.intake();
    for (key, expected) in [(1, 202), (2, 202), (3, 429)] {
        let response = send(&intake, &proven(&format!("Idempotency-Key: {key}\r\n"), "{}")).await;
        assert_eq!(status(&response), expected);
        assert_eq!(header(&response, "retry-after").is_some(), expected == 429);
    }
    assert_eq!(bench.ledger().await.len(), 2);
}

#[tokio::test]
async fn what_a_bot_cannot_keep_up_with_is_not_taken() {
    let bench = Bench::new().await;
    let filling = (0..WAITING_REQUESTS).map(|number| {
        let request = NewRequest {
            hook: "ci".to_owned(),
            known_by: KnownBy {
                text: number.to_string(),
                is_digest: false,
            },
            repeats_since: 0,
            input: NewInput {
                instance: "relay".to_owned(),
                source: "webhook:ci".to_owned(),
                cause: format!("webhook:ci:{number}"),
                event: "{}".to_owned(),
                title: None,
                link: None,
            },
        };
        let (state, at) = (bench.state.clone(), bench.now.timestamp_millis());
        tokio::spawn(async move { state.accept_request(request, at).await.unwrap() })
    });
    for filled in filling.collect::<Vec<_>>() {
        assert_eq!(filled.await.unwrap(), crate::state::Taken::Accepted);
    }
    let full = send(&bench.intake(), &proven("", "{}")).await;
    assert_eq!((status(&full), header(&full, "retry-after")), (503, Some("31")));
    let known = send(&bench.intake(), &proven("Idempotency-Key: 7\r\n", "{}")).await;
    assert_eq!(status(&known), 200, "a repeat needs no room");
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_acknowledged() {
    let bench = Bench::new().await;
    let mut events = bench.announcer.listen();
    bench.state.close().await;
    let response = send(&bench.intake(), &proven("", "{}")).await;
    assert_eq!(
        (status(&response), header(&response, "retry-after")),
        (503, Some("31"))
    );
    let told = events.next().await.unwrap();
    assert!(matches!(told, HostEvent::StateFailed { .. }), "{told:?}");
}

#[tokio::test]
async fn heads_have_limits() {
    let bench = Bench::new().await;
    let long = format!("X-Long: {}\r\n", "x".repeat(HEAD));
    let response = send(&bench.intake(), &proven(&long, "{}")).await;
    assert_eq!(status(&response), 431);
    let many: String = (0..HEADERS).map(|number| format!("X-{number}: x\r\n")).collect();
    let response = send(&bench.intake(), &proven(&many, "{}")).await;
    assert_eq!(status(&response), 431);
    assert!(bench.waiting().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn slow_senders_are_not_waited_for() {
    let bench = Bench::new().await;
    let intake = bench.intake();
    let (mut here, there) = tokio::io::duplex(1024);
    let answering = tokio::spawn(answer(there, SENDER, Arc::clone(&intake)));
    let start = Instant::now();
    here.write_all(b"POST /hooks/ci HTTP/1.1\r\nHost: ")
        .await
        .unwrap();
    answering.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), HEAD_TIME.as_secs());

    let (mut here, there) = tokio::io::duplex(1024);
    let answering = tokio::spawn(answer(there, SENDER, intake));
    let start = Instant::now();
    let request = proven("", "{}");
    here.write_all(&request.as_bytes()[..request.len() - 1])
        .await
        .unwrap();
    let mut response = String::new();
    here.read_to_string(&mut response).await.unwrap();
    assert_eq!((status(&response), start.elapsed().as_secs()), (408, 20));
    answering.await.unwrap();
}
