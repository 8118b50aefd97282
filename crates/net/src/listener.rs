//! Accepts connections over TCP and TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::admission::Admitted;
use crate::tls::handshake;
use crate::{Admission, Connection, ConnectionSettings, HandshakeError, ServerTls, Stream, socket};

/// How to listen.
#[derive(Clone, Debug)]
pub struct ListenSettings {
    /// The address; port 0 lets the system choose.
    pub address: SocketAddr,
    /// TLS, or plain TCP when `None`.
    pub tls: Option<ServerTls>,
    /// Every connection; an empty `sent_by` of its agent becomes the local socket address.
    pub connection: ConnectionSettings,
    /// The doorkeeper, which several listeners may share.
    pub admission: Admission,
}

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Another process listens there.
    #[error("{address} is in use by another process")]
    InUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// An open listening socket; dropping it closes it and leaves its connections alone.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<ServerTls>,
    connection: Arc<ConnectionSettings>,
    admission: Admission,
}

/// A TCP connection that was accepted and counted, before its TLS handshake.
#[derive(Debug)]
pub struct Incoming {
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<ServerTls>,
    connection: Arc<ConnectionSettings>,
    admitted: Admitted,
}

/// Connections that the kernel holds for us: those that arrive within one busy moment.
const BACKLOG: u32 = 1024;
/// Without descriptors or memory only time helps; the connections wait in the backlog meanwhile.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(200);

impl Listener {
    /// Opens the socket.
    pub async fn bind(settings: ListenSettings) -> Result<Self, ListenError> {
        let address = settings.address;
        let open = || {
            let socket = if address.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                TcpSocket::new_v6()?
            };
            // A restarted server takes its port over from the connections of the old one that are fading away.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            let address = socket.local_addr()?;
            Ok((socket, address))
        };
        let (socket, address) = open().map_err(|source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse { address },
            _ => ListenError::Bind { address, source },
        })?;
        Ok(Self {
            socket,
            address,
            tls: settings.tls,
            connection: Arc::new(settings.connection),
            admission: settings.admission,
        })
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The next connection within the limits. Cancel safe.
    ///
    /// Those above the limits are closed and counted; lack of descriptors is waited out. An error means that the socket
    /// is unusable.
    pub async fn accept(&self) -> io::Result<Incoming> {
        loop {
            let (stream, peer) = match self.socket.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_the_peers(&error) => continue,
                Err(error) if is_exhaustion(&error) => {
                    tracing::warn!(%error, "cannot accept connections for now");
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(admitted) = self.admission.admit(peer.ip()) else {
                continue;
            };
            let (tls, connection) = (self.tls.clone(), self.connection.clone());
            return Ok(Incoming {
                stream,
                peer,
                tls,
                connection,
                admitted,
            });
        }
    }
}

impl Incoming {
    /// The peer's address.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Does the TLS handshake within its deadline; run it in the task that will own the connection.
    pub async fn establish(self) -> Result<Connection, HandshakeError> {
        // On the heap for the time it takes: the task that owns the connection afterwards stays small.
        let stream = Box::pin(secure(
            self.stream,
            self.tls.as_ref(),
            self.connection.limits.handshake,
        ))
        .await?;
        Connection::admitted(stream, (*self.connection).clone(), self.admitted)
    }
}

async fn secure(
    stream: TcpStream,
    tls: Option<&ServerTls>,
    within: Duration,
) -> Result<Stream, HandshakeError> {
    socket::prepare(&stream).map_err(HandshakeError::Lost)?;
    match tls {
        Some(tls) => Ok(handshake::accept(tls, stream, within).await?.into()),
        None => Ok(stream.into()),
    }
}

/// The connection died before it was accepted (accept(2): Linux passes its pending errors on).
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::Interrupted
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::HostUnreachable
            | Kind::TimedOut
            | Kind::PermissionDenied
    )
}

/// ENOMEM, ENFILE, EMFILE, ENOBUFS of Linux.
fn is_exhaustion(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(12 | 23 | 24 | 105))
}
