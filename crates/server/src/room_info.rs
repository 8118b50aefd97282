//! What clients are told about a room of the directory.

use parlor_rooms::{Category, Room};
use parlor_xccos::{CategoryUri, RoomInfo, RoomUri};

/// The room at `uri` as search results, joins and change notices show it.
pub(crate) fn room_info(uri: RoomUri, category: &Category, room: &Room, participants: usize) -> RoomInfo {
    RoomInfo {
        name: room.settings.name.clone(),
        description: room.settings.description.clone(),
        privacy: room.settings.privacy,
        behavior: room.settings.behavior,
        disabled: room.settings.disabled,
        participants: Some(u32::try_from(participants).unwrap_or(u32::MAX)),
        category: CategoryUri::new(uri.domain(), category.id).ok(),
        logged: category.history,
        invite: room.invites(category),
        filepost: category.file_upload,
        uri,
    }
}
