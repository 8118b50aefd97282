//! What was said in a room, saying something on behalf of a user, and listening in.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use parlor_rooms::{Draft, MAX_READ, PostLimits, StoredPost};
use parlor_xccos::Post;
use tokio::sync::{mpsc, oneshot};

use super::{Answer, Shared, find_room};
use crate::control::error::ControlError;
use crate::control::{HistoryQuery, LiveEvent, PostMessage, PostView, Posted};
use crate::room_task::{PostAnswer, Watcher};
use crate::service::now;

/// Posts shown when no number is given.
const SHOWN: usize = 20;
/// Events that wait for a slow reader before it misses some.
const LIVE_QUEUE: usize = 256;
/// How long an operator waits for a post: the store's worst commit.
const POST_DEADLINE: Duration = Duration::from_secs(20);

pub(super) async fn history(
    State(service): Shared,
    Path(room): Path<String>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Answer<Vec<PostView>> {
    let Query(query) = query?;
    let id = find_room(&service.directory.read(), &room)?.id;
    let count = query.last.unwrap_or(SHOWN).min(MAX_READ);
    let posts: Vec<StoredPost> = match (query.after, query.before) {
        (Some(after), _) => service.store.after(id, after, count).await?,
        (None, Some(before)) => service.store.before(id, before, count).await?,
        (None, None) => service.store.last(id, count).await?,
    };
    let uri = service.base.sibling(id);
    Ok(Json(
        posts
            .into_iter()
            .filter_map(|post| PostView::of(post.into_post(uri.clone())))
            .collect(),
    ))
}

pub(super) async fn create(
    State(service): Shared,
    Path(room): Path<String>,
    body: Result<Json<PostMessage>, JsonRejection>,
) -> Answer<Posted> {
    let Json(message) = body?;
    let (id, author_name) = {
        let directory = service.directory.read();
        let user = directory
            .user(&message.author)
            .ok_or_else(|| ControlError::missing("user", message.author.as_str()))?;
        (find_room(&directory, &room)?.id, user.display_name.clone())
    };
    let mut post = Post::new(service.base.sibling(id), message.author, now(), message.text);
    post.author_name = (!author_name.is_empty()).then_some(author_name);
    post.alert = message.alert;
    post.key = message.key;
    let limits = &service.config.limits;
    let limits = PostLimits {
        message: limits.message_bytes,
        story: limits.story_bytes,
    };
    let draft = Draft::check(post, &limits)?;
    let (answer, posted) = oneshot::channel();
    let entry = service
        .rooms
        .enter(&service, id)
        .map_err(|_| ControlError::Busy)?;
    entry.post(draft, PostAnswer::Operator(answer));
    let posted = tokio::time::timeout(POST_DEADLINE, posted).await;
    let posted = posted
        .map_err(|_| ControlError::Abandoned)?
        .map_err(|_| ControlError::Abandoned)?;
    Ok(Json(posted?))
}

pub(super) async fn live(State(service): Shared, Path(room): Path<String>) -> Result<Response, ControlError> {
    let id = find_room(&service.directory.read(), &room)?.id;
    let (sender, events) = mpsc::channel(LIVE_QUEUE);
    let entry = service
        .rooms
        .enter(&service, id)
        .map_err(|_| ControlError::Busy)?;
    entry.watch(Watcher::new(sender));
    let lines = LiveLines {
        events,
        stopping: Box::pin(service.stopping.clone().cancelled_owned()),
    };
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], Body::new(lines)).into_response())
}

type Stopping = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Events as lines of JSON, until the reader or the server goes.
struct LiveLines {
    events: mpsc::Receiver<LiveEvent>,
    stopping: Stopping,
}

impl hyper::body::Body for LiveLines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.stopping.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        self.events.poll_recv(context).map(|event| {
            let mut line = serde_json::to_vec(&event?).ok()?;
            line.push(b'\n');
            Some(Ok(Frame::data(line.into())))
        })
    }
}
