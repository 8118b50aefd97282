//! What goes out appears once, whatever stops in between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use parlor_bot::Room;
use parlor_host::fault::{Faults, Point};
use parlor_host::{Clock, HostEvent};

use crate::bots::registry;
use crate::deployment::{Deployment, Running, instance};

/// Writes the feed with items of these numbers.
fn publish(deployment: &Deployment, numbers: std::ops::RangeInclusive<u32>) {
    let items: String = numbers
        .rev()
        .map(|number| {
            let at = format!("Mon, 16 Nov 2026 08:{number:02}:00 GMT");
            format!(
                "<item><guid>id-{number}</guid><title>item {number}</title><pubDate>{at}</pubDate></item>"
            )
        })
        .collect();
    let feed = format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>");
    std::fs::write(deployment.path("feed.xml"), feed).unwrap();
}

fn items(numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers.map(|number| format!("item {number}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_item_of_a_feed_is_posted_once_through_restarts_of_host_and_server() {
    let mut deployment = Deployment::new();
    let config = |deployment: &Deployment| deployment.host(vec![instance("reader", serde_json::json!({}))]);
    publish(&deployment, 1..=3);
    let mut host = Running::start(config(&deployment), registry()).await;
    host.posted(3).await;
    host.shutdown().await;

    publish(&deployment, 2..=5);
    let mut host = Running::start(config(&deployment), registry()).await;
    host.posted(2).await;
    deployment.kill();
    host.until(|event| matches!(event, HostEvent::Recovering { .. }))
        .await;
    deployment.start();
    host.until(|event| matches!(event, HostEvent::SignedIn { .. }))
        .await;
    host.shutdown().await;

    let mut host = Running::start(config(&deployment), registry()).await;
    host.settled().await;
    host.shutdown().await;
    assert_eq!(deployment.said().await, items(1..=5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_waits_for_a_server_that_is_away() {
    let mut deployment = Deployment::new();
    publish(&deployment, 1..=2);
    deployment.kill();
    let config = deployment.host(vec![instance("reader", serde_json::json!({}))]);
    let mut host = Running::start(config, registry()).await;
    host.until(|event| matches!(event, HostEvent::SignInFailed { .. }))
        .await;
    let status = host.host.status().await;
    assert_ne!(status.endpoints[0].state, "established");
    deployment.start();
    host.posted(2).await;
    assert_eq!(host.host.status().await.outbox.waiting, 0);
    host.shutdown().await;
    assert_eq!(deployment.said().await, items(1..=2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_the_host_is_killed_each_item_appears_once_and_in_order() {
    for point in Point::ALL {
        let deployment = Deployment::new();
        publish(&deployment, 1..=4);
        let mut config = deployment.host(vec![instance("reader", serde_json::json!({}))]);
        let once = AtomicBool::new(true);
        config.faults = Faults::when(move |at, _| at == point && once.swap(false, Ordering::SeqCst));
        let faults = config.faults.clone();
        let host = Running::start(config, registry()).await;
        faults.crashed().await;
        host.host.kill().await;

        let config = deployment.host(vec![instance("reader", serde_json::json!({}))]);
        let mut host = Running::start(config, registry()).await;
        host.settled().await;
        // What follows is delivered after all that was left over: a room keeps its order.
        host.shutdown().await;
        publish(&deployment, 1..=5);
        let config = deployment.host(vec![instance("reader", serde_json::json!({}))]);
        let mut host = Running::start(config, registry()).await;
        host.until(|event| matches!(event, HostEvent::Posted { excerpt, .. } if excerpt == "item 5"))
            .await;
        host.shutdown().await;
        assert_eq!(deployment.said().await, items(1..=5), "killed at {point:?}");
    }
}

fn at(time: &str) -> Clock {
    Clock::starting_at(time.parse::<DateTime<Utc>>().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announcement_is_made_on_time_and_once() {
    let deployment = Deployment::new();
    let config = |clock| {
        let mut config = deployment.host(vec![instance("crier", serde_json::json!({}))]);
        config.clock = clock;
        config
    };
    let mut host = Running::start(config(at("2026-11-20T07:59:59.500Z")), registry()).await;
    host.posted(1).await;
    host.shutdown().await;

    // Later the same day: nothing is due.
    let mut host = Running::start(config(at("2026-11-20T12:00:00Z")), registry()).await;
    host.until(|event| matches!(event, HostEvent::ScheduleNext { .. }))
        .await;
    let next = host.host.status().await.schedules;
    assert_eq!(next[0].local, "2026-11-21 09:00:00 Europe/Berlin");
    host.joined().await;
    host.shutdown().await;

    // Two days later: the latest missed one is made up for, by its policy.
    let mut host = Running::start(config(at("2026-11-22T10:00:00Z")), registry()).await;
    host.posted(1).await;
    host.shutdown().await;
    assert_eq!(
        deployment.said().await,
        ["it is 20 Nov 09:00", "it is 22 Nov 09:00"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_host_on_the_same_state_is_refused() {
    let deployment = Deployment::new();
    let host = Running::start(deployment.host(Vec::new()), registry()).await;
    let second = parlor_host::start(deployment.host(Vec::new()), registry()).await;
    assert!(
        second
            .unwrap_err()
            .to_string()
            .ends_with("is in use by another host")
    );
    host.host.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_with_a_feed_is_told_in_the_operators_room_and_so_is_its_end() {
    let deployment = Deployment::new();
    let mut config = deployment.host(vec![instance("reader", serde_json::json!({"every_ms": 20}))]);
    config.instances[0].rooms = vec![Room::new("News")];
    config.operator_room = Some(Room::new("Operators"));
    let mut host = Running::start(config, registry()).await;
    host.until(|event| matches!(event, HostEvent::Posted { room, .. } if room == "Operators"))
        .await;
    publish(&deployment, 1..=1);
    host.until(|event| matches!(event, HostEvent::FeedRecovered { .. }))
        .await;
    host.posted(2).await;
    host.shutdown().await;
    assert_eq!(
        deployment.said().await,
        items(1..=1),
        "readers see the item alone"
    );
    let told = deployment.said_in("Operators").await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("cannot be read, 3 times in a row"), "{told:?}");
    assert!(told[1].contains("can be read again"), "{told:?}");
}
