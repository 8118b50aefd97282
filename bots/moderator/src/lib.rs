//! Warns who uses blocked words, removes what they said where that is wanted, counts strikes, and tells operators.
//!
//! ```toml
//! [settings]
//! warn = "private"
//! operator_room = "Operators"
//! alert_at = 3
//! remove = "repeated"
//!
//! [[settings.lists]]
//! words = ["fiddlesticks", "go jump in the lake"]
//! ```

mod list;
mod orders;
mod settings;
mod strikes;

pub use settings::{ListSettings, Remove, Settings, Warn};

use std::collections::BTreeSet;

use list::List;
use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::{SipUri, Template};
use strikes::{MAX_STRIKES, Strikes};

const WARNING: &str = "{{ author }}, please mind your words in {{ room }}.\
                       {% if removed %} Your message was removed.{% endif %}";

/// An excerpt is enough: the link leads to the room.
const NOTE: &str = "{{ author }} ({{ author_uri }}) said \u{201c}{{ matched }}\u{201d} in message {{ id }} of \
                    {{ room }}, strike {{ strikes }}{% if removed %}, removed{% endif %}: {{ text|short(200) }}";

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
    notice: Option<String>,
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
    /// Whether the post is removed.
    pub removed: bool,
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
            let removal = match entry.remove {
                Some(_) => format!("{path}.remove"),
                None => "remove".to_owned(),
            };
            let list = List::new(entry, &warning, settings.remove, &path, setup)?;
            check_removal(&removal, list.remove, setup)?;
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
            notice: check_notice(settings.notice)?,
            alert_at: settings.alert_at,
            exempt: settings.exempt.into_iter().collect(),
        })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Warns who uses blocked words, removes what they said, and tells operators.");
        bot.messages(
            "Warns of blocked words, removes them and counts strikes.",
            Self::moderate,
        );
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
            return if said.automated {
                Ok(())
            } else {
                orders::answer(&said.text, self.forget_after, context)
            };
        }
        let text = said.whole_text();
        let found = |list| Some((list, List::find(list, &said.room, &text)?));
        // The first list warns; any of them may have the post removed.
        let matches: Vec<_> = self.lists.iter().filter_map(found).collect();
        let Some(&(list, matched)) = matches.first() else {
            return Ok(());
        };
        if said.automated || self.exempt.contains(&said.author) {
            return context.skip("posted by a bot or by somebody who may say what they like");
        }
        let now = context.now();
        let mut strikes = Strikes::with_one_more(&said.author, self.forget_after, context)?;
        let removes = |(list, _): &&(&List, &str)| list.removes(strikes.count());
        let removal = matches.iter().find(removes);
        let variables = Variables {
            author: &author.name,
            author_uri: said.author.as_str(),
            room: said.room.as_str(),
            matched,
            text: &text,
            id: said.id.0,
            strikes: strikes.count(),
            removed: removal.is_some(),
        };
        if let Some((_, word)) = removal {
            self.remove(said, word, context)?;
        }
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

    fn remove(&self, said: &IncomingMessage, word: &str, context: &mut Context) -> Result<(), BotError> {
        let reason = format!("blocked word: {word}");
        match &self.notice {
            Some(notice) => context.replace(said, notice.as_str(), reason),
            None => context.remove(said, reason),
        }
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

/// That nothing can be removed here is better known before the first blocked word.
fn check_removal(path: &str, remove: Remove, setup: &Setup) -> Result<(), SetupError> {
    if remove == Remove::Never || setup.can_remove() {
        return Ok(());
    }
    let problem = "nothing can be removed: `server_control` in [host] must name the server's control socket";
    Err(SetupError::setting(path, problem))
}

fn check_notice(notice: Option<String>) -> Result<Option<String>, SetupError> {
    match notice {
        Some(text) if text.trim().is_empty() => Err(SetupError::setting("notice", "it is empty")),
        notice => Ok(notice),
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
