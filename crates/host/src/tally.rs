//! Counts what the host announces, so that whoever announces something has counted it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::events::HostEvent;
use crate::remover::removals_of;

/// Lines of each kind that are counted apart. Configured bots in rooms, and feeds, are far fewer; after many reloads
/// with ever new names the rest is counted together, under [`OTHERS`].
const LINES: usize = 4_096;
/// The name of what is counted together.
pub(crate) const OTHERS: &str = "(others)";

/// What became of events of one instance in one room; those without a room, such as feed items, have an empty one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Handled {
    pub(crate) handled: u64,
    /// Attempts that failed.
    pub(crate) failed: u64,
    pub(crate) quarantined: u64,
}

/// What happened to posts of one instance in one room, or to its removals there, which are counted under a place of their
/// own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Posts {
    /// The server has them.
    pub(crate) acknowledged: u64,
    /// Those of them that it had already.
    pub(crate) repeated: u64,
    /// Attempts that failed and are repeated.
    pub(crate) failed: u64,
    /// Given up.
    pub(crate) dead: u64,
}

/// What happened to mails of one instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mails {
    /// The mail server has them.
    pub(crate) acknowledged: u64,
    /// Attempts that failed and are repeated.
    pub(crate) failed: u64,
    /// Given up.
    pub(crate) dead: u64,
}

/// Looks at one feed address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fetches {
    /// With something new for a bot.
    pub(crate) new: u64,
    /// With nothing new.
    pub(crate) nothing: u64,
    pub(crate) failed: u64,
    /// Items that were new to a bot.
    pub(crate) items: u64,
}

/// Due times of one instance's schedules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fires {
    pub(crate) fired: u64,
    pub(crate) skipped: u64,
}

/// Requests of one webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    pub(crate) accepted: u64,
    pub(crate) repeated: u64,
    /// By the word for why.
    pub(crate) refused: BTreeMap<&'static str, u64>,
}

/// What happened since the host started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted {
    /// By instance and room as configured.
    pub(crate) events: BTreeMap<(String, String), Handled>,
    /// By instance and room as configured.
    pub(crate) posts: BTreeMap<(String, String), Posts>,
    /// By instance.
    pub(crate) mails: BTreeMap<String, Mails>,
    /// By address.
    pub(crate) feeds: BTreeMap<String, Fetches>,
    /// By instance.
    pub(crate) schedules: BTreeMap<String, Fires>,
    /// By webhook; those to an unknown one have an empty name.
    pub(crate) webhooks: BTreeMap<String, Requests>,
    /// Times an endpoint lost its server or could not sign in, by address.
    pub(crate) lost: BTreeMap<String, u64>,
    /// Messages that were missed for good, in times.
    pub(crate) gaps: u64,
    /// Bots made anew, by instance.
    pub(crate) restarts: BTreeMap<String, u64>,
    /// Changes that the state file refused.
    pub(crate) state_failures: u64,
    /// Feeds, by instance and name there, that have had nothing new for longer than is expected of them, or had once.
    pub(crate) silent: BTreeMap<(String, String), bool>,
    /// Whether no feed server answers.
    pub(crate) network_down: bool,
}

/// Counts events; the lock is held for one of them.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counted>);

impl Tally {
    pub(crate) fn count(&self, event: &HostEvent) {
        let mut counted = self.lock();
        match event {
            HostEvent::Posted {
                instance,
                room,
                repeated,
                ..
            } => {
                let posts = pair(&mut counted.posts, instance, room);
                posts.acknowledged += 1;
                posts.repeated += u64::from(*repeated);
            }
            HostEvent::Removed {
                instance,
                room,
                repeated,
                ..
            } => {
                let place = removals_of(&room.to_lowercase());
                let posts = pair(&mut counted.posts, instance, &place);
                posts.acknowledged += 1;
                posts.repeated += u64::from(*repeated);
            }
            HostEvent::DeliveryFailed {
                instance, room, dead, ..
            } => {
                let posts = pair(&mut counted.posts, instance, room);
                let count = if *dead { &mut posts.dead } else { &mut posts.failed };
                *count += 1;
            }
            HostEvent::Mailed { instance } => line(&mut counted.mails, instance).acknowledged += 1,
            HostEvent::MailFailed { instance, dead, .. } => {
                let mails = line(&mut counted.mails, instance);
                let count = if *dead { &mut mails.dead } else { &mut mails.failed };
                *count += 1;
            }
            HostEvent::FeedFetched { url, new } => {
                let fetches = line(&mut counted.feeds, url);
                let count = if *new > 0 {
                    &mut fetches.new
                } else {
                    &mut fetches.nothing
                };
                *count += 1;
                fetches.items += *new as u64;
            }
            HostEvent::FeedFailed { url, .. } => line(&mut counted.feeds, url).failed += 1,
            HostEvent::FeedGone { url } => line(&mut counted.feeds, url).failed += 1,
            HostEvent::FeedSilent { instance, feed, .. } => *pair(&mut counted.silent, instance, feed) = true,
            HostEvent::FeedHeard { instance, feed } => *pair(&mut counted.silent, instance, feed) = false,
            HostEvent::NetworkDown { .. } => counted.network_down = true,
            HostEvent::NetworkUp { .. } => counted.network_down = false,
            HostEvent::ScheduleFired { instance, .. } => line(&mut counted.schedules, instance).fired += 1,
            HostEvent::ScheduleSkipped { instance, times, .. } => {
                line(&mut counted.schedules, instance).skipped += *times as u64;
            }
            HostEvent::WebhookTaken { hook, repeated, .. } => {
                let requests = line(&mut counted.webhooks, hook);
                let count = if *repeated {
                    &mut requests.repeated
                } else {
                    &mut requests.accepted
                };
                *count += 1;
            }
            HostEvent::SignInFailed { user, .. } | HostEvent::Recovering { user, .. } => {
                *line(&mut counted.lost, user.as_str()) += 1;
            }
            HostEvent::HistoryGap { .. } => counted.gaps += 1,
            HostEvent::BotRestarting { instance, .. } => *line(&mut counted.restarts, instance) += 1,
            HostEvent::StateFailed { .. } => counted.state_failures += 1,
            _ => {}
        }
    }

    /// Counts what became of an event.
    pub(crate) fn event(&self, instance: &str, room: Option<&str>, change: impl FnOnce(&mut Handled)) {
        change(pair(&mut self.lock().events, instance, room.unwrap_or_default()));
    }

    /// Counts a request that a webhook refused; how many there are of this kind now.
    pub(crate) fn refused(&self, hook: &str, word: &'static str) -> u64 {
        let mut counted = self.lock();
        let count = line(&mut counted.webhooks, hook).refused.entry(word).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn counted(&self) -> Counted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line<'m, V: Default>(lines: &'m mut BTreeMap<String, V>, key: &str) -> &'m mut V {
    let key = if lines.len() < LINES || lines.contains_key(key) {
        key
    } else {
        OTHERS
    };
    lines.entry(key.to_owned()).or_default()
}

fn pair<'m, V: Default>(
    lines: &'m mut BTreeMap<(String, String), V>,
    first: &str,
    second: &str,
) -> &'m mut V {
    let key = (first.to_owned(), second.to_owned());
    let known = lines.len() < LINES || lines.contains_key(&key);
    let key = if known {
        key
    } else {
        (OTHERS.to_owned(), OTHERS.to_owned())
    };
    lines.entry(key).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(instance: &str, repeated: bool) -> HostEvent {
        let (instance, room) = (instance.to_owned(), "News".to_owned());
        HostEvent::Posted {
            instance,
            room,
            id: None,
            excerpt: String::new(),
            repeated,
        }
    }

    #[test]
    fn what_is_announced_is_counted() {
        let tally = Tally::default();
        tally.count(&posted("news", false));
        tally.count(&posted("news", true));
        let (instance, room) = ("news".to_owned(), "News".to_owned());
        tally.count(&HostEvent::DeliveryFailed {
            instance,
            room,
            reason: String::new(),
            dead: true,
        });
        let counted = tally.counted();
        let posts = counted.posts[&("news".to_owned(), "News".to_owned())];
        let expected = Posts {
            acknowledged: 2,
            repeated: 1,
            failed: 0,
            dead: 1,
        };
        assert_eq!(posts, expected);
    }

    #[test]
    fn ever_new_names_are_counted_together() {
        let tally = Tally::default();
        for number in 0..LINES + 3 {
            tally.count(&posted(&format!("bot {number}"), false));
        }
        tally.count(&posted("bot 0", false));
        let counted = tally.counted();
        assert_eq!(counted.posts.len(), LINES + 1);
        let others = counted.posts[&(OTHERS.to_owned(), OTHERS.to_owned())];
        assert_eq!(others.acknowledged, 3);
        assert_eq!(
            counted.posts[&("bot 0".to_owned(), "News".to_owned())].acknowledged,
            2
        );
    }
}
