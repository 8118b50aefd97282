//! Notices for operators: short posts into a room of their own, so that readers never see what is none of their
//! business. They go through the outbox like every post, with a key that says each thing once.

use std::fmt::Display;
use std::sync::Arc;

use parlor_bot::{Message, SipUri};
use tokio::sync::Notify;

use crate::events::excerpt;
use crate::key::post_key;
use crate::state::NewPost;

/// Longest notice, in bytes of its wire form.
const MAX_NOTICE: usize = 2000;

/// The way of one identity into the operators' room.
#[derive(Debug, Clone)]
pub(crate) struct Operators {
    /// Who posts.
    pub(crate) user: SipUri,
    /// The room under which the outbox keeps posts.
    pub(crate) room: String,
    /// The room as configured.
    pub(crate) shown: String,
    /// Wakes the sender.
    pub(crate) bell: Arc<Notify>,
}

impl Operators {
    /// A notice in the name of `instance`; `cause` makes it this one, for ever.
    pub(crate) fn notice(&self, instance: &str, cause: &str, text: impl Display) -> Option<NewPost> {
        let message = Message::text(text.to_string()).shortened(MAX_NOTICE);
        let cause = format!("operators:{cause}");
        Some(NewPost {
            key: post_key(instance, &cause, 0),
            user: self.user.to_string(),
            room: self.room.clone(),
            body: serde_json::to_string(&message).ok()?,
            excerpt: excerpt(&message.display_text()),
            shown: self.shown.clone(),
            ordinal: 0,
            cause,
        })
    }

    pub(crate) fn wake(&self) {
        self.bell.notify_one();
    }
}
