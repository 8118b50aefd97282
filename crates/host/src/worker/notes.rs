//! What a worker lets others know of its work: its line on the status board, its counts, its announcements.

use parlor_bot::Room;
use tokio::time::Instant;

use super::Worker;
use super::intake::Trial;
use crate::events::HostEvent;
use crate::tally::Handled;

impl Worker {
    /// Since when the oldest of what is at hand has waited; `at_hand` is what was taken out to be tried now.
    pub(super) fn note_waiting(&self, at_hand: Option<Instant>) {
        let oldest = at_hand.into_iter().chain(self.intake.oldest()).min();
        let clock = &self.ground.clock;
        self.ground.board.instance(&self.instance.id, |line| {
            line.waiting_since = oldest.map(|since| clock.at(since));
        });
    }

    pub(super) fn note_handled(&self, trial: &Trial) {
        self.ground
            .board
            .instance(&self.instance.id, |line| line.handled += 1);
        self.tally(trial.event.room(), |events| events.handled += 1);
    }

    pub(super) fn note_failure(&self, trial: &Trial, reason: &str) {
        self.ground.board.instance(&self.instance.id, |line| {
            line.failed += 1;
            line.last_error = Some(reason.to_owned());
        });
        self.tally(trial.event.room(), |events| events.failed += 1);
    }

    pub(super) fn note_quarantined(&self, room: Option<&Room>, cause: String, reason: String) {
        self.ground
            .board
            .instance(&self.instance.id, |line| line.quarantined += 1);
        self.tally(room, |events| events.quarantined += 1);
        self.ground.announcer.tell(HostEvent::Quarantined {
            instance: self.instance.id.clone(),
            cause,
            reason,
        });
    }

    fn tally(&self, room: Option<&Room>, change: impl FnOnce(&mut Handled)) {
        let tally = self.ground.announcer.tally();
        tally.event(&self.instance.id, room.map(Room::as_str), change);
    }
}
