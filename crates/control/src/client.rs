//! A client that sends and receives JSON; what is asked is left to the typed clients built on it.

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

use crate::ErrorBody;

/// Longest answer read; a list of every room of a large server is far below it, a page of the ledger too.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// Longest line of a live stream: a story of the greatest size, escaped.
const MAX_LINE: usize = 1024 * 1024;
/// How long a request may take; a change waits for one commit.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Speaks to the control socket of a running process; one connection per request.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// A client of the process whose socket is at `path`; nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks for `path`, which is escaped already.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.answer(Method::GET, path, Bytes::new()).await
    }

    /// Sends `body` as JSON.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(ClientError::Encode)?;
        self.answer(method, path, body.into()).await
    }

    /// Has the process read its configuration again, unless it is the one that has done so just now.
    ///
    /// # Errors
    /// [`ClientError`]; what is wrong with the configuration is not one of them.
    pub async fn reload(&self, done_by: Option<u32>) -> Result<crate::ReloadAnswer, ClientError> {
        let query = done_by.map(|pid| format!("?done_by={pid}")).unwrap_or_default();
        self.answer(Method::POST, &format!("/reload{query}"), Bytes::new())
            .await
    }

    /// Asks for an endless answer of one JSON value per line.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lines<T: DeserializeOwned>(&self, path: &str) -> Result<Lines<T>, ClientError> {
        let (response, connection) = self.exchange(Method::GET, path, Bytes::new()).await?;
        if response.status() == StatusCode::OK {
            return Ok(Lines {
                body: response.into_body(),
                buffer: BytesMut::new(),
                lines: VecDeque::new(),
                _connection: connection,
            });
        }
        Err(read_error(response).await)
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

/// An endless answer, line by line.
#[derive(Debug)]
pub struct Lines<T> {
    body: Incoming,
    buffer: BytesMut,
    lines: VecDeque<T>,
    _connection: AbortOnDropHandle<()>,
}

impl<T: DeserializeOwned> Lines<T> {
    /// The next value; none when the stream was closed. Cancel safe.
    ///
    /// # Errors
    /// After an error the stream is over.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            if let Some(value) = self.lines.pop_front() {
                return Ok(Some(value));
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
    #[error("nothing answers on {}", path.display())]
    Unreachable {
        /// The socket's path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The other side refused; the sentence is its own.
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
    #[error("the connection broke")]
    Http(#[source] hyper::Error),
    /// The answer is not what this version understands.
    #[error("the answer was not understood")]
    Decode(#[source] serde_json::Error),
    /// The answer is longer than this client reads.
    #[error("the answer is too long")]
    TooLong,
    /// No answer in time.
    #[error("no answer came within {} seconds", ANSWER_DEADLINE.as_secs())]
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
        message: format!("the answer was {status}: {}", String::from_utf8_lossy(&bytes)),
    });
    ClientError::Refused {
        status: status.as_u16(),
        body,
    }
}

/// Percent-encodes everything but RFC 3986 unreserved characters.
pub fn escape(text: &str) -> String {
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
