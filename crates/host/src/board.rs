//! The status board: each task writes its own line, [`crate::Host::status`] reads them all.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parlor_bot::SipUri;

use crate::status::{EndpointStatus, FeedStatus, InstanceStatus, PoolStatus, RoomStatus};

/// Lines by what they are about. Locks are held for one reading or one change, never over an await.
#[derive(Debug, Default)]
pub(crate) struct Board {
    endpoints: Lines<SipUri, EndpointStatus>,
    rooms: Lines<(SipUri, String), RoomStatus>,
    instances: Lines<String, InstanceStatus>,
    feeds: Lines<String, FeedStatus>,
    pool: Mutex<Option<PoolStatus>>,
}

#[derive(Debug)]
struct Lines<K, V>(Mutex<BTreeMap<K, V>>);

impl<K, V> Default for Lines<K, V> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<K: Ord, V: Clone> Lines<K, V> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, key: K, line: V) {
        self.lock().insert(key, line);
    }

    fn change(&self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some(line) = self.lock().get_mut(key) {
            change(line);
        }
    }

    fn keep(&self, keep: impl Fn(&K) -> bool) {
        self.lock().retain(|key, _| keep(key));
    }

    fn all(&self) -> Vec<V> {
        self.lock().values().cloned().collect()
    }
}

impl Board {
    pub(crate) fn set_pool(&self, pool: PoolStatus) {
        *self.pool.lock().unwrap_or_else(PoisonError::into_inner) = Some(pool);
    }

    pub(crate) fn pool(&self) -> Option<PoolStatus> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what runs: nothing does any more.
    pub(crate) fn clear(&self) {
        self.endpoints.keep(|_| false);
        self.rooms.keep(|_| false);
        self.instances.keep(|_| false);
        self.feeds.keep(|_| false);
    }

    pub(crate) fn add_endpoint(&self, line: EndpointStatus) {
        self.endpoints.add(line.user.clone(), line);
    }

    pub(crate) fn remove_endpoint(&self, user: &SipUri) {
        self.endpoints.keep(|line| line != user);
    }

    pub(crate) fn endpoint(&self, user: &SipUri, change: impl FnOnce(&mut EndpointStatus)) {
        self.endpoints.change(user, change);
    }

    pub(crate) fn endpoints(&self) -> Vec<EndpointStatus> {
        self.endpoints.all()
    }

    pub(crate) fn add_room(&self, line: RoomStatus) {
        self.rooms.add((line.user.clone(), line.room.clone()), line);
    }

    /// Removes a room by the spelling under which rooms are the same.
    pub(crate) fn remove_room(&self, user: &SipUri, key: &str) {
        self.rooms
            .keep(|(owner, room)| owner != user || room.to_lowercase() != key);
    }

    pub(crate) fn room(&self, user: &SipUri, room: &str, change: impl FnOnce(&mut RoomStatus)) {
        self.rooms.change(&(user.clone(), room.to_owned()), change);
    }

    pub(crate) fn rooms(&self) -> Vec<RoomStatus> {
        self.rooms.all()
    }

    pub(crate) fn add_instance(&self, line: InstanceStatus) {
        self.instances.add(line.id.clone(), line);
    }

    pub(crate) fn remove_instance(&self, id: &str) {
        self.instances.keep(|line| line != id);
    }

    pub(crate) fn instance(&self, id: &String, change: impl FnOnce(&mut InstanceStatus)) {
        self.instances.change(id, change);
    }

    pub(crate) fn instances(&self) -> Vec<InstanceStatus> {
        self.instances.all()
    }

    pub(crate) fn add_feed(&self, line: FeedStatus) {
        self.feeds.add(line.url.clone(), line);
    }

    pub(crate) fn keep_feeds(&self, keep: impl Fn(&str) -> bool) {
        self.feeds.keep(|url| keep(url));
    }

    pub(crate) fn feed(&self, url: &String, change: impl FnOnce(&mut FeedStatus)) {
        self.feeds.change(url, change);
    }

    pub(crate) fn feeds(&self) -> Vec<FeedStatus> {
        self.feeds.all()
    }
}
