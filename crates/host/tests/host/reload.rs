//! A changed configuration is taken up while everything else goes on.

use std::time::Duration;

use parlor_client::{RoomEvent, RoomEvents};
use parlor_host::{Config, HostEvent, InstanceConfig, ReloadError, Reloaded, Replay};
use serde_json::json;

use crate::bots::registry;
use crate::deployment::{BOT, Deployment, Running, instance, uri};

const DRAIN: Duration = Duration::from_secs(20);

fn ponger(id: &str) -> InstanceConfig {
    let mut instance = instance("ponger", json!({}));
    instance.id = id.to_owned();
    instance
}

/// The next so many things that the bots say.
async fn answers(events: &mut RoomEvents, count: usize) -> Vec<String> {
    let own = uri(BOT);
    let mut said = Vec::new();
    let heard = async {
        while said.len() < count {
            match events.next().await {
                Some(RoomEvent::Post(post)) if post.author == own => said.push(post.chat),
                Some(_) => {}
                None => panic!("the room closed"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), heard)
        .await
        .expect("answers come");
    said
}

async fn reload(host: &mut Running, config: &Config, instances: Vec<InstanceConfig>) -> Reloaded {
    let mut config = config.clone();
    config.instances = instances;
    host.host
        .reload(&config, &registry(), DRAIN)
        .await
        .expect("the settings are right")
}

fn ids(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_come_change_and_go_while_the_others_stay_signed_in() {
    let deployment = Deployment::new();
    let config = deployment.host(vec![ponger("one")]);
    let mut host = Running::start(config.clone(), registry()).await;
    host.joined().await;
    let (room, mut events) = deployment.alice().await;
    room.post("ping a").await.unwrap();
    assert_eq!(answers(&mut events, 1).await, ["ping number 1 was \"ping a\""]);
    let mut quiet = host.host.events();

    let same = reload(&mut host, &config, vec![ponger("one")]).await;
    assert_eq!((same.unchanged, same.restarted), (ids(&["one"]), ids(&[])));

    // It answers what was said before it came, so that it does not matter when exactly it came.
    let mut late = ponger("two");
    late.replay = Replay::Since(Duration::from_secs(600));
    let added = reload(&mut host, &config, vec![ponger("one"), late.clone()]).await;
    assert_eq!((added.started, added.unchanged), (ids(&["two"]), ids(&["one"])));
    room.post("ping b").await.unwrap();
    let mut said = answers(&mut events, 3).await;
    said.sort();
    let (first, second) = ("ping number 1 was \"ping a\"", "ping number 2 was \"ping b\"");
    assert_eq!(said, [first, second, second]);

    let mut slower = late;
    slower.deadline = Duration::from_secs(7);
    let changed = reload(&mut host, &config, vec![slower.clone()]).await;
    assert_eq!(
        (changed.restarted, changed.removed),
        (ids(&["two"]), ids(&["one"]))
    );
    room.post("ping c").await.unwrap();
    assert_eq!(
        answers(&mut events, 1).await,
        ["ping number 3 was \"ping c\""],
        "the one that stays remembers, the other is gone"
    );
    let status = host.host.status().await;
    let names: Vec<_> = status.instances.iter().map(|line| line.id.as_str()).collect();
    assert_eq!(names, ["two"]);
    host.shutdown().await;
    while let Some(event) = quiet.next().await {
        assert!(
            !matches!(
                event,
                HostEvent::SignedIn { .. }
                    | HostEvent::Recovering { .. }
                    | HostEvent::SignInFailed { .. }
                    | HostEvent::Joined { .. }
                    | HostEvent::JoinFailed { .. }
            ),
            "nobody signed in or joined anew: {event:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_or_said_twice_while_a_bot_is_begun_anew() {
    let deployment = Deployment::new();
    let config = deployment.host(vec![ponger("one")]);
    let mut host = Running::start(config.clone(), registry()).await;
    host.joined().await;
    let (room, mut events) = deployment.alice().await;
    let talk = tokio::spawn(async move {
        for number in 1..=60 {
            room.post(format!("ping {number}")).await.unwrap();
        }
    });
    for seconds in 1..=10 {
        let mut other = ponger("one");
        other.deadline = Duration::from_secs(60 + seconds);
        let changed = reload(&mut host, &config, vec![other]).await;
        assert_eq!(changed.restarted, ids(&["one"]));
    }
    talk.await.unwrap();
    let expected: Vec<_> = (1..=60)
        .map(|number| format!("ping number {number} was \"ping {number}\""))
        .collect();
    assert_eq!(answers(&mut events, 60).await, expected);
    host.shutdown().await;
    assert_eq!(deployment.said().await.len(), 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_nobody_is_in_is_left_and_what_was_said_there_is_answered_later() {
    let deployment = Deployment::new();
    let config = deployment.host(vec![ponger("one")]);
    let mut host = Running::start(config.clone(), registry()).await;
    host.joined().await;
    let (room, mut events) = deployment.alice().await;
    room.post("ping a").await.unwrap();
    answers(&mut events, 1).await;
    host.posted(1).await;
    let mut nowhere = ponger("one");
    nowhere.rooms.clear();
    reload(&mut host, &config, vec![nowhere]).await;
    let status = host.host.status().await;
    assert_eq!((status.rooms.len(), status.endpoints.len()), (0, 1), "{status:?}");
    room.post("ping b").await.unwrap();
    reload(&mut host, &config, vec![ponger("one")]).await;
    host.joined().await;
    assert_eq!(answers(&mut events, 1).await, ["ping number 2 was \"ping b\""]);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_settings_leave_everything_as_it_was() {
    let deployment = Deployment::new();
    let mut config = deployment.host(vec![ponger("one")]);
    let mut host = Running::start(config.clone(), registry()).await;
    host.joined().await;
    let (room, mut events) = deployment.alice().await;
    let mut wrong = ponger("two");
    wrong.settings = json!({ "colour": "red" });
    config.instances = vec![wrong];
    let refused = host.host.reload(&config, &registry(), DRAIN).await;
    let Err(ReloadError::Problems(problems)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(problems[0].instance, "two");
    room.post("ping").await.unwrap();
    assert_eq!(answers(&mut events, 1).await, ["ping number 1 was \"ping\""]);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feeds_are_looked_at_again_only_when_their_bots_change() {
    let deployment = Deployment::new();
    std::fs::write(
        deployment.path("feed.xml"),
        "<rss version=\"2.0\"><channel><title>News</title><item><guid>1</guid><title>One</title></item></channel></rss>",
    )
    .unwrap();
    let reader = instance("reader", json!({}));
    let config = deployment.host(vec![reader.clone()]);
    let mut host = Running::start(config.clone(), registry()).await;
    host.posted(1).await;
    let mut later = host.host.events();
    reload(&mut host, &config, vec![reader.clone(), ponger("one")]).await;
    let mut slower = reader;
    slower.deadline = Duration::from_secs(7);
    let changed = reload(&mut host, &config, vec![slower, ponger("one")]).await;
    assert_eq!(
        (changed.restarted, changed.unchanged),
        (ids(&["reader"]), ids(&["one"]))
    );
    let feeds = host.host.status().await.feeds;
    assert_eq!(feeds.len(), 1);
    assert!(
        feeds[0].last_fetched.is_some(),
        "it is known when it was read last"
    );
    host.shutdown().await;
    while let Some(event) = later.next().await {
        assert!(!matches!(event, HostEvent::FeedFetched { .. }), "{event:?}");
    }
    assert_eq!(deployment.said().await, ["One"]);
}
