//! The server's part of the status.

use std::time::Duration;

use parlor_server::control::Status;

use super::duration;
use crate::terminal::{BAD, GOOD, STRONG, line, styled, table};

/// Live rooms shown, the busiest first.
const ROOMS: usize = 20;

pub(super) fn show(status: &Status) {
    let since = duration(Duration::from_secs(status.uptime_seconds));
    line(format_args!(
        "{} {}, process {}, up {since}",
        styled(STRONG, "server"),
        status.version,
        status.pid
    ));
    line(format_args!(
        "domain       {} ({})",
        status.domain, status.chat_uri
    ));
    for listener in &status.listeners {
        line(format_args!(
            "listening    {}:{}",
            listener.transport, listener.addr
        ));
    }
    line(format_args!(
        "connections  {}, sessions {}",
        status.connections, status.sessions
    ));
    line(format_args!(
        "directory    {} rooms, {} users",
        status.rooms, status.users
    ));
    line(format_args!(
        "posts        {} kept, {} delivered, {} refused",
        status.posts, status.deliveries, status.refused
    ));
    let store = match (&status.store.healthy, &status.store.last_error) {
        (true, None) => styled(GOOD, "healthy"),
        (true, Some(error)) => format!(
            "{} ({} failures; last: {error})",
            styled(GOOD, "healthy"),
            status.store.failures
        ),
        (false, _) if status.store.full => styled(BAD, "the disk is full"),
        (false, error) => styled(BAD, error.as_deref().unwrap_or("failing")),
    };
    line(format_args!("store        {store}"));
    if !status.live.is_empty() {
        line("");
        let rows: Vec<_> = status
            .live
            .iter()
            .take(ROOMS)
            .map(|room| {
                vec![
                    room.name.clone(),
                    room.participants.to_string(),
                    room.posts.to_string(),
                ]
            })
            .collect();
        table(&["live room", "here", "posts"], &rows);
        super::more(status.live.len(), ROOMS);
    }
}
