//! `parlor status`: what the running server is doing.

use std::time::Duration;

use parlor_server::control::{Client, Status};

use crate::cli::Global;
use crate::failure::Failure;
use crate::terminal::{BAD, GOOD, STRONG, json_document, line, styled, table};

pub(crate) async fn run(client: Client, global: &Global) -> Result<(), Failure> {
    let status = client.status().await?;
    if global.json {
        json_document(&status);
    } else {
        show(&status);
    }
    Ok(())
}

fn show(status: &Status) {
    let since = uptime(Duration::from_secs(status.uptime_seconds));
    line(format_args!(
        "{} {}, process {}, up {since}",
        styled(STRONG, "parlor"),
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
        (false, error) => styled(BAD, error.as_deref().unwrap_or("failing")),
    };
    line(format_args!("store        {store}"));
    if !status.live.is_empty() {
        line("");
        let rows: Vec<_> = status
            .live
            .iter()
            .map(|room| {
                vec![
                    room.name.clone(),
                    room.participants.to_string(),
                    room.posts.to_string(),
                ]
            })
            .collect();
        table(&["live room", "here", "posts"], &rows);
    }
}

fn uptime(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_names_the_two_largest_units() {
        assert_eq!(uptime(Duration::from_secs(59)), "59 s");
        assert_eq!(uptime(Duration::from_secs(3_599)), "59 min");
        assert_eq!(uptime(Duration::from_secs(7_260)), "2 h 1 min");
        assert_eq!(uptime(Duration::from_secs(90_000)), "1 d 1 h");
    }
}
