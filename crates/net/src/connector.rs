//! Opens connections: resolves, connects over TCP and TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::tls::handshake;
use crate::{ClientTls, Connection, ConnectionSettings, HandshakeError, Stream, socket};

/// Where and how to connect.
#[derive(Clone, Debug)]
pub struct ConnectSettings {
    /// Host name or address of the next hop; an IPv6 address with or without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS, or plain TCP when `None`.
    pub tls: Option<ClientTls>,
    /// For the name lookup and for each address tried; the handshake has its own in the limits.
    pub timeout: Duration,
    /// The connection; an empty `sent_by` of its agent becomes the local socket address.
    pub connection: ConnectionSettings,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name does not resolve.
    #[error("cannot resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// Nobody could be reached; the error of the last address.
    #[error("cannot connect to {address}")]
    Unreachable {
        /// The last address tried.
        address: SocketAddr,
        /// What the system said; `TimedOut` when the deadline passed.
        source: io::Error,
    },
    /// TLS could not be agreed.
    #[error("no TLS with {address}")]
    Handshake {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: HandshakeError,
    },
}

/// Connects to the first address of the host that answers.
pub async fn connect(settings: ConnectSettings) -> Result<Connection, ConnectError> {
    // On the heap for the time it takes: the task that owns the connection afterwards stays small.
    Box::pin(establish(settings)).await
}

async fn establish(settings: ConnectSettings) -> Result<Connection, ConnectError> {
    let host = settings.host.trim_start_matches('[').trim_end_matches(']');
    let (stream, address) = reach(host, settings.port, settings.timeout).await?;
    let failed = |source| ConnectError::Handshake { address, source };
    let within = settings.connection.limits.handshake;
    let stream = match &settings.tls {
        Some(tls) => Stream::from(
            handshake::connect(tls, host, stream, within)
                .await
                .map_err(failed)?,
        ),
        None => Stream::from(stream),
    };
    Connection::open(stream, settings.connection).map_err(failed)
}

async fn reach(host: &str, port: u16, within: Duration) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let unresolved = |source| ConnectError::Resolve {
        host: host.to_owned(),
        source,
    };
    let addresses = in_time(within, lookup_host((host, port)))
        .await
        .map_err(unresolved)?;
    let mut last = unresolved(io::ErrorKind::NotFound.into());
    for address in addresses {
        let connected = in_time(within, TcpStream::connect(address)).await;
        match connected.and_then(|stream| socket::prepare(&stream).map(|()| stream)) {
            Ok(stream) => return Ok((stream, address)),
            Err(source) => last = ConnectError::Unreachable { address, source },
        }
    }
    Err(last)
}

async fn in_time<T>(within: Duration, action: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(within, action)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
