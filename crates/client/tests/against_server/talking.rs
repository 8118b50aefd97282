//! Signing in and talking.

use parlor_client::{EndpointState, EstablishError, Message, PostError, PrivateError, RoomEvent};
use parlor_xccos::{MessageId, PostKey};

use crate::deployment::{ALICE, BOT, Deployment, PASSWORD, chat, uri};

#[tokio::test]
async fn a_trusted_application_and_a_user_with_a_certificate_talk() {
    let deployment = Deployment::new();
    let (bot, alice) = (deployment.application(BOT), deployment.user(ALICE, ALICE));
    let (bot_chat, alice_chat) = (chat(&bot).await, chat(&alice).await);
    assert_eq!(bot_chat.server_info().message_size_limit, Some(8000));

    let (bot_room, mut bot_events) = bot_chat.join("news").await.unwrap();
    let (alice_room, mut alice_events) = alice_chat.join("News").await.unwrap();
    assert!(matches!(bot_events.next().await, Some(RoomEvent::Joined(person)) if person.user == uri(ALICE)));
    let here: Vec<_> = alice_room
        .participants()
        .into_iter()
        .map(|person| person.user)
        .collect();
    assert_eq!(here, [uri(ALICE), uri(BOT)]);

    let posted = bot_room.post(Message::alert("first & <foremost>")).await.unwrap();
    assert_eq!(posted.id, Some(MessageId(1)));
    for events in [&mut bot_events, &mut alice_events] {
        let Some(RoomEvent::Post(post)) = events.next().await else {
            panic!("expected the post")
        };
        assert_eq!(
            (post.author, post.chat.as_str(), post.alert),
            (uri(BOT), "first & <foremost>", true)
        );
    }

    let key: PostKey = "item-1".parse().unwrap();
    let story = Message::story("Title", "body").with_key(key);
    let posted = alice_room.post(story.clone()).await.unwrap();
    assert!(!posted.repeated);
    let again = alice_room.post(story).await.unwrap();
    assert_eq!((again.id, again.repeated), (posted.id, true));

    let history = alice_room.recent_history(10).await.unwrap();
    assert_eq!(
        history.iter().map(|post| post.id).collect::<Vec<_>>(),
        [Some(MessageId(1)), Some(MessageId(2))]
    );
    assert_eq!(
        bot_room.history_after(MessageId(1), 10).await.unwrap(),
        history[1..]
    );

    assert_eq!(alice_chat.browse("").await.unwrap().len(), 1);
    alice_room.leave().await.unwrap();
    assert!(matches!(bot_events.next().await, Some(RoomEvent::Post(_))));
    assert_eq!(bot_events.next().await, Some(RoomEvent::Parted(uri(ALICE))));

    alice.terminate().await;
    bot.terminate().await;
    assert_eq!(bot.state(), EndpointState::Terminated);
}

#[tokio::test]
async fn many_posts_at_once_all_succeed_in_order() {
    let deployment = Deployment::new();
    let bot = deployment.application(BOT);
    let (room, mut events) = chat(&bot).await.join("News").await.unwrap();
    let posting: Vec<_> = (0..60)
        .map(|number| {
            let room = room.clone();
            tokio::spawn(async move { room.post(format!("number {number}")).await })
        })
        .collect();
    for posting in posting {
        posting.await.unwrap().unwrap();
    }
    for id in 1..=60 {
        assert!(matches!(events.next().await, Some(RoomEvent::Post(post)) if post.id == Some(MessageId(id))));
    }
}

#[tokio::test]
async fn a_stranger_a_user_not_allowed_and_a_message_too_long_are_refused() {
    let deployment = Deployment::new();
    let impostor = deployment.user(BOT, ALICE);
    let Err(EstablishError::Refused(refusal)) = impostor.establish().await else {
        panic!("let in")
    };
    assert_eq!((refusal.method, refusal.status), ("REGISTER", 403));
    assert!(refusal.diagnostics.is_some());

    let other = deployment.application(ALICE);
    other.establish().await.unwrap();
    let refused =
        parlor_client::PersistentChatEndpoint::establish(&other, parlor_client::ChatSettings::default())
            .await;
    assert!(matches!(refused, Err(EstablishError::Refused(refusal)) if refusal.status == 403));

    let bot = deployment.application(BOT);
    let bot_chat = chat(&bot).await;
    let missing = bot_chat.join("Sports").await.unwrap_err();
    assert_eq!(missing.to_string(), "no room is named `Sports`");
    let (room, _events) = bot_chat.join("News").await.unwrap();
    assert!(matches!(
        room.post("x".repeat(8001)).await,
        Err(PostError::TooLong {
            bytes: 8001,
            limit: 8000
        })
    ));
}

#[tokio::test]
async fn two_users_write_to_each_other_and_the_writer_knows_when_it_has_arrived() {
    let deployment = Deployment::with_password();
    let (alice, bot) = (
        deployment.alice_with_password(PASSWORD),
        deployment.registered_application(BOT),
    );
    alice.establish().await.unwrap();
    let absent = alice.send_private(&uri(BOT), "anybody?").await.unwrap_err();
    assert!(matches!(absent, PrivateError::Refused(refusal) if refusal.status == 480));

    let mut questions = bot.private_messages().await;
    chat(&bot).await;
    let mut answers = alice.private_messages().await;
    let asking = tokio::spawn({
        let alice = alice.clone();
        async move { alice.send_private(&uri(BOT), "what is new?\nand äöü?").await }
    });
    let mut question = questions.next().await.unwrap();
    assert_eq!(
        (&question.from, question.from_name.as_deref()),
        (&uri(ALICE), Some("Alice"))
    );
    assert_eq!(question.text, "what is new?\nand äöü?");
    assert!(!asking.is_finished());
    question.accept();
    asking.await.unwrap().unwrap();

    let answering = tokio::spawn({
        let bot = bot.clone();
        async move { bot.send_private(&uri(ALICE), "nothing").await }
    });
    let mut answer = answers.next().await.unwrap();
    assert_eq!((&answer.from, answer.text.as_str()), (&uri(BOT), "nothing"));
    answer.accept();
    answering.await.unwrap().unwrap();
}
