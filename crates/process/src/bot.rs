//! A program as a bot like any other: what it is not asked, what it is told, and what becomes of its answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parlor_bot::process::{Configure, FromBot, Happening, MAX_REASON, ReadBy, Refusal, ToBot, Told, Wanted};
use parlor_bot::settings::Span;
use parlor_bot::words::WordSet;
use parlor_bot::{
    Asking, BotError, BotKind, Command, Context, Description, DynBot, Event, Interests, Room, Setup,
    SetupError, State,
};
use serde_json::Value;

use crate::failure::{Failure, Fault};
use crate::keeper::{self, Keeper};
use crate::program::{Program, whole};

/// The kind of bot that a program is: starts it and asks it. It blocks for as long as that takes, at most
/// [`Program::start`] and a moment.
///
/// # Errors
/// [`Failure`].
pub fn kind(program: &Program) -> Result<BotKind, Failure> {
    // Before it starts: a file that changes meanwhile is another program.
    let revision = program.revision();
    let (_keeper, met) = keeper::start(program, None)?;
    let mut description = met.description;
    // The operator names it: two versions of one program may stand side by side.
    description.kind.clone_from(&program.name);
    description.check().map_err(|mistake| Failure {
        program: program.name.clone(),
        fault: Fault::Description(mistake),
        last_words: None,
    })?;
    let program = program.clone();
    Ok(BotKind::new(description, revision, move |settings, setup| {
        Ok(Box::new(ProgramBot::start(&program, settings, setup)?))
    }))
}

/// One instance in its process.
#[derive(Debug)]
struct ProgramBot {
    kind: String,
    description: Description,
    commands: ReadBy,
    wanted: Wanted,
    words: Option<WordSet>,
    interests: Interests,
    keeper: Keeper,
    last_id: u64,
    /// What the process was told that it remembers.
    known: Option<Arc<State>>,
}

impl ProgramBot {
    fn start(program: &Program, settings: &Value, setup: &Setup) -> Result<Self, SetupError> {
        let configure = Configure {
            instance: setup.instance().to_owned(),
            me: setup.me().clone(),
            rooms: setup.rooms().iter().map(Room::to_string).collect(),
            folder: whole(setup.folder()),
            can_remove: setup.can_remove(),
            limits: setup.limits(),
            settings: settings.clone(),
        };
        let started = keeper::start(program, Some(configure));
        let (keeper, met) = started.map_err(|failure| SetupError::Unavailable(Box::new(failure)))?;
        let wanted = match met.instance {
            Some(Ok(wanted)) => wanted,
            Some(Err(problems)) => return Err(refused(problems)),
            None => Wanted::default(),
        };
        let words = match &wanted.keywords[..] {
            [] => None,
            words => {
                let words = WordSet::new(words.to_vec());
                Some(words.map_err(|problem| SetupError::setting(".", format!("keywords: {problem}")))?)
            }
        };
        let mut interests = wanted.interests(setup)?;
        let mut description = met.description;
        description.kind.clone_from(&program.name);
        interests.messages |= met.commands == ReadBy::Host && !description.commands.is_empty();
        Ok(Self {
            kind: program.name.clone(),
            description,
            commands: met.commands,
            wanted,
            words,
            interests,
            keeper,
            last_id: 0,
            known: None,
        })
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        let (command, found) = match self.route(event) {
            Route::Program { command, found } => (command, found),
            Route::Nobody => return Ok(()),
            Route::Answer(text) => return context.reply(text),
            Route::Tell(text) => return Err(BotError::tell(text)),
        };
        self.last_id += 1;
        let id = self.last_id;
        let state = context.all_state();
        let news = match &self.known {
            Some(known) if Arc::ptr_eq(known, state) || known == state => None,
            _ => {
                let mut news = State::clone(state);
                news.apply([State::without_wake()]);
                Some(news)
            }
        };
        self.known = Some(Arc::clone(state));
        let line = keeper::line(&ToBot::Event(Box::new(Told {
            id,
            now: context.now(),
            event: Happening::from(event),
            command,
            found,
            state: news,
        })))?;
        match self.keeper.ask(id, line).await {
            Ok(said) => obey(said, context),
            Err(reason) => Err(BotError::Broken(reason.into())),
        }
    }

    /// What is known of an event without the program: a busy room does not wake it for posts that it has no use for.
    fn route(&self, event: &Event) -> Route {
        let asking = match self.commands {
            ReadBy::Host => self.description.asking(event),
            ReadBy::Bot => None,
        };
        match asking {
            Some(Asking::Help(text)) => return Route::Answer(text),
            Some(Asking::Unfitting(text)) => return Route::Tell(text),
            Some(Asking::Command(command)) => {
                return Route::Program {
                    command: Some(command),
                    found: Vec::new(),
                };
            }
            _ => {}
        }
        let found = match (event, &self.words) {
            (Event::Message(said), Some(words)) => {
                let text = said.whole_text();
                let found = words.all(&text).into_iter();
                found.map(|found| text[found.range].to_owned()).collect()
            }
            _ => Vec::new(),
        };
        match event {
            Event::Message(_) if found.is_empty() && !self.wanted.messages => Route::Nobody,
            _ => Route::Program { command: None, found },
        }
    }
}

/// What to do with an event.
enum Route {
    /// The program is told.
    Program {
        command: Option<Command>,
        found: Vec<String>,
    },
    Nobody,
    Answer(String),
    Tell(String),
}

/// Brings about what the program asks for.
fn obey(said: FromBot, context: &mut Context) -> Result<(), BotError> {
    match said {
        FromBot::Done(done) => {
            done.posts.into_iter().try_for_each(|post| post.ask(context))?;
            for mail in done.mails {
                context.mail(&mail.to, mail.mail)?;
            }
            done.removals
                .into_iter()
                .try_for_each(|removal| removal.ask(context))?;
            for (key, value) in done.state {
                match value {
                    Some(value) => context.set_state(&key, &value)?,
                    None => context.clear_state(&key),
                }
            }
            if let Some(at) = done.wake {
                context.wake_at(at)?;
            }
            done.skipped.map_or(Ok(()), |reason| context.skip(short(reason)))
        }
        FromBot::Retry { after, reason, .. } => Err(BotError::Retry {
            after: after.map(Span::duration),
            source: short(reason).into(),
        }),
        FromBot::Tell { post, .. } => Err(BotError::Tell(post.message())),
        FromBot::Reject { reason, .. } => Err(BotError::reject(short(reason))),
        FromBot::Stop { reason, .. } => Err(BotError::stop(short(reason))),
        // The keeper lets nothing through that is no answer to an event.
        FromBot::Hello { .. } | FromBot::Ready(_) | FromBot::Refused { .. } => Err(BotError::Broken(
            "it answered an event with something else".into(),
        )),
    }
}

fn refused(problems: Vec<Refusal>) -> SetupError {
    if problems.is_empty() {
        return SetupError::setting(".", "the program refuses its settings without saying why");
    }
    let problems = problems.into_iter().map(|Refusal { path, problem }| {
        let path = if path.is_empty() {
            ".".to_owned()
        } else {
            short(path)
        };
        SetupError::setting(path, short(problem))
    });
    match SetupError::all(problems.collect()) {
        Err(error) => error,
        Ok(()) => SetupError::setting(".", "refused"),
    }
}

fn short(reason: String) -> String {
    match reason.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason,
    }
}

impl DynBot for ProgramBot {
    fn kind(&self) -> &str {
        &self.kind
    }

    fn interests(&self) -> Interests {
        self.interests.clone()
    }

    fn handle<'a>(
        &'a mut self,
        event: &'a Event,
        context: &'a mut Context,
    ) -> Pin<Box<dyn Future<Output = Result<(), BotError>> + Send + 'a>> {
        Box::pin(Self::handle(self, event, context))
    }
}
