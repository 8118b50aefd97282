//! What a look at a feed means beyond its items: trouble that begins or ends, silence, a move for good. Decides what is
//! remembered and what operators are told; each of it once, when it begins and when it ends.

use std::time::Duration;

use chrono::{DateTime, Utc};
use parlor_bot::FeedUrl;
use parlor_bot::settings::Span;

use super::Subscriber;
use super::look::Looked;
use crate::events::HostEvent;
use crate::feeds::FeedError;
use crate::ground::reason;
use crate::state::{FeedRow, FeedTurn, NewPost, Trouble};

/// So many failures in a row are told; fewer are an accident.
const TOLD_AFTER: u32 = 3;

/// What a look means.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// To be stored; `None` when nothing has changed.
    pub(super) stored: Option<FeedTurn>,
    pub(super) events: Vec<HostEvent>,
}

/// How a look ended, once it is known who is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The feed was read or had not changed.
    Read,
    /// The feed fails, for so many looks in a row.
    Failed(u32),
    /// The publisher has ended it.
    Gone,
    /// The own network is down; nothing can be said of the feed.
    Unknown,
}

/// What a look tells of the network that it was made through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// So many hosts do not answer, and none does.
    Down { hosts: usize },
    /// Somebody answers again.
    Up { since: DateTime<Utc> },
}

impl Turn {
    /// Adds what operators are told of the network.
    pub(super) fn tell_network(
        &mut self,
        looked: &Looked,
        change: Change,
        subscribers: &[Subscriber],
        now: DateTime<Utc>,
    ) {
        let (event, cause, text) = match change {
            Change::Down { hosts } => (
                HostEvent::NetworkDown { hosts },
                format!("network:down:{}", now.timestamp_millis()),
                format!(
                    "No feed server answers ({hosts} were asked): the own network is taken to be down. Feeds wait, and one \
                     is asked from time to time."
                ),
            ),
            Change::Up { since } => (
                HostEvent::NetworkUp { since },
                format!("network:up:{}", since.timestamp_millis()),
                format!(
                    "Feed servers answer again, after {}.",
                    lasting(since.timestamp_millis(), now)
                ),
            ),
        };
        self.events.push(event);
        let stored = self.stored.get_or_insert_with(|| FeedTurn {
            url: looked.url.to_string(),
            row: looked.row.clone(),
            ..FeedTurn::default()
        });
        let notice = subscribers.iter().find_map(|one| {
            Some((
                one.instance.clone(),
                one.operators.as_ref()?.notice(&one.instance, &cause, &text)?,
            ))
        });
        stored.notices.extend(notice);
    }
}

/// Decides what follows from a look at `now`, after which the server wants to be left alone until `not_before`.
pub(super) fn turn(
    looked: &Looked,
    outcome: Outcome,
    subscribers: &[Subscriber],
    not_before: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Turn {
    if outcome == Outcome::Unknown {
        return Turn::default();
    }
    let mut turn = Turning {
        looked,
        subscribers,
        now,
        stored: FeedTurn {
            url: looked.url.to_string(),
            row: FeedRow {
                not_before: not_before.map(|at| at.timestamp_millis()),
                ..looked.row.clone()
            },
            ..FeedTurn::default()
        },
        events: Vec::new(),
    };
    turn.moves(outcome);
    turn.trouble(outcome);
    turn.silence();
    let Turning { stored, events, .. } = turn;
    let changed = stored.row != looked.row || !stored.silent.is_empty() || !stored.notices.is_empty();
    Turn {
        stored: changed.then_some(stored),
        events,
    }
}

struct Turning<'a> {
    looked: &'a Looked,
    subscribers: &'a [Subscriber],
    now: DateTime<Utc>,
    stored: FeedTurn,
    events: Vec<HostEvent>,
}

impl Turning<'_> {
    fn moves(&mut self, outcome: Outcome) {
        let url = &self.looked.url;
        let moved_to = match &self.looked.result {
            Ok(answer) => answer.advice.moved_to.as_ref().map(ToString::to_string),
            // Where it was said to be it is not: the next look asks at the configured address again.
            Err(_) if matches!(outcome, Outcome::Failed(_) | Outcome::Gone) => {
                if self.stored.row.moved.take().is_some() {
                    tracing::debug!(%url, "the feed is not where it had moved to");
                }
                None
            }
            Err(_) => None,
        };
        let Some(to) = moved_to.filter(|to| Some(to) != self.looked.row.moved.as_ref()) else {
            return;
        };
        // A way back home is no move.
        let home = *to == url.to_string();
        self.stored.row.moved = (!home).then(|| to.clone());
        if home {
            return;
        }
        let text = format!(
            "{} has moved for good to {}. It is fetched from there; change its `url`, and keep its `name` so that nothing \
             is posted again.",
            self.name(),
            without_query(&to)
        );
        self.tell(&format!("moved:{to}"), &text);
        self.events.push(HostEvent::FeedMoved {
            url: url.to_string(),
            to,
        });
    }

    fn trouble(&mut self, outcome: Outcome) {
        let since = self.now.timestamp_millis();
        let known = self.looked.row.trouble.clone();
        match (outcome, known) {
            (Outcome::Read, Some(trouble)) => {
                self.stored.row.trouble = None;
                let lasted = lasting(trouble.since, self.now);
                self.tell(
                    &format!("recovered:{}", trouble.since),
                    &format!("{} can be read again, after {lasted}.", self.name()),
                );
                self.events.push(HostEvent::FeedRecovered {
                    url: self.looked.url.to_string(),
                    since: moment(trouble.since),
                });
            }
            (Outcome::Gone, known) if !known.as_ref().is_some_and(|trouble| trouble.gone) => {
                self.stored.row.trouble = Some(Trouble { gone: true, since });
                let text = format!(
                    "{} is gone for good, its server says (410). It is not asked any more until the host starts again. \
                     Wanted by: {}.",
                    self.name(),
                    self.instances()
                );
                self.tell(&format!("gone:{since}"), &text);
            }
            (Outcome::Failed(times), None) if times >= TOLD_AFTER => {
                self.stored.row.trouble = Some(Trouble { gone: false, since });
                let why = match &self.looked.result {
                    Err(error) => reason(error),
                    Ok(_) => String::new(),
                };
                let text = format!(
                    "{} cannot be read, {times} times in a row: {why}. Wanted by: {}.",
                    self.name(),
                    self.instances()
                );
                self.tell(&format!("failing:{since}"), &text);
            }
            _ => {}
        }
    }

    fn silence(&mut self) {
        for (one, known) in self.subscribers.iter().zip(&self.looked.subscriptions) {
            let Some(known) = known else { continue };
            let news = known.news.unwrap_or_else(|| one.since.timestamp_millis());
            let is_silent = one
                .spec
                .expect_every
                .is_some_and(|expected| self.now - moment(news) > Span(expected).delta());
            let (instance, feed) = (&one.instance, &one.spec.id);
            let (silent, text) = match (is_silent, known.silent) {
                (true, None) => (
                    Some(news),
                    format!(
                        "Feed `{feed}` of {instance}: nothing new for {}, and something is expected every {}.",
                        lasting(news, self.now),
                        Span(one.spec.expect_every.unwrap_or_default())
                    ),
                ),
                (false, Some(_)) => (
                    None,
                    format!("Feed `{feed}` of {instance}: there is something new again."),
                ),
                _ => continue,
            };
            let word = if silent.is_some() { "silent" } else { "heard" };
            let cause = format!(
                "feed:{feed}:{word}:{}",
                silent.or(known.silent).unwrap_or_default()
            );
            let notice = one
                .operators
                .as_ref()
                .and_then(|way| way.notice(instance, &cause, text));
            self.notices(instance, notice);
            self.stored.silent.push((one.subscription(), silent));
            let (instance, feed) = (instance.clone(), feed.clone());
            self.events.push(match silent {
                Some(since) => HostEvent::FeedSilent {
                    instance,
                    feed,
                    since: moment(since),
                },
                None => HostEvent::FeedHeard { instance, feed },
            });
        }
    }

    /// Tells operators, in the name of the first who can.
    fn tell(&mut self, cause: &str, text: &str) {
        let teller = self
            .subscribers
            .iter()
            .find_map(|one| Some((one, one.operators.as_ref()?)));
        if let Some((one, way)) = teller {
            let cause = format!("feed:{}:{cause}", self.looked.url);
            let notice = way.notice(&one.instance, &cause, text);
            self.notices(&one.instance, notice);
        }
    }

    fn notices(&mut self, instance: &str, notice: Option<NewPost>) {
        self.stored
            .notices
            .extend(notice.map(|notice| (instance.to_owned(), notice)));
    }

    fn name(&self) -> String {
        name(&self.looked.url, self.subscribers)
    }

    fn instances(&self) -> String {
        let mut instances: Vec<_> = self.subscribers.iter().map(|one| one.instance.as_str()).collect();
        instances.dedup();
        instances.join(", ")
    }
}

/// The feed for people: its name in the settings, and its address.
fn name(url: &FeedUrl, subscribers: &[Subscriber]) -> String {
    let address = without_query(&url.to_string());
    match subscribers.first().map(|one| one.spec.id.as_str()) {
        Some(id) if id != url.to_string() => format!("Feed `{id}` ({address})"),
        _ => format!("Feed {address}"),
    }
}

/// Queries may hold tokens that are not for a room.
fn without_query(address: &str) -> String {
    match address.split_once('?') {
        Some((address, _)) => format!("{address}?…"),
        None => address.to_owned(),
    }
}

/// How long something has lasted, to the minute; in seconds below that.
fn lasting(since: i64, now: DateTime<Utc>) -> Span {
    let seconds = u64::try_from((now - moment(since)).num_seconds()).unwrap_or_default();
    let shown = if seconds < 60 { seconds } else { seconds / 60 * 60 };
    Span(Duration::from_secs(shown))
}

fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// What a failed look is, before the network is asked about.
pub(super) const fn is_gone(error: &FeedError) -> bool {
    matches!(error, FeedError::Gone)
}
