//! Creates what the configuration says must exist and does not: users, then categories, then rooms.
//! What exists is left as it is, whatever the configuration says: administration is done on the control socket.

use std::collections::BTreeSet;
use std::sync::Arc;

use parlor_rooms::{
    Category, Directory, Draft, Edit, NewPost, PostLimits, Principal, Refusal, Retention, Room, RoomSettings,
    Scope, Store, User, UserKind,
};
use parlor_xccos::{CategoryId, Post, RoomId, RoomUri, Timestamp};

use crate::accounts::Accounts;
use crate::config::{Password, Seed, SeedCategory, SeedPost, SeedRoom, SeedUser};
use crate::directory::{DirectoryError, EditError, SharedDirectory};
use crate::server::StartError;

/// The category made for rooms when there is none at all.
const FIRST_CATEGORY: &str = "General";

pub(crate) async fn plant(
    directory: &SharedDirectory,
    accounts: &Accounts,
    store: &Arc<dyn Store>,
    base: &RoomUri,
    seed: &Seed,
) -> Result<(), StartError> {
    for user in &seed.users {
        let known = directory.read().user(&user.uri).is_some();
        if !known {
            create(
                directory,
                "user",
                user.uri.as_str(),
                Edit::PutUser(new_user(user)),
            )
            .await?;
        }
        if let Some(Password(password)) = &user.password
            && accounts.of(&user.uri).is_none()
        {
            accounts
                .set_password(&user.uri, None, password)
                .await
                .map_err(|source| StartError::Password {
                    user: user.uri.to_string(),
                    source: Box::new(source),
                })?;
        }
    }
    for category in &seed.categories {
        let known = directory.read().category_by_name(&category.name).is_some();
        if !known {
            create(
                directory,
                "category",
                &category.name,
                Edit::AddCategory(new_category(category)?),
            )
            .await?;
        }
    }
    for room in &seed.rooms {
        let known = directory.read().room_by_name(&room.name).is_some();
        if known {
            continue;
        }
        if directory.read().categories().next().is_none() {
            let first = Edit::AddCategory(Category::new(new_category_id(), FIRST_CATEGORY));
            create(directory, "category", FIRST_CATEGORY, first).await?;
        }
        let new = new_room(&directory.read(), room)?;
        let id = new.id;
        create(directory, "room", &room.name, Edit::AddRoom(new)).await?;
        say(directory, store, base, id, &room.posts).await?;
    }
    Ok(())
}

async fn create(
    directory: &SharedDirectory,
    what: &'static str,
    name: &str,
    edit: Edit,
) -> Result<(), StartError> {
    match directory.edit(|_| Ok::<_, Refusal>(edit)).await {
        Ok(_) => Ok(()),
        Err(EditError::Refused(source)) => Err(StartError::Seed {
            what,
            name: name.to_owned(),
            source,
        }),
        Err(EditError::Store(error)) => Err(DirectoryError::Store(error).into()),
    }
}

/// Fills the history of a new room.
async fn say(
    directory: &SharedDirectory,
    store: &Arc<dyn Store>,
    base: &RoomUri,
    room: RoomId,
    posts: &[SeedPost],
) -> Result<(), StartError> {
    if posts.is_empty() {
        return Ok(());
    }
    let mut new = Vec::with_capacity(posts.len());
    for (post, number) in posts.iter().zip(0..) {
        let author = directory
            .read()
            .user(&post.author)
            .map(|user| user.display_name.clone());
        // In order, and in the past: the next post comes after them.
        let timestamp = Timestamp::from_millis(crate::service::now().as_millis() - 60_000 + number);
        let mut said = Post::new(
            base.sibling(room),
            post.author.clone(),
            timestamp,
            post.text.clone(),
        );
        said.author_name = author;
        let draft = Draft::check(said, &PostLimits::default()).map_err(|source| StartError::Seed {
            what: "post",
            name: post.text.clone(),
            source,
        })?;
        new.push(NewPost {
            room,
            timestamp,
            draft,
            retention: Retention::Keep,
        });
    }
    store.append(new).await.map_err(DirectoryError::Store)?;
    Ok(())
}

fn new_user(user: &SeedUser) -> User {
    User {
        display_name: user.display_name.clone(),
        kind: if user.contact {
            UserKind::Contact
        } else {
            UserKind::User
        },
        ..User::new(user.uri.clone())
    }
}

fn new_category(category: &SeedCategory) -> Result<Category, StartError> {
    let scope = |entries: &[String]| {
        scope(entries).map_err(|text| StartError::Scope {
            category: category.name.clone(),
            text,
        })
    };
    Ok(Category {
        description: category.description.clone(),
        allowed: if category.allowed.is_empty() {
            Scope::Everyone
        } else {
            scope(&category.allowed)?
        },
        denied: scope(&category.denied)?,
        creators: category.creators.iter().cloned().collect(),
        ..Category::new(new_category_id(), category.name.clone())
    })
}

fn new_room(directory: &Directory, room: &SeedRoom) -> Result<Room, StartError> {
    let category = match &room.category {
        Some(name) => directory.category_by_name(name),
        None => directory.categories().next(),
    };
    let category = category.ok_or_else(|| StartError::NoSuchCategory {
        room: room.name.clone(),
        category: room.category.clone().unwrap_or_default(),
    })?;
    let list = |users: &[parlor_xccos::SipUri]| users.iter().cloned().collect::<BTreeSet<_>>();
    Ok(Room {
        members: list(&room.members),
        managers: list(&room.managers),
        presenters: list(&room.presenters),
        ..Room::new(
            new_room_id(),
            RoomSettings {
                description: room.description.clone(),
                privacy: room.privacy,
                behavior: room.behavior,
                ..RoomSettings::new(category.id, room.name.clone())
            },
        )
    })
}

/// Reads addresses (`sip:user@host`) and domains; gives back the text that is neither.
pub(crate) fn scope(entries: &[String]) -> Result<Scope, String> {
    entries
        .iter()
        .map(|entry| principal(entry).ok_or_else(|| entry.clone()))
        .collect::<Result<Vec<_>, _>>()
        .map(Scope::only)
}

fn principal(text: &str) -> Option<Principal> {
    if text.contains(['@', ':']) {
        return text.parse().ok().map(Principal::User);
    }
    let domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    (!text.is_empty() && text.bytes().all(domain)).then(|| Principal::domain(text))
}

pub(crate) fn new_category_id() -> CategoryId {
    CategoryId::from_bytes(uuid::Uuid::new_v4().into_bytes())
}

pub(crate) fn new_room_id() -> RoomId {
    RoomId::from_bytes(uuid::Uuid::new_v4().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_addresses_and_domains() {
        let scope = scope(&["sip:alice@example.com".to_owned(), "example.org".to_owned()]).unwrap();
        assert!(scope.contains(&"sip:alice@example.com".parse().unwrap()));
        assert!(scope.contains(&"sip:bob@example.org".parse().unwrap()));
        assert!(!scope.contains(&"sip:bob@example.com".parse().unwrap()));
        assert_eq!(
            super::scope(&["not an address".to_owned()]),
            Err("not an address".to_owned())
        );
    }
}
