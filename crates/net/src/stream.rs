//! The byte stream under a connection: plain TCP, TLS of either side, or memory in tests.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use parlor_sip::Transport;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

use crate::tls::Wire;

/// One byte stream.
#[derive(Debug)]
pub struct Stream {
    kind: Kind,
    /// Bytes written, where there is no TLS that counts what the socket took.
    written: u64,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream),
    ServerTls(Box<server::TlsStream<Wire<TcpStream>>>),
    ClientTls(Box<client::TlsStream<Wire<TcpStream>>>),
    Duplex(DuplexStream),
}

/// The two ends of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
}

/// What is read at once, on the stack: several posts, and nothing that an idle connection keeps.
const READ: usize = 8 << 10;

macro_rules! each {
    ($self:ident, $stream:ident => $action:expr) => {
        match &mut $self.kind {
            Kind::Tcp($stream) => $action,
            Kind::ServerTls($stream) => $action,
            Kind::ClientTls($stream) => $action,
            Kind::Duplex($stream) => $action,
        }
    };
}

impl Stream {
    /// Reads what is there to the end of `buffer`; 0 is the end of the stream.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        match &mut self.kind {
            Kind::Tcp(stream) => read(stream, cx, buffer),
            Kind::Duplex(stream) => read(stream, cx, buffer),
            Kind::ServerTls(stream) => read_buffered(stream.as_mut(), cx, buffer),
            Kind::ClientTls(stream) => read_buffered(stream.as_mut(), cx, buffer),
        }
    }

    /// Writes several pieces with one system call; under TLS they share records.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = each!(self, stream => Pin::new(stream).poll_write_vectored(cx, pieces));
        if let Poll::Ready(Ok(count)) = written {
            self.written += count as u64;
        }
        written
    }

    /// Bytes that the peer's side took so far, or at least the system for it.
    pub(crate) fn written(&self) -> u64 {
        match &self.kind {
            Kind::Tcp(_) | Kind::Duplex(_) => self.written,
            Kind::ServerTls(stream) => stream.get_ref().0.written(),
            Kind::ClientTls(stream) => stream.get_ref().0.written(),
        }
    }

    /// Sends what TLS still holds back.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    /// Ends our direction, under TLS with a close_notify.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }

    /// The peer's own certificate.
    pub(crate) fn peer_certificate(&self) -> Option<&CertificateDer<'static>> {
        match &self.kind {
            Kind::ServerTls(stream) => stream.get_ref().1.peer_certificates()?.first(),
            Kind::ClientTls(stream) => stream.get_ref().1.peer_certificates()?.first(),
            Kind::Tcp(_) | Kind::Duplex(_) => None,
        }
    }

    /// For our Via.
    pub(crate) fn transport(&self) -> Transport {
        match &self.kind {
            Kind::Tcp(_) | Kind::Duplex(_) => Transport::Tcp,
            Kind::ServerTls(_) | Kind::ClientTls(_) => Transport::Tls,
        }
    }
}

fn read(
    stream: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let mut scratch = [MaybeUninit::uninit(); READ];
    let mut scratch = ReadBuf::uninit(&mut scratch);
    ready!(Pin::new(stream).poll_read(cx, &mut scratch))?;
    buffer.extend_from_slice(scratch.filled());
    Poll::Ready(Ok(scratch.filled().len()))
}

/// Takes the bytes from where TLS decrypted them.
fn read_buffered(
    stream: &mut (impl AsyncBufRead + Unpin),
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let bytes = ready!(Pin::new(&mut *stream).poll_fill_buf(cx))?;
    let count = bytes.len();
    buffer.extend_from_slice(bytes);
    Pin::new(stream).consume(count);
    Poll::Ready(Ok(count))
}

impl Ends {
    /// Of a socket; of memory, unspecified addresses.
    pub(crate) fn of(stream: &Stream) -> Self {
        const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let tcp = match &stream.kind {
            Kind::Tcp(tcp) => Some(tcp),
            Kind::ServerTls(tls) => Some(tls.get_ref().0.get_ref()),
            Kind::ClientTls(tls) => Some(tls.get_ref().0.get_ref()),
            Kind::Duplex(_) => None,
        };
        Self {
            local: tcp.and_then(|tcp| tcp.local_addr().ok()).unwrap_or(NOWHERE),
            peer: tcp.and_then(|tcp| tcp.peer_addr().ok()).unwrap_or(NOWHERE),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self {
            kind: Kind::Tcp(stream),
            written: 0,
        }
    }
}

impl From<DuplexStream> for Stream {
    fn from(stream: DuplexStream) -> Self {
        Self {
            kind: Kind::Duplex(stream),
            written: 0,
        }
    }
}

impl From<server::TlsStream<Wire<TcpStream>>> for Stream {
    fn from(stream: server::TlsStream<Wire<TcpStream>>) -> Self {
        Self {
            kind: Kind::ServerTls(Box::new(stream)),
            written: 0,
        }
    }
}

impl From<client::TlsStream<Wire<TcpStream>>> for Stream {
    fn from(stream: client::TlsStream<Wire<TcpStream>>) -> Self {
        Self {
            kind: Kind::ClientTls(Box::new(stream)),
            written: 0,
        }
    }
}
