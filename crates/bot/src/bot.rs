//! The trait that a bot implements, and its object-safe twin for the host.

use std::future::Future;
use std::pin::Pin;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Blueprint, BotError, Context, Event, Interests, Setup, SetupError, blueprint};

/// A bot: made from settings, told about events, answering through its [`Context`].
///
/// One value is one *instance*: an entry of the operator's configuration, with its own rooms, settings and state.
/// Events of an instance are handled one after the other, those of a room in the room's order.
///
/// A bot says in [`Bot::describe`] what it hears and which method answers. [`Bot::interests`] and [`Bot::handle`]
/// follow from that; they are what the host calls, and only an adapter to bots of another kind writes them itself.
pub trait Bot: Send + Sync + Sized + 'static {
    /// The name by which the configuration selects this bot, for example `"feed"`.
    const KIND: &'static str;

    /// The instance's settings as they stand in the configuration. Deny unknown fields: a misspelt key is then
    /// reported with its place and the accepted names. Their schema, with the comments of the fields, is what
    /// `parlor bot show` prints and `parlor check` goes by.
    type Settings: DeserializeOwned + JsonSchema;

    /// Makes an instance. Everything that can be wrong with the settings is found here, so that checking a
    /// configuration finds it too: no network, no files that change.
    ///
    /// # Errors
    /// [`SetupError`], with the path of the setting that is wrong.
    fn from_settings(settings: Self::Settings, setup: &Setup) -> Result<Self, SetupError>;

    /// Says what this bot hears and which method handles it. Runs for every event, so it only declares.
    fn describe(_bot: &mut Blueprint<'_, Self>) {}

    /// What this instance wants to be told. Asked once, after [`Bot::from_settings`].
    fn interests(&self) -> Interests {
        blueprint::interests(self)
    }

    /// Handles one event.
    ///
    /// Posts and state written through `context` are committed, together with the note that this event is done,
    /// when this returns `Ok`. After an error (or a panic, or the host's deadline) none of it happens and
    /// [`BotError`] says what comes next. The same event may therefore be handled again: what must be remembered
    /// belongs in [`Context::set_state`]; fields of `self` are a cache, lost at a restart.
    ///
    /// # Errors
    /// [`BotError`]: try again, tell the user, set the event aside, or stop the instance.
    fn handle(
        &mut self,
        event: &Event,
        context: &mut Context,
    ) -> impl Future<Output = Result<(), BotError>> + Send {
        blueprint::dispatch(&*self, event, context)
    }
}

/// [`Bot`] without its types, as the host holds it; every bot is one.
pub trait DynBot: Send {
    /// [`Bot::KIND`].
    fn kind(&self) -> &str;

    /// [`Bot::interests`].
    fn interests(&self) -> Interests;

    /// [`Bot::handle`].
    fn handle<'a>(
        &'a mut self,
        event: &'a Event,
        context: &'a mut Context,
    ) -> Pin<Box<dyn Future<Output = Result<(), BotError>> + Send + 'a>>;
}

impl<B: Bot> DynBot for B {
    fn kind(&self) -> &str {
        B::KIND
    }

    fn interests(&self) -> Interests {
        Bot::interests(self)
    }

    fn handle<'a>(
        &'a mut self,
        event: &'a Event,
        context: &'a mut Context,
    ) -> Pin<Box<dyn Future<Output = Result<(), BotError>> + Send + 'a>> {
        Box::pin(Bot::handle(self, event, context))
    }
}

impl std::fmt::Debug for dyn DynBot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynBot")
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}
