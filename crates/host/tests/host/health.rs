//! What a host tells monitoring.

use std::time::Duration;

use parlor_host::{Health, HostEvent, Thresholds};
use parlor_metrics::Exposition;
use serde_json::json;

use crate::bots::registry;
use crate::deployment::{BOT, Deployment, Running, instance};

async fn number(health: &Health, series: &str) -> Option<f64> {
    let mut exposition = Exposition::default();
    health.write(&mut exposition, &Thresholds::default()).await;
    let text = exposition.finish();
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bot_hears_and_says_is_counted() {
    let deployment = Deployment::new();
    let mut host = Running::start(deployment.host(vec![instance("ponger", json!({}))]), registry()).await;
    host.joined().await;
    let (room, _events) = deployment.alice().await;
    room.post("ping").await.unwrap();
    host.posted(1).await;
    let health = host.host.health();
    let labels = "{bot=\"ponger\",room=\"News\"}";
    for (name, value) in [
        ("events_handled_total", 1.0),
        ("posts_sent_total", 1.0),
        ("posts_acknowledged_total", 1.0),
        ("posts_dead_total", 0.0),
    ] {
        assert_eq!(
            number(&health, &format!("parlor_host_{name}{labels}")).await,
            Some(value),
            "{name}"
        );
    }
    let state = format!("parlor_host_endpoint_state{{user=\"{BOT}\",state=\"established\"}}");
    assert_eq!(number(&health, &state).await, Some(1.0));
    assert_eq!(
        number(&health, "parlor_host_bot_ready{bot=\"ponger\"}").await,
        Some(1.0)
    );
    let ledger = number(&health, "parlor_host_ledger_entries").await;
    assert!(ledger.is_some_and(|entries| entries >= 3.0), "{ledger:?}");
    let late = host.host.health();
    host.shutdown().await;
    assert!(!late.is_alive().await, "a host that has ended is not alive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_server_makes_a_bot_unready_and_its_return_ready() {
    let mut deployment = Deployment::new();
    let mut host = Running::start(deployment.host(vec![instance("ponger", json!({}))]), registry()).await;
    host.joined().await;
    let patient = Thresholds::default();
    let impatient = Thresholds {
        inbound_fresh: Duration::ZERO,
        ..patient
    };
    assert!(host.host.health().readiness(&impatient).await.ready);
    deployment.kill();
    host.until(|event| matches!(event, HostEvent::Recovering { .. }))
        .await;
    // The room is told of it by the endpoint, a moment later.
    let readiness = loop {
        let readiness = host.host.health().readiness(&impatient).await;
        if !readiness.ready {
            break readiness;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(readiness.bots[0].bot, "ponger");
    assert!(
        readiness.bots[0].reasons[0].starts_with("room News is lost"),
        "{readiness:?}"
    );
    assert!(
        host.host.health().readiness(&patient).await.ready,
        "a moment without a server is no reason yet"
    );
    deployment.start();
    host.until(|event| matches!(event, HostEvent::SignedIn { .. }))
        .await;
    while !host.host.health().readiness(&impatient).await.ready {
        tokio::task::yield_now().await;
    }
    host.shutdown().await;
}
