//! The handshakes of both sides, with a deadline and with errors that say what is wrong.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::{ClientTls, HandshakeError, ServerTls, Wire};

/// How long a peer that was refused may take to read why.
const LINGER: Duration = Duration::from_secs(1);
/// What is thrown away meanwhile at most: a client of TLS 1.3 may have sent its first message already.
const LINGER_BYTES: u64 = 64 << 10;

/// The server's side.
pub(crate) async fn accept(
    tls: &ServerTls,
    stream: TcpStream,
    within: Duration,
) -> Result<server::TlsStream<Wire<TcpStream>>, HandshakeError> {
    let handshake = TlsAcceptor::from(tls.config())
        .accept(Wire::new(stream))
        .into_fallible();
    match timeout(within, handshake).await {
        Err(_) => Err(HandshakeError::TimedOut { after: within }),
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err((error, stream))) => Err(refuse(error, stream).await),
    }
}

/// The client's side; `host` is whom the server's certificate must be for.
pub(crate) async fn connect(
    tls: &ClientTls,
    host: &str,
    stream: TcpStream,
    within: Duration,
) -> Result<client::TlsStream<Wire<TcpStream>>, HandshakeError> {
    let name = tls.server_name(host)?;
    let handshake = TlsConnector::from(tls.config())
        .connect(name, Wire::new(stream))
        .into_fallible();
    match timeout(within, handshake).await {
        Err(_) => Err(HandshakeError::TimedOut { after: within }),
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err((error, stream))) => Err(refuse(error, stream).await),
    }
}

/// Lets the peer read the alert that says why before the connection goes away: a socket that is closed with unread data
/// sends a reset, which overtakes the alert.
async fn refuse(error: io::Error, mut stream: Wire<TcpStream>) -> HandshakeError {
    let error = HandshakeError::from_io(error, stream.not_tls());
    if matches!(error, HandshakeError::Tls(_)) {
        let until = Instant::now() + LINGER;
        let mut discarded = 0;
        let mut scratch = [0; 1024];
        let _ = timeout_at(until, stream.shutdown()).await;
        while let Ok(Ok(count @ 1..)) = timeout_at(until, stream.read(&mut scratch)).await {
            discarded += count as u64;
            if discarded > LINGER_BYTES {
                break;
            }
        }
    }
    error
}
