//! Finding, joining, watching and leaving rooms.

use parlor_client::{JoinError, RequestError, RoomClosed, RoomEvent};
use parlor_xccos::{
    Arrival, Command, ErrorCode, JoinedRoom, MessageId, Notice, Participant, ReplyData, Rights, RoomInfo,
};

use crate::scene::{BOB, Scene, history, joined, me, message, room, uri};

/// Starts a join by name and answers the search with these rooms.
async fn join_named(
    scene: &mut Scene,
    name: &'static str,
    found: &[RoomInfo],
) -> tokio::task::JoinHandle<Result<(), JoinError>> {
    let chat = scene.chat.clone();
    let joining = tokio::spawn(async move { chat.join(name).await.map(|_| ()) });
    let asked = scene.peer.command().await;
    assert!(
        matches!(&asked.command, Command::Search(search) if search.criteria == name),
        "{asked:?}"
    );
    scene.peer.reply(&asked, ReplyData::Rooms(found.to_vec())).await;
    joining
}

#[tokio::test(start_paused = true)]
async fn a_name_finds_the_one_room_that_carries_it_exactly() {
    let mut scene = Scene::new().await;
    let rooms = [room(1, "News archive"), room(2, "news"), room(3, "Old news")];
    let joining = join_named(&mut scene, "News", &rooms).await;
    scene.peer.grant_join(rooms[1].clone(), 0).await;
    joining.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_name_that_no_room_carries_lists_what_there_is() {
    let mut scene = Scene::new().await;
    let joining = join_named(&mut scene, "New", &[room(1, "News"), room(2, "Renewal")]).await;
    let error = joining.await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "no room is named `New`; there is News (ma-chan://example.com/01010101-0101-0101-0101-010101010101), \
         Renewal (ma-chan://example.com/02020202-0202-0202-0202-020202020202)"
    );
    assert!(error.is_permanent());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_several_rooms_carry_is_ambiguous() {
    let mut scene = Scene::new().await;
    let joining = join_named(&mut scene, "News", &[room(1, "News"), room(2, "NEWS")]).await;
    let Err(JoinError::Ambiguous { candidates, .. }) = joining.await.unwrap() else {
        panic!("not ambiguous")
    };
    assert_eq!(candidates.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_join_tells_why_and_a_room_is_joined_once() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let joining = tokio::spawn({
        let (chat, uri) = (scene.chat.clone(), news.uri.clone());
        async move { chat.join(uri).await.map(|_| ()) }
    });
    let asked = scene.peer.command().await;
    let twice = scene.chat.join(news.uri.clone()).await.unwrap_err();
    assert_eq!(twice, JoinError::AlreadyJoined(news.uri.clone()));
    scene.peer.refuse(&asked, ErrorCode::Permission).await;
    let Err(JoinError::Refused {
        cause: Some(cause), ..
    }) = joining.await.unwrap()
    else {
        panic!("not refused")
    };
    assert_eq!(cause.code, ErrorCode::Permission);
}

#[tokio::test(start_paused = true)]
async fn who_comes_and_goes_is_told_and_kept() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 0).await;
    assert_eq!(session.participants(), [me()]);

    let bob = Participant::new(uri(BOB), Rights::MEMBER);
    let arrivals = vec![Arrival {
        room: news.uri.clone(),
        participant: bob.clone(),
    }];
    scene
        .peer
        .notice(Notice::Joined {
            batch: false,
            arrivals,
        })
        .await;
    assert_eq!(events.next().await, Some(RoomEvent::Joined(bob.clone())));
    assert_eq!(session.participants(), [bob, me()]);

    scene
        .peer
        .notice(Notice::Parted {
            room: news.uri.clone(),
            users: vec![uri(BOB)],
        })
        .await;
    assert_eq!(events.next().await, Some(RoomEvent::Parted(uri(BOB))));
    assert_eq!(session.participants(), [me()]);

    let renamed = RoomInfo {
        name: "Latest".to_owned(),
        ..news.clone()
    };
    scene.peer.notice(Notice::RoomChanged(renamed.clone())).await;
    assert!(matches!(events.next().await, Some(RoomEvent::Changed(info)) if info.name == "Latest"));
    assert_eq!(session.info().name, "Latest");
}

#[tokio::test(start_paused = true)]
async fn a_kick_ends_the_stream_with_its_reason() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 0).await;
    scene.peer.show(&message(&news.uri, 1)).await;
    scene
        .peer
        .notice(Notice::Kicked {
            room: news.uri.clone(),
            user: me().user,
        })
        .await;
    assert_eq!(events.next().await, Some(RoomEvent::Post(message(&news.uri, 1))));
    assert_eq!(events.next().await, Some(RoomEvent::Closed(RoomClosed::Kicked)));
    assert_eq!(events.next().await, None);
    assert!(!session.is_joined());
    assert_eq!(
        session.post("hello?").await,
        Err(parlor_client::PostError::NotJoined)
    );
}

#[tokio::test(start_paused = true)]
async fn leaving_parts_the_room() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 0).await;
    let leaving = tokio::spawn(async move { session.leave().await });
    let asked = scene.peer.command().await;
    assert_eq!(asked.command, Command::Part(news.uri.clone()));
    scene
        .peer
        .reply(&asked, ReplyData::Parted(news.uri.clone()))
        .await;
    leaving.await.unwrap().unwrap();
    assert_eq!(events.next().await, Some(RoomEvent::Closed(RoomClosed::Left)));
}

#[tokio::test(start_paused = true)]
async fn a_room_is_held_by_its_session_or_its_events_and_left_when_both_are_dropped() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 0).await;
    drop(session);
    scene.peer.show(&message(&news.uri, 1)).await;
    assert_eq!(events.next().await, Some(RoomEvent::Post(message(&news.uri, 1))));
    drop(events);
    let asked = scene.peer.command().await;
    assert_eq!(asked.command, Command::Part(news.uri));
}

#[tokio::test(start_paused = true)]
async fn a_reader_with_a_cursor_gets_what_it_missed_first() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let joining = tokio::spawn({
        let (chat, uri) = (scene.chat.clone(), news.uri.clone());
        async move { chat.join_after(uri, MessageId(3)).await }
    });
    let asked = scene.peer.command().await;
    scene.peer.reply(&asked, joined(news.clone())).await;
    let (_session, mut events) = joining.await.unwrap().unwrap();
    scene.peer.show(&message(&news.uri, 6)).await;
    let missed = (4..=6).map(|id| message(&news.uri, id)).collect();
    scene.peer.grant_history(&news.uri, 3, missed).await;
    for id in 4..=6 {
        assert_eq!(events.next().await, Some(RoomEvent::Post(message(&news.uri, id))));
    }
}

#[tokio::test(start_paused = true)]
async fn history_and_lists_are_asked_for_and_refusals_passed_on() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, _events) = scene.join(&news, 0).await;

    let asking = tokio::spawn(async move { session.recent_history(2).await });
    let asked = scene.peer.command().await;
    assert_eq!(
        asked.command,
        Command::Backchat {
            room: news.uri.clone(),
            count: 2
        }
    );
    let posts: Vec<_> = (8..=9).map(|id| message(&news.uri, id)).collect();
    scene.peer.reply(&asked, history(&news.uri, posts.clone())).await;
    assert_eq!(asking.await.unwrap().unwrap(), posts);

    let asking = tokio::spawn({
        let chat = scene.chat.clone();
        async move { chat.my_rooms().await }
    });
    let asked = scene.peer.command().await;
    assert!(matches!(asked.command, Command::Associations { .. }));
    scene.peer.refuse(&asked, ErrorCode::MessageNotSupported).await;
    let Err(RequestError::Refused(refusal)) = asking.await.unwrap() else {
        panic!("not refused")
    };
    assert_eq!(refusal.code, ErrorCode::MessageNotSupported);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_ends_in_a_deadline() {
    let mut scene = Scene::new().await;
    let asking = tokio::spawn({
        let chat = scene.chat.clone();
        async move { chat.browse("").await.map(|_| ()) }
    });
    let _asked = scene.peer.command().await;
    assert_eq!(asking.await.unwrap(), Err(RequestError::Deadline));
}

#[tokio::test(start_paused = true)]
async fn a_room_joined_after_its_caller_gave_up_is_left_again() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let joining = tokio::spawn({
        let (chat, uri) = (scene.chat.clone(), news.uri.clone());
        async move { chat.join(uri).await.map(|_| ()) }
    });
    let asked = scene.peer.command().await;
    assert_eq!(
        joining.await.unwrap(),
        Err(JoinError::Request(RequestError::Deadline))
    );
    let rooms = vec![JoinedRoom {
        info: news.clone(),
        participants: Vec::new(),
    }];
    scene
        .peer
        .reply(
            &asked,
            ReplyData::Joined {
                rooms,
                failed: Vec::new(),
            },
        )
        .await;
    assert_eq!(scene.peer.command().await.command, Command::Part(news.uri));
}

#[tokio::test(start_paused = true)]
async fn a_join_with_the_last_posts_asks_once_and_tells_each_post_in_one_place() {
    let mut scene = Scene::new().await;
    let info = room(1, "News");
    let joining = tokio::spawn({
        let (chat, uri) = (scene.chat.clone(), info.uri.clone());
        async move { chat.join_with_recent(uri, 3).await }
    });
    let asked = scene.peer.command().await;
    scene.peer.reply(&asked, joined(info.clone())).await;
    let asked = scene.peer.command().await;
    assert_eq!(
        asked.command,
        Command::Backchat {
            room: info.uri.clone(),
            count: 3
        }
    );
    // Number 3 is posted while the question is on its way: it comes both ways.
    scene.peer.show(&message(&info.uri, 3)).await;
    let posts = (1..=3).map(|id| message(&info.uri, id)).collect();
    scene.peer.reply(&asked, history(&info.uri, posts)).await;
    let (_session, mut events, recent) = joining.await.unwrap().unwrap();
    let ids: Vec<_> = recent
        .unwrap()
        .iter()
        .filter_map(|post| post.id)
        .map(|id| id.0)
        .collect();
    assert_eq!(ids, [1, 2, 3]);
    scene.peer.show(&message(&info.uri, 4)).await;
    let Some(RoomEvent::Post(post)) = events.next().await else {
        panic!("expected the fourth post")
    };
    assert_eq!(post.id.map(|id| id.0), Some(4));
}
