//! Finding the method that handles an event.

use std::future::ready;

use crate::asked::Asked;
use crate::handler::Handling;
use crate::{
    Arguments, Bot, BotError, CommandDescription, Context, Description, Event, Extract, Handler, Speech,
    arguments,
};

/// A method with what it is told, waiting for the context.
pub(super) type Call<'a> = Box<dyn FnOnce(&'a mut Context) -> Handling<'a> + Send + 'a>;

/// The search for the method that handles one event.
pub(super) struct Route<'a, B> {
    pub(super) bot: &'a B,
    pub(super) event: &'a Event,
    asked: Option<Asked<'a>>,
    has_commands: bool,
    /// The method that is named: by a command, or by a schedule's id.
    named: Option<Call<'a>>,
    /// The first method that takes whatever is of its kind.
    general: Option<Call<'a>>,
}

impl<'a, B: Bot> Route<'a, B> {
    pub(super) fn new(bot: &'a B, event: &'a Event) -> Self {
        Self {
            bot,
            event,
            asked: Asked::of(event),
            has_commands: false,
            named: None,
            general: None,
        }
    }

    /// The method, told `what` happened, unless an earlier one is for this event.
    pub(super) fn otherwise<What, Of, F, X>(&mut self, what: impl FnOnce() -> What, handler: F)
    where
        What: Send + 'a,
        F: Handler<'a, B, What, X> + 'a,
        X: Extract<Of>,
    {
        if self.general.is_none() {
            self.general = Some(call(self.bot, self.event, what(), handler));
        }
    }

    /// The method, told `what` happened, before those that are for all events of the kind.
    pub(super) fn rather<What, Of, F, X>(&mut self, what: impl FnOnce() -> What, handler: F)
    where
        What: Send + 'a,
        F: Handler<'a, B, What, X> + 'a,
        X: Extract<Of>,
    {
        if self.named.is_none() {
            self.named = Some(call(self.bot, self.event, what(), handler));
        }
    }

    pub(super) fn command<A, F, X>(&mut self, name: &'static str, about: &'static str, handler: F)
    where
        A: Arguments + 'a,
        F: Handler<'a, B, A, X> + 'a,
        X: Extract<Speech>,
    {
        self.has_commands = true;
        let Some(asked) = self.asked.filter(|asked| asked.is(name)) else {
            return;
        };
        match arguments::parse::<A>(asked.arguments) {
            Ok(arguments) => self.rather(|| arguments, handler),
            Err(problem) => {
                let usage = CommandDescription::of::<A>(name, about).usage();
                let answer = BotError::tell(format!("{problem}. Usage: {usage}"));
                self.named = Some(Box::new(|_| Box::pin(ready(Err(answer)))));
            }
        }
    }

    /// The method that was found.
    pub(super) fn call(self) -> Option<Call<'a>> {
        let help = self
            .asked
            .filter(|asked| self.has_commands && self.named.is_none() && asked.is_help());
        match help {
            Some(asked) => {
                let text = Description::of::<B>().help(asked.arguments.trim());
                Some(Box::new(|context| Box::pin(ready(context.reply(text)))))
            }
            None => self.named.or(self.general),
        }
    }
}

impl<B> std::fmt::Debug for Route<'_, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Route")
            .field("event", self.event)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

fn call<'a, B, What, Of, F, X>(bot: &'a B, event: &'a Event, what: What, handler: F) -> Call<'a>
where
    B: Bot,
    What: Send + 'a,
    F: Handler<'a, B, What, X> + 'a,
    X: Extract<Of>,
{
    Box::new(move |context| match X::extract(event, context) {
        Ok(extracted) => handler.call(bot, context, what, extracted),
        Err(error) => Box::pin(ready(Err(error))),
    })
}
