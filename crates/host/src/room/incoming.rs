//! What a room says, as bots are told it.

use chrono::{DateTime, Utc};
use parlor_bot::{IncomingMessage, MessageId, MessagePart, Presence, Room};
use parlor_xccos::{Post, RoomUri, SipUri, format};

/// A post as a bot sees it; `missed` says that it was posted while the host was away.
pub(super) fn message(room: &Room, post: &Post, missed: bool) -> IncomingMessage {
    let parts = format::parse(&post.chat);
    let title = parts.iter().find_map(|part| match part {
        MessagePart::StoryTitle(title) => Some(title.clone()),
        _ => None,
    });
    let shown = parts
        .iter()
        .filter(|part| !matches!(part, MessagePart::StoryTitle(_)));
    let text = shown.map(MessagePart::display_text).collect();
    IncomingMessage {
        room: room.clone(),
        room_uri: post.room.clone(),
        author: post.author.clone(),
        author_name: post.author_name.clone(),
        // A server that numbers nothing leaves bots with zero; the host keeps no cursor for such a post.
        id: post.id.unwrap_or(MessageId(0)),
        sent: DateTime::<Utc>::from_timestamp_millis(post.timestamp.as_millis()).unwrap_or_default(),
        alert: post.alert,
        title,
        text,
        parts,
        automated: post.key.is_some(),
        missed,
    }
}

/// Somebody's coming or going.
pub(super) fn presence(room: &Room, uri: &RoomUri, user: SipUri, name: Option<String>) -> Presence {
    Presence {
        room: room.clone(),
        room_uri: uri.clone(),
        user,
        user_name: name.filter(|name| !name.is_empty()),
    }
}
