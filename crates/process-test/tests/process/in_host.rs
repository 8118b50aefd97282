//! Programs in a host, with a server on loopback.

use std::time::{Duration, Instant};

use parlor_host::HostEvent;
use parlor_process::Program;
use serde_json::json;

use crate::deployment::{Deployment, Running, instance, registry};
use crate::programs::{exists, naughty, tea};

const DRAIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_is_a_bot_like_any_other() {
    let deployment = Deployment::new();
    let bots = registry(&[&tea(), &naughty("")]);
    let mut tea = instance("tea", json!({ "cups": 3, "words": ["green tea"] }));
    tea.id = "pot".to_owned();
    let config = deployment.host(vec![tea, instance("naughty", json!({ "tick": true }))]);
    // She is there before it ticks.
    let mut alice = deployment.alice().await;
    let host = Running::start(config.clone(), bots.clone()).await;
    assert_eq!(alice.hears().await, "tick", "a schedule fires");
    assert_eq!(alice.asks("!tea 2 milk").await, "Noted, Alice: 2 with milk.");
    assert_eq!(alice.asks("!tea 2").await, "Sorry Alice, the pot holds 3.");
    host.shutdown().await;
    let mut host = Running::start(config, bots).await;
    let told = alice.asks("!tea 2").await;
    assert_eq!(
        told, "Sorry Alice, the pot holds 3.",
        "what it remembers outlives the host"
    );
    alice.says("green tea and a biscuit").await;
    let mut heard = [alice.hears().await, alice.hears().await];
    heard.sort();
    assert!(heard[0].contains("Heard"), "{heard:?}");
    assert!(
        heard[1].starts_with("heard [String(\"biscuit\")"),
        "each bot hears: {heard:?}"
    );
    let posted = host
        .until(|event| matches!(event, HostEvent::Posted { instance, .. } if instance == "naughty"))
        .await;
    let HostEvent::Posted { id: Some(id), .. } = posted else {
        unreachable!("that was waited for");
    };
    let entries = host.host.ledger_about(&id.to_string()).await.unwrap();
    assert!(!entries.is_empty(), "the ledger tells of it");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kills_the_program_again_and_again_is_set_aside_and_what_comes_after_is_handled() {
    let deployment = Deployment::new();
    let mut slow = instance("naughty", json!({}));
    slow.deadline = Duration::from_millis(500);
    let mut host = Running::start(deployment.host(vec![slow]), registry(&[&naughty("")])).await;
    let mut alice = deployment.alice().await;
    assert_eq!(alice.asks("!do count").await, "count 1, told null");
    for (at, (what, why)) in [
        ("crash", "it ended (exit status: 7)"),
        ("garbage", "not a line of the protocol"),
        ("hang", "the handler took longer than 0.5 s"),
    ]
    .into_iter()
    .enumerate()
    {
        let before = host.restarts();
        alice.says(&format!("!do {what}")).await;
        let aside = host
            .until(|event| matches!(event, HostEvent::Quarantined { .. }))
            .await;
        let HostEvent::Quarantined { reason, .. } = aside else {
            unreachable!("that was waited for");
        };
        assert!(reason.contains(why), "{what}: {reason}");
        assert_eq!(host.restarts() - before, 3, "as often as there are attempts");
        let count = at + 2;
        let told = alice.asks("!do count").await;
        let state = format!("told {{\"count\":{}}}", count - 1);
        assert_eq!(
            told,
            format!("count {count}, {state}"),
            "it knows what it knew before {what}"
        );
    }
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_away_for_a_while_is_waited_for() {
    let deployment = Deployment::new();
    let copy = deployment.path("bot");
    std::fs::copy(env!("CARGO_BIN_EXE_naughty-program"), &copy).unwrap();
    let mut program = Program::new("naughty", ["./bot"]);
    program.folder = deployment.path("");
    let mut config = deployment.host(vec![instance("naughty", json!({}))]);
    // More attempts than it takes: the event is not to blame.
    config.tuning.attempts = 3;
    let mut host = Running::start(config, registry(&[&program])).await;
    let mut alice = deployment.alice().await;
    std::fs::rename(&copy, deployment.path("hidden")).unwrap();
    alice.says("!do crash").await;
    for _ in 0..5 {
        host.until(|event| {
            matches!(event, HostEvent::BotRestarting { reason, .. } if reason.contains("cannot be started"))
        })
        .await;
    }
    std::fs::rename(deployment.path("hidden"), &copy).unwrap();
    host.until(|event| matches!(event, HostEvent::Quarantined { .. }))
        .await;
    assert_eq!(alice.asks("!do count").await, "count 1, told {}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_program_is_started_anew_and_others_go_on() {
    let deployment = Deployment::new();
    let (mut first, second) = (naughty(""), tea());
    let cups = || instance("tea", json!({ "cups": 3 }));
    let config = deployment.host(vec![instance("naughty", json!({})), cups()]);
    let mut host = Running::start(config.clone(), registry(&[&first, &second])).await;
    let mut alice = deployment.alice().await;
    let before = alice.asks("!do whoami").await;
    let reloaded = host
        .host
        .reload(&config, &registry(&[&first, &second]), DRAIN)
        .await
        .unwrap();
    assert_eq!(reloaded.unchanged.len(), 2);
    assert_eq!(alice.asks("!do whoami").await, before);
    first.environment.insert("CHANGED".to_owned(), "yes".to_owned());
    let reloaded = host
        .host
        .reload(&config, &registry(&[&first, &second]), DRAIN)
        .await
        .unwrap();
    assert_eq!(
        (&*reloaded.restarted, &*reloaded.unchanged),
        (&["naughty".to_owned()][..], &["tea".to_owned()][..])
    );
    let after = alice.asks("!do whoami").await;
    assert_ne!(after, before);
    assert!(alice.asks("!do environment").await.contains("CHANGED"));
    host.shutdown().await;
    let ids: Vec<u32> = [before, after].iter().map(|id| id.parse().unwrap()).collect();
    let start = Instant::now();
    while ids.iter().any(|id| exists(*id)) {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "programs end with their host"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
