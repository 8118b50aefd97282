//! The way from any task to a session that must act on its connection.
//! INFOs of chat dialogs do not come this way; they go through the connection's outbox as they are.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use parlor_net::{Outbound, Outbox};
use parlor_sip::ServerTransactionId;
use parlor_xccos::SipUri;

use crate::call::CallMail;
use crate::keeping::Unkept;
use crate::presence::Body;
use crate::registrar::Why;
use crate::sessions::MAIL;

/// Letters that wait for one session. It takes them whenever it runs, whether its peer reads or not, so that many mean
/// that somebody floods it.
const MAX_LETTERS: usize = 4_096;

/// What a session is told.
#[derive(Debug)]
pub(crate) enum Mail {
    /// About a call of one user with another.
    Call(CallMail),
    /// The user has no binding at this connection any more.
    SignedOut(SipUri, Why),
    /// The presence of somebody who is watched here changed; how it is now is looked up.
    Presence(SipUri),
    /// The change that a request asked for was made, or not.
    Kept(ServerTransactionId, Result<Option<Body>, Unkept>),
    /// The user's own publications, containers or subscribers changed.
    Own(SipUri),
    /// The user's contact list changed; by what.
    Contacts(SipUri, Arc<str>),
    /// It is time to show the user's whole contact list.
    ContactList(SipUri),
}

/// Reaches one session; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    outbox: Outbox,
    letters: Arc<Mutex<VecDeque<Mail>>>,
}

impl Mailbox {
    pub(crate) fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            letters: Arc::default(),
        }
    }

    /// Hands a letter over; false when it will not be read.
    pub(crate) fn post(&self, mail: Mail) -> bool {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        if letters.len() >= MAX_LETTERS || self.outbox.is_closed() {
            return false;
        }
        letters.push_back(mail);
        let first = letters.len() == 1;
        drop(letters);
        // A signal is on its way for every letter but the first.
        !first || self.outbox.try_push(Outbound::Signal(MAIL)).is_ok()
    }

    /// Every letter that waits.
    pub(crate) fn take(&self) -> VecDeque<Mail> {
        std::mem::take(&mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether both reach the same session.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.letters, &other.letters)
    }
}

impl PartialEq for Mailbox {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
    }
}
