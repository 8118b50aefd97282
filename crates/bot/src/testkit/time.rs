//! Time: it passes when the test says so, with the bot running or not.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::TestKit;
use crate::schedule::{Outcome, Seed};
use crate::{BotError, Event, ScheduleFired};

impl TestKit {
    /// Lets time pass. Schedules fire at their times, in order.
    ///
    /// # Errors
    /// What the handler returned first; time stops there.
    pub async fn advance(&mut self, time: Duration) -> Result<(), BotError> {
        let until = self.now + TimeDelta::from_std(time).unwrap_or(TimeDelta::zero());
        self.run_until(until).await
    }

    /// Lets time pass until `time`, written like `2026-03-29T02:30:00Z`.
    ///
    /// # Errors
    /// What the handler returned first; time stops there.
    ///
    /// # Panics
    /// When it is not written so.
    pub async fn advance_to(&mut self, time: &str) -> Result<(), BotError> {
        self.run_until(moment(time)).await
    }

    /// The bot is made anew and started, with the state it had.
    ///
    /// # Panics
    /// When the bot does not accept its settings any more.
    ///
    /// # Errors
    /// What a handler returned.
    pub async fn restart(&mut self) -> Result<(), BotError> {
        self.restart_after(Duration::ZERO).await
    }

    /// Time passes while nobody runs the bot; then it is made anew and started, with the state it had. Missed times
    /// are decided on by their policies.
    ///
    /// # Panics
    /// When the bot does not accept its settings any more.
    ///
    /// # Errors
    /// What a handler returned.
    pub async fn restart_after(&mut self, downtime: Duration) -> Result<(), BotError> {
        self.now += TimeDelta::from_std(downtime).unwrap_or(TimeDelta::zero());
        self.build_again();
        self.deliver(Event::Started).await?;
        for at in 0..self.interests.schedules.len() {
            let spec = &self.interests.schedules[at];
            let seed = self.seed(at);
            let Some(caught) = spec.catch_up(seed, self.decided[at], self.now) else {
                continue;
            };
            self.decided[at] = caught.decided;
            for decision in caught.decisions {
                if let Outcome::Fires { missed } = decision.outcome {
                    self.fire(at, decision.due, missed).await?;
                }
            }
        }
        self.run_until(self.now).await
    }

    async fn run_until(&mut self, until: DateTime<Utc>) -> Result<(), BotError> {
        loop {
            let due = self
                .interests
                .schedules
                .iter()
                .zip(&self.decided)
                .enumerate()
                .filter_map(|(at, (spec, decided))| {
                    let due = spec.schedule.next(*decided)?;
                    Some((spec.comes_at(self.seed(at), due), due, at))
                });
            let next = due.min().filter(|(comes, ..)| *comes <= until);
            let first = next.map_or(until, |(comes, ..)| comes);
            if let Some(wake) = self.state.wake().filter(|wake| *wake <= first) {
                self.now = self.now.max(wake);
                self.deliver(Event::Woken(wake)).await?;
                continue;
            }
            match next {
                None => {
                    self.now = self.now.max(until);
                    return Ok(());
                }
                Some((comes, due, at)) => {
                    self.now = self.now.max(comes);
                    self.decided[at] = due;
                    if self.interests.schedules[at].schedule.excluded(due).is_none() {
                        self.fire(at, due, 0).await?;
                    }
                }
            }
        }
    }

    fn seed(&self, at: usize) -> Seed {
        Seed::of(self.setup.instance(), &self.interests.schedules[at].id)
    }

    async fn fire(&mut self, at: usize, due: DateTime<Utc>, missed: u32) -> Result<(), BotError> {
        let spec = &self.interests.schedules[at];
        let zone = spec.schedule.zone();
        let fired = ScheduleFired {
            id: spec.id.clone(),
            due,
            zone,
            missed,
        };
        self.deliver(Event::Schedule(fired)).await
    }
}

pub(super) fn moment(text: &str) -> DateTime<Utc> {
    text.parse()
        .unwrap_or_else(|error| panic!("`{text}` is no time like 2026-03-29T02:30:00Z: {error}"))
}
