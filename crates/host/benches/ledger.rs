//! What the ledger costs: feed items handled and posts queued in a second, with it and without it, in turn.
//!
//! `cargo bench -p parlor-host --bench ledger`. The server is away, so that only the host's own work is measured: each
//! item is accepted, handled by a bot that posts its title, and committed with its post.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that prints its result"
)]

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use parlor_bot::prelude::*;
use parlor_bot::{FeedUrl, FirstRun, NoSettings, Registry, Room};
use parlor_client::{Platform, ServerPlatformSettings};
use parlor_host::{ChatService, Config, EndpointConfig, HostEvent, InstanceConfig, SignIn};
use parlor_net::certificates::{DevelopmentAuthority, Subject};
use parlor_net::{ClientTls, ClientTlsSettings};

/// As many as are read of one feed.
const ITEMS: u64 = 1_000;
const ROUNDS: usize = 5;
const BOT: &str = "sip:newsbot@example.com";

struct Reader(FeedUrl);

impl Bot for Reader {
    const KIND: &'static str = "reader";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, setup: &Setup) -> Result<Self, SetupError> {
        let url = "file:feed.xml"
            .parse::<FeedUrl>()
            .map_err(|error| SetupError::setting(".", error))?;
        Ok(Self(url.relative_to(setup.folder())))
    }

    fn interests(&self) -> Interests {
        let mut feed = FeedSpec::new(self.0.clone());
        feed.first_run = FirstRun::Last(ITEMS as usize);
        feed.per_poll = ITEMS as usize;
        Interests::new().feed(feed)
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        match event {
            Event::FeedItem(item) => context.post_all(&*item.title),
            _ => Ok(()),
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.push(runtime.block_on(round(Duration::from_secs(3600))));
        without.push(runtime.block_on(round(Duration::ZERO)));
    }
    for (name, mut rates) in [("with the ledger", with), ("without", without)] {
        rates.sort_by(f64::total_cmp);
        let (least, median, most) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
        println!("{name:16} {median:6.0} items/s handled (from {least:.0} to {most:.0})");
    }
}

/// Items handled in a second.
async fn round(keep_ledger: Duration) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let items: String = (0..ITEMS)
        .map(|number| format!("<item><guid>id-{number}</guid><title>Item {number}</title></item>"))
        .collect();
    let feed = format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>");
    std::fs::write(folder.path().join("feed.xml"), feed).unwrap();
    let mut config = config(folder.path());
    config.tuning.keep_ledger = keep_ledger;
    let host = parlor_host::start(config, Registry::new().with::<Reader>())
        .await
        .unwrap();
    let mut events = host.events();
    while !matches!(events.next().await, Some(HostEvent::FeedFetched { .. })) {}
    let (begun, first) = (Instant::now(), host.status().await.outbox.waiting);
    let mut waiting = first;
    while waiting < ITEMS {
        tokio::time::sleep(Duration::from_millis(5)).await;
        waiting = host.status().await.outbox.waiting;
    }
    let rate = (ITEMS - first) as f64 / begun.elapsed().as_secs_f64();
    host.kill().await;
    rate
}

fn config(folder: &Path) -> Config {
    let authority = DevelopmentAuthority::open(folder).unwrap();
    let subject = Subject::Application {
        pool: "bots.example.com".to_owned(),
        computers: Vec::new(),
    };
    let identity = authority.issue("host", &subject).unwrap();
    let tls = ClientTls::load(ClientTlsSettings {
        roots: authority.roots(),
        identity: Some(identity),
        server_name: None,
        crl: None,
    })
    .unwrap();
    let settings = ServerPlatformSettings {
        user_agent: "bench/1.0".to_owned(),
        application_id: "urn:application:parlor".to_owned(),
        fqdn: "bots.example.com".to_owned(),
        port: 6000,
        gruu: "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor:AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        tls,
    };
    // Nothing listens there.
    let (host, port) = (Ipv4Addr::LOCALHOST.to_string(), 9);
    let service = ChatService {
        host,
        port,
        chat: None,
    };
    let mut config = Config::new(folder.join("host.db"), service);
    config.folder = folder.to_owned();
    config.endpoints = vec![EndpointConfig {
        user: BOT.parse().unwrap(),
        display_name: None,
        sign_in: SignIn::Application,
        register: false,
        platform: Platform::new(settings).unwrap(),
    }];
    let mut reader = InstanceConfig::new("reader", "reader", BOT.parse().unwrap());
    reader.rooms = vec![Room::new("News")];
    config.instances = vec![reader];
    config
}
