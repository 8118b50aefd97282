//! Who may do what: the rows of the product's permission table (facts: product 4.2), each with all its columns.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;

use parlor_rooms::conformance::{category_id, room_id, user};
use parlor_rooms::{
    Access, Actor, Category, Change, Directory, Edit, Principal, Refusal, Role, RoleEdit, Room, RoomPatch,
    RoomSettings, Scope, User, UserKind, access, check_join, check_read,
};
use parlor_xccos::{Behavior, Privacy, Rights, SipUri};

/// The columns of the table.
const COLUMNS: [&str; 7] = [
    "admin",
    "creator",
    "manager",
    "presenter",
    "member",
    "inscope",
    "denied",
];

/// A category whose scope all columns but the administrator and the denied are in.
fn category() -> Category {
    Category {
        allowed: Scope::only([Principal::domain("example.com")]),
        denied: Scope::only(["denied", "admin"].map(|name| Principal::User(user(name)))),
        creators: BTreeSet::from([user("creator")]),
        ..Category::new(category_id(1), "Category")
    }
}

/// A room in which everybody has the role their name says.
fn room(privacy: Privacy, behavior: Behavior) -> Room {
    let open = privacy == Privacy::Open;
    let auditorium = behavior == Behavior::Auditorium;
    let settings = RoomSettings {
        privacy,
        behavior,
        ..RoomSettings::new(category_id(1), "Room")
    };
    let some = |names: &[&str], when: bool| names.iter().filter(|_| when).map(|name| user(name)).collect();
    Room {
        members: some(&["presenter", "member"], !open),
        managers: some(&["manager"], true),
        presenters: some(&["presenter"], auditorium),
        ..Room::new(room_id(1), settings)
    }
}

fn person(name: &str) -> User {
    User {
        administrator: name == "admin",
        ..User::new(user(name))
    }
}

/// Who of [`COLUMNS`] has what `right` picks, as a row of `x` and `-`.
fn row(room: &Room, right: impl Fn(Access) -> bool) -> String {
    COLUMNS
        .iter()
        .map(|name| {
            if right(access(&category(), room, &person(name))) {
                'x'
            } else {
                '-'
            }
        })
        .collect()
}

#[test]
fn finding_a_room() {
    use Behavior::{Auditorium, Normal};
    // admin creator manager presenter member inscope denied
    assert_eq!(row(&room(Privacy::Open, Normal), |access| access.see), "xxxxxx-");
    assert_eq!(
        row(&room(Privacy::Closed, Normal), |access| access.see),
        "xxxxxx-"
    );
    assert_eq!(
        row(&room(Privacy::Secret, Normal), |access| access.see),
        "x-xxx--"
    );
    assert_eq!(
        row(&room(Privacy::Secret, Auditorium), |access| access.see),
        "x-xxx--"
    );
}

#[test]
fn joining_a_room() {
    for behavior in [Behavior::Normal, Behavior::Auditorium] {
        assert_eq!(
            row(&room(Privacy::Open, behavior), |access| access.join),
            "xxxxxx-"
        );
        assert_eq!(
            row(&room(Privacy::Closed, behavior), |access| access.join),
            "---xx--"
        );
        assert_eq!(
            row(&room(Privacy::Secret, behavior), |access| access.join),
            "---xx--"
        );
    }
}

#[test]
fn posting() {
    use Behavior::{Auditorium, Normal};
    assert_eq!(row(&room(Privacy::Open, Normal), |access| access.post), "xxxxxx-");
    assert_eq!(
        row(&room(Privacy::Closed, Normal), |access| access.post),
        "---xx--"
    );
    assert_eq!(
        row(&room(Privacy::Secret, Normal), |access| access.post),
        "---xx--"
    );
    assert_eq!(
        row(&room(Privacy::Open, Auditorium), |access| access.post),
        "---x---"
    );
    assert_eq!(
        row(&room(Privacy::Closed, Auditorium), |access| access.post),
        "---x---"
    );
    assert_eq!(
        row(&room(Privacy::Secret, Auditorium), |access| access.post),
        "---x---"
    );
}

#[test]
fn reading_history() {
    for behavior in [Behavior::Normal, Behavior::Auditorium] {
        assert_eq!(
            row(&room(Privacy::Open, behavior), |access| access.read),
            "xxxxxx-"
        );
        assert_eq!(
            row(&room(Privacy::Closed, behavior), |access| access.read),
            "---xx--"
        );
        assert_eq!(
            row(&room(Privacy::Secret, behavior), |access| access.read),
            "---xx--"
        );
    }
}

#[test]
fn a_disabled_room_is_out_of_reach_but_can_be_put_in_order() {
    for privacy in [Privacy::Open, Privacy::Closed, Privacy::Secret] {
        let mut room = room(privacy, Behavior::Normal);
        room.settings.disabled = true;
        assert_eq!(
            row(&room, |access| access.join || access.post || access.read),
            "-------"
        );
        assert_eq!(row(&room, |access| access.see), "x-x----");
        assert_eq!(row(&room, |access| access.manage), "x-x----");
    }
}

#[test]
fn an_administrator_and_a_manager_join_once_they_are_members() {
    let mut room = room(Privacy::Secret, Behavior::Normal);
    room.members.extend([user("admin"), user("manager")]);
    assert_eq!(
        row(&room, |access| access.join && access.post && access.read),
        "x-xxx--"
    );
}

#[test]
fn lists_do_not_help_who_is_out_of_scope_disabled_or_a_contact() {
    let mut room = room(Privacy::Closed, Behavior::Auditorium);
    for role in [&mut room.members, &mut room.managers, &mut room.presenters] {
        role.insert(user("denied"));
    }
    assert_eq!(access(&category(), &room, &person("denied")), Access::NONE);
    let disabled = User {
        disabled: true,
        ..person("manager")
    };
    assert_eq!(access(&category(), &room, &disabled), Access::NONE);
    let contact = User {
        kind: UserKind::Contact,
        ..person("admin")
    };
    assert_eq!(access(&category(), &room, &contact), Access::NONE);
}

#[test]
fn rights_are_the_masks_clients_know() {
    let mut room = room(Privacy::Closed, Behavior::Auditorium);
    let rights = |room: &Room, name| access(&category(), room, &person(name)).rights();
    assert_eq!(rights(&room, "member"), Rights::MEMBER);
    assert_eq!(rights(&room, "presenter"), Rights::PRESENTER);
    assert_eq!(rights(&room, "inscope"), Rights::SEE);
    assert_eq!(rights(&room, "denied"), Rights::NONE);
    assert_eq!(
        rights(&room, "manager"),
        Rights::MANAGE | Rights::SEE | Rights::BYPASS_VISIBILITY
    );
    room.members.insert(user("manager"));
    assert_eq!(rights(&room, "manager"), Rights::MANAGER);
    room.presenters.insert(user("manager"));
    assert_eq!(rights(&room, "manager"), Rights::ALL);
}

#[test]
fn a_refused_join_tells_no_more_than_the_asker_may_know() {
    let refusal = |room: &Room, name| check_join(room, access(&category(), room, &person(name)));
    let mut room = room(Privacy::Secret, Behavior::Normal);
    assert_eq!(refusal(&room, "member"), Ok(()));
    assert_eq!(refusal(&room, "inscope"), Err(Refusal::NoSuchRoom(room_id(1))));
    assert_eq!(refusal(&room, "manager"), Err(Refusal::NotAuthorized));
    room.settings.disabled = true;
    assert_eq!(refusal(&room, "inscope"), Err(Refusal::NoSuchRoom(room_id(1))));
    assert_eq!(refusal(&room, "manager"), Err(Refusal::RoomDisabled));
    room.settings.privacy = Privacy::Closed;
    assert_eq!(refusal(&room, "member"), Err(Refusal::RoomDisabled));
    room.settings.disabled = false;
    assert_eq!(refusal(&room, "inscope"), Err(Refusal::NotAuthorized));
    let inscope = access(&category(), &room, &person("inscope"));
    assert_eq!(check_read(&room, inscope), Err(Refusal::NotAuthorized));
}

/// A directory with the category, a closed normal room, and a second category only the administrator may fill.
fn directory() -> Directory {
    let mut directory = Directory::default();
    for edit in [
        Edit::AddCategory(category()),
        Edit::AddCategory(Category::new(category_id(2), "Other")),
        Edit::PutUser(person("admin")),
        Edit::AddRoom(room(Privacy::Closed, Behavior::Normal)),
    ] {
        let changes = directory.plan(Actor::Operator, edit).unwrap();
        directory.apply(&changes);
    }
    directory
}

/// For whom of [`COLUMNS`] `edit` is planned.
fn may(directory: &Directory, edit: impl Fn(&SipUri) -> Edit) -> String {
    COLUMNS
        .iter()
        .map(|name| {
            let actor = user(name);
            if directory.plan(Actor::User(&actor), edit(&actor)).is_ok() {
                'x'
            } else {
                '-'
            }
        })
        .collect()
}

#[test]
fn changing_categories_is_left_to_administrators() {
    let directory = directory();
    assert_eq!(
        may(&directory, |_| Edit::AddCategory(Category::new(
            category_id(9),
            "New"
        ))),
        "x------"
    );
    assert_eq!(
        may(&directory, |_| Edit::ChangeCategory(
            category_id(1),
            Default::default()
        )),
        "x------"
    );
    assert_eq!(
        may(&directory, |_| Edit::RemoveCategory(category_id(2))),
        "x------"
    );
    assert_eq!(may(&directory, |_| Edit::PutUser(person("new"))), "x------");
}

#[test]
fn creating_rooms_is_left_to_creators_who_become_managers() {
    let directory = directory();
    let new = |category| {
        Edit::AddRoom(Room::new(
            room_id(9),
            RoomSettings::new(category_id(category), "New"),
        ))
    };
    assert_eq!(may(&directory, |_| new(1)), "xx-----");
    assert_eq!(may(&directory, |_| new(2)), "x------");
    let changes = directory.plan(Actor::User(&user("creator")), new(1)).unwrap();
    let [Change::RoomAdded(room)] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert_eq!(room.managers, BTreeSet::from([user("creator")]));
    assert_eq!(
        (room.settings.privacy, room.settings.behavior),
        (Privacy::Closed, Behavior::Normal)
    );
    assert!(room.members.is_empty());
}

#[test]
fn changing_a_room_is_left_to_managers() {
    let mut directory = directory();
    let change = |patch: RoomPatch| move |_: &SipUri| Edit::ChangeRoom(room_id(1), patch.clone());
    let name = RoomPatch {
        name: Some("Renamed".into()),
        ..RoomPatch::default()
    };
    let disable = RoomPatch {
        disabled: Some(true),
        ..RoomPatch::default()
    };
    let enable = RoomPatch {
        disabled: Some(false),
        ..RoomPatch::default()
    };
    let move_it = RoomPatch {
        category: Some(category_id(2)),
        ..RoomPatch::default()
    };
    assert_eq!(may(&directory, change(name)), "x-x----");
    assert_eq!(may(&directory, change(disable.clone())), "x-x----");
    // A manager moves a room only where the manager may also create one.
    assert_eq!(may(&directory, change(move_it.clone())), "x------");
    let add_self = |actor: &SipUri| Edit::ChangeRole {
        room: room_id(1),
        role: Role::Manager,
        edit: RoleEdit::Replace(BTreeSet::from([actor.clone()])),
    };
    assert_eq!(may(&directory, add_self), "x-x----");
    assert_eq!(may(&directory, |_| Edit::RemoveRoom(room_id(1))), "x------");

    let changes = directory
        .plan(Actor::Operator, Edit::ChangeRoom(room_id(1), disable))
        .unwrap();
    directory.apply(&changes);
    assert_eq!(may(&directory, change(enable)), "x------");

    let creators = Some(BTreeSet::from([user("manager")]));
    let patch = parlor_rooms::CategoryPatch {
        creators,
        ..Default::default()
    };
    let changes = directory
        .plan(Actor::Operator, Edit::ChangeCategory(category_id(2), patch))
        .unwrap();
    directory.apply(&changes);
    assert_eq!(may(&directory, change(move_it)), "x-x----");
}
