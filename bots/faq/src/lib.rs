//! Collects questions and answers from its rooms, answers who asks one of them, and keeps them on a page.
//!
//! ```toml
//! [settings]
//! editors = ["sip:alice@example.com"]
//! page = "faq.html"
//! ```
//!
//! An editor says `!faq add Where is the printer? = In the kitchen.`

mod collection;
mod likeness;
mod page;
mod resting;
mod settings;

pub use settings::Settings;

use std::collections::BTreeSet;

use collection::{Added, Collection, Entry, MAX_QUESTION};
use page::Page;
use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::{SipUri, Template};
use resting::Resting;

/// Questions shown by one `!faq list`: with the longest ones it is a message that the server takes.
const LISTED: usize = 20;

/// A post longer than this, in bytes, asks nothing that is known: with at least half of all words in common no question is
/// so long.
const MAX_ASKED: usize = 4 * MAX_QUESTION;

/// The bot.
#[derive(Debug)]
pub struct Faq {
    editors: BTreeSet<SipUri>,
    page: Option<Page>,
    alike: usize,
    reply: Template,
    cooldown: Span,
    max_age: Span,
}

/// What `!faq` takes.
#[derive(Debug, Deserialize, JsonSchema)]
struct Order {
    /// What to do: `add QUESTION = ANSWER`, `list [PAGE]`, `show` or `remove` with a number or a question.
    what: What,
    /// With what.
    about: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum What {
    Add,
    List,
    Remove,
    Show,
}

/// What a reply's template may use.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Variables<'a> {
    /// The answer.
    pub answer: &'a str,
    /// The question as it was added.
    pub question: &'a str,
    /// Its number.
    pub number: u32,
    /// The display name of who asked, else the part of the URI before the `@`.
    pub author: &'a str,
    /// The SIP URI of who asked.
    pub author_uri: &'a str,
    /// The room.
    pub room: &'a str,
}

impl Bot for Faq {
    const KIND: &'static str = "faq";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        if settings.editors.is_empty() {
            return Err(SetupError::setting("editors", "nobody could add a question"));
        }
        if !(50..=100).contains(&settings.alike) {
            let problem = format!("{} is not in 50-100", settings.alike);
            return Err(SetupError::setting("alike", problem));
        }
        let reply = match settings.reply {
            Some(reply) => reply,
            None => "{{ answer }}"
                .parse()
                .map_err(|problem: parlor_bot::TemplateError| SetupError::setting("reply", problem))?,
        };
        reply
            .render(&Variables::default())
            .map_err(|problem| SetupError::setting("reply", problem))?;
        let page = settings
            .page
            .map(|file| Page::new(&file, settings.title, setup))
            .transpose()?;
        Ok(Self {
            editors: settings.editors.into_iter().collect(),
            page,
            alike: settings.alike,
            reply,
            cooldown: settings.cooldown,
            max_age: settings.max_age,
        })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Collects questions and answers, and answers who asks one of them.");
        bot.command(
            "faq",
            "Shows and, for editors, changes what is known.",
            Self::order,
        );
        bot.messages("Answers a known question.", Self::answer);
        bot.started("Writes the page.", Self::begin);
    }
}

impl Faq {
    /// The page may be missing, or older than what is remembered when it could not be written.
    async fn begin(&self, _: &mut Context, (): (), collection: Memory<Collection>) -> Result<(), BotError> {
        Ok(self.publish(&collection).await?)
    }

    async fn order(
        &self,
        context: &mut Context,
        order: Order,
        who: Author,
        collection: Memory<Collection>,
    ) -> Result<(), BotError> {
        let about = order.about.as_deref().unwrap_or_default();
        if matches!(order.what, What::Add | What::Remove) && !self.editors.contains(&who.uri) {
            return Err(BotError::tell(format!(
                "Sorry {who}, only editors change what is known."
            )));
        }
        match order.what {
            What::Add => self.add(context, about, collection).await,
            What::Remove => self.remove(context, about, collection).await,
            What::List => context.reply(list(&collection, about)?),
            What::Show => {
                let entry = named(&collection, about)?;
                context.reply(format!("{}. {}\n{}", entry.number, entry.question, entry.answer))
            }
        }
    }

    async fn add(
        &self,
        context: &mut Context,
        about: &str,
        mut collection: Memory<Collection>,
    ) -> Result<(), BotError> {
        let Some((question, answer)) = question_and_answer(about) else {
            return Err(BotError::tell("Write `!faq add QUESTION = ANSWER`."));
        };
        let reply = match collection.add(question, answer) {
            Ok(Added::New(number)) => format!("Noted as question {number}."),
            Ok(Added::Changed(number)) => format!("Changed the answer to question {number}."),
            Err(problem) => return Err(BotError::tell(format!("Not noted: {problem}."))),
        };
        self.confirm(context, reply, &collection).await
    }

    async fn remove(
        &self,
        context: &mut Context,
        about: &str,
        mut collection: Memory<Collection>,
    ) -> Result<(), BotError> {
        let entry = named(&collection, about)?;
        let (number, reply) = (
            entry.number,
            format!("Removed question {}: {}", entry.number, entry.question),
        );
        collection.remove(number);
        self.confirm(context, reply, &collection).await
    }

    /// What was changed stays changed when the page cannot be written; the next change or start writes it.
    async fn confirm(
        &self,
        context: &mut Context,
        reply: String,
        collection: &Collection,
    ) -> Result<(), BotError> {
        match self.publish(collection).await {
            Ok(()) => context.reply(reply),
            Err(problem) => {
                context.skip(format!("the page could not be written: {problem}"))?;
                context.reply(format!("{reply}\nThe page could not be written."))
            }
        }
    }

    async fn publish(&self, collection: &Collection) -> std::io::Result<()> {
        match &self.page {
            Some(page) => page.write(collection).await,
            None => Ok(()),
        }
    }

    async fn answer(
        &self,
        context: &mut Context,
        said: &IncomingMessage,
        author: Author,
        collection: Memory<Collection>,
        mut resting: Memory<Resting>,
    ) -> Result<(), BotError> {
        let text = said.whole_text();
        if said.automated || text.len() > MAX_ASKED {
            return Ok(());
        }
        let Some(entry) = collection.asked(&text, self.alike) else {
            return Ok(());
        };
        let now = context.now();
        if now - said.sent > self.max_age.delta() {
            return context.skip("asked too long ago");
        }
        if resting.holds(&said.room, entry.number, self.cooldown, now) {
            return context.skip(format!(
                "question {} was answered here a moment ago",
                entry.number
            ));
        }
        resting.add(&said.room, entry.number, self.cooldown, now);
        let variables = Variables {
            answer: &entry.answer,
            question: &entry.question,
            number: entry.number,
            author: &author.name,
            author_uri: author.uri.as_str(),
            room: said.room.as_str(),
        };
        context.reply(self.reply.render(&variables).map_err(BotError::reject)?)
    }
}

/// `QUESTION = ANSWER`; the sign stands alone, so that either may hold an address with one.
fn question_and_answer(text: &str) -> Option<(&str, &str)> {
    text.match_indices('=').find_map(|(at, sign)| {
        let (before, after) = (&text[..at], &text[at + sign.len()..]);
        let alone = before.ends_with(char::is_whitespace) && after.starts_with(char::is_whitespace);
        alone.then_some((before, after))
    })
}

fn named<'c>(collection: &'c Collection, which: &str) -> Result<&'c Entry, BotError> {
    let unknown = || BotError::tell("There is no such question; `!faq list` shows them.");
    collection.find(which).ok_or_else(unknown)
}

fn list(collection: &Collection, page: &str) -> Result<String, BotError> {
    let entries = collection.entries();
    if entries.is_empty() {
        return Ok("Nothing is known yet.".to_owned());
    }
    let pages = entries.len().div_ceil(LISTED);
    let page = match page.trim() {
        "" => 1,
        number => number.parse().unwrap_or(0),
    };
    if !(1..=pages).contains(&page) {
        return Err(BotError::tell(format!("The list has pages 1 to {pages}.")));
    }
    let shown = entries.iter().skip((page - 1) * LISTED).take(LISTED);
    let mut lines: Vec<String> = shown
        .map(|entry| format!("{}. {}", entry.number, entry.question))
        .collect();
    if pages > 1 {
        lines.push(format!(
            "Page {page} of {pages}: `!faq list PAGE` shows the others."
        ));
    }
    Ok(lines.join("\n"))
}
