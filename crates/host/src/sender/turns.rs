//! When the next post may be sent: as often as its room and its bot allow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::rate::{Bucket, Rate};

/// The rates of all bots, shared by the senders of all rooms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budgets {
    bots: Arc<Mutex<HashMap<String, Bucket>>>,
}

impl Budgets {
    /// Gives a bot a full budget.
    pub(crate) fn set(&self, bot: &str, rate: Option<Rate>) {
        self.lock().insert(bot.to_owned(), Bucket::new(rate));
    }

    /// A bot that is no longer configured keeps the rate it had; one that was not since the start has none.
    fn reserve(&self, bot: &str, now: Instant) -> Instant {
        self.lock().get_mut(bot).map_or(now, |bucket| bucket.reserve(now))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Bucket>> {
        self.bots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turns of one room.
#[derive(Debug)]
pub(crate) struct Turns {
    room: Bucket,
    budgets: Budgets,
    /// Turns of bots that were taken and not used yet. One for each bot and room at most, so that the rooms of a bot
    /// are served in turn.
    taken: HashMap<String, Instant>,
}

impl Turns {
    pub(crate) fn new(room: Option<Rate>, budgets: Budgets) -> Self {
        Self {
            room: Bucket::new(room),
            budgets,
            taken: HashMap::new(),
        }
    }

    /// When the bot's next post into this room may be sent.
    pub(super) fn of_bot(&mut self, bot: &str, now: Instant) -> Instant {
        if let Some(at) = self.taken.get(bot) {
            return *at;
        }
        let at = self.budgets.reserve(bot, now);
        self.taken.insert(bot.to_owned(), at);
        at
    }

    /// The bot's turn was used.
    pub(super) fn used(&mut self, bot: &str) {
        self.taken.remove(bot);
    }

    /// How long the room has to be left alone before the next post.
    pub(super) fn of_room(&mut self, now: Instant) -> Duration {
        self.room.reserve(now) - now
    }

    /// Bots whose turn has not come.
    pub(super) fn held(&self, now: Instant) -> Vec<String> {
        let held = self.taken.iter().filter(|(_, at)| **at > now);
        held.map(|(bot, _)| bot.clone()).collect()
    }

    /// When the next of those turns comes.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        self.taken.values().filter(|at| **at > now).min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rooms_of_a_bot_share_its_rate_in_turn_and_other_bots_do_not_wait() {
        let rate = "1/s".parse().ok();
        let budgets = Budgets::default();
        budgets.set("news", rate);
        budgets.set("help", None);
        let mut rooms = [
            Turns::new(None, budgets.clone()),
            Turns::new(None, budgets.clone()),
        ];
        let start = Instant::now();
        let mut sent = Vec::new();
        for _ in 0..8 {
            let now = Instant::now();
            let ready = rooms
                .iter_mut()
                .enumerate()
                .map(|(room, turns)| (turns.of_bot("news", now), room));
            let (at, room) = ready.min().unwrap();
            tokio::time::sleep_until(at).await;
            rooms[room].used("news");
            sent.push((room, start.elapsed().as_secs()));
        }
        let rooms_served: Vec<_> = sent.iter().map(|(room, _)| *room).collect();
        assert_eq!(rooms_served, [0, 1, 0, 1, 0, 1, 0, 1]);
        assert_eq!(sent.last().unwrap().1, 7);
        let now = Instant::now();
        assert_eq!(rooms[0].of_bot("help", now), now);
        assert_eq!(rooms[0].held(now), ["news"]);
    }
}
