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

use crate::config::Settings;

/// Where the running server of a configuration is administered.
pub(crate) fn control_socket(settings: &Settings) -> PathBuf {
    settings.data.join("control.sock")
}

/// Where the running host of a configuration is asked.
pub(crate) fn host_socket(settings: &Settings) -> PathBuf {
    settings.data.join("host.sock")
}

/// Where the host of a configuration keeps its state.
pub(crate) fn host_state(settings: &Settings) -> Place {
    Place::File(settings.data.join("host.db"))
}
