//! Administration under the eyes of those who are in a room.

use parlor_server::control::{RoleChange, RoleName, UpdateRoom};
use parlor_sip::{DialogEnd, StatusCode};
use parlor_xccos::{ErrorCode, Notice};

use crate::world::{World, disable, user};

#[tokio::test]
async fn who_loses_membership_is_put_out_and_the_others_are_told() {
    let world = World::start().await;
    let board = world.uri("Board").await;
    let (mut alice, mut bob) = (world.chat("alice").await, world.chat("bob").await);
    alice.join(&board).await;
    bob.join(&board).await;
    alice.next_notice().await;
    let change = RoleChange {
        add: Vec::new(),
        remove: vec![user("bob")],
    };
    let detail = world
        .control()
        .change_role("Board", RoleName::Member, &change)
        .await
        .unwrap();
    assert_eq!(detail.members, [user("alice")]);
    assert_eq!(
        bob.next_notice().await,
        Notice::Kicked {
            room: board.clone(),
            user: user("bob")
        }
    );
    assert_eq!(
        alice.next_notice().await,
        Notice::Parted {
            room: board.clone(),
            users: vec![user("bob")]
        }
    );
    assert_eq!(bob.post(&board, "but").await, StatusCode::FORBIDDEN);
    assert_eq!(bob.join(&board).await.error(), Some(ErrorCode::Permission));

    let change = RoleChange {
        add: vec![user("bob")],
        remove: Vec::new(),
    };
    world
        .control()
        .change_role("Board", RoleName::Member, &change)
        .await
        .unwrap();
    assert!(bob.join(&board).await.is_ok());
    assert_eq!(bob.post(&board, "back").await, StatusCode::OK);
    assert_eq!(bob.next_post().await.chat, "back");
}

#[tokio::test]
async fn disabling_a_room_empties_it() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let disable = UpdateRoom {
        disabled: Some(true),
        ..UpdateRoom::default()
    };
    world.control().update_room("Lobby", &disable).await.unwrap();
    assert!(matches!(alice.next_notice().await, Notice::RoomChanged(info) if info.disabled));
    assert!(matches!(alice.next_notice().await, Notice::Kicked { .. }));
    assert_eq!(alice.join(&lobby).await.error(), Some(ErrorCode::NodeDisabled));
}

#[tokio::test]
async fn a_new_name_is_announced() {
    let world = World::start().await;
    let lobby = world.uri("Lobby").await;
    let mut alice = world.chat("alice").await;
    alice.join(&lobby).await;
    let rename = UpdateRoom {
        name: Some("Foyer".to_owned()),
        ..UpdateRoom::default()
    };
    world.control().update_room("Lobby", &rename).await.unwrap();
    assert!(matches!(alice.next_notice().await, Notice::RoomChanged(info) if info.name == "Foyer"));
}

#[tokio::test]
async fn a_manager_is_shown_as_one_without_joining_again() {
    let world = World::start().await;
    let board = world.uri("Board").await;
    let mut alice = world.chat("alice").await;
    alice.join(&board).await;
    let change = RoleChange {
        add: vec![user("alice")],
        remove: Vec::new(),
    };
    world
        .control()
        .change_role("Board", RoleName::Manager, &change)
        .await
        .unwrap();
    match alice.next_notice().await {
        Notice::RightsChanged(arrivals) => assert!(arrivals[0].participant.rights.manages()),
        other => panic!("not new rights: {other:?}"),
    }
}

#[tokio::test]
async fn a_disabled_user_loses_the_dialog_and_gets_no_new_one() {
    let world = World::start().await;
    let mut alice = world.chat("alice").await;
    disable(&world, "alice").await;
    assert_eq!(alice.dialog_end().await, DialogEnd::Bye);
    alice.closed().await;
    let mut again = alice.again(world.user_connection("alice").await);
    assert_eq!(again.invite("pchat").await, StatusCode::FORBIDDEN);
}
