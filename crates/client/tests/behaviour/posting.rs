//! Posts, their echoes and everything that can keep one from appearing.

use std::time::Duration;

use parlor_client::{Message, PostError, Posted, RoomEvent, RoomSession};
use parlor_sip::{Name, ResponseDraft, StatusCode};
use parlor_xccos::{
    CommandName, ErrorCode, MessageId, PostKey, Posted as Stored, Primitive, Reply, ReplyData, ServerInfo,
    Timestamp,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::scene::{Scene, message, room, stored, tuning};

fn key(text: &str) -> PostKey {
    text.parse().unwrap()
}

fn post(session: &RoomSession, message: impl Into<Message>) -> JoinHandle<Result<Posted, PostError>> {
    let (session, message) = (session.clone(), message.into());
    tokio::spawn(async move { session.post(message).await })
}

#[tokio::test(start_paused = true)]
async fn a_post_succeeds_with_its_echo_which_the_author_sees_as_an_event_too() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, mut events) = scene.join(&news, 4).await;
    let posting = post(&session, Message::alert("disk full").with_key(key("k1")));
    let (_, wire) = scene.peer.post().await;
    assert!(wire.alert);
    assert_eq!(
        (wire.chat.as_str(), wire.key.clone()),
        ("disk full", Some(key("k1")))
    );
    assert!(!posting.is_finished(), "a 200 is no success yet");
    let echo = stored(wire, 5);
    scene.peer.show(&echo).await;
    let posted = posting.await.unwrap().unwrap();
    assert_eq!(
        posted,
        Posted {
            id: Some(MessageId(5)),
            timestamp: Some(echo.timestamp),
            repeated: false
        }
    );
    assert_eq!(events.next().await, Some(RoomEvent::Post(echo)));
}

#[tokio::test(start_paused = true)]
async fn a_server_without_keys_is_matched_by_text_in_the_order_of_posting() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, _events) = scene.join(&news, 0).await;
    let mut echoes = Vec::new();
    let mut posting = Vec::new();
    for (number, text) in ["same", "same", "a\r\nb"].into_iter().enumerate() {
        posting.push(post(
            &session,
            Message::text(text).with_key(key(&format!("k{number}"))),
        ));
        let (_, mut wire) = scene.peer.post().await;
        wire.key = None;
        wire.chat = wire.chat.replace("\r\n", "\n");
        echoes.push(wire);
    }
    scene.peer.show(&message(&news.uri, 1)).await;
    for (id, echo) in (2..).zip(echoes) {
        scene.peer.show(&stored(echo, id)).await;
    }
    for (id, posting) in (2..).zip(posting) {
        assert_eq!(posting.await.unwrap().unwrap().id, Some(MessageId(id)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_key_is_a_success_that_says_so() {
    let mut scene = Scene::new().await;
    let news = room(1, "News");
    let (session, _events) = scene.join(&news, 4).await;
    let posting = post(&session, Message::text("again").with_key(key("k1")));
    let (to, _) = scene.peer.post().await;
    let timestamp = Timestamp::from_millis(99);
    let first = Stored {
        room: news.uri.clone(),
        id: MessageId(2),
        timestamp,
        key: Some(key("k1")),
    };
    scene
        .peer
        .reply_as(Reply::ok(CommandName::GroupChat, to, ReplyData::Posted(first)))
        .await;
    let posted = posting.await.unwrap().unwrap();
    assert_eq!(
        posted,
        Posted {
            id: Some(MessageId(2)),
            timestamp: Some(timestamp),
            repeated: true
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_comes_from_either_layer() {
    let mut scene = Scene::new().await;
    let (session, _events) = scene.join(&room(1, "News"), 0).await;

    let posting = post(&session, "one");
    let (transaction, _, _) = scene.peer.info().await;
    scene.peer.respond(transaction, StatusCode::FORBIDDEN).await;
    let error = posting.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "INFO was answered with 403 Forbidden");
    assert!(error.is_permanent());

    let posting = post(&session, "two");
    let (to, _) = scene.peer.post().await;
    scene
        .peer
        .reply_as(Reply::failed(CommandName::GroupChat, to, ErrorCode::Permission))
        .await;
    let error = posting.await.unwrap().unwrap_err();
    assert!(
        matches!(&error, PostError::Refused(refusal) if refusal.code == ErrorCode::Permission),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_server_is_asked_again_after_the_time_it_names() {
    let mut scene = Scene::new().await;
    let (session, _events) = scene.join(&room(1, "News"), 0).await;
    let posting = post(&session, "patience");
    for _ in 0..3 {
        let (transaction, _, _) = scene.peer.info().await;
        let refused = Instant::now();
        let draft = ResponseDraft::new(StatusCode::SERVICE_UNAVAILABLE).header(Name::RetryAfter, "7");
        scene.peer.respond(transaction, draft).await;
        let (transaction, _, item) = scene.peer.info().await;
        assert!(refused.elapsed() >= Duration::from_secs(7));
        // And once more at once, so that the loop sees both answers.
        scene
            .peer
            .respond(transaction, StatusCode::SERVICE_UNAVAILABLE)
            .await;
        assert!(matches!(item, Primitive::Post(_)));
    }
    let (_, wire) = scene.peer.post().await;
    scene.peer.show(&stored(wire, 1)).await;
    assert_eq!(posting.await.unwrap().unwrap().id, Some(MessageId(1)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_overloaded_ends_in_a_deadline_and_nothing_appeared() {
    let mut scene = Scene::new().await;
    let (session, _events) = scene.join(&room(1, "News"), 0).await;
    let started = Instant::now();
    let posting = post(&session, "nobody takes it");
    while !posting.is_finished() {
        tokio::select! {
            (transaction, _, _) = scene.peer.info() => {
                scene.peer.respond(transaction, StatusCode::SERVICE_UNAVAILABLE).await;
            }
            () = tokio::time::sleep_until(started + tuning().post) => tokio::task::yield_now().await,
        }
    }
    assert_eq!(posting.await.unwrap(), Err(PostError::Deadline));
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_taken_and_never_came_back_has_an_unknown_outcome() {
    let mut scene = Scene::new().await;
    let (session, _events) = scene.join(&room(1, "News"), 0).await;
    let posting = post(&session, "into the dark");
    let _taken = scene.peer.post().await;
    assert_eq!(posting.await.unwrap(), Err(PostError::OutcomeUnknown));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_tried_again_for_a_post_with_a_key_only() {
    let mut scene = Scene::new().await;
    let (session, _events) = scene.join(&room(1, "News"), 0).await;
    let down = |to| Reply::failed(CommandName::GroupChat, to, ErrorCode::DatabaseConnection);

    let posting = post(&session, Message::text("keyed").with_key(key("k")));
    let (to, _) = scene.peer.post().await;
    scene.peer.reply_as(down(to)).await;
    let (_, wire) = scene.peer.post().await;
    scene.peer.show(&stored(wire, 1)).await;
    posting.await.unwrap().unwrap();

    let posting = post(&session, "keyless");
    let (to, _) = scene.peer.post().await;
    scene.peer.reply_as(down(to)).await;
    let error = posting.await.unwrap().unwrap_err();
    assert!(matches!(error, PostError::Refused(_)) && !error.is_permanent());
}

#[tokio::test(start_paused = true)]
async fn what_the_server_would_refuse_for_its_size_is_not_sent() {
    let (dialer, mut service) = crate::peer::Service::new();
    let endpoint = crate::scene::endpoint(&crate::scene::platform(dialer, tuning()));
    endpoint.establish().await.unwrap();
    let opening = tokio::spawn({
        let endpoint = endpoint.clone();
        async move {
            parlor_client::PersistentChatEndpoint::establish(&endpoint, crate::scene::known_chat()).await
        }
    });
    let mut peer = service.connection().await;
    let limits = ServerInfo {
        message_size_limit: Some(8),
        story_size_limit: Some(64),
        ..ServerInfo::default()
    };
    peer.open_chat_with(limits).await;
    let chat = opening.await.unwrap().unwrap();
    let mut scene = Scene {
        endpoint,
        chat,
        service,
        peer,
    };
    let (session, _events) = scene.join(&room(1, "News"), 0).await;

    assert_eq!(session.post("").await, Err(PostError::Empty));
    assert_eq!(
        session.post("123456789").await,
        Err(PostError::TooLong { bytes: 9, limit: 8 })
    );
    let story = post(&session, Message::story("Title", "a body of some length"));
    let (_, wire) = scene.peer.post().await;
    scene.peer.show(&stored(wire, 1)).await;
    story.await.unwrap().unwrap();
}
