//! What each command does, one file each.

pub(crate) mod category;
pub(crate) mod cert;
pub(crate) mod chat;
pub(crate) mod check;
mod password;
pub(crate) mod posts;
pub(crate) mod room;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod status;
pub(crate) mod trace;
pub(crate) mod user;

use std::path::PathBuf;

use crate::config::Settings;

/// Where the running server of a configuration is administered.
pub(crate) fn control_socket(settings: &Settings) -> PathBuf {
    settings.data.join("control.sock")
}
