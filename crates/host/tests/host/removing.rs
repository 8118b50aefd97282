//! Messages that bots have removed, through the server's control socket.

use std::sync::atomic::{AtomicUsize, Ordering};

use parlor_bot::Room;
use parlor_host::fault::{Faults, Point};
use parlor_host::{Config, HostEvent, LedgerStatus, Retry};
use parlor_xccos::MessageId;
use serde_json::json;

use crate::bots::registry;
use crate::deployment::{ALICE, BOT, Deployment, Running, instance};

const NOTICE: &str = "This message was removed.";

fn censor(deployment: &Deployment) -> Config {
    let mut config = deployment.host(vec![instance("censor", json!({}))]);
    config.server_control = Some(deployment.path("server.sock"));
    config
}

fn is_removed(event: &HostEvent) -> bool {
    matches!(event, HostEvent::Removed { .. })
}

/// Waits until a message is removed and the bot's post is in the room, in whichever order.
async fn removed_and_posted(host: &mut Running) {
    let (mut removed, mut posted) = (false, false);
    while !(removed && posted) {
        let event = host.until(|_| true).await;
        removed |= is_removed(&event);
        posted |= matches!(event, HostEvent::Posted { .. });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bot_removes_is_not_read_again_and_the_ledger_tells_why() {
    let deployment = Deployment::new();
    let mut host = Running::start(censor(&deployment), registry()).await;
    host.joined().await;
    let (room, _events) = deployment.alice().await;
    room.post("good morning").await.unwrap();
    room.post("bad things").await.unwrap();
    removed_and_posted(&mut host).await;
    assert_eq!(
        deployment.said().await,
        ["good morning", NOTICE, "that is removed"]
    );
    let record = deployment.removals().await;
    assert_eq!(record.len(), 1);
    assert_eq!(record[0].original.chat, "bad things");
    assert_eq!(record[0].original.author.as_str(), ALICE);
    assert_eq!(record[0].by, format!("{BOT} (censor)"));
    assert_eq!(record[0].reason.as_deref(), Some("bad words"));

    let story = host.host.ledger_about("2").await.unwrap();
    let of_removal: Vec<_> = story
        .iter()
        .filter(|entry| matches!(entry.status, LedgerStatus::Removing | LedgerStatus::Removed))
        .map(|entry| {
            (
                entry.status,
                entry.room.as_deref(),
                entry.message,
                entry.detail.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        of_removal,
        [
            (
                LedgerStatus::Removing,
                Some("News"),
                None,
                Some("message 2: bad words")
            ),
            (LedgerStatus::Removed, Some("News"), Some(2), None)
        ]
    );
    assert!(
        story
            .iter()
            .any(|entry| entry.status == LedgerStatus::Acknowledged)
    );
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_socket_is_away_removals_wait_and_posts_do_not() {
    let deployment = Deployment::new();
    let mut config = censor(&deployment);
    let away = deployment.path("away.sock");
    config.server_control = Some(away.clone());
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    let (room, _events) = deployment.alice().await;
    room.post("bad one").await.unwrap();
    room.post("bad two").await.unwrap();
    host.posted(2).await;
    let waits = |event: &HostEvent| matches!(event, HostEvent::DeliveryFailed { room, dead: false, .. } if room == "remove:news");
    for _ in 0..2 {
        host.until(waits).await;
    }
    assert_eq!(deployment.removals().await.len(), 0);
    let status = host.host.status().await;
    assert_eq!((status.outbox.waiting, status.outbox.dead), (2, 0));

    std::os::unix::fs::symlink(deployment.path("server.sock"), away).unwrap();
    for _ in 0..2 {
        host.until(is_removed).await;
    }
    let removed: Vec<_> = deployment.removals().await;
    let removed: Vec<_> = removed.iter().map(|record| record.original.id).collect();
    assert_eq!(removed, [MessageId(1), MessageId(2)], "in order, each once");
    let story = host.host.ledger_about("1").await.unwrap();
    let failures = story.iter().filter(|entry| entry.status == LedgerStatus::Failed);
    assert_eq!(failures.count(), 1, "the same failure is told once");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_the_host_is_killed_the_message_is_removed_once() {
    // What is acknowledged and recorded is the bot's own post or the removal, whichever comes first, and then the other.
    for (point, passed) in [
        (Point::Accepted, 0),
        (Point::Handled, 0),
        (Point::Committed, 0),
        (Point::Acknowledged, 0),
        (Point::Acknowledged, 1),
        (Point::Recorded, 0),
        (Point::Recorded, 1),
    ] {
        let deployment = Deployment::new();
        let mut config = censor(&deployment);
        let count = AtomicUsize::new(0);
        config.faults =
            Faults::when(move |at, _| at == point && count.fetch_add(1, Ordering::SeqCst) == passed);
        let faults = config.faults.clone();
        let mut host = Running::start(config, registry()).await;
        host.joined().await;
        let (room, _events) = deployment.alice().await;
        room.post("bad things").await.unwrap();
        faults.crashed().await;
        host.host.kill().await;

        let mut host = Running::start(censor(&deployment), registry()).await;
        host.joined().await;
        // The next one comes after whatever was left of the first.
        room.post("bad again").await.unwrap();
        host.until(|event| matches!(event, HostEvent::Removed { id, .. } if *id > 1))
            .await;
        while deployment
            .said()
            .await
            .iter()
            .filter(|text| *text == "that is removed")
            .count()
            < 2
        {
            host.until(|_| true).await;
        }
        let record = deployment.removals().await;
        let texts: Vec<_> = record
            .iter()
            .map(|record| record.original.chat.as_str())
            .collect();
        assert_eq!(texts, ["bad things", "bad again"], "{point:?} {passed}");
        let said = deployment.said().await;
        let count = |text: &str| said.iter().filter(|said| *said == text).count();
        assert_eq!(
            (said.len(), count(NOTICE), count("that is removed")),
            (4, 2, 2),
            "{point:?} {passed}: {said:?}"
        );
        host.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_refuses_is_dead_until_it_is_retried_and_holds_nothing_up() {
    let deployment = Deployment::new();
    let mut host = Running::start(censor(&deployment), registry()).await;
    host.joined().await;
    let (room, _events) = deployment.alice().await;
    room.post("bad and wrong").await.unwrap();
    let dead = |event: &HostEvent| matches!(event, HostEvent::DeliveryFailed { dead: true, .. });
    let event = host.until(dead).await;
    assert!(
        matches!(&event, HostEvent::DeliveryFailed { reason, .. } if reason == "there is no message 1001 in the room"),
        "{event:?}"
    );
    room.post("bad").await.unwrap();
    host.until(is_removed).await;
    let retried = host
        .host
        .retry(Retry::Dead(Some("censor".to_owned())))
        .await
        .unwrap();
    assert_eq!((retried.posts, retried.waiting_for_start), (1, 0));
    host.until(dead).await;
    assert_eq!(deployment.removals().await.len(), 1);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_told_when_the_server_may_not_be_asked_any_more() {
    let deployment = Deployment::new();
    let mut config = censor(&deployment);
    config.server_control = Some(deployment.path("away.sock"));
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    let (room, _events) = deployment.alice().await;
    room.post("bad").await.unwrap();
    host.until(|event| matches!(event, HostEvent::DeliveryFailed { .. }))
        .await;
    host.host.kill().await;

    let mut config = censor(&deployment);
    config.server_control = None;
    let mut host = Running::start(config, registry()).await;
    let told = host
        .until(|event| matches!(event, HostEvent::DeliveryFailed { .. }))
        .await;
    assert!(
        matches!(&told, HostEvent::DeliveryFailed { reason, .. } if reason.contains("`server_control`")),
        "{told:?}"
    );
    // Without it a bot is refused what it asks, and its message set aside.
    host.joined().await;
    room.post("bad again").await.unwrap();
    host.until(
        |event| matches!(event, HostEvent::Quarantined { reason, .. } if reason.contains("cannot remove")),
    )
    .await;
    host.host.kill().await;
}

#[test]
fn a_room_with_the_name_of_a_place_for_removals_is_refused() {
    let mut one = instance("censor", json!({}));
    one.rooms = vec![Room::new("News"), Room::new("Remove: everything")];
    let service = parlor_host::ChatService {
        host: "127.0.0.1".to_owned(),
        port: 5061,
        chat: None,
    };
    let mut config = Config::new(std::path::PathBuf::from("host.db"), service);
    config.instances = vec![one];
    let problems = parlor_host::validate(&config, &registry());
    let about_rooms: Vec<_> = problems
        .iter()
        .filter(|problem| problem.path.starts_with("rooms"))
        .map(|problem| (problem.path.as_str(), problem.source.message()))
        .collect();
    assert_eq!(about_rooms.len(), 1, "{problems:?}");
    assert_eq!(about_rooms[0].0, "rooms[1]");
    assert!(about_rooms[0].1.contains("use its address"), "{about_rooms:?}");
}
