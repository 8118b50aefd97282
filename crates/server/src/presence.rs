//! What users publish about themselves, who watches whom, and their contact lists ([MS-PRES], [MS-SIP]).
//! How a subscription travels is left to the session; this is what all sessions share.

mod contacts;
mod publication;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlor_xccos::SipUri;
use quick_xml::escape::escape;

use crate::mailbox::{Mail, Mailbox};
use crate::service::now;
use crate::xml::Element;

use contacts::Contacts;
pub(crate) use contacts::ContactsFault;
pub(crate) use publication::Operation;
use publication::{Expire, Key, Publication};

/// Publications of one user at once; a client makes about thirty.
const MAX_PUBLICATIONS: usize = 512;
/// Members of all containers of one user.
const MAX_MEMBERS: usize = 1_024;
/// Sessions that watch one user.
const MAX_WATCHERS: usize = 20_000;

/// Whom the container of the blocked holds (MS-PRES 2.2.2).
const BLOCKED: u32 = 32_000;
/// The container of colleagues: what members of the same organisation see unless told otherwise.
const COLLEAGUES: u32 = 200;
/// Availability of somebody who is not there.
const OFFLINE: u32 = 18_000;
/// Availability of somebody who is.
const AVAILABLE: u32 = 3_500;
/// Where "away" begins: idle machines publish from here.
const AWAY: u32 = 12_000;

const CATEGORIES: &str = "http://schemas.microsoft.com/2006/09/sip/categories";
const STATE: &str = "http://schemas.microsoft.com/2006/09/sip/state";
const CARD: &str = "http://schemas.microsoft.com/2006/09/sip/contactcard";

/// Everybody's presence.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    people: Mutex<HashMap<SipUri, Person>>,
}

/// One user's.
#[derive(Debug, Default)]
struct Person {
    publications: BTreeMap<Key, Publication>,
    containers: BTreeMap<u32, Container>,
    contacts: Contacts,
    /// Sessions with a subscription to this user.
    watchers: Vec<Mailbox>,
    /// Sessions of the user that want to hear of changes made elsewhere.
    own: Vec<Mailbox>,
    /// Sessions of trusted applications, which are available as long as they are signed in.
    applications: Vec<Mailbox>,
}

#[derive(Debug, Default)]
struct Container {
    version: u32,
    members: Vec<Member>,
}

/// Who is in a container: `user`, `domain`, `sameEnterprise`, ...
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    kind: String,
    value: String,
}

/// A publication or container command names another version than the one that is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PublishFault {
    /// The places in the request, from 1, and the version that is there.
    WrongVersions(Vec<(usize, u32)>),
    /// The user keeps as much as a user may.
    TooMany,
}

impl Presence {
    /// Applies a whole publish request or nothing; gives back the publications of the categories it touched.
    pub(crate) fn publish(
        &self,
        user: &SipUri,
        by: &Mailbox,
        operations: Vec<Operation>,
    ) -> Result<String, PublishFault> {
        let mut people = self.lock();
        let person = people.entry(user.clone()).or_default();
        let wrong: Vec<(usize, u32)> = operations
            .iter()
            .enumerate()
            .filter_map(|(index, operation)| {
                let current = person
                    .publications
                    .get(&operation.key)
                    .map_or(0, |publication| publication.version);
                (current != operation.version).then_some((index + 1, current))
            })
            .collect();
        if !wrong.is_empty() {
            return Err(PublishFault::WrongVersions(wrong));
        }
        let added = operations
            .iter()
            .filter(|operation| operation.version == 0)
            .count();
        if person.publications.len() + added > MAX_PUBLICATIONS {
            return Err(PublishFault::TooMany);
        }
        let mut touched: Vec<String> = operations
            .iter()
            .map(|operation| operation.key.category.clone())
            .collect();
        touched.sort_unstable();
        touched.dedup();
        let time = now().to_string();
        for operation in operations {
            operation.apply(&mut person.publications, by, &time);
        }
        let document = person.own_document(
            user,
            |category| touched.iter().any(|name| name == category),
            false,
        );
        person.tell_watchers(user);
        person.tell_own(user, Some(by));
        Ok(document)
    }

    /// Changes who is in which container.
    pub(crate) fn set_containers(
        &self,
        user: &SipUri,
        by: &Mailbox,
        request: &Element,
    ) -> Result<(), PublishFault> {
        let mut people = self.lock();
        let person = people.entry(user.clone()).or_default();
        let number =
            |element: &Element, name| element.attribute(name).and_then(|text| text.parse::<u32>().ok());
        let mut wrong = Vec::new();
        for (index, container) in request.all("container").enumerate() {
            let id = number(container, "id").unwrap_or_default();
            let current = person
                .containers
                .get(&id)
                .map_or(0, |container| container.version);
            if number(container, "version").is_some_and(|version| version != current) {
                wrong.push((index + 1, current));
            }
        }
        if !wrong.is_empty() {
            return Err(PublishFault::WrongVersions(wrong));
        }
        let members: usize = person
            .containers
            .values()
            .map(|container| container.members.len())
            .sum();
        let asked: usize = request
            .all("container")
            .map(|container| container.all("member").count())
            .sum();
        if members + asked > MAX_MEMBERS {
            return Err(PublishFault::TooMany);
        }
        for element in request.all("container") {
            let Some(id) = number(element, "id") else { continue };
            let container = person.containers.entry(id).or_default();
            container.version = container.version.wrapping_add(1);
            for member in element.all("member") {
                let changed = Member {
                    kind: member.attribute("type").unwrap_or_default().to_owned(),
                    value: member.attribute("value").unwrap_or_default().to_ascii_lowercase(),
                };
                container.members.retain(|other| *other != changed);
                if member.attribute("action") != Some("remove") {
                    container.members.push(changed);
                }
            }
        }
        person.tell_watchers(user);
        person.tell_own(user, Some(by));
        Ok(())
    }

    /// Applies a contact-list command; the answer's body, if it has one.
    pub(crate) fn change_contacts(
        &self,
        user: &SipUri,
        command: &Element,
    ) -> Result<Option<String>, ContactsFault> {
        let mut people = self.lock();
        let person = people.entry(user.clone()).or_default();
        let changed = person.contacts.apply(command)?;
        if let Some(delta) = changed.delta {
            let delta: Arc<str> = delta.into();
            person
                .own
                .retain(|mailbox| mailbox.post(Mail::Contacts(user.clone(), Arc::clone(&delta))));
        }
        Ok(changed.answer)
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

    /// Everything the user published and who may see it, as roaming-self data.
    pub(crate) fn own_document(&self, user: &SipUri) -> String {
        let mut people = self.lock();
        people
            .entry(user.clone())
            .or_default()
            .own_document(user, |_| true, true)
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
        people
            .get(user)
            .unwrap_or(&nobody)
            .seen_by(user, display_name, watcher, wanted)
    }

    /// A session subscribed to `user`; it hears of every change until it says otherwise.
    pub(crate) fn watch(&self, user: &SipUri, mailbox: &Mailbox) {
        let mut people = self.lock();
        let watchers = &mut people.entry(user.clone()).or_default().watchers;
        if watchers.len() < MAX_WATCHERS && !watchers.iter().any(|other| other.is(mailbox)) {
            watchers.push(mailbox.clone());
        }
    }

    /// A session has no subscription to `user` any more.
    pub(crate) fn unwatch(&self, user: &SipUri, mailbox: &Mailbox) {
        if let Some(person) = self.lock().get_mut(user) {
            person.watchers.retain(|other| !other.is(mailbox));
        }
    }

    /// A session of the user wants to hear of the user's own changes.
    pub(crate) fn attend(&self, user: &SipUri, mailbox: &Mailbox) {
        let mut people = self.lock();
        let own = &mut people.entry(user.clone()).or_default().own;
        if !own.iter().any(|other| other.is(mailbox)) {
            own.push(mailbox.clone());
        }
    }

    /// A trusted application signed in as the user, who is available from now on.
    pub(crate) fn application_came(&self, user: &SipUri, mailbox: &Mailbox) {
        let mut people = self.lock();
        let person = people.entry(user.clone()).or_default();
        if !person.applications.iter().any(|other| other.is(mailbox)) {
            person.applications.push(mailbox.clone());
            person.tell_watchers(user);
        }
    }

    /// The user signed off at a session; `last` when it was the user's last endpoint.
    pub(crate) fn endpoint_gone(&self, user: &SipUri, mailbox: &Mailbox, last: bool) {
        let mut people = self.lock();
        let Some(person) = people.get_mut(user) else {
            return;
        };
        person.own.retain(|other| !other.is(mailbox));
        let before = (person.publications.len(), person.applications.len());
        person.applications.retain(|other| !other.is(mailbox));
        person
            .publications
            .retain(|_, publication| match &publication.expire {
                Expire::Endpoint(owner) => !owner.is(mailbox),
                Expire::User => !last,
                Expire::Static => true,
            });
        if before != (person.publications.len(), person.applications.len()) {
            person.tell_watchers(user);
            person.tell_own(user, None);
        }
    }

    /// Held for a look or a change; mailboxes are posted to under it, which takes only their own short locks.
    fn lock(&self) -> MutexGuard<'_, HashMap<SipUri, Person>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Person {
    fn tell_watchers(&mut self, user: &SipUri) {
        self.watchers
            .retain(|watcher| watcher.post(Mail::Presence(user.clone())));
    }

    fn tell_own(&mut self, user: &SipUri, but: Option<&Mailbox>) {
        self.own
            .retain(|own| but.is_some_and(|but| but.is(own)) || own.post(Mail::Own(user.clone())));
    }

    fn own_document(&self, user: &SipUri, wanted: impl Fn(&str) -> bool, lists: bool) -> String {
        let mut out = format!(
            "<roamingData xmlns=\"http://schemas.microsoft.com/2006/09/sip/roaming-self\">\
             <categories xmlns=\"{CATEGORIES}\" uri=\"{}\">",
            escape(user.as_str())
        );
        for (key, publication) in self.publications.iter().filter(|(key, _)| wanted(&key.category)) {
            publication.write(key, &mut out);
        }
        out.push_str("</categories>");
        if lists {
            out.push_str("<containers xmlns=\"http://schemas.microsoft.com/2006/09/sip/containers\">");
            for (id, container) in &self.containers {
                let _ = write!(out, "<container id=\"{id}\" version=\"{}\">", container.version);
                for Member { kind, value } in &container.members {
                    let _ = write!(out, "<member type=\"{}\"", escape(kind.as_str()));
                    if !value.is_empty() {
                        let _ = write!(out, " value=\"{}\"", escape(value.as_str()));
                    }
                    out.push_str("/>");
                }
                out.push_str("</container>");
            }
            out.push_str(
                "</containers><subscribers xmlns=\"http://schemas.microsoft.com/2006/09/sip/presence-subscribers\"/>",
            );
        }
        out.push_str("</roamingData>");
        out
    }

    /// The container whose contents `watcher` sees: a user by name goes before a domain, a domain before everybody.
    fn container_for(&self, user: &SipUri, watcher: &SipUri) -> u32 {
        let address = watcher.as_str().strip_prefix("sip:").unwrap_or(watcher.as_str());
        let same = watcher.host() == user.host();
        let rank = |member: &Member| match member.kind.as_str() {
            "user" if member.value == address => 3,
            "domain" if member.value == watcher.host() => 2,
            "sameEnterprise" if same => 1,
            "everyone" => 1,
            _ => 0,
        };
        let found = self
            .containers
            .iter()
            .flat_map(|(id, container)| container.members.iter().map(move |member| (rank(member), *id)))
            .filter(|(rank, _)| *rank > 0)
            .max();
        found.map_or(if same { COLLEAGUES } else { 0 }, |(_, id)| id)
    }

    fn seen_by(&self, user: &SipUri, display_name: &str, watcher: &SipUri, wanted: &[String]) -> String {
        let container = self.container_for(user, watcher);
        let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|other| other == name);
        let mut out = format!(
            "<categories xmlns=\"{CATEGORIES}\" uri=\"{}\">",
            escape(user.as_str())
        );
        let time = now();
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
            let (availability, activity) = match container {
                BLOCKED => (OFFLINE, None),
                _ => self.state(),
            };
            let _ = write!(
                out,
                "<category name=\"state\" instance=\"1\" publishTime=\"{time}\" container=\"{container}\" version=\"1\" \
                 expireType=\"static\"><state xmlns=\"{STATE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                 xsi:type=\"aggregateState\"><availability>{availability}</availability>"
            );
            if let Some(activity) = activity {
                let _ = write!(out, "<activity token=\"{}\"/>", escape(activity));
            }
            out.push_str("</state></category>");
        }
        if container != BLOCKED {
            let shown = self.publications.iter().filter(|(key, publication)| {
                key.container == container
                    && key.category != "state"
                    && key.category != "contactCard"
                    && !publication.body.is_empty()
                    && wants(&key.category)
            });
            for (key, publication) in shown {
                publication.write(key, &mut out);
            }
        }
        out.push_str("</categories>");
        out
    }

    /// One state of all that endpoints, machines and the user say. What the user chose counts, but who chose to be
    /// available and is idle on every machine is away; a calendar or a call makes an available user busy.
    fn state(&self) -> (u32, Option<&str>) {
        if self.publications.is_empty() {
            let availability = if self.applications.is_empty() {
                OFFLINE
            } else {
                AVAILABLE
            };
            return (availability, None);
        }
        let states = || {
            self.publications.iter().filter_map(|(key, publication)| {
                let state = publication.state.as_ref().filter(|_| key.container == 2)?;
                Some((state, publication))
            })
        };
        let machines = states().filter(|(state, _)| state.is("machineState"));
        let Some((machine, _)) = machines.min_by_key(|(state, _)| state.availability) else {
            let availability = if self.applications.is_empty() {
                OFFLINE
            } else {
                AVAILABLE
            };
            return (availability, None);
        };
        let user = states()
            .find(|(state, _)| state.is("userState"))
            .map(|(state, _)| state);
        let other = states()
            .map(|(state, _)| state)
            .filter(|state| !state.is("machineState") && !state.is("userState"))
            .max_by_key(|state| state.availability);
        let chosen = match user {
            Some(user) if user.availability < AWAY && machine.availability >= AWAY => machine,
            Some(user) => user,
            None => machine,
        };
        let shown = match other {
            Some(other) if chosen.availability < other.availability && chosen.availability < AWAY => other,
            _ => chosen,
        };
        (shown.availability, shown.activity.as_deref())
    }
}
