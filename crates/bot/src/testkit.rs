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
//! assert_eq!(kit.says("alice", "hello").await, ["you said: hello"]);
//! # }
//! ```

mod builder;
mod dialogue;
mod feeds;
mod happenings;
mod time;
mod webhooks;

pub use builder::TestKitBuilder;
pub use dialogue::NotSpoken;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::schedule::Schedule;
use crate::{
    BotError, BotKind, Context, DynBot, Effects, Event, FeedSpec, Interests, Message, MessageId, QueuedMail,
    QueuedPrivate, QueuedRemoval, Room, Setup, SipUri, State, WebhookSpec,
};
use feeds::Seen;
use happenings::user;

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
    mails: Vec<QueuedMail>,
    removals: Vec<QueuedRemoval>,
    skipped: Vec<String>,
    last_id: MessageId,
    seen: Seen,
    /// Keys of requests that were taken, by webhook.
    keys: BTreeSet<(String, String)>,
    requests: u64,
    /// Whether the host dies between the next handler and its commit.
    crash: bool,
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

impl TestKit {
    /// A test of bot `B` with these settings; as `sip:bot@example.com`, in no rooms, on 2026-01-05 (a Monday) at
    /// 09:00 UTC, unless said otherwise.
    pub fn of<B: crate::Bot>(settings: Value) -> TestKitBuilder {
        TestKitBuilder::new(BotKind::of::<B>(), settings)
    }

    /// The same for a bot of a kind that is no Rust type.
    pub fn of_kind(kind: BotKind, settings: Value) -> TestKitBuilder {
        TestKitBuilder::new(kind, settings)
    }

    /// Any event.
    ///
    /// # Errors
    /// What the handler returned; its effects are dropped then, as a host does. [`BotError::Tell`] is posted instead.
    pub async fn deliver(&mut self, event: Event) -> Result<(), BotError> {
        if std::mem::take(&mut self.crash) {
            // Whatever the handler did is lost with the process; what it returned nobody learns.
            let _ = self.handle(&event).await;
            self.build_again();
            self.hand_over(&Event::Started).await?;
        }
        self.hand_over(&event).await
    }

    /// Makes the host die at the next event, between its handler and the commit: the handler runs, nothing of it is kept,
    /// the bot is made anew with the state that it had, and is handed the same event once more. A handler that acts on
    /// nothing but its context does not notice.
    pub fn crash_before_commit(&mut self) {
        self.crash = true;
    }

    async fn hand_over(&mut self, event: &Event) -> Result<(), BotError> {
        match self.handle(event).await {
            Ok(effects) => {
                self.commit(effects);
                Ok(())
            }
            Err(BotError::Tell(message)) => {
                let mut telling = self.context(event);
                telling.reply(message)?;
                self.commit(telling.into_effects());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn handle(&mut self, event: &Event) -> Result<Effects, BotError> {
        let mut context = self.context(event);
        self.bot.handle(event, &mut context).await?;
        let effects = context.into_effects();
        match effects
            .mails
            .iter()
            .find(|mail| !self.interests.mail_to.contains(&mail.to))
        {
            Some(mail) => Err(BotError::reject(format!(
                "{} was not declared by `mail_to`",
                mail.to
            ))),
            None => Ok(effects),
        }
    }

    fn context(&self, event: &Event) -> Context {
        Context::new(self.now, Arc::clone(&self.setup), Arc::clone(&self.state), event)
    }

    fn build_again(&mut self) {
        let built = self.kind.build(&self.settings, &self.setup);
        self.bot = built.unwrap_or_else(|error| panic!("the bot does not start again: {error}"));
        self.interests = self.bot.interests();
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
        let answers: Vec<(SipUri, String)> = self
            .take_answers()
            .into_iter()
            .map(|answer| (answer.to, answer.message.plain_text()))
            .collect();
        let expected: Vec<(SipUri, String)> = expected
            .iter()
            .map(|(name, text)| (user(name), (*text).to_owned()))
            .collect();
        assert_eq!(answers, expected);
    }

    /// Takes the mails that the bot sent since the last look.
    pub fn take_mails(&mut self) -> Vec<QueuedMail> {
        std::mem::take(&mut self.mails)
    }

    /// Takes the messages that the bot has had removed since the last look, and compares their rooms, numbers and the
    /// reasons.
    ///
    /// # Panics
    /// When they differ.
    #[track_caller]
    pub fn assert_removals(&mut self, expected: &[(&str, i64, &str)]) {
        let removals = std::mem::take(&mut self.removals);
        let removals: Vec<(&str, i64, &str)> = removals
            .iter()
            .map(|one| (one.room.as_str(), one.id.0, one.reason.as_str()))
            .collect();
        assert_eq!(removals, expected);
    }

    /// The removals so far.
    pub fn removals(&self) -> &[QueuedRemoval] {
        &self.removals
    }

    /// Takes the answers to people who wrote to the bot alone.
    pub fn take_answers(&mut self) -> Vec<QueuedPrivate> {
        std::mem::take(&mut self.answers)
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

    /// The webhooks that the bot wants.
    pub fn webhooks(&self) -> &[WebhookSpec] {
        &self.interests.webhooks
    }

    /// The schedules that the bot wants, by id.
    pub fn schedules(&self) -> impl Iterator<Item = (&str, &Schedule)> {
        self.interests
            .schedules
            .iter()
            .map(|spec| (spec.id.as_str(), &spec.schedule))
    }

    fn commit(&mut self, effects: Effects) {
        let at = self.now;
        self.posts.extend(effects.posts.into_iter().map(|post| Posted {
            at,
            room: post.room,
            message: post.message,
        }));
        self.answers.extend(effects.private);
        self.mails.extend(effects.mails);
        self.removals.extend(effects.removals);
        self.skipped.extend(effects.skipped);
        Arc::make_mut(&mut self.state).apply(effects.state);
    }
}
