//! What an instance is told about its surroundings when it is made.

use std::path::{Path, PathBuf};

use crate::{Limits, Room, SetupError, SipUri};

/// An instance's surroundings: its id, its own URI, its rooms and the folder of the configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setup {
    instance: String,
    me: SipUri,
    rooms: Vec<Room>,
    folder: PathBuf,
    limits: Limits,
    removal: bool,
}

impl Setup {
    /// An instance `instance` that posts as `me`, in no rooms.
    pub fn new(instance: impl Into<String>, me: SipUri) -> Self {
        Self {
            instance: instance.into(),
            me,
            rooms: Vec::new(),
            folder: PathBuf::from("."),
            limits: Limits::default(),
            removal: false,
        }
    }

    /// With these rooms, in the configuration's order.
    #[must_use]
    pub fn with_rooms(mut self, rooms: impl IntoIterator<Item = Room>) -> Self {
        self.rooms = rooms.into_iter().collect();
        self
    }

    /// With the folder that relative paths in settings start from: that of the configuration file.
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// With the message limits of the server.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With the right to remove messages, or without it.
    #[must_use]
    pub fn with_removal(mut self, allowed: bool) -> Self {
        self.removal = allowed;
        self
    }

    /// The instance's id in the configuration.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The URI that the bot posts as.
    pub fn me(&self) -> &SipUri {
        &self.me
    }

    /// The instance's rooms.
    pub fn rooms(&self) -> &[Room] {
        &self.rooms
    }

    /// Where relative paths in settings start.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How long a post may be.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether the host can have messages removed ([`crate::Context::remove`]): its configuration names the server's
    /// control socket. A setting that needs it is refused where it cannot.
    pub fn can_remove(&self) -> bool {
        self.removal
    }

    /// The configured room called `name`, for a setting at `path` that names a room.
    ///
    /// # Errors
    /// [`SetupError::UnknownRoom`] when the instance has no such room.
    pub fn room(&self, path: impl Into<String>, name: &str) -> Result<Room, SetupError> {
        match self.rooms.iter().find(|room| room.is(name)) {
            Some(room) => Ok(room.clone()),
            None => Err(SetupError::UnknownRoom {
                path: path.into(),
                room: name.to_owned(),
                configured: self.rooms.clone(),
            }),
        }
    }
}
