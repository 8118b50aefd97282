//! Commands that the store answers: what was said, and what users keep.

use parlor_rooms::{Refusal, check_read};
use parlor_xccos::{CommandName, CommandRef, MessageId, Preference, RoomUri};

use super::Dispatch;
use crate::queries::Query;
use crate::registry::Busy;

impl Dispatch<'_> {
    pub(super) fn backchat(
        &mut self,
        room: &RoomUri,
        count: u32,
        name: CommandName,
        to: CommandRef,
    ) -> Result<(), Busy> {
        let limits = &self.service.config.limits;
        let count = match usize::try_from(count) {
            Ok(0) | Err(_) => limits.backchat,
            Ok(count) => count.min(limits.search),
        };
        self.read(room, name, to, |room| Query::Last { room, count })
    }

    pub(super) fn history_after(
        &mut self,
        room: &RoomUri,
        after: MessageId,
        limit: u32,
        name: CommandName,
        to: CommandRef,
    ) -> Result<(), Busy> {
        let most = self.service.config.limits.search;
        let limit = match usize::try_from(limit) {
            Ok(0) | Err(_) => most,
            Ok(limit) => limit.min(most),
        };
        self.read(room, name, to, |room| Query::After { room, after, limit })
    }

    pub(super) fn fetch_preference(
        &self,
        label: String,
        known: i64,
        create_default: bool,
        name: CommandName,
        to: CommandRef,
    ) -> Result<(), Busy> {
        let user = self.chat.user.clone();
        self.ask(
            Query::Preference {
                user,
                label,
                known,
                create_default,
            },
            name,
            to,
        )
    }

    pub(super) fn store_preference(
        &self,
        preference: Preference,
        name: CommandName,
        to: CommandRef,
    ) -> Result<(), Busy> {
        let user = self.chat.user.clone();
        self.ask(Query::StorePreference { user, preference }, name, to)
    }

    fn read(
        &mut self,
        room: &RoomUri,
        name: CommandName,
        to: CommandRef,
        query: impl FnOnce(RoomUri) -> Query,
    ) -> Result<(), Busy> {
        if let Err(refusal) = self.check_readable(room) {
            return self.fail(name, to, refusal.code(), Some(&refusal));
        }
        self.ask(query(room.clone()), name, to)
    }

    fn ask(&self, query: Query, name: CommandName, to: CommandRef) -> Result<(), Busy> {
        self.service
            .queries
            .ask(&self.chat.user, query, || self.ticket(name, to))
    }

    fn check_readable(&self, uri: &RoomUri) -> Result<(), Refusal> {
        let id = uri.room();
        let directory = self.service.directory.read();
        let room = directory
            .room(id)
            .filter(|_| *uri == self.service.base.sibling(id));
        let room = room.ok_or(Refusal::NoSuchRoom(id))?;
        check_read(room, directory.access(room, &self.chat.user))
    }
}
