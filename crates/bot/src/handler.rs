//! What may handle an event: an async method, told what happened and what it asks for besides.

use std::future::Future;
use std::pin::Pin;

use crate::{BotError, Context, Event};

/// A handler at work.
pub type Handling<'a> = Pin<Box<dyn Future<Output = Result<(), BotError>> + Send + 'a>>;

/// An async method of bot `B` that handles what `What` tells:
/// `async fn name(&self, context: &mut Context, what: What, ...) -> Result<(), BotError>`, with up to four arguments
/// more that are [`Extract`]ed.
///
/// It is implemented for every such method; nobody else implements it.
#[diagnostic::on_unimplemented(
    message = "this is no handler of `{B}` for `{What}`",
    label = "expected `async fn(&self, &mut Context, {What}, ...) -> Result<(), BotError>`",
    note = "name a method, `Self::answer`, not a closure",
    note = "the arguments after `{What}` are owned values that implement `Extract`, at most four",
    note = "its future must be `Send`: nothing like `Rc` or a locked `std::sync::Mutex` is held across an await"
)]
pub trait Handler<'a, B, What, Extracted>: Send {
    /// Calls it.
    fn call(self, bot: &'a B, context: &'a mut Context, what: What, extracted: Extracted) -> Handling<'a>;
}

/// An argument of a handler that is taken from the event or from what the instance remembers: [`crate::Author`],
/// [`crate::Memory`], or a type of the bot's own.
///
/// `Of` says which events it can be taken from: [`Speech`] or [`Presence`](crate::Presence); what can be taken from
/// all of them is generic in it. Asking for an author of a time, which has none, does not compile.
///
/// ```
/// use parlor_bot::{BotError, Context, Event, Extract, Speech};
///
/// /// Whether the one who speaks is in a hurry.
/// struct Hurry(bool);
///
/// impl Extract<Speech> for Hurry {
///     fn extract(event: &Event, _: &mut Context) -> Result<Self, BotError> {
///         Ok(Self(matches!(event, Event::Message(said) if said.text.ends_with('!'))))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from this kind of event",
    label = "this handler asks for `{Self}`",
    note = "`Memory<T>` can be taken from every event, `Author` from messages, commands and presence",
    note = "settings are fields of the bot, the time is `context.now()`"
)]
pub trait Extract<Of>: Sized {
    /// Takes it.
    ///
    /// # Errors
    /// What the handler would return: [`BotError::Tell`] tells whoever caused the event.
    fn extract(event: &Event, context: &mut Context) -> Result<Self, BotError>;
}

/// Marks extraction from messages, keywords and commands: somebody said something.
#[derive(Debug)]
pub enum Speech {}

/// Marks extraction from times.
#[derive(Debug)]
pub enum Time {}

/// Marks extraction from items of feeds.
#[derive(Debug)]
pub enum News {}

/// Marks extraction from requests of webhooks.
#[derive(Debug)]
pub enum Hook {}

/// Marks extraction from the start of the instance.
#[derive(Debug)]
pub enum Start {}

macro_rules! handlers {
    ($($argument:ident)*) => {
        impl<'a, B: 'a, What, F, Handled, $($argument),*> Handler<'a, B, What, ($($argument,)*)> for F
        where
            F: FnOnce(&'a B, &'a mut Context, What, $($argument),*) -> Handled + Send,
            Handled: Future<Output = Result<(), BotError>> + Send + 'a,
        {
            #[allow(non_snake_case, reason = "type parameters lend their names to the arguments")]
            fn call(
                self,
                bot: &'a B,
                context: &'a mut Context,
                what: What,
                ($($argument,)*): ($($argument,)*),
            ) -> Handling<'a> {
                Box::pin(self(bot, context, what, $($argument),*))
            }
        }

        impl<Of, $($argument: Extract<Of>),*> Extract<Of> for ($($argument,)*) {
            #[allow(unused_variables, reason = "nothing is taken for no argument")]
            fn extract(event: &Event, context: &mut Context) -> Result<Self, BotError> {
                Ok(($($argument::extract(event, context)?,)*))
            }
        }
    };
}

handlers!();
handlers!(A1);
handlers!(A1 A2);
handlers!(A1 A2 A3);
handlers!(A1 A2 A3 A4);
