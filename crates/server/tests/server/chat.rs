//! Rooms as members use them.

use parlor_rooms::{NewPost, Store};
use parlor_sip::StatusCode;
use parlor_xccos::{
    AssociationRole, Command, ErrorCode, InfoMask, MessageId, Notice, Post, Preference, ReplyData,
    RoomSearch, Timestamp,
};

use crate::world::{DOMAIN, World, user};

fn joined(data: ReplyData) -> (Vec<parlor_xccos::JoinedRoom>, Vec<parlor_xccos::RoomUri>) {
    match data {
        ReplyData::Joined { rooms, failed } => (rooms, failed),
        other => panic!("not a join: {other:?}"),
    }
}

fn posts(data: ReplyData) -> Vec<Post> {
    match data {
        ReplyData::History { posts, .. } => posts,
        other => panic!("not a history: {other:?}"),
    }
}

#[tokio::test]
async fn a_post_comes_back_to_its_author_and_to_everybody_else() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let (mut alice, mut newsbot) = (world.chat("alice").await, world.bot("newsbot").await);
    let (rooms, failed) = joined(alice.join(&lobby).await.data);
    assert!(failed.is_empty());
    assert_eq!(
        (rooms[0].info.name.as_str(), rooms[0].participants.len()),
        ("Lobby", 1)
    );

    let (rooms, _) = joined(newsbot.join(&lobby).await.data);
    let there: Vec<_> = rooms[0]
        .participants
        .iter()
        .map(|here| here.user.clone())
        .collect();
    assert_eq!(there, [user("alice"), user("newsbot")]);
    match alice.next_notice().await {
        Notice::Joined {
            batch: false,
            arrivals,
        } => assert_eq!(arrivals[0].participant.user, user("newsbot")),
        other => panic!("not an arrival: {other:?}"),
    }

    assert_eq!(alice.post(&lobby, "hello <&> world").await, StatusCode::OK);
    for member in [&mut alice, &mut newsbot] {
        let post = member.next_post().await;
        assert_eq!(
            (post.chat.as_str(), post.id),
            ("hello <&> world", Some(MessageId(1)))
        );
        assert_eq!(
            (post.author, post.author_name.as_deref()),
            (user("alice"), Some("alice"))
        );
        assert!(
            post.timestamp > Timestamp::from_millis(1_500_000_000_000),
            "the server's clock"
        );
    }
}

#[tokio::test]
async fn what_was_said_is_read_back_oldest_first() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    for text in ["one", "two", "three"] {
        assert_eq!(alice.post(&lobby, text).await, StatusCode::OK);
        alice.next_post().await;
    }
    let reply = alice
        .command(Command::Backchat {
            room: lobby.clone(),
            count: 2,
        })
        .await;
    let texts: Vec<_> = posts(reply.data).into_iter().map(|post| post.chat).collect();
    assert_eq!(texts, ["two", "three"]);

    let after = Command::HistoryAfter {
        room: lobby.clone(),
        after: MessageId(1),
        limit: 1,
    };
    let reply = alice.command(after).await;
    assert!(matches!(reply.data, ReplyData::History { exceeded: true, .. }));
    let ids: Vec<_> = posts(reply.data).into_iter().map(|post| post.id).collect();
    assert_eq!(ids, [Some(MessageId(2))]);
}

#[tokio::test]
async fn members_read_without_joining_and_others_do_not() {
    let world = World::start().await;
    let board = world.uri("Board").await;
    let mut bob = world.chat("bob").await;
    let reply = bob
        .command(Command::Backchat {
            room: board.clone(),
            count: 5,
        })
        .await;
    assert!(reply.is_ok());
    let mut carol = world.chat("carol").await;
    let reply = carol
        .command(Command::Backchat {
            room: board,
            count: 5,
        })
        .await;
    assert_eq!(reply.error(), Some(ErrorCode::Permission));
}

#[tokio::test]
async fn leaving_is_told_once_and_posts_stop() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let (mut alice, mut bob) = (world.chat("alice").await, world.chat("bob").await);
    alice.join(&lobby).await;
    bob.join(&lobby).await;
    alice.next_notice().await;
    let reply = bob.command(Command::Part(lobby.clone())).await;
    assert_eq!(reply.data, ReplyData::Parted(lobby.clone()));
    assert_eq!(
        alice.next_notice().await,
        Notice::Parted {
            room: lobby.clone(),
            users: vec![user("bob")]
        }
    );
    assert_eq!(bob.post(&lobby, "still here").await, StatusCode::FORBIDDEN);
    assert_eq!(
        bob.command(Command::Part(lobby.clone())).await.error(),
        Some(ErrorCode::UserNotJoined)
    );
    alice.post(&lobby, "alone").await;
    alice.next_post().await;
    assert!(alice.unheard().is_empty(), "{:?}", alice.unheard());
}

#[tokio::test]
async fn a_bye_and_a_lost_connection_leave_every_room_once() {
    let world = World::start().await;
    let (lobby, board) = (world.uri("Lobby").await, world.uri("Board").await);
    let (mut alice, mut bob) = (world.chat("alice").await, world.chat("bob").await);
    for member in [&mut alice, &mut bob] {
        member
            .command(Command::BatchJoin(vec![lobby.clone(), board.clone()]))
            .await;
    }
    bob.bye().await;
    let mut left = Vec::new();
    while left.len() < 2 {
        if let Notice::Parted { room, users } = alice.next_notice().await {
            assert_eq!(users, [user("bob")]);
            left.push(room);
        }
    }
    left.sort();
    let mut both = vec![lobby.clone(), board.clone()];
    both.sort();
    assert_eq!(left, both);

    let mut again = world.chat("bob").await;
    again.join(&lobby).await;
    drop(again);
    loop {
        if let Notice::Parted { room, .. } = alice.next_notice().await {
            assert_eq!(room, lobby);
            break;
        }
    }
    alice.post(&lobby, "gone").await;
    alice.next_post().await;
    assert!(alice.unheard().is_empty(), "{:?}", alice.unheard());
}

#[tokio::test]
async fn a_batch_join_enters_what_it_can() {
    let world = World::start().await;
    let (lobby, vault) = (world.uri("Lobby").await, world.uri("Vault").await);
    let nowhere = lobby.sibling(parlor_xccos::RoomId::from_bytes([7; 16]));
    let mut alice = world.chat("alice").await;
    let reply = alice
        .command(Command::BatchJoin(vec![
            vault.clone(),
            lobby.clone(),
            nowhere.clone(),
        ]))
        .await;
    assert!(reply.is_ok());
    let (rooms, failed) = joined(reply.data);
    assert_eq!(
        rooms.iter().map(|room| room.info.uri.clone()).collect::<Vec<_>>(),
        [lobby]
    );
    assert_eq!(failed, [vault, nowhere]);
}

#[tokio::test]
async fn a_room_named_often_is_told_of_once() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    let often = Command::BatchJoin(vec![lobby.clone(); 200]);
    let (rooms, failed) = joined(alice.command(often).await.data);
    assert_eq!((rooms.len(), failed.len()), (1, 0));
}

#[tokio::test]
async fn a_room_that_may_not_be_seen_does_not_exist() {
    let world = World::start().await;
    let (vault, board) = (world.uri("Vault").await, world.uri("Board").await);
    let mut newsbot = world.bot("newsbot").await;
    assert_eq!(newsbot.join(&vault).await.error(), Some(ErrorCode::NoSuchNode));
    assert_eq!(newsbot.join(&board).await.error(), Some(ErrorCode::Permission));
}

#[tokio::test]
async fn joining_twice_is_answered_and_changes_nothing() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let (rooms, _) = joined(alice.join(&lobby).await.data);
    assert_eq!(rooms[0].participants.len(), 1);
    alice.post(&lobby, "once").await;
    alice.next_post().await;
    alice.post(&lobby, "fence").await;
    assert_eq!(alice.next_post().await.chat, "fence");
}

#[tokio::test]
async fn two_dialogs_of_one_user_both_hear_and_are_one_participant() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let (mut desk, mut phone) = (world.chat("alice").await, world.chat("alice").await);
    desk.join(&lobby).await;
    let (rooms, _) = joined(phone.join(&lobby).await.data);
    assert_eq!(rooms[0].participants.len(), 1);
    desk.post(&lobby, "both").await;
    assert_eq!(phone.next_post().await.chat, "both");
    assert_eq!(desk.next_post().await.chat, "both");
    assert!(
        desk.unheard().is_empty(),
        "no notice about oneself: {:?}",
        desk.unheard()
    );
}

#[tokio::test]
async fn a_repeated_key_is_answered_with_the_first_id_and_not_shown() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let (mut bot, mut alice) = (world.bot("newsbot").await, world.chat("alice").await);
    bot.join(&lobby).await;
    alice.join(&lobby).await;
    let mut post = Post::new(lobby.clone(), user("newsbot"), Timestamp::from_millis(0), "item");
    post.key = Some("feed-1".parse().unwrap());
    assert_eq!(bot.post_fully(post.clone()).await.0, StatusCode::OK);
    let first = bot.next_post().await;
    let (status, to) = bot.post_fully(post).await;
    assert_eq!(status, StatusCode::OK);
    match bot.reply(to).await.data {
        ReplyData::Posted(posted) => {
            assert_eq!((Some(posted.id), posted.timestamp), (first.id, first.timestamp));
        }
        other => panic!("not a repeat: {other:?}"),
    }
    bot.post(&lobby, "fence").await;
    assert_eq!(alice.next_post().await.chat, "item");
    assert_eq!(alice.next_post().await.chat, "fence");
}

#[tokio::test]
async fn what_cannot_be_posted_is_refused_on_the_sip_level() {
    let world = World::with(|config| config.limits.message_bytes = 10).await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    assert_eq!(alice.post(&lobby, "too early").await, StatusCode::FORBIDDEN);
    alice.join(&lobby).await;
    assert_eq!(
        alice.post(&lobby, "much too long for this").await,
        StatusCode::REQUEST_ENTITY_TOO_LARGE
    );
    assert_eq!(alice.post(&lobby, " ").await, StatusCode::BAD_REQUEST);
    let forged = Post::new(lobby.clone(), user("bob"), Timestamp::from_millis(0), "hi");
    assert_eq!(alice.post_fully(forged).await.0, StatusCode::FORBIDDEN);
    for nonsense in ["", "<xccos", "not xml", "<!DOCTYPE x><xccos/>"] {
        assert_eq!(alice.info(nonsense).await, StatusCode::BAD_REQUEST, "{nonsense}");
    }
    assert_eq!(alice.post(&lobby, "fine").await, StatusCode::OK);
    assert_eq!(alice.next_post().await.chat, "fine");
}

#[tokio::test]
async fn the_server_says_what_it_allows() {
    let world = World::start().await;
    let mut alice = world.chat("alice").await;
    let info = Command::ServerInfo {
        domain: DOMAIN.to_owned(),
        mask: InfoMask::ALL,
    };
    match alice.command(info).await.data {
        ReplyData::ServerInfo(info) => {
            assert_eq!(
                (info.message_size_limit, info.story_size_limit, info.search_limit),
                (Some(8000), Some(65536), Some(999))
            );
            assert_eq!(info.display_name.as_deref(), Some("Parlor"));
        }
        other => panic!("not server information: {other:?}"),
    }
    assert_eq!(
        alice.command(Command::RequestUri).await.data,
        ReplyData::Uri("sip:pchat@example.com".parse().unwrap())
    );
    let reply = alice.command(Command::Unknown("dance".to_owned())).await;
    assert_eq!(reply.error(), Some(ErrorCode::MessageNotSupported));
    let invitations = Command::Invitations {
        domain: DOMAIN.to_owned(),
        after: 0,
    };
    assert_eq!(
        alice.command(invitations).await.data,
        ReplyData::Invitations(Vec::new())
    );
}

#[tokio::test]
async fn rooms_are_found_by_those_who_may_see_them() {
    let world = World::start().await;
    let mut alice = world.chat("alice").await;
    let names = |data| match data {
        ReplyData::Rooms(rooms) => rooms.into_iter().map(|room| room.name).collect::<Vec<_>>(),
        other => panic!("not rooms: {other:?}"),
    };
    assert_eq!(
        names(alice.command(Command::Search(RoomSearch::default())).await.data),
        ["Board", "Lobby"]
    );
    let search = RoomSearch {
        criteria: "lob".to_owned(),
        ..RoomSearch::default()
    };
    assert_eq!(
        names(alice.command(Command::Search(search)).await.data),
        ["Lobby"]
    );
    let mine = Command::Associations {
        domain: DOMAIN.to_owned(),
        role: AssociationRole::Member,
        limit: None,
    };
    assert_eq!(names(alice.command(mine).await.data), ["Board"]);
}

#[tokio::test]
async fn preferences_are_kept_per_user() {
    let world = World::start().await;
    let (mut alice, mut bob) = (world.chat("alice").await, world.chat("bob").await);
    let label = "kedzie.GroupChannels".to_owned();
    let preference = Preference {
        label: label.clone(),
        sequence: 0,
        content: Some("\u{0}blob".into()),
    };
    assert!(alice.command(Command::PreferenceStore(preference)).await.is_ok());
    let fetch = Command::PreferenceFetch {
        label,
        sequence: -1,
        create_default: false,
    };
    let content = |data| match data {
        ReplyData::Preference(preference) => preference.content,
        other => panic!("not a preference: {other:?}"),
    };
    assert_eq!(
        content(alice.command(fetch.clone()).await.data).as_deref(),
        Some(&b"\0blob"[..])
    );
    assert_eq!(content(bob.command(fetch).await.data).unwrap_or_default(), "");
}

#[tokio::test]
async fn a_large_room_is_quiet_about_who_comes_and_goes() {
    let world = World::with(|config| config.limits.participants = 2).await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let mut bob = world.chat("bob").await;
    bob.join(&lobby).await;
    alice.next_notice().await;
    let list = Command::Participants(lobby.clone());
    assert_eq!(
        alice.command(list.clone()).await.error(),
        Some(ErrorCode::CannotGetParticipantList)
    );

    let mut carol = world.chat("carol").await;
    let (rooms, _) = joined(carol.join(&lobby).await.data);
    assert_eq!(
        (rooms[0].participants.len(), rooms[0].info.participants),
        (0, Some(3))
    );
    let (rooms, _) = joined(alice.command(list).await.data);
    assert_eq!(rooms[0].participants.len(), 3);

    // Down to one: below 80 % of two.
    carol.command(Command::Part(lobby.clone())).await;
    bob.command(Command::Part(lobby.clone())).await;
    match alice.next_notice().await {
        Notice::Joined { arrivals, .. } => assert_eq!(arrivals.len(), 1),
        other => panic!("not the list: {other:?}"),
    }
    assert!(alice.unheard().is_empty(), "{:?}", alice.unheard());
}

#[tokio::test]
async fn history_goes_on_where_the_store_stopped() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let earlier = Post::new(lobby.clone(), user("bob"), Timestamp::from_millis(0), "earlier");
    let draft = parlor_rooms::Draft::check(earlier, &parlor_rooms::PostLimits::default()).unwrap();
    let timestamp = Timestamp::from_millis(1);
    let retention = parlor_rooms::Retention::Keep;
    world
        .store
        .append(vec![NewPost {
            room: lobby.room(),
            timestamp,
            draft,
            retention,
        }])
        .await
        .unwrap();
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    alice.post(&lobby, "later").await;
    assert_eq!(alice.next_post().await.id, Some(MessageId(2)));
}

#[tokio::test]
async fn a_member_who_lost_the_dialog_stays_in_the_room() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    let mut bob = world.chat("bob").await;
    alice.join(&lobby).await;
    bob.join(&lobby).await;
    assert_eq!(bob.post(&lobby, "one").await, StatusCode::OK);
    // Alice's client does not know the dialog any more.
    loop {
        if let parlor_net::Event::Sip(parlor_sip::Event::Request {
            transaction: Some(transaction),
            request,
            ..
        }) = alice.connection.next().await
        {
            let post = String::from_utf8_lossy(request.body()).contains("one");
            let status = if post {
                StatusCode::CALL_DOES_NOT_EXIST
            } else {
                StatusCode::OK
            };
            alice.connection.agent().respond(transaction, status).unwrap();
            if post {
                break;
            }
        }
    }
    assert_eq!(alice.invite("pchat").await, StatusCode::OK);
    assert_eq!(bob.post(&lobby, "two").await, StatusCode::OK);
    assert_eq!(alice.next_post().await.chat, "two");
    assert_eq!(alice.post(&lobby, "three").await, StatusCode::OK);
    assert_eq!(alice.next_post().await.chat, "three");
}
