//! Messages taken out of rooms: what those read who come later, and what the record keeps.

use parlor_server::control::{ClientError, HistoryQuery, RemovalsQuery, RemoveMessage};
use parlor_sip::StatusCode;
use parlor_xccos::{Command, MessageId, Post, ReplyData, RoomUri, Timestamp};

use crate::world::{Member, World, user};

async fn recent(member: &mut Member, room: &RoomUri) -> Vec<Post> {
    let ask = Command::Backchat {
        room: room.clone(),
        count: 10,
    };
    match member.command(ask).await.data {
        ReplyData::History { posts, .. } => posts,
        other => panic!("{other:?}"),
    }
}

fn removal(text: Option<&str>) -> RemoveMessage {
    RemoveMessage {
        by: "olga".to_owned(),
        reason: Some("not our tone".to_owned()),
        text: text.map(str::to_owned),
        posted: None,
    }
}

fn refused(error: ClientError) -> (u16, String, String) {
    match error {
        ClientError::Refused { status, body } => (status, body.error, body.message),
        other => panic!("not a refusal: {other:?}"),
    }
}

#[tokio::test]
async fn a_newcomer_reads_the_notice_and_nobody_in_the_room_is_disturbed() {
    let world = World::start().await;
    let control = world.control();
    let lobby = world.uri("Lobby").await;
    let (mut alice, mut bob) = (world.chat("alice").await, world.chat("bob").await);
    for member in [&mut alice, &mut bob] {
        member.join(&lobby).await;
    }
    for text in ["[STORY]A story[/STORY]with bad words", "a good word"] {
        assert_eq!(alice.post(&lobby, text).await, StatusCode::OK);
        alice.next_post().await;
        bob.next_post().await;
    }
    let told_before = bob.unheard().len();
    let done = control
        .remove_message("Lobby", MessageId(1), &removal(None))
        .await
        .unwrap();
    assert_eq!((done.id, done.repeated), (MessageId(1), false));
    assert_eq!((done.author.clone(), done.by.as_str()), (user("alice"), "olga"));

    let mut carol = world.chat("carol").await;
    carol.join(&lobby).await;
    let read = recent(&mut carol, &lobby).await;
    assert_eq!(
        (
            read[0].chat.as_str(),
            &read[0].author,
            read[0].timestamp,
            read[0].id
        ),
        (
            "This message was removed.",
            &user("alice"),
            done.posted,
            Some(MessageId(1))
        )
    );
    assert_eq!((read[0].is_story(), read[0].alert), (false, false));
    assert_eq!(read[1].chat, "a good word");
    // Whoever was there hears of the newcomer, and of nothing else.
    bob.next_notice().await;
    assert_eq!(bob.unheard().len(), told_before);
    // The room goes on with the next number.
    assert_eq!(bob.post(&lobby, "next").await, StatusCode::OK);
    assert_eq!(alice.next_post().await.id, Some(MessageId(3)));

    let shown = control.history("Lobby", &HistoryQuery::default()).await.unwrap();
    assert_eq!(shown[0].text, "This message was removed.");
    let record = control
        .removals("Lobby", &RemovalsQuery::default())
        .await
        .unwrap();
    assert_eq!(record.len(), 1);
    assert_eq!(record[0].original.text, "[STORY]A story[/STORY]with bad words");
    assert_eq!(
        (record[0].by.as_str(), record[0].reason.as_deref()),
        ("olga", Some("not our tone"))
    );
    assert_eq!(
        (record[0].at, record[0].notice.as_str()),
        (done.at, "This message was removed.")
    );
    let later = RemovalsQuery {
        after: record[0].number,
    };
    assert_eq!(control.removals("Lobby", &later).await.unwrap(), []);
}

#[tokio::test]
async fn a_repeat_is_answered_with_the_first_removal_also_after_a_restart() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    alice.post(&lobby, "bad").await;
    alice.next_post().await;
    // By its address; the notice is one's own.
    let first = world
        .control()
        .remove_message(&lobby.to_string(), MessageId(1), &removal(Some("off topic")))
        .await
        .unwrap();
    let world = world.restart().await;
    let control = world.control();
    let second = control
        .remove_message("lobby", MessageId(1), &removal(None))
        .await
        .unwrap();
    assert!(second.repeated);
    assert_eq!((second.at, second.by), (first.at, first.by));
    let shown = control.history("Lobby", &HistoryQuery::default()).await.unwrap();
    assert_eq!(shown[0].text, "off topic");
}

#[tokio::test]
async fn what_cannot_be_removed_is_refused_with_the_reason() {
    let world = World::start().await;
    let control = world.control();
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    alice.post(&lobby, "good").await;
    let posted = alice.next_post().await.timestamp;
    let remove = async |room: &str, id: i64, wanted: RemoveMessage| {
        refused(
            control
                .remove_message(room, MessageId(id), &wanted)
                .await
                .unwrap_err(),
        )
    };
    let told = |status: u16, word: &str, sentence: &str| (status, word.to_owned(), sentence.to_owned());
    assert_eq!(
        remove("Lobby", 2, removal(None)).await,
        told(404, "no_such_message", "there is no message 2 in the room")
    );
    assert_eq!(
        remove("Nowhere", 1, removal(None)).await,
        told(404, "no_such_room", "there is no room \"Nowhere\"")
    );
    let other = RemoveMessage {
        posted: Some(Timestamp::from_millis(posted.as_millis() + 1)),
        ..removal(None)
    };
    assert_eq!(
        remove("Lobby", 1, other).await,
        told(
            409,
            "other_message",
            "message 1 is another one: it was posted at another time"
        )
    );
    assert_eq!(
        remove("Lobby", 1, removal(Some(""))).await,
        told(400, "invalid_argument", "notice is empty")
    );
    let nobody = RemoveMessage {
        by: String::new(),
        ..removal(None)
    };
    assert_eq!(remove("Lobby", 1, nobody).await.2, "name of who removes is empty");
    let raw = parlor_control::Client::new(control.path());
    let path = "/rooms/Lobby/posts/seven/removal";
    let odd = raw
        .send::<serde_json::Value>(parlor_control::Method::POST, path, &removal(None))
        .await;
    assert_eq!(
        refused(odd.unwrap_err()),
        told(400, "bad_message", "\"seven\" is not the number of a message")
    );
    assert_eq!(
        control
            .removals("Lobby", &RemovalsQuery::default())
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn a_full_disk_leaves_the_message_where_it_is() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    alice.post(&lobby, "bad").await;
    alice.next_post().await;
    world.store.faults().set_full(true);
    let control = world.control();
    let remove = || async {
        control
            .remove_message("Lobby", MessageId(1), &removal(None))
            .await
    };
    let (status, word, _) = refused(remove().await.unwrap_err());
    assert_eq!((status, word.as_str()), (503, "store"));
    assert_eq!(recent(&mut alice, &lobby).await[0].chat, "bad");
    world.store.faults().set_full(false);
    assert!(!remove().await.unwrap().repeated);
}
