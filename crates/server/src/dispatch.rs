//! What one INFO asks: commands that are answered at once, commands that somebody else answers, and posts.
//! Sign-in and dialogs are left to the session, order and storage to the room.

mod history;
mod joining;
mod lookups;
mod posting;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parlor_rooms::EndpointId;
use parlor_sip::StatusCode;
use parlor_xccos::{
    Command, CommandName, CommandRef, Envelope, ErrorCode, InvalidPrimitive, NumberedCommand, Primitive,
    PrimitiveKind, Reply, ReplyData, RoomId, SipUri,
};

use crate::registry::{Busy, Seat};
use crate::service::Service;
use crate::sessions::CountedDialog;
use crate::ticket::{Pending, Ticket};
use crate::wire::Endpoint;

/// Bytes of replies to one INFO after which its further commands are refused. A list of rooms may take most of a
/// mebibyte, and no client asks for two in one document.
const REPLY_BYTES: usize = 1 << 20;

/// A chat dialog: who speaks in it, and where that user sits. Dropping it leaves every room.
#[derive(Debug)]
pub(crate) struct ChatDialog {
    pub(crate) user: SipUri,
    pub(crate) display_name: String,
    pub(crate) endpoint: EndpointId,
    pub(crate) rooms: HashMap<RoomId, Seat>,
    pub(crate) _counted: CountedDialog,
}

/// What an INFO is answered with, and what follows it in INFOs of our own.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) replies: Vec<Bytes>,
}

/// One INFO at work.
pub(crate) struct Dispatch<'a> {
    service: &'a Arc<Service>,
    chat: &'a mut ChatDialog,
    at: Endpoint,
    pending: &'a Arc<Pending>,
    replies: Vec<Bytes>,
    /// Of `replies`.
    reply_bytes: usize,
}

impl<'a> Dispatch<'a> {
    pub(crate) fn new(
        service: &'a Arc<Service>,
        chat: &'a mut ChatDialog,
        at: Endpoint,
        pending: &'a Arc<Pending>,
    ) -> Self {
        Self {
            service,
            chat,
            at,
            pending,
            replies: Vec::new(),
            reply_bytes: 0,
        }
    }

    /// Works through an envelope. `limit` is how many replies the connection may wait for: an INFO that would exceed it
    /// is not touched and answered 503, so that it can be sent again as it is, or 413 when that would never help.
    pub(crate) fn envelope(mut self, envelope: Envelope, limit: usize) -> Answer {
        if envelope.items.len() > limit {
            return Answer {
                status: StatusCode::REQUEST_ENTITY_TOO_LARGE,
                replies: Vec::new(),
            };
        }
        if self.pending.count() + envelope.items.len() > limit {
            return Answer {
                status: StatusCode::SERVICE_UNAVAILABLE,
                replies: Vec::new(),
            };
        }
        let posts = envelope
            .items
            .iter()
            .filter(|item| matches!(item, Primitive::Post(_)))
            .count();
        if posts > 1 {
            // Clients read one post per INFO and so do we; which one failed could not be said.
            return Answer {
                status: StatusCode::BAD_REQUEST,
                replies: Vec::new(),
            };
        }
        let mut status = StatusCode::OK;
        for item in envelope.items {
            let outcome = match item {
                Primitive::Command(NumberedCommand { seq, command }) => {
                    let name = command.name();
                    let to = CommandRef {
                        envelope: envelope.id,
                        seq,
                    };
                    self.command(command, name, to)
                }
                Primitive::Post(post) => {
                    let to = CommandRef {
                        envelope: envelope.id,
                        seq: post.seq,
                    };
                    self.post(post.post, to)
                }
                Primitive::Invalid(invalid) => {
                    let to = CommandRef {
                        envelope: envelope.id,
                        seq: invalid.seq,
                    };
                    self.invalid(&invalid, to)
                }
                // Replies and notices are ours to send; what is unknown may come from a newer client.
                _ => StatusCode::OK,
            };
            if !outcome.is_success() {
                status = outcome;
            }
        }
        Answer {
            status,
            replies: self.replies,
        }
    }

    fn command(&mut self, command: Command, name: CommandName, to: CommandRef) -> StatusCode {
        let outcome = match command {
            _ if self.reply_bytes > REPLY_BYTES => self.fail(
                name,
                to,
                ErrorCode::LimitExceeded,
                Some(&"too much for one message"),
            ),
            Command::RequestUri => self.reply(name, to, ReplyData::Uri(self.service.config.chat_uri.clone())),
            Command::ServerInfo { mask, .. } => self.server_info(mask, name, to),
            Command::Associations { role, limit, .. } => self.associations(role, limit, name, to),
            Command::Search(search) => self.search(search, name, to),
            // Memberships are granted by the operator only so far, which invites nobody.
            Command::Invitations { .. } => self.reply(name, to, ReplyData::Invitations(Vec::new())),
            Command::Join(room) => self.join(&room, name, to),
            Command::BatchJoin(rooms) => self.batch_join(rooms, name, to),
            Command::Part(room) => self.part(&room, name, to),
            Command::Participants(room) => self.participants(&room, name, to),
            Command::Backchat { room, count } => self.backchat(&room, count, name, to),
            Command::HistoryAfter { room, after, limit } => self.history_after(&room, after, limit, name, to),
            Command::PreferenceFetch {
                label,
                sequence,
                create_default,
            } => self.fetch_preference(label, sequence, create_default, name, to),
            Command::PreferenceStore(preference) => self.store_preference(preference, name, to),
            _ => self.fail(name, to, ErrorCode::MessageNotSupported, None),
        };
        match outcome {
            Ok(()) => StatusCode::OK,
            Err(Busy) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn invalid(&mut self, invalid: &InvalidPrimitive, to: CommandRef) -> StatusCode {
        let (name, status) = match invalid.kind {
            PrimitiveKind::Command => (CommandName::from_wire(&invalid.name), StatusCode::OK),
            // A client that cannot read error replies still sees that its post was not taken.
            PrimitiveKind::Post => (CommandName::GroupChat, StatusCode::BAD_REQUEST),
            PrimitiveKind::Reply | PrimitiveKind::Notice => return StatusCode::OK,
        };
        tracing::debug!(%name, fault = %invalid.fault, "unreadable");
        let _ = self.fail(name, to, ErrorCode::InvalidArgument, Some(&invalid.fault));
        status
    }

    /// Answers at once.
    fn reply(&mut self, name: CommandName, to: CommandRef, data: ReplyData) -> Result<(), Busy> {
        self.answer(&Reply::ok(name, to, data));
        Ok(())
    }

    /// Answers at once with an error.
    fn fail(
        &mut self,
        name: CommandName,
        to: CommandRef,
        error: ErrorCode,
        detail: Option<&dyn std::fmt::Display>,
    ) -> Result<(), Busy> {
        let mut reply = Reply::failed(name, to, error);
        if let Some(detail) = detail {
            reply.text = format!("{}: {detail}", error.token());
        }
        self.answer(&reply);
        Ok(())
    }

    fn answer(&mut self, reply: &Reply) {
        let body = self.service.wire.reply(reply);
        self.reply_bytes += body.len();
        self.replies.push(body);
    }

    /// The duty to answer later; whoever is given it answers.
    fn ticket(&self, name: CommandName, to: CommandRef) -> Ticket {
        Ticket::new(
            name,
            to,
            self.at.clone(),
            Arc::clone(&self.service.wire),
            Arc::clone(self.pending),
        )
    }
}
