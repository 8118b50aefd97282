//! The documents of users.

use std::collections::BTreeMap;

use parlor_xccos::SipUri;

use crate::{Document, DocumentChange, MAX_DOCUMENTS, StoreError};

#[derive(Debug, Clone, Default)]
pub(super) struct Documents(BTreeMap<SipUri, BTreeMap<String, String>>);

impl Documents {
    pub(super) fn all(&self) -> Vec<Document> {
        let of_user = |(user, own): (&SipUri, &BTreeMap<String, String>)| {
            let documents = own.iter().map(|(name, content)| Document {
                user: user.clone(),
                name: name.clone(),
                content: content.clone(),
            });
            documents.collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_user).collect()
    }

    pub(super) fn change(&mut self, user: SipUri, changes: Vec<DocumentChange>) -> Result<(), StoreError> {
        let mut after = self.0.get(&user).cloned().unwrap_or_default();
        for change in changes {
            match change {
                DocumentChange::Put { name, content } => after.insert(name, content),
                DocumentChange::Remove { name } => after.remove(&name),
            };
        }
        if after.len() > MAX_DOCUMENTS {
            return Err(StoreError::TooMany {
                count: after.len(),
                limit: MAX_DOCUMENTS,
            });
        }
        self.0.insert(user, after);
        Ok(())
    }

    pub(super) fn remove(&mut self, user: &SipUri) {
        self.0.remove(user);
    }
}
