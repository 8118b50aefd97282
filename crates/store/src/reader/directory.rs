//! Reading the whole directory, once at the start.

use std::collections::HashMap;

use parlor_rooms::{
    Category, Invitations, Principal, Role, Room, RoomSettings, Scope, Snapshot, StoreError, User, UserKind,
};
use parlor_xccos::{CategoryId, SipUri};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::failure::{Unreadable, store_error};
use crate::values::{DOMAIN, ScopeList, behavior, category_id, parse, privacy, role, room_id};

/// Everything, in the order of ids.
pub(crate) fn load(connection: &Connection) -> Result<Snapshot, StoreError> {
    let mut categories = Vec::new();
    each(connection, "SELECT * FROM categories ORDER BY id", |row| {
        categories.push(category(row).map_err(store_error)?);
        Ok(())
    })?;
    load_principals(connection, &mut categories)?;

    let (mut rooms, mut places) = (Vec::new(), HashMap::new());
    each(connection, "SELECT * FROM rooms ORDER BY id", |row| {
        places.insert(row.get::<_, i64>("number").map_err(store_error)?, rooms.len());
        rooms.push(room(row)?);
        Ok(())
    })?;
    let mut addresses = Addresses::default();
    each(connection, "SELECT room, role, user FROM room_roles", |row| {
        let (number, role_number): (i64, i64) =
            (row.get(0).map_err(store_error)?, row.get(1).map_err(store_error)?);
        let user = addresses.shared(row.get_ref(2).map_err(store_error)?)?;
        // The foreign key makes sure that the room is there.
        if let Some(room) = places.get(&number).and_then(|place| rooms.get_mut(*place)) {
            list(room, role(role_number)?).insert(user);
        }
        Ok(())
    })?;

    let mut users = Vec::new();
    each(connection, "SELECT * FROM users ORDER BY uri", |row| {
        users.push(user(row)?);
        Ok(())
    })?;
    Ok(Snapshot {
        categories,
        rooms,
        users,
    })
}

fn load_principals(connection: &Connection, categories: &mut [Category]) -> Result<(), StoreError> {
    let places: HashMap<CategoryId, usize> = categories
        .iter()
        .enumerate()
        .map(|(place, category)| (category.id, place))
        .collect();
    each(
        connection,
        "SELECT category, list, kind, principal FROM category_principals",
        |row| {
            let bytes: [u8; 16] = row.get(0).map_err(store_error)?;
            let (list, kind): (i64, i64) =
                (row.get(1).map_err(store_error)?, row.get(2).map_err(store_error)?);
            let text: String = row.get(3).map_err(store_error)?;
            let Some(category) = places
                .get(&category_id(bytes))
                .and_then(|place| categories.get_mut(*place))
            else {
                return Ok(());
            };
            if list == ScopeList::Creators as i64 {
                category
                    .creators
                    .insert(parse(&text, "category_principals", "principal")?);
                return Ok(());
            }
            let scope = if list == ScopeList::Allowed as i64 {
                &mut category.allowed
            } else {
                &mut category.denied
            };
            if let Scope::Only(entries) = scope {
                entries.insert(match kind {
                    DOMAIN => Principal::domain(&text),
                    _ => Principal::User(parse(&text, "category_principals", "principal")?),
                });
            }
            Ok(())
        },
    )
}

fn each(
    connection: &Connection,
    sql: &str,
    mut visit: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut select = connection.prepare(sql).map_err(store_error)?;
    let mut rows = select.query(()).map_err(store_error)?;
    while let Some(row) = rows.next().map_err(store_error)? {
        visit(row)?;
    }
    Ok(())
}

/// Addresses seen so far: a user is in many rooms, and is kept in memory once.
#[derive(Default)]
struct Addresses(HashMap<String, SipUri>);

impl Addresses {
    fn shared(&mut self, column: ValueRef<'_>) -> Result<SipUri, StoreError> {
        const UNREADABLE: Unreadable = Unreadable {
            table: "room_roles",
            column: "user",
        };
        let text = column.as_str().map_err(|_| UNREADABLE)?;
        if let Some(known) = self.0.get(text) {
            return Ok(known.clone());
        }
        let uri: SipUri = text.parse().map_err(|_| UNREADABLE)?;
        self.0.insert(text.to_owned(), uri.clone());
        Ok(uri)
    }
}

fn category(row: &Row<'_>) -> rusqlite::Result<Category> {
    let scope = |all: bool| if all { Scope::Everyone } else { Scope::nobody() };
    Ok(Category {
        id: category_id(row.get("id")?),
        name: row.get("name")?,
        description: row.get("description")?,
        allowed: scope(row.get("all_allowed")?),
        denied: scope(row.get("all_denied")?),
        creators: std::collections::BTreeSet::new(),
        invitations: row.get("invitations")?,
        file_upload: row.get("file_upload")?,
        history: row.get("history")?,
    })
}

fn room(row: &Row<'_>) -> Result<Room, StoreError> {
    let number = |column| row.get::<_, i64>(column).map_err(store_error);
    let inherits: bool = row.get("inherits_invitations").map_err(store_error)?;
    let settings = RoomSettings {
        category: category_id(row.get("category").map_err(store_error)?),
        name: row.get("name").map_err(store_error)?,
        description: row.get("description").map_err(store_error)?,
        privacy: privacy(number("privacy")?)?,
        behavior: behavior(number("behavior")?)?,
        disabled: row.get("disabled").map_err(store_error)?,
        invitations: if inherits {
            Invitations::Inherit
        } else {
            Invitations::Off
        },
    };
    Ok(Room::new(room_id(row.get("id").map_err(store_error)?), settings))
}

fn list(room: &mut Room, role: Role) -> &mut std::collections::BTreeSet<SipUri> {
    match role {
        Role::Manager => &mut room.managers,
        Role::Member => &mut room.members,
        Role::Presenter => &mut room.presenters,
    }
}

fn user(row: &Row<'_>) -> Result<User, StoreError> {
    let uri: String = row.get("uri").map_err(store_error)?;
    let contact: bool = row.get("contact").map_err(store_error)?;
    Ok(User {
        uri: parse(&uri, "users", "uri")?,
        display_name: row.get("display_name").map_err(store_error)?,
        kind: if contact {
            UserKind::Contact
        } else {
            UserKind::User
        },
        disabled: row.get("disabled").map_err(store_error)?,
        administrator: row.get("administrator").map_err(store_error)?,
    })
}
