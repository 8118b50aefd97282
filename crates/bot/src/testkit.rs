//! A test kit for bots: scripted events, a clock that the test moves, posts and state to look at. No network.
//!
//! ```
//! use parlor_bot::prelude::*;
//! use parlor_bot::testkit::TestKit;
//! use serde_json::json;
//! # struct Echo;
//! # impl Bot for Echo {
//! #     const KIND: &'static str = "echo";
//! #     type Settings = parlor_bot::NoSettings;
//! #     fn from_settings(_: Self::Settings, _: &Setup) -> Result<Self, SetupError> { Ok(Self) }
//! #     fn describe(bot: &mut Blueprint<'_, Self>) { bot.messages("Echoes.", Self::echo); }
//! # }
//! # impl Echo {
//! #     async fn echo(&self, context: &mut Context, said: &IncomingMessage) -> Result<(), BotError> {
//! #         context.reply(format!("you said: {}", said.text))
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut kit = TestKit::of::<Echo>(json!({})).rooms(["News"]).start().await.unwrap();
//! kit.message("News", "alice", "hello").await.unwrap();
//! kit.assert_posts(&[("News", "you said: hello")]);
//! # }
//! ```

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parlor_xccos::format;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::schedule::{Outcome, Schedule, Seed};
use crate::{
    BotError, BotKind, Context, DynBot, Effects, Event, FeedItem, FeedSpec, IncomingMessage, Interests,
    Message, MessageId, MessagePart, Presence, PrivateMessage, QueuedPrivate, Room, RoomUri, ScheduleFired,
    Setup, SetupError, SipUri, State,
};

/// One instance of a bot, run by the test.
#[derive(Debug)]
pub struct TestKit {
    kind: BotKind,
    settings: Value,
    setup: Arc<Setup>,
    bot: Box<dyn DynBot>,
    interests: Interests,
    /// By position in `interests.schedules`: until when times have been decided on.
    decided: Vec<DateTime<Utc>>,
    now: DateTime<Utc>,
    state: Arc<State>,
    posts: Vec<Posted>,
    answers: Vec<QueuedPrivate>,
    skipped: Vec<String>,
    last_id: MessageId,
}

/// A post that the bot made.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    /// When.
    pub at: DateTime<Utc>,
    /// Where.
    pub room: Room,
    /// What.
    pub message: Message,
}

/// A [`TestKit`] in the making; see [`TestKit::of`].
#[derive(Debug)]
pub struct TestKitBuilder {
    kind: BotKind,
    settings: Value,
    setup: Setup,
    now: DateTime<Utc>,
    state: State,
}

impl TestKit {
    /// A test of bot `B` with these settings; as `sip:bot@example.com`, in no rooms, on 2026-01-05 (a Monday) at
    /// 09:00 UTC, unless said otherwise.
    pub fn of<B: crate::Bot>(settings: Value) -> TestKitBuilder {
        TestKitBuilder {
            kind: BotKind::of::<B>(),
            settings,
            setup: Setup::new("test", user("bot")),
            now: DateTime::from_timestamp(1_767_603_600, 0).unwrap_or_default(),
            state: State::default(),
        }
    }

    /// Somebody posts in a room. `author` is a SIP URI or the name of a user of `example.com`.
    ///
    /// # Errors
    /// What the handler returned; [`BotError::Tell`] is posted instead, as a host does.
    pub async fn message(&mut self, room: &str, author: &str, text: &str) -> Result<(), BotError> {
        let message = self.incoming(room, author, text);
        self.deliver(Event::Message(message)).await
    }

    /// A post as it would come in now, to be changed and given to [`TestKit::deliver`].
    pub fn incoming(&mut self, room: &str, author: &str, text: &str) -> IncomingMessage {
        self.last_id = MessageId(self.last_id.0 + 1);
        let parts = format::parse(text);
        let title = parts.iter().find_map(|part| match part {
            MessagePart::StoryTitle(title) => Some(title.clone()),
            _ => None,
        });
        let author = user(author);
        IncomingMessage {
            room: self.room(room),
            room_uri: room_uri(),
            author_name: Some(author.user().to_owned()),
            author,
            id: self.last_id,
            sent: self.now,
            alert: false,
            title,
            text: format::display_text(text),
            parts,
            automated: false,
            missed: false,
        }
    }

    /// Somebody writes to the bot alone. `author` is a SIP URI or the name of a user of `example.com`.
    ///
    /// # Errors
    /// As [`TestKit::message`]; [`BotError::Tell`] is answered to the author.
    ///
    /// # Panics
    /// When the bot does not want to be told: a host would not let it know.
    pub async fn private(&mut self, author: &str, text: &str) -> Result<(), BotError> {
        assert!(
            self.wants_private_messages(),
            "the bot has no interest in private messages"
        );
        let from = user(author);
        let message = PrivateMessage {
            from_name: Some(from.user().to_owned()),
            from,
            sent: self.now,
            text: text.to_owned(),
        };
        self.deliver(Event::PrivateMessage(message)).await
    }

    /// Somebody enters a room.
    ///
    /// # Errors
    /// What the handler returned.
    pub async fn joined(&mut self, room: &str, who: &str) -> Result<(), BotError> {
        let presence = self.presence(room, who);
        self.deliver(Event::Joined(presence)).await
    }

    /// Somebody leaves a room.
    ///
    /// # Errors
    /// What the handler returned.
    pub async fn parted(&mut self, room: &str, who: &str) -> Result<(), BotError> {
        let presence = self.presence(room, who);
        self.deliver(Event::Parted(presence)).await
    }

    /// A feed has a new item. With an empty `item.feed` it comes from the bot's first feed.
    ///
    /// # Errors
    /// What the handler returned.
    ///
    /// # Panics
    /// When the bot has no such feed.
    pub async fn feed_item(&mut self, mut item: FeedItem) -> Result<(), BotError> {
        if item.feed.is_empty() {
            item.feed = self
                .interests
                .feeds
                .first()
                .map(|feed| feed.id.clone())
                .unwrap_or_default();
        }
        let known = self.interests.feeds.iter().any(|feed| feed.id == item.feed);
        assert!(known, "the bot has no feed `{}`", item.feed);
        self.deliver(Event::FeedItem(item)).await
    }

    /// Lets time pass. Schedules fire at their times, in order.
    ///
    /// # Errors
    /// What the handler returned first; time stops there.
    pub async fn advance(&mut self, time: Duration) -> Result<(), BotError> {
        let until = self.now + TimeDelta::from_std(time).unwrap_or(TimeDelta::zero());
        self.run_until(until).await
    }

    /// Lets time pass until `time`, written like `2026-03-29T02:30:00Z`.
    ///
    /// # Errors
    /// What the handler returned first; time stops there.
    ///
    /// # Panics
    /// When it is not written so.
    pub async fn advance_to(&mut self, time: &str) -> Result<(), BotError> {
        self.run_until(moment(time)).await
    }

    /// Time passes while nobody runs the bot; then it is made anew and started, with the state it had. Missed times
    /// are decided on by their policies.
    ///
    /// # Panics
    /// When the bot does not accept its settings any more.
    ///
    /// # Errors
    /// What a handler returned.
    pub async fn restart_after(&mut self, downtime: Duration) -> Result<(), BotError> {
        self.now += TimeDelta::from_std(downtime).unwrap_or(TimeDelta::zero());
        let built = self.kind.build(&self.settings, &self.setup);
        self.bot = built.unwrap_or_else(|error| panic!("the bot does not start again: {error}"));
        self.interests = self.bot.interests();
        self.deliver(Event::Started).await?;
        for at in 0..self.interests.schedules.len() {
            let spec = &self.interests.schedules[at];
            let seed = self.seed(at);
            let Some(caught) = spec.catch_up(seed, self.decided[at], self.now) else {
                continue;
            };
            self.decided[at] = caught.decided;
            for decision in caught.decisions {
                if let Outcome::Fires { missed } = decision.outcome {
                    self.fire(at, decision.due, missed).await?;
                }
            }
        }
        Ok(())
    }

    /// Any event.
    ///
    /// # Errors
    /// What the handler returned; its effects are dropped then, as a host does. [`BotError::Tell`] is posted instead.
    pub async fn deliver(&mut self, event: Event) -> Result<(), BotError> {
        let mut context = Context::new(self.now, Arc::clone(&self.setup), Arc::clone(&self.state), &event);
        match self.bot.handle(&event, &mut context).await {
            Ok(()) => {
                self.commit(context.into_effects());
                Ok(())
            }
            Err(BotError::Tell(message)) => {
                let mut telling =
                    Context::new(self.now, Arc::clone(&self.setup), Arc::clone(&self.state), &event);
                telling.reply(message)?;
                self.commit(telling.into_effects());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The posts so far.
    pub fn posts(&self) -> &[Posted] {
        &self.posts
    }

    /// The posts since this was last asked.
    pub fn take_posts(&mut self) -> Vec<Posted> {
        std::mem::take(&mut self.posts)
    }

    /// Takes the posts since the last look and compares them, as a reader sees them.
    ///
    /// # Panics
    /// When they differ.
    #[track_caller]
    pub fn assert_posts(&mut self, expected: &[(&str, &str)]) {
        let posts: Vec<(String, String)> = self
            .take_posts()
            .into_iter()
            .map(|post| (post.room.to_string(), post.message.display_text()))
            .collect();
        let posts: Vec<(&str, &str)> = posts
            .iter()
            .map(|(room, text)| (room.as_str(), text.as_str()))
            .collect();
        assert_eq!(posts, expected);
    }

    /// Takes the answers to people who wrote to the bot alone, and compares them, as these see them. A person is the
    /// name of a user of `example.com`, or a SIP URI.
    ///
    /// # Panics
    /// When they differ.
    #[track_caller]
    pub fn assert_answers(&mut self, expected: &[(&str, &str)]) {
        let answers: Vec<(SipUri, String)> = std::mem::take(&mut self.answers)
            .into_iter()
            .map(|answer| (answer.to, answer.message.plain_text()))
            .collect();
        let expected: Vec<(SipUri, String)> = expected
            .iter()
            .map(|(name, text)| (user(name), (*text).to_owned()))
            .collect();
        assert_eq!(answers, expected);
    }

    /// The reasons that the bot gave for posting nothing.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// What the bot remembers under `key`.
    ///
    /// # Panics
    /// When it is not a `T`.
    pub fn state<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value = self.state.get(key)?;
        Some(T::deserialize(value).unwrap_or_else(|error| panic!("state `{key}` is {value}: {error}")))
    }

    /// All that the bot remembers.
    pub fn all_state(&self) -> &State {
        &self.state
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Whether the bot is told what people write to it alone.
    pub fn wants_private_messages(&self) -> bool {
        self.interests.private_messages
    }

    /// The feeds that the bot wants.
    pub fn feeds(&self) -> &[FeedSpec] {
        &self.interests.feeds
    }

    /// The schedules that the bot wants, by id.
    pub fn schedules(&self) -> impl Iterator<Item = (&str, &Schedule)> {
        self.interests
            .schedules
            .iter()
            .map(|spec| (spec.id.as_str(), &spec.schedule))
    }

    async fn run_until(&mut self, until: DateTime<Utc>) -> Result<(), BotError> {
        loop {
            let due = self
                .interests
                .schedules
                .iter()
                .zip(&self.decided)
                .enumerate()
                .filter_map(|(at, (spec, decided))| {
                    let due = spec.schedule.next(*decided)?;
                    Some((spec.comes_at(self.seed(at), due), due, at))
                });
            match due.min().filter(|(comes, ..)| *comes <= until) {
                None => {
                    self.now = self.now.max(until);
                    return Ok(());
                }
                Some((comes, due, at)) => {
                    self.now = self.now.max(comes);
                    self.decided[at] = due;
                    if self.interests.schedules[at].schedule.excluded(due).is_none() {
                        self.fire(at, due, 0).await?;
                    }
                }
            }
        }
    }

    fn seed(&self, at: usize) -> Seed {
        Seed::of(self.setup.instance(), &self.interests.schedules[at].id)
    }

    async fn fire(&mut self, at: usize, due: DateTime<Utc>, missed: u32) -> Result<(), BotError> {
        let spec = &self.interests.schedules[at];
        let zone = spec.schedule.zone();
        let fired = ScheduleFired {
            id: spec.id.clone(),
            due,
            zone,
            missed,
        };
        self.deliver(Event::Schedule(fired)).await
    }

    fn commit(&mut self, effects: Effects) {
        let at = self.now;
        self.posts.extend(effects.posts.into_iter().map(|post| Posted {
            at,
            room: post.room,
            message: post.message,
        }));
        self.answers.extend(effects.private);
        self.skipped.extend(effects.skipped);
        Arc::make_mut(&mut self.state).apply(effects.state);
    }

    fn presence(&self, room: &str, who: &str) -> Presence {
        let user = user(who);
        let user_name = Some(user.user().to_owned());
        Presence {
            room: self.room(room),
            room_uri: room_uri(),
            user,
            user_name,
        }
    }

    fn room(&self, name: &str) -> Room {
        let room = self.setup.rooms().iter().find(|room| room.is(name));
        room.cloned()
            .unwrap_or_else(|| panic!("`{name}` is not one of the test's rooms"))
    }
}

impl TestKitBuilder {
    /// In these rooms.
    #[must_use]
    pub fn rooms<R: AsRef<str>>(mut self, rooms: impl IntoIterator<Item = R>) -> Self {
        self.setup = self.setup.with_rooms(rooms.into_iter().map(Room::new));
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
            skipped: Vec::new(),
            last_id: MessageId(0),
        };
        if let Err(error) = kit.deliver(Event::Started).await {
            panic!("the bot does not start: {error}");
        }
        Ok(kit)
    }
}

fn user(name: &str) -> SipUri {
    let uri = if name.starts_with("sip:") {
        name.to_owned()
    } else {
        format!("sip:{name}@example.com")
    };
    uri.parse()
        .unwrap_or_else(|error| panic!("`{uri}` is no SIP URI: {error}"))
}

fn room_uri() -> RoomUri {
    let uri = "ma-chan://example.com/11111111-1111-4111-8111-111111111111";
    uri.parse()
        .unwrap_or_else(|error| panic!("`{uri}` is no room URI: {error}"))
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse()
        .unwrap_or_else(|error| panic!("`{text}` is no time like 2026-03-29T02:30:00Z: {error}"))
}
