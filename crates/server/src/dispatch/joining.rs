//! Entering and leaving rooms. Refusals that the directory knows are said at once and start no room.

use std::collections::HashSet;
use std::sync::Arc;

use parlor_rooms::{Refusal, check_join};
use parlor_xccos::{CommandName, CommandRef, ErrorCode, ReplyData, RoomId, RoomUri};

use super::Dispatch;
use crate::batch_join::BatchJoin;
use crate::registry::{Busy, Door, Seat};
use crate::room_task::JoinAnswer;

/// Why a join does not even reach the room.
enum Stopped {
    Refused(Refusal),
    /// The dialog sits in as many rooms as it may.
    Full,
    Busy,
}

impl From<Busy> for Stopped {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl Dispatch<'_> {
    pub(super) fn join(&mut self, room: &RoomUri, name: CommandName, to: CommandRef) -> Result<(), Busy> {
        match self.door(room) {
            Ok(door) => {
                let answer = JoinAnswer::One(self.ticket(name, to));
                self.sit_down(room, door, answer);
                Ok(())
            }
            Err(Stopped::Refused(refusal)) => self.fail(name, to, refusal.code(), Some(&refusal)),
            Err(Stopped::Full) => {
                self.fail(name, to, ErrorCode::LimitExceeded, Some(&"too many rooms joined"))
            }
            Err(Stopped::Busy) => Err(Busy),
        }
    }

    pub(super) fn batch_join(
        &mut self,
        mut rooms: Vec<RoomUri>,
        name: CommandName,
        to: CommandRef,
    ) -> Result<(), Busy> {
        let limit = self.service.config.limits.rooms_per_dialog;
        if rooms.len() > limit {
            return self.fail(
                name,
                to,
                ErrorCode::LimitExceeded,
                Some(&"too many rooms in one command"),
            );
        }
        if rooms.is_empty() {
            return self.reply(
                name,
                to,
                ReplyData::Joined {
                    rooms: Vec::new(),
                    failed: Vec::new(),
                },
            );
        }
        // A room named a hundred times is entered and told of once.
        let mut named = HashSet::new();
        rooms.retain(|room| named.insert(room.clone()));
        // The last clone that goes answers, also for rooms that were not even asked.
        let join = BatchJoin::new(self.ticket(name, to), rooms.clone());
        for (index, room) in rooms.iter().enumerate() {
            if let Ok(door) = self.door(room) {
                self.sit_down(
                    room,
                    door,
                    JoinAnswer::Batch {
                        join: Arc::clone(&join),
                        index,
                    },
                );
            }
        }
        Ok(())
    }

    pub(super) fn part(&mut self, room: &RoomUri, name: CommandName, to: CommandRef) -> Result<(), Busy> {
        match self
            .chat
            .rooms
            .remove(&room.room())
            .filter(|seat| !seat.is_lost())
        {
            Some(seat) => {
                seat.leave(self.ticket(name, to));
                Ok(())
            }
            None => self.fail(name, to, ErrorCode::UserNotJoined, None),
        }
    }

    pub(super) fn participants(
        &mut self,
        room: &RoomUri,
        name: CommandName,
        to: CommandRef,
    ) -> Result<(), Busy> {
        match self.chat.rooms.get(&room.room()).filter(|seat| !seat.is_lost()) {
            Some(seat) => seat.participants(self.chat.user.clone(), || self.ticket(name, to)),
            None => self.fail(name, to, ErrorCode::UserNotJoined, None),
        }
    }

    fn check(&self, uri: &RoomUri) -> Result<RoomId, Refusal> {
        let id = uri.room();
        let directory = self.service.directory.read();
        let room = directory
            .room(id)
            .filter(|_| *uri == self.service.base.sibling(id));
        let room = room.ok_or(Refusal::NoSuchRoom(id))?;
        check_join(room, directory.access(room, &self.chat.user))?;
        Ok(id)
    }

    /// The way into a room, if the directory allows it and there is place.
    fn door(&mut self, uri: &RoomUri) -> Result<Door, Stopped> {
        let room = self.check(uri).map_err(Stopped::Refused)?;
        let limit = self.service.config.limits.rooms_per_dialog;
        let seats = &mut self.chat.rooms;
        // A lost seat leaves before the new one sits down: both are the same endpoint to the room.
        if seats.get(&room).is_some_and(Seat::is_lost) {
            seats.remove(&room);
        }
        if let Some(seat) = seats.get(&room) {
            return Ok(seat.again()?);
        }
        if seats.len() >= limit {
            seats.retain(|_, seat| !seat.is_lost());
        }
        if seats.len() >= limit {
            return Err(Stopped::Full);
        }
        Ok(self.service.rooms.enter(self.service, room)?.stay()?)
    }

    fn sit_down(&mut self, uri: &RoomUri, door: Door, answer: JoinAnswer) {
        let user = self.chat.user.clone();
        if let Some(seat) = door.join(user, self.chat.endpoint, self.at.clone(), answer) {
            self.chat.rooms.insert(uri.room(), seat);
        }
    }
}
