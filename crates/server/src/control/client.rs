//! A typed client of the control interface, for the command line and for tests.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio_util::task::AbortOnDropHandle;

use super::types::*;

/// Longest answer read; a list of every room of a large server is far below it.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// Longest line of a live stream: a story of the greatest size, escaped.
const MAX_LINE: usize = 1024 * 1024;
/// How long a request may take; a change waits for one commit.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Speaks to the control socket of a running server; one connection per request.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// A client of the server whose socket is at `path`; nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the server is doing.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get("/status").await
    }

    /// Rooms whose name holds `name` (all of them without one), by name.
    pub async fn rooms(&self, name: Option<&str>) -> Result<Vec<RoomSummary>, ClientError> {
        match name {
            Some(name) => self.get(&format!("/rooms?name={}", escape(name))).await,
            None => self.get("/rooms").await,
        }
    }

    /// One room, by name or id.
    pub async fn room(&self, room: &str) -> Result<RoomDetail, ClientError> {
        self.get(&format!("/rooms/{}", escape(room))).await
    }

    /// Creates a room.
    pub async fn create_room(&self, room: &CreateRoom) -> Result<RoomDetail, ClientError> {
        self.send(Method::POST, "/rooms", room).await
    }

    /// Changes a room.
    pub async fn update_room(&self, room: &str, change: &UpdateRoom) -> Result<RoomDetail, ClientError> {
        self.send(Method::PATCH, &format!("/rooms/{}", escape(room)), change)
            .await
    }

    /// Adds principals to and removes them from one list of a room.
    pub async fn change_role(
        &self,
        room: &str,
        role: RoleName,
        change: &RoleChange,
    ) -> Result<RoomDetail, ClientError> {
        self.send(
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
        self.get(&path).await
    }

    /// Posts on behalf of a user.
    pub async fn post(&self, room: &str, message: &PostMessage) -> Result<Posted, ClientError> {
        self.send(Method::POST, &format!("/rooms/{}/posts", escape(room)), message)
            .await
    }

    /// What happens in a room from now on.
    pub async fn live(&self, room: &str) -> Result<Live, ClientError> {
        let path = format!("/rooms/{}/live", escape(room));
        let (response, connection) = self.exchange(Method::GET, &path, Bytes::new()).await?;
        if response.status() == StatusCode::OK {
            return Ok(Live {
                body: response.into_body(),
                buffer: BytesMut::new(),
                lines: VecDeque::new(),
                _connection: connection,
            });
        }
        Err(read_error(response).await)
    }

    /// Every category, by name.
    pub async fn categories(&self) -> Result<Vec<CategoryView>, ClientError> {
        self.get("/categories").await
    }

    /// Creates a category.
    pub async fn create_category(&self, category: &CreateCategory) -> Result<CategoryView, ClientError> {
        self.send(Method::POST, "/categories", category).await
    }

    /// Changes a category, by name or id.
    pub async fn update_category(
        &self,
        category: &str,
        change: &UpdateCategory,
    ) -> Result<CategoryView, ClientError> {
        self.send(
            Method::PATCH,
            &format!("/categories/{}", escape(category)),
            change,
        )
        .await
    }

    /// Every user, by address.
    pub async fn users(&self) -> Result<Vec<UserView>, ClientError> {
        self.get("/users").await
    }

    /// Creates a user.
    pub async fn create_user(&self, user: &CreateUser) -> Result<UserView, ClientError> {
        self.send(Method::POST, "/users", user).await
    }

    /// Changes a user.
    pub async fn update_user(&self, uri: &str, change: &UpdateUser) -> Result<UserView, ClientError> {
        self.send(Method::PATCH, &format!("/users/{}", escape(uri)), change)
            .await
    }

    /// Sets the password of a user; the connections that signed in with the old one are closed.
    pub async fn set_password(&self, uri: &str, change: &SetPassword) -> Result<UserView, ClientError> {
        self.send(Method::PUT, &format!("/users/{}/password", escape(uri)), change)
            .await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.answer(Method::GET, path, Bytes::new()).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(ClientError::Encode)?;
        self.answer(method, path, body.into()).await
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let exchange = async {
            let (response, _connection) = self.exchange(method, path, body).await?;
            if !response.status().is_success() {
                return Err(read_error(response).await);
            }
            let bytes = read_body(response).await?;
            serde_json::from_slice(&bytes).map_err(ClientError::Decode)
        };
        tokio::time::timeout(ANSWER_DEADLINE, exchange)
            .await
            .map_err(|_| ClientError::Deadline)?
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(Response<Incoming>, AbortOnDropHandle<()>), ClientError> {
        let stream = UnixStream::connect(&self.path)
            .await
            .map_err(|source| ClientError::Unreachable {
                path: self.path.clone(),
                source,
            })?;
        let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(ClientError::Http)?;
        // The connection's failure reaches the caller through the response future.
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            let _ = connection.await;
        }));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "parlor")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(ClientError::Request)?;
        let response = sender.send_request(request).await.map_err(ClientError::Http)?;
        Ok((response, connection))
    }
}

/// A stream of what happens in one room.
#[derive(Debug)]
pub struct Live {
    body: Incoming,
    buffer: BytesMut,
    lines: VecDeque<LiveEvent>,
    _connection: AbortOnDropHandle<()>,
}

impl Live {
    /// The next event; none when the server closed the stream. Cancel safe.
    ///
    /// # Errors
    /// After an error the stream is over.
    pub async fn next(&mut self) -> Result<Option<LiveEvent>, ClientError> {
        loop {
            if let Some(event) = self.lines.pop_front() {
                return Ok(Some(event));
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let Ok(data) = frame.map_err(ClientError::Http)?.into_data() else {
                continue;
            };
            self.buffer.extend_from_slice(&data);
            while let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                // An empty line only keeps the connection alive.
                if line.len() > 1 {
                    self.lines
                        .push_back(serde_json::from_slice(&line).map_err(ClientError::Decode)?);
                }
            }
            if self.buffer.len() > MAX_LINE {
                return Err(ClientError::TooLong);
            }
        }
    }
}

/// Why a control request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nothing listens on the socket, or it belongs to somebody else.
    #[error("no server answers on {}", path.display())]
    Unreachable {
        /// The socket's path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server refused; the sentence is its own.
    #[error("{}", body.message)]
    Refused {
        /// HTTP status.
        status: u16,
        /// What it said.
        body: ErrorBody,
    },
    /// The request could not be written as JSON.
    #[error("the request cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The request is not a valid HTTP request.
    #[error("the request is not valid HTTP")]
    Request(#[source] hyper::http::Error),
    /// The connection broke.
    #[error("the connection to the server broke")]
    Http(#[source] hyper::Error),
    /// The answer is not what this version understands.
    #[error("the server's answer was not understood")]
    Decode(#[source] serde_json::Error),
    /// The answer is longer than this client reads.
    #[error("the server's answer is too long")]
    TooLong,
    /// No answer in time.
    #[error("the server did not answer within {} seconds", ANSWER_DEADLINE.as_secs())]
    Deadline,
}

async fn read_body(response: Response<Incoming>) -> Result<Bytes, ClientError> {
    match Limited::new(response.into_body(), MAX_ANSWER).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => match error.downcast::<hyper::Error>() {
            Ok(error) => Err(ClientError::Http(*error)),
            Err(_) => Err(ClientError::TooLong),
        },
    }
}

async fn read_error(response: Response<Incoming>) -> ClientError {
    let status = response.status();
    let bytes = match read_body(response).await {
        Ok(bytes) => bytes,
        Err(error) => return error,
    };
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| ErrorBody {
        error: "http".to_owned(),
        message: format!(
            "the server answered {status}: {}",
            String::from_utf8_lossy(&bytes)
        ),
    });
    ClientError::Refused {
        status: status.as_u16(),
        body,
    }
}

/// Percent-encodes everything but RFC 3986 unreserved characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte))
            }
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                escaped.push('%');
                escaped.push(char::from(HEX[usize::from(byte >> 4)]));
                escaped.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_in_a_path() {
        assert_eq!(
            escape("News & Ünterhaltung/1"),
            "News%20%26%20%C3%9Cnterhaltung%2F1"
        );
    }
}
