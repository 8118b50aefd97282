//! One `bjoin` over many rooms: collects what each room says and answers once, when the last one is through.

use std::sync::{Arc, Mutex, PoisonError};

use parlor_xccos::{JoinedRoom, ReplyData, RoomUri};

use crate::ticket::Ticket;

/// Bytes of one reply; a longer answer goes out as several replies to the same command. Clients take documents of 1 MiB.
const REPLY_BYTES: usize = 512 * 1024;
/// What one participant or one room takes in a reply, roughly; addresses and names are the greater part.
const ENTRY_BYTES: usize = 256;

/// A batch join under way; every room holds a clone until it has decided, the last drop answers.
#[derive(Debug)]
pub(crate) struct BatchJoin {
    rooms: Vec<RoomUri>,
    outcome: Mutex<Outcome>,
}

#[derive(Debug)]
struct Outcome {
    ticket: Option<Ticket>,
    joined: Vec<Option<JoinedRoom>>,
}

impl BatchJoin {
    /// A batch over `rooms`; a room nobody reports on counts as failed.
    pub(crate) fn new(ticket: Ticket, rooms: Vec<RoomUri>) -> Arc<Self> {
        let joined = vec![None; rooms.len()];
        Arc::new(Self {
            rooms,
            outcome: Mutex::new(Outcome {
                ticket: Some(ticket),
                joined,
            }),
        })
    }

    /// Notes that the room at `index` let the user in.
    pub(crate) fn joined(&self, index: usize, room: JoinedRoom) {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = outcome.joined.get_mut(index) {
            *slot = Some(room);
        }
    }
}

impl Drop for BatchJoin {
    fn drop(&mut self) {
        let outcome = self.outcome.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(ticket) = outcome.ticket.take() else {
            return;
        };
        let mut joined = Vec::new();
        let mut failed = Vec::new();
        for (uri, room) in self.rooms.drain(..).zip(outcome.joined.drain(..)) {
            match room {
                Some(room) => joined.push(room),
                None => failed.push(uri),
            }
        }
        let mut parts = split(joined);
        let last = parts.pop().unwrap_or_default();
        for rooms in parts {
            ticket.partly(ReplyData::Joined {
                rooms,
                failed: Vec::new(),
            });
        }
        ticket.reply(ReplyData::Joined { rooms: last, failed });
    }
}

fn split(rooms: Vec<JoinedRoom>) -> Vec<Vec<JoinedRoom>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut bytes = 0;
    for room in rooms {
        let size = ENTRY_BYTES * (room.participants.len() + 2);
        if bytes + size > REPLY_BYTES && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += size;
        part.push(room);
    }
    parts.push(part);
    parts
}
