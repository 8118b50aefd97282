//! The rooms that are live: starts a task for a room when somebody enters it, lets it go when it is idle, and hands out
//! the ways in. What happens inside is left to the room task.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlor_rooms::{Draft, EndpointId};
use parlor_xccos::{RoomId, SipUri};
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::control::RoomStatus;
use crate::room_task::{JoinAnswer, PostAnswer, RoomInput, RoomTask, Watcher};
use crate::service::Service;
use crate::ticket::Ticket;
use crate::wire::Endpoint;

/// The live rooms.
#[derive(Debug)]
pub(crate) struct Registry {
    rooms: Mutex<HashMap<RoomId, RoomHandle>>,
    queue: usize,
    endpoints: usize,
}

/// The room has as much to do as it may have; the same request may be sent again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the room is busy")]
pub(crate) struct Busy;

/// What a room's task shares with everybody else.
#[derive(Debug)]
pub(crate) struct Gate {
    /// One permit per input that waits or is worked on; what bounds the queue.
    slots: Arc<Semaphore>,
    /// Rung when the directory changed; any number of changes is one look.
    pub(crate) changed: Notify,
    pub(crate) participants: AtomicUsize,
    pub(crate) posts: AtomicU64,
}

#[derive(Debug, Clone)]
struct RoomHandle {
    inputs: mpsc::Sender<RoomInput>,
    gate: Arc<Gate>,
}

impl Registry {
    /// Each room gets a queue of `queue` inputs and room for `endpoints` endpoints.
    pub(crate) fn new(queue: usize, endpoints: usize) -> Self {
        Self {
            rooms: Mutex::default(),
            queue,
            endpoints,
        }
    }

    /// A place in the queue of a room, whose task is started if it does not run.
    pub(crate) fn enter(&self, service: &Arc<Service>, room: RoomId) -> Result<Entry, Busy> {
        let mut rooms = self.lock();
        let handle = match rooms.get(&room) {
            Some(handle) => handle.clone(),
            None => {
                let handle = self.start(service, room);
                rooms.insert(room, handle.clone());
                handle
            }
        };
        // The slot is taken under the lock: a room with a slot out is not retired.
        handle.entry()
    }

    /// The same for a room that is live already.
    pub(crate) fn enter_live(&self, room: RoomId) -> Option<Result<Entry, Busy>> {
        Some(self.lock().get(&room)?.entry())
    }

    fn start(&self, service: &Arc<Service>, room: RoomId) -> RoomHandle {
        // Each endpoint reserves a place for its departure, besides what the slots allow.
        let (sender, inputs) = mpsc::channel(self.queue + self.endpoints);
        let gate = Arc::new(Gate {
            slots: Arc::new(Semaphore::new(self.queue)),
            changed: Notify::new(),
            participants: AtomicUsize::new(0),
            posts: AtomicU64::new(0),
        });
        service.tasks.spawn(RoomTask::run(
            Arc::clone(service),
            room,
            Arc::clone(&gate),
            inputs,
        ));
        RoomHandle { inputs: sender, gate }
    }

    /// Forgets a room whose task found nothing to do; false when somebody entered in the meantime.
    pub(crate) fn retire(&self, room: RoomId, inputs: &mpsc::Receiver<RoomInput>) -> bool {
        let mut rooms = self.lock();
        let Some(handle) = rooms.get(&room) else {
            return true;
        };
        // Full capacity means that nothing is queued and no departure is reserved.
        let quiet =
            handle.gate.slots.available_permits() == self.queue && inputs.capacity() == inputs.max_capacity();
        if quiet {
            rooms.remove(&room);
        }
        quiet
    }

    /// Forgets a room whose task cannot run.
    pub(crate) fn remove(&self, room: RoomId) {
        self.lock().remove(&room);
    }

    /// Makes a live room look at the directory again.
    pub(crate) fn room_changed(&self, room: RoomId) {
        if let Some(handle) = self.lock().get(&room) {
            handle.gate.changed.notify_one();
        }
    }

    /// Makes every live room look at the directory again.
    pub(crate) fn all_changed(&self) {
        for handle in self.lock().values() {
            handle.gate.changed.notify_one();
        }
    }

    /// How many rooms are live.
    pub(crate) fn live(&self) -> usize {
        self.lock().len()
    }

    /// Users in a room now.
    pub(crate) fn participants(&self, room: RoomId) -> usize {
        self.lock()
            .get(&room)
            .map_or(0, |handle| handle.gate.participants.load(Ordering::Relaxed))
    }

    /// Users in each live room.
    pub(crate) fn all_participants(&self) -> HashMap<RoomId, usize> {
        self.lock()
            .iter()
            .map(|(id, handle)| (*id, handle.gate.participants.load(Ordering::Relaxed)))
            .collect()
    }

    /// Every live room, the busiest first; `name` finds names.
    pub(crate) fn status(&self, name: impl Fn(RoomId) -> String) -> Vec<RoomStatus> {
        let mut live: Vec<RoomStatus> = self
            .lock()
            .iter()
            .map(|(id, handle)| RoomStatus {
                id: *id,
                name: name(*id),
                participants: handle.gate.participants.load(Ordering::Relaxed),
                posts: handle.gate.posts.load(Ordering::Relaxed),
            })
            .collect();
        live.sort_by(|a, b| b.posts.cmp(&a.posts).then_with(|| a.name.cmp(&b.name)));
        live
    }

    /// Waits until every post that was taken is stored and delivered.
    pub(crate) async fn flush(&self) {
        let handles: Vec<RoomHandle> = self.lock().values().cloned().collect();
        for handle in handles {
            let (done, flushed) = oneshot::channel();
            if handle.inputs.send(RoomInput::Barrier(done)).await.is_ok() {
                let _ = flushed.await;
            }
        }
    }

    /// Forgets every room; their tasks end when the last endpoint is gone.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, RoomHandle>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoomHandle {
    fn entry(&self) -> Result<Entry, Busy> {
        let slot = Arc::clone(&self.gate.slots)
            .try_acquire_owned()
            .map_err(|_| Busy)?;
        let place = self.inputs.clone().try_reserve_owned().map_err(|_| Busy)?;
        Ok(Entry {
            handle: self.clone(),
            place,
            slot,
        })
    }
}

/// A place in a room's queue, to be used for one input.
#[derive(Debug)]
pub(crate) struct Entry {
    handle: RoomHandle,
    place: OwnedPermit<RoomInput>,
    slot: OwnedSemaphorePermit,
}

impl Entry {
    /// Reserves what staying in the room takes.
    pub(crate) fn stay(self) -> Result<Door, Busy> {
        let departure = self.handle.inputs.clone().try_reserve_owned().map_err(|_| Busy)?;
        Ok(Door {
            entry: self,
            departure: Some(departure),
            state: Arc::default(),
        })
    }

    /// Posts as the operator does, without being in the room.
    pub(crate) fn post(self, draft: Draft, answer: PostAnswer) {
        self.place.send(RoomInput::Post {
            draft,
            endpoint: None,
            answer,
            slot: self.slot,
        });
    }

    /// Reports what happens in the room from now on.
    pub(crate) fn watch(self, watcher: Watcher) {
        self.place.send(RoomInput::Watch {
            watcher,
            slot: self.slot,
        });
    }

    /// Asks who is there.
    pub(crate) fn present(self, answer: oneshot::Sender<Vec<SipUri>>) {
        self.place.send(RoomInput::Present {
            answer,
            slot: self.slot,
        });
    }
}

/// Everything is reserved for a join.
#[derive(Debug)]
pub(crate) struct Door {
    entry: Entry,
    /// None for an endpoint that is in already.
    departure: Option<OwnedPermit<RoomInput>>,
    state: Arc<SeatState>,
}

impl Door {
    /// Joins; the answer comes from the room. The seat is new, or none when the endpoint had one.
    pub(crate) fn join(
        self,
        user: SipUri,
        endpoint: EndpointId,
        at: Endpoint,
        answer: JoinAnswer,
    ) -> Option<Seat> {
        let Entry { handle, place, slot } = self.entry;
        let seat = Arc::clone(&self.state);
        place.send(RoomInput::Join {
            user,
            endpoint,
            at,
            seat,
            answer,
            slot,
        });
        let departure = Some(self.departure?);
        Some(Seat {
            handle,
            departure,
            endpoint,
            state: self.state,
        })
    }
}

/// A dialog's place in a room. Dropping it leaves the room: exactly once, whatever else happens.
#[derive(Debug)]
pub(crate) struct Seat {
    handle: RoomHandle,
    departure: Option<OwnedPermit<RoomInput>>,
    endpoint: EndpointId,
    state: Arc<SeatState>,
}

/// What became of a seat, told by the room.
#[derive(Debug, Default)]
pub(crate) struct SeatState(AtomicU8);

const SEATED: u8 = 1;
const UNSEATED: u8 = 2;

impl SeatState {
    pub(crate) fn seat(&self) {
        self.0.store(SEATED, Ordering::Release);
    }

    pub(crate) fn unseat(&self) {
        self.0.store(UNSEATED, Ordering::Release);
    }
}

impl Seat {
    /// The room refused the user or put the user out.
    pub(crate) fn is_lost(&self) -> bool {
        self.state.0.load(Ordering::Acquire) == UNSEATED
    }

    /// Hands a post to the room; `ticket` makes the ticket once there is place.
    pub(crate) fn post(&self, draft: Draft, ticket: impl FnOnce() -> Ticket) -> Result<(), Busy> {
        let Entry { place, slot, .. } = self.handle.entry()?;
        let answer = PostAnswer::Endpoint(ticket());
        place.send(RoomInput::Post {
            draft,
            endpoint: Some(self.endpoint),
            answer,
            slot,
        });
        Ok(())
    }

    /// Asks for the list that a large room does not announce.
    pub(crate) fn participants(&self, user: SipUri, ticket: impl FnOnce() -> Ticket) -> Result<(), Busy> {
        let Entry { place, slot, .. } = self.handle.entry()?;
        place.send(RoomInput::Participants {
            user,
            ticket: ticket(),
            slot,
        });
        Ok(())
    }

    /// A way to join again: answered like the first time, changes nothing.
    pub(crate) fn again(&self) -> Result<Door, Busy> {
        Ok(Door {
            entry: self.handle.entry()?,
            departure: None,
            state: Arc::clone(&self.state),
        })
    }

    /// Leaves on request; the room answers.
    pub(crate) fn leave(mut self, ticket: Ticket) {
        if let Some(departure) = self.departure.take() {
            departure.send(RoomInput::Leave {
                endpoint: self.endpoint,
                ticket: Some(ticket),
            });
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(departure) = self.departure.take() {
            departure.send(RoomInput::Leave {
                endpoint: self.endpoint,
                ticket: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parlor_rooms::{MemoryStore, Store};
    use parlor_xccos::{Behavior, Privacy, RoomUri};

    use super::*;
    use crate::config::{Config, SeedRoom};
    use crate::directory::SharedDirectory;
    use crate::presence::Presence;

    async fn service_with_a_room() -> (Arc<Service>, RoomId) {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let mut config = Config::new("example.com", "sip:pchat@example.com".parse().unwrap());
        config.seed.rooms = vec![SeedRoom {
            name: "Lobby".to_owned(),
            description: String::new(),
            category: None,
            privacy: Privacy::Open,
            behavior: Behavior::Normal,
            members: Vec::new(),
            managers: Vec::new(),
            presenters: Vec::new(),
            posts: Vec::new(),
        }];
        let directory = SharedDirectory::load(Arc::clone(&store)).await.unwrap();
        let accounts = crate::accounts::Accounts::load(Arc::clone(&store), "example.com", config.sign_in)
            .await
            .unwrap();
        let base = RoomUri::new("example.com", RoomId::from_bytes([0; 16])).unwrap();
        crate::seed::plant(&directory, &accounts, &store, &base, &config.seed)
            .await
            .unwrap();
        let room = directory.read().room_by_name("Lobby").unwrap().id;
        let service =
            crate::server::service(config, store, directory, accounts, Presence::default(), base, &[])
                .unwrap();
        (Arc::new(service), room)
    }

    async fn present(service: &Arc<Service>, room: RoomId) -> Vec<SipUri> {
        let (answer, present) = oneshot::channel();
        service.rooms.enter(service, room).unwrap().present(answer);
        present.await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_room_is_let_go_and_started_again_when_entered() {
        let (service, room) = service_with_a_room().await;
        assert_eq!(present(&service, room).await, []);
        assert!(service.rooms.enter_live(room).is_some());
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert!(service.rooms.enter_live(room).is_none());
        assert_eq!(present(&service, room).await, []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_with_somebody_at_the_door_stays() {
        let (service, room) = service_with_a_room().await;
        present(&service, room).await;
        let door = service.rooms.enter(&service, room).unwrap().stay().unwrap();
        tokio::time::sleep(Duration::from_secs(200)).await;
        assert!(service.rooms.enter_live(room).is_some());
        drop(door);
        tokio::time::sleep(Duration::from_secs(200)).await;
        assert!(service.rooms.enter_live(room).is_none());
    }

    #[tokio::test]
    async fn a_room_takes_so_many_inputs_and_no_more() {
        let (service, room) = service_with_a_room().await;
        let limit = service.config.limits.room_queue;
        let entries: Vec<Entry> = (0..limit)
            .map(|_| service.rooms.enter(&service, room).unwrap())
            .collect();
        assert_eq!(service.rooms.enter(&service, room).unwrap_err(), Busy);
        drop(entries);
        assert!(service.rooms.enter(&service, room).is_ok());
    }
}
