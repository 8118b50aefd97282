//! Removed messages in memory.

use parlor_xccos::RoomId;

use super::State;
use crate::{Removal, RemovalRecord, Removed, StoreError, StoredPost};

impl State {
    pub(super) fn remove(&mut self, removal: &Removal) -> Result<Removed, StoreError> {
        let (room, id) = (removal.room(), removal.message());
        let posts = self.posts.get_mut(&room).ok_or(StoreError::UnknownRoom(room))?;
        let removed = posts.removed.get(&id).copied();
        let post = posts.find(id)?;
        if !removal.is_meant(post.timestamp) {
            return Err(StoreError::OtherMessage(id));
        }
        if let Some(first) = removed {
            return Ok(Removed::Before(self.removals[first].clone()));
        }
        let notice = StoredPost {
            alert: false,
            chat: removal.notice().to_owned(),
            rtf: None,
            ..post.clone()
        };
        let record = RemovalRecord {
            number: self.removals.len() as i64 + 1,
            room,
            original: std::mem::replace(post, notice),
            notice: removal.notice().to_owned(),
            by: removal.by().to_owned(),
            reason: removal.reason().map(str::to_owned),
            at: removal.at(),
        };
        posts.removed.insert(id, self.removals.len());
        self.removals.push(record.clone());
        Ok(Removed::Now(record))
    }

    pub(super) fn removals(&self, room: RoomId, number: i64, limit: usize) -> Vec<RemovalRecord> {
        let wanted = |record: &&RemovalRecord| record.room == room && record.number > number;
        self.removals.iter().filter(wanted).take(limit).cloned().collect()
    }
}
