//! What a running service says on its terminal: where it listens, what its bots do.

use std::net::SocketAddr;

use chrono::{DateTime, Local, Utc};
use parlor_control::ReloadAnswer;
use parlor_host::HostEvent;
use parlor_server::Server;
use serde_json::json;

use crate::commands::reload::refusal;
use crate::config::{Settings, Transport};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, WARNING, harmless, json_line, line, styled};

#[derive(Debug)]
pub(super) struct Report {
    json: bool,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn listening(&self, server: &Server, settings: &Settings) {
        let Some(configured) = &settings.server else {
            return;
        };
        for (address, listener) in server.addresses().iter().zip(&configured.listen) {
            let transport = match listener.transport {
                Transport::Tls => "tls",
                Transport::Tcp => "tcp",
            };
            let (domain, chat) = (&configured.config.domain, &configured.config.chat_uri);
            if self.json {
                json_line(
                    &json!({ "event": "listening", "transport": transport, "address": address, "domain": domain }),
                );
            } else {
                line(format_args!(
                    "{} {transport}:{address} as {chat}",
                    styled(GOOD, "listening")
                ));
            }
        }
    }

    pub(super) fn watching(&self, address: SocketAddr) {
        if self.json {
            json_line(&json!({ "event": "metrics", "address": address }));
        } else {
            line(format_args!(
                "{} http://{address}/metrics, /live and /ready",
                styled(GOOD, "health at")
            ));
        }
    }

    pub(super) fn webhooks(&self, address: SocketAddr, settings: &Settings) {
        let tls = settings
            .webhooks
            .as_ref()
            .is_some_and(|webhooks| webhooks.tls.is_some());
        let scheme = if tls { "https" } else { "http" };
        if self.json {
            json_line(&json!({ "event": "webhooks", "address": address, "tls": tls }));
        } else {
            let word = styled(GOOD, "webhooks at");
            line(format_args!("{word} {scheme}://{address}/hooks/NAME"));
        }
    }

    /// What came of a reload; whoever looks at the terminal need not look into the log.
    pub(super) fn reloaded(&self, answer: &ReloadAnswer) {
        if self.json {
            json_line(
                &json!({ "event": "configuration", "reloaded": answer.done, "changes": answer.changes,
                "needs_restart": answer.needs_restart, "problems": answer.problems }),
            );
        } else if let Some(refusal) = refusal(answer) {
            line(styled(BAD, refusal));
        } else {
            line(styled(GOOD, "configuration reloaded"));
        }
    }

    pub(super) fn ready(&self, host: bool) {
        if !self.json && !host {
            line(styled(FAINT, "Ctrl-C stops it; `parlor status` looks inside"));
        }
    }

    pub(super) fn event(&self, event: &HostEvent) {
        if self.json {
            return json_line(event);
        }
        if let Some(text) = words(event) {
            line(format_args!(
                "{} {text}",
                styled(FAINT, Local::now().format("%H:%M:%S"))
            ));
        }
    }
}

/// An event in words; none for those that only matter to programs.
fn words(event: &HostEvent) -> Option<String> {
    Some(match event {
        HostEvent::SignedIn { user } => format!("{} {user}", styled(GOOD, "signed in")),
        HostEvent::SignInFailed { user, reason } => {
            format!("{} {user}: {reason}", styled(BAD, "not signed in"))
        }
        HostEvent::Recovering { user, reason } => {
            let reason = reason
                .as_ref()
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            format!("{} {user}{reason}", styled(WARNING, "recovering"))
        }
        HostEvent::Joined { user, room, .. } => format!("{} {room} as {user}", styled(GOOD, "joined")),
        HostEvent::JoinFailed { user, room, reason } => {
            format!("{} {room} as {user}: {reason}", styled(BAD, "not joined"))
        }
        HostEvent::HistoryGap { room, reason, .. } => {
            format!("{} in {room}: {reason}", styled(WARNING, "gap"))
        }
        HostEvent::BotStarted {
            instance,
            kind,
            rooms,
        } => {
            let rooms = if rooms.is_empty() {
                String::new()
            } else {
                format!(" in {}", rooms.join(", "))
            };
            format!("{} {instance} ({kind}){rooms}", styled(GOOD, "bot runs"))
        }
        HostEvent::BotStopped { instance, reason } => {
            format!("{} {instance}: {reason}", styled(BAD, "bot stopped"))
        }
        HostEvent::BotRestarting { instance, reason } => {
            format!("{} {instance}: {reason}", styled(WARNING, "bot restarts"))
        }
        HostEvent::HandlerFailed {
            instance,
            cause,
            attempt,
            reason,
        } => {
            format!(
                "{} {instance}: {cause}, attempt {attempt}: {reason}",
                styled(WARNING, "failed")
            )
        }
        HostEvent::Quarantined {
            instance,
            cause,
            reason,
        } => {
            format!("{} {instance}: {cause}: {reason}", styled(BAD, "set aside"))
        }
        HostEvent::Posted {
            instance,
            room,
            id,
            excerpt,
            repeated,
        } => {
            let id = id.map(|id| format!(" #{id}")).unwrap_or_default();
            let again = if *repeated {
                " (the server had it already)"
            } else {
                ""
            };
            format!(
                "{instance} -> {}{}{again}  {}",
                styled(STRONG, room),
                styled(FAINT, id),
                harmless(excerpt)
            )
        }
        HostEvent::Answered { instance, person } => {
            format!(
                "{instance} -> {}  {}",
                styled(STRONG, person),
                styled(FAINT, "in private")
            )
        }
        HostEvent::Removed {
            instance,
            room,
            id,
            repeated,
        } => {
            let again = if *repeated {
                " (it was removed already)"
            } else {
                ""
            };
            format!(
                "{instance} -> {}{}{again}  {}",
                styled(STRONG, room),
                styled(FAINT, format_args!(" #{id}")),
                styled(FAINT, "removed")
            )
        }
        HostEvent::DeliveryFailed {
            instance,
            room,
            reason,
            dead,
        } => {
            let word = if *dead {
                styled(BAD, "given up")
            } else {
                styled(WARNING, "not delivered yet")
            };
            format!("{word} {instance} -> {room}: {reason}")
        }
        HostEvent::Mailed { instance } => format!("{instance} {}", styled(FAINT, "mail sent")),
        HostEvent::MailFailed {
            instance,
            reason,
            dead,
        } => {
            let word = if *dead {
                styled(BAD, "mail given up")
            } else {
                styled(WARNING, "mail not sent yet")
            };
            format!("{word} {instance}: {}", harmless(reason))
        }
        HostEvent::WebhookTaken {
            instance,
            hook,
            item,
            repeated,
        } => {
            let again = if *repeated { " (sent again)" } else { "" };
            let item = styled(FAINT, harmless(item));
            format!("{instance} <- {}  {item}{again}", styled(STRONG, hook))
        }
        HostEvent::WebhookRefused { hook, from, reason } => {
            let word = styled(WARNING, "webhook refused");
            let hook = if hook.is_empty() {
                "one that is not configured"
            } else {
                hook
            };
            format!("{word} {hook} from {from}: {reason}")
        }
        HostEvent::Reloaded {
            started,
            restarted,
            removed,
        } => {
            let lists = [
                ("started", started),
                ("started anew", restarted),
                ("removed", removed),
            ];
            let parts: Vec<_> = lists
                .into_iter()
                .filter(|(_, ids)| !ids.is_empty())
                .map(|(what, ids)| format!("{what} {}", ids.join(", ")))
                .collect();
            if parts.is_empty() {
                return None;
            }
            format!("{} {}", styled(GOOD, "bots"), parts.join("; "))
        }
        HostEvent::PoolChanged { hosts, endpoints } => {
            let led: Vec<_> = endpoints.iter().map(ToString::to_string).collect();
            let led = if led.is_empty() {
                "nothing".to_owned()
            } else {
                led.join(", ")
            };
            format!(
                "{} hosts {}; this one leads {led}",
                styled(GOOD, "pool"),
                hosts.join(", ")
            )
        }
        HostEvent::TakenOver => format!(
            "{} this host was silent for too long and others have taken over; it joins anew",
            styled(WARNING, "pool")
        ),
        HostEvent::StateFailed { reason } => format!("{} {reason}", styled(BAD, "state not written:")),
        _ => return of_sources(event),
    })
}

/// What is told of feeds and schedules.
fn of_sources(event: &HostEvent) -> Option<String> {
    Some(match event {
        HostEvent::FeedFailed { url, reason, next } => {
            format!(
                "{} {url}: {reason}; next try {}",
                styled(WARNING, "feed failed"),
                here(*next)
            )
        }
        HostEvent::ScheduleSkipped {
            instance,
            schedule,
            due,
            times,
            reason,
        } => {
            let more = match times {
                1 => String::new(),
                times => format!(" and {} before", times - 1),
            };
            let word = styled(FAINT, "does not come");
            format!("{word} {instance}: {schedule} of {}{more}: {reason}", here(*due))
        }
        HostEvent::CalendarFailed { reason, .. } => {
            format!(
                "{} {reason}; what was read before stays in use",
                styled(WARNING, "calendar:")
            )
        }
        HostEvent::FeedGone { url } => {
            format!(
                "{} {url}: gone for good (410), not tried again",
                styled(BAD, "feed gone")
            )
        }
        HostEvent::FeedMoved { url, to } => {
            format!(
                "{} {url}: fetched from {to} from now on",
                styled(WARNING, "feed moved")
            )
        }
        HostEvent::FeedRecovered { url, since } => {
            format!(
                "{} {url}, which failed since {}",
                styled(GOOD, "feed is back"),
                here(*since)
            )
        }
        HostEvent::FeedSilent {
            instance,
            feed,
            since,
        } => {
            format!(
                "{} {instance}: {feed}, nothing new since {}",
                styled(WARNING, "feed silent"),
                here(*since)
            )
        }
        HostEvent::FeedHeard { instance, feed } => {
            format!(
                "{} {instance}: {feed}, something new again",
                styled(GOOD, "feed heard")
            )
        }
        HostEvent::NetworkDown { hosts } => {
            format!(
                "{}: none of {hosts} feed servers answers; feeds wait",
                styled(BAD, "network down")
            )
        }
        HostEvent::NetworkUp { since } => {
            format!(
                "{}: feed servers answer, for the first time since {}",
                styled(GOOD, "network up"),
                here(*since)
            )
        }
        HostEvent::ScheduleNext {
            instance,
            schedule,
            due,
        } => {
            format!("{instance}: {schedule} is next due {}", here(*due))
        }
        _ => return None,
    })
}

fn here(moment: DateTime<Utc>) -> String {
    let local = moment.with_timezone(&Local);
    let form = if local.date_naive() == Local::now().date_naive() {
        "%H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M"
    };
    local.format(form).to_string()
}
