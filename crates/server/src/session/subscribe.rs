//! SUBSCRIBE: in-band provisioning, which tells a client where chat is; the user's own contacts and publications; the
//! presence of others. The first notification rides on the 200 where the client takes it.

mod batch;
mod presence;

use std::time::{Duration, Instant};

use bytes::Bytes;
use parlor_net::CloseCause;
use parlor_sip::{
    Method, Name, NameAddr, Request, RequestDraft, ResponseDraft, ServerTransactionId, StatusCode, Target,
};
use parlor_xccos::SipUri;

use super::Session;
use crate::diagnostics::Refused;
use crate::mailbox::Mail;
use crate::provisioning::{
    CONTACTS_EVENT, CONTACTS_TYPE, EVENTS, PRESENCE_EVENT, PROVISIONING_EVENT, PROVISIONING_TYPE, SELF_EVENT,
    SELF_TYPE, provisioning, wants_chat,
};

/// The longest subscription; a client renews it before.
const LONGEST: u32 = 28_800;
/// A provisioning subscription is answered once and over (real-client 3.2).
const FETCHED: &str = "terminated;expires=0";
/// Longer than a client takes from its sign-in to the contact that it adds by itself.
const NEW_LIST_AFTER: Duration = Duration::from_secs(2);
/// Subscriptions of one connection; a client without batches makes one per contact.
const MAX_SUBSCRIPTIONS: usize = 1_024;
/// Bytes that may wait for the peer when it is to be told something more. News are told whether it reads or not, so they
/// need a bound of their own: as much as an outbox holds, some thousand contacts that change at once.
const MAX_WAITING: usize = 4 << 20;

/// What keeps going to a client until it says otherwise.
#[derive(Debug)]
pub(super) struct Subscription {
    event: &'static str,
    subscriber: SipUri,
    target: Target,
    benotify: bool,
    ends: Instant,
    /// Users whose presence it is about.
    watched: Vec<SipUri>,
    /// Empty for all.
    categories: Vec<String>,
}

/// A document on its way to a subscriber.
struct Notification {
    media_type: String,
    document: Bytes,
}

impl Notification {
    fn new(media_type: &str, document: impl Into<Bytes>) -> Self {
        Self {
            media_type: media_type.to_owned(),
            document: document.into(),
        }
    }
}

impl Session {
    pub(super) fn on_subscribe(&mut self, transaction: ServerTransactionId, request: &Request) {
        let subscriber = match self.speaker(request) {
            Ok(speaker) => speaker.user,
            Err(refused) => return self.refuse(transaction, refused),
        };
        let known = [PROVISIONING_EVENT, CONTACTS_EVENT, SELF_EVENT, PRESENCE_EVENT];
        let event = request.event().and_then(|event| {
            known
                .into_iter()
                .find(|name| event.package.eq_ignore_ascii_case(name))
        });
        let Some(event) = event else {
            let draft = ResponseDraft::new(StatusCode::BAD_EVENT).header(Name::AllowEvents, EVENTS);
            return self.respond(transaction, draft);
        };
        let (Ok(from), Ok(mut to), Ok(call_id)) = (request.from(), request.to(), request.call_id()) else {
            return self.respond(transaction, StatusCode::BAD_REQUEST);
        };
        if let Some(tag) = self.connection.agent().to_tag(transaction) {
            to = NameAddr::new(to.uri).with_param("tag", Some(&tag));
        }
        let mut target = Target::new(to, from);
        target.call_id = Some(call_id.to_owned());
        if let Ok(Some(contact)) = request.contact() {
            target.request_uri = contact.uri;
        }
        let asked = request.expires().ok().flatten().unwrap_or(LONGEST).min(LONGEST);
        let expires = if event == PROVISIONING_EVENT { 0 } else { asked };
        let mut subscription = Subscription {
            event,
            subscriber,
            target,
            benotify: takes_benotify(request),
            ends: self.connection.now() + Duration::from_secs(expires.into()),
            watched: Vec::new(),
            categories: Vec::new(),
        };
        if let Err(refused) = self.may_listen(call_id, &subscription, expires > 0) {
            return self.refuse(transaction, refused);
        }
        // Whoever looks first and listens then misses what changes in between.
        if expires > 0 && event != PRESENCE_EVENT {
            self.service
                .presence
                .attend(&subscription.subscriber, &self.mailbox);
        }
        let notification = if event == PROVISIONING_EVENT {
            let document = provisioning(&self.service.config.chat_uri, wants_chat(request.body()));
            Notification::new(PROVISIONING_TYPE, document)
        } else if event == CONTACTS_EVENT {
            Notification::new(
                CONTACTS_TYPE,
                self.service.presence.contacts(&subscription.subscriber),
            )
        } else if event == SELF_EVENT {
            Notification::new(
                SELF_TYPE,
                self.service.presence.own_document(&subscription.subscriber),
            )
        } else {
            let Some(presence) = self.first_presence(request, &mut subscription) else {
                return self.respond(transaction, StatusCode::BAD_REQUEST);
            };
            presence
        };
        let state = if expires > 0 {
            format!("active;expires={expires}")
        } else {
            FETCHED.to_owned()
        };
        let accepted = ResponseDraft::new(StatusCode::OK)
            .header(Name::Expires, expires.to_string())
            .header(Name::Contact, format!("<{}>", self.service.config.chat_uri));
        if event == CONTACTS_EVENT
            && expires > 0
            && self.service.presence.has_new_list(&subscription.subscriber)
        {
            self.respond(transaction, accepted);
            self.show_new_list_later(subscription.subscriber.clone());
        } else if request.supports("ms-piggyback-first-notify") {
            let draft = accepted
                .header(Name::Event, event)
                .header(Name::SubscriptionState, &state)
                .header("ms-piggyback-cseq", "1")
                .body(&notification.media_type, notification.document);
            self.respond(transaction, draft);
        } else {
            self.respond(transaction, accepted);
            self.notify(&subscription, &state, notification);
        }
        self.keep(call_id, subscription, expires > 0);
    }

    /// Whether there is place for a subscription that goes on; one that is there already has its place.
    fn may_listen(&mut self, call_id: &str, asked: &Subscription, goes_on: bool) -> Result<(), Refused> {
        if !goes_on {
            return Ok(());
        }
        let now = self.connection.now();
        let living = self
            .subscriptions
            .values()
            .filter(|other| other.ends > now)
            .count();
        if living >= MAX_SUBSCRIPTIONS && !self.subscriptions.contains_key(call_id) {
            return Err(Refused::TooManySubscriptions);
        }
        // It ends with this connection, and both with the user, registered or not.
        if self.remember(&asked.subscriber) {
            Ok(())
        } else {
            Err(Refused::TooManyUsers)
        }
    }

    /// A client that adds a contact while it signs in takes an empty list for the whole truth and drops the contact
    /// (seen with pidgin-sipe 1.25): the first list of a new user waits until such a client has said what it adds.
    fn show_new_list_later(&mut self, user: SipUri) {
        if !self.lists_owed.contains(&user) {
            self.lists_owed.push(user.clone());
        }
        let mailbox = self.mailbox.clone();
        self.service.tasks.spawn(async move {
            tokio::time::sleep(NEW_LIST_AFTER).await;
            mailbox.post(Mail::ContactList(user));
        });
    }

    /// It is time for the list, unless the client made a change before: then it is told of changes, and the list, which
    /// may have been written down in the middle of them, would take the contact away again.
    pub(super) fn show_new_list(&mut self, user: &SipUri) {
        let owed = self.lists_owed.len();
        self.lists_owed.retain(|other| other != user);
        if owed != self.lists_owed.len() {
            let list = self.service.presence.contacts(user);
            self.on_contacts(user, &list);
        }
    }

    /// Remembers or forgets a subscription, and watches nobody any more whom none is about.
    fn keep(&mut self, call_id: &str, subscription: Subscription, active: bool) {
        let now = self.connection.now();
        let mut old: Vec<SipUri> = self
            .subscriptions
            .remove(call_id)
            .map(|before| before.watched)
            .unwrap_or_default();
        self.subscriptions.retain(|_, other| {
            let lives = other.ends > now;
            if !lives {
                old.append(&mut other.watched);
            }
            lives
        });
        if active && self.subscriptions.len() < MAX_SUBSCRIPTIONS {
            self.subscriptions.insert(call_id.to_owned(), subscription);
        } else {
            old.extend(subscription.watched);
        }
        for user in old {
            if !self
                .subscriptions
                .values()
                .any(|other| other.watched.contains(&user))
            {
                self.service.presence.unwatch(&user, &self.mailbox);
            }
        }
    }

    /// Nobody is watched from this connection any more.
    pub(super) fn unsubscribe_all(&mut self) {
        for subscription in std::mem::take(&mut self.subscriptions).into_values() {
            for user in &subscription.watched {
                self.service.presence.unwatch(user, &self.mailbox);
            }
        }
    }

    /// The user's own publications changed elsewhere.
    pub(super) fn on_own(&mut self, user: &SipUri) {
        self.notify_all(
            |subscription| subscription.event == SELF_EVENT && subscription.subscriber == *user,
            |session, _| {
                Some(Notification::new(
                    SELF_TYPE,
                    session.service.presence.own_document(user),
                ))
            },
        );
    }

    /// The user's contact list changed.
    pub(super) fn on_contacts(&mut self, user: &SipUri, delta: &str) {
        self.notify_all(
            |subscription| subscription.event == CONTACTS_EVENT && subscription.subscriber == *user,
            |_, _| Some(Notification::new(CONTACTS_TYPE, delta.to_owned())),
        );
    }

    fn notify_all(
        &mut self,
        wanted: impl Fn(&Subscription) -> bool,
        document: impl Fn(&Self, &Subscription) -> Option<Notification>,
    ) {
        let now = self.connection.now();
        // Taken out for the time of sending, which needs the whole session.
        let subscriptions = std::mem::take(&mut self.subscriptions);
        for subscription in subscriptions.values().filter(|subscription| wanted(subscription)) {
            let left = subscription.ends.saturating_duration_since(now).as_secs();
            if left > 0
                && let Some(notification) = document(self, subscription)
            {
                self.notify(subscription, &format!("active;expires={left}"), notification);
            }
        }
        self.subscriptions = subscriptions;
    }

    /// A notification in a request of its own: BENOTIFY, which nobody answers, to those who understand it.
    ///
    /// A peer that has not taken what it was told before loses the connection, and asks again when it comes back.
    fn notify(&mut self, subscription: &Subscription, state: &str, notification: Notification) {
        let bytes = self.connection.waiting();
        if bytes > MAX_WAITING {
            return self.connection.begin_close(CloseCause::NewsUnread { bytes });
        }
        let method = if subscription.benotify {
            Method::BENOTIFY
        } else {
            Method::NOTIFY
        };
        let draft = RequestDraft::new(method)
            .header(Name::Event, subscription.event)
            .header(Name::SubscriptionState, state)
            .body(&notification.media_type, notification.document);
        let now = self.connection.now();
        self.connection.agent().request(now, &subscription.target, draft);
    }
}

fn takes_benotify(request: &Request) -> bool {
    [Name::ProxyRequire, Name::Supported].into_iter().any(|name| {
        request
            .headers()
            .all(name)
            .any(|value| value.contains("ms-benotify"))
    })
}
