//! What users publish about themselves, who watches whom, and their contact lists ([MS-PRES], [MS-SIP]).
//! How a subscription travels is left to the session; this is what all sessions share.

mod aggregate;
mod change;
mod contacts;
mod containers;
mod kept;
mod operation;
mod person;
mod publication;
mod subscribers;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parlor_rooms::Document;
use parlor_xccos::SipUri;

use crate::mailbox::Mailbox;

pub(crate) use change::{Body, Change, Fault, Plan, SOAP_TYPE};
pub(crate) use operation::Operation;
use person::Person;

/// Sessions that watch one user.
const MAX_WATCHERS: usize = 20_000;

/// Everybody's presence.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    people: Mutex<HashMap<SipUri, Person>>,
}

impl Presence {
    /// Everybody as they were kept. A document that makes no sense is left where it is and out of account.
    pub(crate) fn recalled(documents: &[Document]) -> Self {
        let mut people: HashMap<SipUri, Person> = HashMap::new();
        for document in documents {
            let person = people.entry(document.user.clone()).or_default();
            if !person.recall(document) {
                tracing::warn!(user = %document.user, name = document.name, "cannot read what was kept");
            }
        }
        Self {
            people: Mutex::new(people),
        }
    }

    /// What is to be stored before a change of what `user` keeps can be adopted.
    pub(crate) fn plan(&self, user: &SipUri, change: Change) -> Result<Plan, Fault> {
        let people = self.lock();
        let nobody = Person::default();
        people.get(user).unwrap_or(&nobody).plan(user, change)
    }

    /// Makes a planned change and tells everybody who wants to know; the answer's body, if it has one.
    pub(crate) fn adopt(&self, user: &SipUri, plan: Plan) -> Option<Body> {
        self.lock().entry(user.clone()).or_default().adopt(user, plan)
    }

    /// The user does not exist any more.
    pub(crate) fn forget(&self, user: &SipUri) {
        self.lock().remove(user);
    }

    /// The contact list.
    pub(crate) fn contacts(&self, user: &SipUri) -> String {
        let mut people = self.lock();
        people.entry(user.clone()).or_default().contacts.document()
    }

    /// Whether the user never changed the contact list.
    pub(crate) fn has_new_list(&self, user: &SipUri) -> bool {
        self.lock()
            .get(user)
            .is_none_or(|person| person.contacts.is_new())
    }

    /// Everything the user published, who may see it and who wants to, as roaming-self data.
    pub(crate) fn own_document(&self, user: &SipUri) -> String {
        let mut people = self.lock();
        let person = people.entry(user.clone()).or_default();
        person.own_document(user, |_| true, true)
    }

    /// What `watcher` may see of `user`, limited to categories if any are named.
    pub(crate) fn seen_by(
        &self,
        user: &SipUri,
        display_name: &str,
        watcher: &SipUri,
        wanted: &[String],
    ) -> String {
        let people = self.lock();
        let nobody = Person::default();
        let person = people.get(user).unwrap_or(&nobody);
        person.seen_by(user, display_name, watcher, wanted)
    }

    /// A session subscribed to `user`; it hears of every change until it says otherwise.
    pub(crate) fn watch(&self, user: &SipUri, mailbox: &Mailbox) {
        let mut people = self.lock();
        let watchers = &mut people.entry(user.clone()).or_default().watchers;
        if watchers.len() < MAX_WATCHERS {
            enter(watchers, mailbox);
        }
    }

    /// A session has no subscription to `user` any more.
    pub(crate) fn unwatch(&self, user: &SipUri, mailbox: &Mailbox) {
        if let Some(person) = self.lock().get_mut(user) {
            person.watchers.retain(|other| !other.is(mailbox));
        }
    }

    /// A session of the user wants to hear of what changes with the user.
    pub(crate) fn attend(&self, user: &SipUri, mailbox: &Mailbox) {
        enter(&mut self.lock().entry(user.clone()).or_default().own, mailbox);
    }

    /// The user is about to publish at a session.
    pub(crate) fn endpoint_came(&self, user: &SipUri, mailbox: &Mailbox) {
        enter(
            &mut self.lock().entry(user.clone()).or_default().endpoints,
            mailbox,
        );
    }

    /// A trusted application speaks as the user, who is available from now on.
    pub(crate) fn application_came(&self, user: &SipUri, mailbox: &Mailbox) {
        let mut people = self.lock();
        let person = people.entry(user.clone()).or_default();
        if enter(&mut person.applications, mailbox) {
            person.tell_watchers(user);
        }
    }

    /// An endpoint of the user came back over another connection: what it said is still true, and nobody hears anything.
    pub(crate) fn endpoint_moved(&self, user: &SipUri, from: &Mailbox, to: &Mailbox) {
        let mut people = self.lock();
        let Some(person) = people.get_mut(user) else {
            return;
        };
        person.publications.endpoint_moved(from, to);
        for sessions in [&mut person.endpoints, &mut person.applications] {
            let before = sessions.len();
            sessions.retain(|other| !other.is(from));
            if sessions.len() < before {
                enter(sessions, to);
            }
        }
    }

    /// The user signed off at a session; `last` when it was the user's last endpoint.
    pub(crate) fn endpoint_gone(&self, user: &SipUri, mailbox: &Mailbox, last: bool) {
        let mut people = self.lock();
        let Some(person) = people.get_mut(user) else {
            return;
        };
        person.own.retain(|other| !other.is(mailbox));
        person.endpoints.retain(|other| !other.is(mailbox));
        let applications = person.applications.len();
        person.applications.retain(|other| !other.is(mailbox));
        let ended = person.publications.endpoint_gone(mailbox, last);
        if ended || applications != person.applications.len() {
            person.tell_watchers(user);
            person.tell_own(user);
        }
    }

    /// Held for a look or a change; mailboxes are posted to under it, which takes only their own short locks.
    fn lock(&self) -> MutexGuard<'_, HashMap<SipUri, Person>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Enters a session once; false when it was there.
fn enter(sessions: &mut Vec<Mailbox>, mailbox: &Mailbox) -> bool {
    let new = !sessions.iter().any(|other| other.is(mailbox));
    if new {
        sessions.push(mailbox.clone());
    }
    new
}
