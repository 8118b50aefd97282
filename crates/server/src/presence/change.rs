//! A change of what a user keeps. It is planned on what is there, stored, and then adopted; between these steps nobody
//! else changes what the same user keeps, as changes of one user are made one after the other.

use parlor_rooms::DocumentChange;
use parlor_xccos::SipUri;

use super::contacts::{Changed, Contacts};
use super::containers::{BLOCKED, Containers};
use super::operation::Operation;
use super::person::Person;
use super::subscribers::Subscribers;
use crate::mailbox::Mailbox;
use crate::provisioning::SELF_TYPE;
use crate::service::now;
use crate::xml::Element;

/// The media type of contact-list commands and their answers.
pub(crate) const SOAP_TYPE: &str = "application/SOAP+xml";

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Change {
    /// The user knows of a subscriber now.
    Acknowledge(SipUri),
    /// A contact-list command.
    Contacts(Element),
    /// A `setContainerMembers` request.
    Containers(Element),
    /// Publications made by an endpoint.
    Publish { by: Mailbox, operations: Vec<Operation> },
    /// Somebody subscribed and wants the user to know.
    Subscriber { user: SipUri, name: String },
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The user keeps as much as a user may.
    TooMany,
    /// No such contact or group.
    Unknown,
    /// No such command, or something is missing.
    Unreadable,
    /// It was made for other versions: the places in the request, from 1, and what is there.
    WrongVersions(Vec<(usize, u32)>),
}

/// A change that can be made once its documents are stored.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) documents: Vec<DocumentChange>,
    effect: Effect,
}

#[derive(Debug)]
enum Effect {
    Contacts(Contacts, Changed),
    Containers(Containers),
    None,
    Publications {
        by: Mailbox,
        operations: Vec<Operation>,
        time: String,
    },
    Subscribers(Subscribers),
}

/// The body of the answer: its media type and text.
pub(crate) type Body = (&'static str, String);

impl Plan {
    const NOTHING: Self = Self {
        documents: Vec::new(),
        effect: Effect::None,
    };
}

impl Person {
    pub(super) fn plan(&self, user: &SipUri, change: Change) -> Result<Plan, Fault> {
        Ok(match change {
            Change::Acknowledge(subscriber) => {
                let (after, document) = self.subscribers.without(&subscriber)?;
                Plan {
                    documents: vec![document],
                    effect: Effect::Subscribers(after),
                }
            }
            Change::Contacts(command) => {
                let mut after = self.contacts.clone();
                let mut changed = after.apply(&command)?;
                Plan {
                    documents: std::mem::take(&mut changed.documents),
                    effect: Effect::Contacts(after, changed),
                }
            }
            Change::Containers(request) => {
                let (after, documents) = self.containers.changed(&request)?;
                Plan {
                    documents,
                    effect: Effect::Containers(after),
                }
            }
            Change::Publish { by, operations } => {
                let time = now().to_string();
                Plan {
                    documents: self.publications.planned(&operations, &time)?,
                    effect: Effect::Publications { by, operations, time },
                }
            }
            Change::Subscriber { user: subscriber, .. }
                if self.containers.of(user, &subscriber) == BLOCKED =>
            {
                Plan::NOTHING
            }
            Change::Subscriber {
                user: subscriber,
                name,
            } => match self.subscribers.with(&subscriber, name) {
                Some((after, document)) => Plan {
                    documents: vec![document],
                    effect: Effect::Subscribers(after),
                },
                None => Plan::NOTHING,
            },
        })
    }

    /// Makes a change and tells everybody who wants to know of it.
    pub(super) fn adopt(&mut self, user: &SipUri, plan: Plan) -> Option<Body> {
        match plan.effect {
            Effect::Contacts(after, changed) => {
                self.contacts = after;
                if let Some(delta) = changed.delta {
                    self.tell_contacts(user, &delta);
                }
                changed.answer.map(|answer| (SOAP_TYPE, answer))
            }
            Effect::Containers(after) => {
                self.containers = after;
                self.tell_watchers(user);
                self.tell_own(user);
                None
            }
            Effect::None => None,
            Effect::Publications { by, operations, time } => {
                let categories: Vec<String> = operations
                    .iter()
                    .map(|operation| operation.key.category.clone())
                    .collect();
                let is_here = self.endpoints.iter().any(|endpoint| endpoint.is(&by));
                self.publications.apply(operations, &by, is_here, &time);
                self.tell_watchers(user);
                self.tell_own(user);
                let touched = |category: &str| categories.iter().any(|name| name == category);
                Some((SELF_TYPE, self.own_document(user, touched, false)))
            }
            Effect::Subscribers(after) => {
                self.subscribers = after;
                self.tell_own(user);
                None
            }
        }
    }
}
