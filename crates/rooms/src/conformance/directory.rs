//! The directory: changes are stored as planned, or not at all.

use parlor_xccos::{Behavior, Privacy};

use crate::{
    Actor, Category, CategoryPatch, Change, Directory, Edit, Invitations, MAX_READ, Principal, Role,
    RoleEdit, Room, RoomPatch, RoomSettings, Scope, Store, StoreError, User, UserKind,
};

use super::samples::{category_id, post, room_id, store_with_rooms, user};
use super::{Fixture, edit_from};

/// Plans and stores edits the way a server does.
async fn edit(store: &dyn Store, directory: &mut Directory, edits: impl IntoIterator<Item = Edit>) {
    for edit in edits {
        let changes = directory
            .plan(Actor::Operator, edit)
            .expect("the suite plans valid edits");
        store.apply(changes.clone()).await.expect("planned changes fit");
        directory.apply(&changes);
    }
}

fn every_kind_of_edit() -> Vec<Edit> {
    let (general, walled) = (category_id(1), category_id(2));
    let (news, desk, old) = (room_id(1), room_id(2), room_id(3));
    let users = |names: &[&str]| names.iter().map(|name| user(name)).collect();
    let role = |room, role, edit| Edit::ChangeRole { room, role, edit };
    vec![
        Edit::AddCategory(Category::new(general, "General")),
        Edit::AddCategory(Category {
            description: "Ethical wall, 日本".into(),
            allowed: Scope::only([Principal::domain("Example.com"), Principal::User(user("guest"))]),
            denied: Scope::only([Principal::User(user("analyst"))]),
            creators: users(&["alice", "bob"]),
            invitations: true,
            file_upload: true,
            history: false,
            ..Category::new(walled, "Trading")
        }),
        Edit::AddCategory(Category {
            denied: Scope::Everyone,
            ..Category::new(category_id(3), "Nobody")
        }),
        Edit::AddCategory(Category::new(category_id(4), "Short-lived")),
        Edit::RemoveCategory(category_id(4)),
        Edit::AddRoom(Room::new(
            news,
            RoomSettings {
                privacy: Privacy::Open,
                ..RoomSettings::new(general, "News")
            },
        )),
        Edit::AddRoom(Room::new(desk, RoomSettings::new(general, "Desk"))),
        Edit::AddRoom(Room::new(old, RoomSettings::new(general, "Old"))),
        Edit::RemoveRoom(old),
        role(
            desk,
            Role::Member,
            RoleEdit::Add(users(&["alice", "analyst", "bob"])),
        ),
        role(desk, Role::Manager, RoleEdit::Add(users(&["carol"]))),
        Edit::ChangeRoom(
            desk,
            RoomPatch {
                name: Some("DESK".into()),
                description: Some("Where “trades” are made".into()),
                privacy: Some(Privacy::Secret),
                behavior: Some(Behavior::Auditorium),
                invitations: Some(Invitations::Off),
                ..RoomPatch::default()
            },
        ),
        role(desk, Role::Presenter, RoleEdit::Add(users(&["analyst", "bob"]))),
        // Moving takes the analyst out.
        Edit::ChangeRoom(
            desk,
            RoomPatch {
                category: Some(walled),
                ..RoomPatch::default()
            },
        ),
        role(desk, Role::Member, RoleEdit::Remove(users(&["alice"]))),
        Edit::ChangeCategory(
            walled,
            CategoryPatch {
                name: Some("Floor".into()),
                ..CategoryPatch::default()
            },
        ),
        Edit::ChangeRoom(
            news,
            RoomPatch {
                disabled: Some(true),
                ..RoomPatch::default()
            },
        ),
        Edit::PutUser(User {
            display_name: "Alice ✓".into(),
            administrator: true,
            ..User::new(user("alice"))
        }),
        Edit::PutUser(User {
            kind: UserKind::Contact,
            disabled: true,
            ..User::new(user("feed"))
        }),
        Edit::PutUser(User {
            display_name: "Bob B.".into(),
            ..User::new(user("bob"))
        }),
        Edit::PutUser(User {
            display_name: "Bob C.".into(),
            ..User::new(user("bob"))
        }),
        Edit::PutUser(User::new(user("leaver"))),
        Edit::RemoveUser(user("leaver")),
    ]
}

/// After edits of every kind, and a restart, the directory is as it was.
pub async fn the_directory_comes_back_as_it_was(fixture: &mut impl Fixture) {
    let store = fixture.open();
    assert_eq!(store.load().await.unwrap(), crate::Snapshot::default());
    let mut directory = Directory::default();
    edit(&*store, &mut directory, every_kind_of_edit()).await;
    assert_eq!(store.load().await.unwrap(), directory.snapshot());

    let store = fixture.reopen(store);
    let snapshot = store.load().await.unwrap();
    assert_eq!(snapshot, directory.snapshot());
    Directory::from_snapshot(snapshot).expect("what was planned is consistent");
}

/// Whatever sequence of edits was planned, the store says the same as memory.
pub async fn random_edits_come_back_as_they_were(fixture: &mut impl Fixture) {
    for run in 0..4 {
        let mut store = fixture.open();
        let mut directory = Directory::from_snapshot(store.load().await.unwrap()).unwrap();
        for number in 0..100 {
            if let Ok(changes) = directory.plan(Actor::Operator, edit_from(run * 1000 + number)) {
                store.apply(changes.clone()).await.expect("planned changes fit");
                directory.apply(&changes);
            }
        }
        assert_eq!(store.load().await.unwrap(), directory.snapshot());
        store = fixture.reopen(store);
        assert_eq!(store.load().await.unwrap(), directory.snapshot());
    }
}

/// A change that fails takes those before it with it.
pub async fn a_failed_change_leaves_nothing(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let before = store.load().await.unwrap();
    let unknown = room_id(99);
    let changes = vec![
        Change::UserPut(User::new(user("alice"))),
        Change::RoomRemoved(room_id(1)),
        Change::CategoryAdded(Category::new(category_id(7), "New")),
        Change::RoleChanged {
            room: unknown,
            role: Role::Member,
            added: vec![user("alice")],
            removed: Vec::new(),
        },
    ];
    let failed = store.apply(changes).await;
    assert!(matches!(failed, Err(StoreError::UnknownRoom(room)) if room == unknown));
    assert_eq!(store.load().await.unwrap(), before);
    store
        .append(vec![post(room_id(1), "still here", "")])
        .await
        .unwrap();
    let store = fixture.reopen(store);
    assert_eq!(store.load().await.unwrap(), before);
}

/// Rooms and categories share one namespace, without case, which renaming frees.
pub async fn names_are_shared_by_rooms_and_categories(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let category = category_id(100);
    let room =
        |number, name: &str| Change::RoomAdded(Room::new(room_id(number), RoomSettings::new(category, name)));
    for name in ["room 1", "ROOM 2", "GENERAL"] {
        let refused = store.apply(vec![room(50, name)]).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict)),
            "{name} was taken twice"
        );
    }
    let refused = store
        .apply(vec![Change::CategoryAdded(Category::new(
            category_id(51),
            "rOOm 3",
        ))])
        .await;
    assert!(matches!(refused, Err(StoreError::Conflict)));
    let renamed = RoomSettings::new(category, "ÉTAGE");
    store
        .apply(vec![Change::RoomChanged {
            room: room_id(1),
            settings: renamed,
        }])
        .await
        .unwrap();
    assert!(matches!(
        store.apply(vec![room(50, "étage")]).await,
        Err(StoreError::Conflict)
    ));
    store
        .apply(vec![
            room(50, "Room 1"),
            Change::RoomRemoved(room_id(2)),
            room(51, "Room 2"),
        ])
        .await
        .unwrap();
}

/// Changes that were planned on something else are refused.
pub async fn changes_that_do_not_fit_are_refused(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let known = category_id(100);
    let conflict = [
        Change::CategoryAdded(Category::new(known, "Same id")),
        Change::CategoryChanged(Category::new(category_id(9), "Unknown")),
        Change::CategoryRemoved(category_id(9)),
        // Still holds rooms.
        Change::CategoryRemoved(known),
        Change::RoomAdded(Room::new(room_id(1), RoomSettings::new(known, "Same id"))),
        Change::RoomAdded(Room::new(
            room_id(9),
            RoomSettings::new(category_id(9), "Nowhere"),
        )),
        Change::RoomChanged {
            room: room_id(1),
            settings: RoomSettings::new(category_id(9), "Nowhere"),
        },
    ];
    let unknown = [
        Change::RoomRemoved(room_id(9)),
        Change::RoomChanged {
            room: room_id(9),
            settings: RoomSettings::new(known, "Unknown"),
        },
    ];
    let before = store.load().await.unwrap();
    for change in conflict {
        let refused = store.apply(vec![change.clone()]).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict)),
            "{refused:?} for {change:?}"
        );
    }
    for change in unknown {
        let refused = store.apply(vec![change.clone()]).await;
        assert!(
            matches!(refused, Err(StoreError::UnknownRoom(_))),
            "{refused:?} for {change:?}"
        );
    }
    assert_eq!(store.load().await.unwrap(), before);
}

/// With a room goes what was said in it, also when its id comes back.
pub async fn a_removed_room_is_unknown_and_empty_when_made_again(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let room = room_id(1);
    store.append(vec![post(room, "old", "key")]).await.unwrap();
    store.apply(vec![Change::RoomRemoved(room)]).await.unwrap();
    assert!(matches!(
        store.last(room, 1).await,
        Err(StoreError::UnknownRoom(_))
    ));
    assert!(matches!(
        store.append(vec![post(room, "x", "")]).await,
        Err(StoreError::UnknownRoom(_))
    ));

    let settings = RoomSettings::new(category_id(100), "Again");
    store
        .apply(vec![Change::RoomAdded(Room::new(room, settings))])
        .await
        .unwrap();
    let store = fixture.reopen(store);
    assert_eq!(store.last(room, 1).await.unwrap(), []);
    store.append(vec![post(room, "new", "key")]).await.unwrap();
    let posts = store.last(room, MAX_READ).await.unwrap();
    assert_eq!(
        posts
            .iter()
            .map(|post| (post.id.0, post.chat.as_str()))
            .collect::<Vec<_>>(),
        [(1, "new")]
    );
}
