//! Changes of what users keep on their way to the store and back. They are made one after the other for each user, and
//! answered when they are on the disk; no session waits for it.

use parlor_xccos::SipUri;

use crate::presence::{Body, Change, Fault};
use crate::service::{Service, chain};

/// Lanes in which changes are made; those under way at once share a commit.
pub(crate) const LANES: usize = 16;

/// Why a change is not kept.
#[derive(Debug)]
pub(crate) enum Unkept {
    /// It cannot be made.
    Fault(Fault),
    /// The store failed. What was there before stays, and is there again after a restart unless the store cannot say.
    NotStored,
}

/// Makes a change of what `user` keeps; the body of the answer, if it has one. To be called in the user's lane only.
pub(crate) async fn keep(service: &Service, user: &SipUri, change: Change) -> Result<Option<Body>, Unkept> {
    let mut plan = service.presence.plan(user, change).map_err(Unkept::Fault)?;
    let documents = std::mem::take(&mut plan.documents);
    if !documents.is_empty() {
        match service.store.change_documents(user.clone(), documents).await {
            Ok(()) => service.counters.store_worked(),
            Err(error) => {
                tracing::error!(%user, error = chain(&error), "a change of what the user keeps is lost");
                service.counters.store_failed(&error);
                return Err(Unkept::NotStored);
            }
        }
    }
    Ok(service.presence.adopt(user, plan))
}
