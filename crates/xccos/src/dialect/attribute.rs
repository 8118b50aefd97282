//! Attributes and elements that are added to shapes which were seen without them.

use crate::xml::Writer;
use crate::{Behavior, CategoryUri, Post, RoomInfo, RoomSearch, ServerInfo};

/// Of a post: high priority (recalled).
pub const ALERT: &str = "alert";
/// Of a post: the author's display name (recalled).
pub const AUTHOR_DISPLAY: &str = "authdisp";
/// Of a post: its number in the room (recalled).
pub const CHAT_ID: &str = "chatId";
/// Of a post: the author's key against repeats (proposed).
pub const POST_KEY: &str = "postKey";
/// Element of a post: the same text as RTF (recalled).
pub const RTF: &str = "rtf";
/// Of a user: display name (recalled).
pub const DISPLAY: &str = "disp";
/// Of a room: its category (recalled).
pub const PARENT: &str = "parent";
/// Of a room: `NORMAL` or `AUDITORIUM` (recalled).
pub const BEHAVIOR: &str = "behavior";
/// Of a room: no joins, no history (recalled).
pub const DISABLED: &str = "disabled";
/// Of a search: all words must match (recalled).
pub const MATCH_ALL: &str = "matchAll";
/// Of a search: the words must stand together (recalled).
pub const MATCH_EXACT_PHRASE: &str = "matchExactPhrase";
/// Of a search or an association: most rooms to return; -1 is all (recalled).
pub const MAX_RESULTS: &str = "maxResults";
/// Of the server information: name of the service (proposed).
pub const DISPLAY_NAME: &str = "displayName";
/// Of the server information: a post comes to one message however often it is sent with the same key (proposed).
pub const POST_KEYS: &str = "postKeys";
/// Of the server information: web page for managing rooms (proposed).
pub const ROOM_MANAGEMENT_URL: &str = "roomManagementUrl";

/// Only what a post has: a plain post goes out as it was seen.
pub(crate) fn write_of_post(out: &mut Writer, post: &Post) {
    if let Some(name) = &post.author_name {
        out.attribute(AUTHOR_DISPLAY, name);
    }
    if post.alert {
        out.flag(ALERT, true);
    }
    if let Some(id) = post.id {
        out.number(CHAT_ID, id.0);
    }
    if let Some(key) = &post.key {
        out.attribute(POST_KEY, key.as_str());
    }
}

/// Only what differs from an ordinary room.
pub(crate) fn write_of_room(out: &mut Writer, room: &RoomInfo) {
    if let Some(category) = &room.category {
        write_category_uri(out, PARENT, category);
    }
    if room.behavior == Behavior::Auditorium {
        out.attribute(BEHAVIOR, "AUDITORIUM");
    }
    if room.disabled {
        out.flag(DISABLED, true);
    }
}

/// Only what differs from a plain search by name.
pub(crate) fn write_of_search(out: &mut Writer, search: &RoomSearch) {
    if search.match_all {
        out.flag(MATCH_ALL, true);
    }
    if search.match_exact_phrase {
        out.flag(MATCH_EXACT_PHRASE, true);
    }
    if let Some(limit) = search.limit {
        out.number(MAX_RESULTS, limit);
    }
}

/// What servers of 2013 have more.
pub(crate) fn write_of_server_info(out: &mut Writer, info: &ServerInfo) {
    if let Some(name) = &info.display_name {
        out.attribute(DISPLAY_NAME, name);
    }
    if let Some(url) = &info.room_management_url {
        out.attribute(ROOM_MANAGEMENT_URL, url);
    }
    if info.post_keys {
        out.flag(POST_KEYS, true);
    }
}

/// ` name="ma-cat://domain/guid"`.
pub(crate) fn write_category_uri(out: &mut Writer, name: &str, uri: &CategoryUri) {
    let id = uri.category().guid().text();
    out.attribute_of(
        name,
        &[CategoryUri::SCHEME.as_bytes(), uri.domain().as_bytes(), b"/", &id],
    );
}
