//! What an instance wants to be told.

use crate::schedule::{Busy, Jitter, Misfire, Schedule};
use crate::{FeedSpec, MailAddress, WebhookSpec};

/// What an instance wants to be told; built up from nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Interests {
    /// Posts by others.
    pub messages: bool,
    /// What others write to the instance's user alone.
    pub private_messages: bool,
    /// Others entering and leaving.
    pub presence: bool,
    /// Times.
    pub schedules: Vec<ScheduleSpec>,
    /// Feeds.
    pub feeds: Vec<FeedSpec>,
    /// Whom it sends mail to; nothing arrives because of them.
    pub mail_to: Vec<MailAddress>,
    /// Webhooks.
    pub webhooks: Vec<WebhookSpec>,
}

impl Interests {
    /// Nothing but [`crate::Event::Started`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Also posts by others in the instance's rooms.
    #[must_use]
    pub fn messages(mut self) -> Self {
        self.messages = true;
        self
    }

    /// Also what others write to the instance's user alone. When several instances of one user want it, each is told.
    #[must_use]
    pub fn private_messages(mut self) -> Self {
        self.private_messages = true;
        self
    }

    /// Also others entering and leaving the instance's rooms.
    #[must_use]
    pub fn presence(mut self) -> Self {
        self.presence = true;
        self
    }

    /// Also the times of a schedule.
    #[must_use]
    pub fn schedule(mut self, schedule: ScheduleSpec) -> Self {
        self.schedules.push(schedule);
        self
    }

    /// Also the items of a feed.
    #[must_use]
    pub fn feed(mut self, feed: FeedSpec) -> Self {
        self.feeds.push(feed);
        self
    }

    /// Leave to send mail to somebody.
    #[must_use]
    pub fn mail_to(mut self, recipient: MailAddress) -> Self {
        self.mail_to.push(recipient);
        self
    }

    /// Also the requests of a webhook.
    #[must_use]
    pub fn webhook(mut self, webhook: WebhookSpec) -> Self {
        self.webhooks.push(webhook);
        self
    }
}

/// A schedule that an instance wants to be woken by.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleSpec {
    /// Its name inside the instance. What has fired is remembered under this name: keep it when the times change.
    pub id: String,
    /// The times.
    pub schedule: Schedule,
    /// What happens with times that passed while the host was away.
    pub misfire: Misfire,
    /// What happens with a time that comes while earlier fires wait to be handled or delivered.
    pub busy: Busy,
    /// How much later than its time it may come, so that what is due together does not come together.
    pub jitter: Jitter,
}

impl From<Schedule> for ScheduleSpec {
    /// A schedule without an id, for [`crate::Blueprint::schedule`], which gives it one.
    fn from(schedule: Schedule) -> Self {
        Self::new(String::new(), schedule)
    }
}

impl ScheduleSpec {
    /// A schedule with the default policies and no jitter.
    pub fn new(id: impl Into<String>, schedule: Schedule) -> Self {
        Self {
            id: id.into(),
            schedule,
            misfire: Misfire::default(),
            busy: Busy::default(),
            jitter: Jitter::default(),
        }
    }

    /// With this misfire policy.
    #[must_use]
    pub fn misfire(mut self, misfire: Misfire) -> Self {
        self.misfire = misfire;
        self
    }

    /// With this rule for times that come while earlier fires wait.
    #[must_use]
    pub fn busy(mut self, busy: Busy) -> Self {
        self.busy = busy;
        self
    }

    /// With this jitter.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }
}
