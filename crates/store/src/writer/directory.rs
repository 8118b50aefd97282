//! Storing changes of the directory.

use parlor_rooms::{
    Category, Change, Invitations, Principal, Role, Room, RoomSettings, Scope, StoreError, User, UserKind,
    fold_name,
};
use parlor_xccos::{CategoryId, RoomId, SipUri};
use rusqlite::{Connection, params};

use super::Cache;
use crate::failure::store_error;
use crate::values::{DOMAIN, ScopeList, USER, behavior_number, privacy_number, role_number};

/// Change after change, as [`parlor_rooms::Store::apply`] says.
pub(crate) fn apply(
    connection: &Connection,
    cache: &mut Cache,
    changes: &[Change],
) -> Result<(), StoreError> {
    changes
        .iter()
        .try_for_each(|change| apply_one(connection, cache, change))
}

fn apply_one(connection: &Connection, cache: &mut Cache, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::CategoryAdded(category) => add_category(connection, category).map_err(store_error),
        Change::CategoryChanged(category) => {
            let known = change_category(connection, category).map_err(store_error)?;
            if known { Ok(()) } else { Err(StoreError::Conflict) }
        }
        Change::CategoryRemoved(id) => {
            let removed = remove(
                connection,
                "DELETE FROM categories WHERE id = ?",
                Bearer::category(*id),
            );
            if removed.map_err(store_error)? {
                Ok(())
            } else {
                Err(StoreError::Conflict)
            }
        }
        Change::RoleChanged {
            room,
            role,
            added,
            removed,
        } => {
            let number = cache.end(connection, *room)?.number;
            change_role(connection, number, *role, added, removed).map_err(store_error)
        }
        Change::RoomAdded(room) => add_room(connection, room).map_err(store_error),
        Change::RoomChanged { room, settings } => {
            let known = change_room(connection, *room, settings).map_err(store_error)?;
            if known {
                Ok(())
            } else {
                Err(StoreError::UnknownRoom(*room))
            }
        }
        Change::RoomRemoved(id) => {
            let number = cache.end(connection, *id)?.number;
            cache.remove_room(*id);
            remove_room(connection, *id, number).map_err(store_error)
        }
        Change::UserPut(user) => put_user(connection, user).map_err(store_error),
        Change::UserRemoved(uri) => connection
            .prepare_cached("DELETE FROM users WHERE uri = ?")
            .and_then(|mut delete| delete.execute([uri.as_str()]))
            .and_then(|_| super::remove_account(connection, uri))
            .and_then(|()| super::remove_documents(connection, uri))
            .map_err(store_error),
    }
}

fn add_category(connection: &Connection, category: &Category) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO categories \
             (id, name, description, all_allowed, all_denied, invitations, file_upload, history) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            category.id.as_bytes(),
            category.name,
            category.description,
            category.allowed == Scope::Everyone,
            category.denied == Scope::Everyone,
            category.invitations,
            category.file_upload,
            category.history,
        ])?;
    add_principals(connection, category)?;
    add_name(connection, &category.name, Bearer::category(category.id))
}

/// False when there is no such category.
fn change_category(connection: &Connection, category: &Category) -> rusqlite::Result<bool> {
    let known = connection
        .prepare_cached(
            "UPDATE categories SET name = ?2, description = ?3, all_allowed = ?4, all_denied = ?5, \
             invitations = ?6, file_upload = ?7, history = ?8 WHERE id = ?1",
        )?
        .execute(params![
            category.id.as_bytes(),
            category.name,
            category.description,
            category.allowed == Scope::Everyone,
            category.denied == Scope::Everyone,
            category.invitations,
            category.file_upload,
            category.history,
        ])?;
    connection
        .prepare_cached("DELETE FROM category_principals WHERE category = ?")?
        .execute([category.id.as_bytes()])?;
    if known > 0 {
        add_principals(connection, category)?;
        change_name(connection, &category.name, Bearer::category(category.id))?;
    }
    Ok(known > 0)
}

fn add_principals(connection: &Connection, category: &Category) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO category_principals (category, list, kind, principal) VALUES (?, ?, ?, ?)",
    )?;
    for (list, scope) in [
        (ScopeList::Allowed, &category.allowed),
        (ScopeList::Denied, &category.denied),
    ] {
        for principal in scope.principals() {
            let (kind, text) = match principal {
                Principal::Domain(domain) => (DOMAIN, &**domain),
                Principal::User(uri) => (USER, uri.as_str()),
            };
            insert.execute(params![category.id.as_bytes(), list as i64, kind, text])?;
        }
    }
    for creator in &category.creators {
        insert.execute(params![
            category.id.as_bytes(),
            ScopeList::Creators as i64,
            USER,
            creator.as_str()
        ])?;
    }
    Ok(())
}

fn add_room(connection: &Connection, room: &Room) -> rusqlite::Result<()> {
    let settings = &room.settings;
    connection
        .prepare_cached(
            "INSERT INTO rooms \
             (id, category, name, description, privacy, behavior, disabled, inherits_invitations) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            room.id.as_bytes(),
            settings.category.as_bytes(),
            settings.name,
            settings.description,
            privacy_number(settings.privacy),
            behavior_number(settings.behavior),
            settings.disabled,
            settings.invitations == Invitations::Inherit,
        ])?;
    let number = connection.last_insert_rowid();
    for role in [Role::Member, Role::Manager, Role::Presenter] {
        change_role(connection, number, role, room.list(role), [])?;
    }
    add_name(connection, &settings.name, Bearer::room(room.id))
}

/// False when there is no such room.
fn change_room(connection: &Connection, id: RoomId, settings: &RoomSettings) -> rusqlite::Result<bool> {
    let known = connection
        .prepare_cached(
            "UPDATE rooms SET category = ?2, name = ?3, description = ?4, privacy = ?5, behavior = ?6, \
             disabled = ?7, inherits_invitations = ?8 WHERE id = ?1",
        )?
        .execute(params![
            id.as_bytes(),
            settings.category.as_bytes(),
            settings.name,
            settings.description,
            privacy_number(settings.privacy),
            behavior_number(settings.behavior),
            settings.disabled,
            settings.invitations == Invitations::Inherit,
        ])?;
    if known > 0 {
        change_name(connection, &settings.name, Bearer::room(id))?;
    }
    Ok(known > 0)
}

/// The posts are left to [`super::purge`].
fn remove_room(connection: &Connection, id: RoomId, number: i64) -> rusqlite::Result<()> {
    remove(connection, "DELETE FROM rooms WHERE id = ?", Bearer::room(id))?;
    connection
        .prepare_cached("INSERT INTO removed_rooms (number) VALUES (?)")?
        .execute([number])?;
    Ok(())
}

fn change_role<'a>(
    connection: &Connection,
    room: i64,
    role: Role,
    added: impl IntoIterator<Item = &'a SipUri>,
    removed: impl IntoIterator<Item = &'a SipUri>,
) -> rusqlite::Result<()> {
    let role = role_number(role);
    let mut insert =
        connection.prepare_cached("INSERT OR IGNORE INTO room_roles (room, role, user) VALUES (?, ?, ?)")?;
    for user in added {
        insert.execute(params![room, role, user.as_str()])?;
    }
    let mut delete =
        connection.prepare_cached("DELETE FROM room_roles WHERE room = ? AND role = ? AND user = ?")?;
    for user in removed {
        delete.execute(params![room, role, user.as_str()])?;
    }
    Ok(())
}

fn put_user(connection: &Connection, user: &User) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO users (uri, display_name, contact, disabled, administrator) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (uri) DO UPDATE SET display_name = excluded.display_name, \
             contact = excluded.contact, disabled = excluded.disabled, \
             administrator = excluded.administrator",
        )?
        .execute(params![
            user.uri.as_str(),
            user.display_name,
            user.kind == UserKind::Contact,
            user.disabled,
            user.administrator,
        ])?;
    Ok(())
}

/// What bears a name: `names.kind` and the id.
#[derive(Debug, Clone, Copy)]
struct Bearer(i64, [u8; 16]);

impl Bearer {
    fn category(id: CategoryId) -> Self {
        Self(0, *id.as_bytes())
    }

    fn room(id: RoomId) -> Self {
        Self(1, *id.as_bytes())
    }
}

fn add_name(connection: &Connection, name: &str, Bearer(kind, id): Bearer) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO names (name, kind, bearer) VALUES (?, ?, ?)")?
        .execute(params![fold_name(name), kind, id])?;
    Ok(())
}

fn change_name(connection: &Connection, name: &str, Bearer(kind, id): Bearer) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE names SET name = ? WHERE kind = ? AND bearer = ?")?
        .execute(params![fold_name(name), kind, id])?;
    Ok(())
}

/// Removes a room or category and its name; false when there is none.
fn remove(connection: &Connection, delete: &str, Bearer(kind, id): Bearer) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("DELETE FROM names WHERE kind = ? AND bearer = ?")?
        .execute(params![kind, id])?;
    Ok(connection.prepare_cached(delete)?.execute([id])? > 0)
}
