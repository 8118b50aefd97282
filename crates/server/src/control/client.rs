//! The typed client of the server's control interface, for the command line and for tests.

use std::path::{Path, PathBuf};

use parlor_control::{ClientError, Lines, Method, escape};
use parlor_xccos::MessageId;

use super::types::*;

/// Speaks to the control socket of a running server; one connection per request.
#[derive(Debug, Clone)]
pub struct Client {
    control: parlor_control::Client,
}

impl Client {
    /// A client of the server whose socket is at `path`; nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            control: parlor_control::Client::new(path),
        }
    }

    /// The socket's path.
    pub fn path(&self) -> &Path {
        self.control.path()
    }

    /// How the server is doing.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.control.get("/status").await
    }

    /// Rooms whose name holds `name` (all of them without one), by name.
    pub async fn rooms(&self, name: Option<&str>) -> Result<Vec<RoomSummary>, ClientError> {
        match name {
            Some(name) => self.control.get(&format!("/rooms?name={}", escape(name))).await,
            None => self.control.get("/rooms").await,
        }
    }

    /// One room, by name or id.
    pub async fn room(&self, room: &str) -> Result<RoomDetail, ClientError> {
        self.control.get(&format!("/rooms/{}", escape(room))).await
    }

    /// Creates a room.
    pub async fn create_room(&self, room: &CreateRoom) -> Result<RoomDetail, ClientError> {
        self.control.send(Method::POST, "/rooms", room).await
    }

    /// Changes a room.
    pub async fn update_room(&self, room: &str, change: &UpdateRoom) -> Result<RoomDetail, ClientError> {
        self.control
            .send(Method::PATCH, &format!("/rooms/{}", escape(room)), change)
            .await
    }

    /// Adds principals to and removes them from one list of a room.
    pub async fn change_role(
        &self,
        room: &str,
        role: RoleName,
        change: &RoleChange,
    ) -> Result<RoomDetail, ClientError> {
        self.control
            .send(
                Method::POST,
                &format!("/rooms/{}/roles/{}", escape(room), role.as_str()),
                change,
            )
            .await
    }

    /// Posts of a room, oldest first.
    pub async fn history(&self, room: &str, query: &HistoryQuery) -> Result<Vec<PostView>, ClientError> {
        let mut path = format!("/rooms/{}/history?", escape(room));
        if let Some(last) = query.last {
            path.push_str(&format!("last={last}&"));
        }
        if let Some(after) = query.after {
            path.push_str(&format!("after={}&", after.0));
        }
        if let Some(before) = query.before {
            path.push_str(&format!("before={}&", before.0));
        }
        path.pop();
        self.control.get(&path).await
    }

    /// Posts on behalf of a user.
    pub async fn post(&self, room: &str, message: &PostMessage) -> Result<Posted, ClientError> {
        self.control
            .send(Method::POST, &format!("/rooms/{}/posts", escape(room)), message)
            .await
    }

    /// Takes what a message says out of its room; a repeat is answered with the first removal.
    pub async fn remove_message(
        &self,
        room: &str,
        message: MessageId,
        removal: &RemoveMessage,
    ) -> Result<RemovedMessage, ClientError> {
        let path = format!("/rooms/{}/posts/{message}/removal", escape(room));
        self.control.send(Method::POST, &path, removal).await
    }

    /// The record of removed messages of a room, oldest first, of those after a number.
    pub async fn removals(&self, room: &str, query: &RemovalsQuery) -> Result<Vec<RemovalView>, ClientError> {
        let path = format!("/rooms/{}/removals?after={}", escape(room), query.after);
        self.control.get(&path).await
    }

    /// What happens in a room from now on.
    pub async fn live(&self, room: &str) -> Result<Lines<LiveEvent>, ClientError> {
        let path = format!("/rooms/{}/live", escape(room));
        self.control.lines(&path).await
    }

    /// Every category, by name.
    pub async fn categories(&self) -> Result<Vec<CategoryView>, ClientError> {
        self.control.get("/categories").await
    }

    /// Creates a category.
    pub async fn create_category(&self, category: &CreateCategory) -> Result<CategoryView, ClientError> {
        self.control.send(Method::POST, "/categories", category).await
    }

    /// Changes a category, by name or id.
    pub async fn update_category(
        &self,
        category: &str,
        change: &UpdateCategory,
    ) -> Result<CategoryView, ClientError> {
        self.control
            .send(
                Method::PATCH,
                &format!("/categories/{}", escape(category)),
                change,
            )
            .await
    }

    /// Every user, by address.
    pub async fn users(&self) -> Result<Vec<UserView>, ClientError> {
        self.control.get("/users").await
    }

    /// Creates a user.
    pub async fn create_user(&self, user: &CreateUser) -> Result<UserView, ClientError> {
        self.control.send(Method::POST, "/users", user).await
    }

    /// Changes a user.
    pub async fn update_user(&self, uri: &str, change: &UpdateUser) -> Result<UserView, ClientError> {
        self.control
            .send(Method::PATCH, &format!("/users/{}", escape(uri)), change)
            .await
    }

    /// Sets the password of a user; the connections that signed in with the old one are closed.
    pub async fn set_password(&self, uri: &str, change: &SetPassword) -> Result<UserView, ClientError> {
        self.control
            .send(Method::PUT, &format!("/users/{}/password", escape(uri)), change)
            .await
    }
}
