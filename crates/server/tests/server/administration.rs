//! The control socket, through the client that the command line uses.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use parlor_control::SocketError;
use parlor_rooms::MemoryStore;
use parlor_server::control::{
    ClientError, CreateCategory, CreateRoom, CreateUser, HistoryQuery, LiveEvent, PostMessage, RoleChange,
    RoleName, UpdateCategory, UpdateRoom, UserKindName,
};
use parlor_server::{Config, ListenerConfig, StartError, UnprovedUsers};
use parlor_sip::StatusCode;
use parlor_xccos::{MessageId, Privacy};

use crate::world::{World, user};

fn refused(error: ClientError) -> (u16, String) {
    match error {
        ClientError::Refused { status, body } => (status, body.error),
        other => panic!("not a refusal: {other:?}"),
    }
}

#[tokio::test]
async fn the_status_counts_what_is_there() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    alice.post(&lobby, "one").await;
    alice.next_post().await;
    let status = world.control().status().await.unwrap();
    assert_eq!(
        (status.connections, status.sessions, status.rooms, status.users),
        (1, 1, 3, 5)
    );
    assert_eq!((status.posts, status.deliveries, status.live.len()), (1, 1, 1));
    assert_eq!(
        (status.live[0].name.as_str(), status.live[0].participants),
        ("Lobby", 1)
    );
    assert_eq!(status.listeners.len(), 2);
    assert!(status.store.healthy);
}

#[tokio::test]
async fn rooms_are_made_and_changed() {
    let world = World::start().await;
    let control = world.control();
    let new = CreateRoom {
        name: "News & Views/1".to_owned(),
        description: "what happens".to_owned(),
        category: None,
        privacy: Some(Privacy::Closed),
        behavior: None,
        members: vec![user("alice")],
        managers: vec![user("bob")],
        presenters: Vec::new(),
    };
    let made = control.create_room(&new).await.unwrap();
    assert_eq!(control.room("News & Views/1").await.unwrap(), made);
    assert_eq!(control.room(&made.summary.id.to_string()).await.unwrap(), made);
    assert_eq!(
        refused(control.create_room(&new).await.unwrap_err()),
        (409, "duplicate_name".to_owned())
    );

    control
        .create_category(&CreateCategory {
            name: "Desk".to_owned(),
            ..CreateCategory::default()
        })
        .await
        .unwrap();
    let change = UpdateRoom {
        category: Some("Desk".to_owned()),
        ..UpdateRoom::default()
    };
    assert_eq!(
        control
            .update_room("news & views/1", &change)
            .await
            .unwrap()
            .summary
            .category,
        "Desk"
    );
    let role = RoleChange {
        add: vec![user("carol")],
        remove: vec![user("alice")],
    };
    let detail = control
        .change_role("News & Views/1", RoleName::Member, &role)
        .await
        .unwrap();
    assert_eq!(detail.members, [user("carol")]);

    let names: Vec<_> = control
        .rooms(Some("NEWS"))
        .await
        .unwrap()
        .into_iter()
        .map(|room| room.name)
        .collect();
    assert_eq!(names, ["News & Views/1"]);
    assert_eq!(
        refused(control.room("Nowhere").await.unwrap_err()),
        (404, "no_such_room".to_owned())
    );
}

#[tokio::test]
async fn categories_and_users_are_made_and_changed() {
    let world = World::start().await;
    let control = world.control();
    let new = CreateCategory {
        name: "Traders".to_owned(),
        allowed: vec!["example.com".to_owned(), "sip:eve@example.org".to_owned()],
        ..CreateCategory::default()
    };
    let made = control.create_category(&new).await.unwrap();
    assert_eq!(made.allowed, ["example.com", "sip:eve@example.org"]);
    let change = UpdateCategory {
        denied: Some(vec!["sip:bob@example.com".to_owned()]),
        ..UpdateCategory::default()
    };
    assert_eq!(
        control.update_category("traders", &change).await.unwrap().denied,
        ["sip:bob@example.com"]
    );
    let wrong = CreateCategory {
        name: "x".to_owned(),
        denied: vec!["a b".to_owned()],
        ..CreateCategory::default()
    };
    assert_eq!(
        refused(control.create_category(&wrong).await.unwrap_err()).1,
        "bad_principal"
    );

    let dave = CreateUser {
        uri: user("dave"),
        display_name: None,
        kind: UserKindName::User,
    };
    assert_eq!(control.create_user(&dave).await.unwrap().display_name, "dave");
    assert_eq!(
        refused(control.create_user(&dave).await.unwrap_err()),
        (409, "user_exists".to_owned())
    );
    assert!(
        control
            .users()
            .await
            .unwrap()
            .iter()
            .any(|known| known.uri == user("dave"))
    );
    assert_eq!(world.chat("dave").await.user, user("dave"));
}

#[tokio::test]
async fn the_operator_posts_as_a_user_and_reads_what_was_said() {
    let world = World::start().await;
    let control = world.control();
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let message = PostMessage {
        author: user("bob"),
        text: "from the console".to_owned(),
        alert: true,
        key: Some("k".parse().unwrap()),
    };
    let posted = control.post("Lobby", &message).await.unwrap();
    assert_eq!((posted.id, posted.repeated), (MessageId(1), false));
    let seen = alice.next_post().await;
    assert_eq!(
        (seen.author, seen.alert, seen.timestamp),
        (user("bob"), true, posted.timestamp)
    );
    let again = control.post("Lobby", &message).await.unwrap();
    assert!(again.repeated && again.id == posted.id);

    let history = control
        .history(
            "Lobby",
            &HistoryQuery {
                last: Some(5),
                ..HistoryQuery::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(
        (history[0].text.as_str(), history[0].author_name.as_deref()),
        ("from the console", Some("bob"))
    );
    let after = HistoryQuery {
        after: Some(posted.id),
        ..HistoryQuery::default()
    };
    assert!(control.history("Lobby", &after).await.unwrap().is_empty());

    let forbidden = PostMessage {
        author: user("bob"),
        ..message
    };
    assert_eq!(
        refused(control.post("Vault", &forbidden).await.unwrap_err()).0,
        403
    );
}

#[tokio::test]
async fn the_operator_listens_in() {
    let world = World::start().await;
    let control = world.control();
    let lobby = world.uri("Lobby").await;
    let mut live = control.live("Lobby").await.unwrap();
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    assert_eq!(alice.post(&lobby, "hello").await, StatusCode::OK);
    assert_eq!(
        live.next().await.unwrap(),
        Some(LiveEvent::Joined { user: user("alice") })
    );
    assert!(matches!(live.next().await.unwrap(), Some(LiveEvent::Post(post)) if post.text == "hello"));
    drop(alice);
    assert_eq!(
        live.next().await.unwrap(),
        Some(LiveEvent::Parted { user: user("alice") })
    );
    world.server.shutdown().await;
    assert_eq!(live.next().await.unwrap(), None);
}

#[tokio::test]
async fn the_socket_is_the_owners_and_a_second_server_is_refused() {
    let world = World::start().await;
    let path = world.folder().join("control");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let config = |path: &std::path::Path| {
        let mut config = Config::new("example.com", "sip:pchat@example.com".parse().unwrap());
        let addr = "127.0.0.1:0".parse().unwrap();
        config.listeners = vec![ListenerConfig {
            addr,
            tls: None,
            unproved: UnprovedUsers::Refused,
        }];
        config.control_socket = Some(path.to_owned());
        config
    };
    let second = parlor_server::start(config(&path), Arc::new(MemoryStore::new())).await;
    assert!(
        matches!(second, Err(StartError::Control(SocketError::InUse { .. }))),
        "{second:?}"
    );

    // What a dead server leaves behind.
    let stale = world.folder().join("stale");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    let third = parlor_server::start(config(&stale), Arc::new(MemoryStore::new()))
        .await
        .unwrap();
    parlor_server::control::Client::new(&stale)
        .status()
        .await
        .unwrap();
    third.shutdown().await;
    assert!(!stale.exists());
}
