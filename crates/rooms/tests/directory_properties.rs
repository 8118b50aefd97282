//! Whatever is asked of the directory, in whatever order, its rules hold.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;

use parlor_rooms::conformance::{edit_from, user};
use parlor_rooms::{Access, Actor, Directory, Edit, Role, RoleEdit};
use parlor_xccos::{Behavior, Privacy, SipUri};
use proptest::prelude::*;

fn users() -> Vec<SipUri> {
    let other = |name: &str| format!("sip:{name}@other.org").parse().unwrap();
    ["u0", "u1", "u2"]
        .into_iter()
        .flat_map(|name| [user(name), other(name)])
        .collect()
}

/// The rules of product 4.3, said again without the directory's own checks.
fn check_rules(directory: &Directory) {
    let mut names = BTreeSet::new();
    for category in directory.categories() {
        assert!(
            names.insert(category.name.to_lowercase()),
            "{} is borne twice",
            category.name
        );
        assert_eq!(directory.category_by_name(&category.name), Some(category));
        for creator in &category.creators {
            let administrator = directory.user(creator).is_some_and(|user| user.administrator);
            assert!(
                administrator || category.contains(creator),
                "{creator} creates out of scope"
            );
        }
    }
    for room in directory.rooms() {
        assert!(
            names.insert(room.settings.name.to_lowercase()),
            "{} is borne twice",
            room.settings.name
        );
        assert_eq!(
            directory.room_by_name(&room.settings.name.to_uppercase().replace("SS", "ß")),
            Some(room)
        );
        let category = directory.category_of(room).expect("a room has a category");
        let open = room.settings.privacy == Privacy::Open;
        assert!(!open || room.members.is_empty());
        assert!(room.settings.behavior == Behavior::Auditorium || room.presenters.is_empty());
        assert!(open || room.presenters.is_subset(&room.members));
        for holder in room.members.iter().chain(&room.managers).chain(&room.presenters) {
            let administrator = directory.user(holder).is_some_and(|user| user.administrator);
            assert!(
                administrator || category.contains(holder),
                "{holder} holds a role out of scope"
            );
        }
        for user in users() {
            check_access(directory.access(room, &user));
        }
    }
}

fn check_access(access: Access) {
    assert!(!access.post || access.join, "posting needs joining");
    assert!(!access.join || access.see, "joining needs seeing");
    assert!(!access.manage || access.see, "managing needs seeing");
    assert_eq!(access.join, access.read);
}

/// The index of roles says what the rooms say.
fn check_index(directory: &Directory) {
    for user in users() {
        for role in [Role::Manager, Role::Member, Role::Presenter] {
            let indexed: BTreeSet<_> = directory
                .rooms_with_role(&user, role)
                .into_iter()
                .map(|room| room.id)
                .collect();
            let scanned: BTreeSet<_> = directory
                .rooms()
                .filter(|room| !room.settings.disabled && room.list(role).contains(&user))
                .filter(|room| directory.access(room, &user).see)
                .map(|room| room.id)
                .collect();
            assert_eq!(indexed, scanned);
        }
    }
}

/// Whether asking for `edit` twice is asking once.
fn is_repeatable(edit: &Edit) -> bool {
    match edit {
        Edit::ChangeCategory(..) | Edit::ChangeRoom(..) | Edit::PutUser(_) => true,
        Edit::ChangeRole { edit, .. } => matches!(edit, RoleEdit::Replace(_)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn random_edits_keep_the_rules(numbers in prop::collection::vec(any::<u64>(), 1..60)) {
        let mut directory = Directory::default();
        for number in numbers {
            let edit = edit_from(number);
            // What a user may do, the operator may do.
            let by_user = users().iter().any(|user| directory.plan(Actor::User(user), edit.clone()).is_ok());
            let Ok(changes) = directory.plan(Actor::Operator, edit.clone()) else {
                prop_assert!(!by_user, "a user may do more than the operator: {edit:?}");
                continue;
            };
            directory.apply(&changes);
            check_rules(&directory);
            check_index(&directory);
            if is_repeatable(&edit) {
                prop_assert_eq!(directory.plan(Actor::Operator, edit), Ok(Vec::new()));
            }
        }
        let again = Directory::from_snapshot(directory.snapshot());
        prop_assert_eq!(again.map(|again| again.snapshot()), Ok(directory.snapshot()));
    }

    #[test]
    fn users_without_rights_change_nothing(numbers in prop::collection::vec(any::<u64>(), 1..60), asked: u64) {
        let mut directory = Directory::default();
        for number in numbers {
            if let Ok(changes) = directory.plan(Actor::Operator, edit_from(number)) {
                directory.apply(&changes);
            }
        }
        let stranger = user("stranger");
        let changes = directory.plan(Actor::User(&stranger), edit_from(asked));
        prop_assert!(changes.is_err(), "a stranger was let: {changes:?}");
    }
}
