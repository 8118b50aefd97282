//! One-to-one messages: calls taken and made, texts answered when they are accepted, conversations within limits.

use std::time::Duration;

use parlor_client::{PrivateError, PrivateMessages, RoomEvent};
use parlor_sip::{Method, StatusCode};
use tokio::task::JoinHandle;

use crate::peer::Peer;
use crate::scene::{BOB, ME, Scene, room, uri};

const OFFER: &str = "v=0\r\nm=message 5060 sip null\r\na=accept-types:text/plain\r\n";
const PLAIN: &str = "text/plain; charset=UTF-8;msgr=WABYAA";
const CAROL: &str = "sip:carol@example.com";

async fn reading() -> (Scene, PrivateMessages) {
    let scene = Scene::new().await;
    let messages = scene.endpoint.private_messages().await;
    (scene, messages)
}

fn sending(scene: &Scene, to: &str, text: &str) -> JoinHandle<Result<(), PrivateError>> {
    let (endpoint, to, text) = (scene.endpoint.clone(), uri(to), text.to_owned());
    tokio::spawn(async move { endpoint.send_private(&to, text).await })
}

/// The next text of the client, answered.
async fn hear(peer: &mut Peer, status: StatusCode) -> String {
    let (transaction, _, request) = peer.request(Method::MESSAGE).await;
    peer.respond(transaction, status).await;
    String::from_utf8(request.body().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_text_is_answered_when_the_reader_accepts_it_and_not_before() {
    let (mut scene, mut messages) = reading().await;
    let dialog = scene.peer.call(BOB, OFFER).await.unwrap();
    let said = scene
        .peer
        .say_in(dialog, Method::MESSAGE, PLAIN, "are you there?")
        .await;
    let mut message = messages.next().await.unwrap();
    assert_eq!(
        (&message.from, message.text.as_str()),
        (&uri(BOB), "are you there?")
    );
    assert_eq!(message.from_name.as_deref(), Some("Somebody"));
    assert!(!scene.peer.is_answered(said).await);
    message.accept();
    assert_eq!(scene.peer.answer(said).await.status(), StatusCode::OK);

    let lost = scene
        .peer
        .say_in(dialog, Method::MESSAGE, PLAIN, "and now?")
        .await;
    let second = messages.next().await.unwrap();
    assert_ne!(second.id, message.id);
    drop(second);
    let answer = scene.peer.answer(lost).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn notices_are_taken_in_silence_and_what_cannot_be_read_is_refused() {
    let (mut scene, mut messages) = reading().await;
    let dialog = scene.peer.call(BOB, OFFER).await.unwrap();
    for (method, kind, body, status) in [
        (
            Method::INFO,
            "application/xml",
            "<KeyboardActivity><status status=\"type\"/></KeyboardActivity>",
            200,
        ),
        (
            Method::MESSAGE,
            "application/im-iscomposing+xml",
            "<isComposing/>",
            200,
        ),
        (
            Method::MESSAGE,
            "text/x-msmsgsinvite",
            "Invitation-Command: INVITE",
            415,
        ),
    ] {
        let said = scene.peer.say_in(dialog, method, kind, body).await;
        assert_eq!(scene.peer.answer(said).await.status().code(), status, "{kind}");
    }
    let said = scene
        .peer
        .say_in(
            dialog,
            Method::MESSAGE,
            "text/html",
            "<b>bold</b> &amp; more<br>lines",
        )
        .await;
    let mut message = messages.next().await.unwrap();
    assert_eq!(message.text, "bold & more\nlines");
    message.accept();
    assert_eq!(scene.peer.answer(said).await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn only_calls_for_messages_are_taken_and_only_while_somebody_reads() {
    let mut scene = Scene::new().await;
    assert_eq!(
        scene.peer.call(BOB, OFFER).await,
        Err(StatusCode::NOT_ACCEPTABLE_HERE)
    );
    let messages = scene.endpoint.private_messages().await;
    let audio = "v=0\r\nm=audio 5060 RTP/AVP 0\r\n";
    assert_eq!(
        scene.peer.call(BOB, audio).await,
        Err(StatusCode::NOT_ACCEPTABLE_HERE)
    );
    assert!(scene.peer.call(BOB, OFFER).await.is_ok());
    drop(messages);
    assert_eq!(
        scene.peer.call(BOB, OFFER).await,
        Err(StatusCode::TEMPORARILY_UNAVAILABLE)
    );
}

#[tokio::test(start_paused = true)]
async fn texts_go_into_the_open_conversation_one_after_the_other() {
    let (mut scene, _messages) = reading().await;
    let dialog = scene.peer.call(BOB, OFFER).await.unwrap();
    let (first, second) = (sending(&scene, BOB, "first"), sending(&scene, BOB, "second"));
    let (transaction, in_dialog, request) = scene.peer.request(Method::MESSAGE).await;
    assert_eq!(in_dialog, Some(dialog));
    assert_eq!(
        request.headers().get(parlor_sip::Name::ContentType),
        Some("text/plain; charset=UTF-8")
    );
    assert!(!second.is_finished());
    scene.peer.respond(transaction, StatusCode::OK).await;
    first.await.unwrap().unwrap();
    assert_eq!(hear(&mut scene.peer, StatusCode::OK).await, "second");
    second.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_conversation_one_is_opened_and_a_dead_one_is_opened_again() {
    let mut scene = Scene::new().await;
    let first = sending(&scene, BOB, "hello");
    let (_, invite) = scene.peer.pick_up().await;
    assert_eq!(
        (invite.uri_text(), invite.from().unwrap().uri.as_str()),
        (BOB, ME)
    );
    assert_eq!(hear(&mut scene.peer, StatusCode::OK).await, "hello");
    first.await.unwrap().unwrap();

    let second = sending(&scene, BOB, "still there?");
    assert_eq!(
        hear(&mut scene.peer, StatusCode::CALL_DOES_NOT_EXIST).await,
        "still there?"
    );
    scene.peer.pick_up().await;
    assert_eq!(hear(&mut scene.peer, StatusCode::OK).await, "still there?");
    second.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_to_everybody_who_writes_to_that_user_and_to_nobody_else() {
    let mut scene = Scene::new().await;
    let (one, two, other) = (
        sending(&scene, BOB, "1"),
        sending(&scene, BOB, "2"),
        sending(&scene, CAROL, "3"),
    );
    let (transaction, _, invite) = scene.peer.request(Method::INVITE).await;
    assert_eq!(invite.uri_text(), BOB);
    scene
        .peer
        .respond(transaction, StatusCode::TEMPORARILY_UNAVAILABLE)
        .await;
    for refused in [one, two] {
        let error = refused.await.unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "INVITE was answered with 480 Temporarily Unavailable"
        );
        assert!(!error.is_permanent());
    }
    scene.peer.pick_up().await;
    assert_eq!(hear(&mut scene.peer, StatusCode::OK).await, "3");
    other.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_ends_in_a_deadline_and_the_connection_lives_on() {
    let mut scene = Scene::new().await;
    let info = room(1, "News");
    let (_room, mut events) = scene.join(&info, 0).await;
    let ringing = sending(&scene, BOB, "hello?");
    let (transaction, _, _) = scene.peer.request(Method::INVITE).await;
    assert!(matches!(ringing.await.unwrap(), Err(PrivateError::Deadline)));
    // Nobody waits any more, so the call is taken back.
    assert!(scene.peer.is_cancelled(transaction).await);

    let silent = sending(&scene, CAROL, "hello?");
    scene.peer.pick_up().await;
    let _unanswered = scene.peer.request(Method::MESSAGE).await;
    assert!(matches!(silent.await.unwrap(), Err(PrivateError::OutcomeUnknown)));
    tokio::time::advance(Duration::from_secs(40)).await;
    scene.peer.show(&crate::scene::message(&info.uri, 1)).await;
    assert!(matches!(events.next().await, Some(RoomEvent::Post(_))));
}

#[tokio::test(start_paused = true)]
async fn after_a_loss_a_text_on_its_way_is_of_unknown_outcome_and_a_waiting_one_is_sent() {
    let (mut scene, mut messages) = reading().await;
    let dialog = scene.peer.call(BOB, OFFER).await.unwrap();
    scene
        .peer
        .say_in(dialog, Method::MESSAGE, PLAIN, "question")
        .await;
    let mut question = messages.next().await.unwrap();
    let sent = sending(&scene, BOB, "on its way");
    let _unanswered = scene.peer.request(Method::MESSAGE).await;
    let waiting = sending(&scene, BOB, "waiting");
    scene.peer.settle().await;
    scene.peer.crash().await;
    assert!(matches!(sent.await.unwrap(), Err(PrivateError::OutcomeUnknown)));
    // The answer to a message of the old connection goes nowhere.
    question.accept();

    let mut peer = scene.service.chat().await;
    peer.pick_up().await;
    assert_eq!(hear(&mut peer, StatusCode::OK).await, "waiting");
    waiting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_conversation_more_than_the_limit_ends_the_one_that_was_quiet_longest() {
    let (mut scene, _messages) = reading().await;
    let mut dialogs = Vec::new();
    for number in 0..48 {
        let user = format!("sip:user{number}@example.com");
        dialogs.push(scene.peer.call(&user, OFFER).await.unwrap());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let typing = scene
        .peer
        .say_in(
            dialogs[0],
            Method::MESSAGE,
            "application/im-iscomposing+xml",
            "<a/>",
        )
        .await;
    scene.peer.answer(typing).await;
    scene.peer.call(BOB, OFFER).await.unwrap();
    assert_eq!(scene.peer.ended().await, dialogs[1]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_makes_senders_wait_and_a_caller_is_told_to_slow_down() {
    let (mut scene, messages) = reading().await;
    let dialog = scene.peer.call(BOB, OFFER).await.unwrap();
    let mut last = None;
    for number in 0..65 {
        last = Some(
            scene
                .peer
                .say_in(dialog, Method::MESSAGE, PLAIN, format!("{number}"))
                .await,
        );
    }
    let answer = scene.peer.answer(last.unwrap()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers().get(parlor_sip::Name::RetryAfter), Some("5"));
    drop(messages);

    let _waiting: Vec<_> = (0..64).map(|_| sending(&scene, CAROL, "hi")).collect();
    scene.peer.request(Method::INVITE).await;
    let refused = scene.endpoint.send_private(&uri(CAROL), "one more").await;
    assert!(
        matches!(refused, Err(PrivateError::TooManyMessages)),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_refused_at_once_and_the_end_is_told() {
    let mut scene = Scene::new().await;
    let endpoint = scene.endpoint.clone();
    assert!(matches!(
        endpoint.send_private(&uri(BOB), " \n").await,
        Err(PrivateError::Empty)
    ));
    let long = "x".repeat(32 * 1024 + 1);
    assert!(matches!(
        endpoint.send_private(&uri(BOB), long).await,
        Err(PrivateError::TooLong { limit: 32_768, .. })
    ));
    let waiting = sending(&scene, BOB, "hi");
    let (_, dialog_invite) = scene.peer.pick_up().await;
    assert_eq!(dialog_invite.uri_text(), BOB);
    hear(&mut scene.peer, StatusCode::OK).await;
    waiting.await.unwrap().unwrap();
    let mut messages = endpoint.private_messages().await;
    let leaving = tokio::spawn({
        let endpoint = endpoint.clone();
        async move { endpoint.terminate().await }
    });
    scene.peer.ended().await;
    leaving.await.unwrap();
    assert!(messages.next().await.is_none());
    assert!(matches!(
        endpoint.send_private(&uri(BOB), "late").await,
        Err(PrivateError::State(_))
    ));
}
