//! Questions of chat clients that wait for the store: histories and preferences.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parlor_rooms::{MAX_READ, Store, StoreError, StoredPost};
use parlor_xccos::{ErrorCode, MessageId, Post, Preference, ReplyData, RoomUri, SipUri};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::lanes::Lanes;
use crate::registry::Busy;
use crate::ticket::Ticket;

/// The store reads in parallel as far as there are cores; more lanes only queue inside it.
const LANES: usize = 4;
/// Bytes of text in one history reply; clients take documents of 1 MiB, and escaping can double a text.
const HISTORY_BYTES: usize = 384 * 1024;
/// What a post takes besides its texts: addresses, names, element names.
const POST_BYTES: usize = 512;

/// A question to the store.
#[derive(Debug)]
pub(crate) enum Query {
    /// The last posts of a room.
    Last { room: RoomUri, count: usize },
    /// The posts of a room after an id.
    After {
        room: RoomUri,
        after: MessageId,
        limit: usize,
    },
    /// A preference bundle.
    Preference {
        user: SipUri,
        label: String,
        known: i64,
        create_default: bool,
    },
    /// A new preference bundle.
    StorePreference { user: SipUri, preference: Preference },
}

/// The way to the store for questions.
#[derive(Debug)]
pub(crate) struct Queries {
    lanes: Lanes,
    store: Arc<dyn Store>,
}

impl Queries {
    /// Starts the lanes; they end with `stopping`.
    pub(crate) fn start(store: &Arc<dyn Store>, tasks: &TaskTracker, stopping: &CancellationToken) -> Self {
        Self {
            lanes: Lanes::start(LANES, tasks, stopping),
            store: Arc::clone(store),
        }
    }

    /// Queues a query of `user`; `ticket` makes the ticket once there is place.
    pub(crate) fn ask(
        &self,
        user: &SipUri,
        query: Query,
        ticket: impl FnOnce() -> Ticket,
    ) -> Result<(), Busy> {
        self.lanes.give(user, || {
            let (store, ticket) = (Arc::clone(&self.store), ticket());
            async move { answer(&*store, query, ticket).await }
        })
    }
}

async fn answer(store: &dyn Store, query: Query, ticket: Ticket) {
    match run(store, query).await {
        Ok(data) => ticket.reply(data),
        Err(error) => {
            tracing::warn!(%error, "a query failed");
            ticket.fail(code(&error), Some(&error));
        }
    }
}

fn code(error: &StoreError) -> ErrorCode {
    match error {
        StoreError::TooMany { .. } => ErrorCode::LimitExceeded,
        StoreError::NulCharacter => ErrorCode::InvalidArgument,
        StoreError::UnknownRoom(_) => ErrorCode::NoSuchNode,
        _ => ErrorCode::DatabaseConnection,
    }
}

async fn run(store: &dyn Store, query: Query) -> Result<ReplyData, StoreError> {
    match query {
        Query::Last { room, count } => {
            let mut posts = store.last(room.room(), count).await?;
            // What does not fit is the oldest.
            let kept = fitting(posts.iter().rev());
            let exceeded = kept < posts.len();
            posts.drain(..posts.len() - kept);
            Ok(history(room, posts, exceeded))
        }
        Query::After { room, after, limit } => {
            let limit = limit.clamp(1, MAX_READ - 1);
            let mut posts = store.after(room.room(), after, limit + 1).await?;
            let kept = fitting(posts.iter()).min(limit);
            let exceeded = kept < posts.len();
            posts.truncate(kept);
            Ok(history(room, posts, exceeded))
        }
        Query::Preference {
            user,
            label,
            known,
            create_default,
        } => {
            let mut stored = store.preference(user.clone(), label.clone()).await?;
            if stored.is_none() && create_default {
                let sequence = store.put_preference(user, label.clone(), String::new()).await?;
                stored = Some(parlor_rooms::Preference {
                    sequence,
                    content: String::new(),
                });
            }
            let preference = match stored {
                Some(stored) if stored.sequence == known => Preference {
                    label,
                    sequence: stored.sequence,
                    content: None,
                },
                Some(stored) => Preference {
                    label,
                    sequence: stored.sequence,
                    // What is stored was encoded here; anything else is as good as nothing.
                    content: Some(STANDARD.decode(&stored.content).unwrap_or_default().into()),
                },
                None => Preference {
                    label,
                    sequence: 0,
                    content: None,
                },
            };
            Ok(ReplyData::Preference(preference))
        }
        Query::StorePreference { user, preference } => {
            let content = STANDARD.encode(preference.content.unwrap_or_default());
            let sequence = store
                .put_preference(user, preference.label.clone(), content)
                .await?;
            Ok(ReplyData::Preference(Preference {
                label: preference.label,
                sequence,
                content: None,
            }))
        }
    }
}

fn history(room: RoomUri, posts: Vec<StoredPost>, exceeded: bool) -> ReplyData {
    let posts: Vec<Post> = posts
        .into_iter()
        .map(|post| post.into_post(room.clone()))
        .collect();
    ReplyData::History {
        room,
        posts,
        total: None,
        exceeded,
    }
}

/// How many posts fit one reply; at least one, so that a reader gets past the largest.
fn fitting<'a>(posts: impl Iterator<Item = &'a StoredPost>) -> usize {
    let mut bytes = 0;
    let mut kept = 0;
    for post in posts {
        bytes += POST_BYTES + post.chat.len() + post.rtf.as_ref().map_or(0, String::len);
        if bytes > HISTORY_BYTES && kept > 0 {
            break;
        }
        kept += 1;
    }
    kept
}
