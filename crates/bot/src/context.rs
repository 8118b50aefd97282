//! A handler's only way to act: what it may look at, and the effects it asks for.

mod removal;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::memory::Drafts;
use crate::state::cost;
use crate::{
    BotError, Event, Limits, MAX_STATE_BYTES, MAX_STATE_KEY, Mail, MailAddress, MailError, Message, Room,
    Setup, SipUri, State,
};

pub use removal::{MAX_REASON, QueuedRemoval};

/// The most posts that one event may cause. A handler that wants more is in a loop.
pub const MAX_POSTS_PER_EVENT: usize = 100;

/// The most mails that one event may cause: one to everybody on a distribution list, and no more.
pub const MAX_MAILS_PER_EVENT: usize = 100;

/// The handler's view of the world, and the list of what it wants to happen.
///
/// Nothing here waits or fails because of the network: effects are queued, and committed when the handler returns
/// `Ok`.
#[derive(Debug)]
pub struct Context {
    now: DateTime<Utc>,
    setup: Arc<Setup>,
    room: Option<Room>,
    correspondent: Option<SipUri>,
    state: Arc<State>,
    state_bytes: usize,
    /// What extracted memories have become; see [`crate::Memory`].
    drafts: Drafts,
    effects: Effects,
}

/// What a handler asked for. The host commits it as a whole, or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Effects {
    /// Posts, in the order in which they were asked for; the position is part of the post key.
    pub posts: Vec<QueuedPost>,
    /// What people are written alone, in order.
    pub private: Vec<QueuedPrivate>,
    /// Mails, in order.
    pub mails: Vec<QueuedMail>,
    /// Messages to be taken out of their rooms, in order.
    pub removals: Vec<QueuedRemoval>,
    /// Changed state.
    pub state: BTreeMap<String, Option<Value>>,
    /// Why nothing (or less than expected) was posted, for the log and the ledger.
    pub skipped: Option<String>,
}

/// A post that waits for the handler's success.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedPost {
    /// Where.
    pub room: Room,
    /// What.
    pub message: Message,
}

/// A message to one person that waits for the handler's success.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedPrivate {
    /// To whom.
    pub to: SipUri,
    /// What; the person sees its text.
    pub message: Message,
}

/// A mail that waits for the handler's success; the host keeps it in this form until it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedMail {
    /// To whom.
    pub to: MailAddress,
    /// What.
    #[serde(flatten)]
    pub mail: Mail,
}

/// The key of the state under which the next time to be woken stands, so that it is committed and kept like the rest.
pub(crate) const WAKE: &str = "parlor:wake";

/// Keys that begin so are the host's.
const RESERVED: &str = "parlor:";

/// What a handler may not ask for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum EffectError {
    #[error("`{room}` is not one of this bot's rooms")]
    NotMyRoom { room: String },
    #[error("this event has no room and nobody to reply to")]
    NobodyToReplyTo,
    #[error("this host cannot remove messages: `server_control` in [host] names no server")]
    CannotRemove,
    #[error("more than {MAX_POSTS_PER_EVENT} posts or removals for one event")]
    TooManyPosts,
    #[error("the message is empty")]
    Empty,
    #[error("more than {MAX_MAILS_PER_EVENT} mails for one event")]
    TooManyMails,
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error("state keys that begin with `{RESERVED}` are reserved")]
    ReservedKey,
    #[error("a state key of {bytes} bytes; the limit is {MAX_STATE_KEY}")]
    LongKey { bytes: usize },
    #[error("state of {bytes} bytes; the limit is {MAX_STATE_BYTES}")]
    LargeState { bytes: usize },
    #[error("state `{key}` is not what it was stored as: {problem}")]
    ForeignState { key: String, problem: String },
}

impl Effects {
    /// Whether nothing was asked for that leaves a trace outside the ledger.
    pub fn is_empty(&self) -> bool {
        self.posts.is_empty()
            && self.private.is_empty()
            && self.mails.is_empty()
            && self.removals.is_empty()
            && self.state.is_empty()
    }
}

impl Context {
    /// The context for handling `event` at `now`. Hosts and tests make it; a bot is given it.
    pub fn new(now: DateTime<Utc>, setup: Arc<Setup>, state: Arc<State>, event: &Event) -> Self {
        let state_bytes = state.bytes();
        let mut context = Self {
            now,
            setup,
            room: event.room().cloned(),
            correspondent: event.correspondent().cloned(),
            state,
            state_bytes,
            drafts: Drafts::default(),
            effects: Effects::default(),
        };
        if matches!(event, Event::Woken(_)) {
            // It has come; the handler may ask for the next one.
            context.forget(WAKE);
        }
        context
    }

    /// The time at which this event is handled. Use it instead of the clock: tests move it.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The instance's id in the configuration.
    pub fn instance(&self) -> &str {
        self.setup.instance()
    }

    /// The URI that posts are made as.
    pub fn me(&self) -> &SipUri {
        self.setup.me()
    }

    /// The instance's rooms.
    pub fn rooms(&self) -> &[Room] {
        self.setup.rooms()
    }

    /// How long a post may be.
    pub fn limits(&self) -> Limits {
        self.setup.limits()
    }

    /// Posts in one of the instance's rooms. A message over the room's limit is shortened to it, ending in `…`.
    ///
    /// # Errors
    /// [`BotError::Reject`] when `room` is not one of the instance's rooms, when the message is empty, and from the
    /// hundred-and-first post on.
    pub fn post(&mut self, room: impl AsRef<str>, message: impl Into<Message>) -> Result<(), BotError> {
        let name = room.as_ref();
        let Some(room) = self.setup.rooms().iter().find(|room| room.is(name)).cloned() else {
            return Err(BotError::reject(EffectError::NotMyRoom {
                room: name.to_owned(),
            }));
        };
        let message = message.into().fitted(self.setup.limits());
        if message.is_empty() {
            return Err(BotError::reject(EffectError::Empty));
        }
        if self.effects.posts.len() == MAX_POSTS_PER_EVENT {
            return Err(BotError::reject(EffectError::TooManyPosts));
        }
        self.effects.posts.push(QueuedPost { room, message });
        Ok(())
    }

    /// Posts in all of the instance's rooms.
    ///
    /// # Errors
    /// As [`Context::post`].
    pub fn post_all(&mut self, message: impl Into<Message>) -> Result<(), BotError> {
        let message = message.into();
        let setup = Arc::clone(&self.setup);
        setup
            .rooms()
            .iter()
            .try_for_each(|room| self.post(room, message.clone()))
    }

    /// Answers where the event comes from: in its room, or to the person who wrote to the instance alone. That person
    /// sees the text of the message; links are written out, and it may have the length of an ordinary message.
    ///
    /// # Errors
    /// As [`Context::post`]; also when the event comes from nobody (a time, a feed item).
    pub fn reply(&mut self, message: impl Into<Message>) -> Result<(), BotError> {
        match (self.room.clone(), self.correspondent.clone()) {
            (Some(room), _) => self.post(room, message),
            (None, Some(to)) => self.write_to(&to, message),
            (None, None) => Err(BotError::reject(EffectError::NobodyToReplyTo)),
        }
    }

    /// Writes to one person alone, also to somebody who has not written first. The message is delivered as an answer to
    /// that person would be: at least once, and given up when the person cannot be reached.
    ///
    /// # Errors
    /// [`BotError::Reject`] when the message is empty, and from the hundred-and-first on.
    pub fn write_to(&mut self, person: &SipUri, message: impl Into<Message>) -> Result<(), BotError> {
        let message = message.into().shortened(self.setup.limits().message);
        if message.is_empty() {
            return Err(BotError::reject(EffectError::Empty));
        }
        if self.effects.private.len() == MAX_POSTS_PER_EVENT {
            return Err(BotError::reject(EffectError::TooManyPosts));
        }
        let to = person.clone();
        self.effects.private.push(QueuedPrivate { to, message });
        Ok(())
    }

    /// Sends a mail to one person; for several it is called for each. The host sends it when this handler has succeeded, and
    /// again when it does not know whether it arrived, always under the same Message-ID: so it arrives at least once.
    /// The host takes only recipients that the bot has declared ([`crate::Blueprint::mail_to`]), from its settings, and
    /// those that its own configuration allows; an event with another one is set aside.
    ///
    /// # Errors
    /// [`BotError::Reject`] when the mail cannot be sent as it is ([`Mail::check`]), and from the hundred-and-first on.
    pub fn mail(&mut self, to: &MailAddress, mail: Mail) -> Result<(), BotError> {
        mail.check()
            .map_err(|problem| BotError::reject(EffectError::Mail(problem)))?;
        if self.effects.mails.len() == MAX_MAILS_PER_EVENT {
            return Err(BotError::reject(EffectError::TooManyMails));
        }
        let to = to.clone();
        self.effects.mails.push(QueuedMail { to, mail });
        Ok(())
    }

    /// Says why this event leads to no post; the operator finds it in the log. It always succeeds, so that a handler
    /// can end with it: `return context.skip("no such ticket")`.
    ///
    /// # Errors
    /// None.
    pub fn skip(&mut self, reason: impl Into<String>) -> Result<(), BotError> {
        self.effects.skipped = Some(reason.into());
        Ok(())
    }

    /// What was remembered under `key`.
    ///
    /// # Errors
    /// [`BotError::Reject`] when what is stored cannot be read as `T`: a bot that changes its type uses another key.
    pub fn state<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, BotError> {
        let value = match self.effects.state.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.state.get(key),
        };
        let Some(value) = value else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|problem| {
            BotError::reject(EffectError::ForeignState {
                key: key.to_owned(),
                problem: problem.to_string(),
            })
        })
    }

    /// Remembers `value` under `key`, for this instance, across restarts.
    ///
    /// # Errors
    /// [`BotError::Reject`] when the value has no JSON form, or key or state become too large
    /// ([`MAX_STATE_KEY`], [`MAX_STATE_BYTES`]).
    pub fn set_state<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), BotError> {
        if key.starts_with(RESERVED) {
            return Err(BotError::reject(EffectError::ReservedKey));
        }
        self.set_value(key, serde_json::to_value(value).map_err(BotError::reject)?)
    }

    fn set_value(&mut self, key: &str, value: Value) -> Result<(), BotError> {
        if key.len() > MAX_STATE_KEY {
            return Err(BotError::reject(EffectError::LongKey { bytes: key.len() }));
        }
        let bytes = self.state_bytes - self.held(key) + cost(key, &value);
        if bytes > MAX_STATE_BYTES {
            return Err(BotError::reject(EffectError::LargeState { bytes }));
        }
        self.state_bytes = bytes;
        self.effects.state.insert(key.to_owned(), Some(value));
        Ok(())
    }

    /// Where extracted memories leave what they have become.
    pub(crate) fn drafts(&self) -> Drafts {
        self.drafts.clone()
    }

    /// Takes over what extracted memories have become, after the handler's success.
    pub(crate) fn settle(&mut self) -> Result<(), BotError> {
        self.drafts
            .take()
            .into_iter()
            .try_for_each(|(key, value)| self.set_value(key, value.map_err(BotError::reject)?))
    }

    /// Asks for [`Event::Woken`] at `at`, or at once if that has passed; also after a restart. An earlier time that was asked
    /// for already stays: whoever is woken looks what is due and asks for the next.
    ///
    /// # Errors
    /// [`BotError::Reject`] when the state has no room for it.
    pub fn wake_at(&mut self, at: DateTime<Utc>) -> Result<(), BotError> {
        // The time names the event, and what it causes: no two have the same.
        let at = at.max(self.now + TimeDelta::milliseconds(1));
        let asked: Option<DateTime<Utc>> = self.state(WAKE)?;
        let at = asked.map_or(at, |asked| asked.min(at));
        self.set_value(WAKE, serde_json::to_value(at).map_err(BotError::reject)?)
    }

    /// Forgets what was remembered under `key`.
    pub fn clear_state(&mut self, key: &str) {
        if !key.starts_with(RESERVED) {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: &str) {
        self.state_bytes -= self.held(key);
        self.effects.state.insert(key.to_owned(), None);
    }

    /// The keys under which something is remembered and that start with `prefix`, in order.
    pub fn state_keys(&self, prefix: &str) -> Vec<String> {
        let mut keys: Vec<String> = self
            .state
            .iter()
            .map(|(key, _)| key)
            .filter(|key| !self.effects.state.contains_key(*key))
            .chain(
                self.effects
                    .state
                    .iter()
                    .filter(|(_, value)| value.is_some())
                    .map(|(key, _)| key.as_str()),
            )
            .filter(|key| key.starts_with(prefix) && !key.starts_with(RESERVED))
            .map(str::to_owned)
            .collect();
        keys.sort_unstable();
        keys
    }

    /// All that the instance remembers, without what this event has changed. For adapters to bots of another kind.
    pub fn all_state(&self) -> &Arc<State> {
        &self.state
    }

    /// What was asked for. For hosts and tests, after the handler has returned.
    pub fn into_effects(self) -> Effects {
        self.effects
    }

    /// What the current value of `key` counts for.
    fn held(&self, key: &str) -> usize {
        let value = match self.effects.state.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.state.get(key),
        };
        value.map_or(0, |value| cost(key, value))
    }
}
