//! What a connection and a listener may use at most, each with its reason; the SIP limits are the `sip` crate's.

use std::time::Duration;

/// The bounds of one listener or connector and of each of its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at the same time, handshakes included.
    pub connections: usize,
    /// Connections open at the same time from one IPv4 address or one IPv6 /64 network.
    pub connections_per_peer: usize,
    /// From the TCP connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From the handshake to the first SIP message of a client; `None` waits for ever.
    pub first_message: Option<Duration>,
    /// Without a byte from a client; `None` waits for ever.
    pub idle: Option<Duration>,
    /// Without progress of a write: the peer does not read.
    pub write_stall: Duration,
    /// For the last bytes and the goodbye of a connection that is being closed.
    pub close: Duration,
    /// Frames waiting in one outbox.
    pub outbox_frames: usize,
    /// Bytes of the bodies waiting in one outbox; one frame is always accepted by an empty one.
    pub outbox_bytes: usize,
}

/// A process is commonly allowed 20,000 descriptors and needs some for itself.
const CONNECTIONS: usize = 16_000;
/// Whole offices sit behind one address; one address may still not take everything.
const CONNECTIONS_PER_PEER: usize = 2_000;
/// Long enough for a lossy link with three retransmissions, short for someone who only holds sockets.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// UCMA closes an inbound connection without a valid message after about a minute (facts E6).
const FIRST_MESSAGE: Duration = Duration::from_secs(60);
/// UCMA closes an idle connection after about 15 minutes (facts E6).
const IDLE: Duration = Duration::from_secs(15 * 60);
/// Two full retransmission back-offs of a lossy link.
const WRITE_STALL: Duration = Duration::from_secs(30);
/// A peer that is alive takes the last bytes within a few round trips.
const CLOSE: Duration = Duration::from_secs(3);
/// A room of 500 whose members all join at once, with room for as many posts.
const OUTBOX_FRAMES: usize = 2_048;
/// Some forty histories of 100 KB; bodies are shared between the receivers of a post.
const OUTBOX_BYTES: usize = 4 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            connections_per_peer: CONNECTIONS_PER_PEER,
            handshake: HANDSHAKE,
            first_message: Some(FIRST_MESSAGE),
            idle: Some(IDLE),
            write_stall: WRITE_STALL,
            close: CLOSE,
            outbox_frames: OUTBOX_FRAMES,
            outbox_bytes: OUTBOX_BYTES,
        }
    }
}
