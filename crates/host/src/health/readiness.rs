//! Whether a bot is ready: it hears its rooms, handles what it hears, and its posts get out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Snapshot;
use crate::mail::is_mail;
use crate::remover::removed_from;
use crate::state::Waiting;
use crate::status::{InstanceState, InstanceStatus, RoomStatus};

/// When input is not fresh and output not young any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// How long a room may be lost or behind, and an event wait for its handler.
    pub inbound_fresh: Duration,
    /// How long a post may wait in the outbox.
    pub outbox_young: Duration,
    /// How long a mail may wait in the outbox.
    pub mail_young: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            // Longer than a server's restart takes, so that one does not raise an alarm.
            inbound_fresh: Duration::from_secs(60),
            outbox_young: Duration::from_secs(120),
            // A server that puts off what it has not seen before lets it wait for some minutes.
            mail_young: Duration::from_secs(30 * 60),
        }
    }
}

/// Which bots are ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether all of them are, and the host is a member of its pool if it has one.
    pub ready: bool,
    /// Each of them, by name.
    pub bots: Vec<BotReadiness>,
}

/// Whether one bot is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotReadiness {
    /// The instance.
    pub bot: String,
    /// Whether its input is fresh and its output young.
    pub ready: bool,
    /// Why not; for people.
    pub reasons: Vec<String>,
}

pub(super) fn readiness(snapshot: &Snapshot, thresholds: &Thresholds) -> Readiness {
    let bots: Vec<_> = snapshot
        .instances
        .iter()
        .map(|instance| {
            let reasons = reasons(snapshot, thresholds, instance);
            BotReadiness {
                bot: instance.id.clone(),
                ready: reasons.is_empty(),
                reasons,
            }
        })
        .collect();
    Readiness {
        // Outside of its pool a host can take over nothing.
        ready: snapshot.pool.as_ref().is_none_or(|pool| pool.member) && bots.iter().all(|bot| bot.ready),
        bots,
    }
}

fn reasons(snapshot: &Snapshot, thresholds: &Thresholds, instance: &InstanceStatus) -> Vec<String> {
    let mut reasons = Vec::new();
    let because = |error: &Option<String>| match error {
        Some(error) => format!(": {error}"),
        None => String::new(),
    };
    match instance.state {
        InstanceState::Running => {}
        InstanceState::Restarting => {
            reasons.push(format!("it is made anew{}", because(&instance.last_error)));
        }
        // Whoever runs it answers for it.
        InstanceState::Standby => return reasons,
        InstanceState::Stopped => reasons.push(format!("it is stopped{}", because(&instance.last_error))),
    }
    let endpoint = snapshot.endpoints.iter().find(|line| line.user == instance.user);
    match endpoint {
        // A connection that was lost a moment ago shows in its rooms, once it is lost for too long.
        Some(line) if matches!(line.state.as_str(), "established" | "recovering") => {}
        Some(line) => reasons.push(format!(
            "{} is not signed in{}",
            line.user,
            because(&line.last_error)
        )),
        None => reasons.push(format!("{} is not an endpoint", instance.user)),
    }
    let own = |line: &&RoomStatus| {
        line.user == instance.user
            && instance
                .rooms
                .iter()
                .any(|room| room.to_lowercase() == line.room.to_lowercase())
    };
    let fresh = thresholds.inbound_fresh.as_secs_f64();
    for line in snapshot.rooms.iter().filter(own) {
        let lost = line.lost_since.map(|since| snapshot.since(since));
        match lost {
            None if !line.joined => {
                reasons.push(format!(
                    "room {} is not joined{}",
                    line.room,
                    because(&line.last_error)
                ));
            }
            Some(age) if age > fresh => reasons.push(format!(
                "room {} is lost for {age:.0} s{}",
                line.room,
                because(&line.last_error)
            )),
            _ => {}
        }
        let behind = line.behind_since.map_or(0.0, |since| snapshot.since(since));
        if line.behind.contains(&instance.id) && behind > fresh {
            reasons.push(format!("it is behind in room {} for {behind:.0} s", line.room));
        }
    }
    let Some(backlog) = &snapshot.backlog else {
        reasons.push("the state file does not answer".to_owned());
        return reasons;
    };
    let input = snapshot.input_age(instance);
    if input > fresh {
        reasons.push(format!(
            "the oldest event waits for {input:.0} s{}",
            because(&instance.last_error)
        ));
    }
    let own = |waiting: &&Waiting| waiting.instance == instance.id;
    let (mails, posts): (Vec<_>, Vec<_>) = backlog
        .posts
        .iter()
        .filter(own)
        .partition(|waiting| is_mail(&waiting.room));
    let ages = mails.iter().map(|mails| snapshot.since_millis(mails.oldest));
    let age = ages.fold(0.0, f64::max);
    if age > thresholds.mail_young.as_secs_f64() {
        let count: u64 = mails.iter().map(|mails| mails.count).sum();
        reasons.push(format!("{count} mails wait, the oldest for {age:.0} s"));
    }
    for waiting in posts {
        let age = snapshot.since_millis(waiting.oldest);
        if age > thresholds.outbox_young.as_secs_f64() {
            let (count, place) = (waiting.count, &waiting.room);
            let what = match removed_from(place) {
                Some(room) => format!("{count} messages of room {room} wait to be removed"),
                None => format!("{count} posts for room {place} wait"),
            };
            reasons.push(format!("{what}, the oldest for {age:.0} s"));
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::state::Backlog;
    use crate::status::EndpointStatus;

    fn now() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn ago(seconds: i64) -> DateTime<Utc> {
        now() - TimeDelta::seconds(seconds)
    }

    /// One bot in one room, and all is well.
    fn well() -> Snapshot {
        let user: parlor_bot::SipUri = "sip:bot@example.com".parse().unwrap();
        let mut room = RoomStatus::new(user.clone(), "News".to_owned());
        room.is_joined();
        Snapshot {
            now: now(),
            pool: None,
            endpoints: vec![EndpointStatus {
                user: user.clone(),
                state: "established".to_owned(),
                last_error: None,
            }],
            rooms: vec![room],
            instances: vec![InstanceStatus {
                id: "news".to_owned(),
                kind: "feed".to_owned(),
                user,
                rooms: vec!["NEWS".to_owned()],
                state: InstanceState::Running,
                handled: 0,
                failed: 0,
                presence_dropped: 0,
                waiting_since: None,
                quarantined: 0,
                last_error: None,
            }],
            feeds: Vec::new(),
            counted: Default::default(),
            alive: true,
            backlog: Some(Backlog::default()),
        }
    }

    fn told(snapshot: &Snapshot) -> Vec<String> {
        let readiness = readiness(snapshot, &Thresholds::default());
        assert_eq!(readiness.ready, readiness.bots[0].reasons.is_empty());
        readiness.bots[0].reasons.clone()
    }

    #[test]
    fn a_bot_that_hears_and_speaks_is_ready() {
        assert_eq!(told(&well()), Vec::<String>::new());
    }

    #[test]
    fn a_lost_room_is_forgiven_for_a_while_and_one_never_joined_is_not() {
        let mut snapshot = well();
        snapshot.rooms[0].is_lost(ago(60));
        snapshot.endpoints[0].state = "recovering".to_owned();
        assert_eq!(told(&snapshot), Vec::<String>::new());
        snapshot.now += TimeDelta::seconds(1);
        assert_eq!(told(&snapshot), ["room News is lost for 61 s"]);
        let mut snapshot = well();
        snapshot.rooms = vec![RoomStatus::new(
            snapshot.instances[0].user.clone(),
            "News".to_owned(),
        )];
        snapshot.rooms[0].last_error = Some("no such room".to_owned());
        assert_eq!(told(&snapshot), ["room News is not joined: no such room"]);
    }

    #[test]
    fn old_input_makes_unready_wherever_it_waits() {
        let mut snapshot = well();
        snapshot.instances[0].waiting_since = Some(ago(61));
        assert_eq!(told(&snapshot), ["the oldest event waits for 61 s"]);
        let mut snapshot = well();
        let waiting = |room: &str, seconds| Waiting {
            instance: "news".to_owned(),
            room: room.to_owned(),
            count: 3,
            oldest: ago(seconds).timestamp_millis(),
        };
        let events = vec![waiting("", 90)];
        snapshot.backlog = Some(Backlog {
            events,
            ..Backlog::default()
        });
        assert_eq!(told(&snapshot), ["the oldest event waits for 90 s"]);
        let mut snapshot = well();
        snapshot.rooms[0].is_behind(vec!["news".to_owned()], ago(100));
        assert_eq!(told(&snapshot), ["it is behind in room News for 100 s"]);
        let mut snapshot = well();
        let posts = vec![
            waiting("news", 121),
            waiting("remove:news", 130),
            waiting("help", 119),
        ];
        snapshot.backlog = Some(Backlog {
            posts,
            ..Backlog::default()
        });
        assert_eq!(
            told(&snapshot),
            [
                "3 posts for room news wait, the oldest for 121 s",
                "3 messages of room news wait to be removed, the oldest for 130 s"
            ]
        );
    }

    #[test]
    fn mail_may_wait_longer_than_posts_and_nobody_is_told_for_whom() {
        let mut snapshot = well();
        let waiting = |address: &str, seconds| Waiting {
            instance: "news".to_owned(),
            room: format!("mailto:{address}@example.com"),
            count: 2,
            oldest: ago(seconds).timestamp_millis(),
        };
        let posts = vec![waiting("ann", 1800), waiting("bob", 1700)];
        snapshot.backlog = Some(Backlog {
            posts,
            ..Backlog::default()
        });
        assert_eq!(told(&snapshot), Vec::<String>::new());
        snapshot.now += TimeDelta::seconds(1);
        assert_eq!(told(&snapshot), ["4 mails wait, the oldest for 1801 s"]);
    }

    #[test]
    fn what_does_not_run_is_not_ready() {
        let mut snapshot = well();
        snapshot.instances[0].state = InstanceState::Stopped;
        snapshot.instances[0].last_error = Some("wrong settings".to_owned());
        snapshot.endpoints[0].state = "idle".to_owned();
        snapshot.backlog = None;
        assert_eq!(
            told(&snapshot),
            [
                "it is stopped: wrong settings",
                "sip:bot@example.com is not signed in",
                "the state file does not answer"
            ]
        );
    }

    #[test]
    fn a_host_outside_of_its_pool_is_not_ready_and_a_bot_that_another_host_runs_is() {
        let mut snapshot = well();
        snapshot.instances[0].state = InstanceState::Standby;
        snapshot.endpoints.clear();
        snapshot.rooms.clear();
        snapshot.pool = Some(crate::status::PoolStatus {
            member: true,
            ..Default::default()
        });
        assert!(readiness(&snapshot, &Thresholds::default()).ready);
        snapshot.pool = Some(crate::status::PoolStatus::default());
        assert!(!readiness(&snapshot, &Thresholds::default()).ready);
    }
}
