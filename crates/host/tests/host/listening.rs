//! What is said in a room is handled once and in order, also after an absence.

use parlor_bot::Room;
use parlor_client::{RoomEvent, RoomEvents};
use parlor_host::{HostEvent, InstanceConfig, InstanceState, Replay};
use serde_json::json;

use crate::bots::registry;
use crate::deployment::{BOT, Deployment, Running, instance, uri};

/// What the bot says next.
async fn answer(events: &mut RoomEvents) -> String {
    let own = uri(BOT);
    let heard = async {
        loop {
            match events.next().await {
                Some(RoomEvent::Post(post)) if post.author == own => return post.chat,
                Some(_) => {}
                None => panic!("the room closed"),
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), heard)
        .await
        .expect("an answer comes")
}

fn ponger() -> InstanceConfig {
    instance("ponger", json!({}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_is_answered_once_and_the_bot_does_not_answer_itself() {
    let deployment = Deployment::new();
    let mut host = Running::start(deployment.host(vec![ponger()]), registry()).await;
    host.joined().await;
    let (room, mut events) = deployment.alice().await;
    room.post("ping one").await.unwrap();
    assert_eq!(answer(&mut events).await, "ping number 1 was \"ping one\"");
    room.post("nothing").await.unwrap();
    room.post("ping two").await.unwrap();
    assert_eq!(answer(&mut events).await, "ping number 2 was \"ping two\"");
    host.shutdown().await;
    assert_eq!(deployment.said().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_during_an_absence_is_handled_in_order_by_policy() {
    let deployment = Deployment::new();
    let (room, mut events) = deployment.alice().await;
    room.post("ping before there was a bot").await.unwrap();
    let mut config = deployment.host(vec![ponger()]);
    config.tuning.lane = 2;
    let mut host = Running::start(config.clone(), registry()).await;
    host.joined().await;
    host.shutdown().await;

    for number in 1..=40 {
        room.post(format!("ping {number}")).await.unwrap();
    }
    let mut host = Running::start(config.clone(), registry()).await;
    for number in 1..=40 {
        assert_eq!(
            answer(&mut events).await,
            format!("ping number {number} was \"ping {number}\"")
        );
    }
    host.joined().await;
    host.shutdown().await;

    room.post("ping unheard").await.unwrap();
    config.instances[0].replay = Replay::Now;
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    room.post("ping heard").await.unwrap();
    assert_eq!(answer(&mut events).await, "ping number 41 was \"ping heard\"");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_breaks_the_bot_is_set_aside_and_the_rest_is_answered() {
    let deployment = Deployment::new();
    let mut bot = ponger();
    bot.deadline = std::time::Duration::from_secs(1);
    let mut config = deployment.host(vec![bot]);
    config.tuning.attempts = 2;
    let mut host = Running::start(config, registry()).await;
    host.joined().await;
    let (room, mut events) = deployment.alice().await;
    for text in ["boom", "hang", "fail", "ping"] {
        room.post(text).await.unwrap();
    }
    assert_eq!(answer(&mut events).await, "ping number 1 was \"ping\"");
    let mut reasons = Vec::new();
    for _ in 0..3 {
        let event = host
            .until(|event| matches!(event, HostEvent::Quarantined { .. }))
            .await;
        let HostEvent::Quarantined { reason, .. } = event else {
            unreachable!("just asked for")
        };
        reasons.push(reason);
    }
    assert_eq!(
        reasons,
        [
            "the handler panicked: boom",
            "the handler took longer than 1 s",
            "failing"
        ]
    );
    let status = host.host.status().await;
    assert_eq!(
        (status.instances[0].state, status.instances[0].quarantined),
        (InstanceState::Running, 3)
    );
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_with_wrong_settings_or_an_unknown_room_does_not_stop_the_others() {
    let deployment = Deployment::new();
    let mut wrong = instance("ponger", json!({ "no_such": true }));
    wrong.id = "wrong".to_owned();
    let mut lost = ponger();
    lost.id = "lost".to_owned();
    lost.rooms = vec![Room::new("No such room")];
    let config = deployment.host(vec![wrong, lost, ponger()]);
    let problems = parlor_host::validate(&config, &registry());
    assert_eq!(problems.len(), 1);
    assert_eq!(
        (problems[0].instance.as_str(), problems[0].path.as_str()),
        ("wrong", "settings.no_such")
    );

    let mut host = Running::start(config, registry()).await;
    host.until(|event| matches!(event, HostEvent::JoinFailed { room, .. } if room == "No such room"))
        .await;
    let (room, mut events) = deployment.alice().await;
    while !host.host.status().await.rooms.iter().any(|line| line.joined) {
        host.joined().await;
    }
    room.post("ping").await.unwrap();
    assert_eq!(answer(&mut events).await, "ping number 1 was \"ping\"");
    let status = host.host.status().await;
    let wrong = status.instances.iter().find(|line| line.id == "wrong").unwrap();
    assert_eq!(wrong.state, InstanceState::Stopped);
    host.shutdown().await;
}
