//! Looks at feeds on loopback servers that are there, break, go away and come back.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use parlor_bot::{FeedSpec, FirstRun};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::Clock;
use crate::config::Tuning;
use crate::events::{Announcer, HostEvents};
use crate::fault::Faults;
use crate::feeds::Roots;
use crate::state::State;

/// A web server whose answers a test changes while it runs.
#[derive(Clone)]
struct Site {
    address: SocketAddr,
    answers: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let site = Self {
            address: listener.local_addr().unwrap(),
            answers: Arc::default(),
            asked: Arc::default(),
        };
        let serving = site.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let site = serving.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8(head).unwrap();
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    let answer = site.answers.lock().unwrap().get(&path).cloned();
                    site.asked.lock().unwrap().push(head);
                    let answer = answer.unwrap_or_else(|| reply("404 Not Found", "", ""));
                    let _gone = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        site
    }

    fn says(&self, path: &str, answer: String) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn asked(&self, path: &str) -> usize {
        let wanted = format!("GET {path} ");
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|head| head.starts_with(&wanted))
            .count()
    }

    fn url(&self, path: &str) -> FeedUrl {
        format!("http://{}{path}", self.address).parse().unwrap()
    }
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A feed with an item for each title.
fn rss(titles: &[&str]) -> String {
    let items: String = titles
        .iter()
        .map(|title| format!("<item><guid>{title}</guid><title>{title}</title></item>"))
        .collect();
    let feed = format!("<rss version='2.0'><channel><title>News</title>{items}</channel></rss>");
    reply("200 OK", "", &feed)
}

/// A state file, and the pollers that one after the other work on it.
struct Bench {
    folder: TempDir,
}

struct Running {
    ground: Ground,
    events: HostEvents,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn start(&self, specs: Vec<(&str, FeedSpec)>) -> Running {
        let state = State::open(self.folder.path().join("host.db")).await.unwrap();
        let ground = Ground {
            state,
            clock: Clock::System,
            announcer: Announcer::new(),
            faults: Faults::none(),
            tuning: Arc::new(Tuning::default()),
            board: Arc::default(),
        };
        let operators = Operators {
            user: "sip:bot@example.com".parse().unwrap(),
            room: "ops".to_owned(),
            shown: "Ops".to_owned(),
            bell: Arc::default(),
        };
        let subscriber = |(instance, spec): (&str, FeedSpec)| Subscriber {
            instance: instance.to_owned(),
            spec,
            bell: Arc::default(),
            operators: Some(operators.clone()),
            since: Utc::now(),
        };
        let (events, stop) = (ground.announcer.listen(), CancellationToken::new());
        let fetcher = Fetcher::new("parlor-test/1", &Roots::default());
        let poller = Poller::new(
            ground.clone(),
            fetcher,
            stop.clone(),
            specs.into_iter().map(subscriber).collect(),
        );
        let task = tokio::spawn(poller.run());
        Running {
            ground,
            events,
            stop,
            task,
        }
    }
}

impl Running {
    /// Waits for an event; far longer than anything here takes, so that a test that would hang says where.
    async fn until(&mut self, wanted: impl Fn(&HostEvent) -> bool) -> HostEvent {
        let found = async {
            loop {
                let event = self.events.next().await.unwrap();
                if wanted(&event) {
                    return event;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), found)
            .await
            .expect("the event comes")
    }

    async fn fetched(&mut self) -> usize {
        match self
            .until(|event| matches!(event, HostEvent::FeedFetched { .. }))
            .await
        {
            HostEvent::FeedFetched { new, .. } => new,
            other => panic!("{other:?}"),
        }
    }

    /// What operators were told.
    async fn notices(&self) -> Vec<String> {
        let rows = self
            .ground
            .state
            .waiting("sip:bot@example.com".into(), "ops".into(), Vec::new(), 100);
        let text = |body: &str| {
            let message: parlor_bot::Message = serde_json::from_str(body).unwrap();
            message.display_text()
        };
        rows.await.unwrap().iter().map(|row| text(&row.body)).collect()
    }

    async fn causes(&self, instance: &str) -> Vec<String> {
        let heads = self.ground.state.inbox_heads(instance.into(), 100).await.unwrap();
        heads.into_iter().map(|row| row.cause).collect()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.ground.state.close().await;
    }
}

/// A feed on loopback that is looked at every 20 ms.
fn spec(url: FeedUrl, id: &str) -> FeedSpec {
    let mut spec = FeedSpec::new(url);
    spec.id = id.to_owned();
    spec.every = Duration::from_millis(20);
    spec.first_run = FirstRun::Last(10);
    spec.allow_private = true;
    spec
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_is_fetched_once_for_all_who_want_it_and_once_for_equal_addresses() {
    let site = Site::start().await;
    site.says("/a~", rss(&["one"]));
    let slow = |url: FeedUrl, id: &str| FeedSpec {
        every: Duration::from_secs(3600),
        ..spec(url, id)
    };
    let equal: FeedUrl = format!("HTTP://{}/x/../a%7e?#top", site.address).parse().unwrap();
    let bench = Bench::new();
    let mut running = bench
        .start(vec![
            ("news", slow(site.url("/a~"), "a")),
            ("news", slow(equal, "b")),
            ("ops", slow(site.url("/a~"), "a")),
        ])
        .await;
    assert_eq!(running.fetched().await, 3);
    assert_eq!(site.asked("/a~"), 1);
    assert_eq!(running.causes("news").await, ["feed:a:one", "feed:b:one"]);
    assert_eq!(running.causes("ops").await, ["feed:a:one"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_fails_is_told_once_and_so_is_its_recovery() {
    let site = Site::start().await;
    let bench = Bench::new();
    let mut running = bench
        .start(vec![("news", spec(site.url("/f?token=x"), "f"))])
        .await;
    for _ in 0..5 {
        running
            .until(|event| matches!(event, HostEvent::FeedFailed { .. }))
            .await;
    }
    let address = format!("Feed `f` (http://{}/f?…)", site.address);
    let failing =
        format!("{address} cannot be read, 3 times in a row: the server answered 404. Wanted by: news.");
    assert_eq!(running.notices().await, std::slice::from_ref(&failing));
    running.stop().await;

    let mut running = bench
        .start(vec![("news", spec(site.url("/f?token=x"), "f"))])
        .await;
    for _ in 0..4 {
        running
            .until(|event| matches!(event, HostEvent::FeedFailed { .. }))
            .await;
    }
    site.says("/f?token=x", rss(&["one"]));
    running
        .until(|event| matches!(event, HostEvent::FeedRecovered { .. }))
        .await;
    let notices = running.notices().await;
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert_eq!(notices[0], failing);
    assert!(
        notices[1].starts_with(&format!("{address} can be read again, after ")),
        "{notices:?}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_is_gone_is_not_asked_again_until_a_restart() {
    let site = Site::start().await;
    site.says("/gone", reply("410 Gone", "", ""));
    site.says("/here", rss(&["one"]));
    let specs = || {
        vec![
            ("news", spec(site.url("/gone"), "gone")),
            ("news", spec(site.url("/here"), "here")),
        ]
    };
    let bench = Bench::new();
    for start in 1..=2 {
        let mut running = bench.start(specs()).await;
        running
            .until(|event| matches!(event, HostEvent::FeedGone { .. }))
            .await;
        for _ in 0..5 {
            running.fetched().await;
        }
        assert_eq!(site.asked("/gone"), start);
        let notices = running.notices().await;
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(notices[0].contains("gone for good"), "{notices:?}");
        let feeds = running.ground.board.feeds();
        let states: Vec<_> = feeds
            .iter()
            .map(|feed| (feed.state, feed.next_fetch.is_some()))
            .collect();
        assert_eq!(states[0], (FeedState::Gone, false));
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_for_good_is_followed_from_then_on_and_undone_when_it_leads_nowhere() {
    let site = Site::start().await;
    site.says("/old", reply("301 Moved", "Location: /new\r\n", ""));
    site.says("/new", rss(&["one"]));
    let bench = Bench::new();
    let specs = || vec![("news", spec(site.url("/old"), "f"))];
    let mut running = bench.start(specs()).await;
    for _ in 0..3 {
        running.fetched().await;
    }
    assert_eq!(site.asked("/old"), 1);
    assert_eq!(
        running.ground.board.feeds()[0].moved_to,
        Some(site.url("/new").to_string())
    );
    running.stop().await;

    let mut running = bench.start(specs()).await;
    running.fetched().await;
    assert_eq!(site.asked("/old"), 1, "it is remembered");
    let notices = running.notices().await;
    assert!(
        notices.len() == 1 && notices[0].contains("has moved for good to"),
        "{notices:?}"
    );
    site.says("/new", reply("404 Not Found", "", ""));
    site.says("/old", rss(&["one", "two"]));
    assert_eq!(
        running
            .until(|event| matches!(event, HostEvent::FeedFetched { new: 1, .. }))
            .await,
        HostEvent::FeedFetched {
            url: site.url("/old").to_string(),
            new: 1
        }
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_no_host_answers_feeds_wait_without_blame() {
    let site = Site::start().await;
    let nobody = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let specs = (2..=4)
        .map(|host| {
            let url = format!("http://127.0.0.{host}:{nobody}/").parse().unwrap();
            let mut spec = spec(url, &format!("f{host}"));
            spec.every = Duration::from_millis(500);
            ("news", spec)
        })
        .collect();
    let bench = Bench::new();
    let mut running = bench.start(specs).await;
    running
        .until(|event| matches!(event, HostEvent::NetworkDown { hosts: 3 }))
        .await;
    let notices = running.notices().await;
    assert!(
        notices.len() == 1 && notices[0].starts_with("No feed server answers (3 "),
        "{notices:?}"
    );
    let blamed = |line: &FeedStatus| line.failures > 0 && line.state != FeedState::Waiting;
    let feeds = running.ground.board.feeds();
    assert!(
        feeds.iter().any(|line| line.state == FeedState::Waiting),
        "{feeds:?}"
    );
    assert!(feeds.iter().filter(|line| blamed(line)).count() <= 2, "{feeds:?}");
    running.stop().await;

    // What was not told of a feed need not be taken back.
    site.says("/", rss(&["one"]));
    let mut running = bench.start(vec![("news", spec(site.url("/"), "here"))]).await;
    assert_eq!(running.fetched().await, 1);
    assert_eq!(running.notices().await.len(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_told_once_and_so_is_its_end() {
    let site = Site::start().await;
    site.says("/", rss(&["one"]));
    let specs = || {
        let mut expected = spec(site.url("/"), "f");
        expected.expect_every = Some(Duration::from_millis(200));
        vec![("news", expected)]
    };
    let bench = Bench::new();
    let mut running = bench.start(specs()).await;
    running
        .until(|event| matches!(event, HostEvent::FeedSilent { .. }))
        .await;
    for _ in 0..5 {
        running.fetched().await;
    }
    running.stop().await;
    let mut running = bench.start(specs()).await;
    for _ in 0..3 {
        running.fetched().await;
    }
    let notices = running.notices().await;
    assert!(
        notices.len() == 1 && notices[0].starts_with("Feed `f` of news: nothing new for "),
        "{notices:?}"
    );
    site.says("/", rss(&["one", "two"]));
    running
        .until(|event| matches!(event, HostEvent::FeedHeard { .. }))
        .await;
    assert_eq!(
        running.notices().await[1],
        "Feed `f` of news: there is something new again."
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_servers_wish_to_be_left_alone_holds_over_a_restart() {
    let site = Site::start().await;
    site.says(
        "/busy",
        reply("429 Too Many Requests", "Retry-After: 3600\r\n", ""),
    );
    site.says("/here", rss(&["one"]));
    let specs = || {
        vec![
            ("news", spec(site.url("/busy"), "busy")),
            ("news", spec(site.url("/here"), "here")),
        ]
    };
    let bench = Bench::new();
    let mut running = bench.start(specs()).await;
    running
        .until(|event| matches!(event, HostEvent::FeedFailed { .. }))
        .await;
    running.fetched().await;
    running.stop().await;
    let mut running = bench.start(specs()).await;
    for _ in 0..5 {
        running.fetched().await;
    }
    assert_eq!(site.asked("/busy"), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_and_an_edit_are_one_event_each_and_the_ledger_knows_the_items() {
    let site = Site::start().await;
    site.says("/", rss(&["one"]));
    let mut burst = spec(site.url("/"), "f");
    burst.digest_over = Some(2);
    burst.on_edit = parlor_bot::OnEdit::Note;
    let bench = Bench::new();
    let mut running = bench.start(vec![("news", burst)]).await;
    assert_eq!(running.fetched().await, 1);
    site.says("/", rss(&["one", "two", "three", "four"]));
    running
        .until(|event| matches!(event, HostEvent::FeedFetched { new: 1, .. }))
        .await;
    let changed = "<rss version='2.0'><channel><title>x</title><item><guid>one</guid><title>won</title></item></channel></rss>";
    site.says("/", reply("200 OK", "", changed));
    running
        .until(|event| matches!(event, HostEvent::FeedFetched { new: 1, .. }))
        .await;
    let query = crate::ledger::LedgerQuery::default();
    let entries = running.ground.state.ledger(query).await.unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let item = entry.item.split(['#']).next().unwrap();
            let item = item.split_once("hash:").map_or(item, |(item, _)| item);
            format!(
                "{} {item} {}",
                entry.status,
                entry.detail.as_deref().unwrap_or_default()
            )
        })
        .map(|told| told.split(" in feed:f:digest:").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        told,
        [
            "seen feed:f:one one",
            "seen feed:f:digest: 3 new items",
            "seen feed:f:four",
            "seen feed:f:three",
            "seen feed:f:two",
            "seen feed:f:one changed: won"
        ]
    );
    running.stop().await;
}
