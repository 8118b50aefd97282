//! One user: what is kept, who is signed in, who watches, and the documents that others and the user's own clients see.

use std::fmt::Write;
use std::sync::Arc;

use parlor_xccos::SipUri;
use quick_xml::escape::escape;

use super::aggregate::{AGGREGATION, Aggregate};
use super::contacts::Contacts;
use super::containers::{BLOCKED, Containers};
use super::publication::Publications;
use super::subscribers::Subscribers;
use crate::mailbox::{Mail, Mailbox};
use crate::service::now;

const CATEGORIES: &str = "http://schemas.microsoft.com/2006/09/sip/categories";
const CARD: &str = "http://schemas.microsoft.com/2006/09/sip/contactcard";
const SELF: &str = "http://schemas.microsoft.com/2006/09/sip/roaming-self";

/// One user's.
#[derive(Debug, Default)]
pub(super) struct Person {
    pub(super) publications: Publications,
    pub(super) containers: Containers,
    pub(super) contacts: Contacts,
    pub(super) subscribers: Subscribers,
    /// Sessions with a subscription to this user.
    pub(super) watchers: Vec<Mailbox>,
    /// Sessions of the user that want to hear of changes.
    pub(super) own: Vec<Mailbox>,
    /// Sessions by which the user publishes.
    pub(super) endpoints: Vec<Mailbox>,
    /// Sessions of trusted applications, which are available as long as they are there.
    pub(super) applications: Vec<Mailbox>,
}

impl Person {
    pub(super) fn tell_watchers(&mut self, user: &SipUri) {
        self.watchers
            .retain(|watcher| watcher.post(Mail::Presence(user.clone())));
    }

    pub(super) fn tell_own(&mut self, user: &SipUri) {
        self.own.retain(|own| own.post(Mail::Own(user.clone())));
    }

    pub(super) fn tell_contacts(&mut self, user: &SipUri, delta: &str) {
        let delta: Arc<str> = delta.into();
        self.own
            .retain(|own| own.post(Mail::Contacts(user.clone(), Arc::clone(&delta))));
    }

    /// The user's own publications as roaming-self data, `lists` with who may see them and who wants to. The state all in
    /// all is among them, as clients show it; without a machine there is none, or a client that is about to publish
    /// would believe that it was signed off.
    pub(super) fn own_document(&self, user: &SipUri, wanted: impl Fn(&str) -> bool, lists: bool) -> String {
        let mut out = format!(
            "<roamingData xmlns=\"{SELF}\"><categories xmlns=\"{CATEGORIES}\" uri=\"{}\">",
            escape(user.as_str())
        );
        self.publications.write(&wanted, &mut out);
        if let Some(aggregate) = self.aggregate().filter(|_| wanted("state")) {
            aggregate.write(AGGREGATION, &now().to_string(), &mut out);
        }
        out.push_str("</categories>");
        if lists {
            self.containers.write(&mut out);
            self.subscribers.write(user, &mut out);
        }
        out.push_str("</roamingData>");
        out
    }

    /// What `watcher` may see of `user`, limited to categories if any are named.
    pub(super) fn seen_by(
        &self,
        user: &SipUri,
        display_name: &str,
        watcher: &SipUri,
        wanted: &[String],
    ) -> String {
        let container = self.containers.of(user, watcher);
        let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|other| other == name);
        let time = now().to_string();
        let mut out = format!(
            "<categories xmlns=\"{CATEGORIES}\" uri=\"{}\">",
            escape(user.as_str())
        );
        if wants("contactCard") && !display_name.is_empty() {
            let _ = write!(
                out,
                "<category name=\"contactCard\" instance=\"0\" publishTime=\"{time}\" container=\"{container}\" \
                 version=\"1\" expireType=\"static\"><contactCard xmlns=\"{CARD}\"><identity><name><displayName>{}\
                 </displayName></name></identity></contactCard></category>",
                escape(display_name)
            );
        }
        if wants("state") {
            let seen = self.aggregate().filter(|_| container != BLOCKED);
            seen.unwrap_or(Aggregate::OFFLINE)
                .write(container, &time, &mut out);
        }
        if container != BLOCKED {
            let others = |name: &str| name != "state" && name != "contactCard" && wants(name);
            self.publications.write_container(container, others, &mut out);
        }
        out.push_str("</categories>");
        out
    }
}
