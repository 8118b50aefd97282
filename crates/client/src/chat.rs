//! The persistent chat endpoint: a chat session on an endpoint, and what can be asked outside a room.

use std::sync::Arc;

use parlor_xccos::{
    AssociationRole, Command as ChatCommand, MessageId, Post, ReplyData, RoomInfo, RoomSearch, RoomUri,
    SipUri,
};

pub use parlor_xccos::ServerInfo;

use crate::command::{Command, Handle};
use crate::endpoint::LocalEndpoint;
use crate::error::{EstablishError, JoinError, RequestError};
use crate::events::RoomEvents;
use crate::room::{RoomSession, RoomSummary, RoomTarget};
use crate::tuning::{BACKCHAT_LIMIT, CANDIDATES};

/// Where the chat service is.
#[derive(Debug, Clone, Default)]
pub struct ChatSettings {
    /// The address to INVITE; `None` asks the server's provisioning data for `DefaultPersistentChatPoolUri`.
    pub uri: Option<SipUri>,
    /// Whether that address is a lookup service to be asked with `requri` first. It always is when its user part is
    /// `ocschat` (facts A2).
    pub lookup: bool,
}

/// A chat session on an established endpoint. Clones are handles on one session.
#[derive(Debug, Clone)]
pub struct PersistentChatEndpoint {
    handle: Handle,
    info: Arc<ServerInfo>,
}

impl PersistentChatEndpoint {
    /// Finds the chat service, opens the session and learns its limits. Afterwards it recovers with its endpoint.
    pub async fn establish(endpoint: &LocalEndpoint, settings: ChatSettings) -> Result<Self, EstablishError> {
        let handle = endpoint.handle.clone();
        let info = handle
            .call(|reply| Command::EstablishChat { settings, reply })
            .await
            .unwrap_or_else(|state| Err(EstablishError::State(state)))?;
        Ok(Self {
            handle,
            info: Arc::new(info),
        })
    }

    /// What the server said about itself and its limits when the session was first opened.
    pub fn server_info(&self) -> &ServerInfo {
        &self.info
    }

    /// Joins a room. The events start with what is posted from now on.
    pub async fn join(&self, room: impl Into<RoomTarget>) -> Result<(RoomSession, RoomEvents), JoinError> {
        let (session, events, _) = self.join_from(room, None, None).await?;
        Ok((session, events))
    }

    /// Joins a room and hands over its last `count` posts (at most 500), oldest first, with one question to the server;
    /// the events start after the last of them. `None` when the room does not show its history.
    pub async fn join_with_recent(
        &self,
        room: impl Into<RoomTarget>,
        count: u32,
    ) -> Result<(RoomSession, RoomEvents, Option<Vec<Post>>), JoinError> {
        self.join_from(room, None, Some(count.clamp(1, BACKCHAT_LIMIT)))
            .await
    }

    /// Joins a room and delivers first everything posted after message `after`; for programs that remember how far
    /// they have read.
    pub async fn join_after(
        &self,
        room: impl Into<RoomTarget>,
        after: MessageId,
    ) -> Result<(RoomSession, RoomEvents), JoinError> {
        let (session, events, _) = self.join_from(room, Some(after), None).await?;
        Ok((session, events))
    }

    /// Rooms whose name contains `name`; all that may be seen when it is empty. The server caps the number.
    pub async fn browse(&self, name: &str) -> Result<Vec<RoomSummary>, RequestError> {
        Ok(self
            .browse_rooms(name)
            .await?
            .iter()
            .map(RoomSummary::from)
            .collect())
    }

    /// As [`PersistentChatEndpoint::browse`], with everything the server says about each room.
    pub async fn browse_rooms(&self, name: &str) -> Result<Vec<RoomInfo>, RequestError> {
        self.rooms(ChatCommand::Search(RoomSearch {
            criteria: name.to_owned(),
            ..RoomSearch::default()
        }))
        .await
    }

    /// Rooms the user is a member of.
    pub async fn my_rooms(&self) -> Result<Vec<RoomSummary>, RequestError> {
        self.associations(AssociationRole::Member).await
    }

    /// Rooms the user manages.
    pub async fn managed_rooms(&self) -> Result<Vec<RoomSummary>, RequestError> {
        self.associations(AssociationRole::Manager).await
    }

    /// Leaves every room and ends the session; the endpoint stays.
    pub async fn terminate(&self) {
        let _gone = self.handle.call(|reply| Command::CloseChat { reply }).await;
    }

    async fn associations(&self, role: AssociationRole) -> Result<Vec<RoomSummary>, RequestError> {
        let rooms = self
            .rooms(ChatCommand::Associations {
                domain: self.handle.owner.host().to_owned(),
                role,
                limit: None,
            })
            .await?;
        Ok(rooms.iter().map(RoomSummary::from).collect())
    }

    async fn rooms(&self, command: ChatCommand) -> Result<Vec<RoomInfo>, RequestError> {
        match self.handle.request(command).await? {
            ReplyData::Rooms(rooms) => Ok(rooms),
            ReplyData::None => Ok(Vec::new()),
            _ => Err(RequestError::Unintelligible),
        }
    }

    async fn join_from(
        &self,
        room: impl Into<RoomTarget>,
        after: Option<MessageId>,
        recent: Option<u32>,
    ) -> Result<(RoomSession, RoomEvents, Option<Vec<Post>>), JoinError> {
        let room = match room.into() {
            RoomTarget::Uri(uri) => uri,
            RoomTarget::Summary(summary) => summary.uri,
            RoomTarget::Name(name) => self.find(&name).await?,
        };
        let membership = self
            .handle
            .call(|reply| Command::Join {
                room,
                after,
                recent,
                reply,
            })
            .await
            .unwrap_or_else(|state| Err(RequestError::State(state).into()))?;
        let events = RoomEvents::new(self.handle.clone(), &membership.room, membership.events);
        Ok((
            RoomSession {
                handle: self.handle.clone(),
                room: membership.room,
            },
            events,
            membership.recent,
        ))
    }

    /// The one room that carries exactly this name.
    async fn find(&self, name: &str) -> Result<RoomUri, JoinError> {
        let found = self.browse(name).await?;
        let (mut exact, mut others): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|room| room.name.to_lowercase() == name.to_lowercase());
        match exact.len() {
            1 => Ok(exact.swap_remove(0).uri),
            0 => {
                others.truncate(CANDIDATES);
                Err(JoinError::NotFound {
                    name: name.to_owned(),
                    candidates: others,
                })
            }
            _ => {
                exact.truncate(CANDIDATES);
                Err(JoinError::Ambiguous {
                    name: name.to_owned(),
                    candidates: exact,
                })
            }
        }
    }
}
