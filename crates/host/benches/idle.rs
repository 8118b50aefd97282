//! What a thousand feeds and ten thousand schedules cost a host that has nothing to post:
//! `cargo bench -p parlor-host --bench idle`.
//!
//! A child process serves the feeds over HTTP on loopback: 20 items each, then "not modified". All are looked at each
//! minute, as often as the feed bot allows; by default it is each quarter of an hour. No schedule is due meanwhile.
//! Memory and processor time are the host's own process's, read from the system.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may fail, and prints"
)]

use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{Timelike as _, Utc};
use parlor_bot::{Registry, Room, SipUri};
use parlor_bot_announcer::Announcer;
use parlor_bot_feed::Feed;
use parlor_client::{Platform, ServerPlatformSettings};
use parlor_host::{ChatService, Config, EndpointConfig, Host, HostEvent, InstanceConfig, SignIn};
use parlor_net::certificates::{DevelopmentAuthority, Subject};
use parlor_net::{ClientTls, ClientTlsSettings};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

const FEEDS: usize = 1000;
const SCHEDULES: usize = 10_000;
const ITEMS: usize = 20;
const IDLE: Duration = Duration::from_secs(60);

/// The argument that makes this program the server.
const SERVE: &str = "serve-feeds";

#[tokio::main]
async fn main() {
    if std::env::args().any(|argument| argument == SERVE) {
        return serve().await;
    }
    let (mut server, port) = start_server();
    println!("{FEEDS} feeds, each looked at once a minute, and {SCHEDULES} schedules");
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new().with::<Announcer>().with::<Feed>();
    let host = parlor_host::start(config(folder.path(), port), registry)
        .await
        .unwrap();
    measure(host).await;
    server.kill().unwrap();
    server.wait().unwrap();
}

async fn measure(host: Host) {
    let mut events = host.events();
    let mut left = FEEDS;
    while left > 0 {
        match events.next().await.unwrap() {
            HostEvent::FeedFetched { .. } => left -= 1,
            HostEvent::FeedFailed { url, reason, .. } => panic!("{url}: {reason}"),
            _ => {}
        }
    }
    let (used, began, mut fetched) = (processor(), Instant::now(), 0);
    while began.elapsed() < IDLE {
        let left = IDLE.saturating_sub(began.elapsed());
        if let Ok(Some(HostEvent::FeedFetched { .. })) = tokio::time::timeout(left, events.next()).await {
            fetched += 1;
        }
    }
    let share = (processor() - used).as_secs_f64() / began.elapsed().as_secs_f64();
    println!(
        "{:.2} % of one core for {:.1} looks a second, {:.1} MB resident, {:.1} MB at most",
        share * 100.0,
        f64::from(fetched) / began.elapsed().as_secs_f64(),
        megabytes("VmRSS:"),
        megabytes("VmHWM:")
    );
    host.shutdown(Duration::from_secs(5)).await;
}

fn config(folder: &std::path::Path, port: u16) -> Config {
    let name = "bots.example.com".to_owned();
    let authority = DevelopmentAuthority::open(folder).unwrap();
    let subject = Subject::Application {
        pool: name.clone(),
        computers: Vec::new(),
    };
    let tls = ClientTls::load(ClientTlsSettings {
        roots: authority.roots(),
        identity: Some(authority.issue("host", &subject).unwrap()),
        server_name: None,
        crl: None,
    });
    let platform = Platform::new(ServerPlatformSettings {
        user_agent: "bench".to_owned(),
        application_id: "urn:application:bench".to_owned(),
        fqdn: name,
        port: 6000,
        gruu: "sip:bots.example.com@example.com;gruu;opaque=srvr:bench:AAAA".to_owned(),
        tls: tls.unwrap(),
    });
    // Nobody listens on the discard port: the chat server is away, as it may be.
    let service = ChatService {
        host: "127.0.0.1".to_owned(),
        port: 9,
        chat: None,
    };
    let user: SipUri = "sip:bot@example.com".parse().unwrap();
    let mut config = Config::new(folder.join("host.db"), service);
    config.endpoints = vec![EndpointConfig {
        user: user.clone(),
        display_name: None,
        sign_in: SignIn::Application,
        register: false,
        platform: platform.unwrap(),
    }];
    let feeds: Vec<_> = (0..FEEDS)
        .map(|n| {
            serde_json::json!({
                "name": format!("feed {n}"),
                "url": format!("http://127.0.0.1:{port}/{n}"),
                "allow_private": true,
                "expect_every": "2d",
                "on_edit": "note",
            })
        })
        .collect();
    let feeds = serde_json::json!({ "every": "1m", "feeds": feeds });
    config.instances = vec![
        instance("news", "feed", &user, feeds),
        instance("clock", "announcer", &user, announcements()),
    ];
    config
}

fn instance(id: &str, kind: &str, user: &SipUri, settings: serde_json::Value) -> InstanceConfig {
    let mut instance = InstanceConfig::new(id, kind, user.clone());
    instance.rooms = vec![Room::new("News")];
    instance.settings = settings;
    instance
}

/// Announcements of other hours than this one.
fn announcements() -> serde_json::Value {
    let now = Utc::now().hour() as usize;
    let one = |n: usize| {
        let (minute, hour) = (n % 60, (now + 2 + n / 60 % 20) % 24);
        serde_json::json!({
            "name": format!("announcement {n}"),
            "cron": format!("{minute} {hour} * * MON-FRI"),
            "text": "It is {{ time }}.",
        })
    };
    serde_json::json!({ "announcements": (0..SCHEDULES).map(one).collect::<Vec<_>>() })
}

fn start_server() -> (Child, u16) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(SERVE)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, line.trim().parse().unwrap())
}

async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(answer(stream));
    }
}

/// Answers what comes on a connection until it is closed.
async fn answer(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    let (mut path, mut known) = (String::new(), false);
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        if let Some(request) = line.strip_prefix("GET ") {
            path = request.split(' ').next().unwrap().to_owned();
        }
        known |= line.to_ascii_lowercase().starts_with("if-none-match:");
        if line == "\r\n" {
            let answer = if known {
                "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n".to_owned()
            } else {
                let feed = feed(&path);
                format!(
                    "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {}\r\n\r\n{feed}",
                    feed.len()
                )
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
            known = false;
        }
        line.clear();
    }
}

fn feed(path: &str) -> String {
    let item = |n: usize| {
        format!(
            "<item><guid>{path}/{n}</guid><title>Item {n} of {path}</title><link>https://example.com{path}/{n}</link>\
             <description>{}</description></item>",
            "Some words about it. ".repeat(10)
        )
    };
    let items: String = (0..ITEMS).map(item).collect();
    format!("<rss version='2.0'><channel><title>Feed {path}</title>{items}</channel></rss>")
}

/// A line of this process's memory, in megabytes.
fn megabytes(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
}

/// Processor time used by this process.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // utime and stime, in hundredths of a second.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
