//! Losing the connection and coming back: waits, rejoining, catching up, and what becomes of posts on the way.

use std::time::Duration;

use parlor_client::{EndpointState, Message, PostError, RoomClosed, RoomEvent, RoomEvents, Tuning};
use parlor_xccos::{Command, JoinedRoom, MessageId, PostKey, ReplyData, RoomUri, ServerInfo};
use tokio::time::Instant;

use crate::scene::{Scene, me, message, room, stored, tuning};

fn key(text: &str) -> PostKey {
    text.parse().unwrap()
}

async fn expect_posts(events: &mut RoomEvents, room: &RoomUri, ids: impl IntoIterator<Item = i64>) {
    for id in ids {
        assert_eq!(events.next().await, Some(RoomEvent::Post(message(room, id))));
    }
}

#[tokio::test(start_paused = true)]
async fn all_rooms_come_back_in_one_join_with_everything_missed_once_and_in_order() {
    let mut scene = Scene::tuned(Tuning { page: 3, ..tuning() }).await;
    let (news, ops) = (room(1, "News"), room(2, "Ops"));
    let (_news_session, mut news_events) = scene.join(&news, 10).await;
    let (ops_session, mut ops_events) = scene.join(&ops, 0).await;
    scene.peer.show(&message(&news.uri, 11)).await;
    expect_posts(&mut news_events, &news.uri, [11]).await;

    scene.peer.crash().await;
    assert_eq!(news_events.next().await, Some(RoomEvent::Disconnected));
    assert_eq!(scene.endpoint.state(), EndpointState::Recovering);
    assert!(!ops_session.is_joined());

    let mut peer = scene.service.chat().await;
    peer.grant_rejoin(&[news.clone(), ops.clone()]).await;
    // Live before the history is there: held back, and not shown twice.
    peer.show(&message(&news.uri, 15)).await;
    peer.grant_history(
        &news.uri,
        11,
        (12..=14).map(|id| message(&news.uri, id)).collect(),
    )
    .await;
    peer.grant_history(&ops.uri, 0, Vec::new()).await;
    peer.grant_history(&news.uri, 14, vec![message(&news.uri, 15)])
        .await;
    expect_posts(&mut news_events, &news.uri, 12..=15).await;
    assert_eq!(news_events.next().await, Some(RoomEvent::Recovered { missed: 4 }));
    assert_eq!(ops_events.next().await, Some(RoomEvent::Disconnected));
    assert_eq!(ops_events.next().await, Some(RoomEvent::Recovered { missed: 0 }));
    assert_eq!(scene.endpoint.state(), EndpointState::Established);

    peer.show(&message(&news.uri, 16)).await;
    expect_posts(&mut news_events, &news.uri, [16]).await;
    assert!(ops_session.is_joined());
}

#[tokio::test(start_paused = true)]
async fn attempts_wait_longer_and_longer_with_full_jitter() {
    let scene = Scene::tuned(Tuning {
        reconnect_base: Duration::from_secs(1),
        reconnect_cap: Duration::from_secs(8),
        ..tuning()
    })
    .await;
    let mut service = scene.service;
    service.refuse(7);
    let mut states = scene.endpoint.states();
    let lost = Instant::now();
    scene.peer.crash().await;
    states
        .wait_for(|status| status.state == EndpointState::Recovering)
        .await
        .unwrap();
    let _peer = service.chat().await;

    let mut before = lost;
    let dialled = service.dialled.lock().unwrap().clone();
    assert_eq!(dialled.len(), 1 + 8);
    for (attempt, at) in dialled[1..].iter().enumerate() {
        let ceiling = Duration::from_secs(1 << attempt.min(3)) + Duration::from_millis(10);
        assert!(
            *at - before <= ceiling,
            "attempt {attempt} came after {:?}",
            *at - before
        );
        before = *at;
    }
    states
        .wait_for(|status| status.state == EndpointState::Established)
        .await
        .unwrap();
    assert_eq!(scene.endpoint.status().attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_post_with_a_key_is_sent_again_and_one_without_has_an_unknown_outcome() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 0).await;
    let keyed = tokio::spawn({
        let session = session.clone();
        async move { session.post(Message::text("keyed").with_key(key("k1"))).await }
    });
    let _taken = scene.peer.post().await;
    let keyless = tokio::spawn({
        let session = session.clone();
        async move { session.post("keyless").await }
    });
    let _taken = scene.peer.post().await;
    scene.peer.crash().await;
    assert_eq!(keyless.await.unwrap(), Err(PostError::OutcomeUnknown));
    let waiting = tokio::spawn({
        let session = session.clone();
        async move { session.post("said while away").await }
    });

    let mut peer = scene.service.chat().await;
    peer.grant_rejoin(std::slice::from_ref(&news)).await;
    // Both waiting posts go out beside the question for history, in the order of posting.
    let (_, again) = peer.post().await;
    assert_eq!(
        (again.chat.as_str(), again.key.clone()),
        ("keyed", Some(key("k1")))
    );
    let (_, away) = peer.post().await;
    assert_eq!(away.chat, "said while away");
    peer.grant_history(&news.uri, 0, Vec::new()).await;
    peer.show(&stored(again, 1)).await;
    peer.show(&stored(away, 2)).await;
    assert_eq!(keyed.await.unwrap().unwrap().id, Some(MessageId(1)));
    assert_eq!(waiting.await.unwrap().unwrap().id, Some(MessageId(2)));
    assert_eq!(events.next().await, Some(RoomEvent::Disconnected));
    assert_eq!(events.next().await, Some(RoomEvent::Recovered { missed: 0 }));
    assert!(matches!(events.next().await, Some(RoomEvent::Post(post)) if post.chat == "keyed"));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_does_not_let_us_in_again_is_closed_and_the_others_go_on() {
    let mut scene = Scene::new().await;
    let (news, ops) = (room(1, "News"), room(2, "Ops"));
    let (_one, mut news_events) = scene.join(&news, 1).await;
    let (_two, mut ops_events) = scene.join(&ops, 1).await;
    scene.peer.crash().await;
    let mut peer = scene.service.chat().await;
    let asked = peer.command().await;
    let rooms = vec![JoinedRoom {
        info: news.clone(),
        participants: vec![me()],
    }];
    // In two replies, as a server does with many rooms.
    peer.reply(
        &asked,
        ReplyData::Joined {
            rooms,
            failed: Vec::new(),
        },
    )
    .await;
    peer.reply(
        &asked,
        ReplyData::Joined {
            rooms: Vec::new(),
            failed: vec![ops.uri.clone()],
        },
    )
    .await;
    peer.grant_history(&news.uri, 1, Vec::new()).await;
    assert_eq!(news_events.next().await, Some(RoomEvent::Disconnected));
    assert_eq!(news_events.next().await, Some(RoomEvent::Recovered { missed: 0 }));
    assert_eq!(ops_events.next().await, Some(RoomEvent::Disconnected));
    assert_eq!(
        ops_events.next().await,
        Some(RoomEvent::Closed(RoomClosed::Refused(None)))
    );
}

#[tokio::test(start_paused = true)]
async fn a_post_on_the_way_in_a_room_that_is_gone_afterwards_has_an_unknown_outcome() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 0).await;
    let posting = tokio::spawn(async move { session.post(Message::text("keyed").with_key(key("k1"))).await });
    let _taken = scene.peer.post().await;
    scene.peer.crash().await;
    let mut peer = scene.service.chat().await;
    let asked = peer.command().await;
    peer.reply(
        &asked,
        ReplyData::Joined {
            rooms: Vec::new(),
            failed: vec![news.uri.clone()],
        },
    )
    .await;
    assert_eq!(posting.await.unwrap(), Err(PostError::OutcomeUnknown));
    assert_eq!(events.next().await, Some(RoomEvent::Disconnected));
    assert_eq!(
        events.next().await,
        Some(RoomEvent::Closed(RoomClosed::Refused(None)))
    );
}

#[tokio::test(start_paused = true)]
async fn an_echo_found_in_history_settles_its_post_and_is_shown_once() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 0).await;
    let posting = tokio::spawn(async move { session.post(Message::text("keyed").with_key(key("k1"))).await });
    let (_, wire) = scene.peer.post().await;
    scene.peer.crash().await;
    let mut peer = scene.service.chat().await;
    peer.grant_rejoin(std::slice::from_ref(&news)).await;
    // Sent again, and the server will say that it has it; history says so first.
    let (_, again) = peer.post().await;
    assert_eq!(again.key, wire.key);
    peer.grant_history(&news.uri, 0, vec![stored(wire.clone(), 1)])
        .await;
    assert_eq!(posting.await.unwrap().unwrap().id, Some(MessageId(1)));
    peer.show(&stored(wire.clone(), 1)).await;
    peer.show(&message(&news.uri, 2)).await;
    assert_eq!(events.next().await, Some(RoomEvent::Disconnected));
    assert_eq!(events.next().await, Some(RoomEvent::Post(stored(wire, 1))));
    assert_eq!(events.next().await, Some(RoomEvent::Recovered { missed: 1 }));
    expect_posts(&mut events, &news.uri, [2]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_the_server_ends_is_opened_again_and_questions_wait_for_it() {
    let mut scene = Scene::new().await;
    scene.peer.bye().await;
    let asking = tokio::spawn({
        let chat = scene.chat.clone();
        async move { chat.browse("news").await }
    });
    let mut peer = scene.service.chat().await;
    let asked = peer.command().await;
    peer.reply(&asked, ReplyData::Rooms(vec![room(1, "News")])).await;
    assert_eq!(asking.await.unwrap().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_join_cut_off_half_way_is_made_whole_on_the_next_connection() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let joining = tokio::spawn({
        let (chat, uri) = (scene.chat.clone(), news.uri.clone());
        async move { chat.join(uri).await }
    });
    let asked = scene.peer.command().await;
    scene.peer.reply(&asked, crate::scene::joined(news.clone())).await;
    let asked = scene.peer.command().await;
    assert!(matches!(asked.command, Command::Backchat { .. }));
    scene.peer.crash().await;
    let mut peer = scene.service.chat().await;
    peer.grant_join(news.clone(), 5).await;
    let (_session, mut events) = joining.await.unwrap().unwrap();
    peer.show(&message(&news.uri, 6)).await;
    expect_posts(&mut events, &news.uri, [6]).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_told_and_still_gets_every_post_once() {
    let mut scene = Scene::tuned(Tuning {
        events: 8,
        page: 100,
        ..tuning()
    })
    .await;
    let news = room(1, "News");
    let (_session, mut events) = scene.join(&news, 0).await;
    for id in 1..=20 {
        scene.peer.show(&message(&news.uri, id)).await;
    }
    let server = tokio::spawn({
        let news = news.clone();
        let mut peer = scene.peer;
        async move {
            for id in [8, 12, 16, 20] {
                let posts = (id + 1..=(id + 4).min(20))
                    .map(|id| message(&news.uri, id))
                    .collect();
                peer.grant_history(&news.uri, id, posts).await;
            }
            peer.show(&message(&news.uri, 21)).await;
            peer
        }
    });
    expect_posts(&mut events, &news.uri, 1..=8).await;
    assert_eq!(events.next().await, Some(RoomEvent::Lagged));
    expect_posts(&mut events, &news.uri, 9..=21).await;
    drop(server.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_server_without_paging_is_asked_by_count_and_a_gap_is_never_silent() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (_session, mut events) = scene.join(&news, 3).await;
    scene.peer.crash().await;
    let mut peer = scene.service.chat().await;
    peer.grant_rejoin(std::slice::from_ref(&news)).await;
    let asked = peer.command().await;
    peer.refuse(&asked, parlor_xccos::ErrorCode::MessageNotSupported)
        .await;
    let asked = peer.command().await;
    assert!(matches!(asked.command, Command::Backchat { .. }));
    let posts = (2..=5).map(|id| message(&news.uri, id)).collect();
    peer.reply(&asked, crate::scene::history(&news.uri, posts)).await;
    assert_eq!(events.next().await, Some(RoomEvent::Disconnected));
    expect_posts(&mut events, &news.uri, 4..=5).await;
    assert_eq!(events.next().await, Some(RoomEvent::Recovered { missed: 2 }));
    peer.crash().await;

    let mut peer = scene.service.chat().await;
    peer.grant_rejoin(std::slice::from_ref(&news)).await;
    let asked = peer.command().await;
    peer.refuse(&asked, parlor_xccos::ErrorCode::Permission).await;
    assert_eq!(events.next().await, Some(RoomEvent::Disconnected));
    assert_eq!(
        events.next().await,
        Some(RoomEvent::Gap {
            after: Some(MessageId(5))
        })
    );
}

#[tokio::test(start_paused = true)]
async fn draining_finishes_what_is_on_the_way_and_takes_nothing_new() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 0).await;
    let posting = tokio::spawn({
        let session = session.clone();
        async move { session.post("the last one").await }
    });
    let (_, wire) = scene.peer.post().await;
    let draining = tokio::spawn({
        let endpoint = scene.endpoint.clone();
        async move { endpoint.drain().await }
    });
    scene.peer.settle().await;
    assert_eq!(scene.endpoint.state(), EndpointState::Draining);
    assert_eq!(
        session.post("too late").await,
        Err(PostError::State(EndpointState::Draining))
    );
    assert!(!draining.is_finished());
    scene.peer.show(&stored(wire, 1)).await;
    posting.await.unwrap().unwrap();
    assert_eq!(
        scene.peer.command().await.command,
        Command::Part(news.uri.clone())
    );
    draining.await.unwrap();
    assert!(matches!(events.next().await, Some(RoomEvent::Post(_))));
    assert_eq!(
        events.next().await,
        Some(RoomEvent::Closed(RoomClosed::Terminated))
    );
    scene.endpoint.terminate().await;
    assert!(scene.peer.is_closed().await);
    assert_eq!(scene.endpoint.state(), EndpointState::Terminated);
}

#[tokio::test(start_paused = true)]
async fn terminating_parts_says_bye_and_closes() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 0).await;
    let leaving = tokio::spawn({
        let endpoint = scene.endpoint.clone();
        async move { endpoint.terminate().await }
    });
    assert_eq!(
        scene.peer.command().await.command,
        Command::Part(news.uri.clone())
    );
    assert!(scene.peer.is_closed().await);
    leaving.await.unwrap();
    assert_eq!(
        events.next().await,
        Some(RoomEvent::Closed(RoomClosed::Terminated))
    );
    assert_eq!(
        session.post("gone").await,
        Err(PostError::State(EndpointState::Terminated))
    );
    scene.endpoint.terminate().await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_nobody_holds_signs_out_by_itself() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let membership = scene.join(&news, 0).await;
    let mut states = scene.endpoint.states();
    drop((scene.endpoint, scene.chat, membership));
    // The dropped room may be parted on its own or with the rest, but once.
    assert_eq!(
        scene.peer.command().await.command,
        Command::Part(news.uri.clone())
    );
    assert!(scene.peer.is_closed().await);
    states
        .wait_for(|status| status.state == EndpointState::Terminated)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn terminating_works_while_the_server_is_away() {
    let scene = Scene::new().await;
    scene.service.refuse(usize::MAX);
    scene.peer.crash().await;
    let mut states = scene.endpoint.states();
    states
        .wait_for(|status| status.state == EndpointState::Recovering && status.attempts > 2)
        .await
        .unwrap();
    scene.endpoint.terminate().await;
    assert_eq!(scene.endpoint.state(), EndpointState::Terminated);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_server_that_stays_away_ends_in_its_deadline() {
    let mut scene = Scene::new().await;
    let (session, _events) = scene.join(&room(1, "News"), 0).await;
    scene.service.refuse(usize::MAX);
    scene.peer.crash().await;
    let started = Instant::now();
    assert_eq!(session.post("hello?").await, Err(PostError::Deadline));
    assert_eq!(started.elapsed().as_secs(), tuning().post.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_post_with_a_key_is_not_sent_again_to_a_server_that_knows_no_keys() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, _events) = scene.join(&news, 0).await;
    assert!(session.keeps_post_keys());
    let keyed = tokio::spawn({
        let session = session.clone();
        async move { session.post(Message::text("keyed").with_key(key("k1"))).await }
    });
    let _taken = scene.peer.post().await;
    scene.peer.crash().await;
    let mut peer = scene.service.connection().await;
    peer.open_chat_with(ServerInfo::default()).await;
    assert_eq!(keyed.await.unwrap(), Err(PostError::OutcomeUnknown));
    peer.grant_rejoin(std::slice::from_ref(&news)).await;
    peer.grant_history(&news.uri, 0, Vec::new()).await;
    assert!(!session.keeps_post_keys());

    let keyed = tokio::spawn({
        let session = session.clone();
        async move { session.post(Message::text("keyed").with_key(key("k2"))).await }
    });
    let _taken = peer.post().await;
    peer.crash().await;
    assert_eq!(keyed.await.unwrap(), Err(PostError::OutcomeUnknown));
}
