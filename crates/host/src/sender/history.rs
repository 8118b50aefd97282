//! Whether a post is in its room already, for a server that does not keep post keys.

use parlor_client::RequestError;
use parlor_xccos::{MessageId, Post};

use super::Sender;
use crate::state::OutboxRow;

/// Posts looked through; the most a server of this kind tells (facts B4).
const RECENT: u32 = 500;
/// How far the server's clock may be behind this one, in milliseconds.
const SKEW: i64 = 5 * 60 * 1000;

/// What the history says about a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trace {
    /// It is there; its number, when the server gives numbers.
    There(Option<MessageId>),
    /// It is not there.
    Nowhere,
    /// The history does not reach back to the first attempt, or is not shown.
    Untold(String),
}

impl Sender {
    /// Looks for a post of `row` with this text that no other post of the outbox is known to be.
    pub(super) async fn trace(
        &self,
        session: &parlor_client::RoomSession,
        row: &OutboxRow,
        text: &str,
    ) -> Result<Trace, RequestError> {
        let recent = match session.recent_history(RECENT).await {
            Ok(recent) => recent,
            Err(RequestError::Refused(refusal)) => {
                return Ok(Trace::Untold(format!("the history cannot be read: {refusal}")));
            }
            Err(error) => return Err(error),
        };
        let since = row.attempted.unwrap_or(row.created) - SKEW;
        for post in recent.iter().filter(|post| post.timestamp.as_millis() >= since) {
            if post.author != self.user || !same_text(&post.chat, text) {
                continue;
            }
            let Some(id) = post.id else {
                return Ok(Trace::There(None));
            };
            let claimed = || {
                self.ground
                    .state
                    .is_claimed(self.user.to_string(), self.room.clone(), id.0)
            };
            if self.ground.insist(&self.finish, claimed).await == Some(false) {
                return Ok(Trace::There(Some(id)));
            }
        }
        Ok(if reaches_back(&recent, since) {
            Trace::Nowhere
        } else {
            Trace::Untold(format!("more than {RECENT} messages have been posted since"))
        })
    }
}

/// Whether nothing posted since `since` is missing from the newest posts.
fn reaches_back(recent: &[Post], since: i64) -> bool {
    recent.len() < RECENT as usize || recent.iter().any(|post| post.timestamp.as_millis() < since)
}

/// Equal but for line ends and outer spaces, which servers rewrite.
fn same_text(one: &str, other: &str) -> bool {
    let lines = |text: &str| text.trim().replace("\r\n", "\n");
    lines(one) == lines(other)
}
