//! What the server keeps for a user in small texts with names: the contact list, publications, access lists. What stands
//! in them is the server's subject; here they are only kept.

use parlor_xccos::SipUri;

use crate::StoreError;
use crate::store::check_count;

/// The longest name of a document, in bytes: a kind and an address, or two numbers and a word.
pub const MAX_DOCUMENT_NAME: usize = 512;

/// The largest document, in bytes. The largest that a server writes is a container with 1,024 members.
pub const MAX_DOCUMENT_CONTENT: usize = 512 * 1024;

/// The most documents of one user: 1,000 contacts, 512 publications, as many subscribers, and containers beside.
pub const MAX_DOCUMENTS: usize = 4_096;

/// The most documents one call changes: who removes a group with every contact in it changes all of them.
pub const MAX_DOCUMENT_CHANGES: usize = 2_048;

/// A text that is kept for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Whose it is.
    pub user: SipUri,
    /// Unique for the user.
    pub name: String,
    /// The server's.
    pub content: String,
}

/// What becomes of one document of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentChange {
    /// It is there with this content, whether it was there before or not.
    Put {
        /// Its name.
        name: String,
        /// What stands in it.
        content: String,
    },
    /// It is not there, whether it was or not.
    Remove {
        /// Its name.
        name: String,
    },
}

impl DocumentChange {
    /// The name of the document.
    pub fn name(&self) -> &str {
        match self {
            Self::Put { name, .. } | Self::Remove { name } => name,
        }
    }
}

/// Whether changes of documents are within the limits of one call.
///
/// # Errors
/// [`StoreError::TooMany`], [`StoreError::NulCharacter`].
pub fn check_documents(changes: &[DocumentChange]) -> Result<(), StoreError> {
    check_count(changes.len(), MAX_DOCUMENT_CHANGES)?;
    for change in changes {
        check_count(change.name().len(), MAX_DOCUMENT_NAME)?;
        let content = match change {
            DocumentChange::Put { content, .. } => content,
            DocumentChange::Remove { .. } => "",
        };
        check_count(content.len(), MAX_DOCUMENT_CONTENT)?;
        if change.name().contains('\0') || content.contains('\0') {
            return Err(StoreError::NulCharacter);
        }
    }
    Ok(())
}
