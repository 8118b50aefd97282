//! What each command does, one file each.

pub(crate) mod bot;
pub(crate) mod category;
pub(crate) mod cert;
pub(crate) mod chat;
pub(crate) mod check;
pub(crate) mod feed;
pub(crate) mod hook;
pub(crate) mod ledger;
pub(crate) mod mail;
pub(crate) mod message;
mod password;
pub(crate) mod posts;
mod preview;
pub(crate) mod reload;
pub(crate) mod room;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod status;
pub(crate) mod trace;
pub(crate) mod user;

use std::path::PathBuf;

use parlor_host::Place;

use crate::cli::exit;
use crate::config::{DatabaseSettings, Settings};
use crate::failure::{Failure, chain};

/// Where the running server of a configuration is administered.
pub(crate) fn control_socket(settings: &Settings) -> PathBuf {
    settings.data.join("control.sock")
}

/// Where the running host of a configuration is asked.
pub(crate) fn host_socket(settings: &Settings) -> PathBuf {
    settings.data.join("host.sock")
}

/// Where the host of a configuration keeps its state.
///
/// # Errors
/// For a database whose address or authorities cannot be used.
pub(crate) fn host_state(settings: &Settings) -> Result<Place, Failure> {
    let database = settings.host.as_ref().and_then(|host| host.database.as_ref());
    match database.map(DatabaseSettings::database) {
        None => Ok(Place::File(settings.data.join("host.db"))),
        Some(Ok(database)) => Ok(Place::Database(database)),
        Some(Err(error)) => Err(Failure::new(chain(&error)).with_code(exit::CONFIGURATION)),
    }
}
