//! The posts of one room in memory.

use std::collections::HashMap;

use parlor_xccos::{MessageId, PostKey, SipUri, Timestamp};

use crate::{Appended, Head, NewPost, Retention, StoreError, StoredPost};

#[derive(Debug, Clone, Default)]
pub(super) struct Posts {
    /// In the order of their ids.
    kept: Vec<StoredPost>,
    keys: HashMap<(SipUri, PostKey), (MessageId, Timestamp)>,
    /// Removed messages and where their records are.
    pub(super) removed: HashMap<MessageId, usize>,
    head: Head,
}

impl Posts {
    pub(super) fn append(&mut self, post: NewPost) -> Appended {
        let NewPost {
            timestamp,
            draft,
            retention,
            ..
        } = post;
        let key = draft.key().map(|key| (draft.author().clone(), key.clone()));
        if let Some(&(id, timestamp)) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return Appended::Repeated { id, timestamp };
        }
        let id = MessageId(self.head.last.map_or(0, |(MessageId(id), _)| id) + 1);
        self.head.last = Some((id, timestamp));
        if let Some(key) = key {
            self.keys.insert(key, (id, timestamp));
        }
        if retention == Retention::Keep {
            self.kept.push(StoredPost {
                id,
                timestamp,
                author: draft.author().clone(),
                author_name: draft.author_name().map(str::to_owned),
                alert: draft.alert(),
                chat: draft.chat().to_owned(),
                rtf: draft.rtf().map(str::to_owned),
                key: draft.key().cloned(),
            });
        }
        Appended::Stored(id)
    }

    /// The message with this id.
    pub(super) fn find(&mut self, id: MessageId) -> Result<&mut StoredPost, StoreError> {
        let given = 1..=self.head.last.map_or(0, |(MessageId(last), _)| last);
        if !given.contains(&id.0) {
            return Err(StoreError::UnknownMessage(id));
        }
        let found = self.kept.binary_search_by_key(&id, |post| post.id);
        let at = found.map_err(|_| StoreError::NotKept(id))?;
        Ok(&mut self.kept[at])
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    pub(super) fn after(&self, id: MessageId, limit: usize) -> Vec<StoredPost> {
        let start = self.kept.partition_point(|post| post.id <= id);
        self.kept[start..].iter().take(limit).cloned().collect()
    }

    pub(super) fn before(&self, id: MessageId, limit: usize) -> Vec<StoredPost> {
        let end = self.kept.partition_point(|post| post.id < id);
        self.kept[end.saturating_sub(limit)..end].to_vec()
    }
}
