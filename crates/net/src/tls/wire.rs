//! The socket under TLS: remembers how the peer began, to tell plain SIP from broken TLS once a handshake has failed, and
//! counts what the peer took, which TLS with its own buffer hides.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::TlsError;

/// Enough for the longest name a SIP message commonly starts with.
const LENGTH: usize = 8;

/// The socket under TLS.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    /// The first bytes that were read.
    seen: [u8; LENGTH],
    length: u8,
    written: u64,
}

impl<S> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            seen: [0; LENGTH],
            length: 0,
            written: 0,
        }
    }

    pub(crate) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Bytes that the socket took.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    fn count(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = written {
            self.written += count as u64;
        }
        written
    }

    fn seen(&self) -> &[u8] {
        &self.seen[..usize::from(self.length)]
    }

    fn remember(&mut self, bytes: &[u8]) {
        let start = usize::from(self.length);
        let count = bytes.len().min(LENGTH - start);
        self.seen[start..start + count].copy_from_slice(&bytes[..count]);
        self.length += count as u8;
    }

    /// What the peer speaks when it is not TLS.
    pub(crate) fn not_tls(&self) -> Option<TlsError> {
        /// Content types of TLS records (RFC 8446 section 5.1).
        const RECORDS: std::ops::RangeInclusive<u8> = 20..=23;
        let first = self.seen().first()?;
        if RECORDS.contains(first) {
            return None;
        }
        Some(if is_sip(self.seen()) {
            TlsError::PlainSip
        } else {
            TlsError::NotTls
        })
    }
}

fn is_sip(seen: &[u8]) -> bool {
    [
        "SIP/2.0 ",
        "REGISTER",
        "INVITE ",
        "ACK ",
        "BYE ",
        "CANCEL ",
        "OPTIONS ",
        "INFO ",
        "MESSAGE ",
        "SUBSCRIBE",
        "NOTIFY ",
        "SERVICE ",
        "BENOTIFY",
        "NEGOTIATE",
        "UPDATE ",
        "REFER ",
        "PRACK ",
        "\r\n",
    ]
    .iter()
    .any(|start| {
        let start = start.as_bytes();
        seen.starts_with(&start[..start.len().min(LENGTH)])
    })
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if usize::from(self.length) < LENGTH {
            self.remember(&buf.filled()[before..]);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
