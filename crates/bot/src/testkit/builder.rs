//! A test of a bot in the making.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::TestKit;
use super::happenings::user;
use super::time::moment;
use crate::{BotError, BotKind, Event, MessageId, Room, Setup, SetupError, State};

/// A [`TestKit`] in the making; see [`TestKit::of`].
#[derive(Debug)]
pub struct TestKitBuilder {
    kind: BotKind,
    settings: Value,
    setup: Setup,
    now: DateTime<Utc>,
    state: State,
}

impl TestKitBuilder {
    pub(super) fn new(kind: BotKind, settings: Value) -> Self {
        Self {
            kind,
            settings,
            setup: Setup::new("test", user("bot")),
            now: DateTime::from_timestamp(1_767_603_600, 0).unwrap_or_default(),
            state: State::default(),
        }
    }

    /// In these rooms.
    #[must_use]
    pub fn rooms<R: AsRef<str>>(mut self, rooms: impl IntoIterator<Item = R>) -> Self {
        self.setup = self.setup.with_rooms(rooms.into_iter().map(Room::new));
        self
    }

    /// On a host that can remove messages.
    #[must_use]
    pub fn can_remove(mut self) -> Self {
        self.setup = self.setup.with_removal(true);
        self
    }

    /// Starting at this time, written like `2026-03-29T02:30:00Z`.
    ///
    /// # Panics
    /// When it is not written so.
    #[must_use]
    pub fn at(mut self, time: &str) -> Self {
        self.now = moment(time);
        self
    }

    /// With other surroundings.
    #[must_use]
    pub fn setup(mut self, setup: Setup) -> Self {
        self.setup = setup;
        self
    }

    /// With something remembered from before.
    #[must_use]
    pub fn state(mut self, key: &str, value: Value) -> Self {
        self.state.apply([(key.to_owned(), Some(value))]);
        self
    }

    /// Makes the bot and tells it that it has started.
    ///
    /// # Errors
    /// [`SetupError`] when it does not accept its settings.
    ///
    /// # Panics
    /// When its description is wrong, and when its handler of [`Event::Started`] fails.
    pub async fn start(self) -> Result<TestKit, SetupError> {
        let (kit, started) = self.begin().await?;
        if let Err(error) = started {
            panic!("the bot does not start: {error}");
        }
        Ok(kit)
    }

    /// The same, and leaves it to the caller what a failure of its handler of [`Event::Started`] means.
    ///
    /// # Errors
    /// [`SetupError`] when it does not accept its settings.
    ///
    /// # Panics
    /// When its description is wrong.
    pub async fn begin(self) -> Result<(TestKit, Result<(), BotError>), SetupError> {
        if let Err(mistake) = self.kind.description().check() {
            panic!("the bot describes itself wrongly: {mistake}");
        }
        let bot = self.kind.build(&self.settings, &self.setup)?;
        let interests = bot.interests();
        let mut kit = TestKit {
            kind: self.kind,
            settings: self.settings,
            setup: Arc::new(self.setup),
            bot,
            decided: vec![self.now; interests.schedules.len()],
            interests,
            now: self.now,
            state: Arc::new(self.state),
            posts: Vec::new(),
            answers: Vec::new(),
            mails: Vec::new(),
            removals: Vec::new(),
            skipped: Vec::new(),
            last_id: MessageId(0),
            seen: BTreeMap::new(),
            keys: BTreeSet::new(),
            requests: 0,
            crash: false,
        };
        let started = kit.deliver(Event::Started).await;
        Ok((kit, started))
    }
}
