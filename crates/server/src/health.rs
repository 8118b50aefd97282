//! How healthy a server is, for monitoring. Serving it over HTTP is left to the program.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parlor_metrics::{Exposition, Kind};
use parlor_net::Admission;

use crate::service::Service;

/// Tells how healthy a server is; cheap to clone.
#[derive(Debug, Clone)]
pub struct Health {
    service: Arc<Service>,
    admission: Admission,
}

impl Health {
    pub(crate) fn new(service: Arc<Service>, admission: Admission) -> Self {
        Self { service, admission }
    }

    /// Why the server cannot do its work now; none when it can.
    pub fn trouble(&self) -> Option<String> {
        if self.service.stopping.is_cancelled() {
            return Some("the server is stopping".to_owned());
        }
        let store = self.service.counters.store();
        (!store.healthy).then(|| {
            let error = store.last_error.as_deref().unwrap_or("for no known reason");
            format!("the store takes no posts: {error}")
        })
    }

    /// Writes the server's numbers.
    pub fn write(&self, exposition: &mut Exposition) {
        self.connections(exposition);
        self.posts(exposition);
        self.store(exposition);
    }

    fn connections(&self, exposition: &mut Exposition) {
        let (service, admission) = (&self.service, &self.admission);
        let mut gauge = |name, help, value: usize| exposition.number(name, Kind::Gauge, help, value);
        gauge(
            "parlor_server_connections",
            "Open connections, those in their handshake included.",
            admission.open(),
        );
        gauge(
            "parlor_server_sessions",
            "Chat dialogs that are established.",
            service.sessions.dialogs(),
        );
        gauge(
            "parlor_server_rooms_live",
            "Rooms with somebody in them.",
            service.rooms.live(),
        );
        let (rooms, users) = {
            let directory = service.directory.read();
            (directory.rooms().count(), directory.users().count())
        };
        gauge("parlor_server_rooms", "Rooms in the directory.", rooms);
        gauge("parlor_server_users", "Users in the directory.", users);
        exposition.number(
            "parlor_server_connections_refused_total",
            Kind::Counter,
            "Connections turned away because there were too many, in all or from one peer.",
            admission.refused(),
        );
        let mut family = exposition.family(
            "parlor_server_requests_refused_total",
            Kind::Counter,
            "Requests refused before any chat command was looked at, by the reason that ms-diagnostics tells.",
        );
        for (reason, count) in &service.counters.refusals.of_requests() {
            family.sample(&[("reason", reason)], *count);
        }
    }

    fn posts(&self, exposition: &mut Exposition) {
        let counters = &self.service.counters;
        let mut counter = |name, help, value: u64| exposition.number(name, Kind::Counter, help, value);
        counter(
            "parlor_server_posts_total",
            "Posts stored and shown.",
            counters.posts.load(Ordering::Relaxed),
        );
        counter(
            "parlor_server_posts_repeated_total",
            "Posts whose key the room had already; they were answered and not shown again.",
            counters.repeated.load(Ordering::Relaxed),
        );
        counter(
            "parlor_server_deliveries_total",
            "Copies of posts handed to connections.",
            counters.deliveries.load(Ordering::Relaxed),
        );
        let mut family = exposition.family(
            "parlor_server_posts_refused_total",
            Kind::Counter,
            "Posts refused, by reason.",
        );
        for (reason, count) in counters.refusals.of_posts() {
            family.sample(&[("reason", reason)], count);
        }
        exposition.histogram(
            "parlor_server_fan_out",
            "Connections that one post was handed to.",
            &counters.fan_out,
        );
        exposition.histogram(
            "parlor_server_append_seconds",
            "How long a room waited for its posts to be durable, the wait for other rooms included.",
            &counters.append_seconds,
        );
    }

    fn store(&self, exposition: &mut Exposition) {
        let store = self.service.counters.store();
        exposition.number(
            "parlor_server_store_healthy",
            Kind::Gauge,
            "Whether the last write of the store succeeded.",
            store.healthy,
        );
        exposition.number(
            "parlor_server_store_full",
            Kind::Gauge,
            "Whether the last write failed because the disk is full.",
            store.full,
        );
        exposition.number(
            "parlor_server_store_failures_total",
            Kind::Counter,
            "Writes of the store that failed.",
            store.failures,
        );
    }
}
