//! The posts of one room in memory.

use std::collections::HashMap;

use parlor_xccos::{MessageId, PostKey, SipUri, Timestamp};

use crate::{Appended, Head, NewPost, Retention, StoredPost};

#[derive(Debug, Clone, Default)]
pub(super) struct Posts {
    /// In the order of their ids.
    kept: Vec<StoredPost>,
    keys: HashMap<(SipUri, PostKey), (MessageId, Timestamp)>,
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
