//! Warns who uses blocked words, counts strikes, and tells operators. It removes nothing.
//!
//! ```toml
//! [settings]
//! warn = "private"
//! operator_room = "Operators"
//! alert_at = 3
//!
//! [[settings.lists]]
//! words = ["fiddlesticks", "go jump in the lake"]
//! ```

mod list;
mod settings;
mod strikes;

pub use settings::{ListSettings, Settings, Warn};

use std::collections::BTreeSet;

use list::List;
use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::{SipUri, Template};
use strikes::{MAX_STRIKES, Strikes};

const WARNING: &str = "{{ author }}, please mind your words in {{ room }}.";

/// An excerpt is enough: the link leads to the room.
const NOTE: &str = "{{ author }} ({{ author_uri }}) said \u{201c}{{ matched }}\u{201d} in message {{ id }} of \
                    {{ room }}, strike {{ strikes }}: {{ text|short(200) }}";

/// The bot.
#[derive(Debug)]
pub struct Moderator {
    lists: Vec<List>,
    warn: Warn,
    cooldown: Span,
    forget_after: Span,
    max_age: Span,
    operators: Option<Room>,
    note: Template,
    alert_at: Option<usize>,
    exempt: BTreeSet<SipUri>,
}

/// What templates may use.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Variables<'a> {
    /// The author's display name, else the part of the URI before the `@`.
    pub author: &'a str,
    /// The author's SIP URI.
    pub author_uri: &'a str,
    /// The room.
    pub room: &'a str,
    /// The blocked word, as it was written.
    pub matched: &'a str,
    /// The whole post.
    pub text: &'a str,
    /// The post's number in its room.
    pub id: i64,
    /// How many strikes the author has, with this one.
    pub strikes: usize,
}

impl Bot for Moderator {
    const KIND: &'static str = "moderator";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        let operators = settings.operator_room.as_deref();
        let operators = operators
            .map(|name| setup.room("operator_room", name))
            .transpose()?;
        if setup.rooms().iter().all(|room| operators.as_ref() == Some(room)) {
            return Err(SetupError::setting("", "there is no room to moderate"));
        }
        check_alert(settings.alert_at, operators.is_some())?;
        let warning = template("warning", settings.warning, WARNING)?;
        let mut lists = Vec::new();
        for (at, entry) in settings.lists.into_iter().enumerate() {
            let path = format!("lists[{at}]");
            let list = List::new(entry, &warning, &path, setup)?;
            check_template(&format!("{path}.warning"), &list.warning)?;
            lists.push(list);
        }
        if lists.is_empty() {
            return Err(SetupError::setting("lists", "no list of words"));
        }
        Ok(Self {
            lists,
            warn: settings.warn,
            cooldown: settings.cooldown,
            forget_after: settings.forget_after,
            max_age: settings.max_age,
            operators,
            note: template("note", settings.note, NOTE)?,
            alert_at: settings.alert_at,
            exempt: settings.exempt.into_iter().collect(),
        })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Warns who uses blocked words, and tells operators.");
        bot.messages("Warns of blocked words and counts strikes.", Self::moderate);
    }
}

impl Moderator {
    async fn moderate(
        &self,
        context: &mut Context,
        said: &IncomingMessage,
        author: Author,
    ) -> Result<(), BotError> {
        if self.operators.as_ref() == Some(&said.room) {
            return Ok(());
        }
        let text = said.whole_text();
        let found = self
            .lists
            .iter()
            .find_map(|list| Some((list, list.find(&said.room, &text)?)));
        let Some((list, matched)) = found else {
            return Ok(());
        };
        if said.automated || self.exempt.contains(&said.author) {
            return context.skip("posted by a bot or by somebody who may say what they like");
        }
        let now = context.now();
        let mut strikes = Strikes::with_one_more(&said.author, self.forget_after, context)?;
        let variables = Variables {
            author: &author.name,
            author_uri: said.author.as_str(),
            room: said.room.as_str(),
            matched,
            text: &text,
            id: said.id.0,
            strikes: strikes.count(),
        };
        let cooling = strikes.cooling(self.cooldown, now);
        if cooling {
            context.skip("warned a moment ago")?;
        } else if now - said.sent > self.max_age.delta() {
            context.skip("posted too long ago for a warning")?;
        } else {
            self.warn(list, &variables, &said.author, context)?;
            strikes.warn(now);
        }
        if !cooling || self.alert_at == Some(strikes.count()) {
            self.tell_operators(&variables, said, context)?;
        }
        strikes.keep(&said.author, context)
    }

    fn warn(
        &self,
        list: &List,
        variables: &Variables<'_>,
        author: &SipUri,
        context: &mut Context,
    ) -> Result<(), BotError> {
        let warning = list.warning.render(variables).map_err(BotError::reject)?;
        match self.warn {
            Warn::Room => context.reply(warning),
            Warn::Private => context.write_to(author, warning),
        }
    }

    fn tell_operators(
        &self,
        variables: &Variables<'_>,
        said: &IncomingMessage,
        context: &mut Context,
    ) -> Result<(), BotError> {
        let Some(operators) = &self.operators else {
            return Ok(());
        };
        let note = self.note.render(variables).map_err(BotError::reject)?;
        let alert = self.alert_at.is_some_and(|number| variables.strikes >= number);
        let note = Message::text(note)
            .then(" ")
            .room_link(&said.room, &said.room_uri);
        context.post(operators, note.with_alert(alert))
    }
}

fn check_alert(alert_at: Option<usize>, operators: bool) -> Result<(), SetupError> {
    match alert_at {
        Some(number) if !(1..=MAX_STRIKES).contains(&number) => {
            let problem = format!("{number} is not in 1-{MAX_STRIKES}");
            Err(SetupError::setting("alert_at", problem))
        }
        Some(_) if !operators => Err(SetupError::setting(
            "alert_at",
            "there is no `operator_room` to alert",
        )),
        _ => Ok(()),
    }
}

fn template(path: &str, own: Option<Template>, default: &str) -> Result<Template, SetupError> {
    let template = match own {
        Some(own) => own,
        None => default
            .parse()
            .map_err(|problem| SetupError::setting(path, Box::new(problem)))?,
    };
    check_template(path, &template)?;
    Ok(template)
}

/// Renders it once, so that a misspelt variable is found now.
fn check_template(path: &str, template: &Template) -> Result<(), SetupError> {
    match template.render(&Variables::default()) {
        Ok(_) => Ok(()),
        Err(problem) => Err(SetupError::setting(path, problem)),
    }
}
