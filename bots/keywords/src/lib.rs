//! Answers keywords and patterns: rules of words and regular expressions, each with a reply.
//!
//! ```toml
//! [settings]
//! cooldown = "1m"
//!
//! [[settings.rules]]
//! name = "vpn"
//! words = ["vpn", "remote access"]
//! reply = "{{ author }}: how to connect: https://intranet.example.com/vpn"
//!
//! [[settings.rules]]
//! name = "ticket"
//! patterns = ['\bINC-(?<id>\d{4,})\b']
//! reply = "https://tickets.example.com/{{ named.id }}"
//! ```

mod rule;
mod said;
mod settings;

pub use rule::Variables;
pub use settings::{RuleSettings, Settings};

use std::collections::{BTreeMap, BTreeSet};

use parlor_bot::prelude::*;
use parlor_bot::words::WordSet;
use parlor_bot::{IncomingMessage, PrivateMessage, SipUri};
use rule::{Hit, Rule};
use said::Said;

/// The bot.
#[derive(Debug)]
pub struct Keywords {
    rules: Vec<Rule>,
    /// The words of all rules: one pass over a message finds them all.
    words: WordSet,
    /// The rule that each word belongs to.
    owners: Vec<usize>,
    /// The rules with patterns: each is tried on every message, the others only when a word of theirs was found.
    searching: Vec<usize>,
    answers: usize,
    answer_bots: bool,
    private: bool,
    ignore: BTreeSet<SipUri>,
    max_age: chrono::TimeDelta,
}

impl Bot for Keywords {
    const KIND: &'static str = "keywords";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        let (mut names, mut words, mut owners, mut rules) =
            (BTreeSet::new(), Vec::new(), Vec::new(), Vec::new());
        for (at, mut entry) in settings.rules.into_iter().enumerate() {
            let path = format!("rules[{at}]");
            if !names.insert(entry.name.clone()) {
                let problem = format!("`{}` is the name of an earlier rule", entry.name);
                return Err(SetupError::setting(format!("{path}.name"), problem));
            }
            let own = std::mem::take(&mut entry.words);
            // Read here once more by itself, so that a wrong word is reported at its rule.
            WordSet::new(own.clone())
                .map_err(|problem| SetupError::setting(format!("{path}.words"), problem))?;
            owners.extend(own.iter().map(|_| at));
            rules.push(Rule::new(entry, own.is_empty(), settings.cooldown, &path, setup)?);
            words.extend(own);
        }
        let searching = (0..rules.len()).filter(|&at| rules[at].has_patterns());
        Ok(Self {
            searching: searching.collect(),
            rules,
            words: WordSet::new(words).map_err(|problem| SetupError::setting("rules", problem))?,
            owners,
            answers: settings.answers,
            answer_bots: settings.answer_bots,
            private: settings.private,
            ignore: settings.ignore.into_iter().collect(),
            max_age: settings.max_age.delta(),
        })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Answers keywords and patterns.");
        bot.messages("Answers the rules that the message meets.", Self::answer);
        bot.private_messages(
            "Answers who writes to it alone, where `private` is set.",
            |bot| bot.private,
            Self::answer_alone,
        );
    }
}

impl Keywords {
    async fn answer(&self, context: &mut Context, message: &IncomingMessage) -> Result<(), BotError> {
        self.answer_to(context, &Said::from(message))
    }

    async fn answer_alone(&self, context: &mut Context, message: &PrivateMessage) -> Result<(), BotError> {
        self.answer_to(context, &Said::from(message))
    }

    fn answer_to(&self, context: &mut Context, said: &Said<'_>) -> Result<(), BotError> {
        if let Some(reason) = self.deaf_to(said, context) {
            return context.skip(reason);
        }
        let hits = self.hits(said);
        let mut answered = 0;
        for (rule, hit) in &hits {
            if answered == self.answers {
                break;
            }
            if rule.cooling(said, context)? {
                context.skip(format!("rule `{}` is cooling down here", rule.name))?;
                continue;
            }
            let reply = rule.reply(hit, said).map_err(BotError::reject)?;
            context.reply(reply)?;
            rule.answered(said, context)?;
            answered += 1;
        }
        Ok(())
    }

    /// Why a message gets no answer, whatever it says.
    fn deaf_to(&self, said: &Said<'_>, context: &Context) -> Option<&'static str> {
        if said.author == context.me() {
            return Some("posted by this bot");
        }
        if said.automated && !self.answer_bots {
            return Some("posted by a bot");
        }
        if self.ignore.contains(said.author) {
            return Some("posted by somebody on the ignore list");
        }
        if context.now() - said.sent > self.max_age {
            return Some("posted too long ago");
        }
        None
    }

    /// The rules that the message meets, in the order of the settings, each with the first match.
    fn hits(&self, said: &Said<'_>) -> Vec<(&Rule, Hit)> {
        let text = said.whole_text();
        let mut hits: BTreeMap<usize, Hit> = BTreeMap::new();
        for found in self.words.all(&text) {
            hits.entry(self.owners[found.word])
                .or_insert_with(|| Hit::word(&text[found.range]));
        }
        for &at in &self.searching {
            let rule = &self.rules[at];
            if rule.is_for(said.room)
                && !hits.contains_key(&at)
                && let Some(hit) = rule.pattern(&text)
            {
                hits.insert(at, hit);
            }
        }
        hits.into_iter()
            .map(|(at, hit)| (&self.rules[at], hit))
            .filter(|(rule, _)| rule.is_for(said.room))
            .collect()
    }
}
