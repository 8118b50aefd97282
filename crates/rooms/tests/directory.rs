//! Changing and searching the directory, told as stories.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;

use parlor_rooms::conformance::{category_id, room_id, user};
use parlor_rooms::{
    Actor, Category, CategoryPatch, Change, Directory, Edit, Inconsistent, Matching, Principal, Refusal,
    Role, RoleEdit, Room, RoomPatch, RoomSettings, Scope, Search, Snapshot, User,
};
use parlor_xccos::{Behavior, Privacy, SipUri};

fn uris(names: &[&str]) -> BTreeSet<SipUri> {
    names.iter().map(|name| user(name)).collect()
}

fn plan(directory: &Directory, edit: Edit) -> Result<Vec<Change>, Refusal> {
    directory.plan(Actor::Operator, edit)
}

fn change(directory: &mut Directory, edit: Edit) {
    let changes = plan(directory, edit).unwrap();
    directory.apply(&changes);
}

/// A refusal's text.
fn refused(directory: &Directory, edit: Edit) -> String {
    plan(directory, edit).unwrap_err().to_string()
}

fn role(role: Role, edit: RoleEdit) -> Edit {
    Edit::ChangeRole {
        room: room_id(1),
        role,
        edit,
    }
}

/// Category 1 for everybody; category 2 without Bob; the closed auditorium 1 with Alice, Bob and Carol, Alice and Bob
/// presenting, Bob managing.
fn directory() -> Directory {
    let mut directory = Directory::default();
    let walled = Category {
        denied: Scope::only([Principal::User(user("bob"))]),
        ..Category::new(category_id(2), "Walled")
    };
    let settings = RoomSettings {
        behavior: Behavior::Auditorium,
        ..RoomSettings::new(category_id(1), "Town hall")
    };
    let hall = Room {
        members: uris(&["alice", "bob", "carol"]),
        managers: uris(&["bob"]),
        presenters: uris(&["alice", "bob"]),
        ..Room::new(room_id(1), settings)
    };
    change(
        &mut directory,
        Edit::AddCategory(Category::new(category_id(1), "General")),
    );
    change(&mut directory, Edit::AddCategory(walled));
    change(&mut directory, Edit::AddRoom(hall));
    directory
}

#[test]
fn moving_a_room_takes_out_who_is_not_allowed_there() {
    let mut directory = directory();
    let patch = RoomPatch {
        category: Some(category_id(2)),
        ..RoomPatch::default()
    };
    change(&mut directory, Edit::ChangeRoom(room_id(1), patch));
    let room = directory.room(room_id(1)).unwrap();
    assert_eq!(room.members, uris(&["alice", "carol"]));
    assert_eq!(room.presenters, uris(&["alice"]));
    assert!(room.managers.is_empty());
}

#[test]
fn narrowing_a_scope_takes_out_who_falls_out_of_it() {
    let mut directory = directory();
    let denied = Some(Scope::only([Principal::User(user("carol"))]));
    let patch = CategoryPatch {
        denied,
        ..CategoryPatch::default()
    };
    change(&mut directory, Edit::ChangeCategory(category_id(1), patch));
    assert_eq!(
        directory.room(room_id(1)).unwrap().members,
        uris(&["alice", "bob"])
    );
}

#[test]
fn opening_a_room_drops_its_member_list_and_normalising_it_its_presenters() {
    let mut directory = directory();
    let open = RoomPatch {
        privacy: Some(Privacy::Open),
        ..RoomPatch::default()
    };
    change(&mut directory, Edit::ChangeRoom(room_id(1), open));
    let room = directory.room(room_id(1)).unwrap();
    assert!(room.members.is_empty());
    // In an open room everybody in scope belongs, so presenters need no list.
    assert_eq!(room.presenters, uris(&["alice", "bob"]));
    let refusal = refused(&directory, role(Role::Member, RoleEdit::Add(uris(&["dave"]))));
    assert_eq!(refusal, "an open room has no member list");

    let normal = RoomPatch {
        behavior: Some(Behavior::Normal),
        ..RoomPatch::default()
    };
    change(&mut directory, Edit::ChangeRoom(room_id(1), normal));
    assert!(directory.room(room_id(1)).unwrap().presenters.is_empty());
}

#[test]
fn role_edits_are_refused_as_a_whole_and_say_why() {
    let directory = directory();
    let refused = |edit| refused(&directory, edit);
    assert_eq!(
        refused(role(Role::Member, RoleEdit::Add(uris(&["alice", "dave"])))),
        "principals are already defined as members: sip:alice@example.com"
    );
    assert_eq!(
        refused(role(Role::Member, RoleEdit::Remove(uris(&["alice", "dave"])))),
        "not members: sip:dave@example.com"
    );
    assert_eq!(
        refused(role(Role::Presenter, RoleEdit::Add(uris(&["dave"])))),
        "presenters must be members: sip:dave@example.com"
    );
    let many: BTreeSet<_> = (0..7).map(|n| user(&format!("u{n}"))).collect();
    assert_eq!(
        refused(role(Role::Presenter, RoleEdit::Add(many))),
        "presenters must be members: sip:u0@example.com, sip:u1@example.com, sip:u2@example.com, \
         sip:u3@example.com, sip:u4@example.com and 2 more"
    );
}

#[test]
fn who_leaves_the_members_leaves_the_presenters() {
    let mut directory = directory();
    change(
        &mut directory,
        role(Role::Member, RoleEdit::Replace(uris(&["bob", "dave"]))),
    );
    let room = directory.room(room_id(1)).unwrap();
    assert_eq!(
        (&room.members, &room.presenters),
        (&uris(&["bob", "dave"]), &uris(&["bob"]))
    );
    assert_eq!(
        directory.rooms_with_role(&user("alice"), Role::Presenter).len(),
        0
    );
    assert_eq!(directory.rooms_with_role(&user("dave"), Role::Member).len(), 1);
}

#[test]
fn principals_outside_the_scope_are_refused_but_administrators_are_in_scope_everywhere() {
    let mut directory = directory();
    let room = Room::new(room_id(2), RoomSettings::new(category_id(2), "Desk"));
    change(&mut directory, Edit::AddRoom(room));
    let add_bob = Edit::ChangeRole {
        room: room_id(2),
        role: Role::Member,
        edit: RoleEdit::Add(uris(&["bob"])),
    };
    assert_eq!(
        refused(&directory, add_bob.clone()),
        "outside the category's scope: sip:bob@example.com"
    );
    change(
        &mut directory,
        Edit::PutUser(User {
            administrator: true,
            ..User::new(user("bob"))
        }),
    );
    change(&mut directory, add_bob);
    // Who is no administrator any more loses what only an administrator could have.
    change(&mut directory, Edit::PutUser(User::new(user("bob"))));
    assert!(directory.room(room_id(2)).unwrap().members.is_empty());
    assert!(directory.room(room_id(1)).unwrap().members.contains(&user("bob")));
    change(&mut directory, Edit::RemoveUser(user("bob")));
    assert!(!directory.room(room_id(1)).unwrap().members.contains(&user("bob")));
}

#[test]
fn names_are_one_to_256_characters_and_borne_once() {
    let mut directory = directory();
    let named = |name: &str| Edit::AddRoom(Room::new(room_id(2), RoomSettings::new(category_id(1), name)));
    let refused_name = |directory: &Directory, name: &str| refused(directory, named(name));
    assert_eq!(refused_name(&directory, "TOWN HALL "), "the name is taken");
    assert_eq!(refused_name(&directory, "walled"), "the name is taken");
    assert_eq!(refused_name(&directory, " \u{a0} "), "name is empty");
    assert_eq!(
        refused_name(&directory, &"é".repeat(257)),
        "name is too long: 257 of at most 256 characters"
    );
    assert_eq!(
        refused_name(&directory, "a\nb"),
        "name holds the control character U+000A"
    );
    change(&mut directory, named(&format!("  {}  ", "é".repeat(256))));
    assert_eq!(directory.room(room_id(2)).unwrap().settings.name, "é".repeat(256));
    // A room may change the case of its own name.
    let patch = RoomPatch {
        name: Some("Town Hall".into()),
        ..RoomPatch::default()
    };
    change(&mut directory, Edit::ChangeRoom(room_id(1), patch));
    assert_eq!(
        directory.room_by_name("town hall").unwrap().settings.name,
        "Town Hall"
    );
}

#[test]
fn a_category_goes_when_its_rooms_are_gone() {
    let mut directory = directory();
    assert_eq!(
        refused(&directory, Edit::RemoveCategory(category_id(1))),
        "category holds 1 rooms"
    );
    change(&mut directory, Edit::RemoveRoom(room_id(1)));
    change(&mut directory, Edit::RemoveCategory(category_id(1)));
    assert!(directory.category_by_name("General").is_none());
    assert!(directory.rooms_with_role(&user("alice"), Role::Member).is_empty());
}

#[test]
fn a_secret_room_does_not_exist_for_others() {
    let mut directory = directory();
    let patch = RoomPatch {
        privacy: Some(Privacy::Secret),
        ..RoomPatch::default()
    };
    change(&mut directory, Edit::ChangeRoom(room_id(1), patch.clone()));
    let edit = Edit::ChangeRoom(room_id(1), patch);
    let by = |name| directory.plan(Actor::User(&user(name)), edit.clone());
    assert_eq!(by("alice"), Err(Refusal::NotAuthorized));
    assert_eq!(by("dave"), Err(Refusal::NoSuchRoom(room_id(1))));
}

#[test]
fn stored_data_that_breaks_the_rules_is_not_believed() {
    let mut snapshot = directory().snapshot();
    snapshot.rooms[0].presenters.insert(user("dave"));
    let refusal = Refusal::PresentersNotMembers(vec![user("dave")]);
    assert_eq!(
        Directory::from_snapshot(snapshot).err(),
        Some(Inconsistent::Room(room_id(1), refusal))
    );
    let homeless = Snapshot {
        categories: Vec::new(),
        ..directory().snapshot()
    };
    let refusal = Refusal::NoSuchCategory(category_id(1));
    assert_eq!(
        Directory::from_snapshot(homeless).err(),
        Some(Inconsistent::Room(room_id(1), refusal))
    );
}

fn find(
    directory: &Directory,
    asker: &str,
    text: &str,
    descriptions: bool,
    matching: Matching,
) -> Vec<String> {
    let search = Search {
        text: text.into(),
        descriptions,
        matching,
        limit: 100,
    };
    let found = directory.search(&user(asker), &search);
    assert_eq!(found.total, found.rooms.len());
    found
        .rooms
        .iter()
        .map(|(room, _)| room.settings.name.clone())
        .collect()
}

#[test]
fn searching_finds_what_the_asker_may_see_sorted_by_name() {
    let mut directory = directory();
    let mut add = |number, name: &str, description: &str, privacy, disabled| {
        let settings = RoomSettings {
            description: description.into(),
            privacy,
            disabled,
            ..RoomSettings::new(category_id(2), name)
        };
        let room = Room {
            members: BTreeSet::new(),
            ..Room::new(room_id(number), settings)
        };
        change(&mut directory, Edit::AddRoom(room));
    };
    add(2, "Éclair orders", "Sweet and sour", Privacy::Open, false);
    add(3, "Bond orders", "Government", Privacy::Closed, false);
    add(4, "Merger", "orders", Privacy::Secret, false);
    add(5, "Old orders", "", Privacy::Open, true);

    use Matching::{AllWords, AnyWord, Phrase};
    let find = |asker, text, descriptions, matching| find(&directory, asker, text, descriptions, matching);
    assert_eq!(
        find("alice", "ORDERS", false, AnyWord),
        ["Bond orders", "Éclair orders"]
    );
    assert_eq!(
        find("alice", "", false, AnyWord),
        ["Bond orders", "Town hall", "Éclair orders"]
    );
    // Bob is denied in that category.
    assert_eq!(find("bob", "orders", false, AnyWord), [""; 0]);
    assert_eq!(
        find("alice", "éclair town", false, AnyWord),
        ["Town hall", "Éclair orders"]
    );
    assert_eq!(find("alice", "éclair town", false, AllWords), [""; 0]);
    assert_eq!(find("alice", "orders bond", false, AllWords), ["Bond orders"]);
    assert_eq!(find("alice", "orders bond", false, Phrase), [""; 0]);
    assert_eq!(find("alice", " d order ", false, Phrase), ["Bond orders"]);
    assert_eq!(find("alice", "sweet", false, AnyWord), [""; 0]);
    assert_eq!(find("alice", "sweet", true, AnyWord), ["Éclair orders"]);
    assert_eq!(find("alice", "orders sour", true, AllWords), ["Éclair orders"]);

    let search = Search {
        text: "orders".into(),
        descriptions: false,
        matching: AnyWord,
        limit: 1,
    };
    let found = directory.search(&user("alice"), &search);
    assert_eq!((found.rooms.len(), found.total), (1, 2));
}
