//! What ten thousand schedules cost a host: `cargo bench -p parlor-host --bench schedules`.
//!
//! One announcer holds them, each with times of its own, none due while this measures; the server is away, as it may be.
//! Memory and processor time are the process's own, read from the system.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may fail, and prints"
)]

use std::time::{Duration, Instant};

use chrono::{Timelike, Utc};
use parlor_bot::{Registry, Room};
use parlor_bot_announcer::Announcer;
use parlor_client::{Platform, ServerPlatformSettings};
use parlor_host::{ChatService, Config, EndpointConfig, HostEvent, InstanceConfig, SignIn};
use parlor_net::certificates::{DevelopmentAuthority, Subject};
use parlor_net::{ClientTls, ClientTlsSettings};

const SCHEDULES: usize = 10_000;
const IDLE: Duration = Duration::from_secs(30);

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (before, settings) = (memory(), settings());
    let parsed = memory();
    println!(
        "the configuration of {SCHEDULES} announcements  {:.1} MB",
        megabytes(parsed - before)
    );
    for start in ["first", "next"] {
        runtime.block_on(measure(folder.path(), &settings, start));
    }
}

async fn measure(folder: &std::path::Path, settings: &serde_json::Value, start: &str) {
    let config = config(folder, settings.clone());
    let (resident, began) = (memory(), Instant::now());
    let host = parlor_host::start(config, Registry::new().with::<Announcer>())
        .await
        .unwrap();
    let mut events = host.events();
    while !matches!(events.next().await.unwrap(), HostEvent::ScheduleNext { .. }) {}
    println!(
        "{start} start  {:>4} ms  {:>5.1} MB for the schedules, {:.1} MB resident in all",
        began.elapsed().as_millis(),
        megabytes(memory().saturating_sub(resident)),
        megabytes(memory())
    );
    let (used, began) = (processor(), Instant::now());
    tokio::time::sleep(IDLE).await;
    let share = (processor() - used).as_secs_f64() / began.elapsed().as_secs_f64();
    println!("{start} start, idle  {:.2} % of one core", share * 100.0);
    host.shutdown(Duration::from_secs(5)).await;
}

/// Announcements of other hours than this one.
fn settings() -> serde_json::Value {
    let hour = Utc::now().hour() as usize;
    let announcements: Vec<_> = (0..SCHEDULES)
        .map(|n| {
            let (minute, hour) = (n % 60, (hour + 2 + n / 60 % 20) % 24);
            serde_json::json!({
                "name": format!("announcement {n}"),
                "cron": format!("{minute} {hour} * * MON-FRI"),
                "zone": if n % 2 == 0 { "UTC" } else { "Etc/UTC" },
                "text": "It is {{ time }}.",
            })
        })
        .collect();
    serde_json::json!({ "announcements": announcements })
}

fn config(folder: &std::path::Path, settings: serde_json::Value) -> Config {
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
    // Nobody listens on the discard port.
    let service = ChatService {
        host: "127.0.0.1".to_owned(),
        port: 9,
        chat: None,
    };
    let user: parlor_bot::SipUri = "sip:clock@example.com".parse().unwrap();
    let mut config = Config::new(folder.join("host.db"), service);
    config.endpoints = vec![EndpointConfig {
        user: user.clone(),
        display_name: None,
        sign_in: SignIn::Application,
        register: false,
        platform: platform.unwrap(),
    }];
    let mut instance = InstanceConfig::new("clock", "announcer", user);
    instance.rooms = vec![Room::new("News")];
    instance.settings = settings;
    config.instances = vec![instance];
    config
}

/// Resident memory, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Processor time used by this process.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // utime and stime, in hundredths of a second.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
