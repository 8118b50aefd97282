//! How a bot declares what it hears: one function, run with three intentions.

mod routing;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use routing::{Call, Route};

use crate::handler::{Hook, News, Speech, Start, Time};
use crate::words::{Found, WordSet};
use crate::{
    Arguments, Bot, BotError, CommandDescription, Context, Description, Event, Extract, FeedDigest, FeedItem,
    FeedSpec, Handler, IncomingMessage, Interests, MailAddress, Presence, PrivateMessage, ScheduleFired,
    ScheduleSpec, Trigger, WebhookRequest, WebhookSpec, schema,
};

/// The sign before a command.
pub(crate) const COMMAND_SIGN: char = '!';

/// What a bot hears and which method handles it; the argument of [`Bot::describe`].
///
/// One event is handled by one method: the command it names, else the first declared one that it is for.
///
/// [`Bot::describe`] runs to make the bot's [`Description`], once more to ask an instance for its schedules and
/// feeds, and then for every event, where it costs a comparison for each declaration: nothing is kept between, so
/// nothing can be registered twice.
#[derive(Debug)]
pub struct Blueprint<'a, B> {
    pass: Pass<'a, B>,
}

/// What [`Bot::describe`] is run for.
#[derive(Debug)]
enum Pass<'a, B> {
    Describing(Description),
    Asking(&'a B, Interests),
    Routing(Route<'a, B>),
}

/// A post that holds words of a set; what a handler of [`Blueprint::keywords`] is told.
#[derive(Debug)]
pub struct Heard<'a> {
    /// The post.
    pub said: &'a IncomingMessage,
    /// What was searched: the text, after its title if it is a story.
    pub text: Cow<'a, str>,
    /// The words, in the order in which they end; at least one.
    pub found: Vec<Found>,
}

impl Heard<'_> {
    /// The words that were found, as they are written in the post.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.found.iter().map(|found| &self.text[found.range.clone()])
    }
}

impl<'a, B: Bot> Blueprint<'a, B> {
    pub(crate) fn description() -> Description {
        let mut blueprint = Blueprint::<B> {
            pass: Pass::Describing(Description {
                kind: B::KIND.to_owned(),
                settings: schema::of::<B::Settings>(),
                ..Description::default()
            }),
        };
        B::describe(&mut blueprint);
        match blueprint.pass {
            Pass::Describing(description) => description,
            Pass::Asking(..) | Pass::Routing(_) => Description::default(),
        }
    }

    /// Says what the bot is for, in one sentence.
    pub fn about(&mut self, about: &str) {
        if let Pass::Describing(description) = &mut self.pass {
            about.clone_into(&mut description.about);
        }
    }

    /// Whom the instance sends mail to ([`Context::mail`]): recipients that stand in its settings. A host sends mail to
    /// nobody else, unless its own configuration allows it.
    pub fn mail_to<S>(&mut self, recipients: impl FnOnce(&'a B) -> S)
    where
        S: IntoIterator<Item = MailAddress>,
    {
        if let Pass::Asking(bot, interests) = &mut self.pass {
            interests.mail_to.extend(recipients(bot));
        }
    }

    /// A command: a post `!name`, followed by arguments that fill the fields of `A`, see [`Arguments`]. What does not
    /// fit is told to whoever asked, with the usage. `!help` lists the commands of the bot.
    ///
    /// What is written to an instance alone is a command as well, if it takes [`Blueprint::private_messages`]. Posts by bots
    /// are no commands.
    pub fn command<A, F, X>(&mut self, name: &'static str, about: &'static str, handler: F)
    where
        A: Arguments + 'a,
        F: Handler<'a, B, A, X> + 'a,
        X: Extract<Speech>,
    {
        match &mut self.pass {
            Pass::Describing(description) => {
                description
                    .commands
                    .push(CommandDescription::of::<A>(name, about));
            }
            Pass::Asking(_, interests) => interests.messages = true,
            Pass::Routing(route) => route.command::<A, F, X>(name, about, handler),
        }
    }

    /// Posts by others that are no command of this bot.
    pub fn messages<F, X>(&mut self, about: &str, handler: F)
    where
        F: Handler<'a, B, &'a IncomingMessage, X> + 'a,
        X: Extract<Speech>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Messages, None, about),
            Pass::Asking(_, interests) => interests.messages = true,
            Pass::Routing(route) => {
                if let Event::Message(said) = route.event {
                    route.otherwise(|| said, handler);
                }
            }
        }
    }

    /// Posts by others that hold at least one of these words.
    pub fn keywords<F, X>(&mut self, about: &str, words: impl FnOnce(&'a B) -> &'a WordSet, handler: F)
    where
        F: Handler<'a, B, Heard<'a>, X> + 'a,
        X: Extract<Speech>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Keywords, None, about),
            Pass::Asking(_, interests) => interests.messages = true,
            Pass::Routing(route) => {
                if let Event::Message(said) = route.event
                    && let Some(heard) = heard(said, words(route.bot))
                {
                    route.otherwise(|| heard, handler);
                }
            }
        }
    }

    /// What people write to the instance's user alone, when `wanted` says that the instance takes it: others are told
    /// whether a user takes messages, so a setting decides. An answer goes to that person alone.
    pub fn private_messages<F, X>(&mut self, about: &str, wanted: impl FnOnce(&'a B) -> bool, handler: F)
    where
        F: Handler<'a, B, &'a PrivateMessage, X> + 'a,
        X: Extract<Speech>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::PrivateMessages, None, about),
            Pass::Asking(bot, interests) => interests.private_messages = wanted(bot),
            Pass::Routing(route) => {
                if let Event::PrivateMessage(said) = route.event {
                    route.otherwise(|| said, handler);
                }
            }
        }
    }

    /// Others entering a room.
    pub fn joined<F, X>(&mut self, about: &str, handler: F)
    where
        F: Handler<'a, B, &'a Presence, X> + 'a,
        X: Extract<Presence>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Joined, None, about),
            Pass::Asking(_, interests) => interests.presence = true,
            Pass::Routing(route) => {
                if let Event::Joined(who) = route.event {
                    route.otherwise(|| who, handler);
                }
            }
        }
    }

    /// Others leaving a room.
    pub fn parted<F, X>(&mut self, about: &str, handler: F)
    where
        F: Handler<'a, B, &'a Presence, X> + 'a,
        X: Extract<Presence>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Parted, None, about),
            Pass::Asking(_, interests) => interests.presence = true,
            Pass::Routing(route) => {
                if let Event::Parted(who) = route.event {
                    route.otherwise(|| who, handler);
                }
            }
        }
    }

    /// One schedule, whose times the instance knows. `id` takes the place of the spec's own; what has fired is
    /// remembered by it.
    pub fn schedule<F, X, S>(
        &mut self,
        id: &'static str,
        about: &str,
        times: impl FnOnce(&'a B) -> S,
        handler: F,
    ) where
        F: Handler<'a, B, &'a ScheduleFired, X> + 'a,
        X: Extract<Time>,
        S: Into<ScheduleSpec>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Schedule, Some(id), about),
            Pass::Asking(bot, interests) => {
                let mut spec = times(bot).into();
                id.clone_into(&mut spec.id);
                interests.schedules.push(spec);
            }
            Pass::Routing(route) => {
                if let Event::Schedule(fired) = route.event
                    && fired.id == id
                {
                    route.rather(|| fired, handler);
                }
            }
        }
    }

    /// Schedules that stand in the settings: as many as the instance has.
    pub fn schedules<F, X, S>(&mut self, about: &str, specs: impl FnOnce(&'a B) -> S, handler: F)
    where
        F: Handler<'a, B, &'a ScheduleFired, X> + 'a,
        X: Extract<Time>,
        S: IntoIterator<Item = ScheduleSpec>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Schedules, None, about),
            Pass::Asking(bot, interests) => interests.schedules.extend(specs(bot)),
            Pass::Routing(route) => {
                if let Event::Schedule(fired) = route.event {
                    route.otherwise(|| fired, handler);
                }
            }
        }
    }

    /// The time that the instance asked for by [`Context::wake_at`].
    pub fn woken<F, X>(&mut self, about: &str, handler: F)
    where
        F: Handler<'a, B, DateTime<Utc>, X> + 'a,
        X: Extract<Time>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Woken, None, about),
            Pass::Asking(..) => {}
            Pass::Routing(route) => {
                if let Event::Woken(at) = route.event {
                    route.otherwise(|| *at, handler);
                }
            }
        }
    }

    /// Items of feeds that stand in the settings: of as many as the instance has.
    pub fn feeds<F, X, S>(&mut self, about: &str, specs: impl FnOnce(&'a B) -> S, handler: F)
    where
        F: Handler<'a, B, &'a FeedItem, X> + 'a,
        X: Extract<News>,
        S: IntoIterator<Item = FeedSpec>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Feeds, None, about),
            Pass::Asking(bot, interests) => interests.feeds.extend(specs(bot)),
            Pass::Routing(route) => {
                if let Event::FeedItem(item) = route.event {
                    route.otherwise(|| item, handler);
                }
            }
        }
    }

    /// Many new items of one look at a feed, for feeds with [`FeedSpec::digest_over`].
    pub fn digests<F, X>(&mut self, about: &str, handler: F)
    where
        F: Handler<'a, B, &'a FeedDigest, X> + 'a,
        X: Extract<News>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Digests, None, about),
            Pass::Asking(..) => {}
            Pass::Routing(route) => {
                if let Event::FeedDigest(digest) = route.event {
                    route.otherwise(|| digest, handler);
                }
            }
        }
    }

    /// Requests of webhooks that stand in the settings: of as many as the instance has.
    pub fn webhooks<F, X, S>(&mut self, about: &str, specs: impl FnOnce(&'a B) -> S, handler: F)
    where
        F: Handler<'a, B, &'a WebhookRequest, X> + 'a,
        X: Extract<Hook>,
        S: IntoIterator<Item = WebhookSpec>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Webhooks, None, about),
            Pass::Asking(bot, interests) => interests.webhooks.extend(specs(bot)),
            Pass::Routing(route) => {
                if let Event::Webhook(request) = route.event {
                    route.otherwise(|| request, handler);
                }
            }
        }
    }

    /// The start of the instance, before anything else.
    pub fn started<F, X>(&mut self, about: &str, handler: F)
    where
        F: Handler<'a, B, (), X> + 'a,
        X: Extract<Start>,
    {
        match &mut self.pass {
            Pass::Describing(description) => description.hears(Trigger::Start, None, about),
            Pass::Asking(..) => {}
            Pass::Routing(route) => {
                if let Event::Started = route.event {
                    route.otherwise(|| (), handler);
                }
            }
        }
    }
}

/// What `bot` wants to be told, as it describes itself.
pub(crate) fn interests<B: Bot>(bot: &B) -> Interests {
    let mut blueprint = Blueprint {
        pass: Pass::Asking(bot, Interests::new()),
    };
    B::describe(&mut blueprint);
    match blueprint.pass {
        Pass::Asking(_, interests) => interests,
        Pass::Describing(_) | Pass::Routing(_) => Interests::new(),
    }
}

/// Has the right method of `bot` handle `event`.
pub(crate) async fn dispatch<B: Bot>(bot: &B, event: &Event, context: &mut Context) -> Result<(), BotError> {
    let Some(call) = route(bot, event) else {
        return Ok(());
    };
    call(context).await?;
    context.settle()
}

fn route<'a, B: Bot>(bot: &'a B, event: &'a Event) -> Option<Call<'a>> {
    let mut blueprint = Blueprint {
        pass: Pass::Routing(Route::new(bot, event)),
    };
    B::describe(&mut blueprint);
    match blueprint.pass {
        Pass::Routing(route) => route.call(),
        Pass::Describing(_) | Pass::Asking(..) => None,
    }
}

fn heard<'a>(said: &'a IncomingMessage, words: &WordSet) -> Option<Heard<'a>> {
    let text = said.whole_text();
    let found = words.all(&text);
    (!found.is_empty()).then_some(Heard { said, text, found })
}
