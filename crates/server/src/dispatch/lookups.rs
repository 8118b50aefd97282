//! Commands answered from memory: about the server and about rooms.

use parlor_rooms::{Matching, Role, Room, Search};
use parlor_xccos::{
    AssociationRole, CategoryId, CategoryUri, CommandName, CommandRef, Guid, InfoMask, ReplyData, RoomInfo,
    RoomSearch, ServerInfo,
};

use super::Dispatch;
use crate::registry::Busy;
use crate::room_info::room_info;
use crate::service::now;

/// The root of the tree that clients are told of; categories are all below it and nobody addresses it.
const ROOT_CATEGORY: CategoryId = CategoryId::from_bytes(*b"parlor root node");
/// Version of what is stored, as far as clients care: they throw caches away when it changes.
const DATABASE_VERSION: Guid = Guid::from_bytes(*b"parlor store 001");

impl Dispatch<'_> {
    pub(super) fn server_info(
        &mut self,
        mask: InfoMask,
        name: CommandName,
        to: CommandRef,
    ) -> Result<(), Busy> {
        let config = &self.service.config;
        let number = |value: usize| Some(u32::try_from(value).unwrap_or(u32::MAX));
        let info = ServerInfo {
            mask,
            server_time: Some(now()),
            search_limit: number(config.limits.search),
            message_size_limit: number(config.limits.message_bytes),
            story_size_limit: number(config.limits.story_bytes),
            root_uri: CategoryUri::new(&config.domain, ROOT_CATEGORY).ok(),
            database_version: Some(DATABASE_VERSION),
            display_name: Some(config.display_name.clone()),
            room_management_url: None,
            post_keys: config.post_keys,
        };
        self.reply(name, to, ReplyData::ServerInfo(info))
    }

    pub(super) fn associations(
        &mut self,
        role: AssociationRole,
        limit: Option<u32>,
        name: CommandName,
        to: CommandRef,
    ) -> Result<(), Busy> {
        let role = match role {
            AssociationRole::Member => Role::Member,
            AssociationRole::Manager => Role::Manager,
        };
        let rooms = {
            let directory = self.service.directory.read();
            let held = directory.rooms_with_role(&self.chat.user, role);
            held.into_iter()
                .take(self.limit(limit))
                .map(|room| (room.clone(), directory.category_of(room).cloned()))
                .collect::<Vec<_>>()
        };
        let infos = self.infos(
            rooms
                .iter()
                .filter_map(|(room, category)| Some((room.as_ref(), category.as_deref()?))),
        );
        self.reply(name, to, ReplyData::Rooms(infos))
    }

    pub(super) fn search(
        &mut self,
        search: RoomSearch,
        name: CommandName,
        to: CommandRef,
    ) -> Result<(), Busy> {
        let limit = self.limit(search.limit);
        let search = Search {
            text: search.criteria,
            descriptions: search.extended,
            matching: if search.match_exact_phrase {
                Matching::Phrase
            } else if search.match_all {
                Matching::AllWords
            } else {
                Matching::AnyWord
            },
            limit,
        };
        let rooms = {
            let directory = self.service.directory.read();
            let found = directory.search(&self.chat.user, &search);
            found
                .rooms
                .into_iter()
                .filter_map(|(room, _)| Some((directory.category_of(&room)?.clone(), room)))
                .collect::<Vec<_>>()
        };
        let infos = self.infos(
            rooms
                .iter()
                .map(|(category, room)| (room.as_ref(), category.as_ref())),
        );
        self.reply(name, to, ReplyData::Rooms(infos))
    }

    fn limit(&self, asked: Option<u32>) -> usize {
        let limit = self.service.config.limits.search;
        asked.map_or(limit, |asked| usize::try_from(asked).unwrap_or(limit).min(limit))
    }

    fn infos<'r>(
        &self,
        rooms: impl Iterator<Item = (&'r Room, &'r parlor_rooms::Category)>,
    ) -> Vec<RoomInfo> {
        let participants = self.service.rooms.all_participants();
        rooms
            .map(|(room, category)| {
                let here = participants.get(&room.id).copied().unwrap_or(0);
                room_info(self.service.base.sibling(room.id), category, room, here)
            })
            .collect()
    }
}
