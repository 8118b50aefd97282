//! What was said and not sent yet, in the instance's state: one key for each post, so that a post costs one small row.

use parlor_bot::prelude::*;
use parlor_bot::{RoomUri, SipUri};

/// The most that is kept of a post's text, in bytes: a mail is a digest, and the room is a click away.
const MAX_TEXT: usize = 1000;
/// The same for titles and display names.
const MAX_TITLE: usize = 200;

const PREFIX: &str = "digest/";

/// A post as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) room: Room,
    pub(crate) room_uri: RoomUri,
    pub(crate) author: String,
    pub(crate) author_uri: SipUri,
    pub(crate) sent: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    pub(crate) text: String,
    pub(crate) alert: bool,
    pub(crate) bot: bool,
}

impl Kept {
    fn of(said: &IncomingMessage) -> Self {
        let author = said.author_name.as_deref().unwrap_or_else(|| said.author.user());
        Self {
            room: said.room.clone(),
            room_uri: said.room_uri.clone(),
            author: cut(author, MAX_TITLE),
            author_uri: said.author.clone(),
            sent: said.sent,
            title: said.title.as_deref().map(|title| cut(title, MAX_TITLE)),
            text: cut(&said.text, MAX_TEXT),
            alert: said.alert,
            bot: said.automated,
        }
    }
}

fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(limit - '…'.len_utf8())];
    format!("{}…", kept.trim_end())
}

/// What one digest has collected since it was sent last.
#[derive(Debug)]
pub(crate) struct Collected {
    name: String,
    range: Range,
}

/// The numbers of the posts that are kept, and what else is known of them.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Range {
    first: u64,
    next: u64,
    /// Posts that did not fit.
    dropped: u64,
    /// When an instant digest is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<DateTime<Utc>>,
}

impl Collected {
    pub(crate) fn of(name: &str, context: &Context) -> Result<Self, BotError> {
        Ok(Self {
            range: context.state(&format!("{PREFIX}{name}"))?.unwrap_or_default(),
            name: name.to_owned(),
        })
    }

    /// The digests for which something was kept.
    pub(crate) fn names(context: &Context) -> Vec<String> {
        let keys = context.state_keys(PREFIX);
        let names = keys.iter().filter_map(|key| key.strip_prefix(PREFIX));
        names.map(str::to_owned).collect()
    }

    /// Keeps a post; the oldest goes when there are more than `limit`.
    pub(crate) fn add(
        &mut self,
        said: &IncomingMessage,
        limit: usize,
        context: &mut Context,
    ) -> Result<(), BotError> {
        while self.range.next - self.range.first >= limit as u64 {
            context.clear_state(&self.key(self.range.first));
            self.range.first += 1;
            self.range.dropped += 1;
        }
        context.set_state(&self.key(self.range.next), &Kept::of(said))?;
        self.range.next += 1;
        Ok(())
    }

    /// Writes down what has changed.
    pub(crate) fn keep(&self, context: &mut Context) -> Result<(), BotError> {
        context.set_state(&format!("{PREFIX}{}", self.name), &self.range)
    }

    /// Posts that are kept, and those that did not fit.
    pub(crate) fn total(&self) -> u64 {
        self.range.next - self.range.first + self.range.dropped
    }

    /// Posts that did not fit.
    pub(crate) fn dropped(&self) -> u64 {
        self.range.dropped
    }

    /// When it is sent, if it has such a time.
    pub(crate) fn due(&self) -> Option<DateTime<Utc>> {
        self.range.due
    }

    /// When it is sent: at `time`, unless it has a time already.
    pub(crate) fn due_by(&mut self, time: DateTime<Utc>) -> DateTime<Utc> {
        *self.range.due.get_or_insert(time)
    }

    /// The posts that are kept, oldest first.
    pub(crate) fn posts(&self, context: &Context) -> Result<Vec<Kept>, BotError> {
        let numbers = self.range.first..self.range.next;
        let posts = numbers.map(|number| context.state(&self.key(number)));
        Ok(posts
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// Forgets all of it.
    pub(crate) fn forget(self, context: &mut Context) {
        for number in self.range.first..self.range.next {
            context.clear_state(&self.key(number));
        }
        context.clear_state(&format!("{PREFIX}{}", self.name));
    }

    fn key(&self, number: u64) -> String {
        format!("post/{}/{number}", self.name)
    }
}
