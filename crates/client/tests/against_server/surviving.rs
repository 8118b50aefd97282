//! The server dies and comes back.

use parlor_client::{EndpointState, EstablishError, Message, RoomEvent, RoomEvents};
use parlor_xccos::{MessageId, Post, PostKey};

use crate::deployment::{ALICE, BOT, Deployment, PASSWORD, chat};

/// Posts until the number `last`, other events skipped.
async fn posts_until(events: &mut RoomEvents, last: i64) -> Vec<Post> {
    let mut posts: Vec<Post> = Vec::new();
    while posts.last().and_then(|post| post.id) != Some(MessageId(last)) {
        match events.next().await {
            Some(RoomEvent::Post(post)) => posts.push(post),
            Some(RoomEvent::Closed(why)) => panic!("closed: {why:?}"),
            Some(_) => {}
            None => panic!("the stream ended"),
        }
    }
    posts
}

#[tokio::test]
async fn after_a_kill_both_come_back_and_nothing_is_missed_or_doubled() {
    let mut deployment = Deployment::new();
    let (bot, alice) = (deployment.application(BOT), deployment.user(ALICE, ALICE));
    let (bot_room, _bot_events) = chat(&bot).await.join("News").await.unwrap();
    let (alice_room, mut alice_events) = chat(&alice).await.join("News").await.unwrap();
    bot_room.post("before").await.unwrap();

    deployment.kill();
    let mut states = alice.states();
    states
        .wait_for(|status| status.state == EndpointState::Recovering)
        .await
        .unwrap();
    assert!(!alice_room.is_joined());
    deployment.start();

    // The bot may be back before alice: what it says then reaches her as history, otherwise live.
    for number in 0..50 {
        let key: PostKey = format!("after-{number}").parse().unwrap();
        bot_room
            .post(Message::text(format!("after {number}")).with_key(key))
            .await
            .unwrap();
    }
    let posts = posts_until(&mut alice_events, 51).await;
    let ids: Vec<_> = posts.iter().filter_map(|post| post.id).map(|id| id.0).collect();
    assert_eq!(ids, (1..=51).collect::<Vec<_>>());
    states
        .wait_for(|status| status.state == EndpointState::Established)
        .await
        .unwrap();
}

#[tokio::test]
async fn posts_with_keys_appear_exactly_once_through_several_kills() {
    const POSTS: i64 = 120;
    let mut deployment = Deployment::new();
    let bot = deployment.application(BOT);
    let (room, mut events) = chat(&bot).await.join("News").await.unwrap();
    let posting = tokio::spawn({
        let room = room.clone();
        async move {
            let mut repeated = 0;
            for number in 0..POSTS {
                let key: PostKey = format!("item-{number}").parse().unwrap();
                let posted = room
                    .post(Message::text(format!("item {number}")).with_key(key))
                    .await
                    .unwrap();
                repeated += i32::from(posted.repeated);
            }
            repeated
        }
    });
    let mut seen = Vec::new();
    for last in [20, 50, 90] {
        seen.extend(posts_until(&mut events, last).await);
        deployment.kill();
        deployment.start();
    }
    seen.extend(posts_until(&mut events, POSTS).await);
    let _repeated = posting.await.unwrap();
    let texts: Vec<_> = seen.into_iter().map(|post| post.chat).collect();
    assert_eq!(
        texts,
        (0..POSTS)
            .map(|number| format!("item {number}"))
            .collect::<Vec<_>>()
    );
    let history = room.history_after(MessageId(0), 500).await.unwrap();
    assert_eq!(history.len(), POSTS as usize);
}

#[tokio::test]
async fn a_password_is_proved_again_after_a_kill_and_a_wrong_one_is_refused_at_once() {
    let mut deployment = Deployment::with_password();
    let wrong = deployment.alice_with_password("secret123");
    let error = wrong.establish().await.unwrap_err();
    assert!(matches!(error, EstablishError::WrongPassword { .. }), "{error}");

    let alice = deployment.alice_with_password(PASSWORD);
    let (room, _events) = chat(&alice).await.join("News").await.unwrap();
    room.post("before").await.unwrap();
    deployment.kill();
    let mut states = alice.states();
    states
        .wait_for(|status| status.state == EndpointState::Recovering)
        .await
        .unwrap();
    deployment.start();
    let key: PostKey = "after".parse().unwrap();
    let posted = room.post(Message::text("after").with_key(key)).await.unwrap();
    assert_eq!(posted.id, Some(MessageId(2)));
}
