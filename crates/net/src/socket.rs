//! The options of every TCP socket here.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// The first probe after this long without traffic, well within what middle-boxes remember.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// Between two probes.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
/// A peer that acknowledges nothing for this long is gone; without it, Linux tries for a quarter of an hour.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// Sets them: no Nagle (44 ms per handshake otherwise; facts, dependencies section 3), and the kernel notices a peer that
/// vanished, which costs no memory here and no bytes that a SIP client could stumble over.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE_AFTER)
            .with_interval(KEEPALIVE_EVERY),
    )?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}
