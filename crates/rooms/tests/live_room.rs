//! A room with people in it, told as stories.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use parlor_rooms::conformance::{category_id, draft, room_id, time, user};
use parlor_rooms::{
    Access, EndpointId, Head, Joined, LiveRoom, Parted, ParticipantUpdateLimit, Refusal, Room, RoomSettings,
    Tell, User,
};
use parlor_xccos::{Behavior, MessageId};

const MEMBER: Access = Access {
    see: true,
    join: true,
    post: true,
    read: true,
    manage: false,
    present: false,
};

const FIRST: Joined = Joined {
    tell: Tell::Others,
    again: false,
};
const SILENT: Joined = Joined {
    tell: Tell::Nobody,
    again: false,
};

fn room() -> Room {
    Room::new(room_id(1), RoomSettings::new(category_id(1), "Room"))
}

fn live(limit: usize) -> LiveRoom {
    LiveRoom::new(Head::default(), ParticipantUpdateLimit(limit))
}

fn join(live: &mut LiveRoom, name: &str, endpoint: u64) -> Joined {
    live.join(&room(), &User::new(user(name)), MEMBER, EndpointId(endpoint))
        .unwrap()
}

fn others(live: &LiveRoom, name: &str) -> Vec<u64> {
    let mut others: Vec<_> = live.others(&user(name)).map(|endpoint| endpoint.0).collect();
    others.sort_unstable();
    others
}

#[test]
fn a_user_with_two_endpoints_comes_and_goes_once() {
    let mut live = live(75);
    assert_eq!(join(&mut live, "alice", 1), FIRST);
    assert_eq!(join(&mut live, "bob", 2), FIRST);
    assert_eq!(others(&live, "bob"), [1]);
    assert_eq!(join(&mut live, "alice", 3), SILENT);
    assert_eq!(live.participants(), 2);
    assert_eq!(others(&live, "bob"), [1, 3]);
    // Joining again by the same endpoint changes nothing.
    assert_eq!(
        join(&mut live, "alice", 3),
        Joined {
            tell: Tell::Nobody,
            again: true
        }
    );
    assert_eq!(live.endpoints().count(), 3);

    let quiet = Parted {
        tell: Tell::Nobody,
        roster_resumed: false,
    };
    assert_eq!(live.part(&user("alice"), EndpointId(1)), Ok(quiet));
    assert_eq!(live.part(&user("alice"), EndpointId(1)), Err(Refusal::NotJoined));
    assert_eq!(live.part(&user("carol"), EndpointId(1)), Err(Refusal::NotJoined));
    let told = Parted {
        tell: Tell::Others,
        roster_resumed: false,
    };
    assert_eq!(live.part(&user("alice"), EndpointId(3)), Ok(told));
    assert_eq!(live.part(&user("bob"), EndpointId(2)), Ok(told));
    assert!(live.is_empty());
}

#[test]
fn above_75_participants_nobody_is_told_until_fewer_than_60_are_left() {
    let mut live = LiveRoom::new(Head::default(), ParticipantUpdateLimit::default());
    let name = |n: u64| format!("user{n}");
    for n in 1..=75 {
        assert_eq!(join(&mut live, &name(n), n), FIRST);
    }
    assert!(!live.is_large());
    assert_eq!(
        live.hidden_roster(&user("user1")).err(),
        Some(Refusal::RosterIsAnnounced)
    );
    assert_eq!(join(&mut live, &name(76), 76), SILENT);
    assert!(live.is_large());
    assert_eq!(live.hidden_roster(&user("user1")).unwrap().count(), 76);
    assert_eq!(
        live.hidden_roster(&user("stranger")).err(),
        Some(Refusal::NotJoined)
    );

    let quiet = Parted {
        tell: Tell::Nobody,
        roster_resumed: false,
    };
    for n in 61..=76 {
        assert_eq!(live.part(&user(&name(n)), EndpointId(n)), Ok(quiet));
    }
    assert_eq!((live.participants(), live.is_large()), (60, true));
    // A join in between is not announced either.
    assert_eq!(join(&mut live, &name(61), 61), SILENT);
    assert_eq!(live.part(&user(&name(61)), EndpointId(61)), Ok(quiet));
    let resumed = Parted {
        tell: Tell::Nobody,
        roster_resumed: true,
    };
    assert_eq!(live.part(&user(&name(60)), EndpointId(60)), Ok(resumed));
    assert!(!live.is_large());
    assert_eq!(join(&mut live, &name(60), 60), FIRST);
}

#[test]
fn the_limit_is_counted_in_users_and_can_be_set() {
    let mut live = live(2);
    for endpoint in 1..=10 {
        join(&mut live, "alice", endpoint);
    }
    assert!(!live.is_large());
    join(&mut live, "bob", 11);
    assert_eq!(join(&mut live, "carol", 12), SILENT);
    assert!(live.is_large());
    assert!(!live.part(&user("carol"), EndpointId(12)).unwrap().roster_resumed);
    assert!(live.part(&user("bob"), EndpointId(11)).unwrap().roster_resumed);

    let mut nobody_is_told = self::live(0);
    assert_eq!(join(&mut nobody_is_told, "alice", 1), SILENT);
}

#[test]
fn whoever_loses_the_right_to_be_here_is_kicked() {
    let mut live = live(75);
    for (name, endpoint) in [("alice", 1), ("bob", 2), ("bob", 3), ("carol", 4)] {
        join(&mut live, name, endpoint);
    }
    let muted = Access {
        post: false,
        ..MEMBER
    };
    let refreshed = live.refresh(|uri| match uri.user() {
        "alice" => MEMBER,
        "bob" => Access {
            see: true,
            ..Access::NONE
        },
        _ => muted,
    });
    assert_eq!(
        refreshed.kicked,
        [(user("bob"), vec![EndpointId(2), EndpointId(3)])]
    );
    assert_eq!(refreshed.changed, [user("carol")]);
    assert!(refreshed.tell && !refreshed.roster_resumed);
    assert!(!live.has_joined(&user("bob"), EndpointId(2)));
    assert_eq!(
        live.find(&user("carol")).map(|present| present.access),
        Some(muted)
    );
    assert_eq!(
        live.refresh(|uri| live_access(uri.user(), muted)),
        Default::default()
    );
}

fn live_access(name: &str, muted: Access) -> Access {
    if name == "alice" { MEMBER } else { muted }
}

#[test]
fn a_refused_join_changes_nothing() {
    let mut live = live(75);
    let alice = User::new(user("alice"));
    let seen = Access {
        see: true,
        ..Access::NONE
    };
    assert_eq!(
        live.join(&room(), &alice, seen, EndpointId(1)),
        Err(Refusal::NotAuthorized)
    );
    assert_eq!(
        live.join(&room(), &alice, Access::NONE, EndpointId(1)),
        Err(Refusal::NoSuchRoom(room_id(1)))
    );
    assert!(live.is_empty());
}

#[test]
fn posting_needs_a_joined_endpoint_and_a_voice() {
    let mut live = live(75);
    join(&mut live, "alice", 1);
    let post = draft("alice", "hello", "");
    assert_eq!(live.check_post(&room(), EndpointId(1), &post), Ok(()));
    assert_eq!(
        live.check_post(&room(), EndpointId(2), &post),
        Err(Refusal::NotJoined)
    );
    assert_eq!(
        live.check_post(&room(), EndpointId(1), &draft("bob", "hello", "")),
        Err(Refusal::NotJoined)
    );
    let mut auditorium = room();
    auditorium.settings.behavior = Behavior::Auditorium;
    live.refresh(|_| Access {
        post: false,
        ..MEMBER
    });
    let refused = live.check_post(&auditorium, EndpointId(1), &post).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "not authorized to perform this: posting is left to presenters"
    );
}

#[test]
fn the_time_of_posts_never_goes_back() {
    let mut live = LiveRoom::new(
        Head {
            last: Some((MessageId(7), time(100))),
        },
        ParticipantUpdateLimit::default(),
    );
    let stamps: Vec<_> = [50, 101, 90, 101, 200]
        .map(time)
        .into_iter()
        .map(|now| live.stamp(now))
        .collect();
    assert_eq!(stamps, [100, 101, 101, 101, 200].map(time));
}
