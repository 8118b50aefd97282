//! Every limit on what a peer may make this crate hold, each with its reason.

use std::time::Duration;

/// Limits of one connection; `Limits::default()` is right for members and trusted applications alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest start line plus headers, in bytes. Default [`Limits::MAX_HEAD`].
    pub head: u16,
    /// Most header lines in one message. Default [`Limits::MAX_HEADERS`].
    pub headers: usize,
    /// Longest body, in bytes. Default [`Limits::MAX_BODY`].
    pub body: usize,
    /// Requests of the peer that may wait for an answer. Default [`Limits::MAX_SERVER_TRANSACTIONS`].
    pub server_transactions: usize,
    /// Requests to the peer that may wait for an answer. Default [`Limits::MAX_CLIENT_TRANSACTIONS`].
    pub client_transactions: usize,
    /// Dialogs on one connection. Default [`Limits::MAX_DIALOGS`].
    pub dialogs: usize,
    /// Keep-alives in [`Limits::KEEP_ALIVE_WINDOW`]. Default [`Limits::MAX_KEEP_ALIVES`].
    pub keep_alives: u32,
}

impl Limits {
    /// A signed Lync request is about 3 KiB; long Record-Route lists and NTLM blobs stay below 16 KiB.
    pub const MAX_HEAD: u16 = 32 * 1024;
    /// Real messages carry 12 to 40 header lines.
    pub const MAX_HEADERS: usize = 128;
    /// XCCOS pages its lists, so no body needs more (facts A5).
    pub const MAX_BODY: usize = 64 * 1024;
    /// A client pipelines a handful; beyond this it gets 503.
    pub const MAX_SERVER_TRANSACTIONS: usize = 128;
    /// A peer that left this many requests unanswered is not reading; the connection is closed.
    pub const MAX_CLIENT_TRANSACTIONS: usize = 4096;
    /// One chat dialog is usual; a host may carry one per bot.
    pub const MAX_DIALOGS: usize = 256;
    /// Clients ping every 30 to 120 s; this is two a second.
    pub const MAX_KEEP_ALIVES: u32 = 120;
    /// The window over which keep-alives are counted.
    pub const KEEP_ALIVE_WINDOW: Duration = Duration::from_secs(60);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Self::MAX_HEAD,
            headers: Self::MAX_HEADERS,
            body: Self::MAX_BODY,
            server_transactions: Self::MAX_SERVER_TRANSACTIONS,
            client_transactions: Self::MAX_CLIENT_TRANSACTIONS,
            dialogs: Self::MAX_DIALOGS,
            keep_alives: Self::MAX_KEEP_ALIVES,
        }
    }
}
