//! What comes in during a story, and what must stand in the rooms at its end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use fastrand::Rng;
use parlor_host::Host;
use tokio::time::timeout;

use crate::bots::FEED;
use crate::clock_change::ClockChange;
use crate::people::Person;
use crate::world::{NEWS, TALK, World};

/// How often the rooms are looked at when nobody tells of anything.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) rng: Rng,
    pub(crate) change: ClockChange,
    items: u32,
    questions: u32,
}

impl Script {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            rng: Rng::with_seed(seed),
            change: ClockChange::of_story(seed),
            items: 0,
            questions: 0,
        }
    }

    /// Adds some items to the feed, newest first as feeds have them.
    pub(crate) fn publish(&mut self, world: &World) {
        self.items += self.rng.u32(..4);
        let items: String = (1..=self.items)
            .rev()
            .map(|number| {
                let at = format!("Mon, 16 Nov 2026 08:{number:02}:00 GMT");
                format!(
                    "<item><guid>id-{number}</guid><title>item {number}</title><pubDate>{at}</pubDate></item>"
                )
            })
            .collect();
        let feed = format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>");
        std::fs::write(world.path(FEED), feed).unwrap();
    }

    /// Has some questions asked, soon.
    pub(crate) fn ask(&mut self, person: &Person) {
        for _ in 0..self.rng.u32(..4) {
            self.questions += 1;
            person.ask(self.questions);
        }
    }

    /// Returns when all that has come in so far stands in the rooms, and what was due at `shown`, when the host started.
    pub(crate) async fn settled(&self, world: &World, host: &Host, shown: DateTime<Utc>) {
        let mut events = host.events();
        let due = ["often ", "nightly "].map(|word| (word, self.change.said(word.trim(), shown).len()));
        loop {
            let (news, talk) = (world.said(NEWS).await, world.said(TALK).await);
            let (items, questions) = (self.items as usize, self.questions as usize);
            if count(&news, "item ") >= items
                && count(&talk, "item ") >= items
                && count(&news, "pong ") >= questions
                && due.iter().all(|(word, due)| count(&talk, word) >= *due)
            {
                return;
            }
            // In a pool it may be another host that does it, and this one tells nothing.
            if let Ok(None) = timeout(LOOK_AGAIN, events.next()).await {
                return;
            }
        }
    }

    pub(crate) async fn check(&self, world: &World) {
        let items: Vec<_> = (1..=self.items).map(|number| format!("item {number}")).collect();
        let pings: Vec<_> = (1..=self.questions)
            .map(|number| format!("ping {number}"))
            .collect();
        let pongs: Vec<_> = (1..=self.questions)
            .map(|number| format!("pong {number}, answer {number}"))
            .collect();
        let [often, nightly] = ["often", "nightly"].map(|word| self.change.said(word, self.change.end()));
        let (news, talk) = (world.said(NEWS).await, world.said(TALK).await);
        let seed = self.seed;
        for (room, said, sources) in [
            (NEWS, &news, vec![&items, &pings, &pongs]),
            (TALK, &talk, vec![&items, &often, &nightly]),
        ] {
            let mut rest = said.clone();
            for expected in sources {
                let Some(first) = expected.first() else { continue };
                let kind = &first[..first.find(' ').unwrap() + 1];
                let found: Vec<_> = said
                    .iter()
                    .filter(|text| text.starts_with(kind))
                    .cloned()
                    .collect();
                assert_eq!(&found, expected, "seed {seed}: {kind:?} in {room}: {said:#?}");
                rest.retain(|text| !text.starts_with(kind));
            }
            assert!(
                rest.is_empty(),
                "seed {seed}: nobody said this in {room}: {rest:?}"
            );
        }
    }
}

fn count(said: &[String], kind: &str) -> usize {
    said.iter().filter(|text| text.starts_with(kind)).count()
}
