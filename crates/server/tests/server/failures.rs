//! What happens when the store, a peer or the room's queue fails.

use std::io::Write;
use std::net::TcpStream;

use parlor_net::{CloseCause, Event};
use parlor_server::SeedRoom;
use parlor_sip::StatusCode;
use parlor_xccos::{Command, CommandName, CommandRef, EnvelopeId, ErrorCode, MessageId, Post, Timestamp};

use crate::world::{World, user};

#[tokio::test]
async fn nothing_is_shown_that_is_not_stored() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let (mut alice, mut bob) = (world.chat("alice").await, world.chat("bob").await);
    alice.join(&lobby).await;
    bob.join(&lobby).await;
    world.store.faults().fail_next_append();
    let lost = Post::new(lobby.clone(), user("alice"), Timestamp::from_millis(0), "lost");
    let (status, to) = alice.post_fully(lost).await;
    assert_eq!(status, StatusCode::OK);
    let reply = alice.reply(to).await;
    assert_eq!(
        (reply.name.clone(), reply.error()),
        (CommandName::GroupChat, Some(ErrorCode::DatabaseConnection))
    );
    assert!(!world.server.status().store.healthy);

    alice.post(&lobby, "kept").await;
    let post = bob.next_post().await;
    assert_eq!((post.chat.as_str(), post.id), ("kept", Some(MessageId(1))));
    let store = world.server.status().store;
    assert!(store.healthy && store.failures == 1, "{store:?}");
}

#[tokio::test]
async fn a_lost_answer_and_a_repeat_make_one_visible_post() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut bot = world.bot("newsbot").await;
    bot.join(&lobby).await;
    world.store.faults().lose_next_answer();
    let mut post = Post::new(lobby.clone(), user("newsbot"), Timestamp::from_millis(0), "item");
    post.key = Some("feed-1".parse().unwrap());
    let (_, to) = bot.post_fully(post.clone()).await;
    assert_eq!(bot.reply(to).await.error(), Some(ErrorCode::DatabaseConnection));
    let (_, to) = bot.post_fully(post).await;
    assert!(bot.reply(to).await.is_ok());
    let history = world
        .control()
        .history("Lobby", &Default::default())
        .await
        .unwrap();
    assert_eq!(history.len(), 1);
}

#[tokio::test]
async fn a_full_queue_answers_503_and_what_was_taken_is_shown() {
    let world = World::with(|config| config.limits.room_queue = 3).await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let gate = world.store.faults().hold_appends();
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(alice.post(&lobby, &format!("post {number}")).await);
    }
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(
        statuses,
        [StatusCode::OK, StatusCode::OK, StatusCode::OK, busy, busy]
    );
    drop(gate);
    for number in 0..3 {
        assert_eq!(alice.next_post().await.chat, format!("post {number}"));
    }
    assert_eq!(alice.post(&lobby, "again").await, StatusCode::OK);
    assert_eq!(alice.next_post().await.chat, "again");
}

#[tokio::test]
async fn a_user_waits_for_a_limited_number_of_replies() {
    let world = World::with(|config| config.limits.user_pending = 2).await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let gate = world.store.faults().hold_appends();
    assert_eq!(alice.post(&lobby, "one").await, StatusCode::OK);
    assert_eq!(alice.post(&lobby, "two").await, StatusCode::OK);
    assert_eq!(
        alice.try_command(Command::RequestUri).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    drop(gate);
    alice.next_post().await;
    alice.next_post().await;
    assert_eq!(alice.try_command(Command::RequestUri).await, StatusCode::OK);
}

#[tokio::test]
async fn more_than_may_ever_wait_is_not_asked_for_again() {
    let world = World::with(|config| config.limits.user_pending = 2).await;
    let mut alice = world.chat("alice").await;
    let three = r#"<cmd id="cmd:requri" seqid="1"><data/></cmd>"#.repeat(3);
    let document = format!(r#"<xccos ver="1" envid="7" xmlns="urn:parlano:xml:ns:xccos">{three}</xccos>"#);
    assert_eq!(alice.info(document).await, StatusCode::REQUEST_ENTITY_TOO_LARGE);
}

#[tokio::test]
async fn one_message_is_answered_at_bounded_length() {
    let world = World::with(|config| {
        let template = config.seed.rooms[0].clone();
        config.seed.rooms = (0..600)
            .map(|number| SeedRoom {
                name: format!("Room {number} {}", "&".repeat(200)),
                ..template.clone()
            })
            .collect();
    })
    .await;
    let mut alice = world.chat("alice").await;
    let search = |seq| {
        format!(
            r#"<cmd id="cmd:chansrch" seqid="{seq}"><data><qib qtype="BYNAME" criteria="room"/></data></cmd>"#
        )
    };
    let document = format!(
        r#"<xccos ver="1" envid="7" xmlns="urn:parlano:xml:ns:xccos">{}</xccos>"#,
        (1..=10).map(search).collect::<String>()
    );
    assert_eq!(alice.info(document).await, StatusCode::OK);
    let mut refused = 0;
    for seq in 1..=10 {
        let to = CommandRef {
            envelope: EnvelopeId::from(7),
            seq,
        };
        refused += u32::from(
            alice
                .reply(to)
                .await
                .text
                .starts_with(ErrorCode::LimitExceeded.token()),
        );
    }
    assert!(refused >= 7, "{refused} refused");
}

#[tokio::test]
async fn a_peer_that_stops_reading_is_dropped_and_the_others_go_on() {
    let world = World::with(|config| config.limits.message_bytes = 65_536).await;
    let lobby = world.uri("Lobby").await;
    let (mut alice, mut deaf) = (world.chat("alice").await, world.chat("bob").await);
    alice.join(&lobby).await;
    deaf.join(&lobby).await;
    alice.next_notice().await;
    // Nobody polls `deaf` any more: the sockets fill, then the outbox.
    let text = "x".repeat(60_000);
    let mut dropped = false;
    for _ in 0..2_000 {
        assert_eq!(alice.post(&lobby, &text).await, StatusCode::OK);
        alice.next_post().await;
        if alice
            .unheard()
            .iter()
            .any(|item| matches!(item, parlor_xccos::Primitive::Notice(_)))
        {
            dropped = true;
            break;
        }
    }
    assert!(dropped, "the peer that does not read is still in the room");
    alice.post(&lobby, "on we go").await;
    assert_eq!(alice.next_post().await.chat, "on we go");
}

#[tokio::test]
async fn nonsense_on_the_wire_costs_the_sender_its_connection_only() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let mut plain = TcpStream::connect(world.server.addresses()[1]).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut tls = TcpStream::connect(world.server.addresses()[0]).unwrap();
    tls.write_all(b"REGISTER sip:example.com SIP/2.0\r\n\r\n")
        .unwrap();
    assert_eq!(alice.post(&lobby, "fine").await, StatusCode::OK);
    assert_eq!(alice.next_post().await.chat, "fine");
}

#[tokio::test]
async fn a_shutdown_finishes_posts_says_goodbye_and_closes() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let gate = world.store.faults().hold_appends();
    assert_eq!(alice.post(&lobby, "last words").await, StatusCode::OK);
    let store = world.store.clone();
    let stopped = tokio::spawn(world.server.shutdown());
    gate.holds(1).await;
    drop(gate);
    assert_eq!(alice.next_post().await.chat, "last words");
    assert_eq!(alice.dialog_end().await, parlor_sip::DialogEnd::Bye);
    loop {
        if let Event::Closed(cause) = alice.any_event().await {
            assert!(matches!(cause, CloseCause::PeerClosed), "{cause:?}");
            break;
        }
    }
    stopped.await.unwrap();
    let head = parlor_rooms::Store::head(&store, lobby.room()).await.unwrap();
    assert_eq!(head.last.map(|(id, _)| id), Some(MessageId(1)));
}
