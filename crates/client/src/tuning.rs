//! The limits and deadlines of an endpoint, each with its reason; what may be changed is in [`Tuning`].

use std::time::Duration;

/// Commands that wait for the endpoint task. A full queue makes callers wait, inside their own deadlines.
pub(crate) const COMMAND_QUEUE: usize = 128;
/// XCCOS requests without a reply on one endpoint; more than UCMA's client throttle of 20, and still a short table.
pub(crate) const REQUESTS_IN_FLIGHT: usize = 64;
/// Posts of one room that wait for their echo; the caller of one more is told to slow down.
pub(crate) const POSTS_IN_FLIGHT: usize = 64;
/// Rooms joined by one endpoint: one `bjoin` of that many rooms stays under the 64 KiB body limit (about 110 bytes each).
pub(crate) const ROOMS_PER_ENDPOINT: usize = 500;
/// Live posts kept while a room catches up; beyond it they are dropped and fetched again, never lost.
pub(crate) const HELD_LIVE_POSTS: usize = 256;
/// Names listed by [`crate::JoinError::NotFound`] and [`crate::JoinError::Ambiguous`]: enough to choose from, short enough to print.
pub(crate) const CANDIDATES: usize = 10;
/// History by count when the server cannot page by id; the server's own upper limit for it (facts B4).
pub(crate) const BACKCHAT_LIMIT: u32 = 500;

/// Deadlines, waits and sizes an application may change; the defaults suit a server in the same building or far away.
///
/// ```
/// use parlor_client::Tuning;
/// let tuning = Tuning { seed: Some(1), ..Tuning::default() };
/// assert_eq!(tuning.events, 256);
/// ```
#[derive(Debug, Clone)]
pub struct Tuning {
    /// From the first byte to an established endpoint or chat endpoint.
    pub establish: Duration,
    /// From a request to its XCCOS reply, waiting for a recovery included.
    pub request: Duration,
    /// From a post to its echo: retries after 503 and re-sending after a reconnect included.
    pub post: Duration,
    /// How long terminate and drain wait for the other side before they close anyway.
    pub goodbye: Duration,
    /// The first reconnect wait is at most this.
    pub reconnect_base: Duration,
    /// Every reconnect wait is at most this.
    pub reconnect_cap: Duration,
    /// Events that wait for the application, per room.
    pub events: usize,
    /// Posts asked for at a time when catching up.
    pub page: u32,
    /// Fixes jitter and identifiers for tests; `None` draws from the operating system.
    pub seed: Option<u64>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            establish: Duration::from_secs(30),
            request: Duration::from_secs(30),
            post: Duration::from_secs(60),
            goodbye: Duration::from_secs(5),
            reconnect_base: Duration::from_millis(500),
            reconnect_cap: Duration::from_secs(60),
            events: 256,
            page: 100,
            seed: None,
        }
    }
}
