//! Posts on their way: servers without post keys, rates, and deadlines.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parlor_bot::Room;
use parlor_host::fault::{Faults, Point};
use parlor_host::{HostEvent, LedgerQuery, LedgerStatus};
use serde_json::json;

use crate::bots::registry;
use crate::deployment::{Deployment, Running, instance};

fn publish(deployment: &Deployment, titles: &[&str]) {
    let items: String = titles
        .iter()
        .enumerate()
        .rev()
        .map(|(number, title)| format!("<item><guid>{number}</guid><title>{title}</title></item>"))
        .collect();
    let feed = format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>");
    std::fs::write(deployment.path("feed.xml"), feed).unwrap();
}

/// A deployment whose server knows nothing of post keys.
fn without_keys() -> Deployment {
    let mut deployment = Deployment::new();
    deployment.post_keys = false;
    deployment.kill();
    deployment.start();
    deployment
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_post_keys_what_is_in_the_room_is_recognised_wherever_the_host_is_killed() {
    let points = [
        Point::Committed,
        Point::Sent,
        Point::Acknowledged,
        Point::Recorded,
    ];
    // The same text twice: the second is not taken for the first.
    let titles = ["one", "same", "same", "two"];
    for point in points {
        for passed in [0, 1, 2] {
            let deployment = without_keys();
            publish(&deployment, &titles);
            let mut config = deployment.host(vec![instance("reader", json!({}))]);
            let (once, count) = (AtomicBool::new(true), std::sync::atomic::AtomicUsize::new(0));
            config.faults = Faults::when(move |at, _| {
                at == point
                    && count.fetch_add(1, Ordering::SeqCst) == passed
                    && once.swap(false, Ordering::SeqCst)
            });
            let faults = config.faults.clone();
            let host = Running::start(config, registry()).await;
            faults.crashed().await;
            if point == Point::Sent {
                // What was handed to the connection arrives, although nobody waits for it any more.
                arrived(&deployment, passed + 1).await;
            }
            host.host.kill().await;

            let config = deployment.host(vec![instance("reader", json!({}))]);
            let mut host = Running::start(config, registry()).await;
            host.settled().await;
            arrived(&deployment, titles.len()).await;
            host.shutdown().await;
            assert_eq!(
                deployment.said().await,
                titles,
                "killed at {point:?} after {passed}"
            );
        }
    }
}

async fn arrived(deployment: &Deployment, count: usize) {
    let arrival = async {
        while deployment.said().await.len() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), arrival)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_post_keys_a_lost_connection_does_not_double_a_post() {
    let mut deployment = without_keys();
    publish(&deployment, &["one", "two", "three"]);
    let config = deployment.host(vec![instance("reader", json!({}))]);
    let mut host = Running::start(config, registry()).await;
    host.posted(1).await;
    deployment.kill();
    deployment.start();
    host.posted(2).await;
    let query = LedgerQuery {
        status: Some(LedgerStatus::Acknowledged),
        ..LedgerQuery::default()
    };
    assert_eq!(host.host.ledger(query).await.unwrap().len(), 3);
    host.shutdown().await;
    assert_eq!(deployment.said().await, ["one", "two", "three"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_over_its_rate_holds_up_its_own_posts_only() {
    let deployment = Deployment::new();
    publish(&deployment, &["one", "two", "three"]);
    let mut slow = instance("reader", json!({}));
    slow.rate = Some("2/s".parse().unwrap());
    let mut other = instance("reader", json!({}));
    other.id = "other".to_owned();
    let begun = Instant::now();
    let mut host = Running::start(deployment.host(vec![slow, other]), registry()).await;
    let mut order = Vec::new();
    for _ in 0..6 {
        let event = host
            .until(|event| matches!(event, HostEvent::Posted { .. }))
            .await;
        let HostEvent::Posted {
            instance, excerpt, ..
        } = event
        else {
            unreachable!("just asked for")
        };
        order.push((instance, excerpt));
    }
    assert_eq!(order.last().unwrap().0, "reader", "{order:?}");
    for bot in ["reader", "other"] {
        let said = order.iter().filter(|(instance, _)| instance == bot);
        let said: Vec<_> = said.map(|(_, text)| text.as_str()).collect();
        assert_eq!(said, ["one", "two", "three"], "{order:?}");
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(450),
        "two at once, then one in half a second"
    );
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_cannot_be_reached_does_not_hold_up_another() {
    let deployment = Deployment::new();
    publish(&deployment, &["one"]);
    let mut bot = instance("reader", json!({}));
    bot.rooms.insert(0, Room::new("No such room"));
    let mut host = Running::start(deployment.host(vec![bot]), registry()).await;
    host.posted(1).await;
    let status = host.host.status().await;
    assert_eq!(
        (status.outbox.waiting, status.outbox.dead),
        (1, 0),
        "nothing is dropped"
    );
    host.host.shutdown(Duration::from_secs(10)).await;
    assert_eq!(deployment.said().await, ["one"]);
}
