//! Ending: one part after the other, or all of them in order, or all at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parlor_bot::{BotKind, SipUri};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::{Crew, SIGN_OUT, Tasks};
use crate::config::InstanceConfig;
use crate::lane::Bell;
use crate::mail::is_mail;
use crate::room::room_key;
use crate::shift::Leads;
use crate::state::StateError;

impl Crew {
    /// The configuration and the kind of an instance that runs.
    pub(crate) fn instance(&self, id: &str) -> Option<(&InstanceConfig, Option<&BotKind>)> {
        let running = self.instances.get(id)?;
        (!running.part.has_ended()).then_some((&running.config, running.kind.as_ref()))
    }

    /// The instances there are, also those that asked to be stopped.
    pub(crate) fn instances(&self) -> Vec<String> {
        self.instances.keys().cloned().collect()
    }

    /// Lets instances finish the event they are at, until the deadline; those with feeds or schedules stop these too.
    /// Returns their bells, for successors.
    pub(crate) async fn end_instances(
        &mut self,
        ids: &BTreeSet<String>,
        deadline: Instant,
    ) -> BTreeMap<String, Arc<Bell>> {
        let mut ending = Vec::new();
        for id in ids {
            if let Some(one) = self.instances.remove(id) {
                if let Some(endpoint) = self.endpoints.get(&one.config.user) {
                    endpoint.private.remove(id);
                }
                one.part.stop();
                ending.push((id.clone(), one));
            }
        }
        let mut bells = BTreeMap::new();
        for (id, one) in ending {
            if !one.part.end(deadline).await {
                tracing::warn!(instance = %id, "stopped in the middle of an event; it is handled again");
            }
            self.bells.worker(&id, None);
            self.ground.board.remove_instance(&id);
            bells.insert(id, one.bell);
        }
        bells
    }

    /// Ends the looks at feeds, or at schedules, so that [`Self::begin_sources`] begins them with what there is then.
    pub(crate) async fn end_sources(&mut self, which: Sources, deadline: Instant) {
        let timekeeper = self.timekeeper.take_if(|_| which.schedules);
        let poller = self.poller.take_if(|_| which.feeds);
        for part in timekeeper.into_iter().chain(poller) {
            part.end(deadline).await;
        }
    }

    /// Whether instances have feeds, and schedules.
    pub(crate) fn sources_of(&self, ids: &BTreeSet<String>) -> Sources {
        let mut sources = Sources::default();
        for one in ids.iter().filter_map(|id| self.instances.get(id)) {
            sources.feeds |= !one.feeds.is_empty();
            sources.schedules |= !one.schedules.is_empty();
        }
        sources
    }

    /// Leaves rooms that no instance is in any more and where nothing waits that is for this host, and signs out
    /// endpoints that are not wanted and have no room left.
    pub(crate) async fn end_idle(
        &mut self,
        wanted: &BTreeSet<SipUri>,
        leads: &Leads,
        deadline: Instant,
    ) -> Result<(), StateError> {
        let mut waiting = self.ground.state.rooms_with_waiting_posts().await?;
        waiting.retain(|(user, _)| leads.has(user));
        let mut used: BTreeSet<(SipUri, String)> = BTreeSet::new();
        for one in self.instances.values() {
            let rooms = one.config.rooms.iter();
            let operators = self.operator_room.iter().filter(|_| !one.feeds.is_empty());
            used.extend(
                rooms
                    .chain(operators)
                    .map(|room| (one.config.user.clone(), room_key(room))),
            );
        }
        let idle = self.rooms.extract_if(.., |(user, room), _| {
            let waits = |(owner, place): &(String, String)| owner == user.as_str() && place == room;
            !used.contains(&(user.clone(), room.clone())) && !waiting.iter().any(waits)
        });
        for ((user, key), room) in idle.collect::<Vec<_>>() {
            room.sender.end(deadline).await;
            room.leave.cancel();
            room.part.end(deadline).await;
            self.bells.sender(user.as_str(), &key, None);
            self.ground.board.remove_room(&user, &key);
        }
        let mut rooms: BTreeSet<_> = self.rooms.keys().map(|(user, _)| user.clone()).collect();
        // Answers to people wait under the endpoint as posts do under a room; mail does not need it.
        let others = waiting.iter().filter(|(_, room)| !is_mail(room));
        rooms.extend(others.filter_map(|(user, _)| user.parse().ok()));
        let gone = self
            .endpoints
            .extract_if(.., |user, _| !wanted.contains(user) && !rooms.contains(user));
        for (user, endpoint) in gone.collect::<Vec<_>>() {
            endpoint.courier.end(deadline).await;
            if let Some((_, remover)) = endpoint.remover {
                remover.end(deadline).await;
                self.bells.remover(user.as_str(), None);
            }
            endpoint.part.end(Instant::now() + SIGN_OUT).await;
            self.bells.courier(user.as_str(), None);
            self.ground.board.remove_endpoint(&user);
        }
        Ok(())
    }

    /// Stops taking in, lets handlers finish and the outbox empty until the deadline, leaves rooms and signs out; how
    /// many handlers did not finish.
    pub(crate) async fn shut_down(&mut self, deadline: Instant) -> usize {
        self.stops.intake.cancel();
        join(&mut self.tasks.sources, deadline).await;
        self.stops.work.cancel();
        let unfinished = join(&mut self.tasks.workers, deadline).await;
        self.stops.finish.cancel();
        join(&mut self.tasks.senders, deadline).await;
        self.stops.leave.cancel();
        join(&mut self.tasks.connections, Instant::now() + SIGN_OUT).await;
        unfinished
    }

    /// Ends everything at once.
    pub(crate) async fn kill(&mut self) {
        let Tasks {
            sources,
            workers,
            senders,
            connections,
        } = &mut self.tasks;
        for tasks in [sources, workers, senders, connections] {
            tasks.shutdown().await;
        }
    }

    /// Ends everything at once and forgets it, as if nothing had ever begun.
    pub(crate) async fn reset(&mut self) {
        self.kill().await;
        (self.stops, self.complete) = Default::default();
        self.endpoints.clear();
        self.rooms.clear();
        self.instances.clear();
        (self.poller, self.timekeeper, self.mail_courier) = (None, None, None);
        self.timetable.clear();
        self.bells.clear();
        self.ground.board.clear();
    }
}

/// Which sources are meant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sources {
    pub(crate) feeds: bool,
    pub(crate) schedules: bool,
}

/// Waits for tasks until the deadline, then ends them; how many had to be ended.
pub(crate) async fn join(tasks: &mut JoinSet<()>, deadline: Instant) -> usize {
    loop {
        match timeout_at(deadline, tasks.join_next()).await {
            Ok(None) => return 0,
            Ok(Some(Ok(()))) => {}
            Ok(Some(Err(error))) if error.is_cancelled() => {}
            Ok(Some(Err(error))) => tracing::error!(%error, "a task of the host failed"),
            Err(_) => {
                let left = tasks.len();
                tasks.shutdown().await;
                return left;
            }
        }
    }
}
