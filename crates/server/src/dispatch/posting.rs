//! Posts, up to the room's queue. The SIP answer says what needs no wait (design, section 3): 200 taken, 403 not joined
//! or not the author, 413 too long, 503 queue full, 400 unreadable. The rest is the room's.

use parlor_rooms::{Draft, PostLimits, Refusal};
use parlor_sip::StatusCode;
use parlor_xccos::{CommandName, CommandRef, ErrorCode, Post};

use super::Dispatch;
use crate::refusals::NotPosted;

impl Dispatch<'_> {
    pub(super) fn post(&mut self, mut post: Post, to: CommandRef) -> StatusCode {
        if post.author != self.chat.user {
            self.service.counters.refusals.posts(NotPosted::Author, 1);
            return self.refuse(
                to,
                &"the author is somebody else",
                ErrorCode::Permission,
                StatusCode::FORBIDDEN,
            );
        }
        let room = post.room.room();
        let here = post.room == self.service.base.sibling(room);
        if !self
            .chat
            .rooms
            .get(&room)
            .is_some_and(|seat| here && !seat.is_lost())
        {
            let refusal = Refusal::NotJoined;
            self.service.counters.refusals.posts((&refusal).into(), 1);
            return self.refuse(to, &refusal, refusal.code(), StatusCode::FORBIDDEN);
        }
        if !self.service.config.post_keys {
            post.key = None;
        }
        post.author_name = (!self.chat.display_name.is_empty()).then(|| self.chat.display_name.clone());
        let limits = &self.service.config.limits;
        let limits = PostLimits {
            message: limits.message_bytes,
            story: limits.story_bytes,
        };
        let draft = match Draft::check(post, &limits) {
            Ok(draft) => draft,
            Err(refusal) => {
                let status = match refusal {
                    Refusal::TooLong { .. } => StatusCode::REQUEST_ENTITY_TOO_LARGE,
                    _ => StatusCode::BAD_REQUEST,
                };
                self.service.counters.refusals.posts((&refusal).into(), 1);
                return self.refuse(to, &refusal, refusal.code(), status);
            }
        };
        let ticket = || self.ticket(CommandName::GroupChat, to);
        match self.chat.rooms.get(&room).map(|seat| seat.post(draft, ticket)) {
            Some(Ok(())) => StatusCode::OK,
            _ => {
                self.service.counters.refusals.posts(NotPosted::Busy, 1);
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn refuse(
        &mut self,
        to: CommandRef,
        reason: &dyn std::fmt::Display,
        error: ErrorCode,
        status: StatusCode,
    ) -> StatusCode {
        tracing::debug!(%reason, "post refused");
        let _ = self.fail(CommandName::GroupChat, to, error, Some(reason));
        status
    }
}
