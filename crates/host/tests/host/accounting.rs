//! The ledger and the control socket of a running host.

use std::time::Duration;

use parlor_host::control::{Client, ClientError};
use parlor_host::{HostEvent, LedgerEntry, LedgerQuery, LedgerReader, LedgerStatus, Retry};
use serde_json::json;

use crate::bots::registry;
use crate::deployment::{Deployment, Running, instance};

fn statuses(entries: &[LedgerEntry]) -> Vec<LedgerStatus> {
    entries.iter().map(|entry| entry.status).collect()
}

fn publish(deployment: &Deployment, items: &str) {
    let feed = format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>");
    std::fs::write(deployment.path("feed.xml"), feed).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_story_of_an_item_is_told_while_the_host_runs_and_afterwards() {
    use LedgerStatus::{Acknowledged, Handled, Queued, Seen, Sent};
    let deployment = Deployment::new();
    let link = "https://example.com/one";
    publish(
        &deployment,
        &format!("<item><guid>id-1</guid><title>One</title><link>{link}</link></item>"),
    );
    let mut config = deployment.host(vec![instance("reader", json!({}))]);
    let (socket, file) = (deployment.path("host.sock"), config.state.clone());
    config.control_socket = Some(socket.clone());
    let mut host = Running::start(config, registry()).await;
    host.posted(1).await;

    let client = Client::new(&socket);
    let story = client.ledger_about("feed:news:id-1").await.unwrap();
    assert_eq!(statuses(&story), [Seen, Handled, Queued, Sent, Acknowledged]);
    assert_eq!(story[0].detail.as_deref(), Some("One"));
    let posted = story.last().unwrap();
    assert_eq!(posted.room.as_deref(), Some("News"));
    let message = posted.message.expect("this server numbers messages").to_string();
    assert_eq!(client.ledger_about(&message).await.unwrap(), story);
    assert_eq!(client.ledger_about(link).await.unwrap(), story);
    let query = LedgerQuery {
        status: Some(Acknowledged),
        room: Some("news".to_owned()),
        ..LedgerQuery::default()
    };
    assert_eq!(client.ledger(&query).await.unwrap(), std::slice::from_ref(posted));
    assert!(client.status().await.unwrap().rooms[0].joined);

    host.shutdown().await;
    assert!(!socket.exists());
    assert!(matches!(
        client.status().await,
        Err(ClientError::Unreachable { .. })
    ));
    let stopped = LedgerReader::open(file).await.unwrap();
    assert_eq!(stopped.ledger_about("id-1").await.unwrap(), story);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarantined_message_is_tried_again_when_asked_for() {
    use LedgerStatus::{Quarantined, Retried};
    let deployment = Deployment::new();
    let mut config = deployment.host(vec![instance("ponger", json!({}))]);
    config.tuning.attempts = 2;
    config.control_socket = Some(deployment.path("host.sock"));
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    let (room, _events) = deployment.alice().await;
    room.post("fail").await.unwrap();
    let quarantined = |event: &HostEvent| matches!(event, HostEvent::Quarantined { .. });
    host.until(quarantined).await;
    let client = Client::new(deployment.path("host.sock"));
    let retried = client.retry(&Retry::Quarantined(None)).await.unwrap();
    assert_eq!((retried.events, retried.waiting_for_start), (1, 0));
    host.until(quarantined).await;
    let entries = client.ledger(&LedgerQuery::default()).await.unwrap();
    assert_eq!(statuses(&entries), [Quarantined, Retried, Quarantined]);
    assert_eq!(entries[0].detail.as_deref(), Some("failing"));
    assert!(entries[0].item.starts_with("message:ma-chan://"));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_the_server_refuses_is_dead_until_it_is_retried() {
    use LedgerStatus::{Dead, Handled, Queued, Retried, Seen};
    let mut deployment = Deployment::new();
    deployment.message_bytes = 3;
    deployment.kill();
    deployment.start();
    publish(
        &deployment,
        "<item><guid>id-1</guid><title>far too long</title></item>",
    );
    let config = deployment.host(vec![instance("reader", json!({}))]);
    let mut host = Running::start(config, registry()).await;
    let dead = |event: &HostEvent| matches!(event, HostEvent::DeliveryFailed { dead: true, .. });
    host.until(dead).await;
    let story = host.host.ledger_about("feed:news:id-1").await.unwrap();
    assert_eq!(statuses(&story), [Seen, Handled, Queued, Dead]);
    let retried = host.host.retry(Retry::Dead(None)).await.unwrap();
    assert_eq!(retried.posts, 1);
    host.until(dead).await;
    let story = host.host.ledger_about("feed:news:id-1").await.unwrap();
    assert_eq!(statuses(&story)[4..], [Retried, Dead]);
    host.shutdown().await;

    // With the server's limit raised it goes through at last.
    deployment.message_bytes = 8000;
    deployment.kill();
    deployment.start();
    let config = deployment.host(vec![instance("reader", json!({}))]);
    let mut host = Running::start(config, registry()).await;
    host.host
        .retry(Retry::Item("feed:news:id-1".into()))
        .await
        .unwrap();
    host.posted(1).await;
    tokio::time::timeout(Duration::from_secs(30), host.shutdown())
        .await
        .unwrap();
    assert_eq!(deployment.said().await, ["far too long"]);
}
