//! Subscriptions to the presence of others ([MS-PRES]): whom one is about, and what its subscriber may see.

use parlor_sip::Request;
use parlor_xccos::SipUri;

use super::batch::{BATCH_TYPE, CATEGORIES_TYPE, batch_of};
use super::{Notification, Subscription};
use crate::session::Session;
use crate::xml::Element;

/// Users in one subscription; the original's limit of contacts.
const MAX_RESOURCES: usize = 1_000;
/// Categories named in one subscription; four are usual.
const MAX_CATEGORIES: usize = 32;

impl Session {
    /// Reads whom a presence subscription is about; a refresh that names nobody goes on as it was.
    /// None when there is a list that cannot be read: whoever sent it would wait for ever for those on it.
    pub(super) fn first_presence(
        &self,
        request: &Request,
        subscription: &mut Subscription,
    ) -> Option<Notification> {
        let before = request
            .call_id()
            .ok()
            .and_then(|call_id| self.subscriptions.get(call_id));
        if let Some(before) = before {
            subscription.watched.clone_from(&before.watched);
            subscription.categories.clone_from(&before.categories);
        }
        let batch = request.content_type().is_some_and(|media| media.is(BATCH_TYPE));
        let action = batch
            .then(|| Element::parse(request.body()))
            .flatten()
            .and_then(|document| document.child("action").cloned());
        let Some(action) = action else {
            if batch && !request.body().is_empty() {
                return None;
            }
            if subscription.watched.is_empty()
                && let Ok(to) = request.to()
                && let Ok(user) = to.uri.aor().parse()
            {
                subscription.watched.push(user);
            }
            let documents = self.categories_of(subscription);
            return Some(match documents.as_slice() {
                [(_, document)] => Notification::new(CATEGORIES_TYPE, document.clone()),
                _ => batch_of(subscription, &documents),
            });
        };
        let resources = || {
            let resources = action.all("adhocList").flat_map(|list| list.all("resource"));
            resources.take(MAX_RESOURCES)
        };
        let address = |resource: &Element| resource.attribute("uri")?.parse::<SipUri>().ok();
        let named: Vec<SipUri> = resources().filter_map(address).collect();
        if action
            .attribute("name")
            .is_some_and(|name| name.eq_ignore_ascii_case("unsubscribe"))
        {
            subscription.watched.retain(|user| !named.contains(user));
            return Some(batch_of(subscription, &[]));
        }
        let categories: Vec<String> = action
            .all("categoryList")
            .flat_map(|list| list.all("category"))
            .filter_map(|category| category.attribute("name").map(str::to_owned))
            .take(MAX_CATEGORIES)
            .collect();
        if !categories.is_empty() {
            subscription.categories = categories;
        }
        let added = resources().filter(|resource| resource.child("context").is_some());
        self.announce_subscriber(&subscription.subscriber, added.filter_map(address).collect());
        for user in named {
            if subscription.watched.len() < MAX_RESOURCES && !subscription.watched.contains(&user) {
                subscription.watched.push(user);
            }
        }
        let documents = self.categories_of(subscription);
        Some(batch_of(subscription, &documents))
    }

    /// What the subscriber may see of each watched user whom the directory knows, and a watch on them from before.
    fn categories_of(&self, subscription: &Subscription) -> Vec<(SipUri, String)> {
        let directory = self.service.directory.read();
        let known: Vec<&SipUri> = subscription
            .watched
            .iter()
            .filter(|user| directory.user(user).is_some())
            .collect();
        drop(directory);
        let look = |user: &SipUri| {
            self.service.presence.watch(user, &self.mailbox);
            Some((user.clone(), self.seen(subscription, user)?))
        };
        known.into_iter().filter_map(look).collect()
    }

    fn seen(&self, subscription: &Subscription, user: &SipUri) -> Option<String> {
        let display_name = self.service.directory.read().user(user)?.display_name.clone();
        let Subscription {
            subscriber,
            categories,
            ..
        } = subscription;
        let presence = &self.service.presence;
        Some(presence.seen_by(user, &display_name, subscriber, categories))
    }

    /// Somebody's presence changed: those subscriptions that are about it hear of it.
    pub(in crate::session) fn on_presence(&mut self, user: &SipUri) {
        self.notify_all(
            |subscription| subscription.watched.contains(user),
            |session, subscription| {
                let document = session.seen(subscription, user)?;
                Some(Notification::new(CATEGORIES_TYPE, document))
            },
        );
    }
}
