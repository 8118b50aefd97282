//! Tells an own network that is down from feeds that fail: when several hosts do not answer and none does in between,
//! nobody else is to blame, and asking on would only put all feeds off.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use parlor_bot::FeedUrl;
use parlor_bot::settings::Span;

/// So many different hosts that do not answer are no accident.
const SUSPICIOUS: usize = 3;

/// The first wait between two probes; doubled each time. A router that was restarted needs a minute.
const FIRST_PROBE: Duration = Duration::from_secs(15);

/// The longest wait between two probes.
const LAST_PROBE: Duration = Duration::from_secs(5 * 60);

/// What is believed of the network to a group of hosts.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// Looks that nobody answered since somebody did: the host, and how many.
    unanswered: HashMap<FeedUrl, (String, u32)>,
    down: Option<Down>,
}

#[derive(Debug)]
struct Down {
    since: DateTime<Utc>,
    wait: Duration,
    probe_at: DateTime<Utc>,
}

/// Who is to blame for a look that nobody answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// The feed's host, until more is known.
    Host,
    /// The own network, as is known already.
    Network,
    /// The own network, as is known from now on: the host count, and feeds that were blamed so often in vain.
    NetworkFromNowOn {
        hosts: usize,
        acquitted: Vec<(FeedUrl, u32)>,
    },
}

impl Outage {
    /// Whether feeds are not to be asked, but one probe at a time.
    pub(super) const fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// When the next probe is due, while the network is down.
    pub(super) fn probe_at(&self) -> Option<DateTime<Utc>> {
        self.down.as_ref().map(|down| down.probe_at)
    }

    /// Somebody answered, be it with an error. Since when the network was down, if it was.
    pub(super) fn answered(&mut self) -> Option<DateTime<Utc>> {
        self.unanswered.clear();
        self.down.take().map(|down| down.since)
    }

    /// Nobody answered a look at `url`.
    pub(super) fn unanswered(&mut self, url: &FeedUrl, host: &str, now: DateTime<Utc>) -> Blame {
        if let Some(down) = &mut self.down {
            // Looks that were under way when it went down are no probes.
            if now >= down.probe_at {
                down.wait = (down.wait * 2).min(LAST_PROBE);
                down.probe_at = now + Span(down.wait).delta();
            }
            return Blame::Network;
        }
        let seen = self
            .unanswered
            .entry(url.clone())
            .or_insert_with(|| (host.to_owned(), 0));
        seen.1 += 1;
        let hosts = self
            .unanswered
            .values()
            .map(|(host, _)| host)
            .collect::<BTreeSet<_>>()
            .len();
        if hosts < SUSPICIOUS {
            return Blame::Host;
        }
        self.down = Some(Down {
            since: now,
            wait: FIRST_PROBE,
            probe_at: now + Span(FIRST_PROBE).delta(),
        });
        let mut acquitted: Vec<_> = self
            .unanswered
            .drain()
            .map(|(url, (_, times))| (url, times))
            .collect();
        acquitted.sort_unstable();
        Blame::NetworkFromNowOn { hosts, acquitted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn fail(outage: &mut Outage, host: &str, seconds: i64) -> Blame {
        let url = format!("https://{host}/feed").parse().unwrap();
        outage.unanswered(&url, host, at(seconds))
    }

    #[test]
    fn one_host_that_never_answers_is_to_blame_itself() {
        let mut outage = Outage::default();
        for look in 0..50 {
            assert_eq!(fail(&mut outage, "a", look), Blame::Host);
        }
        assert_eq!(fail(&mut outage, "b", 60), Blame::Host);
        assert_eq!(outage.answered(), None);
        assert_eq!(
            fail(&mut outage, "c", 61),
            Blame::Host,
            "somebody answered in between"
        );
        assert!(!outage.is_down());
    }

    #[test]
    fn many_hosts_at_once_acquit_each_other() {
        let mut outage = Outage::default();
        fail(&mut outage, "a", 0);
        fail(&mut outage, "a", 1);
        fail(&mut outage, "b", 2);
        let url = |host: &str| format!("https://{host}/feed").parse::<FeedUrl>().unwrap();
        assert_eq!(
            fail(&mut outage, "c", 3),
            Blame::NetworkFromNowOn {
                hosts: 3,
                acquitted: vec![(url("a"), 2), (url("b"), 1), (url("c"), 1)],
            }
        );
        assert_eq!(outage.probe_at(), Some(at(18)));
        assert_eq!(fail(&mut outage, "d", 4), Blame::Network);
        assert_eq!(outage.probe_at(), Some(at(18)), "it was under way, and no probe");
        assert_eq!(fail(&mut outage, "d", 20), Blame::Network);
        assert_eq!(outage.probe_at(), Some(at(50)), "probes come less and less often");
        for probe in 1..20 {
            fail(&mut outage, "d", probe * 1000);
        }
        assert_eq!(outage.probe_at(), Some(at(19 * 1000 + 300)));
        assert_eq!(outage.answered(), Some(at(3)));
        assert_eq!((outage.is_down(), outage.probe_at()), (false, None));
    }
}
