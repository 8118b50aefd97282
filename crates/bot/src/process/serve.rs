//! The bot's end: a bot of this crate as a program that speaks on its standard input and output.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::DateTime;
use serde::Deserialize as _;
use tokio::io::AsyncReadExt as _;

use super::{
    Configure, Done, FromBot, Lines, Post, ProtocolError, ReadBy, Refusal, Removal, ToBot, Told, VERSION,
    Wanted,
};
use crate::context::WAKE;
use crate::{Bot, BotError, BotKind, Context, DynBot, Effects, Event, Setup, SetupError, State};

/// The longest line that is read from a host: an event with all that an instance may remember is about 1 MiB, more
/// when it is full of signs that JSON escapes; settings have no limit of their own.
const MAX_FROM_HOST: usize = 64 << 20;
/// Bytes that are read at once: a pipe holds as many.
const CHUNK: usize = 64 << 10;

/// The whole program: one instance of bot `B`, as the host that started it says, until the host closes the standard
/// input. What the bot wants to log it writes to standard error; the standard output belongs to the protocol.
pub fn serve<B: Bot>() -> ExitCode {
    match run(BotKind::of::<B>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be there to read it.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// Why a bot cannot go on talking to its host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConversationError {
    /// The line is none of the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A line that does not belong here.
    #[error("the host is out of turn: {0}")]
    Turn(&'static str),
    /// The bot is broken; whoever started it makes it anew.
    #[error("broken: {0}")]
    Broken(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The line is too long.
    #[error(transparent)]
    Line(#[from] super::TooLong),
}

fn run(kind: BotKind) -> Result<(), ConversationError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(talk(Conversation::new(kind)));
    // Reading standard input cannot be interrupted; do not wait for it.
    runtime.shutdown_background();
    result
}

async fn talk(mut conversation: Conversation) -> Result<(), ConversationError> {
    let mut input = tokio::io::stdin();
    let mut lines = Lines::new(MAX_FROM_HOST);
    let mut chunk = vec![0; CHUNK];
    loop {
        while let Some(line) = lines.take()? {
            let mut answer = conversation.answer(line).await?;
            answer.push('\n');
            let mut output = io::stdout().lock();
            output.write_all(answer.as_bytes())?;
            output.flush()?;
        }
        match input.read(&mut chunk).await? {
            0 => return Ok(()),
            read => lines.push(&chunk[..read]),
        }
    }
}

/// The bot's end without its pipes: a line in, a line out.
#[derive(Debug)]
pub struct Conversation {
    kind: BotKind,
    instance: Option<Instance>,
    state: Arc<State>,
}

#[derive(Debug)]
struct Instance {
    bot: Box<dyn DynBot>,
    setup: Arc<Setup>,
}

impl Conversation {
    /// With an instance of this kind.
    pub fn new(kind: BotKind) -> Self {
        Self {
            kind,
            instance: None,
            state: Arc::default(),
        }
    }

    /// The answer to a line, both without their ends.
    ///
    /// # Errors
    /// [`ConversationError`]: the conversation is over.
    pub async fn answer(&mut self, line: &[u8]) -> Result<String, ConversationError> {
        let answer = match ToBot::read(line)? {
            ToBot::Hello { .. } => FromBot::Hello {
                protocol: VERSION,
                description: self.kind.description(),
                commands: ReadBy::Bot,
            },
            ToBot::Configure(_) if self.instance.is_some() => {
                return Err(ConversationError::Turn("it configures a second time"));
            }
            ToBot::Configure(configure) => self.configure(*configure),
            ToBot::Event(told) => self.handle(*told).await?,
        };
        serde_json::to_string(&answer).map_err(|error| ConversationError::Io(error.into()))
    }

    fn configure(&mut self, configure: Configure) -> FromBot {
        let setup = Setup::new(configure.instance, configure.me)
            .with_rooms(configure.rooms.iter().map(crate::Room::new))
            .with_folder(configure.folder)
            .with_removal(configure.can_remove)
            .with_limits(configure.limits);
        match self.kind.build(&configure.settings, &setup) {
            Ok(bot) => {
                let interests = bot.interests();
                if !interests.webhooks.is_empty() {
                    let problem = "a bot in a process of its own cannot have webhooks".to_owned();
                    let path = String::new();
                    return FromBot::Refused {
                        problems: vec![Refusal { path, problem }],
                    };
                }
                let wanted = Wanted::from(interests);
                self.instance = Some(Instance {
                    bot,
                    setup: Arc::new(setup),
                });
                FromBot::Ready(wanted)
            }
            Err(error) => FromBot::Refused {
                problems: error.each().into_iter().map(refusal).collect(),
            },
        }
    }

    async fn handle(&mut self, told: Told) -> Result<FromBot, ConversationError> {
        let Some(Instance { bot, setup }) = &mut self.instance else {
            return Err(ConversationError::Turn("an event for a bot without settings"));
        };
        if let Some(state) = told.state {
            self.state = Arc::new(state);
        }
        let (id, event) = (told.id, Event::from(told.event));
        let mut context = Context::new(told.now, Arc::clone(setup), Arc::clone(&self.state), &event);
        Ok(match bot.handle(&event, &mut context).await {
            Ok(()) => done(id, context.into_effects()),
            Err(BotError::Tell(message)) => FromBot::Tell {
                id,
                post: Post::from(&message),
            },
            Err(BotError::Retry { after, source }) => FromBot::Retry {
                id,
                after: after.map(crate::settings::Span),
                reason: chain(&*source),
            },
            Err(BotError::Reject(reason)) => FromBot::Reject {
                id,
                reason: chain(&*reason),
            },
            Err(BotError::Stop(reason)) => FromBot::Stop {
                id,
                reason: chain(&*reason),
            },
            Err(BotError::Broken(reason)) => return Err(ConversationError::Broken(chain(&*reason))),
        })
    }
}

fn done(id: u64, effects: Effects) -> FromBot {
    let posts = effects.posts.into_iter().map(Post::from);
    let mut state = effects.state;
    // It has a field of its own; that it has come is the host's to note.
    let wake = state.remove(WAKE).flatten();
    FromBot::Done(Done {
        id,
        posts: posts.chain(effects.private.into_iter().map(Post::from)).collect(),
        mails: effects.mails,
        removals: effects.removals.into_iter().map(Removal::from).collect(),
        wake: wake.and_then(|at| DateTime::deserialize(at).ok()),
        state,
        skipped: effects.skipped,
    })
}

/// A problem with its path apart, so that the host can say where in the file it is.
fn refusal(error: SetupError) -> Refusal {
    let path = error.path().unwrap_or_default().to_owned();
    let text = error.to_string();
    let problem = text
        .strip_prefix(&format!("{path}: "))
        .unwrap_or(&text)
        .to_owned();
    Refusal { path, problem }
}

/// An error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
